"""What the journal of a run says of each step, as a rollback needs it: what was seen before it acted, what it gave."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from handrail.actions.protocol import Observation
from handrail.model.journal import Event, StepState


@dataclass(frozen=True, slots=True)
class Intent:
    """A step was about to act: what it saw, and the values that were late, by their references."""

    seen: Observation
    late: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Record:
    """What became of one step. `intents`: the first for each set of late values; what was seen later is its own doing.
    `asked`: a person was asked to do it. `attempts`: how often it was begun. `since` and `until`: the last attempt's
    begin and end (ISO 8601, UTC)."""

    state: StepState = "pending"
    intents: tuple[Intent, ...] = ()
    asked: bool = False
    attempts: int = 0
    outputs: Mapping[str, Any] = field(default_factory=dict)
    since: str | None = None
    until: str | None = None

    @property
    def touched(self) -> bool:
        """Whether it may have changed anything. A step that found all done already has not."""
        return self.asked or bool(self.intents)

    @property
    def seconds(self) -> float | None:
        """How long its last attempt took; None while it has not ended."""
        if self.since is None or self.until is None:
            return None
        return max(0.0, (datetime.fromisoformat(self.until) - datetime.fromisoformat(self.since)).total_seconds())


Records = Mapping[str, Record]
"""By step id; steps of which the journal says nothing are not in it."""

_STATES: Mapping[str, StepState] = {
    "begun": "begun",
    "done": "done",
    "skipped": "skipped",
    "failed": "failed",
    "in-doubt": "in-doubt",
    "asked": "waiting",
}


def records_of(events: Iterable[Event]) -> Records:
    """The records of a run from its events, in the order of their commits."""
    found: dict[str, Record] = {}
    for event in events:
        entry = event.entry
        if entry.step is None or entry.kind not in _STATES:
            continue
        one = replace(found.get(entry.step, Record()), state=_STATES[entry.kind])
        if entry.kind == "begun":
            one = replace(
                _begun(one, entry.data), attempts=max(one.attempts, entry.attempt), since=event.at, until=None
            )
        elif entry.kind == "asked":
            one = replace(one, asked=True, since=event.at, until=None)
        else:
            outputs = {**one.outputs, **entry.data.get("outputs", {})}
            one = replace(one, outputs=outputs, since=one.since or event.at, until=event.at)
        found[entry.step] = one
    return found


def _begun(one: Record, data: Mapping[str, Any]) -> Record:
    late = dict(data.get("late", {}))
    if any(intent.late == late for intent in one.intents):
        return one
    before = data.get("before", {})
    seen = Observation(
        before.get("state", "unknown"),
        str(before.get("because", "")),
        before.get("evidence", {}),
        before.get("outputs", {}),
    )
    return replace(one, intents=(*one.intents, Intent(seen, late)))
