"""The database behind the journal: what it can do, and opening the right kind.

One machine keeps its journal in a file (`sqlite_store.py`), several share one on PostgreSQL (`postgres_store.py`).
Whoever uses a store knows no more than this module.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from handrail.errors import BadInput
from handrail.running.schema import REVISIONS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import sqlalchemy as sa

    from handrail.running.protocol import Bell

T = TypeVar("T")

MIGRATIONS = Path(__file__).parent / "migrations"


class Store(Protocol):
    """An open database of the newest revision."""

    @property
    def name(self) -> str:
        """How sentences call it; no password is in it."""
        ...

    is_near: bool
    """Whether its commits take no longer than the disk of this machine does."""

    def read(self) -> AbstractContextManager[sa.Connection]:
        """One consistent view."""
        ...

    def write(self, run: str, *more: str) -> AbstractContextManager[sa.Connection]:
        """One transaction, the only one of that run (and of those in `more`): committed (and on the disk) on leaving,
        or not at all."""
        ...

    def say(self, connection: sa.Connection, statement: sa.UpdateBase, rows: Sequence[Mapping[str, Any]]) -> int:
        """Execute a statement that is always the same, with each of `rows`; how many rows it has touched. Every step
        waits for a few of these, twice."""
        ...

    def ask(self, connection: sa.Connection, query: sa.Select[T], row: Mapping[str, Any]) -> T:
        """The one value that a query gives which is always the same."""
        ...

    def may_go_on(self, run: str, lane: str, sequence: int) -> bool:
        """False when nothing stands in a lane behind `sequence`. It is asked before everything that a host is asked,
        and may say yes where knowing would take as long as reading."""
        ...

    def hold(self, run: str, what: str) -> AbstractContextManager[None]:
        """Be the only process that carries `run` on; ends with the process. StoreLocked when another one is."""
        ...

    def is_held(self, run: str) -> bool: ...

    def write_aside(self) -> AbstractContextManager[sa.Connection]:
        """One transaction of what may be lost: it waits for no run, no run for it, and where that can be had for no
        disk."""
        ...

    def ring(self, connection: sa.Connection, run: str, bells: Sequence[Bell]) -> None:
        """Ring doorbells with the transaction. BadInput where workers cannot be rung for."""
        ...

    def at_work(self, connection: sa.Connection, run: str) -> list[str]:
        """The lanes of a run that workers are at, as far as they give signs of life."""
        ...

    def hush(self, connection: sa.Connection, run: str) -> None:
        """With the transaction, take away every doorbell of a run."""
        ...

    def close(self) -> None: ...


def is_shared(url: str | None) -> bool:
    """Whether several machines can use the store at `url`."""
    return url is not None and url.startswith(("postgresql:", "postgresql+", "postgres:"))


def address_of(url: str | None) -> str:
    """A store's URL as PostgreSQL's own library reads it. BadInput when it is none of PostgreSQL."""
    if url is None or not is_shared(url):
        raise BadInput("Workers share a store on PostgreSQL.", "Name it: --store postgresql://USER@HOST/DATABASE.")
    return "postgresql://" + url.partition("://")[2]


def open_store(
    url: str,
    *,
    make: bool = True,
    busy: float = 10.0,
    revisions: tuple[str, ...] = REVISIONS,
    migrations: Path = MIGRATIONS,
) -> Store:
    """Open the store at `url` (`sqlite:///PATH`, a path, or `postgresql://USER@HOST/DATABASE`), made or migrated as
    needed.

    `busy`: seconds to wait for another process's transaction. Errors: BadInput (the URL), FileMissing (with `make`
    false), StoreNewer, StoreLocked, StoreUnwritable, StoreUnreachable, StoreError (not a store, or damaged).
    """
    if is_shared(url):
        from handrail.running.postgres_store import open_postgres

        return open_postgres(url, make=make, busy=busy, revisions=revisions, migrations=migrations)
    from handrail.running.sqlite_store import open_sqlite

    return open_sqlite(url, make=make, busy=busy, revisions=revisions, migrations=migrations)
