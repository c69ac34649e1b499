"""How often somebody may ask, and how much and how slowly they may send."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from handrail.console.refusals import refuse

BODY = 1024 * 1024
"""Bytes of the largest body that is taken."""
BODY_TIME = 30.0
"""Seconds until a body must have arrived."""
ANSWER_TIME = 120.0
"""Seconds until an answer must have begun."""


class Buckets:
    """For each key a bucket of `size` tries that fills up again, one in `every` seconds. Safe to use from threads."""

    def __init__(self, size: int, every: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._size = size
        self._every = every
        self._clock = clock
        self._lock = threading.Lock()
        self._empty_until: dict[Hashable, float] = {}  # when the bucket will be full again

    def take(self, key: Hashable) -> float:
        """Use up a try. 0, or, when there is none left, the seconds until there is one."""
        with self._lock:
            now = self._clock()
            if len(self._empty_until) > 10_000:
                self._empty_until = {one: full for one, full in self._empty_until.items() if full > now}
            full = max(self._empty_until.get(key, now), now)
            over = full + self._every - now - self._size * self._every
            if over > 1e-6:
                return over
            self._empty_until[key] = full + self._every
            return 0.0

    def give_back(self, key: Hashable) -> None:
        """That try did not count."""
        with self._lock:
            if key in self._empty_until:
                self._empty_until[key] -= self._every


@dataclass(frozen=True, slots=True)
class Limits:
    """What is counted where. No bucket stays empty: nobody can lock somebody else's account for ever."""

    requests: Buckets = field(default_factory=lambda: Buckets(240, 0.1))
    """Of one sitting, token or person."""
    strangers: Buckets = field(default_factory=lambda: Buckets(120, 0.5))
    """Requests from one address without signing in."""
    addresses: Buckets = field(default_factory=lambda: Buckets(20, 15.0))
    """Failed sign-ins from one address."""
    pairs: Buckets = field(default_factory=lambda: Buckets(5, 60.0))
    """Failed sign-ins to one account from one address."""
    accounts: Buckets = field(default_factory=lambda: Buckets(30, 60.0))
    """Failed sign-ins to one account from addresses that it was not used from lately: below 100 in any hour."""
    hashing: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(2))
    """Passwords that are looked at at a time: each takes 64 MiB and most of a processor."""


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
        said = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if not said.isdigit() or int(said) > self._largest:
            await refuse(scope, receive, send, 413 if said.isdigit() else 400)
            return
        body, problem = await self._read(receive)
        if problem:
            await refuse(scope, receive, send, problem)
            return
        await self._answered(scope, _replay(body, receive), send)

    async def _read(self, receive: Receive) -> tuple[bytes, int]:
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
                    if size > self._largest:
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
