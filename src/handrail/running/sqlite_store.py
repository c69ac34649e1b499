"""The store of one machine: SQLite with a write-ahead log and full sync.

Every failure of the database leaves here as a StoreError with one clear sentence; nothing of SQLAlchemy passes it.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy import event as sa_event
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from handrail.errors import BadInput, FileMissing, StoreError, StoreLocked, StoreUnwritable
from handrail.running.home import make_folder
from handrail.running.locks import held, is_held
from handrail.running.protocol import Bell
from handrail.running.store_tables import HOW, create_tables, migrate_tables, no_text, parsed_url, refuse_newer

T = TypeVar("T")

MOUNTS = Path("/proc/self/mounts")
_NETWORK_FILE_SYSTEMS = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "afs", "glusterfs"})


LOG = 1000 * (4096 + 24) + 32
"""Bytes of the write-ahead log when SQLite begins to use it from its beginning again: a thousand pages, a head each."""

_BEHIND = "SELECT 1 FROM events WHERE run = ? AND lane = ? AND sequence > ? LIMIT 1"
"""Without a transaction around it: one statement sees one state."""


class SqliteStore:
    """An open database file of the newest revision."""

    is_near = True

    def __init__(self, engine: sa.Engine, path: Path) -> None:
        self._engine = engine
        self._path = path
        self._looking: sa.PoolProxiedConnection | None = None

    @property
    def name(self) -> str:
        return str(self._path)

    @contextlib.contextmanager
    def read(self) -> Iterator[sa.Connection]:
        with clear_errors(self._path), self._engine.connect() as connection:
            yield connection

    @contextlib.contextmanager
    def write(self, run: str, *more: str) -> Iterator[sa.Connection]:  # noqa: ARG002 - one writer, whatever the run
        with (
            clear_errors(self._path),
            self._engine.connect() as connection,
            connection.execution_options(handrail_write=True).begin(),
        ):
            yield connection

    def write_aside(self) -> contextlib.AbstractContextManager[sa.Connection]:
        return self.write("")

    # The driver itself takes a fraction of the time in which SQLAlchemy finds a statement it knows.
    def say(self, connection: sa.Connection, statement: sa.UpdateBase, rows: Sequence[Mapping[str, Any]]) -> int:
        return _driver(connection).executemany(_spoken(statement), rows).rowcount

    def ask(self, connection: sa.Connection, query: sa.Select[T], row: Mapping[str, Any]) -> T:
        if not connection.in_transaction():  # the driver would see a state of its own
            connection.begin()
        found: T = _driver(connection).execute(_spoken(query), row).fetchone()[0]
        return found

    def may_go_on(self, run: str, lane: str, sequence: int) -> bool:
        with clear_errors(self._path):
            if self._looking is None:
                self._looking = self._engine.raw_connection()
            found = self._looking.cursor().execute(_BEHIND, (run, lane, sequence))
            return found.fetchone() is not None

    @contextlib.contextmanager
    def hold(self, run: str, what: str) -> Iterator[None]:
        with held(self._lock(run), what):
            self._lengthen(run)
            yield

    def is_held(self, run: str) -> bool:
        return is_held(self._lock(run))

    def ring(self, connection: sa.Connection, run: str, bells: Sequence[Bell]) -> None:  # noqa: ARG002
        if bells:
            raise BadInput("Workers share a store on PostgreSQL only.", "Name one with --store.")

    def at_work(self, connection: sa.Connection, run: str) -> list[str]:  # noqa: ARG002 - there are no workers
        return []

    def hush(self, connection: sa.Connection, run: str) -> None:
        """There are no doorbells."""

    def _lengthen(self, run: str) -> None:
        """Give the write-ahead log its full length before it is needed. A sync of a file that grows has to write down
        its new length too, with all else that the file system has to write: it takes five times as long.

        Zeros behind the last frame are no frames, as those of an earlier round are none. In a transaction of ours
        nobody else writes there, and SQLite does not before its end.
        """
        log = self._path.with_name(self._path.name + "-wal")
        with self.write(run), contextlib.suppress(OSError), log.open("r+b") as file:
            missing = LOG - file.seek(0, os.SEEK_END)
            if missing > 0:
                file.write(bytes(missing))
                file.flush()
                os.fsync(file.fileno())

    def close(self) -> None:
        if self._looking is not None:
            self._looking.close()
        self._engine.dispose()

    def _lock(self, run: str) -> Path:
        # Beside the store, so that whoever uses the store meets it.
        return self._path.parent / "locks" / f"{run}.lock"


def open_sqlite(url: str, *, make: bool, busy: float, revisions: tuple[str, ...], migrations: Path) -> SqliteStore:
    """Open the store in the file `url` (`sqlite:///PATH`, or a path); see `store.open_store`."""
    path = _path(url)
    if not path.exists():
        if not make:
            raise FileMissing(
                f"There is no store at {path}.", "Nothing has been run here yet, or HANDRAIL_HOME differs."
            )
        make_folder(path.parent)
    _refuse_network(path)
    engine = _engine(path, busy)
    try:
        with clear_errors(path):
            found = _revision(engine, path)
            if found != revisions[-1]:
                with held(path.parent / "locks" / f"{path.name}.lock", f"Making the store {path} ready"):
                    found = _revision(engine, path)  # another process may have done it meanwhile
                    if found is None:
                        _create(engine, path, revisions[-1])
                    elif found != revisions[-1]:
                        refuse_newer(str(path), found, revisions)
                        _migrate(engine, path, found, revisions[-1], migrations)
    except BaseException:
        engine.dispose()
        raise
    return SqliteStore(engine, path)


def _path(url: str) -> Path:
    if "://" not in url:
        return Path(url).expanduser().absolute()
    parsed = parsed_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database or parsed.database == ":memory:":
        raise BadInput(f"A store at {parsed.render_as_string(hide_password=True)} cannot be used.", HOW)
    return Path(parsed.database).expanduser().absolute()


def _engine(path: Path, busy: float) -> sa.Engine:
    engine = sa.create_engine(
        URL.create("sqlite", database=str(path)),
        connect_args={"timeout": busy, "check_same_thread": False},
    )

    # The driver's own BEGIN comes late and never IMMEDIATE; ours has to lock before we read what we build upon.
    @sa_event.listens_for(engine, "connect")
    def _connected(raw: Any, _: object) -> None:
        raw.isolation_level = None
        raw.execute("PRAGMA synchronous=FULL")

    @sa_event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        write = connection.get_execution_options().get("handrail_write", False)
        _driver(connection).execute("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine


def _driver(connection: sa.Connection) -> sqlite3.Connection:
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver


@cache
def _spoken(statement: sa.ClauseElement) -> str:
    return str(statement.compile(dialect=sqlite.dialect(paramstyle="named")))


def _revision(engine: sa.Engine, path: Path) -> str | None:
    """The revision of the store; None when the file holds nothing yet."""
    with engine.connect() as connection:
        tables = set(connection.scalars(sa.text("SELECT name FROM sqlite_master WHERE type = 'table'")))
        if "alembic_version" in tables:
            found = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
            if found is not None:
                return str(found)
        elif not tables:
            return None
    raise StoreError(f"{path} is a database, but not a store of Handrail.", "Choose another file.")


def _create(engine: sa.Engine, path: Path, revision: str) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as raw:
        raw.execute("PRAGMA journal_mode=WAL")
    with engine.connect().execution_options(handrail_write=True) as connection, connection.begin():
        create_tables(connection, revision)


def _migrate(engine: sa.Engine, path: Path, found: str, newest: str, migrations: Path) -> None:
    """Copy the store aside, then migrate it in one transaction."""
    backup = path.with_name(f"{path.name}.revision-{found}")
    count = 1
    while backup.exists():
        count += 1
        backup = path.with_name(f"{path.name}.revision-{found}.{count}")
    unfinished = backup.with_name(backup.name + ".unfinished")
    unfinished.unlink(missing_ok=True)
    with contextlib.closing(sqlite3.connect(path)) as source, contextlib.closing(sqlite3.connect(unfinished)) as target:
        source.backup(target)
    unfinished.rename(backup)

    with engine.connect().execution_options(handrail_write=True) as connection, connection.begin():
        migrate_tables(connection, newest, migrations)


def _refuse_network(path: Path) -> None:
    """A write-ahead log needs shared memory and honest locks: a network file system has neither."""
    try:
        mounts = MOUNTS.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return  # not a Linux: nothing to go by
    best, kind = "", ""
    for line in mounts:
        _, point, found, *_ = line.split()
        point = point.replace("\\040", " ")
        if path.is_relative_to(point) and len(point) >= len(best):
            best, kind = point, found
    if kind in _NETWORK_FILE_SYSTEMS:
        raise StoreUnwritable(
            f"The store {path} would lie on a network file system ({kind}), where it cannot be kept safe.",
            "Choose a HANDRAIL_HOME on a local disk.",
        )


@contextlib.contextmanager
def clear_errors(path: Path) -> Iterator[None]:
    """Turn every failure of the database into a StoreError that says what it is and what to do."""
    try:
        yield
    except StoreError:
        raise
    except (SQLAlchemyError, sqlite3.Error, OSError) as error:
        raise _clear(path, error) from error
    except UnicodeEncodeError as error:
        raise no_text() from error
    except UnicodeError as error:  # the driver could not even read what is wrong
        raise _damaged(path) from error


def _clear(path: Path, error: Exception) -> StoreError:
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    text = str(cause).lower()
    if "locked" in text or "busy" in text:
        return StoreLocked(
            f"The store {path} is locked by another process.", "Wait until that process has ended, then try again."
        )
    if "full" in text or "no space" in text:
        return StoreUnwritable(
            f"The store {path} cannot grow: the disk is full.",
            "Make room and resume; everything recorded so far is safe.",
        )
    if "readonly" in text or "read-only" in text or "permission denied" in text:
        return StoreUnwritable(f"The store {path} may only be read.", "Mend its rights, or choose another store.")
    if "unable to open" in text or "is a directory" in text:
        return StoreUnwritable(f"The store {path} cannot be opened.", "Mend its rights, or choose another store.")
    if "not a database" in text or "malformed" in text or "no such" in text or "encrypted" in text:
        return _damaged(path)
    return StoreError(f"The store {path} cannot be used: {cause}.", "Check the disk, then try again.")


def _damaged(path: Path) -> StoreError:
    return StoreError(
        f"The store {path} is not a store of Handrail, or it is damaged.",
        "Take it from a backup, or choose another.",
    )
