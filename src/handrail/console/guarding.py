"""Who asks, and whether they may. Whatever is not named here as open to all needs somebody who signed in."""

from __future__ import annotations

import contextlib
import hmac
import secrets
from dataclasses import dataclass
from hashlib import sha256
from ipaddress import ip_address
from typing import Literal
from urllib.parse import quote

from starlette.datastructures import FormData, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from handrail.console.accounts import Account
from handrail.console.context import Console, console_of, is_within
from handrail.console.refusals import because, refuse

SITTING = "handrail-sitting"
VISIT = "handrail-visit"
HALFWAY = "handrail-halfway"
OPEN = ("/sign-in", "/sign-in/code", "/set-up", "/password")
SECOND_FACTOR = "/account/second-factor"
"""Pages for people who have not signed in; files under /static/ hold nothing of anybody."""
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

By = Literal["nobody", "sitting", "proxy", "token"]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is signed in. `name` is what the journal calls them. `proven`: by a second factor, too, or by a
    proxy, whose matter that is. Without it nobody is an administrator."""

    name: str
    roles: frozenset[str]
    proven: bool = False

    def may(self, role: str) -> bool:
        return role == "viewer" or (role in self.roles and (self.proven or role != "administrator"))


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who sent a request. `secret` is known to their browser only (the sitting's, or of a cookie of its own): the
    tokens in forms come from it. `new`: their browser has yet to be told it."""

    person: Person | None
    by: By
    secret: str
    address: str
    new: bool = False

    @property
    def csrf(self) -> str:
        return csrf_of(self.secret)


def csrf_of(secret: str) -> str:
    """The token that shows that a form came from our own page."""
    return hmac.new(secret.encode("utf-8", "surrogatepass"), b"handrail csrf", sha256).hexdigest()


def visitor_of(connection: HTTPConnection) -> Visitor:
    found = connection.scope.get("state", {}).get("visitor")
    return found if isinstance(found, Visitor) else Visitor(None, "nobody", "", address_of(connection))


def address_of(connection: HTTPConnection) -> str:
    return connection.client.host if connection.client else ""


# -- what routes ask for ----------------------------------------------------------------------------------------


async def viewer(request: Request) -> Person:
    """Somebody who is signed in."""
    return demand(request, "viewer")


async def operator(request: Request) -> Person:
    return demand(request, "operator")


async def approver(request: Request) -> Person:
    return demand(request, "approver")


async def administrator(request: Request) -> Person:
    return demand(request, "administrator")


def demand(request: Request, *roles: str) -> Person:
    """The person, when they have one of the roles. HTTPException 401 or 403 otherwise, or 303 to where an
    administrator sets up the second factor that is missing."""
    visitor = visitor_of(request)
    person = visitor.person
    if person is None:
        raise HTTPException(401)
    if not any(person.may(role) for role in roles):
        if "administrator" in roles and "administrator" in person.roles and visitor.by == "sitting":
            because(request, "second-factor-missing")
            if request.method in SAFE:
                raise HTTPException(303, "Set up a second factor first.", {"Location": SECOND_FACTOR})
            raise HTTPException(403, "An administrator needs a second factor for this. Set one up first.")
        because(request, "not-allowed", needs=roles)
        named = " or ".join(roles)
        raise HTTPException(403, f"This needs the role {named}, and {person.name} does not have it.")
    return person


async def checked(request: Request) -> None:
    """That whatever changes something was sent from a page of ours: every route depends on it. A token of the API is
    sent by no browser on its own."""
    visitor = visitor_of(request)
    if request.method in SAFE or visitor.by == "token":
        return
    given: object = request.headers.get("x-csrf-token")
    if given is None and request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        given = (await _form(request)).get("csrf")
    if not isinstance(given, str) or not hmac.compare_digest(given.encode(), visitor.csrf.encode()):
        because(request, "forged")
        raise HTTPException(403, "This form is too old, or was not sent from the console. Load the page again.")


async def checked_form(request: Request) -> FormData:
    """The fields of a form that was sent from a page of ours."""
    await checked(request)
    return await _form(request)


async def _form(request: Request) -> FormData:
    return await request.form(max_files=0, max_fields=500)


def lasts(request: Request) -> bool:
    """Whether whoever sent this request is still signed in. Live pages ask now and then, and end when it is not so."""
    visitor = visitor_of(request)
    found = _Doorkeeper(console_of(request)).visitor(request)
    return found.person is not None and visitor.person is not None and found.person.name == visitor.person.name


# -- the door ---------------------------------------------------------------------------------------------------


