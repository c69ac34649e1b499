"""Pages: templates in one frame. Everything in them is escaped; secrets are hidden on the way out (`headers.Shell`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse

if TYPE_CHECKING:
    from handrail.console.context import Console

SAID = "handrail-said"


@dataclass(frozen=True, slots=True)
class Link:
    """An entry of the navigation."""

    to: str
    text: str
    role: str = "viewer"


NAVIGATION = (
    Link("/", "Now"),
    Link("/runs", "Runs"),
    Link("/plans", "Plans"),
    Link("/estates", "Estates"),
    Link("/rehearsals", "Rehearsals"),
    Link("/accounts", "Accounts", "administrator"),
)


def make_environment() -> Environment:
    made = Environment(
        loader=PackageLoader("handrail.console", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["when"] = when
    return made


def when(seconds: float | None) -> str:
    """A moment, in seconds since 1970, as people read it: the same for everybody who looks."""
    if seconds is None:
        return "never"
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


def render(request: Request, template: str, status: int = 200, /, **values: Any) -> HTMLResponse:
    """The template with `values`, and with what every page knows: who is signed in (`person`, or None), the
    token for forms (`csrf`), the navigation, and what the last form led to (`said`)."""
    response = HTMLResponse(page(request, template, values), status)
    if request.cookies.get(_said(request)):
        response.delete_cookie(_said(request), path="/", secure=_is_secure(request), httponly=True, samesite="strict")
    return response


def go(request: Request, to: str, said: str = "") -> RedirectResponse:
    """Where a form leads when it has done its work; `said` is shown there, once. `to` is a path of ours."""
    response = RedirectResponse(to, 303)
    if said:
        response.set_cookie(
            _said(request),
            quote(said[:600], safe=""),
            max_age=60,
            path="/",
            secure=_is_secure(request),
            httponly=True,
            samesite="strict",
        )
    return response


def page(request: Request, name: str, values: Mapping[str, Any]) -> str:
    from handrail.console.guarding import visitor_of

    visitor = visitor_of(request)
    person = visitor.person
    environment: Environment = request.app.state.templates
    return environment.get_template(name).render(
        {
            "person": person,
            "csrf": visitor.csrf if visitor.secret else "",
            "by": visitor.by,
            "navigation": [one for one in NAVIGATION if person is not None and person.may(one.role)],
            "path": request.url.path,
            "said": unquote(request.cookies.get(_said(request), ""))[:600],
            **values,
        }
    )


def _said(request: Request) -> str:
    console: Console = request.app.state.console
    return console.settings.cookie(SAID)


def _is_secure(request: Request) -> bool:
    console: Console = request.app.state.console
    return console.settings.secure
