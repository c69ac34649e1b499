"""What a run asks of people, and what they answer; going on, stopping, and the way back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form, Query
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from handrail.console.context import console_of
from handrail.console.desk import desk_of
from handrail.console.guarding import Person, demand, operator, viewer, visitor_of
from handrail.console.rendering import go, render
from handrail.errors import Blocked, UnknownName
from handrail.model.journal import PEOPLE_LANE, Event
from handrail.model.plan import Plan, Step
from handrail.reporting import html
from handrail.reporting.findings import finding_blocks
from handrail.reporting.person import decision_blocks, person_blocks
from handrail.restoring.rollback import NoWayBack
from handrail.running import people
from handrail.running.late import LateMissing, resolve
from handrail.running.scheduler import Schedule
from handrail.running.session import Session

NOTE = 2_000
"""Characters of a note."""

MOST = 12
"""Questions that are shown at a time; the others have pages of their own."""

HOLDERS = ("operator", "approver")
"""Roles that answer holds; whatever has to be done or looked at on a host only operators answer for."""

_LOOKS: Mapping[str, str] = {"yes": "main", "done": "main", "no": "danger"}


@dataclass(frozen=True, slots=True)
class Choice:
    word: str
    means: str
    looks: str


@dataclass(frozen=True, slots=True)
class Question:
    """A step that waits. `asked`: the position of the question, so that an answer to an older one is noticed. `demand`:
    whose yes it takes and who gave theirs. `refused`: why the person who looks cannot say yes; `may`: whether they may
    answer at all."""

    step: str
    title: str
    kind: Literal["hold", "person", "in doubt"]
    host: str
    question: str
    because: str
    demand: str
    agreed: tuple[str, ...]
    details: Markup
    choices: tuple[Choice, ...]
    asked: int
    may: bool
    needs: str
    refused: str


@dataclass(frozen=True, slots=True)
class Panel:
    """What can be done about a run now, by whoever looks. `questions`: those of one page; `total`: how many there are.
    `said`: what the process that carried it on said last."""

    run: str
    questions: tuple[Question, ...]
    total: int
    number: int
    pages: int
    is_operator: bool
    is_attended: bool
    may_resume: bool
    may_stop: bool
    may_go_back: bool
    workers_missing: bool
    said: tuple[str, ...]


def panel_of(request: Request, run: str, plan: Plan, schedule: Schedule, page: int = 1) -> Panel:
    """What `answers.html` shows, on the page of a run; of many questions the page `page`."""
    session, launching = console_of(request).session, desk_of(request).launching
    person = visitor_of(request).person
    returned = session.journal.taken_back().get(run) is not None or session.journal.departure(run) is not None
    attended = launching.is_at_it(run)
    is_operator = person is not None and person.may("operator")
    over = schedule.state == "succeeded"
    changed = any(step.kind not in ("check", "hold") and schedule.began(step.id) for step in plan.steps)
    for_workers = session.is_for_workers(run)
    waiting = [] if returned else schedule.waiting()
    pages = max(1, -(-len(waiting) // MOST))
    number = min(page, pages)
    return Panel(
        run=run,
        questions=tuple(questions_of(schedule, person, waiting[(number - 1) * MOST : number * MOST])),
        total=len(waiting),
        number=number,
        pages=pages,
        is_operator=is_operator,
        is_attended=attended,
        may_resume=is_operator and not over and not returned and (for_workers or not attended),
        may_stop=is_operator and launching.is_ours(run),
        may_go_back=is_operator and not returned and plan.goes_back is None and changed and not attended,
        workers_missing=for_workers and not over and session.listeners() == 0,
        said=() if over or attended else tuple(launching.said(run)),
    )


def questions_of(schedule: Schedule, person: Person | None, names: Sequence[str]) -> Iterator[Question]:
    """What these steps, which wait for somebody, ask."""
    for name in names:
        asked = schedule.question(name)
        if asked is not None:
            yield _question(schedule, schedule.step(name), asked, person)


def _question(schedule: Schedule, step: Step, asked: int, person: Person | None) -> Question:
    status = schedule.one(step.id)
    kind: Literal["hold", "person", "in doubt"] = (
        "in doubt" if status.state == "in-doubt" else "hold" if step.kind == "hold" else "person"
    )
    demand_, starter = schedule.demand(step.id), schedule.started_by
    roles = HOLDERS if kind == "hold" else ("operator",)
    may = person is not None and any(person.may(role) for role in roles)
    refused = demand_.refuses(person.name, starter, status.agreed) if may and person and kind == "hold" else None
    choices = people.possible_answers(step)
    shown = (Choice(word, means, _LOOKS[word]) for word, means in choices.items() if not (word == "yes" and refused))
    filled = _filled(step, schedule) if kind == "person" else None
    blocks = (*person_blocks(filled), *decision_blocks(filled)) if filled is not None else ()
    return Question(
        step=step.id,
        title=step.title,
        kind=kind,
        host=step.host or "",
        question=question_in_words(schedule, step),
        because=status.because if kind != "in doubt" else "",
        demand=demand_.says(starter, status.agreed) if kind == "hold" else "",
        agreed=status.agreed,
        details=Markup("\n".join(html.render(blocks, deeper=2))),
        choices=tuple(shown),
        asked=asked,
        may=may,
        needs=" or ".join(roles),
        refused=refused or "",
    )


def question_in_words(schedule: Schedule, step: Step) -> str:
    """What a waiting step asks, values that were late filled in."""
    return people.question_of(schedule, step.id, _late(step, schedule))


def _late(step: Step, schedule: Schedule) -> Mapping[str, object]:
    try:
        return resolve(step.with_, schedule)[0]
    except LateMissing:
        return {}


def _filled(step: Step, schedule: Schedule) -> Step:
    return replace(step, with_={**step.with_, **_late(step, schedule)})


# -- acting -------------------------------------------------------------------------------------------------------


def give_answer(session: Session, run: str, step: str, said: str, person: str, note: str, asked: int | None) -> Event:
    """Answer a step of a run. Blocked when somebody was faster: it does not wait any more, or asks something else now.
    Errors otherwise as `Session.answer`."""
    schedule = session.schedule(run)
    if step not in {one.id for one in session.plan(run).steps}:
        raise UnknownName("step", step, schedule.waiting())
    now = schedule.question(step)
    if now is None or (asked is not None and asked != now):
        raise Blocked(overtaken(session, run, step), "Look at the run as it is now.")
    return session.answer(run, step, said, person, note, asked)


def overtaken(session: Session, run: str, step: str) -> str:
    """Why an answer came too late."""
    answers = [one for one in session.journal.of_step(run, step) if one.lane == PEOPLE_LANE]
    if not answers:
        return f"{step} does not wait for an answer."
    last = answers[-1]
    said, who, at = last.entry.data.get("answer"), last.entry.data.get("who"), last.at[11:16]
    return f"{who} answered {said} at {at} UTC, before you: {step} does not wait for this answer any more."


def taken_up(request: Request, event: Event) -> str:
    """Have the run go on with an answer; what happens now, in a sentence. The first yes of two moves nothing."""
    return desk_of(request).launching.take_up(event.run) if event.entry.kind == "answered" else ""


def answered_in_words(event: Event) -> str:
    said = event.entry.data.get("answer")
    if event.entry.kind == "agreed":
        return f"You said {said}. Somebody else has to say it too."
    return f"You answered {said}."


def make_router() -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/runs/{run}/answers", dependencies=[Depends(viewer)])
    def waits(request: Request, run: str, page: Annotated[int, Query(ge=1, le=1_000_000)] = 1) -> Response:
        """The questions alone: what the page of a run replaces, and a page for whoever has no script."""
        session = console_of(request).session
        row = session.journal.row(run)
        plan, schedule = session.plan(row.run), session.schedule(row.run)
        return render(
            request, "desk/answers.html", run=row, plan=plan, panel=panel_of(request, row.run, plan, schedule, page)
        )

    @router.post("/runs/{run}/answer")
    def answer(
        request: Request,
        run: str,
        step: Annotated[str, Form(max_length=1000)],
        answer: Annotated[str, Form(max_length=20)],
        asked: Annotated[int | None, Form()] = None,
        note: Annotated[str, Form(max_length=NOTE)] = "",
    ) -> Response:
        session = console_of(request).session
        row = session.journal.row(run)
        person = demand(request, *roles_for(session, row.run, step))
        event = give_answer(session, row.run, step, answer, person.name, note.strip(), asked)
        return go(request, f"/runs/{row.run}", f"{answered_in_words(event)} {taken_up(request, event)}".strip())

    @router.post("/runs/{run}/resume")
    def resume(request: Request, run: str, person: Annotated[Person, Depends(operator)]) -> Response:
        row = console_of(request).session.journal.row(run)
        return go(request, f"/runs/{row.run}", desk_of(request).launching.resume(row.run, person.name))

    @router.post("/runs/{run}/stop")
    def stop(request: Request, run: str, person: Annotated[Person, Depends(operator)]) -> Response:
        row = console_of(request).session.journal.row(run)
        return go(request, f"/runs/{row.run}", desk_of(request).launching.stop(row.run, person.name))

    @router.post("/runs/{run}/rollback", dependencies=[Depends(operator)])
    def rollback(request: Request, run: str) -> Response:
        """Make the way back as a plan; nothing is changed by that."""
        desk = desk_of(request)
        row = console_of(request).session.journal.row(run)
        found = desk.session.rollback(row.run)
        if isinstance(found, NoWayBack):
            content = Markup("\n".join(html.render(finding_blocks(found.findings))))
            return render(request, "desk/no-way-back.html", 409, run=row, content=content)
        desk.keep(found.plan)
        return go(request, f"/plans/{found.plan.digest}", "This is the way back. Nothing was changed yet.")

    return router


def roles_for(session: Session, run: str, step: str) -> tuple[str, ...]:
    """Who may answer for a step: holds are for approvers too."""
    known = next((one for one in session.plan(run).steps if one.id == step), None)
    return HOLDERS if known is not None and known.kind == "hold" else ("operator",)
