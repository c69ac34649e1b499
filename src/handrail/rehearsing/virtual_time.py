"""Time for rehearsals: waiting takes none, and everything that asks what time it is gets the same answer.

The clock also moves a little with every look at it, so that what happens later is later.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from handrail.errors import HandrailError

T = TypeVar("T")

BEGINNING = datetime(2026, 1, 5, 20, 0, tzinfo=UTC)
"""When every rehearsal begins, so that equal rehearsals are equal."""


class VirtualClock:
    """A clock of `running.clock` and, called, one of the twin. `loop` is set while a loop of ours runs."""

    def __init__(self, beginning: datetime = BEGINNING) -> None:
        self._beginning = beginning
        self._looks = 0
        self.passed = 0.0

    def now(self) -> datetime:
        self._looks += 1
        return self._beginning + timedelta(seconds=self.passed, microseconds=100 * self._looks)

    def __call__(self) -> datetime:
        return self.now()

    def fork(self) -> VirtualClock:
        """A clock that shows the same moment and goes on by itself."""
        other = VirtualClock(self._beginning)
        other._looks, other.passed = self._looks, self.passed
        return other

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Endless(HandrailError):
    """What is rehearsed goes round in circles."""


class Stuck(HandrailError):
    """What is rehearsed waits, and nothing is left that could happen."""


TURNS = 2_000_000
"""Turns of a loop in which a rehearsal has to come to an end; the largest plans need some tens of thousands."""


class _Jumping(selectors.DefaultSelector):
    """Never waits: when nothing is ready, the time until the next timer has passed."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__()
        self._clock = clock
        self._turns = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self._turns += 1
        if self._turns > TURNS:
            self._turns = 0  # What is cancelled now may come to its end.
            raise Endless("The run on the twin does not come to an end.", "Look for what waits for itself.")
        ready: list[tuple[selectors.SelectorKey, int]] = super().select(0)
        if not ready and timeout is None:
            # No timer, no other thread, nothing from outside: what is waited for cannot come any more.
            raise Stuck(
                "The run on the twin waits for something that can never happen.",
                "Whatever it waits for has to be set by a task or a timer that is still there; none is.",
            )
        if not ready and timeout:
            self._clock.passed += timeout
        return ready


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(_Jumping(clock))
        self._passing = clock

    def time(self) -> float:
        return self._passing.passed

    def run_in_executor(  # type: ignore[override]
        self,
        executor: Any,  # noqa: ARG002
        func: Callable[..., Any],
        *args: Any,
    ) -> Any:
        """At once and here: while another thread worked, no time of ours could pass."""
        done = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:
            done.set_exception(error)
        return done


def run(main: Coroutine[Any, Any, T], clock: VirtualClock) -> T:
    """Like asyncio.run, in the time of `clock`."""
    with asyncio.Runner(loop_factory=lambda: _Loop(clock)) as runner:
        return runner.run(main)