class Door:
    """Middleware: finds out who asks, and turns away who may not ask at all."""

    def __init__(self, app: ASGIApp, console: Console) -> None:
        self._app = app
        self._console = console
        self._keeper = _Doorkeeper(console)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/static/"):
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        visitor = self._keeper.visitor(request)
        scope.setdefault("state", {})["visitor"] = visitor
        answering = self._introducing(visitor, request, send)
        wait = self._wait(visitor)
        if wait:
            because(request, "too-often")
            await refuse(scope, receive, answering, 429, headers={"Retry-After": str(int(wait) + 1)})
        elif request.method not in SAFE and visitor.by != "token" and not self._is_from_us(request):
            because(request, "forged", origin=request.headers.get("origin", ""))
            await refuse(scope, receive, answering, 403, "This was sent from another site.")
        elif visitor.person is None and (request.url.path not in OPEN or visitor.by == "proxy"):
            await self._turn_away(scope, receive, answering, request, visitor)
        else:
            await self._app(scope, receive, answering)

    async def _turn_away(self, scope: Scope, receive: Receive, send: Send, request: Request, visitor: Visitor) -> None:
        path = request.url.path
        if request.method not in SAFE or path.startswith("/api/"):
            because(request, "not-signed-in")
        if visitor.by == "proxy":
            because(request, "no-account", header=request.headers.getlist(self._console.settings.proxy_header)[:2])
            await refuse(scope, receive, send, 403, "You have no account here. Ask an administrator of the console.")
            return
        if path.startswith("/api/"):
            await refuse(scope, receive, send, 401, headers={"WWW-Authenticate": 'Bearer realm="handrail"'})
            return
        if request.headers.get("accept", "") == "text/event-stream":
            await refuse(scope, receive, send, 401)
            return
        back = path + (f"?{request.url.query}" if request.url.query else "")
        where = "/sign-in"
        if request.method in SAFE and path != "/":
            where += f"?next={quote(back, safe='')}"
        if "hx-request" in request.headers:
            await refuse(scope, receive, send, 401, headers={"HX-Redirect": where})
        else:
            await refuse(scope, receive, send, 303, "Sign in first.", {"Location": where})

    def _wait(self, visitor: Visitor) -> float:
        if visitor.person is None:
            return self._console.limits.strangers.take(visitor.address)
        return self._console.limits.requests.take(visitor.secret if visitor.by == "sitting" else visitor.person.name)

    def _is_from_us(self, request: Request) -> bool:
        """By what a browser says of where a request came from. One that says nothing has the form's token to show."""
        settings = self._console.settings
        site = request.headers.get("sec-fetch-site")
        if site is not None and site != "same-origin":
            return False
        origin = request.headers.get("origin")
        scheme = "https" if settings.secure else "http"
        return origin is None or origin.lower() in (f"{scheme}://{request.headers['host']}".lower(), settings.origin)

    def _introducing(self, visitor: Visitor, request: Request, send: Send) -> Send:
        """Tells a browser the secret that its forms are checked with."""
        if not visitor.new or request.url.path.startswith("/api/"):
            return send
        settings = self._console.settings

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).append(
                    "Set-Cookie", cookie(settings.cookie(VISIT), visitor.secret, settings.secure, "Lax")
                )
            await send(message)

        return told


class _Doorkeeper:
    """Finds out who sent a request."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def visitor(self, request: Request) -> Visitor:
        console = self._console
        address = address_of(request)
        proxy = console.settings.proxy
        named = request.headers.getlist(proxy.header) if proxy else []
        path = request.url.path
        visit = cookie_of(request, console.settings.cookie(VISIT))
        new = not _is_secret(visit)
        secret = secrets.token_urlsafe(32) if new else visit
        if proxy and is_within(address, proxy.networks):
            address = _forwarded(request) or address
            if named:
                return Visitor(self._person_of_proxy(named), "proxy", secret, address, new)
        elif named and console.limits.complaints.take(address) == 0.0:
            console.log.note("header-ignored", address=address, path=path, header=console.settings.proxy_header)
        bearer = request.headers.get("authorization", "")
        if bearer and path.startswith("/api/"):
            kind, _, token = bearer.partition(" ")
            account = console.accounts.of_token(token.strip()) if kind.lower() == "bearer" else None
            return Visitor(_person(account), "token", token.strip(), address)
        sitting = cookie_of(request, console.settings.cookie(SITTING))
        if _is_secret(sitting):
            found = console.sittings.find(sitting)
            account = console.accounts.find(found.account) if found else None
            # A sitting from before the account had a second factor is none any more.
            if found and account is not None and account.enabled and (found.proven or not account.factor):
                return Visitor(_person(account, account.factor), "sitting", sitting, address)
        return Visitor(None, "nobody", secret, address, new)

    def _person_of_proxy(self, named: list[str]) -> Person | None:
        """Of the account that the proxy names, where it names one."""
        given = named[0]
        with contextlib.suppress(UnicodeError):
            given = given.encode("latin-1").decode("utf-8")
        account = self._console.accounts.find(given) if len(named) == 1 else None
        return _person(account, True) if account is not None and account.enabled else None


def cookie(name: str, value: str, secure: bool, same_site: str, lasts: int | None = None) -> str:
    """A Set-Cookie header. No script can read it."""
    more = f"; Max-Age={lasts}" if lasts is not None else ""
    return f"{name}={value}; Path=/; HttpOnly; SameSite={same_site}{more}" + ("; Secure" if secure else "")


def cookie_of(request: HTTPConnection, name: str) -> str:
    try:
        return request.cookies.get(name, "")
    except Exception:  # nothing that a browser would send
        return ""


def _is_secret(value: str) -> bool:
    return 40 <= len(value) <= 64 and value.isascii() and value.replace("-", "").replace("_", "").isalnum()


def _forwarded(request: HTTPConnection) -> str:
    """The address that the proxy itself saw: the last one that was added."""
    last = ",".join(request.headers.getlist("x-forwarded-for")).rpartition(",")[2].strip()
    try:
        return str(ip_address(last))
    except ValueError:
        return ""


def _person(account: Account | None, proven: bool = False) -> Person | None:
    return Person(account.name, account.roles, proven) if account else None
