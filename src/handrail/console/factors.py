"""The second factor: asked for when signing in, and set up by whoever it belongs to."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from handrail.console.context import console_of
from handrail.console.guarding import (
    HALFWAY,
    SECOND_FACTOR,
    Person,
    cookie_of,
    csrf_of,
    viewer,
    visitor_of,
)
from handrail.console.refusals import because
from handrail.console.rendering import go, render
from handrail.console.second_factor import grouped, link
from handrail.console.signing_in import (
    Form,
    begin,
    half_cookie,
    ours,
    sitting_cookie,
    sitting_for,
    text,
    too_often,
    tries,
)
from handrail.errors import BadInput


async def sitter(request: Request, person: Annotated[Person, Depends(viewer)]) -> Person:
    """Somebody who signed in here themselves."""
    if visitor_of(request).by != "sitting":
        raise HTTPException(403, "Only whoever signs in here with a password has a second factor here.")
    return person


Sitter = Annotated[Person, Depends(sitter)]


def make_router() -> APIRouter:
    router = APIRouter(include_in_schema=False)
    _add_asking(router)
    _add_setting_up(router)
    return router


def _add_asking(router: APIRouter) -> None:
    @router.get("/sign-in/code")
    def ask(request: Request, next: str = "/") -> Response:
        console = console_of(request)
        if console.accounts.halfway(cookie_of(request, console.settings.cookie(HALFWAY))) is None:
            return go(request, "/sign-in")
        return render(request, "sign-in-code.html", next=ours(next), wrong="")

    @router.post("/sign-in/code")
    def answer(request: Request, form: Form) -> Response:
        console, visitor = console_of(request), visitor_of(request)
        secret = cookie_of(request, console.settings.cookie(HALFWAY))
        next = ours(text(form, "next"))
        account = console.accounts.halfway(secret)
        if account is None:
            return go(request, "/sign-in", "That took too long. Sign in again.")

        def again(status: int, wrong: str) -> Response:
            return render(request, "sign-in-code.html", status, next=next, wrong=wrong)

        wait = tries(console, account.name, visitor.address)
        if wait:
            because(request, "second-factor-too-often", who=account.name)
            answer = again(429, too_often(wait))
            answer.headers["Retry-After"] = str(int(wait) + 1)
            return answer
        used = console.accounts.prove(secret, text(form, "code"))
        if used is None:
            because(request, "second-factor-refused", who=account.name)
            return again(403, "That is not the code, or it was used already. Wait for the next one.")
        tries(console, account.name, visitor.address, back=True)
        said = ""
        if used == "recovery":
            left = console.accounts.recoveries_left(account.name)
            console.log.note("recovery-code-used", who=account.name, address=visitor.address, left=left)
            said = f"That recovery code is used up; {left} are left. Set up another second factor if yours is lost."
        answer = sitting_for(request, account, visitor, next, said, proven=True)
        answer.headers.append("Set-Cookie", half_cookie(console, "", 0))
        return answer


def _add_setting_up(router: APIRouter) -> None:
    @router.get(SECOND_FACTOR)
    def show(request: Request, person: Sitter) -> Response:
        return _has_one(request, person) if person.proven else go(request, f"{SECOND_FACTOR}/new")

    @router.get(f"{SECOND_FACTOR}/new")
    def offer(request: Request, person: Sitter) -> Response:
        return _offered(request, person)

    @router.post(SECOND_FACTOR)
    async def set_up(request: Request, person: Sitter, form: Form) -> Response:
        console, visitor = console_of(request), visitor_of(request)
        refused = await _password_refused(request, person, text(form, "password"))
        if refused:
            return _offered(request, person, *refused)
        secret = console.sittings.offer(visitor.secret)
        codes = console.accounts.set_factor(person.name, secret, text(form, "code"))
        if codes is None:
            because(request, "second-factor-refused")
            return _offered(request, person, 422, "That is not the code of this secret. Try the one that is shown now.")
        console.log.note("second-factor-set", who=person.name, address=visitor.address)
        sitting = begin(request, console.accounts.get(person.name), visitor, proven=True)
        answer = render(request, "recovery-codes.html", codes=codes, csrf=csrf_of(sitting))
        answer.headers.append("Set-Cookie", sitting_cookie(console, sitting))
        return answer

    @router.post(f"{SECOND_FACTOR}/off")
    async def turn_off(request: Request, person: Sitter, form: Form) -> Response:
        console, visitor = console_of(request), visitor_of(request)
        refused = await _password_refused(request, person, text(form, "password"))
        if refused:
            return _has_one(request, person, *refused)
        try:
            console.accounts.drop_factor(person.name)
        except BadInput as error:
            return _has_one(request, person, 409, str(error))
        console.log.note("second-factor-dropped", who=person.name, address=visitor.address)
        said = "Your second factor is gone. You were signed out everywhere else."
        return sitting_for(request, console.accounts.get(person.name), visitor, "/account", said)


async def _password_refused(request: Request, person: Person, password: str) -> tuple[int, str] | None:
    """Status and sentence, when it is not the password of whoever asks."""
    console, visitor = console_of(request), visitor_of(request)
    async with console.limits.hashing:
        wait = tries(console, person.name, visitor.address)
        if wait:
            because(request, "password-too-often")
            return 429, too_often(wait)
        if await run_in_threadpool(console.accounts.check, person.name, password) is None:
            because(request, "password-refused")
            return 403, "That is not your password."
    tries(console, person.name, visitor.address, back=True)
    return None


def _offered(request: Request, person: Person, status: int = 200, wrong: str = "") -> Response:
    secret = console_of(request).sittings.offer(visitor_of(request).secret)
    return render(
        request,
        "second-factor-new.html",
        status,
        secret=grouped(secret),
        link=link(secret, person.name),
        needed="administrator" in person.roles and not person.proven,
        wrong=wrong,
    )


def _has_one(request: Request, person: Person, status: int = 200, wrong: str = "") -> Response:
    accounts = console_of(request).accounts
    return render(
        request,
        "second-factor.html",
        status,
        account=accounts.get(person.name),
        left=accounts.recoveries_left(person.name),
        wrong=wrong,
    )
