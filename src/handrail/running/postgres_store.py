"""The store that several machines share: PostgreSQL.

What one run journals is written by one transaction at a time (a lock named after the run), so that its events have no
gaps: whoever has read up to a position has seen all there was. A commit returns when the server has it on its disk;
that is asked of every session, whatever the server's own setting is.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from handrail.errors import BadInput, FileMissing, StoreError, StoreLocked, StoreUnreachable, StoreUnwritable
from handrail.running import doorbell
from handrail.running.protocol import Bell
from handrail.running.store_tables import HOW, create_tables, migrate_tables, no_text, parsed_url, refuse_newer

T = TypeVar("T")

ANSWERS_WITHIN = 10
"""Seconds for a connection to come about."""

# Two keys: a number of ours, so that locks of other programs are not met, and the hash of a name.
_OURS = 0x48616E64
_LOCK = sa.text("SELECT pg_advisory_xact_lock(:ours, hashtext(:name))").bindparams(ours=_OURS)
_TRY = sa.text("SELECT pg_try_advisory_lock(:ours, hashtext(:name))").bindparams(ours=_OURS)
_IS_HELD = sa.text(
    "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 2 "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
    "AND classid::bigint = :ours AND objid::bigint = hashtext(:name)::bigint & 4294967295)"
).bindparams(ours=_OURS)


class PostgresStore:
    """An open database of the newest revision."""

    is_near = False

    def __init__(self, engine: sa.Engine, name: str) -> None:
        self._engine = engine
        self._views = engine.execution_options(isolation_level="REPEATABLE READ")
        self.name = name

    @contextlib.contextmanager
    def read(self) -> Iterator[sa.Connection]:
        with clear_errors(self.name), self._views.connect() as connection:
            yield connection

    @contextlib.contextmanager
    def write(self, run: str, *more: str) -> Iterator[sa.Connection]:
        with clear_errors(self.name), self._engine.begin() as connection:
            for name in sorted({run, *more}):  # in one order, so that two never wait for each other
                connection.execute(_LOCK, {"name": name})
            yield connection

    @contextlib.contextmanager
    def hold(self, run: str, what: str) -> Iterator[None]:
        # A session of its own: the lock ends with it, however we end.
        with clear_errors(self.name):
            connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        try:
            with clear_errors(self.name):
                free = connection.scalar(_TRY, {"name": f"hold {run}"})
            if not free:
                raise StoreLocked(
                    f"{what} is already being carried out.",
                    "Wait for it to end, or follow it with `handrail status`.",
                )
            yield
        finally:
            with contextlib.suppress(SQLAlchemyError):
                connection.invalidate()
                connection.close()

    def is_held(self, run: str) -> bool:
        with self.read() as connection:
            return bool(connection.scalar(_IS_HELD, {"name": f"hold {run}"}))

    @contextlib.contextmanager
    def write_aside(self) -> Iterator[sa.Connection]:
        with clear_errors(self.name), self._engine.begin() as connection:
            connection.execute(sa.text("SET LOCAL synchronous_commit = off"))
            yield connection

    def ring(self, connection: sa.Connection, run: str, bells: Sequence[Bell]) -> None:
        if bells:
            doorbell.ring(connection, run, bells)

    def at_work(self, connection: sa.Connection, run: str) -> list[str]:
        return doorbell.at_work(connection, run)

    def hush(self, connection: sa.Connection, run: str) -> None:
        doorbell.hush(connection, run)

    def say(self, connection: sa.Connection, statement: sa.UpdateBase, rows: Sequence[Mapping[str, Any]]) -> int:
        return connection.execute(statement, rows).rowcount

    def ask(self, connection: sa.Connection, query: sa.Select[T], row: Mapping[str, Any]) -> T:
        return connection.scalars(query, row).one()

    def may_go_on(self, run: str, lane: str, sequence: int) -> bool:  # noqa: ARG002 - asking would be reading
        return True

    def close(self) -> None:
        self._engine.dispose()


def open_postgres(url: str, *, make: bool, busy: float, revisions: tuple[str, ...], migrations: Path) -> PostgresStore:
    """Open the store in the database `url`; see `store.open_store`. The database itself must be there."""
    parsed = _driven(parsed_url(url))
    name = _name(parsed)
    engine = _engine(parsed, busy)
    try:
        with clear_errors(name):
            found = _revision(engine, name)
            if found is None and not make:
                raise FileMissing(f"There is no store at {name}.", "Nothing has been run there yet.")
            if found != revisions[-1]:
                _make_ready(engine, name, revisions, migrations)
    except BaseException:
        engine.dispose()
        raise
    return PostgresStore(engine, name)


def _driven(url: URL) -> URL:
    try:
        import psycopg  # noqa: F401 - only whether it is there
    except ImportError as missing:
        raise BadInput(
            "A store on PostgreSQL needs the package psycopg.", "Install it with: pip install 'handrail[fleet]'."
        ) from missing
    if not url.database:
        raise BadInput(f"A store at {url.render_as_string(hide_password=True)} cannot be used.", HOW)
    return url.set(drivername="postgresql+psycopg")


def _name(url: URL) -> str:
    where = url.query.get("host") or url.host or "this machine"
    return f"postgresql://{where}{f':{url.port}' if url.port else ''}/{url.database}"


def _engine(url: URL, busy: float) -> sa.Engine:
    options = f"-c synchronous_commit=on -c lock_timeout={int(busy * 1000)} -c timezone=UTC"
    return sa.create_engine(
        url,
        pool_size=4,
        max_overflow=20,
        pool_pre_ping=True,
        connect_args={
            "connect_timeout": ANSWERS_WITHIN,
            "options": options,
            "application_name": f"handrail {os.getpid()}",
            # A server that fell silent is noticed within half a minute, not after the system's two hours.
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": 30_000,
        },
    )


def _revision(engine: sa.Engine, name: str) -> str | None:
    """The revision of the store; None when nothing of ours is there yet."""
    with engine.connect() as connection:
        return _revision_on(connection, name)


def _revision_on(connection: sa.Connection, name: str) -> str | None:
    there = set(sa.inspect(connection).get_table_names())
    if "alembic_version" in there and "events" in there:
        found = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
        if found is not None:
            return str(found)
    elif not there & {"plans", "runs", "lanes", "events", "alembic_version"}:
        return None
    raise StoreError(f"{name} holds tables that are not Handrail's.", "Choose another database, or another schema.")


def _make_ready(engine: sa.Engine, name: str, revisions: tuple[str, ...], migrations: Path) -> None:
    """Make the tables, or copy them aside and migrate them, in one transaction and by one process at a time."""
    with engine.begin() as connection:
        connection.execute(_LOCK, {"name": "make ready"})
        found = _revision_on(connection, name)  # another process may have done it meanwhile
        if found is None:
            create_tables(connection, revisions[-1])
            doorbell.create_tables(connection)
        elif found != revisions[-1]:
            refuse_newer(name, found, revisions)
            _copy_aside(connection, found)
            migrate_tables(connection, revisions[-1], migrations)


def _copy_aside(connection: sa.Connection, found: str) -> None:
    """All tables as they are, into a schema named after their revision."""
    tables = sa.inspect(connection).get_table_names()
    taken = set(sa.inspect(connection).get_schema_names())
    names = (f"handrail_revision_{found}" + (f"_{count}" if count else "") for count in range(1000))
    schema = next(name for name in names if name not in taken)
    connection.execute(sa.schema.CreateSchema(schema))
    for table in tables:
        if not table.startswith("procrastinate_"):
            connection.exec_driver_sql(f'CREATE TABLE "{schema}"."{table}" AS TABLE "{table}"')


@contextlib.contextmanager
def clear_errors(name: str) -> Iterator[None]:
    """Turn every failure of the database into a StoreError that says what it is and what to do."""
    try:
        yield
    except StoreError:
        raise
    except (SQLAlchemyError, OSError) as error:
        raise _clear(name, error) from error
    except UnicodeEncodeError as error:
        raise no_text() from error


def _clear(name: str, error: Exception) -> StoreError:
    cause: Any = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    state = str(getattr(cause, "sqlstate", None) or "")
    gone = isinstance(error, DBAPIError) and error.connection_invalidated
    said = (str(cause).strip().splitlines() or [type(cause).__name__])[0]
    if state.startswith("28"):
        return StoreError(f"The store {name} does not let us in: {said}.", "Mend the user or the password.")
    if state == "3D000":
        return StoreError(f"The store {name} cannot be used: {said}.", "Make the database first, with createdb.")
    if state in ("53100", "53200") or "No space left" in said:
        return StoreUnwritable(
            f"The store {name} cannot grow: {said}.", "Make room there; everything recorded so far is safe."
        )
    if state in ("55P03", "40P01", "40001"):
        return StoreLocked(f"The store {name} is locked by another process.", "Try again when that one has ended.")
    if state in ("25006", "42501"):
        return StoreUnwritable(f"The store {name} may only be read: {said}.", "Mend its rights.")
    if gone or state[:2] in ("08", "57") or state == "53300" or not state:
        return StoreUnreachable(
            f"The store {name} does not answer: {said}.", "Look whether that server runs; what was recorded is safe."
        )
    return StoreError(f"The store {name} cannot be used: {said}.", "Look into that server's log.")
