"""What guides know, and whether it works."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from handrail.cli.commands.parameters import Format, Guides
from handrail.errors import BadInput


def guide_list(context: typer.Context, guides: Guides = None, format: Format = "text") -> int:
    """List the products that there is a guide for.

    handrail guide list
    handrail guide list --guides my-guides/courier
    """
    from handrail.cli import knowledge

    return knowledge.list_guides(context.obj, guides or [], format)


def guide_show(
    context: typer.Context,
    product: Annotated[str, typer.Argument(metavar="PRODUCT", help="As 'guide list' names it.", show_default=False)],
    guides: Guides = None,
    format: Format = "text",
) -> int:
    """Show what a guide knows: releases, moves, rules, sources.

    handrail guide show mim
    """
    from handrail.cli import knowledge

    return knowledge.show_guide(context.obj, product, guides or [], format)


def guide_lint(
    context: typer.Context,
    files: Annotated[
        list[str] | None,
        typer.Argument(metavar="GUIDE", help="Guide files or their folders; without any, the built-in ones."),
    ] = None,
    format: Format = "text",
) -> int:
    """Check guides: every mistake with file, line and column.

    handrail guide lint
    handrail guide lint my-guides/courier
    """
    from handrail.cli import knowledge

    return knowledge.lint_guides(context.obj, files or [], format)


def guide_test(
    context: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME|FOLDER", help="Guides, folders of guides or scenario files; without any, the built-in ones."
        ),
    ] = None,
    only: Annotated[
        str | None,
        typer.Option("--only", metavar="NAME,...", help="Only scenarios whose files are called so; * stands for any."),
    ] = None,
    rehearse: Annotated[
        bool,
        typer.Option("--rehearse", help="Then rehearse the plan of each, with every fault at every step."),
    ] = False,
    faults: Annotated[
        str | None, typer.Option("--faults", metavar="all|none|NAME,...", help="With --rehearse: which faults.")
    ] = None,
    seeds: Annotated[
        int | None, typer.Option("--seeds", metavar="N", help="With --rehearse: also N simulated runs of each plan.")
    ] = None,
    case: Annotated[
        str | None,
        typer.Option("--case", metavar="STEP:FAULT", help="Instead: one case of one scenario, told as a story."),
    ] = None,
    guides: Guides = None,
    format: Format = "text",
) -> int:
    """Try the scenarios of guides, and see which demands they show.

    handrail guide test mim
    handrail guide test my-guides/courier --rehearse --faults disk-full
    """
    from handrail.cli import trying

    patterns = [one.strip() for one in (only or "").split(",") if one.strip()]
    if case is not None:
        if rehearse or faults is not None or seeds is not None:
            raise BadInput("--case tells one case; the other rehearsals are left out.", "Leave --rehearse out, too.")
        return trying.show_case(context.obj, names or [], guides or [], format, case, patterns)
    return trying.test_guides(
        context.obj,
        names or [],
        guides or [],
        format,
        patterns=patterns,
        how=trying.rehearsing(rehearse, faults, seeds),
    )


def guide_schema(
    context: typer.Context,
    of: Annotated[
        Literal["guide", "scenario"], typer.Argument(metavar="[guide|scenario]", help="Whose files.")
    ] = "guide",
) -> int:
    """Print the JSON Schema of guides or scenarios, for editors.

    handrail guide schema > guide.schema.json
    handrail guide schema scenario
    """
    from handrail.cli import knowledge

    return knowledge.print_schema(context.obj, of)
