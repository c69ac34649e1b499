"""Before a run: from hosts to an estate, a plan, and its rehearsal and approval."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from handrail.cli.commands.parameters import Accept, EstateFile, Format, Guides, PlanFile, PlanFormat, Store, To
from handrail.errors import BadInput


def discover(
    context: typer.Context,
    hosts: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="HOSTS",
            help="A file that lists hosts, or hosts: NAME, or NAME=[USER@]ADDRESS[:PORT].",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="ESTATE", help="Write the estate to this file.")
    ] = None,
    update: Annotated[
        bool, typer.Option("--update", help="Bring that file up to date, and keep what people wrote in it.")
    ] = False,
    via: Annotated[
        Literal["ssh", "winrm", "local"],
        typer.Option("--via", help="How hosts are reached of which no file says it."),
    ] = "ssh",
    twin: Annotated[bool, typer.Option("--twin", help="Read the twin of an estate file, not real hosts.")] = False,
    guides: Guides = None,
    format: Format = "text",
) -> int:
    """Read an estate from its hosts, and say what could not be read.

    Hosts that cannot be reached are left out and named; then the exit code is 1. Nothing on a host is changed.

      handrail discover hosts.yaml -o estate.yaml
      handrail discover db01=postgres@10.0.0.5 -o estate.yaml
      handrail discover hosts.yaml -o estate.yaml --update
    """
    from handrail.cli import discovering

    return discovering.discover(context.obj, hosts or [], output, update, twin, via, guides or [], format)


def assess(
    context: typer.Context,
    estate: EstateFile,
    to: To = None,
    accept: Accept = None,
    guides: Guides = None,
    format: Format = "text",
) -> int:
    """Find out what stands in the way of an upgrade.

    Exit code 3: something does.

      handrail assess estate.yaml
      handrail assess estate.yaml --to identity=2016-sp3 --format json
      handrail assess estate.yaml --accept transport/double-hop@host:sync01
    """
    from handrail.cli import assessing

    return assessing.assess(context.obj, estate, to or [], accept or [], guides or [], format)


def plan(
    context: typer.Context,
    estate: EstateFile,
    to: To = None,
    accept: Accept = None,
    guides: Guides = None,
    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="PLAN", help="Write the plan to this file.")
    ] = None,
    format: PlanFormat = "text",
) -> int:
    """Make the plan, or say why there is none.

    The plan is frozen: what is approved is what runs. Exit code 3: there is none, and why.

      handrail plan estate.yaml -o upgrade.plan
      handrail plan estate.yaml --format markdown > runbook.md
    """
    from handrail.cli import assessing

    return assessing.plan(context.obj, estate, to or [], accept or [], guides or [], output, format)


def explain(
    context: typer.Context,
    plan: PlanFile,
    step: Annotated[
        str | None, typer.Argument(metavar="STEP", help="A step's id or number.", show_default=False)
    ] = None,
    if_: Annotated[
        list[str] | None,
        typer.Option("--if", metavar="PATH=VALUE", help="Say what would be otherwise if this stood in the estate."),
    ] = None,
    guides: Guides = None,
    format: Format = "text",
) -> int:
    """Say why a plan, or one of its steps, is as it is.

      handrail explain upgrade.plan
      handrail explain upgrade.plan 12

    What if the service account were another one?

      handrail explain upgrade.plan --if accounts.svc-vmm.kind=local-system
    """
    if if_:
        if step is not None:
            raise BadInput("--if asks about the whole plan.", "Leave STEP out.")
        from handrail.cli import what_if

        return what_if.explain_if(context.obj, plan, if_, guides or [], format)
    from handrail.cli import assessing

    return assessing.explain(context.obj, plan, step, format)


def rehearse(
    context: typer.Context,
    plan: PlanFile,
    faults: Annotated[
        str,
        typer.Option("--faults", metavar="all|none|NAME,...", help="Which faults to put in."),
    ] = "all",
    case: Annotated[
        str | None,
        typer.Option("--case", metavar="STEP:FAULT", help="Only this step with this fault, told as a story."),
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option("--seeds", metavar="N", help="Instead: N whole runs, each disturbed as its seed draws it."),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option("--seed", metavar="S", help="The first of these seeds; alone, this one, told as a story."),
    ] = None,
    only: Annotated[
        str | None, typer.Option("--only", metavar="N,...", help="Of that seed's faults only those with these numbers.")
    ] = None,
    on: Annotated[
        str | None,
        typer.Option("--on", metavar="MAP", help="Instead: once, on real lab hosts that are reached as this map says."),
    ] = None,
    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="FILE", help="Write what was found to this file.")
    ] = None,
    guides: Guides = None,
    format: Annotated[
        Literal["text", "json", "html"],
        typer.Option("--format", help="For people, for programs, or one page to look at."),
    ] = "text",
) -> int:
    """Break a plan at every step, on its twin.

    Every fault at every step; after each, the run goes on to its end and, separately, back to its beginning.

      handrail rehearse upgrade.plan
      handrail rehearse upgrade.plan --faults disk-full,lost-done
      handrail rehearse upgrade.plan --format html -o rehearsal.html

    One case, told as a story; or whole runs, each disturbed as its seed draws it:

      handrail rehearse upgrade.plan --case identity/sync@sync01/stop:lost-done
      handrail rehearse upgrade.plan --seeds 1000

    Once, on real hosts of a lab:

      handrail rehearse upgrade.plan --on lab.yaml
    """
    seeded = seeds if seeds is not None else seed if seed is not None else only
    ways = [name for name, value in (("--case", case), ("--seeds", seeded), ("--on", on)) if value is not None]
    if len(ways) > 1:
        raise BadInput(f"{ways[0]} and {ways[1]} are two ways to rehearse.", "Choose one of them.")
    if faults != "all" and ways:
        raise BadInput(f"--faults says nothing about {ways[0]}.", "Leave one of them out.")
    if on is not None:
        from handrail.cli import lab

        return lab.rehearse_on(context.obj, plan, on, output, guides or [], format)
    if seeds is not None or seed is not None or only is not None:
        from handrail.cli import seeds as simulating

        return simulating.seeds(context.obj, plan, seeds, seed, only, output, guides or [], format)
    from handrail.cli import rehearsing

    return rehearsing.rehearse(context.obj, plan, faults, case, output, guides or [], format)


def preflight(
    context: typer.Context,
    file: Annotated[str, typer.Argument(metavar="PLAN|ESTATE", help="A plan, or an estate.", show_default=False)],
    accept: Accept = None,
    guides: Guides = None,
    format: Format = "text",
) -> int:
    """Ask the hosts whether they can be reached and driven.

    Nothing is changed. `run` asks the same before it begins. Exit code 3: one cannot.

      handrail preflight upgrade.plan
      handrail preflight estate.yaml --format json
    """
    from handrail.cli import preflight as looking

    return looking.preflight(context.obj, file, accept or [], guides or [], format)


def secrets(
    context: typer.Context,
    file: Annotated[str, typer.Argument(metavar="PLAN|ESTATE", help="A plan, or an estate.", show_default=False)],
    format: Format = "text",
) -> int:
    """Say which secrets are needed, and whether they are there.

    None is shown.

      handrail secrets upgrade.plan
    """
    from handrail.cli import secrets as looking

    return looking.secrets(context.obj, file, format)


def approve(context: typer.Context, plan: PlanFile, store: Store = None) -> int:
    """Approve exactly this plan, under your own name.

    A plan that has changed since has to be approved again.

      handrail approve upgrade.plan
    """
    from handrail.cli import running

    return running.approve(context.obj, plan, store)
