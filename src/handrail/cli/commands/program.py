"""The program itself."""

from __future__ import annotations

from typing import Annotated, Literal

import typer


def demo(
    context: typer.Context,
    folder: Annotated[
        str, typer.Argument(metavar="FOLDER", help="A new folder for what the demo makes.")
    ] = "handrail-demo",
) -> int:
    """Play an upgrade on a twin, killed half-way and resumed.

    In a minute or less, with the commands that you would type. Nothing but its own folder is touched.

    handrail demo
    """
    from handrail.cli import demo as story

    return story.demo(context.obj, folder)


def completion(
    context: typer.Context,
    shell: Annotated[
        Literal["bash", "zsh", "fish"],
        typer.Argument(metavar="bash|zsh|fish", help="Whose script.", show_default=False),
    ],
    words: Annotated[
        list[str] | None, typer.Argument(metavar="LINE", help="What is typed so far.", hidden=True)
    ] = None,
) -> int:
    """Print a script with which a shell completes what you type.

    Commands, options, and the runs, steps, plans and guides that there are. For good, in the shell's own start-up
    file; for now:

      eval "$(handrail completion bash)"
      eval "$(handrail completion zsh)"
      handrail completion fish | source
    """
    from handrail.cli import completion as completing

    return completing.completion(context.obj, shell, words or [])
