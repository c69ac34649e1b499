"""A run: carried out, followed, answered."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from handrail.cli.commands.parameters import Ask, Format, Guides, PlanFile, PlanFormat, RunId, Store


def run(
    context: typer.Context,
    plan: PlanFile,
    twin: Annotated[bool, typer.Option("--twin", help="On the twin of the plan's estate, not on real hosts.")] = False,
    store: Store = None,
    ask: Ask = False,
    guides: Guides = None,
    format: Format = "text",
) -> int:
    """Carry a plan out.

    Killed at any moment, `resume` goes on. Exit code 4: it waits for a person; 5: nobody can tell whether a step
    took effect.

      handrail run upgrade.plan --twin
      handrail run upgrade.plan
      handrail run upgrade.plan --store postgresql://handrail@db01/handrail
    """
    from handrail.cli import running

    return running.run(context.obj, plan, twin, store, ask, guides or [], format)


def status(
    context: typer.Context,
    run: Annotated[str | None, typer.Argument(metavar="RUN", help="The run; without it, the newest.")] = None,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Follow it until it ends or waits; JSON: a line for each change.")
    ] = False,
    store: Store = None,
    format: Format = "text",
) -> int:
    """Show how far a run is and what it waits for.

      handrail status
      handrail status contoso-20261120-1-k3v9m --format json

    To follow it from another terminal, or from a program; the run does not mind. It ends when the run ends or waits,
    with the exit code that the run ended with:

      handrail status --watch
      handrail status contoso-20261120-1-k3v9m --watch --format json
    """
    if watch:
        from handrail.cli import watching

        return watching.watch(context.obj, run, store, format)
    from handrail.cli import running

    return running.status(context.obj, run, store, format)


def resume(
    context: typer.Context,
    run: RunId,
    store: Store = None,
    ask: Ask = False,
    guides: Guides = None,
    format: Format = "text",
) -> int:
    """Go on with a run where it stood.

    What was begun is looked at first, and never repeated blindly. What failed is tried again.

      handrail resume contoso-20261120-1-k3v9m
    """
    from handrail.cli import running

    return running.resume(context.obj, run, store, ask, guides or [], format)


def answer(
    context: typer.Context,
    run: RunId,
    step: Annotated[str, typer.Argument(metavar="STEP", help="The step that asks.", show_default=False)],
    given: Annotated[
        Literal["yes", "no", "done"],
        typer.Argument(
            metavar="yes|no|done",
            help="A hold: yes goes on, no halts. A person's step: done. In doubt: done or no.",
            show_default=False,
        ),
    ],
    note: Annotated[str, typer.Option("--note", metavar="TEXT", help="Why; kept in the journal.")] = "",
    store: Store = None,
) -> int:
    """Answer a step that waits for a person.

    `status` names the steps that wait, and what each of them asks.

      handrail answer contoso-20261120-1-k3v9m STEP yes
      handrail answer contoso-20261120-1-k3v9m STEP no --note "not tonight"
    """
    from handrail.cli import running

    return running.answer(context.obj, run, step, given, note, store)


def verify(
    context: typer.Context, run: RunId, store: Store = None, guides: Guides = None, format: Format = "text"
) -> int:
    """Look whether what a run brought about still holds.

    Every lasting step is observed again. Exit code 1: something has changed.

      handrail verify contoso-20261120-1-k3v9m
    """
    from handrail.cli import running

    return running.verify(context.obj, run, store, guides or [], format)


def rollback(
    context: typer.Context,
    run: RunId,
    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="PLAN", help="Write the way back to this file.")
    ] = None,
    store: Store = None,
    format: PlanFormat = "text",
) -> int:
    """Make the plan that takes a run back from where it stands.

    Nothing is changed by this. Look at the plan, then carry it out like any other:

      handrail rollback contoso-20261120-1-k3v9m -o back.plan
      handrail run back.plan

    On the twin or on the hosts, wherever the run was. Exit code 3: there is no way back, and why.
    """
    from handrail.cli import going_back

    return going_back.rollback(context.obj, run, output, store, format)
