"""The faults that a rehearsal knows: what each is, and which steps it can befall.

After a fault the run is gone on with by another process; some faults have to be mended by somebody first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from handrail.errors import BadInput, UnknownName
from handrail.rehearsing import media, strikes
from handrail.rehearsing.strikes import Place, Struck

Then = Literal["resume", "rollback"]


@dataclass(frozen=True, slots=True)
class Fault:
    """`says` completes the sentence "At this step ...". `befalls`: whether it can happen there. `then`: what is tried
    after it. `mended`: what somebody does before the run goes on."""

    name: str
    says: str
    befalls: Callable[[Place], bool]
    strike: Callable[[Place], Struck]
    then: tuple[Then, ...] = ("resume", "rollback")
    mended: str = ""


def _intends(place: Place) -> bool:
    return place.visit.begun or place.visit.asked


def _acts(place: Place) -> bool:
    return place.deciding is not None


def _commands(place: Place) -> bool:
    return place.deciding is not None and place.deciding.verb == "execute"


def _asks(place: Place) -> bool:
    return place.look is not None


def _played(place: Place) -> bool:
    return place.step.kind == "person" and place.visit.asked and place.step.host is not None


def _only_files(place: Place) -> bool:
    """Whether half of it can be there: a copy, an export, a backup, a restore."""
    asked = place.deciding
    kinds = {one.kind for one in asked.effects} if asked else set()
    # Writing a file is done or not: that is what hosts promise.
    return asked is not None and asked.verb == "execute" and kinds <= {"file", "folder", "backup", "keys", "other"}


def _in_a_job(place: Place) -> bool:
    asked = place.deciding
    return asked is not None and asked.what.startswith("schtasks /run")


def _copies(place: Place) -> bool:
    return _only_files(place) and (place.step.kind == "back-up" or "copy" in place.step.uses)


def _proved(place: Place) -> bool:
    """Whether some way back rests on the proof that this step makes."""
    steps = place.journey.plan.steps
    return place.step.kind == "prove" and any(place.step.id in one.way_back.from_ for one in steps)


FAULTS: Mapping[str, Fault] = {
    one.name: one
    for one in (
        Fault(
            "killed-before-intent",
            "we are killed before we write what we mean to do",
            _intends,
            strikes.KilledBeforeIntent,
        ),
        Fault("killed-after-intent", "we are killed when the intent is written", _intends, strikes.KilledAfterIntent),
        Fault(
            "killed-after-effect",
            "we are killed when it has taken effect",
            lambda place: _acts(place) or _played(place),
            strikes.KilledAfterEffect,
        ),
        Fault(
            "killed-before-outcome",
            "we are killed before we write what came of it",
            lambda place: place.visit.state == "done",
            strikes.KilledBeforeOutcome,
        ),
        Fault("lost-undone", "the line is lost and the command was never begun", _asks, strikes.LostUndone),
        Fault("lost-done", "the line is lost and the command was done", _acts, strikes.LostDone),
        Fault(
            "lost-half",
            "the line is lost and half of the command was done",
            lambda place: _only_files(place) and not _in_a_job(place),
            strikes.LostHalf,
        ),
        Fault(
            "succeeds-undone", "the command says exit code 0 and has done nothing", _commands, strikes.SucceedsUndone
        ),
        Fault("fails-done", "the command says failure and has done it", _acts, strikes.FailsDone),
        Fault(
            "fails-undone",
            "the command says failure and has done nothing",
            _acts,
            strikes.FailsUndone,
            mended="Tried again.",
        ),
        Fault("times-out-undone", "time runs out and nothing was done", _asks, strikes.TimesOutUndone),
        Fault("times-out-done", "time runs out and it was done", _acts, strikes.TimesOutDone),
        Fault("restarts", "the host restarts in the middle", _asks, strikes.Restarts),
        Fault(
            "disk-full",
            "the disk is full in the middle",
            _copies,
            strikes.DiskFull,
            mended="Somebody frees some space.",
        ),
        Fault(
            "service-sticks",
            "the service neither stops nor starts",
            lambda place: _acts(place) and place.step.uses in ("service.stop", "service.start"),
            strikes.ServiceSticks,
            mended="An administrator ends its process.",
        ),
        Fault(
            "wrong-medium",
            "another medium lies where the right one should",
            lambda place: _asks(place) and media.read_by(place.step, place.before) is not None,
            strikes.WrongMedium,
            mended="Somebody puts the right one there.",
        ),
        Fault("two-runners", "another process takes the run over", _acts, strikes.TwoRunners),
        Fault(
            "backup-unreadable",
            "the backup is damaged after it was proved",
            _proved,
            strikes.BackupUnreadable,
            then=("rollback",),
        ),
    )
}
"""In the order in which they are shown."""


def chosen(names: str) -> tuple[Fault, ...]:
    """`all`, `none`, or names with commas between them. UnknownName; BadInput when there is no name."""
    if names == "all":
        return tuple(FAULTS.values())
    if names == "none":
        return ()
    listed = [one.strip() for one in names.split(",") if one.strip()]
    if not listed:
        raise BadInput("--faults names no fault.", "Write all, none, or names with commas between them.")
    for one in listed:
        if one not in FAULTS:
            raise UnknownName("fault", one, FAULTS)
    return tuple(fault for fault in FAULTS.values() if fault.name in listed)
