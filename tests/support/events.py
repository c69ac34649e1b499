"""A run without a journal: events made by hand, in the order of their commits, told to a schedule."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from handrail.model.journal import PEOPLE_LANE, RUN_LANE, Entry, Event, EventKind
from handrail.model.plan import Plan
from handrail.running.clock import stamp
from handrail.running.scheduler import Schedule, lane_of

START = datetime(2026, 11, 20, 22, tzinfo=UTC)


class Told:
    """A schedule and all events that it was told."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.events: list[Event] = []
        self.schedule = Schedule(plan)
        self.tell(RUN_LANE, Entry("created", data={"who": "adam"}))

    def tell(self, lane: str, entry: Entry) -> None:
        position = len(self.events) + 1
        at = stamp(START + timedelta(seconds=position))
        event = Event("run", lane, position, 1, at, entry, "", "", position)
        self.events.append(event)
        self.schedule.apply(event)

    def step(self, kind: EventKind, name: str, attempt: int = 1, **data: Any) -> None:
        self.tell(lane_of(self.schedule.step(name)), Entry(kind, name, attempt, data))

    def answer(self, name: str, said: str, asked: int | None = None) -> None:
        question = self.schedule.question(name) if asked is None else asked
        self.tell(PEOPLE_LANE, Entry("answered", name, data={"answer": said, "asked": question}))

    def take_over(self) -> None:
        """Another runner takes all lanes."""
        for lane in (RUN_LANE, *self.schedule.lanes):
            self.tell(lane, Entry("taken"))

    def again(self) -> Schedule:
        """What a new process makes of the same events."""
        return Schedule(self.plan).apply_all(self.events)

    def open(self) -> list[str]:
        """The open moves as `KIND NAME`, names cut to their last part."""
        return [f"{move.kind} {move.step.rpartition('/')[2]}" for move in self.schedule.moves()]
