"""The command line: which commands there are, what they take and what they say of themselves.

Each command only hands its arguments on; the modules that do the work are imported when one is called.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer

from handrail.errors import BadInput

Format = Annotated[Literal["text", "json"], typer.Option("--format", help="For people, or for programs.")]
PlanFormat = Annotated[
    Literal["text", "json", "markdown"],
    typer.Option("--format", help="For people, for programs, or a runbook to be followed by hand."),
]
EstateFile = Annotated[str, typer.Argument(metavar="ESTATE", help="The estate file.", show_default=False)]
PlanFile = Annotated[str, typer.Argument(metavar="PLAN", help="A plan file, made by 'plan -o'.", show_default=False)]
RunId = Annotated[str, typer.Argument(metavar="RUN", help="The run's id; 'status' lists them.", show_default=False)]
To = Annotated[
    list[str] | None,
    typer.Option("--to", metavar="[DEPLOYMENT=]RELEASE", help="The release to reach, instead of the file's aim."),
]
Accept = Annotated[
    list[str] | None,
    typer.Option("--accept", metavar="RULE[@SUBJECT]", help="Accept this risk by its name."),
]
Guides = Annotated[
    list[str] | None,
    typer.Option("--guides", metavar="FOLDER", help="Also use the guides in this folder."),
]
Store = Annotated[
    str | None,
    typer.Option("--store", metavar="URL", help="The store of runs; by default in the home folder."),
]
Ask = Annotated[bool, typer.Option("--ask", help="On the twin: wait for people instead of playing them.")]


def _no_command(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and leave.")] = False,
) -> int:
    if version:
        from handrail import __version__

        context.obj.line(f"handrail {__version__}")
        raise typer.Exit(0)
    if context.invoked_subcommand is None:
        context.obj.complain(context.get_help())
        raise typer.Exit(2)
    return 0


def assess(
    context: typer.Context,
    estate: EstateFile,
    to: To = None,
    accept: Accept = None,
    guides: Guides = None,
    format: Format = "text",
) -> int:
    """Find out what stands in the way of an upgrade."""
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
    """Make the plan, or say why there is none."""
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

    What if the service account were another one?

      handrail explain upgrade.plan --if accounts.svc-vmm.kind=local-system
    """
    if if_:
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
    """Break a plan at every step, on its twin, and see it come to its end and back."""
    seeded = seeds if seeds is not None else seed if seed is not None else only
    ways = [name for name, value in (("--case", case), ("--seeds", seeded), ("--on", on)) if value is not None]
    if len(ways) > 1:
        raise BadInput(f"{ways[0]} and {ways[1]} are two ways to rehearse.", "Choose one of them.")
    if on is not None:
        from handrail.cli import lab

        return lab.rehearse_on(context.obj, plan, on, output, guides or [], format)
    if seeds is not None or seed is not None or only is not None:
        from handrail.cli import seeds as simulating

        return simulating.seeds(context.obj, plan, seeds, seed, only, output, guides or [], format)
    from handrail.cli import rehearsing

    return rehearsing.rehearse(context.obj, plan, faults, case, output, guides or [], format)


def approve(context: typer.Context, plan: PlanFile, store: Store = None) -> int:
    """Approve exactly this plan, under your own name."""
    from handrail.cli import running

    return running.approve(context.obj, plan, store)


def run(
    context: typer.Context,
    plan: PlanFile,
    twin: Annotated[bool, typer.Option("--twin", help="On the twin of the plan's estate, not on real hosts.")] = False,
    store: Store = None,
    ask: Ask = False,
    guides: Guides = None,
    format: Format = "text",
) -> int:
    """Carry a plan out. Killed at any moment, 'resume' goes on."""
    from handrail.cli import running

    return running.run(context.obj, plan, twin, store, ask, guides or [], format)


