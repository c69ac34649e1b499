"""One watcher, many listeners: all are told the same, nobody holds the others, and it ends when nobody listens."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from typing import Any

from handrail.console.live import QUEUE, Frame, Hub
from handrail.errors import StoreUnreachable


class Counting:
    """A view that shows what it is told to show, and counts how often it was asked."""

    def __init__(self) -> None:
        self.looks = 0
        self.position = 1
        self.parts: dict[str, str] = {"now": "first", "story": "once"}
        self.error: Exception | None = None
        self.costs = 0.0

    def look(self) -> Frame:
        self.looks += 1
        began = time.thread_time()
        while time.thread_time() - began < self.costs:
            pass
        if self.error is not None:
            raise self.error
        return Frame(self.position, dict(self.parts))


def parts(data: bytes) -> dict[str, Any]:
    found = re.search(rb"^data: (.*)$", data, re.MULTILINE)
    return json.loads(found[1]) if found and b"event: parts" in data else {}


def id_of(data: bytes) -> str:
    found = re.search(rb"^id: (.*)$", data, re.MULTILINE)
    return found[1].decode() if found else ""


async def told(stream: AsyncIterator[bytes], within: float = 5.0) -> bytes:
    """The next message of the stream that is not a sign of life."""
    async with asyncio.timeout(within):
        async for data in stream:
            if b"event:" in data:
                return data
    raise AssertionError("the stream ended")


def hub(**more: float) -> Hub:
    return Hub(**{"pace": 0.01, "beat": 0.05, "check": 10.0, **more})  # type: ignore[arg-type]


def test_everybody_is_told_the_same_bytes_and_one_asks_for_all() -> None:
    async def go() -> None:
        watched, view = hub(), Counting()
        streams = [watched.listen("run", lambda: view) for _ in range(50)]
        first = await asyncio.gather(*(told(one) for one in streams))
        assert parts(first[0]) == {"trouble": "", "now": "first", "story": "once"}
        before = view.looks
        view.parts, view.position = {"now": "second", "story": "once"}, 2
        second = await asyncio.gather(*(told(one) for one in streams))
        assert len(set(second)) == 1 and parts(second[0]) == {"now": "second"}
        assert view.looks - before < 20  # not fifty times as often
        assert watched.watched == 1
        for one in streams:
            await one.aclose()  # type: ignore[attr-defined]
        assert watched.watched == 0
        looks = view.looks
        await asyncio.sleep(0.1)
        assert view.looks <= looks + 1

    asyncio.run(go())


def test_who_comes_back_is_told_what_was_missed_and_nothing_else() -> None:
    async def go() -> None:
        watched, view = hub(), Counting()
        stays = watched.listen("run", lambda: view)
        last = id_of(await told(stays))
        assert last.startswith("1.")
        view.parts, view.position = {"now": "second", "story": "once"}, 7
        newest = id_of(await told(stays))
        assert newest.startswith("7.")

        again = watched.listen("run", lambda: view, last=last)
        assert parts(await told(again)) == {"now": "second"}
        stranger = watched.listen("run", lambda: view, last="7.ffffffff.2")  # of a process that is gone
        assert parts(await told(stranger)) == {"trouble": "", "now": "second", "story": "once"}
        nothing = watched.listen("run", lambda: view, last=newest)
        await anext(nothing)
        assert await anext(nothing) == b": still here\n\n"

    asyncio.run(go())


def test_a_listener_that_does_not_read_holds_nobody_and_misses_nothing() -> None:
    async def go() -> None:
        watched, view = hub(), Counting()
        slow, quick = watched.listen("run", lambda: view), watched.listen("run", lambda: view)
        await asyncio.gather(told(slow), told(quick))
        for number in range(3 * QUEUE):
            view.parts = {"now": f"n{number}", "story": "once", f"part{number}": "here"}
            assert parts(await told(quick))["now"] == f"n{number}"
        seen: dict[str, Any] = {}
        while seen.get("now") != f"n{3 * QUEUE - 1}":
            seen |= parts(await told(slow))
        assert {f"part{number}" for number in range(3 * QUEUE)} <= set(seen)

    asyncio.run(go())


def test_silence_is_broken_by_signs_of_life() -> None:
    async def go() -> None:
        stream = hub().listen("run", Counting)
        assert (await anext(stream)).startswith(b"retry: ")
        await told(stream)
        assert await anext(stream) == b": still here\n\n"

    asyncio.run(go())


def test_whoever_is_signed_out_loses_the_stream() -> None:
    async def go() -> None:
        signed_in = True
        stream = hub(check=0.05).listen("run", Counting, lasts=lambda: signed_in)
        await told(stream)
        await anext(stream)
        signed_in = False
        assert await told(stream) == b"event: over\ndata: {}\n\n"
        assert [one async for one in stream] == []

    asyncio.run(go())


def test_trouble_is_told_and_goes_away() -> None:
    async def go() -> None:
        failures: list[Exception] = []
        watched, view = Hub(0.01, 0.05, noted=failures.append), Counting()
        view.error = StoreUnreachable("The store does not answer.", "Look whether it runs.")
        stream = watched.listen("run", lambda: view)
        assert parts(await told(stream)) == {"trouble": "The store does not answer. Look whether it runs."}
        assert not failures

    asyncio.run(go())


def test_a_fault_of_ours_ends_nothing_and_shows_nothing_of_itself() -> None:
    async def go() -> None:
        failures: list[Exception] = []
        watched, view = Hub(0.01, 0.05, noted=failures.append), Counting()
        view.error = ValueError("/etc/secret")
        stream = watched.listen("run", lambda: view)
        assert "secret" not in str(parts(await told(stream)))
        assert len(failures) == 1

    asyncio.run(go())


def test_watching_what_costs_much_leaves_the_processor_to_others() -> None:
    async def go() -> None:
        watched, view = hub(), Counting()
        view.costs = 0.05
        stream = watched.listen("run", lambda: view)
        await told(stream)
        before = view.looks
        await asyncio.sleep(1.0)
        assert view.looks - before <= 3  # eight times as long a pause after each

    asyncio.run(go())


def test_there_is_room_for_a_number_of_listeners_only() -> None:
    async def go() -> None:
        watched = hub()
        streams = [watched.listen("run", Counting, who="ann") for _ in range(40)]
        await asyncio.gather(*(told(one) for one in streams))
        assert not watched.has_room("ann")
        assert watched.has_room("bob")

    asyncio.run(go())
