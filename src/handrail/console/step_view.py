"""One step of a run: how it stands, what its host says, everything that its journal says of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jinja2 import Environment

from handrail.console.following import Follower, Following
from handrail.console.live import Frame
from handrail.console.output import said_of
from handrail.console.run_view import doing
from handrail.console.showing import SIGNS, Places
from handrail.model.journal import Event
from handrail.reporting import words
from handrail.reporting.page import Tone
from handrail.running.clock import moment
from handrail.running.holds import PLAYED

MOST = 200
"""Events of one step that are shown, the last ones."""
OUTPUT = 60_000
"""Characters of an output that are shown, from its end."""

_WORDS: Mapping[str, tuple[str, Tone]] = {
    "begun": ("Begun", "plain"),
    "done": ("Done", "good"),
    "skipped": ("Skipped", "quiet"),
    "failed": ("Failed", "bad"),
    "in-doubt": ("In doubt", "bad"),
    "asked": ("Asked", "warn"),
    "agreed": ("Agreed", "plain"),
    "answered": ("Answered", "plain"),
}


@dataclass(frozen=True, slots=True)
class Told:
    """What one event says of the step."""

    word: str
    tone: Tone
    at: datetime
    position: int
    attempt: int
    text: str
    log: str
    exit: int | None
    facts: tuple[tuple[str, str], ...]


class StepView:
    """One step of a run, for its page and for all who watch it."""

    def __init__(self, following: Following, templates: Environment, run: str, step: str) -> None:
        self.run = run
        self.step = step
        self._following = following
        self._templates = templates
        self._events: tuple[int, list[Told]] = (-1, [])

    def look(self) -> Frame:
        """The step as it is now."""
        follower = self._following.follower(self.run)
        values = self.values(follower)
        made = self._templates.get_template("run/step.html").render(values)
        part = self._following.session.secrets.redact(made)
        return Frame(follower.position, {"step": part}, still=values["status"].state in ("done", "skipped"))

    def values(self, follower: Follower) -> dict[str, Any]:
        """What the templates are given."""
        session = self._following.session
        now = session.clock.now()
        with follower.lock:
            position = follower.position
            status = follower.schedule.one(self.step)
            found = follower.busy(status.state) if status.state not in ("pending", "done", "skipped") else []
            mine = [one for one in found if one.step.id == self.step]
            step = follower.schedule.step(self.step)
            number = follower.schedule.position(self.step) + 1
        places = Places(f"/runs/{self.run}")
        under_way = doing(follower, mine[0], places, now) if mine else None
        if self._events[0] < position:
            self._events = (position, [told(one) for one in session.journal.of_step(self.run, self.step)[-MOST:]])
        return {
            "run": follower.row,
            "step": step,
            "number": number,
            "status": status,
            "names": SIGNS,
            "now": now,
            "doing": under_way,
            "output": said_of(session, follower, step.host, under_way.since)
            if under_way and status.state == "begun"
            else (),
            "for_workers": follower.for_workers,
            "events": self._events[1],
        }


def told(event: Event) -> Told:
    """An event of a step as its page shows it."""
    entry, data = event.entry, event.entry.data
    word, tone = _WORDS.get(entry.kind, (entry.kind, "plain"))
    if entry.kind in ("agreed", "answered"):
        note = f" ({data['note']})" if data.get("note") else ""
        who = "nobody: on the twin, people are played" if data.get("who") in PLAYED else data.get("who")
        text = f"{data.get('answer')}, says {who}{note}"
    else:
        before = data.get("before")
        seen = before.get("because", "") if isinstance(before, Mapping) else ""
        error = f"[{data['error']}] " if data.get("error") else ""
        text = f"{error}{data.get('because') or seen}"
    exit_code = data.get("exit")
    return Told(
        word,
        tone,
        moment(event.at),
        event.position,
        entry.attempt,
        text,
        str(data.get("log", ""))[-OUTPUT:],
        exit_code if isinstance(exit_code, int) else None,
        tuple(_facts(data)),
    )


def _facts(data: Mapping[str, Any]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    before = data.get("before")
    if isinstance(before, Mapping):
        found += [(f"before: {name}", _text(value)) for name, value in dict(before.get("evidence", {})).items()]
    for part in ("evidence", "outputs", "late"):
        given = data.get(part)
        if isinstance(given, Mapping):
            found += [
                (name if part == "evidence" else f"{part}: {name}", _text(value)) for name, value in given.items()
            ]
    return found


def _text(value: Any) -> str:
    text = words.value(value) if not isinstance(value, Mapping) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 4_000 else text[:4_000] + "…"
