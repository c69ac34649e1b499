"""Opening the store for commands."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Iterator
from pathlib import Path

from handrail.cli import settings
from handrail.cli.output import Output
from handrail.cli.secrecy import secret_store
from handrail.errors import BadInput, FileMissing
from handrail.running.session import Session, open_session


@contextlib.contextmanager
def opened(
    output: Output, *, store: str | None = None, make: bool = True, ask: bool = False, guides: tuple[Path, ...] = ()
) -> Iterator[Session]:
    """A session whose secrets are hidden in whatever `output` is told, also after it was closed."""
    if store is not None and not store.strip():  # such as of a variable that is not set
        raise BadInput("--store is empty.", "Name a store, or leave it out: then it is the one in the home folder.")
    secrets = secret_store(output)
    with open_session(settings.home(), store=store, make=make, ask=ask, guides=guides, secrets=secrets) as session:
        yield session


@contextlib.contextmanager
def existing(
    output: Output, store: str | None, run: str | None, *, ask: bool = False, guides: tuple[Path, ...] = ()
) -> Iterator[Session]:
    """A session on a store that is there already. BadInput when there is none."""
    with contextlib.ExitStack() as stack:
        try:
            session = stack.enter_context(opened(output, store=store, make=False, ask=ask, guides=guides))
        except FileMissing as missing:
            message = f"There is no run {run!r}: nothing has been run here yet." if run else "Nothing has been run yet."
            raise BadInput(f"{message} {missing.message}", "Begin with `handrail run PLAN`.") from None
        yield session


def store_option(store: str | None) -> str:
    """` --store URL` for commands to be copied, without a password; empty for the home's own store."""
    if not store:
        return ""
    from handrail.running.store_tables import without_password

    return f" --store {shlex.quote(without_password(store))}"
