"""The first account: made by whoever reads a code on the terminal of `handrail serve`, once, and soon."""

from __future__ import annotations

import hmac
import threading
import time
from collections.abc import Callable

from handrail.console.accounts import new_code, plain_code

LASTS = 30 * 60.0
"""Seconds for which the code can be used."""
TRIES = 10


class SetUp:
    """Holds the code while there is no account. `code` is empty when there is nothing to set up."""

    def __init__(self, *, needed: bool = False, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._until = clock() + LASTS
        self._tries = TRIES
        self.code = new_code() if needed else ""

    @property
    def open(self) -> bool:
        """Whether a code would still be taken."""
        return bool(self.code) and self._tries > 0 and self._clock() < self._until

    def fits(self, code: str) -> bool:
        """Whether this is the code; every wrong one brings the end nearer."""
        with self._lock:
            if not self.open:
                return False
            given = plain_code(code).encode("utf-8", "replace")
            if hmac.compare_digest(given, plain_code(self.code).encode()):
                return True
            self._tries -= 1
            return False

    def close(self) -> None:
        self.code = ""
