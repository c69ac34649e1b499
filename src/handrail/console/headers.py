"""What every answer carries, errors and files included, and the last net below all else."""

from __future__ import annotations

import asyncio

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from handrail.console.context import Settings
from handrail.console.refusals import note_failure, refusal, refuse

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
ALWAYS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
STRICT_TRANSPORT = "max-age=31536000; includeSubDomains"
NOT_KEPT = "no-store"


class Shell:
    """Middleware, the outermost: headers for every answer, and an answer for every failure."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def dressed(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                self._dress(MutableHeaders(scope=message), scope["path"])
            await send(message)

        try:
            await self._app(scope, receive, dressed)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            request = Request(scope)
            note_failure(request, error)
            if not begun:
                await refusal(request, 500)(scope, receive, dressed)

    def _dress(self, headers: MutableHeaders, path: str) -> None:
        for name, value in ALWAYS.items():
            headers[name] = value
        if self._settings.secure:
            headers["Strict-Transport-Security"] = STRICT_TRANSPORT
        headers.setdefault("Cache-Control", NOT_KEPT)
        if path.startswith("/api/"):
            headers.setdefault("Content-Disposition", 'attachment; filename="api.json"')


class Names:
    """Middleware: answers only to the console's own names, so that no other page's name can be made to point here."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._hosts = settings.hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            given = [value for name, value in scope["headers"] if name == b"host"]
            if len(given) != 1 or not self._is_ours(host_of(given[0].decode("latin-1"))):
                await refuse(scope, receive, send, 421)
                return
        await self._app(scope, receive, send)

    def _is_ours(self, host: str) -> bool:
        return host in self._hosts or f"*.{host.partition('.')[2]}" in self._hosts


def host_of(authority: str) -> str:
    """Without the port, lower case."""
    authority = authority.strip().lower()
    if authority.startswith("["):
        return authority[1:].partition("]")[0]
    return authority.partition(":")[0].rstrip(".")
