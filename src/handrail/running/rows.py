"""Events as rows of a store, and back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from handrail.errors import Tampered
from handrail.model.journal import Entry, Event
from handrail.running.chain import canonical
from handrail.running.protocol import RunRow
from handrail.running.schema import events

FIELDS = tuple(
    events.c[name]
    for name in (
        *("run", "lane", "sequence", "epoch", "at", "kind", "step", "attempt", "data"),
        *("previous", "hash", "position"),
    )
)
"""In the order in which `event_of` takes them."""


def row_of(event: Event) -> dict[str, Any]:
    entry = event.entry
    return {
        "run": event.run,
        "lane": event.lane,
        "sequence": event.sequence,
        "position": event.position,
        "epoch": event.epoch,
        "at": event.at,
        "kind": entry.kind,
        "step": entry.step,
        "attempt": entry.attempt,
        "data": canonical(entry.data),
        "previous": event.previous,
        "hash": event.hash,
    }


def event_of(row: Sequence[Any]) -> Event:
    """Tampered when its data is not written as we write it."""
    run, lane, sequence, epoch, at, kind, step, attempt, text, previous, tip, position = row
    try:
        data = json.loads(text)
        if not isinstance(data, dict) or canonical(data) != text:
            raise ValueError(text)
    except (ValueError, TypeError) as error:
        raise Tampered(f"An event of run {run} (lane {lane}, number {sequence}) is not as it was written.") from error
    return Event(run, lane, sequence, epoch, at, Entry(kind, step, attempt, data), previous, tip, position)


def check_row(row: RunRow, first: Event | None) -> None:
    """Tampered when a run does not begin with what the store says about it."""
    data = first.entry.data if first else {}
    told = (data.get("plan"), data.get("estate"), data.get("target"), data.get("who"))
    if first is None or first.entry.kind != "created" or first.at != row.created:
        raise Tampered(f"The journal of run {row.run} does not begin with its creation.")
    if told != (row.plan, row.estate, row.target, row.who):
        raise Tampered(f"What the store says about run {row.run} is not what its journal says.")
