"""Puts a console together."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher

from handrail.console.accounts import Accounts
from handrail.console.context import Console, Settings
from handrail.console.database import open_database
from handrail.console.log import SecurityLog
from handrail.console.set_up import SetUp
from handrail.console.sittings import Sittings
from handrail.running.home import Home
from handrail.running.session import Session


@contextlib.contextmanager
def opened_console(
    session: Session,
    settings: Settings | None = None,
    *,
    folders: tuple[Path, ...] = (),
    store: str | None = None,
    guides: tuple[Path, ...] = (),
    hasher: PasswordHasher | None = None,
    complain: Callable[[str], object] = str,
    clock: Callable[[], float] = time.time,
) -> Iterator[Console]:
    """The console of the session's home. `complain` hears what a log cannot take. Errors as `open_database`."""
    with opened_accounts(session.home, hasher, clock) as (accounts, sittings):
        yield Console(
            session,
            accounts,
            sittings,
            security_log(session.home, session.secrets.redact, complain),
            SetUp(needed=not accounts.any(), clock=clock),
            settings or Settings(),
            folders=folders,
            store=store,
            guides=guides,
        )


@contextlib.contextmanager
def opened_accounts(
    home: Home, hasher: PasswordHasher | None = None, clock: Callable[[], float] = time.time
) -> Iterator[tuple[Accounts, Sittings]]:
    """The accounts of a home, and who is signed in. Errors as `open_database`."""
    with open_database(folder_of(home) / "accounts.db") as database:
        yield Accounts(database, hasher or PasswordHasher(), clock), Sittings(database, clock)


def security_log(
    home: Home, redact: Callable[[Any], Any] = lambda what: what, complain: Callable[[str], object] = str
) -> SecurityLog:
    """The console's own log of a home. `complain` hears when it cannot be written."""
    return SecurityLog(folder_of(home) / "security.log", redact=redact, complain=complain)


def folder_of(home: Home) -> Path:
    return home.path / "console"
