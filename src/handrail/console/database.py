"""The console's own database: accounts, tokens and sittings. It has nothing to do with the store of runs.

One SQLite file, readable by its owner only. The command line and several consoles may use it at once.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from handrail.errors import FileMissing, StoreError, StoreNewer, StoreUnwritable
from handrail.running.home import make_folder

_TABLES = """
CREATE TABLE accounts (
  key TEXT PRIMARY KEY, name TEXT NOT NULL, password TEXT NOT NULL, roles TEXT NOT NULL,
  enabled INTEGER NOT NULL, created REAL NOT NULL, changed REAL NOT NULL, code TEXT, code_until REAL) WITHOUT ROWID;
CREATE TABLE sittings (
  secret TEXT PRIMARY KEY, account TEXT NOT NULL REFERENCES accounts(key) ON DELETE CASCADE,
  begun REAL NOT NULL, seen REAL NOT NULL, ended REAL, address TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX sittings_of ON sittings(account);
CREATE TABLE tokens (
  secret TEXT PRIMARY KEY, id TEXT NOT NULL UNIQUE, account TEXT NOT NULL REFERENCES accounts(key) ON DELETE CASCADE,
  label TEXT NOT NULL, created REAL NOT NULL, until REAL NOT NULL, used REAL) WITHOUT ROWID;
CREATE INDEX tokens_of ON tokens(account);
"""
_FACTORS = """
ALTER TABLE accounts ADD COLUMN factor TEXT;
ALTER TABLE accounts ADD COLUMN factor_changed REAL;
ALTER TABLE accounts ADD COLUMN factor_step INTEGER NOT NULL DEFAULT -1;
ALTER TABLE sittings ADD COLUMN proven INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sittings ADD COLUMN offer TEXT;
CREATE TABLE recoveries (
  account TEXT NOT NULL REFERENCES accounts(key) ON DELETE CASCADE, code TEXT NOT NULL,
  PRIMARY KEY (account, code)) WITHOUT ROWID;
CREATE TABLE halfway (
  secret TEXT PRIMARY KEY, account TEXT NOT NULL REFERENCES accounts(key) ON DELETE CASCADE,
  until REAL NOT NULL) WITHOUT ROWID;
"""
_REVISIONS = (_TABLES, _FACTORS)
"""What each revision adds to the one before."""
REVISION = len(_REVISIONS)


class Database:
    """An open database. Safe to use from several threads: one statement or transaction at a time."""

    def __init__(self, path: Path, raw: sqlite3.Connection) -> None:
        self.path = path
        self._raw = raw
        self._lock = threading.RLock()

    def all(self, statement: str, *values: Any) -> list[sqlite3.Row]:
        with self._lock, _clear(self.path):
            return self._raw.execute(statement, values).fetchall()

    def one(self, statement: str, *values: Any) -> sqlite3.Row | None:
        found = self.all(statement, *values)
        return found[0] if found else None

    def do(self, statement: str, *values: Any) -> int:
        """Change something; how many rows."""
        with self._lock, _clear(self.path):
            return self._raw.execute(statement, values).rowcount

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, and nobody else writes meanwhile."""
        with self._lock, _clear(self.path):
            self._raw.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._raw.execute("COMMIT")
            except BaseException:
                # A full disk may have rolled it back already; a COMMIT that failed may have left it open.
                if self._raw.in_transaction:
                    self._raw.execute("ROLLBACK")
                raise

    def close(self) -> None:
        with self._lock:
            self._raw.close()


@contextlib.contextmanager
def open_database(path: Path, *, make: bool = True) -> Iterator[Database]:
    """Open the file at `path`, made when it is missing.

    Errors: FileMissing (with `make` false), StoreUnwritable, StoreNewer, StoreError.
    """
    if not path.exists():
        if not make:
            raise FileMissing(f"There are no accounts at {path}.", "Nobody has started the console here yet.")
        _make(path)
    with _clear(path):
        raw = sqlite3.connect(path, timeout=10.0, isolation_level=None, check_same_thread=False)
    try:
        with _clear(path):
            raw.row_factory = sqlite3.Row
            raw.execute("PRAGMA journal_mode=WAL")
            raw.execute("PRAGMA foreign_keys=ON")
            raw.execute("PRAGMA secure_delete=ON")
            _prepare(path, raw)
        yield Database(path, raw)
    finally:
        raw.close()


def _make(path: Path) -> None:
    """The file is there, and nobody else's to read, before the first byte of it is written."""
    make_folder(path.parent)
    try:
        path.parent.chmod(0o700)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise StoreUnwritable(f"{path} cannot be made: {error.strerror}.", "Mend the rights of its folder.") from error


def _prepare(path: Path, raw: sqlite3.Connection) -> None:
    raw.execute("BEGIN IMMEDIATE")
    found = raw.execute("PRAGMA user_version").fetchone()[0]
    if found > REVISION:
        raw.execute("ROLLBACK")
        raise StoreNewer(f"{path} was written by a newer Handrail.", "Use that one.")
    for added in _REVISIONS[found:]:
        for statement in added.split(";"):
            raw.execute(statement)
    if found < REVISION:
        raw.execute(f"PRAGMA user_version={REVISION}")
    raw.execute("COMMIT")


@contextlib.contextmanager
def _clear(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        if "readonly" in str(error) or "unable to open" in str(error):
            raise StoreUnwritable(f"{path} cannot be written: {error}.", "Mend its rights.") from error
        raise StoreError(
            f"The accounts in {path} cannot be used: {error}.", "Check the disk and its rights."
        ) from error
