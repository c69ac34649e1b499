"""Journals: the events of a run, page by page, and whether their chains hold."""

from __future__ import annotations

import json
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, get_args
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from handrail.console.context import console_of
from handrail.console.guarding import viewer
from handrail.console.rendering import render
from handrail.errors import Tampered
from handrail.model.journal import Event, EventKind
from handrail.running.export import lines_of
from handrail.running.session import Session

LENGTH = 100
KEPT = 50
SHARE = 20.0
"""What a check came to holds for so many times as long as it took."""
LONG = 400
"""Characters of what an event holds that are shown unfolded,"""
LONGEST = 20_000
"""and folded; the lines of JSON have all of it."""


@dataclass(frozen=True, slots=True)
class Chained:
    """What checking the chains of a run came to, up to an event. `trouble` says what does not hold."""

    position: int
    events: int
    trouble: str = ""


class Checks:
    """Whether the chains of runs hold. What took long to find out holds for a while, unless events have come."""

    def __init__(self, session: Session, clock: Callable[[], float] = time.monotonic) -> None:
        self._session = session
        self._clock = clock
        self._until: dict[str, float] = {}
        self._lock = threading.Lock()
        self._known: OrderedDict[str, Chained] = OrderedDict()

    def of(self, run: str) -> Chained:
        last = next(iter(self._session.journal.latest(run, 1)), None)
        position = last.position if last is not None else 0
        with self._lock:
            known = self._known.get(run)
            until = self._until.get(run, 0.0)
        began = self._clock()
        if known is not None and known.position == position and began < until:
            return known
        try:
            found = Chained(position, len(self._session.events(run)))
        except Tampered as error:
            found = Chained(position, 0, error.message)
        ended = self._clock()
        with self._lock:
            self._known[run] = found
            self._until[run] = ended + SHARE * (ended - began)
            while len(self._known) > KEPT:
                self._until.pop(self._known.popitem(last=False)[0], None)
        return found


@dataclass(frozen=True, slots=True)
class Line:
    """An event for people: `said` is what its data says in a sentence, `data` all of it."""

    event: Event
    said: str
    data: str


def checks_of(request: Request) -> Checks:
    state = request.app.state
    found = getattr(state, "checks", None)
    if found is None:
        found = state.checks = Checks(console_of(request).session)
    assert isinstance(found, Checks)
    return found


def line_of(event: Event) -> Line:
    told = event.entry.data
    parts = [str(told[name]) for name in ("because", "note", "error") if told.get(name)]
    if told.get("who"):
        answer = f"{told['answer']}, " if told.get("answer") else ""
        parts.insert(0, f"{answer}{told['who']}")
    data = json.dumps(dict(told), ensure_ascii=False, indent=1, default=str)
    if len(data) > LONGEST:
        data = f"{data[:LONGEST]}\n… {len(data) - LONGEST:,} characters more, in the lines of JSON"
    return Line(event, "; ".join(parts)[:LONG], data)


def make_router() -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/runs/{run}/journal", dependencies=[Depends(viewer)])
    def journal(
        request: Request,
        run: str,
        lane: Annotated[str, Query(max_length=300)] = "",
        step: Annotated[str, Query(max_length=1000)] = "",
        kind: Annotated[str, Query(max_length=40)] = "",
        after: Annotated[int, Query(ge=0, le=2**53)] = 0,
    ) -> Response:
        session = console_of(request).session
        row = session.journal.row(run)
        wanted = {"lane": lane.strip(), "step": step.strip(), "kind": kind.strip()}
        found = session.journal.some(row.run, after, LENGTH + 1, **wanted)
        shown = found[:LENGTH]
        asked = {name: value for name, value in wanted.items() if value}
        more = f"/runs/{row.run}/journal?{urlencode({**asked, 'after': shown[-1].position})}" if found[LENGTH:] else ""
        return render(
            request,
            "desk/journal.html",
            run=row,
            lines=[line_of(event) for event in shown],
            wanted=wanted,
            after=after,
            more=more,
            first=f"/runs/{row.run}/journal" + (f"?{urlencode(asked)}" if asked else ""),
            kinds=get_args(EventKind),
            chained=checks_of(request).of(row.run),
        )

    @router.get("/runs/{run}/journal.jsonl", dependencies=[Depends(viewer)])
    def export(request: Request, run: str) -> Response:
        """The same as `handrail journal`."""
        session = console_of(request).session
        row = session.journal.row(run)
        lines = lines_of(row.run, row.target, session.plan(row.run), session.events(row.run), session.status(row.run))

        def told() -> Iterator[str]:
            return (f"{session.secrets.redact(line)}\n" for line in lines)

        name = f"{row.run}.jsonl"
        headers: dict[str, Any] = {"Content-Disposition": f'attachment; filename="{name}"'}
        return StreamingResponse(told(), media_type="application/jsonl", headers=headers)

    return router
