"""One's own account, and those of others for administrators."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from handrail.console.accounts import ROLES, TOKEN_DAYS, Account
from handrail.console.context import Console, console_of
from handrail.console.guarding import Person, administrator, viewer, visitor_of
from handrail.console.refusals import because
from handrail.console.rendering import go, render
from handrail.console.signing_in import Form, sitting_for, text, tries
from handrail.errors import BadInput

Anybody = Annotated[Person, Depends(viewer)]
Administrator = Annotated[Person, Depends(administrator)]

CHOICES = tuple(one for one in ROLES if one != "viewer")


def make_router() -> APIRouter:
    router = APIRouter(include_in_schema=False)
    _add_own(router)
    _add_others(router)
    return router


def _add_own(router: APIRouter) -> None:
    @router.get("/account")
    def own(request: Request, person: Anybody) -> Response:
        return _own(request, person)

    @router.post("/account/password")
    async def change(request: Request, person: Anybody, form: Form) -> Response:
        console, visitor = console_of(request), visitor_of(request)
        old, new = text(form, "old"), text(form, "new")
        async with console.limits.hashing:
            wait = tries(console, person.name, visitor.address)
            if wait:
                because(request, "password-too-often")
                return _own(request, person, 429, wrong="Too many tries. Wait a few minutes.")
            if await run_in_threadpool(console.accounts.check, person.name, old) is None:
                because(request, "password-refused")
                return _own(request, person, 403, wrong="The password that you have now is another one.")
            tries(console, person.name, visitor.address, back=True)
            try:
                await run_in_threadpool(console.accounts.set_password, person.name, new)
            except BadInput as error:
                return _own(request, person, 422, wrong=str(error))
        _note(request, person, "password-changed")
        account = console.accounts.get(person.name)
        said = "The password is changed. You were signed out everywhere else, and your tokens are gone."
        return sitting_for(request, account, visitor, "/account", said, proven=person.proven)

    @router.post("/account/tokens")
    def make_token(request: Request, person: Anybody, form: Form) -> Response:
        if visitor_of(request).by == "token":
            raise HTTPException(403, "A token makes no others.")
        days = text(form, "days") or str(TOKEN_DAYS)
        if not days.isascii() or not days.isdigit() or len(days) > 3:
            raise BadInput("A token lasts 1 to 366 days.")
        secret = console_of(request).accounts.new_token(person.name, text(form, "label"), int(days))
        _note(request, person, "token-made", label=text(form, "label")[:80])
        return _own(request, person, secret=secret)

    @router.post("/account/tokens/{token}/drop")
    def drop_token(request: Request, person: Anybody, token: str) -> Response:
        console_of(request).accounts.drop_token(person.name, token)
        _note(request, person, "token-dropped")
        return go(request, "/account", "The token is gone.")

    @router.post("/account/sittings/end")
    def end_sittings(request: Request, person: Anybody) -> Response:
        """All but the one in which it is asked for."""
        console_of(request).sittings.end_all(person.name, but=visitor_of(request).secret)
        _note(request, person, "sittings-ended")
        return go(request, "/account", "You are signed out everywhere else.")


def _own(request: Request, person: Person, status: int = 200, *, wrong: str = "", secret: str = "") -> Response:
    console, visitor = console_of(request), visitor_of(request)
    own = console.sittings.find(visitor.secret) if visitor.by == "sitting" else None
    return render(
        request,
        "account.html",
        status,
        account=console.accounts.get(person.name),
        tokens=console.accounts.tokens(person.name),
        sittings=console.sittings.of(person.name),
        own=own.id if own else "",
        wrong=wrong,
        secret=secret,
        days=TOKEN_DAYS,
    )


def _add_others(router: APIRouter) -> None:
    @router.get("/accounts", dependencies=[Depends(administrator)])
    def all_of_them(request: Request) -> Response:
        return _all(request)

    @router.post("/accounts")
    def add(request: Request, person: Administrator, form: Form) -> Response:
        console, name, roles = console_of(request), text(form, "name"), _chosen(form.getlist("role"))
        try:
            account = console.accounts.add(name, None, roles)
        except BadInput as error:
            return _all(request, 422, name=name, roles=roles, wrong=str(error))
        _note(request, person, "account-added", account=account.name, roles=sorted(account.roles))
        return _invited(request, console, account, "The account is made.")

    @router.get("/accounts/{name}", dependencies=[Depends(administrator)])
    def one(request: Request, name: str) -> Response:
        return _one(request, console_of(request).accounts.get(name))

    @router.post("/accounts/{name}/roles")
    def roles(request: Request, person: Administrator, name: str, form: Form) -> Response:
        console, chosen = console_of(request), _chosen(form.getlist("role"))
        account = console.accounts.get(name)
        try:
            console.accounts.set_roles(name, chosen)
        except BadInput as error:
            return _one(request, account, 409, wrong=str(error))
        _note(request, person, "roles-changed", account=account.name, roles=chosen)
        return go(request, _place(account), f"The roles of {account.name} are changed.")

    @router.post("/accounts/{name}/enabled")
    def enabled(request: Request, person: Administrator, name: str, form: Form) -> Response:
        console, on = console_of(request), text(form, "enabled") == "yes"
        account = console.accounts.get(name)
        try:
            console.accounts.set_enabled(name, on)
        except BadInput as error:
            return _one(request, account, 409, wrong=str(error))
        _note(request, person, "enabled" if on else "disabled", account=account.name)
        said = "may sign in again." if on else "is disabled and was signed out everywhere."
        return go(request, _place(account), f"{account.name} {said}")

    @router.post("/accounts/{name}/code")
    def invite(request: Request, person: Administrator, name: str) -> Response:
        console = console_of(request)
        account = console.accounts.get(name)
        _note(request, person, "password-reset", account=account.name)
        return _invited(
            request,
            console,
            account,
            f"The old password of {account.name} does not count any more, nor their second factor.",
        )

    @router.post("/accounts/{name}/end")
    def end(request: Request, person: Administrator, name: str) -> Response:
        console = console_of(request)
        account = console.accounts.get(name)
        ended = console.sittings.end_all(account.name)
        _note(request, person, "sittings-ended", account=account.name, ended=ended)
        return go(request, _place(account), f"{account.name} is signed out everywhere.")


def _all(
    request: Request, status: int = 200, *, name: str = "", roles: tuple[str, ...] = (), wrong: str = ""
) -> Response:
    accounts = console_of(request).accounts.all()
    return render(
        request, "accounts.html", status, accounts=accounts, choices=CHOICES, name=name, roles=roles, wrong=wrong
    )


def _one(request: Request, account: Account, status: int = 200, *, wrong: str = "") -> Response:
    sittings = console_of(request).sittings.of(account.name)
    return render(request, "account-of.html", status, account=account, sittings=sittings, choices=CHOICES, wrong=wrong)


def _invited(request: Request, console: Console, account: Account, done: str) -> Response:
    """Shows the code once: it is in no address, no cookie and no log."""
    code = console.accounts.invite(account.name)
    return render(request, "code.html", account=account, code=code, done=done)


def _chosen(given: Sequence[object]) -> tuple[str, ...]:
    return tuple(one for one in given if isinstance(one, str))


def _place(account: Account) -> str:
    return f"/accounts/{quote(account.name, safe='')}"


def _note(request: Request, person: Person, what: str, **more: object) -> None:
    console_of(request).log.note(what, who=person.name, address=visitor_of(request).address, **more)
