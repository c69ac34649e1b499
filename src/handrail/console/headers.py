"""What every answer carries, errors and files included, and the last net below all else."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from handrail.console.context import Console, Settings
from handrail.console.guarding import visitor_of
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
    """Middleware, the outermost: headers for every answer, secrets hidden in it, an answer for every failure, and a
    line in the log for every refusal."""

    def __init__(self, app: ASGIApp, console: Console) -> None:
        self._app = app
        self._console = console
        self._settings = console.settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        held: Message | None = None  # until its first body is known, which may become shorter
        begun = False

        async def dressed(message: Message) -> None:
            nonlocal begun, held
            if message["type"] == "http.response.start":
                begun = True
                headers = MutableHeaders(scope=message)
                self._dress(headers, scope["path"])
                self._note(scope, message["status"])
                if "content-length" in headers and not scope["path"].startswith("/static/"):
                    held = message
                    return
            elif message["type"] == "http.response.body" and not scope["path"].startswith("/static/"):
                message = {**message, "body": self._console.session.secrets.redact(bytes(message.get("body", b"")))}
                if held is not None:
                    headers = MutableHeaders(scope=held)
                    if message.get("more_body"):
                        del headers["content-length"]
                    elif scope["method"] != "HEAD":
                        headers["content-length"] = str(len(message["body"]))
                    await send(held)
                    held = None
            await send(message)

        try:
            await self._app(scope, receive, dressed)
        except Exception as error:
            request = Request(scope)
            note_failure(request, error)
            if begun:
                self._note(scope, 500)
                raise
            await refusal(request, 500)(scope, receive, dressed)

    def _note(self, scope: Scope, status: int) -> None:
        request = Request(scope)
        visitor = visitor_of(request)
        why = scope.get("state", {}).get("refused")
        if (status < 400 or status == 404) and why is None:
            return
        if self._console.limits.complaints.take(visitor.address):
            return
        who = visitor.person.name if visitor.person else ""
        known = {"who": who, "address": visitor.address, "method": request.method, "path": request.url.path}
        self._console.log.note(**{"what": "refused", **known, "status": status, **(why or {})})

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
