"""Rehearsals: steps by faults, and what became of each case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import Response

from handrail.console.desk import desk_of
from handrail.console.documents import Found
from handrail.console.guarding import viewer
from handrail.console.paging import paged
from handrail.console.rendering import render
from handrail.errors import HandrailError
from handrail.model.plan import Plan
from handrail.rehearsing.results import Case, Rehearsal, Result, failures_of
from handrail.reporting.rehearsal import Part, Row, command, led_to, parts, tone, unknown, verdict, worst

FOLDS = 150
"""Rows from which on a matrix shows its parts folded: one line for each, and its rows on a page of their own."""
ROWS = 200
FAILURES = 12

SIGNS: Mapping[Result, tuple[str, str, str]] = {
    "pass": ("✓", "passed", "good"),
    "no-way-back-as-planned": ("↦", "no way back, as planned", "warn"),
    "not-rehearsed": ("?", "not rehearsed", "warn"),
    "fail": ("✗", "failed", "bad"),
}


@dataclass(frozen=True, slots=True)
class Cell:
    """`says`: what the sign means, for whoever hears the page. `href` is empty where the fault cannot happen."""

    sign: str
    says: str
    tone: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the matrix: a step, or a part that is folded."""

    name: str
    title: str
    cells: tuple[Cell, ...]
    href: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """A table. `rest`: where the rows are that it leaves out."""

    title: str
    lines: tuple[Line, ...]
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Told:
    """A case on its page."""

    case: Case
    sign: Cell
    command: str


NEVER = Cell("·", "cannot happen there", "never")


def matrix(rehearsal: Rehearsal, base: str, part: str = "", whole: bool = False) -> list[Block]:
    """The tables of a rehearsal whose page is `base`. A large one is folded: one row for each part; `part` asks for the
    rows of one of them, `whole` for all."""
    found = list(parts(rehearsal))
    if part:
        return [_table(one, rehearsal, base) for one in found if _key(one) == part]
    if whole or sum(len(one.rows) for one in found) <= FOLDS:
        return [_table(one, rehearsal, base) for one in found]
    plan = Block("Parts of the plan", tuple(_folded(one, rehearsal, base) for one in found if not one.back))
    back = Block("Parts of the way back", tuple(_folded(one, rehearsal, base) for one in found if one.back))
    return [one for one in (plan, back) if one.lines]


def _table(part: Part, rehearsal: Rehearsal, base: str) -> Block:
    lines = tuple(
        Line(
            row.step.rpartition("/")[2],
            _title(row),
            tuple(_cell(row.cells.get(fault, ()), _case_at(base, row.step, fault)) for fault in rehearsal.faults),
        )
        for row in part.rows[:ROWS]
    )
    return Block(("Going back: " if part.back else "") + part.title, lines, max(0, len(part.rows) - ROWS))


def _title(row: Row) -> str:
    like = f" (and {row.others} other{'s' if row.others > 1 else ''} like it)" if row.others else ""
    return f"{row.title}{like}".strip()


def _folded(part: Part, rehearsal: Rehearsal, base: str) -> Line:
    href = f"{base}?{urlencode({'part': _key(part)})}"
    cells = (
        _cell(tuple(case for row in part.rows for case in row.cells.get(fault, ())), href) for fault in rehearsal.faults
    )
    return Line(part.title, f"{len(part.rows)} step{'s' if len(part.rows) != 1 else ''}", tuple(cells), href)


def _key(part: Part) -> str:
    return f"{'back ' if part.back else ''}{part.title}"


def _cell(cases: Sequence[Case], href: str) -> Cell:
    if not cases:
        return NEVER
    sign, says, tone_ = SIGNS[worst(cases)]
    return Cell(sign, says, tone_, href)


def _case_at(base: str, step: str, fault: str) -> str:
    return f"{base}/case?{urlencode({'step': step, 'fault': fault})}"


