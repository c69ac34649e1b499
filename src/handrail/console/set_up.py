"""The first account: made by whoever reads a code on the terminal of `handrail serve`, once, and soon."""

from __future__ import annotations

import hmac
import secrets
import threading
import time
from collections.abc import Callable

LASTS = 30 * 60.0
"""Seconds for which the code can be used."""
TRIES = 10
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""None that looks like another."""


class SetUp:
    """Holds the code while there is no account. `code` is empty when there is nothing to set up."""

    def __init__(self, *, needed: bool = False, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._until = clock() + LASTS
        self._tries = TRIES
        letters = "".join(secrets.choice(_LETTERS) for _ in range(20)) if needed else ""
        self.code = "-".join(letters[at : at + 5] for at in range(0, len(letters), 5))

    @property
    def open(self) -> bool:
        """Whether a code would still be taken."""
        return bool(self.code) and self._tries > 0 and self._clock() < self._until

    def fits(self, code: str) -> bool:
        """Whether this is the code; every wrong one brings the end nearer."""
        with self._lock:
            if not self.open:
                return False
            given = "".join(code.split()).replace("-", "").upper()
            if hmac.compare_digest(given.encode("utf-8", "replace"), self.code.replace("-", "").encode()):
                return True
            self._tries -= 1
            return False

    def close(self) -> None:
        self.code = ""
