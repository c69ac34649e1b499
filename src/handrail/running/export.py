"""A run as lines of JSON: its plan first, then every event in the order of their commits, then how it stood.

Such a file can be kept for years and read by a newer Handrail: the chains in it are checked like those of a store.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from handrail.documents.plan import plan_from_json, plan_to_json
from handrail.errors import BadInput, Tampered
from handrail.model.journal import Entry, Event, RunStatus
from handrail.model.plan import Plan
from handrail.running.chain import Head, check, head_of
from handrail.running.status import status_to_json

SCHEMA = "handrail/journal/v1"


@dataclass(frozen=True, slots=True)
class Exported:
    """A run, read back. `status` is the document `handrail/run/v1` as it was when it was written."""

    run: str
    target: str
    plan: Plan
    events: tuple[Event, ...]
    status: Mapping[str, Any]


def lines_of(run: str, target: str, plan: Plan, events: Iterable[Event], status: RunStatus) -> Iterator[str]:
    """The lines, without their ends."""
    yield _line({"schema": SCHEMA, "run": run, "target": target, "plan": plan_to_json(plan)})
    for event in events:
        yield _line(event_to_json(event))
    yield _line({"status": status_to_json(status)})


def event_to_json(event: Event) -> dict[str, Any]:
    entry = event.entry
    return {
        "position": event.position,
        "lane": event.lane,
        "sequence": event.sequence,
        "epoch": event.epoch,
        "at": event.at,
        "kind": entry.kind,
        "step": entry.step,
        "attempt": entry.attempt,
        "data": dict(entry.data),
        "previous": event.previous,
        "hash": event.hash,
    }


def read_lines(lines: Iterable[str], file: str) -> Exported:
    """What `lines_of` wrote. BadInput when it is no such file; Tampered when plan or events are not as they were."""
    documents = [_read(line, number, file) for number, line in enumerate(lines, start=1) if line.strip()]
    if len(documents) < 2 or documents[0].get("schema") != SCHEMA or "status" not in documents[-1]:
        raise BadInput(f"{file} holds no run.", f"It must have been written by `handrail journal` ({SCHEMA}).")
    first, status = documents[0], documents[-1]["status"]
    try:
        run, target = str(first["run"]), str(first["target"])
        events = tuple(event_from_json(run, one) for one in documents[1:-1])
    except (KeyError, TypeError) as error:
        raise BadInput(f"{file}: an event lacks {error}.", "It is not as it was written.") from error
    heads: dict[str, Head] = {}
    for event in events:
        heads[event.lane] = head_of(event)
    check(run, events, heads)
    plan = plan_from_json(first["plan"])
    if events and events[0].entry.data.get("plan") != plan.digest:
        raise Tampered(f"{file}: the plan is not the one that the run began with.")
    return Exported(run, target, plan, events, status)


def _read(line: str, number: int, file: str) -> Any:
    try:
        document = json.loads(line)
    except ValueError as error:
        raise BadInput(f"{file}:{number}: this is no JSON.") from error
    if not isinstance(document, dict):
        raise BadInput(f"{file}:{number}: this is no object.")
    return document


def event_from_json(run: str, one: Mapping[str, Any]) -> Event:
    """What `event_to_json` made. KeyError or TypeError when it is no event."""
    entry = Entry(one["kind"], one["step"], one["attempt"], one["data"])
    return Event(
        run, one["lane"], one["sequence"], one["epoch"], one["at"], entry, one["previous"], one["hash"], one["position"]
    )


def _line(document: Mapping[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
