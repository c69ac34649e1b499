"""The pages of runs: all of them, one as it stands and goes on, its hosts, its steps."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from handrail.console.answers import panel_of
from handrail.console.context import console_of
from handrail.console.desk import desk_of
from handrail.console.following import Follower
from handrail.console.guarding import Person, lasts, viewer
from handrail.console.lanes import STANDINGS
from handrail.console.live import View
from handrail.console.looking import looking_of
from handrail.console.rendering import render
from handrail.console.run_view import asked
from handrail.console.showing import Asked, Places, hosts_asked, shown
from handrail.console.step_view import StepView
from handrail.errors import HandrailError
from handrail.model.journal import RunState
from handrail.running.clock import moment
from handrail.running.journal import Journal, RunRow

PAGE = 20
"""Runs on a page."""
READING = 4.0
"""Seconds for which a page waits for the plan of a run; then it says that it is being read, and comes again."""
PATIENCE = 0.7
"""Seconds for which a page waits until it can say what going back would cost."""
LOOK_BACK = 12
"""Events, from the last one on, in which the end of a run that has ended is found."""

KEYS: Mapping[str, tuple[str, str]] = {
    "running": ("begun", "running"),
    "waiting": ("waiting", "waits for a person"),
    "failed": ("failed", "failed"),
    "in-doubt": ("in-doubt", "in doubt"),
    "succeeded": ("done", "succeeded"),
    "rolled-back": ("skipped", "rolled back"),
    "interrupted": ("interrupted", "interrupted"),
    "moved": ("skipped", "moved"),
}
"""How a run's state is signed and called; a run that nobody carries on is interrupted."""


@dataclass(frozen=True, slots=True)
class RunLine:
    """A run in the list. `key` and `word`: the sign and the name of its state."""

    row: RunRow
    key: str
    word: str
    began: datetime
    note: str = ""


Viewer = Annotated[Person, Depends(viewer)]


def make_router() -> APIRouter:
    router = APIRouter(include_in_schema=False, dependencies=[Depends(viewer)])

    @router.get("/runs")
    def runs(request: Request, page: Annotated[int, Query(ge=1, le=1_000_000)] = 1) -> Response:
        rows = console_of(request).session.runs()[::-1]
        pages = max(1, -(-len(rows) // PAGE))
        number = min(page, pages)
        mine = rows[(number - 1) * PAGE : number * PAGE]
        return render(request, "runs.html", rows=run_lines(request, mine), number=number, pages=pages)

    @router.get("/runs/{run}")
    def run_page(request: Request, run: str) -> Response:
        desk_of(request)  # it knows what was started here
        looking = looking_of(request)
        follower = looking.following.ready(run, READING)
        if follower is None:
            return render(request, "desk/being-read.html", run=console_of(request).session.journal.row(run))
        looking.pricing.wait(run, follower.plan, follower.position, PATIENCE)
        with follower.lock:
            values = looking.view(run).values(follower)
            panel = panel_of(request, run, follower.plan, follower.schedule)
        return render(
            request,
            "run.html",
            **values,
            panel=panel,
            over=follower.is_over,
            began=moment(follower.row.created),
            lanes_waves=[one.name for one in follower.study.lanes.waves],
        )

    @router.get("/runs/{run}/asking")
    def asking(request: Request, run: str) -> Response:
        follower = looking_of(request).following.follower(run)
        with follower.lock:
            panel = panel_of(request, run, follower.plan, follower.schedule)
            return render(request, "run/asking.html", panel=panel, run=follower.row, asked=asked(follower))

    @router.get("/runs/{run}/live")
    async def live(request: Request, person: Viewer, run: str, step: str = "") -> Response:
        looking = looking_of(request)
        follower = await run_in_threadpool(looking.following.follower, run)
        view: View = looking.view(run)
        if step:
            demand_step(follower, step)
            view = looking.step_view(run, step)
        if not looking.hub.has_room(person.name):
            raise HTTPException(503, "Too many live pages are open.")
        stream = looking.hub.listen(
            (run, step),
            lambda: view,
            who=person.name,
            last=request.headers.get("last-event-id", "")[:100],
            lasts=lambda: lasts(request),
        )
        return StreamingResponse(stream, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})

    @router.get("/runs/{run}/hosts")
    def hosts(
        request: Request,
        run: str,
        fold: Annotated[str, Query(max_length=40)] = "",
        find: Annotated[str, Query(max_length=200)] = "",
        state: Annotated[str, Query(max_length=40)] = "",
        wave: Annotated[str, Query(max_length=200)] = "",
        page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
    ) -> Response:
        follower = looking_of(request).following.follower(run)
        given = Asked(fold, find, state, wave, page)
        places = Places(f"/runs/{run}")
        with follower.lock:
            lanes = follower.study.lanes
            found = hosts_asked(lanes, given, follower.standing)
            some = shown(lanes, places, states=follower.states, standing=follower.standing, only=found.lanes)
        return render(
            request,
            "hosts.html",
            name=f"Run {run}",
            places=places,
            given=given,
            page=found,
            lanes=some,
            standings=STANDINGS,
            lanes_waves=[one.name for one in lanes.waves],
        )

    @router.get("/runs/{run}/steps/{step:path}")
    def step_page(request: Request, run: str, step: str) -> Response:
        looking = looking_of(request)
        follower = looking.following.follower(run)
        demand_step(follower, step)
        values = StepView(looking.following, request.app.state.templates, run, step).values(follower)
        planned = Places(f"/plans/{follower.plan.digest}").step_named(step)
        return render(request, "run-step.html", **values, planned=planned, places=Places(f"/runs/{run}"))

    return router


def demand_step(follower: Follower, step: str) -> None:
    """HTTPException 404 when the run's plan has no such step."""
    if step not in follower.states:
        raise HTTPException(404, "The plan of this run has no such step.")


def run_lines(request: Request, rows: list[RunRow]) -> list[RunLine]:
    """These runs as a list shows them. Of those that have ended, how is read from their last events; only the others
    are followed."""
    console = console_of(request)
    taken_back = console.session.taken_back()
    lines = []
    end = time.monotonic() + READING
    for row in rows:
        state: str | None = "rolled-back" if row.run in taken_back else ended(console.session.journal, row.run)
        note = ""
        if state is None:
            try:
                follower = looking_of(request).following.ready(row.run, max(0.0, end - time.monotonic()))
                if follower is None:
                    lines.append(RunLine(row, "pending", "being read", moment(row.created)))
                    continue
                state = follower.state
                if follower.moved_to is not None:
                    state, note = "moved", f"to the store {follower.moved_to}"
                elif state == "running" and not follower.is_attended():
                    state, note = "interrupted", "nobody carries it on"
            except HandrailError as error:
                state, note = "failed", error.message
        key, word = KEYS[state]
        lines.append(RunLine(row, key, word, moment(row.created), note))
    return lines


def ended(journal: Journal, run: str) -> RunState | None:
    """As what the run has ended, when it has and was not taken up again."""
    for event in journal.latest(run, LOOK_BACK):
        if event.entry.kind == "ended":
            state: RunState = event.entry.data["state"]
            return state
        if event.entry.kind in ("taken", "moved") or event.entry.step is not None:
            return None
    return None
