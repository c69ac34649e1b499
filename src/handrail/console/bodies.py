"""How much and how slowly somebody may send, and how long they wait for an answer."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from handrail.console.guarding import visitor_of
from handrail.console.refusals import refuse

BODY = 1024 * 1024
"""Bytes of the largest body that is taken."""
STRANGERS_BODY = 16 * 1024
"""The same, of somebody who is not signed in."""
BODY_TIME = 30.0
"""Seconds until a body must have arrived."""
ANSWER_TIME = 120.0
"""Seconds until an answer must have begun."""


class Bodies:
    """Middleware: refuses bodies that are too large (413), also those that do not say so before, or too slow (408),
    and gives an answer when none comes (503)."""

    def __init__(self, app: ASGIApp, largest: int = BODY, seconds: float = BODY_TIME, answer: float = ANSWER_TIME):
        self._app = app
        self._largest = largest
        self._seconds = seconds
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        largest = self._largest if visitor_of(Request(scope)).person else min(self._largest, STRANGERS_BODY)
        said = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if not said.isdigit() or int(said) > largest:
            await refuse(scope, receive, send, 413 if said.isdigit() else 400)
            return
        body, problem = await self._read(receive, largest)
        if problem:
            await refuse(scope, receive, send, problem)
            return
        await self._answered(scope, _replay(body, receive), send)

    async def _read(self, receive: Receive, largest: int) -> tuple[bytes, int]:
        """The whole body, for all that we take are small; or the status of why not."""
        parts: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self._seconds):
                while True:
                    message = await receive()
                    if message["type"] != "http.request":
                        return b"", 400  # the other end has gone
                    size += len(message.get("body", b""))
                    if size > largest:
                        return b"", 413
                    parts.append(message.get("body", b""))
                    if not message.get("more_body"):
                        return b"".join(parts), 0
        except TimeoutError:
            return b"", 408

    async def _answered(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def noting(message: Message) -> None:
            nonlocal begun
            if not begun:
                begun = True
                limit.reschedule(None)
            await send(message)

        try:
            async with asyncio.timeout(self._answer) as limit:
                await self._app(scope, receive, noting)
        except TimeoutError:
            if begun or not limit.expired():
                raise
            await refuse(scope, receive, send, 503)


def _replay(body: bytes, receive: Receive) -> Receive:
    """The body that was read already, then whatever else there is to hear."""
    told = False

    async def replaying() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replaying
