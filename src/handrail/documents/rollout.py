"""What can be wrong with a rollout, beyond keys and types; and its times as numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import time

from handrail.documents.read import Keys
from handrail.model.estate import Rollout, Wave, Window

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_TIME = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")

Mistake = tuple[Keys, str, str]
"""Where in the rollout, what is wrong, what to do."""


def seconds(text: str) -> float | None:
    """A length of time such as `90s`, `30m`, `4h` or `2d`, in seconds; None when it is none."""
    found = re.fullmatch(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)\s*([smhd])", text)
    return float(found[1]) * _UNITS[found[2]] if found else None


def time_of_day(text: str) -> time | None:
    """`22:00`; None when it is none."""
    found = _TIME.fullmatch(text)
    return time(int(found[1]), int(found[2])) if found else None


def mistakes_of(rollout: Rollout) -> Iterator[Mistake]:
    names: set[str] = set()
    for number, wave in enumerate(rollout.waves):
        keys: Keys = ("waves", number)
        if not wave.name or re.search(r"[\s/@]", wave.name):
            yield (
                (*keys, "name"),
                f"The wave's name {wave.name!r} is empty or holds '/', '@' or a space.",
                "Use another.",
            )
        if wave.name in names:
            yield (*keys, "name"), f"There are two waves called {wave.name!r}.", "Give each a name of its own."
        names.add(wave.name)
        for rest, message, advice in _of_wave(wave):
            yield (*keys, *rest), message, advice
    budget = rollout.budget
    if budget is not None:
        if (budget.hosts is None) == (budget.percent is None):
            yield ("budget",), "A budget is a number of hosts or a percentage.", "Write {hosts: 5} or {percent: 2}."
        elif (budget.hosts or 0) < 1 and not 0 < (budget.percent or 0) <= 100:
            advice = "Leave it out: then whatever fails stops what comes after it."
            yield ("budget",), "A budget lets at least one host fail, and at most all.", advice
    for number, window in enumerate(rollout.windows):
        for message, advice in _of_window(window):
            yield ("windows", number), message, advice


def _of_wave(wave: Wave) -> Iterator[Mistake]:
    if wave.size is not None and wave.percent is not None:
        yield (), "A wave has a size or a percentage, not both.", "Leave one of them out."
    if wave.size is not None and wave.size < 1:
        yield ("size",), "A wave takes at least one host.", ""
    if wave.percent is not None and not 0 < wave.percent <= 100:
        yield ("percent",), "A percentage is between 0 and 100.", ""
    if wave.repeat and wave.size is None and wave.percent is None:
        yield ("repeat",), "A wave that takes all hosts has nothing to repeat.", "Give it a size or a percentage."
    if wave.soak is not None and seconds(wave.soak) is None:
        yield ("soak",), f"{wave.soak!r} is no length of time.", "Write it like 30m, 4h or 2d."


def _of_window(window: Window) -> Iterator[tuple[str, str]]:
    for text in (window.from_, window.to):
        if time_of_day(text) is None:
            yield f"{text!r} is no time of day.", 'Write it like "22:00", in quotes.'
    if time_of_day(window.from_) == time_of_day(window.to):
        yield "A window must end at another time than it begins.", "Leave the window out if any time will do."
    if not is_zone(window.zone):
        yield f"{window.zone!r} is no time zone that is known here.", "Write it like Europe/Berlin, or UTC."


def is_zone(name: str) -> bool:
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # KeyError: ZoneInfoNotFoundError
        return False
    return True
