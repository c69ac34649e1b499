"""What going back would cost, counted beside the pages that show it: it takes the whole journal, pages do not wait."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from handrail.console.beside import Beside
from handrail.errors import HandrailError
from handrail.model.plan import Plan
from handrail.restoring.cost import Cost
from handrail.running.session import Session

LEAST = 2.0
"""Seconds between two counts of one run, at least."""
SHARE = 20.0
"""A count is not repeated before so many times the processor time that it took has passed. The time of a processor, and
not of a clock: on a busy machine a small run's price would be out of date for minutes."""
KEPT = 50


@dataclass(frozen=True, slots=True)
class Price:
    """`cost` is None where going back is no question. `position`: of the last event that it takes into account.
    `trouble`: why it could not be counted."""

    cost: Cost | None
    position: int
    trouble: str = ""


class Pricing:
    """The prices of runs, one counted at a time."""

    def __init__(self, session: Session, clock: Callable[[], float] = time.monotonic) -> None:
        self._session = session
        self._clock = clock
        self._lock = threading.Condition()
        self._found: OrderedDict[str, Price] = OrderedDict()
        self._not_before: dict[str, float] = {}
        self._under_way: set[str] = set()
        self._worker = Beside("price")

    def of(self, run: str, plan: Plan, position: int) -> Price | None:
        """The last price that was counted, None before the first. One that is behind `position` is counted anew."""
        with self._lock:
            found = self._found.get(run)
            if found is not None and found.position >= position:
                return found
            if run not in self._under_way and self._clock() >= self._not_before.get(run, 0.0):
                self._under_way.add(run)
                self._worker.submit(lambda: self._count(run, plan, position))
            return found

    def wait(self, run: str, plan: Plan, position: int, seconds: float) -> None:
        """Until the run's first price was counted, at most so long: whoever has no script sees a page once."""
        self.of(run, plan, position)
        with self._lock:
            self._lock.wait_for(lambda: run in self._found, seconds)

    def _count(self, run: str, plan: Plan, position: int) -> None:
        began = time.thread_time()
        try:
            price = Price(self._session.cost(run, plan), position)
        except HandrailError as error:
            price = Price(None, position, error.message)
        except Exception as error:
            # Nobody waits for this thread: what it does not say, nobody would hear.
            price = Price(None, position, f"It could not be counted ({type(error).__name__}).")
        pause = max(LEAST, SHARE * (time.thread_time() - began))
        with self._lock:
            self._found[run] = price
            self._found.move_to_end(run)
            while len(self._found) > KEPT:
                self._not_before.pop(self._found.popitem(last=False)[0], None)
            self._not_before[run] = self._clock() + pause
            self._under_way.discard(run)
            self._lock.notify_all()
