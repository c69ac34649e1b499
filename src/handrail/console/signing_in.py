"""Signing in and out, and the very first account."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from handrail.console.accounts import HALFWAY as HALFWAY_LASTS
from handrail.console.accounts import ROLES, Account, key_of
from handrail.console.context import Console, console_of
from handrail.console.guarding import (
    HALFWAY,
    SECOND_FACTOR,
    SITTING,
    VISIT,
    Visitor,
    checked_form,
    cookie,
    visitor_of,
)
from handrail.console.limits import Buckets
from handrail.console.passwords import is_common
from handrail.console.refusals import because
from handrail.console.rendering import go, render, when
from handrail.console.set_up import LASTS
from handrail.errors import BadInput

Form = Annotated[FormData, Depends(checked_form)]


def make_router() -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/sign-in")
    def ask(request: Request, next: str = "/") -> Response:
        if is_new(console_of(request)):
            return go(request, "/set-up")
        if visitor_of(request).person is not None:
            return go(request, ours(next))
        return render(request, "sign-in.html", next=ours(next), name="", wrong="")

    @router.post("/sign-in")
    async def sign_in(request: Request, form: Form) -> Response:
        console, visitor = console_of(request), visitor_of(request)
        name, password, next = text(form, "name"), text(form, "password"), ours(text(form, "next"))

        def again(status: int, wrong: str) -> Response:
            return render(request, "sign-in.html", status, next=next, name=name, wrong=wrong)

        async with console.limits.hashing:
            wait = tries(console, name, visitor.address)
            if wait:
                because(request, "sign-in-too-often", who=name)
                answer = again(429, too_often(wait))
                answer.headers["Retry-After"] = str(int(wait) + 1)
                return answer
            account = await run_in_threadpool(console.accounts.check, name, password)
        if account is None:
            because(request, "sign-in-failed", who=name)
            return again(403, "The name or the password is wrong, or the account is disabled.")
        tries(console, name, visitor.address, back=True)
        if is_common(password, account.name):
            # It was taken when fewer were known. Whoever guesses it must not get in, so it counts no more.
            because(request, "password-too-common", who=account.name)
            code = console.accounts.invite(account.name, keep_factor=True)
            wrong = "Your password is one of those that are guessed first, and does not count any more. Set another."
            return render(request, "password.html", 403, name=account.name, code=code, wrong=wrong)
        return let_in(request, account, visitor, next)

    @router.post("/sign-out")
    async def sign_out(request: Request) -> Response:
        console, visitor = console_of(request), visitor_of(request)
        if visitor.by == "sitting":
            console.sittings.end(visitor.secret)
            console.log.note("signed-out", who=visitor.person.name if visitor.person else "", address=visitor.address)
        answer = go(request, "/sign-in", "You have signed out.")
        settings = console.settings
        for one in (SITTING, VISIT):
            answer.headers.append("Set-Cookie", cookie(settings.cookie(one), "", settings.secure, "Lax", 0))
        return answer

    @router.get("/set-up")
    def show(request: Request) -> Response:
        console = console_of(request)
        if not is_new(console):
            return go(request, "/sign-in")
        return render(request, "set-up.html", name="", wrong="", open=console.set_up.open, minutes=int(LASTS / 60))

    @router.post("/set-up")
    async def set_up(request: Request, form: Form) -> Response:
        console, visitor = console_of(request), visitor_of(request)
        name, password = text(form, "name"), text(form, "password")

        def again(status: int, wrong: str) -> Response:
            return render(
                request,
                "set-up.html",
                status,
                name=name,
                wrong=wrong,
                open=console.set_up.open,
                minutes=int(LASTS / 60),
            )

        if not is_new(console):
            return go(request, "/sign-in")
        if not console.set_up.fits(text(form, "code")):
            because(request, "set-up-refused", who=name)
            return again(403, "That is not the code, or it is too old.")
        try:
            async with console.limits.hashing:
                account = await run_in_threadpool(console.accounts.add, name, password, ROLES, first=True)
        except BadInput as error:
            return again(422, str(error))
        console.set_up.close()
        console.log.note("account-added", who=account.name, address=visitor.address, roles=sorted(account.roles))
        return sitting_for(request, account, visitor, "/")

    @router.get("/password")
    def choose(request: Request) -> Response:
        return render(request, "password.html", name="", code="", wrong="")

    @router.post("/password")
    async def chosen(request: Request, form: Form) -> Response:
        """With a code that an administrator gave."""
        console, visitor = console_of(request), visitor_of(request)
        name, code, password = text(form, "name"), text(form, "code"), text(form, "password")

        def again(status: int, wrong: str) -> Response:
            return render(request, "password.html", status, name=name, code="", wrong=wrong)

        async with console.limits.hashing:
            wait = tries(console, name, visitor.address)
            if wait:
                because(request, "code-too-often", who=name)
                return again(429, too_often(wait))
            try:
                account = await run_in_threadpool(console.accounts.accept, name, code, password)
            except BadInput as error:
                tries(console, name, visitor.address, back=True)
                return again(422, str(error))
        if account is None:
            because(request, "code-refused", who=name)
            return again(403, "The name or the code is wrong, or the code is too old.")
        tries(console, name, visitor.address, back=True)
        console.log.note("password-set", who=account.name, address=visitor.address)
        return let_in(request, account, visitor, "/")

    return router


def let_in(request: Request, account: Account, visitor: Visitor, next: str) -> Response:
    """After the right password: a sitting, or the question for the code of the second factor. Whoever is halfway is
    known by a secret of their own, which opens nothing but that question."""
    if not account.factor:
        return sitting_for(request, account, visitor, next)
    console = console_of(request)
    answer = go(request, f"/sign-in/code?next={quote(next, safe='')}")
    answer.headers.append("Set-Cookie", half_cookie(console, console.accounts.go_halfway(account), int(HALFWAY_LASTS)))
    return answer


def half_cookie(console: Console, secret: str, lasts: int) -> str:
    settings = console.settings
    return cookie(settings.cookie(HALFWAY), secret, settings.secure, "Lax", lasts)


def sitting_for(
    request: Request, account: Account, visitor: Visitor, next: str, said: str = "", *, proven: bool = False
) -> Response:
    """A sitting with a secret of its own, whatever cookie came along; tells of the last one. An administrator without
    a second factor is led to it first."""
    console = console_of(request)
    if visitor.by == "sitting":
        console.sittings.end(visitor.secret)
    before = console.sittings.last(account.name)
    if before and not said:
        said = f"You last signed in at {when(before.begun)} from {before.address}."
        if account.changed > before.begun:
            said += f" Your password was changed at {when(account.changed)}."
        if (account.factor_changed or 0.0) > before.begun:
            said += f" Your second factor was changed at {when(account.factor_changed)}."
    answer = go(request, SECOND_FACTOR if "administrator" in account.roles and not proven else next, said)
    answer.headers.append("Set-Cookie", sitting_cookie(console, begin(request, account, visitor, proven=proven)))
    return answer


def begin(request: Request, account: Account, visitor: Visitor, *, proven: bool) -> str:
    """The secret of a new sitting."""
    console = console_of(request)
    console.log.note("signed-in", who=account.name, address=visitor.address)
    return console.sittings.begin(account, visitor.address, proven=proven)


def sitting_cookie(console: Console, secret: str) -> str:
    return cookie(console.settings.cookie(SITTING), secret, console.settings.secure, "Lax")


def tries(console: Console, name: str, address: str, *, back: bool = False) -> float:
    """Use up a try of everything that is counted, or give it back; the seconds to wait when there is none."""
    limits, key = console.limits, key_of(name)[:200]
    counted: list[tuple[Buckets, Hashable]] = [(limits.addresses, address), (limits.pairs, (key, address))]
    if not console.sittings.knows(name, address):
        counted.append((limits.accounts, key))
    if back:
        for buckets, one in counted:
            buckets.give_back(one)
        return 0.0
    taken: list[tuple[Buckets, Hashable]] = []
    for buckets, one in counted:
        wait = buckets.take(one)
        if wait:  # what was not tried counts nowhere: one address cannot use up the tries of all
            for earlier, other in taken:
                earlier.give_back(other)
            return wait
        taken.append((buckets, one))
    return 0.0


def is_new(console: Console) -> bool:
    """Whether the first account is still to be made. It may also be made on the command line."""
    if console.set_up.code and console.accounts.any():
        console.set_up.close()
    return bool(console.set_up.code)


def ours(path: str) -> str:
    """A path of this console, never another site: where to go after signing in."""
    plain = all(character.isprintable() and character not in "\\" for character in path)
    return path if plain and path.startswith("/") and not path.startswith("//") else "/"


def text(form: FormData, name: str) -> str:
    """A field of a form as it was sent; empty when it is missing. HTTPException 400 when it came twice."""
    found = form.getlist(name)
    if len(found) > 1:
        raise HTTPException(400)
    return found[0] if found and isinstance(found[0], str) else ""


def too_often(seconds: float) -> str:
    minutes = "a minute" if seconds <= 60 else f"{int(seconds / 60) + 1} minutes"
    return f"Too many tries. Try again in {minutes}."
