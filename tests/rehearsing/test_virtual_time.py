"""In virtual time waiting takes none, and a run that would wait for ever is told so."""

from __future__ import annotations

import asyncio

import pytest

from handrail.rehearsing import virtual_time
from handrail.rehearsing.virtual_time import Endless, Stuck, VirtualClock


def test_a_sleep_passes_at_once_and_moves_the_clock() -> None:
    clock = VirtualClock()
    virtual_time.run(clock.sleep(3600), clock)
    assert clock.passed == 3600


def test_the_earlier_of_two_timers_is_first() -> None:
    seen: list[str] = []

    async def later(name: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        seen.append(name)

    async def both() -> None:
        await asyncio.gather(later("second", 20), later("first", 10))

    virtual_time.run(both(), VirtualClock())
    assert seen == ["first", "second"]


def test_waiting_for_what_can_never_happen_is_an_error_at_once() -> None:
    async def wait() -> None:
        await asyncio.Event().wait()

    clock = VirtualClock()
    with pytest.raises(Stuck, match="can never happen"):
        virtual_time.run(wait(), clock)
    assert clock.passed == 0


def test_a_deadlock_is_found_after_everything_else_has_happened() -> None:
    async def deadlock() -> None:
        first, second = asyncio.Event(), asyncio.Event()

        async def after(one: asyncio.Event, other: asyncio.Event) -> None:
            await asyncio.sleep(5)
            await one.wait()
            other.set()

        await asyncio.gather(after(first, second), after(second, first))

    clock = VirtualClock()
    with pytest.raises(Stuck):
        virtual_time.run(deadlock(), clock)
    assert clock.passed == 5


def test_what_turns_round_for_ever_is_an_error_too(monkeypatch: pytest.MonkeyPatch) -> None:
    async def spin() -> None:
        while True:  # noqa: ASYNC110 - that is what must be noticed
            await asyncio.sleep(0)

    monkeypatch.setattr(virtual_time, "TURNS", 1000)
    with pytest.raises(Endless):
        virtual_time.run(spin(), VirtualClock())
