"""The events of a run as a stream: a run of a hundred thousand steps is never in memory as a whole."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from handrail.errors import Tampered
from handrail.model.journal import Event
from handrail.running.chain import Head, head_of
from handrail.running.journal import Journal, events_between
from handrail.running.schema import events, lanes

PAGE = 1_000


def stream(journal: Journal, run: str, page: int = PAGE) -> Iterator[Event]:
    """The events of a run up to now, in the order of their commits; whoever reads them checks their chains
    (`chain.Chains`). Tampered at the end when the lanes do not end where the store says."""
    with journal.store.read() as connection:
        last = connection.scalar(sa.select(sa.func.max(events.c.position)).where(events.c.run == run)) or 0
        told = {
            lane: Head(sequence, epoch, tip)
            for lane, sequence, epoch, tip in connection.execute(
                sa.select(lanes.c.lane, lanes.c.sequence, lanes.c.epoch, lanes.c.hash).where(lanes.c.run == run)
            )
        }
    ends: dict[str, Head] = {}
    for begin in range(0, last, page):
        for event in events_between(journal, run, begin, min(begin + page, last)):
            ends[event.lane] = head_of(event)
            yield event
    if ends != told:
        raise Tampered(
            f"The journal of run {run} does not end where its lanes say: events are missing.",
            "Do not go on with this run; take the store from a backup and find out who changed it.",
        )
