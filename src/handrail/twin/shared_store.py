"""A twin that several machines use at once: in PostgreSQL, beside the journal of its run.

Every row says with which effect it was last changed, so that somebody who has seen the first thousand effects fetches
what changed since, and no more.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from handrail.errors import StoreError, StoreUnreachable, StoreUnwritable
from handrail.twin.codec import decode, encode
from handrail.twin.state import Address, State
from handrail.twin.store import Effect, Kept, Overtaken
from handrail.twin.things import KINDS

if TYPE_CHECKING:
    from psycopg import Connection

# `value` is null of what is gone: others have to learn that too.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS twins (run TEXT, name TEXT, value TEXT NOT NULL, PRIMARY KEY (run, name));
CREATE TABLE IF NOT EXISTS twin_things (run TEXT, host TEXT, kind TEXT, name TEXT, value TEXT, changed INTEGER NOT NULL,
                                        PRIMARY KEY (run, host, kind, name));
CREATE INDEX IF NOT EXISTS twin_things_changed ON twin_things (run, changed);
CREATE TABLE IF NOT EXISTS twin_effects (run TEXT, n INTEGER, at TEXT NOT NULL, host TEXT NOT NULL, job TEXT,
                                         command TEXT NOT NULL, kind TEXT NOT NULL, what TEXT NOT NULL,
                                         PRIMARY KEY (run, n));
"""
_SELECT_EFFECTS = "SELECT n, host, command, what, kind, at, job FROM twin_effects WHERE run = %s ORDER BY n"
_EFFECTS = "INSERT INTO twin_effects VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"
_LOCK = "SELECT pg_advisory_xact_lock(1214866020, hashtext(%s))"
_PUT = (
    "INSERT INTO twin_things (run, host, kind, name, value, changed) VALUES (%s, %s, %s, %s, %s, %s) "
    "ON CONFLICT (run, host, kind, name) DO UPDATE SET value = excluded.value, changed = excluded.changed"
)
# One statement sees one moment. Effects first, then what they changed.
_NEW = """
SELECT n, host, kind, command, what, at, job FROM twin_effects WHERE run = %(run)s AND n > %(seen)s
UNION ALL
SELECT NULL, host, kind, name, value, NULL, NULL FROM twin_things WHERE run = %(run)s AND changed > %(seen)s
ORDER BY n
"""

T = TypeVar("T")


class RaisedAlready(StoreError):
    """Somebody else was quicker: his twin is the one."""