def preflight(
    context: typer.Context,
    file: Annotated[str, typer.Argument(metavar="PLAN|ESTATE", help="A plan, or an estate.", show_default=False)],
    accept: Accept = None,
    guides: Guides = None,
    format: Format = "text",
) -> int:
    """Ask the hosts whether they can be reached and driven. Nothing is changed."""
    from handrail.cli import preflight as looking

    return looking.preflight(context.obj, file, accept or [], guides or [], format)


def secrets(
    context: typer.Context,
    file: Annotated[str, typer.Argument(metavar="PLAN|ESTATE", help="A plan, or an estate.", show_default=False)],
    format: Format = "text",
) -> int:
    """Say which secrets are referred to, and whether they can be looked up here. None is shown."""
    from handrail.cli import secrets as looking

    return looking.secrets(context.obj, file, format)


def status(
    context: typer.Context,
    run: Annotated[str | None, typer.Argument(metavar="RUN", help="The run; without it, the newest.")] = None,
    store: Store = None,
    format: Format = "text",
) -> int:
    """Show how far a run is and what it waits for."""
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
    """Go on with a run where it stood."""
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
    """Answer a step that waits for a person."""
    from handrail.cli import running

    return running.answer(context.obj, run, step, given, note, store)


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


def verify(
    context: typer.Context, run: RunId, store: Store = None, guides: Guides = None, format: Format = "text"
) -> int:
    """Look whether what a run brought about still holds."""
    from handrail.cli import running

    return running.verify(context.obj, run, store, guides or [], format)


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
    """Carry out what is handed over on a shared store, together with other workers.

    Start as many as you like, on as many machines; kill any of them: its hosts go on elsewhere within a minute.

      handrail worker --store postgresql://handrail@db01/handrail --zone emea
    """
    from handrail.cli import fleet

    return fleet.work(context.obj, store, zone or [], lanes, silent, ask, guides or [])


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

      handrail discover db01=postgres@10.0.0.5 -o estate.yaml
    """
    from handrail.cli import discovering

    return discovering.discover(context.obj, hosts or [], output, update, twin, via, guides or [], format)


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


def guide_list(context: typer.Context, guides: Guides = None, format: Format = "text") -> int:
    """List the products that there is a guide for."""
    from handrail.cli import knowledge

    return knowledge.list_guides(context.obj, guides or [], format)


def guide_show(
    context: typer.Context,
    product: Annotated[str, typer.Argument(metavar="PRODUCT", help="As 'guide list' names it.", show_default=False)],
    guides: Guides = None,
    format: Format = "text",
) -> int:
    """Show what a guide knows: releases, moves, rules, sources."""
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
    """Check guides: every mistake with file, line and column."""
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
    """Try a guide's scenarios on the twin, and see which demands they show."""
    from handrail.cli import trying

    patterns = [one.strip() for one in (only or "").split(",") if one.strip()]
    if case is not None:
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
    """Print the JSON Schema of guides or scenarios, for editors."""
    from handrail.cli import knowledge

    return knowledge.print_schema(context.obj, of)


def command() -> Any:
    """The whole command line, to be called with `main(args, standalone_mode=False, obj=Output)`."""
    settings: dict[str, Any] = {
        "add_completion": False,
        "rich_markup_mode": None,
        "pretty_exceptions_enable": False,
    }
    app = typer.Typer(name="handrail", help="Upgrade guides that you can run.", **settings)
    app.callback(invoke_without_command=True)(_no_command)
    before = (discover, assess, plan, explain, rehearse, approve, preflight, secrets)
    for function in (*before, run, status, resume, answer, rollback, verify, conform, journal, worker):
        app.command()(function)
    guide = typer.Typer(help="List, show, check and test guides.", no_args_is_help=True, **settings)
    guide.command("list")(guide_list)
    guide.command("show")(guide_show)
    guide.command("lint")(guide_lint)
    guide.command("test")(guide_test)
    guide.command("schema")(guide_schema)
    app.add_typer(guide, name="guide")
    return typer.main.get_command(app)
