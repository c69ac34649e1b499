"""The first page: what needs a person now, what goes on, and the newest runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from handrail.console.answers import question_in_words
from handrail.console.context import console_of
from handrail.console.desk import desk_of
from handrail.console.guarding import viewer
from handrail.console.looking import looking_of
from handrail.console.rendering import render
from handrail.console.runs import RunLine, run_lines
from handrail.errors import HandrailError
from handrail.running.session import Session

LOOKED_AT = 100
"""Of so many runs, the newest, it is said what they need."""
QUESTIONS = 5
"""Questions of one run that are shown; the others are counted."""
NEWEST = 5
SHOWN = 20
"""Runs that need somebody, of which it is said one by one."""
LOOK_BACK = 60
"""Events, from the last one on, in which the failure of a run is looked for."""
GRAVE = ("in-doubt", "failed", "interrupted", "waiting")
"""Signs of runs that need somebody, the gravest first."""


@dataclass(frozen=True, slots=True)
class Asking:
    """What is asked, on which host (empty for none), since when."""

    question: str
    host: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Wanting:
    """A run that does not go on without a person. `asks`: the first of its questions. `failed`: what failed last."""

    line: RunLine
    asks: tuple[Asking, ...] = ()
    more: int = 0
    failed: str = ""


@dataclass(frozen=True, slots=True)
class Going:
    """A run that goes on: the steps that ended well, those that there are, and the hosts at work."""

    line: RunLine
    done: int
    steps: int
    hosts: tuple[str, ...]
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Unapproved:
    """A served plan that was never run and lacks approvals."""

    digest: str
    estate: str
    file: str
    given: int
    needed: int


def make_router() -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/", dependencies=[Depends(viewer)])
    def now(request: Request) -> Response:
        lines = run_lines(request, console_of(request).session.runs()[: -LOOKED_AT - 1 : -1])
        needy = sorted(filter(needs_somebody, lines), key=gravest_first)
        return render(
            request,
            "now.html",
            wanting=[wanting(request, one) for one in needy[:SHOWN]],
            more=len(needy) - SHOWN,
            going=[going(request, one) for one in lines if one.key == "begun"],
            unapproved=unapproved(request),
            newest=lines[:NEWEST],
            now=console_of(request).session.clock.now(),
        )

    return router


def needs_somebody(line: RunLine) -> bool:
    """Whether the run stands still until a person does something about it."""
    return line.key in GRAVE


def gravest_first(line: RunLine) -> tuple[bool, int]:
    """What happens on hosts comes before what happens on twins, and doubt before all else."""
    return line.row.target != "hosts", GRAVE.index(line.key)


def wanting(request: Request, line: RunLine) -> Wanting:
    if line.key == "failed":
        return Wanting(line, failed=failed(console_of(request).session, line.row.run))
    if line.key == "interrupted":
        return Wanting(line)
    follower = looking_of(request).following.follower(line.row.run)
    with follower.lock:
        busy = follower.busy("waiting", "in-doubt", most=QUESTIONS)
        asks = tuple(
            Asking(question_in_words(follower.schedule, one.step), one.step.host or "", one.since) for one in busy
        )
        return Wanting(line, asks, follower.count("waiting", "in-doubt") - len(asks))


def failed(session: Session, run: str) -> str:
    """Which step failed last, and why, where that is not long ago; otherwise nothing."""
    try:
        found = next((one for one in session.journal.latest(run, LOOK_BACK) if one.entry.kind == "failed"), None)
    except HandrailError:
        return ""  # its page says why
    if found is None:
        return ""
    because = found.entry.data.get("because")
    return f"{found.entry.step}: {because}" if because else str(found.entry.step)


def going(request: Request, line: RunLine) -> Going:
    follower = looking_of(request).following.follower(line.row.run)
    with follower.lock:
        busy = follower.busy("begun", most=QUESTIONS)
        hosts = tuple(dict.fromkeys(one.step.host for one in busy if one.step.host))
        ends = [one.until for one in busy if one.until is not None]
        done = follower.count("done", "skipped")
        return Going(line, done, len(follower.plan.steps), hosts, max(ends, default=None))


def unapproved(request: Request) -> Sequence[Unapproved]:
    """The served plans that were never run and whose estates demand more approvals than were given."""
    desk = desk_of(request)
    found = []
    for one in desk.plan_lines():
        if one.runs:
            continue
        try:
            plan = desk.plan(one.digest)
            given = len(desk.session.approvals(plan))
        except HandrailError:
            continue  # the list of plans says why
        if given < plan.estate.approvers:
            found.append(Unapproved(one.digest, one.estate, one.file, given, plan.estate.approvers))
    return found
