"""Whether what a store has of a run is whole: every hash, every chain, its plan, what the store says about it.

Read as a stream: of the largest run no more than the ends of its lanes are held.
"""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from handrail.errors import HandrailError, Tampered
from handrail.model.journal import Event
from handrail.running.chain import ADVICE, Chains, Head, digest
from handrail.running.protocol import RunRow
from handrail.running.rows import FIELDS, check_row, event_of
from handrail.running.schema import events, lanes, plans, runs

BATCH = 1_000
"""Events that are fetched at a time."""


def check_run(connection: sa.Connection, run: str) -> int:
    """How many events the run has. Tampered when anything is not as it was written.

    A run whose row is not there (yet) is checked without it; so are approvals, which belong to no run."""
    chains = Chains(run)
    first: Event | None = None
    for event in events_of(connection, run):
        first = first or event
        chains.take(event)
    if heads_of(connection, run) != chains.heads:
        raise Tampered(f"The journal of run {run} does not end where its lanes say: events are missing.", ADVICE)
    row = connection.execute(sa.select(runs).where(runs.c.run == run)).one_or_none()
    if row is not None:
        check_row(RunRow(*row), first)
    if first is not None and first.entry.kind == "created":
        document = connection.scalar(sa.select(plans.c.document).where(plans.c.digest == first.entry.data["plan"]))
        if document is None or digest(document) != first.entry.data.get("document"):
            raise Tampered(f"The plan stored for run {run} is not the one that it began with.", ADVICE)
    return chains.position


def events_of(connection: sa.Connection, run: str, behind: int = 0) -> Iterator[Event]:
    """The events of a run behind a position, in the order of their commits; nothing is checked."""
    query = sa.select(*FIELDS).where(events.c.run == run, events.c.position > behind).order_by(events.c.position)
    for row in connection.execute(query.execution_options(yield_per=BATCH)):
        yield event_of(row)


def heads_of(connection: sa.Connection, run: str) -> dict[str, Head]:
    """The ends of all lanes of a run, as the store has them."""
    query = sa.select(lanes.c.lane, lanes.c.sequence, lanes.c.epoch, lanes.c.hash).where(lanes.c.run == run)
    return {lane: Head(sequence, epoch, tip) for lane, sequence, epoch, tip in connection.execute(query)}


def wrong_with(connection: sa.Connection, run: str) -> tuple[int, str]:
    """How many events a run has, and what is wrong with them: nothing when all is whole."""
    try:
        return check_run(connection, run), ""
    except HandrailError as error:
        number = sa.select(sa.func.count()).where(events.c.run == run)
        return connection.scalar(number) or 0, error.message
