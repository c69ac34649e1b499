"""Where a run goes on. One that was moved to another store goes on there, and nowhere else.

A move leaves two events in the lane of people: `moved`, at which the old store's journal ends, and `arrived`, with
which that of the new one goes on. So a run whose last event in that lane is `moved` is gone; as long as it is, nothing
is appended to its journal here, and a store can tell by looking at one event.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from handrail.errors import BadInput
from handrail.model.journal import PEOPLE_LANE, Event
from handrail.running.schema import events, lanes


@dataclass(frozen=True, slots=True)
class Departure:
    """Where a run went (a store's name, without a password), and when (ISO 8601, UTC)."""

    to: str
    at: str

    def says(self, run: str) -> str:
        at = f"{self.at[:10]} at {self.at[11:16]} UTC"
        return f"Run {run} was moved to the store {self.to} on {at} and goes on there, not here."

    def refusal(self, run: str) -> BadInput:
        return BadInput(self.says(run), "Name that store with --store, or its folder with HANDRAIL_HOME.")


def refuse_departed(found: Departure | None, run: str) -> None:
    """BadInput when the run went to another store."""
    if found is not None:
        raise found.refusal(run)


def departure_in(found: Iterable[Event]) -> Departure | None:
    """Where a run went by its own events; None when it is here."""
    last: Event | None = None
    for event in found:
        if event.lane == PEOPLE_LANE:
            last = event
    return Departure(str(last.entry.data["to"]), last.at) if last is not None and last.entry.kind == "moved" else None


def departure_of(connection: sa.Connection, run: str) -> Departure | None:
    """The same, asked of the store; the chain is not checked."""
    row = connection.execute(_LAST.where(lanes.c.run == run)).first()
    return Departure(str(json.loads(row.data)["to"]), row.at) if row is not None else None


def departures(connection: sa.Connection) -> dict[str, Departure]:
    """All runs of a store that went to others."""
    return {row.run: Departure(str(json.loads(row.data)["to"]), row.at) for row in connection.execute(_LAST)}


def dispatch_of(connection: sa.Connection, run: str) -> str | None:
    """Who carries a run out that came from another store: `workers`, or `process`; None when it began here."""
    query = (
        sa.select(events.c.data)
        .where(events.c.run == run, events.c.lane == PEOPLE_LANE, events.c.kind == "arrived")
        .order_by(events.c.sequence.desc())
        .limit(1)
    )
    text = connection.scalar(query)
    return str(json.loads(text)["dispatch"]) if text is not None else None


_LAST = (
    sa.select(lanes.c.run, events.c.at, events.c.data)
    .select_from(lanes)
    .join(
        events,
        sa.and_(
            events.c.run == lanes.c.run,
            events.c.lane == lanes.c.lane,
            events.c.sequence == lanes.c.sequence,
        ),
    )
    .where(lanes.c.lane == PEOPLE_LANE, events.c.kind == "moved")
)
"""The ends of the lanes of people that are departures."""
