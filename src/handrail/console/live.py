"""Live pages: what is looked at is watched once in the process, and everybody who looks is told the same bytes.

A watcher asks its view, in a thread and at most about once a second, for the parts of the page as they are now, and
sends those that changed. Every message is whole in itself: a part replaces what the page showed of it before. So a
listener that was slow, or away, is given the newest parts and has missed nothing; it is never waited for.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from handrail.errors import HandrailError

PACE = 1.0
"""Seconds between two looks."""
SHARE = 8.0
"""A look that cost much is followed by a pause of so many times its processor time."""
REST = 5.0
"""Seconds between two looks at what cannot change by itself any more, and the longest pause."""
BEAT = 15.0
"""Seconds of silence after which a sign of life is sent: proxies close what is silent."""
CHECK = 20.0
"""Seconds between two looks whether a listener is still signed in."""
AGAIN = 3.0
"""Seconds after which a browser that was cut off comes back."""
QUEUE = 4
"""Messages that a slow listener may be behind; then it is given the whole instead."""
MOST = 1000
MOST_EACH = 40


@dataclass(frozen=True, slots=True)
class Frame:
    """The parts of a page by name, as they are at `position` of the journal. `still`: nothing will change by itself."""

    position: int
    parts: Mapping[str, str]
    still: bool = False


class View(Protocol):
    """What is looked at. `look` is called from a thread, by one caller at a time."""

    def look(self) -> Frame: ...


def message(id: str, parts: Mapping[str, str]) -> bytes:
    """An event of the stream."""
    data = json.dumps(parts, ensure_ascii=False, separators=(",", ":"))
    return f"id: {id}\nevent: parts\ndata: {data}\n\n".encode()


class _Listener:
    def __init__(self, who: str) -> None:
        self.who = who
        self._waiting: deque[bytes] = deque()
        self._there = asyncio.Event()
        self.is_behind = False

    def put(self, data: bytes) -> None:
        if len(self._waiting) >= QUEUE:
            self._waiting.clear()
            self.is_behind = True
        else:
            self._waiting.append(data)
        self._there.set()

    def forget(self) -> None:
        self._waiting.clear()
        self.is_behind = False

    async def wait(self, seconds: float) -> None:
        """Until there is something to send, or the time is over."""
        if not self._waiting and not self.is_behind:
            self._there.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._there.wait(), seconds)

    def take(self) -> bytes | None:
        return self._waiting.popleft() if self._waiting else None


class _Watcher:
    """Looks as long as anybody listens. What it sends is numbered; the id of a message is the position in the journal,
    this watcher's own name and that number, so that a browser that comes back says how far it had come."""

    def __init__(self, view: View, pace: float, noted: Callable[[Exception], None]) -> None:
        self.listeners: set[_Listener] = set()
        self.looks = 0
        self._view = view
        self._pace = pace
        self._noted = noted
        self._name = secrets.token_hex(4)
        self._number = 0
        self._position = 0
        self._parts: dict[str, str] = {}
        self._changed: dict[str, int] = {}
        self._ready = asyncio.Event()
        self._task = asyncio.create_task(self._watch())

    async def missed(self, last: str = "") -> bytes | None:
        """What somebody has to be told whose last message had the id `last`; everything when it was none of ours."""
        await self._ready.wait()
        _, name, number = [*last.split("."), "", ""][:3]
        known = int(number) if name == self._name and number.isascii() and number.isdigit() else -1
        parts = {one: text for one, text in self._parts.items() if self._changed[one] > known}
        return message(self._id, parts) if parts else None

    def stop(self) -> None:
        self._task.cancel()

    @property
    def _id(self) -> str:
        return f"{self._position}.{self._name}.{self._number}"

    async def _watch(self) -> None:
        while True:
            still, pause = True, 0.0
            try:
                frame, cost = await asyncio.to_thread(self._look)
                still, pause = frame.still, min(SHARE * cost, REST)
                self._tell(frame.position, {"trouble": "", **frame.parts})
            except HandrailError as error:
                self._tell(self._position, {"trouble": f"{error.message} {error.advice}".strip()})
            except Exception as error:
                # Whoever listens would otherwise wait for ever.
                self._noted(error)
                self._tell(
                    self._position, {"trouble": "Something went wrong here. It was written to the console's log."}
                )
            self.looks += 1
            self._ready.set()
            await asyncio.sleep(REST if still else max(self._pace, pause))

    def _look(self) -> tuple[Frame, float]:
        """What there is to see, and the processor time that it took."""
        began = time.thread_time()
        return self._view.look(), time.thread_time() - began

    def _tell(self, position: int, parts: Mapping[str, str]) -> None:
        self._position = max(self._position, position)
        changed = {name: text for name, text in parts.items() if self._parts.get(name) != text}
        if not changed:
            return
        self._number += 1
        self._parts.update(changed)
        self._changed.update(dict.fromkeys(changed, self._number))
        data = message(self._id, changed)
        for one in self.listeners:
            one.put(data)


def _ignored(_: Exception) -> None:
    pass


class Hub:
    """All that is watched in this process, by a key of the caller's choice. `noted` hears of failures that are nobody's
    fault but ours."""

    def __init__(
        self,
        pace: float = PACE,
        beat: float = BEAT,
        check: float = CHECK,
        noted: Callable[[Exception], None] = _ignored,
    ) -> None:
        self._pace = pace
        self._beat = beat
        self._check = check
        self._noted = noted
        self._watchers: dict[object, _Watcher] = {}

    @property
    def watched(self) -> int:
        return len(self._watchers)

    @property
    def looks(self) -> int:
        """How often those that are watched now have been looked at."""
        return sum(one.looks for one in self._watchers.values())

    def has_room(self, who: str) -> bool:
        """Whether there is room for another listener, and this person has not enough of them."""
        names = [one.who for watcher in self._watchers.values() for one in watcher.listeners]
        return len(names) < MOST and names.count(who) < MOST_EACH

    async def listen(
        self,
        key: object,
        make: Callable[[], View],
        *,
        who: str = "",
        last: str = "",
        lasts: Callable[[], bool] = lambda: True,
    ) -> AsyncIterator[bytes]:
        """The stream for one listener. `last`: the id of the last message that it was given before it was cut off.
        `lasts` says, now and then, whether it may still listen; its last event is `over` when it may not."""
        watcher = self._watchers.get(key)
        if watcher is None:
            watcher = self._watchers[key] = _Watcher(make(), self._pace, self._noted)
        listener = _Listener(who)
        watcher.listeners.add(listener)
        try:
            yield f"retry: {int(AGAIN * 1000)}\n\n".encode()
            missed = await watcher.missed(last)
            listener.forget()
            if missed is not None:
                yield missed
            checked = time.monotonic()
            while True:
                await listener.wait(min(self._beat, self._check))
                if time.monotonic() - checked >= self._check:
                    if not await asyncio.to_thread(lasts):
                        yield b"event: over\ndata: {}\n\n"
                        return
                    checked = time.monotonic()
                if listener.is_behind:
                    listener.forget()
                    data = await watcher.missed()
                else:
                    data = listener.take() or b": still here\n\n"
                if data is not None:
                    yield data
        finally:
            watcher.listeners.discard(listener)
            if not watcher.listeners and self._watchers.get(key) is watcher:
                del self._watchers[key]
                watcher.stop()
