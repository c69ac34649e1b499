"""Plans: which there are, what one would do, who approved it, and beginning a run of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from handrail.console.answers import NOTE
from handrail.console.desk import Desk, desk_of
from handrail.console.guarding import Person, approver, operator, viewer
from handrail.console.paging import paged
from handrail.console.plan_view import plan_values
from handrail.console.rendering import go, render
from handrail.errors import Blocked, HandrailError, HostError
from handrail.model.finding import Finding
from handrail.model.plan import Plan
from handrail.reporting import html, words
from handrail.reporting.findings import aim_rows, finding_blocks
from handrail.restoring.cost import told
from handrail.running.holds import demand_of
from handrail.running.people import all_approvals

PRICED = 5_000
"""Steps of a plan up to which a way back is priced on its page."""

Target = Literal["twin", "hosts"]


@dataclass(frozen=True, slots=True)
class Facts:
    """What stands above a plan. `missing`: how many approvals a run on real hosts still needs."""

    rows: tuple[tuple[str, str], ...]
    approvals: tuple[tuple[str, str, str], ...]
    demanded: int
    missing: int
    approved_by_me: bool
    holds: tuple[tuple[str, str, str], ...]
    goes_back: str
    price: str


class NotClear(Blocked):
    """What was found when the hosts were asked forbids a run."""

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        super().__init__("Nothing was begun: the way to the hosts has to be clear first.")
        self.findings = findings


def facts_of(desk: Desk, plan: Plan, person: Person) -> Facts:
    hosts = {step.host for step in plan.steps if step.host}
    given = desk.session.approvals(plan)
    point = plan.point_of_no_return
    rows = (
        ("estate", plan.estate.name),
        *aim_rows(plan.aim),
        ("digest", plan.digest),
        ("guides", words.listed([f"{one.name} ({one.digest[:19]})" for one in plan.guides])),
        ("steps", f"{words.count(len(plan.steps), 'step')} on {words.count(len(hosts), 'host')}"),
        ("point of no return", next((one.title for one in plan.steps if one.id == point), "") if point else "none"),
    )
    return Facts(
        rows=rows,
        approvals=tuple((one.who, one.at[:16].replace("T", " "), one.note) for one in given),
        demanded=plan.estate.approvers,
        missing=max(0, plan.estate.approvers - len(given)),
        approved_by_me=any(one.who == person.name for one in given),
        holds=tuple(_holds(plan)),
        goes_back=plan.goes_back.run if plan.goes_back else "",
        price=_price(desk, plan),
    )


def _holds(plan: Plan) -> Iterator[tuple[str, str, str]]:
    for step in plan.steps:
        if step.kind == "hold":
            yield step.id, str(step.with_.get("question") or step.title), demand_of(step, plan.estate).waits_for


def _price(desk: Desk, plan: Plan) -> str:
    if plan.goes_back is None or len(plan.steps) > PRICED:
        return ""
    try:
        cost = desk.session.cost(plan.goes_back.run)
    except HandrailError as error:
        return error.message
    return told(cost) if cost is not None else ""


def begin(desk: Desk, plan: Plan, target: Target, who: str, ask: bool = False) -> tuple[str, str]:
    """Begin a run as `handrail run` does: its id, and what happens now. Errors: as `Session.start`; NotClear;
    Blocked when a host, or the twin, cannot be used."""
    try:
        return _begin(desk, plan, target, who, ask)
    except HostError as error:
        raise Blocked(f"Nothing was begun: {error.message}", error.advice) from None


def _begin(desk: Desk, plan: Plan, target: Target, who: str, ask: bool) -> tuple[str, str]:
    session = desk.session
    where = session.check(plan, target)
    if where == "hosts":
        found = asyncio.run(session.preflight(plan)).assessment.findings
        blocking = tuple(one for one in found if one.blocks)
        if blocking and plan.goes_back is None:
            raise NotClear(blocking)
        if not desk.launching.by_workers:
            session.check_secrets(plan)
    return desk.launching.start(plan, who, target, ask)


def make_router() -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/plans", dependencies=[Depends(viewer)])
    def plans(request: Request, page: int = 1) -> Response:
        desk = desk_of(request)
        lines = paged(desk.plan_lines(), page, "/plans")
        names: dict[str, list[str]] = {}
        for one in all_approvals(desk.session.journal):
            names.setdefault(one.plan, []).append(one.who)
        return render(
            request,
            "desk/plans.html",
            lines=lines,
            approvals={plan: words.listed(who, 4) for plan, who in names.items()},
            broken=desk.documents.broken("plan"),
        )

    @router.get("/plans/{digest}")
    def plan(request: Request, digest: str, person: Annotated[Person, Depends(viewer)]) -> Response:
        return _page(request, digest, person)

    @router.post("/plans/{digest}/approve")
    def approve(
        request: Request,
        digest: str,
        person: Annotated[Person, Depends(approver)],
        note: Annotated[str, Form(max_length=NOTE)] = "",
    ) -> Response:
        desk = desk_of(request)
        plan = desk.plan(digest)
        desk.session.approve(plan, person.name, note.strip())
        return go(request, f"/plans/{plan.digest}", f"You approved the plan {plan.digest[:19]}…")

    @router.post("/plans/{digest}/start")
    def start(
        request: Request,
        digest: str,
        person: Annotated[Person, Depends(operator)],
        on: Annotated[Literal["twin", "twin-asking", "hosts"], Form()],
    ) -> Response:
        desk = desk_of(request)
        plan = desk.plan(digest)
        try:
            target: Target = "hosts" if on == "hosts" else "twin"
            run, said = begin(desk, plan, target, person.name, on == "twin-asking")
        except HandrailError as error:
            return _page(request, digest, person, error)
        return go(request, f"/runs/{run}", f"Run {run} has begun. {said}")

    return router


def _page(request: Request, digest: str, person: Person, error: HandrailError | None = None) -> Response:
    desk = desk_of(request)
    plan = desk.plan(digest)
    refused = Markup("\n".join(html.render(finding_blocks(error.findings, 3)))) if isinstance(error, NotClear) else ""
    return render(
        request,
        "desk/plan.html",
        200 if error is None else 409,
        **plan_values(request, plan),
        facts=facts_of(desk, plan, person),
        runs=list(desk.runs_of(plan.digest))[:20],
        file=next((one.file for one in desk.documents.of("plan") if one.digest == plan.digest), ""),
        estates=[one for one in desk.documents.of("estate") if one.name == plan.estate.name][:5],
        rehearsals=[one for one in desk.documents.of("rehearsal") if one.digest == plan.digest][:20],
        error=error,
        refused=refused,
        by_workers=desk.launching.by_workers,
        listeners=desk.session.listeners() if desk.launching.by_workers else 0,
    )
