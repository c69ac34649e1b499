"""The same for programs: /api/v1, with the documents of the command line. `api_schema.py` says what they look like."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, FastAPI, Path, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from handrail.console import api_schema
from handrail.console.answers import NOTE, give_answer, roles_for, taken_up
from handrail.console.api_schema import answers, problems
from handrail.console.context import console_of
from handrail.console.desk import PlanLine, desk_of
from handrail.console.documents import Found
from handrail.console.estates import assessments_of
from handrail.console.evidence import file_of
from handrail.console.guarding import Person, approver, demand, operator, viewer
from handrail.console.plans import begin
from handrail.console.rendering import render
from handrail.documents.estate import estate_to_json
from handrail.documents.plan import plan_to_json
from handrail.errors import Blocked
from handrail.model.journal import RunStatus
from handrail.rehearsing.results import to_json
from handrail.reporting.evidence_files import JSON
from handrail.reporting.findings import assessment_document
from handrail.restoring.rollback import NoWayBack
from handrail.running import people
from handrail.running.export import event_to_json
from handrail.running.journal import RunRow
from handrail.running.people import Approval
from handrail.running.redaction import plain
from handrail.running.session import Session
from handrail.running.status import status_to_json

LARGEST = 2**53

Digest = Annotated[str, api_schema.in_path("The plan's digest.", "sha256:" + "0" * 64, 200)]
Run = Annotated[str, api_schema.in_path("The run's id.", "contoso-2026-11-21-k7m2", 200)]
Named = Annotated[str, api_schema.in_path("As the list names it.", "contoso", 300)]
Evidence = Annotated[
    Literal["evidence.json", "evidence.html", "evidence.json.sig"], Path(description="Which of its files.")
]
Number = Annotated[int, Query(ge=1, le=1_000_000, description="Which page of the list, from 1.")]
Limit = Annotated[int, Query(ge=1, le=500, description="How many of the list at a time.")]

Viewer = Annotated[Person, Depends(viewer)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Noted(_Body):
    note: str = Field("", max_length=NOTE, examples=["As agreed in the change meeting."])


class Starting(_Body):
    target: Literal["twin", "hosts"] = Field(examples=["twin"])
    ask: bool = Field(False, description="On the twin: ask real people instead of playing them.")


class Answering(_Body):
    step: str = Field(min_length=1, max_length=1000, examples=["identity/sync@sync01/2016-sp3/may-stop"])
    answer: Literal["yes", "no", "done"] = Field(examples=["yes"])
    note: str = Field("", max_length=NOTE)
    asked: int | None = Field(
        None, ge=0, le=LARGEST, description="The question that is answered; an older one is refused with 409."
    )


def install(app: FastAPI) -> None:
    """Add the API, its description and a page about it."""
    app.include_router(make_router())
    app.include_router(make_page())
    api_schema.describe(app)


def make_page() -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/api", dependencies=[Depends(viewer)])
    def page(request: Request) -> Response:
        return render(request, "desk/api.html", operations=api_schema.operations(request.app.openapi()))

    return router


def make_router() -> APIRouter:
    router = APIRouter(prefix="/api/v1", responses=problems(401, 403, 413, 422, 429, 503), default_response_class=Shown)
    _runs(router)
    _acts(router)
    _plans(router)
    _others(router)
    return router


class Shown(JSONResponse):
    """JSON in which every secret is hidden, like everywhere."""


def _shown(request: Request, document: Any, status: int = 200) -> Response:
    return Shown(plain(document, console_of(request).session.secrets.redact), status)


def _runs(router: APIRouter) -> None:
    @router.get("/runs", dependencies=[Depends(viewer)], responses=answers("runs"), tags=["runs"])
    def runs(request: Request, page: Number = 1, limit: Limit = 100) -> Response:
        """All runs, the newest first."""
        rows = console_of(request).session.runs()[::-1]
        some = rows[(page - 1) * limit : page * limit]
        return _shown(request, {"runs": [run_to_json(one) for one in some], "total": len(rows), "page": page})

    @router.get("/runs/{run}", dependencies=[Depends(viewer)], responses=answers("run") | problems(404), tags=["runs"])
    def run(request: Request, run: Run) -> Response:
        """How a run stands, with what it waits for: the document of `handrail status --format json`."""
        session = console_of(request).session
        row = session.journal.row(run)
        found = session.status(row.run)
        document = {
            **status_to_json(found),
            **run_to_json(row),
            "attended": desk_of(request).launching.is_at_it(row.run),
            "waits_for": list(_questions(session, found)),
        }
        return _shown(request, document)

    @router.get(
        "/runs/{run}/events", dependencies=[Depends(viewer)], responses=answers("events") | problems(404), tags=["runs"]
    )
    def events(
        request: Request,
        run: Run,
        after: Annotated[int, Query(ge=0, le=LARGEST, description="Events behind this position.")] = 0,
        limit: Limit = 100,
        lane: Annotated[str, Query(max_length=300, description="Only of this lane: a host, `-` or `(people)`.")] = "",
        step: Annotated[str, Query(max_length=1000, description="Only about this step.")] = "",
        kind: Annotated[str, Query(max_length=40, description="Only of this kind, such as `answered`.")] = "",
    ) -> Response:
        """The journal of a run. Go on behind the last position; `next` is it, and null at the end for now."""
        session = console_of(request).session
        row = session.journal.row(run)
        found = session.journal.some(row.run, after, limit + 1, lane=lane, step=step, kind=kind)
        some = found[:limit]
        more = some[-1].position if len(found) > limit else None
        return _shown(request, {"run": row.run, "events": [event_to_json(one) for one in some], "next": more})

    @router.get("/runs/{run}/evidence", responses=answers("evidence") | problems(400, 404, 409), tags=["runs"])
    def evidence(request: Request, run: Run, person: Viewer) -> Response:
        """The evidence of a run, byte for byte the `evidence.json` of `handrail report`. 409 for a run that is too
        large to be told at once."""
        return file_of(request, run, JSON, person)

    @router.get("/runs/{run}/evidence/{file}", responses=api_schema.FILES | problems(400, 404, 409), tags=["runs"])
    def evidence_file(request: Request, run: Run, file: Evidence, person: Viewer) -> Response:
        """One of the files of a run's evidence: with all of them in one folder, `handrail report --check FOLDER` checks
        it. There is a signature where a key is configured."""
        return file_of(request, run, file, person)


def _acts(router: APIRouter) -> None:
    @router.post(
        "/runs/{run}/answers", status_code=201, responses=answers("event", 201) | problems(400, 404, 409), tags=["runs"]
    )
    def answer(request: Request, run: Run, body: Answering) -> Response:
        """Answer a step that waits. Holds take operators and approvers, everything else operators. The first yes of
        two comes back as `agreed`."""
        session = console_of(request).session
        row = session.journal.row(run)
        person = demand(request, *roles_for(session, row.run, body.step))
        event = give_answer(session, row.run, body.step, body.answer, person.name, body.note, body.asked)
        taken_up(request, event)
        return _shown(request, event_to_json(event), 201)

    @router.post(
        "/runs/{run}/resume", status_code=202, responses=answers("said", 202) | problems(400, 404, 409), tags=["runs"]
    )
    def resume(request: Request, run: Run, person: Annotated[Person, Depends(operator)]) -> Response:
        """Have a run carried on, by a process of its own or by workers."""
        row = console_of(request).session.journal.row(run)
        said = desk_of(request).launching.resume(row.run, person.name)
        return _shown(request, {"run": row.run, "says": said}, 202)

    @router.post(
        "/runs/{run}/stop", status_code=202, responses=answers("said", 202) | problems(400, 404, 409), tags=["runs"]
    )
    def stop(request: Request, run: Run, person: Annotated[Person, Depends(operator)]) -> Response:
        """Have the process that carries a run on end after the steps that it is at, if it was started here."""
        row = console_of(request).session.journal.row(run)
        said = desk_of(request).launching.stop(row.run, person.name)
        return _shown(request, {"run": row.run, "says": said}, 202)

    @router.post(
        "/runs/{run}/rollback",
        status_code=201,
        dependencies=[Depends(operator)],
        responses=answers("plan-line", 201) | problems(400, 404, 409),
        tags=["runs"],
    )
    def rollback(request: Request, run: Run) -> Response:
        """Make the way back of a run as a plan. Nothing is changed by that: approve and start it like any other."""
        desk = desk_of(request)
        row = console_of(request).session.journal.row(run)
        found = desk.session.rollback(row.run)
        if isinstance(found, NoWayBack):
            raise Blocked("There is no way back. " + " ".join(one.message for one in found.findings))
        desk.keep(found.plan)
        line = PlanLine(found.plan.digest, found.plan.estate.name, "")
        return _shown(request, line_to_json(line), 201)


def _plans(router: APIRouter) -> None:
    @router.get("/plans", dependencies=[Depends(viewer)], responses=answers("plans"), tags=["plans"])
    def plans(request: Request, page: Number = 1, limit: Limit = 100) -> Response:
        """The plans in the folders that are served, and those of runs."""
        lines = desk_of(request).plan_lines()
        some = lines[(page - 1) * limit : page * limit]
        return _shown(request, {"plans": [line_to_json(one) for one in some], "total": len(lines), "page": page})

    @router.get(
        "/plans/{digest}",
        dependencies=[Depends(viewer)],
        responses=answers("plan") | problems(400, 404),
        tags=["plans"],
    )
    def plan(request: Request, digest: Digest) -> Response:
        """A whole plan: the document of `handrail plan --format json`."""
        return _shown(request, plan_to_json(desk_of(request).plan(digest)))

    @router.get(
        "/plans/{digest}/approvals",
        dependencies=[Depends(viewer)],
        responses=answers("approvals") | problems(400, 404),
        tags=["plans"],
    )
    def approvals(request: Request, digest: Digest) -> Response:
        """Who approved a plan, and how many its estate demands."""
        plan = desk_of(request).plan(digest)
        given = desk_of(request).session.approvals(plan)
        return _shown(request, approvals_to_json(plan.digest, plan.estate.approvers, given))

    @router.post(
        "/plans/{digest}/approvals",
        status_code=201,
        responses=answers("approvals", 201) | problems(400, 404),
        tags=["plans"],
    )
    def approve(
        request: Request, digest: Digest, body: Noted, person: Annotated[Person, Depends(approver)]
    ) -> Response:
        """Approve exactly the plan with this digest. Twice is once."""
        plan = desk_of(request).plan(digest)
        given = desk_of(request).session.approve(plan, person.name, body.note)
        return _shown(request, approvals_to_json(plan.digest, plan.estate.approvers, given), 201)

    @router.post(
        "/plans/{digest}/runs",
        status_code=201,
        responses=answers("said", 201) | problems(400, 404, 409),
        tags=["plans"],
    )
    def start(
        request: Request, digest: Digest, body: Starting, person: Annotated[Person, Depends(operator)]
    ) -> Response:
        """Begin a run, on the twin or on the hosts. On hosts it takes the approvals that the estate demands, and a
        clear way to all hosts."""
        desk = desk_of(request)
        run, said = begin(desk, desk.plan(digest), body.target, person.name, body.ask)
        return _shown(request, {"run": run, "says": said}, 201)


def _others(router: APIRouter) -> None:
    @router.get("/estates", dependencies=[Depends(viewer)], responses=answers("estates"), tags=["estates"])
    def estates(request: Request, page: Number = 1, limit: Limit = 100) -> Response:
        """The estates in the folders that are served."""
        return _shown(request, _listed("estates", desk_of(request).documents.of("estate"), page, limit))

    @router.get(
        "/estates/{name}",
        dependencies=[Depends(viewer)],
        responses=answers("estate") | problems(400, 404),
        tags=["estates"],
    )
    def estate(request: Request, name: Named) -> Response:
        """An estate as its file has it."""
        return _shown(request, estate_to_json(desk_of(request).documents.estate(name).estate))

    @router.get(
        "/estates/{name}/assessment",
        dependencies=[Depends(viewer)],
        responses=answers("assessment") | answers("later", 202) | problems(400, 404),
        tags=["estates"],
    )
    def assessment(request: Request, name: Named) -> Response:
        """What `handrail assess` says of it. 202 while a large one is being assessed: ask again."""
        made = assessments_of(request).of(desk_of(request).documents.find("estate", name))
        if made is None:
            return Shown({"says": "It is being assessed. Ask again."}, 202, {"Retry-After": "3"})
        return _shown(request, assessment_document(made[1]))

    @router.get("/rehearsals", dependencies=[Depends(viewer)], responses=answers("rehearsals"), tags=["rehearsals"])
    def rehearsals(request: Request, page: Number = 1, limit: Limit = 100) -> Response:
        """The rehearsals in the folders that are served."""
        return _shown(request, _listed("rehearsals", desk_of(request).documents.of("rehearsal"), page, limit))

    @router.get(
        "/rehearsals/{id}",
        dependencies=[Depends(viewer)],
        responses=answers("rehearsal") | problems(400, 404),
        tags=["rehearsals"],
    )
    def rehearsal(request: Request, id: Named) -> Response:
        """The document of `handrail rehearse --format json`."""
        return _shown(request, to_json(desk_of(request).documents.rehearsal(id)))


# -- documents ----------------------------------------------------------------------------------------------------


def run_to_json(row: RunRow) -> dict[str, Any]:
    return {
        "run": row.run,
        "plan": row.plan,
        "estate": row.estate,
        "target": row.target,
        "created": row.created,
        "started_by": row.who,
    }


def line_to_json(line: PlanLine) -> dict[str, Any]:
    return {
        "digest": line.digest,
        "estate": line.estate,
        "file": line.file or None,
        "runs": [row.run for row in line.runs],
    }


def approvals_to_json(digest: str, demanded: int, given: list[Approval]) -> dict[str, Any]:
    return {
        "plan": digest,
        "demanded": demanded,
        "approvals": [{"who": one.who, "at": one.at, "note": one.note} for one in given],
    }


def _listed(name: str, found: tuple[Found, ...], page: int, limit: int) -> dict[str, Any]:
    some = found[(page - 1) * limit : page * limit]
    shown = [
        {"id": one.id, "name": one.name, "file": one.file, **({"plan": one.digest} if one.digest else {})}
        for one in some
    ]
    return {name: shown, "total": len(found), "page": page}


def _questions(session: Session, status: RunStatus) -> Iterator[dict[str, Any]]:
    if status.taken_back_by is not None:
        return
    schedule = session.schedule(status.run)
    for name in schedule.waiting():
        step, one = schedule.step(name), schedule.one(name)
        yield {
            "step": name,
            "title": step.title,
            "question": people.question_of(schedule, name),
            "asked": schedule.question(name),
            "answers": dict(people.possible_answers(step)),
            "by": list(one.demands),
            "agreed": list(one.agreed),
        }
