"""Who is signed in. A sitting begins with a password and ends by itself; only a hash of its secret is kept."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from handrail.console.accounts import Account, hashed_secret, key_of
from handrail.console.database import Database
from handrail.console.second_factor import new_secret

if TYPE_CHECKING:
    import sqlite3

IDLE = 2 * 3600.0
"""Seconds without a request, or an open live page, after which a sitting has ended."""
LONGEST = 12 * 3600.0
"""Seconds after which it has ended whatever its person does: one night."""
REMEMBERED = 30 * 86400.0
"""Seconds for which ended sittings are kept: from where an account was used lately."""
_STEP = 30.0
"""Seconds between two notes that somebody is still there."""


@dataclass(frozen=True, slots=True)
class Sitting:
    """`id` names it and opens nothing. Times are seconds since 1970. `proven`: it began with a second factor, too."""

    id: str
    account: str
    begun: float
    seen: float
    address: str
    proven: bool = False


class Sittings:
    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def begin(self, account: Account, address: str, *, proven: bool = False) -> str:
        """The secret of a new sitting: 256 random bits, for the cookie of whoever just showed who they are."""
        secret = secrets.token_urlsafe(32)
        now = self._clock()
        self._database.do("DELETE FROM sittings WHERE begun < ?", now - REMEMBERED)
        self._database.do(
            "INSERT INTO sittings (secret, account, begun, seen, address, proven) VALUES (?, ?, ?, ?, ?, ?)",
            hashed_secret(secret),
            account.key,
            now,
            now,
            address,
            int(proven),
        )
        return secret

    def offer(self, secret: str) -> str:
        """The secret of a second factor that is offered in a sitting: the same until one was set up, which ends it."""
        hashed = hashed_secret(secret)
        self._database.do("UPDATE sittings SET offer = ? WHERE secret = ? AND offer IS NULL", new_secret(), hashed)
        row = self._database.one("SELECT offer FROM sittings WHERE secret = ?", hashed)
        return str(row["offer"]) if row else new_secret()

    def find(self, secret: str) -> Sitting | None:
        """The sitting that this secret opens, while it lasts; asking is a sign of life."""
        now = self._clock()
        row = self._database.one(
            "SELECT * FROM sittings WHERE secret = ? AND ended IS NULL AND seen > ? AND begun > ?",
            hashed_secret(secret),
            now - IDLE,
            now - LONGEST,
        )
        if row is None:
            return None
        if now - row["seen"] > _STEP:
            self._database.do("UPDATE sittings SET seen = ? WHERE secret = ?", now, row["secret"])
        return _sitting(row)

    def end(self, secret: str) -> None:
        self._database.do(
            "UPDATE sittings SET ended = ? WHERE secret = ? AND ended IS NULL", self._clock(), hashed_secret(secret)
        )

    def end_one(self, name: str, sitting: str) -> int:
        """End a sitting of an account by the sitting's id; how many."""
        return self._database.do(
            "UPDATE sittings SET ended = ? WHERE account = ? AND substr(secret, 1, 16) = ? AND ended IS NULL",
            self._clock(),
            key_of(name),
            sitting,
        )

    def end_all(self, name: str, but: str = "") -> int:
        """End all sittings of an account, but the one with the secret `but`; how many."""
        return self._database.do(
            "UPDATE sittings SET ended = ? WHERE account = ? AND secret <> ? AND ended IS NULL",
            self._clock(),
            key_of(name),
            hashed_secret(but),
        )

    def of(self, name: str) -> list[Sitting]:
        """The sittings of an account that last, newest first."""
        now = self._clock()
        rows = self._database.all(
            "SELECT * FROM sittings WHERE account = ? AND ended IS NULL AND seen > ? AND begun > ? ORDER BY begun DESC",
            key_of(name),
            now - IDLE,
            now - LONGEST,
        )
        return [_sitting(row) for row in rows]

    def last(self, name: str) -> Sitting | None:
        """The newest sitting of an account, whether it lasts or not."""
        row = self._database.one("SELECT * FROM sittings WHERE account = ? ORDER BY begun DESC LIMIT 1", key_of(name))
        return _sitting(row) if row else None

    def knows(self, name: str, address: str) -> bool:
        """Whether the account was signed in from that address within the last weeks."""
        found = self._database.one(
            "SELECT 1 FROM sittings WHERE account = ? AND address = ? LIMIT 1", key_of(name), address
        )
        return found is not None


def _sitting(row: sqlite3.Row) -> Sitting:
    return Sitting(row["secret"][:16], row["account"], row["begun"], row["seen"], row["address"], bool(row["proven"]))