def cases_of(rehearsal: Rehearsal, step: str, fault: str, file: str) -> list[Told]:
    return [
        Told(case, _cell((case,), ""), command(case, file))
        for case in rehearsal.cases
        if case.step == step and case.fault == fault
    ]


def make_router() -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/rehearsals", dependencies=[Depends(viewer)])
    def rehearsals(request: Request, page: int = 1) -> Response:
        documents = desk_of(request).documents
        lines = paged(documents.of("rehearsal"), page, "/rehearsals")
        read = [(one, _read(request, one)) for one in lines.shown]
        told = [(one, verdict(found) if found else "", tone(found) if found else "plain") for one, found in read]
        return render(
            request, "desk/rehearsals.html", lines=lines, told=told, broken=documents.broken("rehearsal", "plan")
        )

    @router.get("/rehearsals/{id}", dependencies=[Depends(viewer)])
    def rehearsal(
        request: Request, id: str, part: Annotated[str, Query(max_length=500)] = "", whole: bool = False
    ) -> Response:
        found, rehearsal = _find(request, id)
        base = f"/rehearsals/{found.id}"
        file = _plan_file(request, rehearsal)
        failures = [(one, led_to(one), command(one.case, file)) for one in failures_of(rehearsal.cases)[:FAILURES]]
        return render(
            request,
            "desk/rehearsal.html",
            found=found,
            rehearsal=rehearsal,
            base=base,
            blocks=matrix(rehearsal, base, part, whole),
            part=part,
            folded=not part and not whole and sum(len(one.rows) for one in parts(rehearsal)) > FOLDS,
            verdict=verdict(rehearsal),
            tone=tone(rehearsal),
            failures=failures,
            unknown=unknown(rehearsal)[:FAILURES],
            signs=[sign for result, sign in SIGNS.items() if any(one.result == result for one in rehearsal.cases)],
            case_at=_case_at,
            has_plan=_plan(request, rehearsal) is not None,
        )

    @router.get("/rehearsals/{id}/case", dependencies=[Depends(viewer)])
    def case(
        request: Request,
        id: str,
        step: Annotated[str, Query(max_length=1000)],
        fault: Annotated[str, Query(max_length=100)],
    ) -> Response:
        found, rehearsal = _find(request, id)
        cases = cases_of(rehearsal, step, fault, _plan_file(request, rehearsal))
        return render(
            request,
            "desk/case.html",
            200 if cases else 404,
            found=found,
            rehearsal=rehearsal,
            step=step,
            title=rehearsal.titles.get(step, ""),
            fault=fault,
            says=rehearsal.faults.get(fault, ""),
            cases=cases,
        )

    return router


def _find(request: Request, id: str) -> tuple[Found, Rehearsal]:
    """The rehearsal, with the titles of its plan's steps where that is at hand."""
    desk = desk_of(request)
    found = desk.documents.find("rehearsal", id)
    rehearsal = desk.documents.rehearsal(id)
    plan = _plan(request, rehearsal)
    if plan is not None:
        rehearsal = replace(rehearsal, titles={step.id: step.title for step in (*plan.steps, *plan.back)})
    return found, rehearsal


def _plan(request: Request, rehearsal: Rehearsal) -> Plan | None:
    try:
        return desk_of(request).plan(rehearsal.plan)
    except HandrailError:
        return None


def _read(request: Request, found: Found) -> Rehearsal | None:
    """For the list; a large one is only read when somebody opens it."""
    from handrail.console.documents import SMALL

    try:
        return desk_of(request).documents.rehearsal(found.id) if found.size <= SMALL else None
    except HandrailError:
        return None


def _plan_file(request: Request, rehearsal: Rehearsal) -> str:
    """What the commands call the plan: its file where it is served, otherwise PLAN."""
    files = desk_of(request).documents.of("plan")
    return next((one.file for one in files if one.digest == rehearsal.plan), "PLAN")
