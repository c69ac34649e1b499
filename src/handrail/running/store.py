"""The database behind the journal: opening it, its transactions, and what can go wrong with them.

SQLite with a write-ahead log and full sync. Every failure of the database leaves here as a StoreError with one clear
sentence; nothing of SQLAlchemy passes this module.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event as sa_event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from handrail.errors import BadInput, FileMissing, StoreError, StoreLocked, StoreNewer, StoreUnwritable
from handrail.running.home import make_folder
from handrail.running.locks import held
from handrail.running.schema import REVISIONS, metadata

MIGRATIONS = Path(__file__).parent / "migrations"
MOUNTS = Path("/proc/self/mounts")
_NETWORK_FILE_SYSTEMS = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "afs", "glusterfs"})


class Store:
    """An open database of the newest revision. `path` is its file."""

    def __init__(self, engine: sa.Engine, path: Path) -> None:
        self._engine = engine
        self.path = path

    @property
    def locks(self) -> Path:
        """The folder of the locks of its runs: beside the store, so that whoever uses the store meets them."""
        return self.path.parent / "locks"

    @contextlib.contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """One consistent view."""
        with clear_errors(self.path), self._engine.connect() as connection:
            yield connection

    @contextlib.contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """One transaction, committed (and synced to the disk) on leaving, or not at all."""
        with (
            clear_errors(self.path),
            self._engine.connect() as connection,
            connection.execution_options(handrail_write=True).begin(),
        ):
            yield connection

    def close(self) -> None:
        self._engine.dispose()


def open_store(
    url: str,
    *,
    make: bool = True,
    busy: float = 10.0,
    revisions: tuple[str, ...] = REVISIONS,
    migrations: Path = MIGRATIONS,
) -> Store:
    """Open the store at `url` (`sqlite:///PATH`, or a path), made or migrated as needed.

    `busy`: seconds to wait for another process's transaction. Errors: BadInput (the URL), FileMissing (with `make`
    false), StoreNewer, StoreLocked, StoreUnwritable, StoreError (not a store, or damaged).
    """
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
                        _refuse_newer(path, found, revisions)
                        _migrate(engine, path, found, revisions[-1], migrations)
    except BaseException:
        engine.dispose()
        raise
    return Store(engine, path)


def _path(url: str) -> Path:
    if "://" not in url:
        return Path(url).expanduser().absolute()
    try:
        parsed: URL = make_url(url)
    except (ArgumentError, ValueError) as error:
        # It is not repeated: it may hold a password.
        raise BadInput("What was given as the store is no URL.", "Write sqlite:///PATH.") from error
    if parsed.get_backend_name() != "sqlite" or not parsed.database or parsed.database == ":memory:":
        raise BadInput(
            f"A store at {parsed.render_as_string(hide_password=True)} cannot be used.",
            "Write sqlite:///PATH; stores on PostgreSQL are not supported yet.",
        )
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
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine


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
    """Without Alembic, which takes longer to load than a whole run; a test holds both ways equal."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as raw:
        raw.execute("PRAGMA journal_mode=WAL")
    with engine.connect().execution_options(handrail_write=True) as connection, connection.begin():
        metadata.create_all(connection)
        connection.execute(sa.text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"))
        connection.execute(sa.text("INSERT INTO alembic_version VALUES (:revision)"), {"revision": revision})


def _refuse_newer(path: Path, found: str, revisions: tuple[str, ...]) -> None:
    if found not in revisions:
        raise StoreNewer(
            f"The store {path} was written by a newer Handrail (revision {found}; this one knows {revisions[-1]}).",
            "Use that Handrail, or another store.",
        )


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

    from alembic import command  # slow to load, and needed only here
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    with engine.connect().execution_options(handrail_write=True) as connection, connection.begin():
        config.attributes["connection"] = connection
        command.upgrade(config, newest)


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
