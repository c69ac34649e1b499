"""What the API's documents look like: schemas, examples, problems, and who may ask."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Path
from fastapi.openapi.utils import get_openapi
from markupsafe import Markup

from handrail.reporting import html

Json = dict[str, Any]

TEXT: Json = {"type": "string"}
MAYBE: Json = {"type": ["string", "null"]}
WHOLE: Json = {"type": "integer"}
FLAG: Json = {"type": "boolean"}
ANYTHING: Json = {"type": "object"}

DIGEST = "sha256:575efcd437def202a5d78e16a262d662801b1bca89c2cfcea9d3c8faf766952f"


def _object(required: Mapping[str, Json], more: Mapping[str, Json] | None = None) -> Json:
    return {"type": "object", "properties": {**required, **(more or {})}, "required": list(required)}


def _list(of: Json) -> Json:
    return {"type": "array", "items": of}


def _paged(name: str, of: Json) -> Json:
    return _object({name: _list(of), "total": WHOLE, "page": WHOLE})


RUN_LINE = _object(
    {"run": TEXT, "plan": TEXT, "estate": TEXT, "target": TEXT, "created": TEXT, "started_by": TEXT},
)
STEP = _object(
    {"id": TEXT, "state": TEXT, "attempts": WHOLE, "begun": MAYBE, "ended": MAYBE},
    {"because": TEXT, "error": TEXT, "by": _list(TEXT), "agreed": _list(TEXT)},
)
QUESTION = _object(
    {
        "step": TEXT,
        "title": TEXT,
        "question": TEXT,
        "asked": {"type": ["integer", "null"]},
        "answers": {"type": "object", "additionalProperties": TEXT},
        "by": _list(TEXT),
        "agreed": _list(TEXT),
    }
)
EVENT = _object(
    {
        "position": WHOLE,
        "lane": TEXT,
        "sequence": WHOLE,
        "epoch": WHOLE,
        "at": TEXT,
        "kind": TEXT,
        "step": MAYBE,
        "attempt": WHOLE,
        "data": ANYTHING,
        "previous": TEXT,
        "hash": TEXT,
    }
)
PLAN_LINE = _object({"digest": TEXT, "estate": TEXT, "file": MAYBE, "runs": _list(TEXT)})
FILE = _object({"id": TEXT, "name": TEXT, "file": TEXT}, {"plan": TEXT})

SCHEMAS: Mapping[str, Json] = {
    "runs": _paged("runs", RUN_LINE),
    "run": _object(
        {
            "schema": {"const": "handrail/run/v1"},
            "run": TEXT,
            "plan": TEXT,
            "state": {"enum": ["running", "waiting", "failed", "in-doubt", "succeeded", "rolled-back"]},
            "steps": _list(STEP),
            "estate": TEXT,
            "target": TEXT,
            "created": TEXT,
            "started_by": TEXT,
            "attended": FLAG,
            "waits_for": _list(QUESTION),
        },
        {"goes_back": TEXT, "taken_back_by": TEXT, "moved_to": TEXT, "fates": _list(ANYTHING)},
    ),
    "events": _object({"run": TEXT, "events": _list(EVENT), "next": {"type": ["integer", "null"]}}),
    "event": EVENT,
    "said": _object({"run": TEXT, "says": TEXT}),
    "plans": _paged("plans", PLAN_LINE),
    "plan-line": PLAN_LINE,
    "plan": _object(
        {
            "schema": {"const": "handrail/plan/v1"},
            "digest": TEXT,
            "estate": ANYTHING,
            "aim": ANYTHING,
            "guides": _list(ANYTHING),
            "findings": _list(ANYTHING),
            "hops": _list(ANYTHING),
            "steps": _list(ANYTHING),
            "point_of_no_return": MAYBE,
            "downtime": ANYTHING,
        }
    ),
    "approvals": _object(
        {
            "plan": TEXT,
            "demanded": WHOLE,
            "approvals": _list(_object({"who": TEXT, "at": TEXT, "note": TEXT})),
        }
    ),
    "estates": _paged("estates", FILE),
    "estate": _object({"handrail": {"const": "estate/v1"}, "name": TEXT}),
    "assessment": _object(
        {
            "schema": {"const": "handrail/assessment/v1"},
            "estate": TEXT,
            "aim": ANYTHING,
            "verdict": {"enum": ["clear", "risky", "blocked"]},
            "findings": _list(ANYTHING),
        }
    ),
    "later": _object({"says": TEXT}),
    "evidence": _object(
        {
            "schema": {"const": "handrail/evidence/v1"},
            "made": ANYTHING,
            "run": _object({"run": TEXT, "plan": TEXT, "estate": TEXT, "target": TEXT, "created": TEXT, "who": TEXT}),
            "plan": ANYTHING,
            "approvals": _list(EVENT),
            "rehearsal": {"type": ["object", "null"]},
            "events": _list(EVENT),
            "linked": ANYTHING,
            "summary": ANYTHING,
            "steps": _list(ANYTHING),
            "installations": _list(ANYTHING),
            "assets": _list(ANYTHING),
            "restore_points": _list(ANYTHING),
            "customisations": _list(ANYTHING),
            "remedies": _list(ANYTHING),
            "acts": _list(ANYTHING),
            "chains": _list(_object({"lane": TEXT, "epoch": WHOLE, "events": WHOLE, "head": TEXT})),
            "seals": _list(ANYTHING),
            "html": ANYTHING,
            "digest": TEXT,
        }
    ),
    "rehearsals": _paged("rehearsals", FILE),
    "rehearsal": _object(
        {
            "schema": {"const": "handrail/rehearsal/v1"},
            "plan": TEXT,
            "cases": _list(
                _object({"step": TEXT, "fault": TEXT, "then": TEXT, "result": TEXT, "because": TEXT}, {"of": TEXT})
            ),
            "passed": WHOLE,
            "failed": WHOLE,
        }
    ),
}

_RUN: Json = {
    "run": "contoso-2026-11-21-k7m2",
    "plan": DIGEST,
    "estate": "contoso",
    "target": "hosts",
    "created": "2026-11-21T21:02:11.301Z",
    "started_by": "anna",
}
_EVENT: Json = {
    "position": 41,
    "lane": "(people)",
    "sequence": 1,
    "epoch": 1,
    "at": "2026-11-21T21:09:40.118Z",
    "kind": "agreed",
    "step": "identity/sync@sync01/2016-sp3/may-stop",
    "attempt": 0,
    "data": {"answer": "yes", "who": "bea", "note": "", "asked": 38},
    "previous": "c1f0…",
    "hash": "8b2e…",
}
_QUESTION: Json = {
    "step": "identity/sync@sync01/2016-sp3/may-stop",
    "title": "May the service be stopped?",
    "question": "Is nobody working with it?",
    "asked": 38,
    "answers": {"yes": "go on", "no": "halt"},
    "by": ["two"],
    "agreed": ["bea"],
}

EXAMPLES: Mapping[str, Json] = {
    "runs": {"runs": [_RUN], "total": 1, "page": 1},
    "run": {
        "schema": "handrail/run/v1",
        **_RUN,
        "state": "waiting",
        "steps": [
            {
                "id": "identity/sync@sync01/2016-sp3/may-stop",
                "state": "waiting",
                "attempts": 1,
                "begun": "2026-11-21T21:08:02.440Z",
                "ended": None,
                "by": ["two"],
                "agreed": ["bea"],
            }
        ],
        "attended": True,
        "waits_for": [_QUESTION],
    },
    "events": {"run": _RUN["run"], "events": [_EVENT], "next": None},
    "event": _EVENT,
    "said": {
        "run": _RUN["run"],
        "says": "A process of its own carries it out; it goes on without the console.",
    },
    "plans": {
        "plans": [{"digest": DIGEST, "estate": "contoso", "file": "upgrade.plan", "runs": [_RUN["run"]]}],
        "total": 1,
        "page": 1,
    },
    "approvals": {
        "plan": DIGEST,
        "demanded": 2,
        "approvals": [{"who": "bea", "at": "2026-11-21T18:00:12.004Z", "note": "As agreed."}],
    },
    "estates": {
        "estates": [{"id": "contoso", "name": "contoso", "file": "contoso.yaml"}],
        "total": 1,
        "page": 1,
    },
    "assessment": {
        "schema": "handrail/assessment/v1",
        "estate": "contoso",
        "aim": {"identity": "2016-sp3"},
        "verdict": "clear",
        "findings": [],
    },
    "later": {"says": "It is being assessed. Ask again."},
}

PROBLEM: Json = {
    "type": "object",
    "description": "RFC 9457",
    "properties": {
        "type": TEXT,
        "title": TEXT,
        "status": WHOLE,
        "detail": {"type": "string", "description": "One clear sentence."},
        "advice": {"type": "string", "description": "What to do."},
    },
    "required": ["type", "title", "status", "detail"],
}
_PROBLEMS: Mapping[int, str] = {
    400: "Something that was asked for cannot be done so.",
    401: "Nobody is signed in.",
    403: "The person's roles do not suffice, or the request's token is missing.",
    404: "There is no such thing.",
    409: "It cannot be done now: something forbids it, or somebody was faster.",
    413: "The body is too large.",
    422: "The request is not of this form.",
    429: "That was too often; see Retry-After.",
    503: "The store cannot be reached, or the answer took too long.",
}

ABOUT = """What `handrail serve` shows, for programs: the documents are those of the command line.

