"""After a run, and about hosts: what was journaled, and whether twins answer as hosts do."""

from __future__ import annotations

from typing import Annotated

import typer

from handrail.cli.commands.parameters import Format, Guides, Store


def report(
    context: typer.Context,
    run: Annotated[str | None, typer.Argument(metavar="RUN", help="The run; without it, the newest.")] = None,
    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="FOLDER", help="Write the evidence into this folder.")
    ] = None,
    rehearsal: Annotated[
        str | None, typer.Option("--rehearsal", metavar="FILE", help="With what 'rehearse --format json' found.")
    ] = None,
    check: Annotated[
        str | None,
        typer.Option(
            "--check", metavar="FOLDER", help="Check what was written before; with RUN, beside the store too."
        ),
    ] = None,
    key: Annotated[
        str | None, typer.Option("--key", metavar="PUBLIC", help="With --check: whose signature it must bear.")
    ] = None,
    make_key: Annotated[
        str | None, typer.Option("--make-key", metavar="FILE", help="Make a key that signs evidence.")
    ] = None,
    store: Store = None,
    format: Format = "text",
) -> int:
    """Write the evidence of a run, or check it.

    One page for people and a file for programs: what was approved, by whom, what was done and observed, and how to
    check that nothing of it was changed.

      handrail report contoso-20261120-1-k3v9m -o evidence
      handrail report --check evidence
      handrail report contoso-20261120-1-k3v9m --check evidence
    """
    from handrail.cli import reporting
    from handrail.errors import BadInput

    asked = [
        name for name, value in (("-o", output), ("--check", check), ("--make-key", make_key)) if value is not None
    ]
    if len(asked) != 1:
        raise BadInput(
            f"{' and '.join(asked)} do not go together." if asked else "Nothing says what is to be done.",
            "Write `handrail report RUN -o FOLDER`, `handrail report --check FOLDER` or `... --make-key FILE`.",
        )
    if make_key is not None and run is not None:
        raise BadInput("--make-key is about no run.", "Leave RUN out.")
    if output is None and rehearsal is not None:
        raise BadInput("--rehearsal is for -o.", "Leave it out.")
    if check is not None and run is None and store is not None:
        raise BadInput("With --check, --store is for comparing with a run.", "Name it: report RUN --check FOLDER.")
    if key is not None and check is None:
        raise BadInput("--key is for --check.", "Leave it out.")
    if check is not None:
        return reporting.check_report(context.obj, check, key, run, store, format)
    if make_key is not None:
        return reporting.make_report_key(context.obj, make_key)
    assert output is not None
    return reporting.report(context.obj, run, output, rehearsal, store, format)


def journal(
    context: typer.Context,
    run: Annotated[str | None, typer.Argument(metavar="RUN", help="The run; without it, the newest.")] = None,
    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="FILE", help="Write it to this file; .gz packs it.")
    ] = None,
    store: Store = None,
) -> int:
    """Give out everything that was journaled of a run.

    As lines of JSON: first the plan, then every event.

      handrail journal contoso-20261120-1-k3v9m -o run.jsonl.gz
    """
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
    """Ask a real host what its twin answers, and compare.

    Only harmless questions. What a run asked and was told stands in its transcripts.

      handrail conform sync01 --estate estate.yaml
      handrail conform sync01 --run contoso-20261120-1-k3v9m
    """
    from handrail.cli import conforming

    return conforming.conform_host(context.obj, host, estate, run, transcript or [], guides or [], format)
