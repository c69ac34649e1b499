"""How often somebody may ask."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field


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
    complaints: Buckets = field(default_factory=lambda: Buckets(120, 0.5))
    """Lines in the log because of one address: nobody fills the disk with refusals."""
    hashing: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(2))
    """Passwords that are looked at at a time: each takes 64 MiB and most of a processor."""