Send `Authorization: Bearer TOKEN` with a token of your account (made on your account's page), or use the console's
sitting; with that one, whatever changes something needs the header `X-CSRF-Token`, as it stands on every page.
Everybody signed in may read; `operator` starts, resumes and answers, `approver` approves plans and answers holds.
Errors are problem details (RFC 9457)."""


def in_path(says: str, example: str, longest: int) -> Any:
    return Path(description=says, examples=[example], min_length=1, max_length=longest)


def answers(name: str, status: int = 200) -> dict[int | str, dict[str, Any]]:
    """That an answer is the document `name`."""
    content: Json = {"schema": {"$ref": f"#/components/schemas/{name}"}}
    if name in EXAMPLES:
        content["example"] = EXAMPLES[name]
    return {status: {"description": f"The document `{name}`.", "content": {"application/json": content}}}


FILES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file, as `handrail report` writes it.",
        "content": {
            "application/json": {"schema": {"$ref": "#/components/schemas/evidence"}},
            "text/html": {"schema": TEXT},
            "text/plain": {"schema": TEXT},
        },
    }
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """That these may be answered instead."""
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/problem"}}}
    return {status: {"description": _PROBLEMS[status], "content": content} for status in statuses}


def describe(app: FastAPI) -> None:
    """Have the application describe itself with the schemas above, and with who may ask."""

    def openapi() -> Json:
        if app.openapi_schema is None:
            made = get_openapi(title="Handrail", version=app.version, description=ABOUT, routes=app.routes)
            components = made.setdefault("components", {})
            components.setdefault("schemas", {}).update({**SCHEMAS, "problem": PROBLEM})
            for unused in ("HTTPValidationError", "ValidationError"):
                components["schemas"].pop(unused, None)
            components["securitySchemes"] = {
                "token": {"type": "http", "scheme": "bearer", "description": "A token of an account."},
                "sitting": {"type": "apiKey", "in": "cookie", "name": "handrail-sitting"},
            }
            made["security"] = [{"token": []}, {"sitting": []}]
            app.openapi_schema = made
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # as FastAPI documents it


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation, for the page about the API."""

    method: str
    path: str
    says: Markup
    parameters: tuple[tuple[str, Markup], ...]
    body: Json | None
    statuses: tuple[tuple[str, str], ...]
    example: Json | None


def operations(schema: Json) -> Iterator[Operation]:
    for path, methods in schema["paths"].items():
        for method, one in methods.items():
            shown = one["responses"]
            good: Json = next((shown[code] for code in shown if code.startswith("2")), {})
            content = good.get("content", {}).get("application/json", {})
            yield Operation(
                method=method.upper(),
                path=path,
                says=_inline(one.get("description", "")),
                parameters=tuple(
                    (each["name"], _inline(each.get("description", ""))) for each in one.get("parameters", ())
                ),
                body=_body(one, schema),
                statuses=tuple((code, each["description"]) for code, each in sorted(shown.items())),
                example=content.get("example"),
            )


def _inline(text: str) -> Markup:
    return Markup(html.inline(" ".join(text.split())))


def _body(operation: Json, schema: Json) -> Json | None:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    name = content.get("$ref", "").rpartition("/")[2]
    if not name:
        return None
    fields = schema["components"]["schemas"][name]["properties"]
    return {one: (field.get("examples") or [field.get("default")])[0] for one, field in fields.items()}
