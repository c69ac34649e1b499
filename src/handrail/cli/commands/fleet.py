"""Many hosts, several machines."""

from __future__ import annotations

from typing import Annotated

import typer

from handrail.cli.commands.parameters import Ask, Guides


def worker(
    context: typer.Context,
    store: Annotated[
        str, typer.Option("--store", metavar="URL", help="The store that all workers share.", show_default=False)
    ],
    zone: Annotated[
        list[str] | None, typer.Option("--zone", metavar="NAME", help="Only hosts of this zone; may be repeated.")
    ] = None,
    lanes: Annotated[int, typer.Option("--lanes", metavar="N", min=1, help="Hosts at work at a time.")] = 64,
    silent: Annotated[
        float,
        typer.Option(
            "--silent", metavar="SECONDS", min=2, help="Without a sign of life for so long, a worker counts as dead."
        ),
    ] = 20.0,
    ask: Ask = False,
    guides: Guides = None,
) -> int:
    """Carry out runs on a shared store, with other workers.

    Start as many as you like, on as many machines; kill any of them: its hosts go on elsewhere within a minute.

      handrail worker --store postgresql://handrail@db01/handrail --zone emea
    """
    from handrail.cli import fleet

    return fleet.work(context.obj, store, zone or [], lanes, silent, ask, guides or [])
