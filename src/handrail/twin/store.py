"""Where a twin is kept: one SQLite file, written ahead and synchronised fully (or PostgreSQL: `shared_store.py`).

Everything that one command changed, its rows in the effect log and the receipt that it left are one transaction: after
a kill at any moment either all of it is there or nothing is.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from handrail.errors import StoreError, StoreNewer, StoreUnwritable
from handrail.twin.codec import decode, encode
from handrail.twin.state import Address, State
from handrail.twin.things import KINDS

FORMAT = 1
FILE = "twin.db"

_SCHEMA = """
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE things (host TEXT, kind TEXT, name TEXT, value TEXT NOT NULL, PRIMARY KEY (host, kind, name))
                     WITHOUT ROWID;
CREATE TABLE effects (n INTEGER PRIMARY KEY, at TEXT NOT NULL, host TEXT NOT NULL, job TEXT, command TEXT NOT NULL,
                      kind TEXT NOT NULL, what TEXT NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class Effect:
    """Something that really changed: the `n`-th in this twin. `kind` is service, software, file, folder, registry,
    drive, media, database, backup, keys, agent, task, boot, event or other. `job` is the folder of the detached job
    that it ran in, if it did."""

    n: int
    host: str
    command: str
    what: str
    kind: str
    at: str
    job: str | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """A whole twin as it is kept: what it remembers of itself, its things (host, kind, name, value as text), and the
    effects."""

    about: dict[str, Any]
    things: list[tuple[str, str, str, str]]
    effects: list[Effect]


class Overtaken(Exception):
    """Somebody else changed the twin since we last looked; nothing was kept."""


class AnyStore(Protocol):
    """Where a twin is kept."""

    def about(self) -> dict[str, Any]: ...

    def load(self) -> tuple[State, list[Effect]]: ...

    def refresh(self, state: State, effects: list[Effect]) -> tuple[State, list[Effect]]:
        """State and effects as they are now; these very ones when nobody else has changed anything."""
        ...

    def create(self, about: dict[str, Any], things: Iterable[tuple[Address, Any]]) -> None:
        """Write a whole new twin, or none."""
        ...

    def kept(self) -> Kept:
        """All that there is, as at one moment."""
        ...

    def replace(self, kept: Kept) -> None:
        """Be the twin that another store kept, and no other; or stay what it was."""
        ...

    def commit(self, changes: Iterable[tuple[Address, Any]], effects: Sequence[Effect]) -> None:
        """All of it, durably, or nothing. Overtaken when the effects before these are not all that there are."""
        ...

    def close(self) -> None: ...


class Store:
    """One open twin file. Errors: StoreError, StoreNewer, StoreUnwritable."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        try:
            self._sql = sqlite3.connect(self._path, isolation_level=None, timeout=30, check_same_thread=False)
            self._sql.execute("PRAGMA journal_mode = WAL")
            self._sql.execute("PRAGMA synchronous = FULL")
        except sqlite3.OperationalError as error:
            raise _unwritable(self._path, error) from None
        except sqlite3.DatabaseError:
            raise _no_twin(self._path) from None
        self._seen: int = self._version()

    def close(self) -> None:
        self._sql.close()

    def create(self, about: dict[str, Any], things: Iterable[tuple[Address, Any]]) -> None:
        """Write a whole new twin, or none."""
        self._write(about, ((*address, _text(value)) for address, value in things), ())

    def kept(self) -> Kept:
        try:
            self._sql.execute("BEGIN")
            try:
                things = self._sql.execute("SELECT host, kind, name, value FROM things").fetchall()
                return Kept(self.about(), things, self._effects())
            finally:
                self._back()
        except sqlite3.DatabaseError:
            raise _no_twin(self._path) from None

    def replace(self, kept: Kept) -> None:
        self._write(kept.about, kept.things, kept.effects)

    def _write(self, about: dict[str, Any], things: Iterable[tuple[Any, ...]], effects: Iterable[Effect]) -> None:
        try:
            self._sql.execute("BEGIN IMMEDIATE")
            for table in ("about", "things", "effects"):
                self._sql.execute(f"DROP TABLE IF EXISTS {table}")
            for statement in filter(str.strip, _SCHEMA.split(";")):
                self._sql.execute(statement)
            self._sql.executemany("INSERT INTO things VALUES (?, ?, ?, ?)", things)
            self._insert(effects)
            about = {"format": FORMAT, **about}
            self._sql.executemany(
                "INSERT INTO about VALUES (?, ?)", [(name, json.dumps(value)) for name, value in about.items()]
            )
            self._sql.execute("COMMIT")
        except sqlite3.Error as error:
            self._back()
            raise _unwritable(self._path, error) from None

    def about(self) -> dict[str, Any]:
        try:
            about = {name: json.loads(value) for name, value in self._sql.execute("SELECT name, value FROM about")}
        except sqlite3.DatabaseError:
            raise _no_twin(self._path) from None
        if about.get("format", 0) > FORMAT:
            raise StoreNewer(f"{self._path} was written by a newer Handrail.", "Use that version, or a new run.")
        return about

    def load(self) -> tuple[State, list[Effect]]:
        state = State()
        rows = self._sql.execute("SELECT host, kind, name, value FROM things")
        state.apply(((host, kind, name), decode(KINDS[kind], json.loads(value))) for host, kind, name, value in rows)
        self._seen = self._version()
        return state, self._effects()

    def refresh(self, state: State, effects: list[Effect]) -> tuple[State, list[Effect]]:
        return (state, effects) if self._version() == self._seen else self.load()

    def _count(self) -> int:
        return int(self._sql.execute("SELECT COALESCE(MAX(n), 0) FROM effects").fetchone()[0])

    def _version(self) -> int:
        return int(self._sql.execute("PRAGMA data_version").fetchone()[0])

    def commit(self, changes: Iterable[tuple[Address, Any]], effects: Sequence[Effect]) -> None:
        """All of it, durably, or nothing."""
        try:
            self._sql.execute("BEGIN IMMEDIATE")
            if effects and self._count() != effects[0].n - 1:
                self._back()
                raise Overtaken
            for address, value in changes:
                if value is None:
                    self._sql.execute("DELETE FROM things WHERE host = ? AND kind = ? AND name = ?", address)
                else:
                    self._sql.execute("INSERT OR REPLACE INTO things VALUES (?, ?, ?, ?)", (*address, _text(value)))
            self._insert(effects)
            self._sql.execute("COMMIT")
        except sqlite3.Error as error:
            self._back()
            raise _unwritable(self._path, error) from None

    def _insert(self, effects: Iterable[Effect]) -> None:
        self._sql.executemany(
            "INSERT INTO effects VALUES (?, ?, ?, ?, ?, ?, ?)",
            [(one.n, one.at, one.host, one.job, one.command, one.kind, one.what) for one in effects],
        )

    def _effects(self) -> list[Effect]:
        rows = self._sql.execute("SELECT n, host, command, what, kind, at, job FROM effects ORDER BY n")
        return [Effect(*row) for row in rows]

    def _back(self) -> None:
        if self._sql.in_transaction:
            self._sql.execute("ROLLBACK")


def _text(value: Any) -> str:
    return json.dumps(encode(value), ensure_ascii=False, separators=(",", ":"))


def _no_twin(path: Path) -> StoreError:
    return StoreError(f"{path} is not a whole twin.", "Remove it and begin a new run; its journal is not touched.")


def _unwritable(path: Path, error: sqlite3.Error) -> StoreUnwritable:
    return StoreUnwritable(f"The twin {path} cannot be written: {error}.", "Look at free space and permissions.")