class SharedStore:
    """The twin of `run` in the database at `address`. Errors: StoreError, StoreUnreachable, StoreUnwritable."""

    def __init__(self, address: str, run: str) -> None:
        self._address = address
        self._run = run
        self._connection: Connection[Any] | None = None

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()

    def make_tables(self) -> None:
        """Those that are missing."""

        def work(sql: Connection[Any]) -> None:
            with sql.transaction():
                sql.execute(_LOCK, ("twins",))
                for statement in filter(str.strip, _SCHEMA.split(";")):
                    sql.execute(statement)

        self._do(work)

    def is_raised(self) -> bool:
        return bool(self._do(lambda sql: sql.execute("SELECT 1 FROM twins WHERE run = %s", (self._run,)).fetchone()))

    def create(self, about: dict[str, Any], things: Iterable[tuple[Address, Any]]) -> None:
        """RaisedAlready when there is one: what took effect on that must not be forgotten."""
        rows = [(self._run, *address, _text(value), 0) for address, value in things]
        told = [(self._run, name, json.dumps(value)) for name, value in about.items()]

        def work(sql: Connection[Any]) -> None:
            with sql.transaction():
                sql.execute(_LOCK, (self._run,))
                if sql.execute("SELECT 1 FROM twins WHERE run = %s", (self._run,)).fetchone():
                    raise RaisedAlready(f"The twin of run {self._run} is there already.", "Open it.")
                _put(sql, rows, told)

        self._do(work)

    def kept(self) -> Kept:
        def work(sql: Connection[Any]) -> Kept:
            with sql.transaction():
                sql.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                told = sql.execute("SELECT name, value FROM twins WHERE run = %s", (self._run,)).fetchall()
                things = sql.execute(
                    "SELECT host, kind, name, value FROM twin_things WHERE run = %s AND value IS NOT NULL", (self._run,)
                ).fetchall()
                effects = sql.execute(_SELECT_EFFECTS, (self._run,)).fetchall()
            about = {name: json.loads(value) for name, value in told}
            return Kept(about, things, [Effect(*row) for row in effects])

        return self._do(work)

    def replace(self, kept: Kept) -> None:
        rows = [(self._run, *thing, 0) for thing in kept.things]
        told = [(self._run, name, json.dumps(value)) for name, value in kept.about.items()]

        def work(sql: Connection[Any]) -> None:
            with sql.transaction():
                sql.execute(_LOCK, (self._run,))
                for table in ("twins", "twin_things", "twin_effects"):
                    sql.execute(f"DELETE FROM {table} WHERE run = %s", (self._run,))
                _put(sql, rows, told)
                with sql.cursor() as cursor:
                    cursor.executemany(_EFFECTS, _told(self._run, kept.effects))

        self._do(work)

    def about(self) -> dict[str, Any]:
        rows = self._do(
            lambda sql: sql.execute("SELECT name, value FROM twins WHERE run = %s", (self._run,)).fetchall()
        )
        if not rows:
            raise StoreError(f"There is no twin of run {self._run} in its store.", "Begin a new run.")
        return {name: json.loads(value) for name, value in rows}

    def load(self) -> tuple[State, list[Effect]]:
        return self._since(-1, State(), [])

    def refresh(self, state: State, effects: list[Effect]) -> tuple[State, list[Effect]]:
        return self._since(len(effects), state, effects)

    def _since(self, seen: int, state: State, effects: list[Effect]) -> tuple[State, list[Effect]]:
        """`seen`: effects that `state` shows already; -1 when it does not even show what was raised."""
        found = self._do(lambda sql: sql.execute(_NEW, {"run": self._run, "seen": seen}).fetchall())
        things = [row[1:] for row in found if row[0] is None]
        if things:
            state.apply(
                ((host, kind, name), None if value is None else decode(KINDS[kind], json.loads(value)))
                for host, kind, name, value, *_ in things
            )
        effects += [
            Effect(n, host, command, what, kind, at, job)
            for n, host, kind, command, what, at, job in found
            if n is not None
        ]
        return state, effects

    def commit(self, changes: Iterable[tuple[Address, Any]], effects: Sequence[Effect]) -> None:
        """Overtaken when somebody else's effects came first: they have these numbers."""
        import psycopg

        rows = [
            (self._run, *address, None if value is None else _text(value), effects[-1].n) for address, value in changes
        ]
        told = _told(self._run, effects)

        def work(sql: Connection[Any]) -> None:
            with sql.pipeline(), sql.transaction(), sql.cursor() as cursor:
                cursor.executemany(_EFFECTS, told)
                cursor.executemany(_PUT, rows)

        try:
            self._do(work)
        except psycopg.errors.UniqueViolation:
            raise Overtaken from None

    def _do(self, work: Callable[[Connection[Any]], T]) -> T:
        """What `work` asks. A connection that broke before anything was asked is made anew."""
        import psycopg

        try:
            if self._connection is None or self._connection.closed or self._connection.broken:
                self._connection = psycopg.connect(self._address, autocommit=True, connect_timeout=10)
            return work(self._connection)
        except psycopg.OperationalError as error:
            if self._connection is not None:
                self._connection.close()
            said = (str(error).strip().splitlines() or ["no answer"])[0]
            raise StoreUnreachable(f"The store of the twin does not answer: {said}.", "Look at that server.") from None
        except psycopg.errors.UniqueViolation:
            raise
        except psycopg.Error as error:
            said = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise StoreUnwritable(
                f"The twin of run {self._run} cannot be kept: {said}.", "Look at the server."
            ) from None


def _put(sql: Connection[Any], things: Iterable[tuple[Any, ...]], about: Sequence[tuple[Any, ...]]) -> None:
    with sql.cursor() as cursor:
        with cursor.copy("COPY twin_things (run, host, kind, name, value, changed) FROM STDIN") as copy:
            for row in things:
                copy.write_row(row)
        cursor.executemany("INSERT INTO twins VALUES (%s, %s, %s)", about)


def _told(run: str, effects: Iterable[Effect]) -> list[tuple[Any, ...]]:
    return [(run, one.n, one.at, one.host, one.job, one.command, one.kind, one.what) for one in effects]


def _text(value: Any) -> str:
    return json.dumps(encode(value), ensure_ascii=False, separators=(",", ":"))
