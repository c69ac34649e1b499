"""Answers that say no, or that something went wrong: short, and without details of the program."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from http import HTTPStatus

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from handrail.console.rendering import page
from handrail.errors import BadInput, Blocked, HandrailError, StoreError, StoreLocked, UnknownName

SENTENCES: Mapping[int, str] = {
    400: "This request cannot be understood.",
    401: "Sign in first.",
    403: "You may not do this.",
    404: "There is no such page.",
    405: "That cannot be done with this page.",
    408: "The request took too long to arrive.",
    409: "This cannot be done now.",
    413: "That is too much at once.",
    415: "A body of that kind is not taken here.",
    421: "This console does not answer to that name.",
    422: "Something in the request is not as it must be.",
    429: "That was too often. Wait a moment, then try again.",
    500: "Something went wrong here. It was written to the console's log.",
    503: "The answer took too long, or the store cannot be reached. Try again in a while.",
}


def wants_json(request: Request) -> bool:
    """The API answers programs, everything else people."""
    return request.url.path.startswith("/api/")


def refusal(
    request: Request, status: int, sentence: str = "", headers: Mapping[str, str] | None = None, advice: str = ""
) -> Response:
    """The answer with that status: a page, or problem details (RFC 9457) from the API. `sentence` is ours to say,
    never an exception's text that nobody wrote for people."""
    sentence = sentence or SENTENCES.get(status, SENTENCES[400 if status < 500 else 500])
    if wants_json(request):
        said = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": sentence}
        more = {"advice": advice} if advice else {}
        return JSONResponse({**said, **more}, status, headers, "application/problem+json")
    try:
        shown = page(request, "refusal.html", {"status": status, "sentence": sentence, "advice": advice})
    except Exception:  # the page itself is what is wrong
        return PlainTextResponse(f"{status} {sentence}\n", status, headers)
    return HTMLResponse(shown, status, headers)


def because(request: Request, what: str, **more: object) -> None:
    """Say why this request is about to be refused, for the console's log: `what` is a word for it, as `forged`."""
    request.scope.setdefault("state", {})["refused"] = {"what": what, **more}


async def refuse(
    scope: Scope,
    receive: Receive,
    send: Send,
    status: int,
    sentence: str = "",
    headers: Mapping[str, str] | None = None,
) -> None:
    """The same from within middleware."""
    await refusal(Request(scope), status, sentence, headers)(scope, receive, send)


def status_of(error: HandrailError) -> int:
    if isinstance(error, UnknownName):
        return 404
    if isinstance(error, Blocked | StoreLocked):
        return 409
    if isinstance(error, StoreError):
        return 503
    return 400 if isinstance(error, BadInput) else 500


def install(app: FastAPI) -> None:
    """Have every error of a route answered here."""

    @app.exception_handler(HTTPException)
    async def answered(request: Request, error: HTTPException) -> Response:
        # Starlette's own details are English words for the status; ours are sentences.
        sentence = error.detail if error.detail.endswith(".") else ""
        return refusal(request, error.status_code, sentence, error.headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        wrong = ", ".join(sorted({str(one["loc"][-1]) for one in error.errors() if one.get("loc")}))[:200]
        return refusal(request, 422, advice=f"Look at: {wrong}." if wrong and wants_json(request) else "")

    @app.exception_handler(HandrailError)
    async def said(request: Request, error: HandrailError) -> Response:
        status = status_of(error)
        if status >= 500:
            note_failure(request, error)
            return refusal(request, status)
        return refusal(request, status, error.message, advice=error.advice)


def note_failure(request: Request, error: Exception) -> None:
    """For the console's log: what went wrong, where. Values of variables are never written."""
    frames = traceback.extract_tb(error.__traceback__)
    because(
        request,
        "failed",
        error=f"{type(error).__name__}: {error}",
        where=[f"{one.filename.rpartition('handrail/')[2]}:{one.lineno} {one.name}" for one in frames[-12:]],
    )
