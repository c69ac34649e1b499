"""Stores of runs: moved from one to another, and checked."""

from __future__ import annotations

from typing import Annotated

import typer

from handrail.cli.commands.parameters import Format, Store


def store_move(
    context: typer.Context,
    to: Annotated[
        str,
        typer.Option("--to", metavar="URL|FOLDER", help="The other store, or a home folder.", show_default=False),
    ],
    runs: Annotated[
        list[str] | None, typer.Argument(metavar="RUN", help="The runs to move; without any, all of them.")
    ] = None,
    store: Store = None,
    format: Format = "text",
) -> int:
    """Move runs to another store, where they go on.

    With their plans, journals and twins, and who approved them. In the old store they can still be read, and go on
    no more. Killed half-way: give the same command again.

      handrail store move --to postgresql://handrail@db01/handrail
      handrail store move contoso-20261120-1-k3v9m --to /srv/handrail
    """
    from handrail.cli import stores

    return stores.move(context.obj, to, runs or [], store, format)


def store_check(
    context: typer.Context,
    runs: Annotated[
        list[str] | None, typer.Argument(metavar="RUN", help="The runs to check; without any, all of them.")
    ] = None,
    store: Store = None,
    format: Format = "text",
) -> int:
    """Look whether what a store has of its runs is whole.

    Every plan, every event and every chain of hashes. Exit code 1: something was changed, or is missing.

      handrail store check
      handrail store check --store postgresql://handrail@db01/handrail
    """
    from handrail.cli import stores

    return stores.check(context.obj, runs or [], store, format)
