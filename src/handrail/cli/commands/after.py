"""After a run, and about hosts: what was journaled, and whether twins answer as hosts do."""

from __future__ import annotations

from typing import Annotated

import typer

from handrail.cli.commands.parameters import Format, Guides, Store


def journal(
    context: typer.Context,
    run: Annotated[str | None, typer.Argument(metavar="RUN", help="The run; without it, the newest.")] = None,
    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="FILE", help="Write it to this file; .gz packs it.")
    ] = None,
    store: Store = None,
) -> int:
    """Give out everything that was journaled of a run, as lines of JSON."""
    from handrail.cli import journals

    return journals.export(context.obj, run, output, store)


def conform(
    context: typer.Context,
    host: Annotated[str, typer.Argument(metavar="HOST", help="As its estate names it.", show_default=False)],
    estate: Annotated[
        str | None, typer.Option("--estate", metavar="ESTATE", help="The estate file; otherwise that of a run.")
    ] = None,
    run: Annotated[
        str | None, typer.Option("--run", metavar="RUN", help="Of this run; otherwise of the newest one with the host.")
    ] = None,
    transcript: Annotated[
        list[str] | None, typer.Option("--transcript", metavar="FILE", help="Ask what stands here, not the run's own.")
    ] = None,
    guides: Guides = None,
    format: Format = "text",
) -> int:
    """Ask a real host harmless questions, and say where its twin answers otherwise."""
    from handrail.cli import conforming

    return conforming.conform_host(context.obj, host, estate, run, transcript or [], guides or [], format)
