"""Opening the store for commands that need a run that is there already."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Iterator
from pathlib import Path

from handrail.cli import settings
from handrail.errors import BadInput, FileMissing
from handrail.running.session import Session, open_session


@contextlib.contextmanager
def existing(
    store: str | None, run: str | None, *, ask: bool = False, guides: tuple[Path, ...] = ()
) -> Iterator[Session]:
    """A session on a store that is there already. BadInput when there is none."""
    with contextlib.ExitStack() as stack:
        try:
            opened = open_session(settings.home(), store=store, make=False, ask=ask, guides=guides)
            session = stack.enter_context(opened)
        except FileMissing as missing:
            message = f"There is no run {run!r}: nothing has been run here yet." if run else "Nothing has been run yet."
            raise BadInput(f"{message} {missing.message}", "Begin with `handrail run PLAN`.") from None
        yield session


def store_option(store: str | None) -> str:
    """` --store URL` for commands to be copied; empty for the home's own store."""
    return f" --store {shlex.quote(store)}" if store else ""
