"""The command line, put together: which commands there are, in the order one uses them.

What a command takes and says of itself stands in `commands/`; the modules that do its work are imported when it is
called. To add one: a function in `commands/`, and its place in `COMMANDS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, Any, NamedTuple

import typer

from handrail.cli.commands import after, before, console, during, fleet, knowledge, program, stores

Command = Callable[..., int]


class Family(NamedTuple):
    """Commands with a name of their own before theirs: `handrail guide list` is the function `guide_list`."""

    name: str
    says: str
    commands: tuple[Command, ...]


GUIDE = Family(
    "guide",
    "List, show, check and test guides.",
    (
        knowledge.guide_list,
        knowledge.guide_show,
        knowledge.guide_lint,
        knowledge.guide_test,
        knowledge.guide_schema,
    ),
)

STORE = Family("store", "Move runs to another store, or check one.", (stores.store_move, stores.store_check))

ACCOUNT = Family(
    "account",
    "Say who may sign in to the console, on this machine.",
    (
        console.account_add,
        console.account_list,
        console.account_roles,
        console.account_disable,
        console.account_password,
    ),
)

COMMANDS: tuple[tuple[str, tuple[Command | Family, ...]], ...] = (
    ("Look and plan", (before.discover, before.assess, before.plan, before.explain, before.rehearse)),
    ("Get ready", (before.preflight, before.secrets, before.approve)),
    ("Carry out", (during.run, during.status, during.answer, during.resume)),
    ("Afterwards", (during.verify, during.rollback, after.report, after.journal, after.conform)),
    ("Several machines", (fleet.worker, STORE)),
    ("In a browser", (console.serve, ACCOUNT)),
    ("Knowledge", (GUIDE,)),
    ("The program itself", (program.demo, program.completion)),
)
"""Heading -> commands, as `handrail --help` shows them. A command is called like its function, with - for _."""

QUIET: dict[str, Any] = {"add_completion": False, "rich_markup_mode": None, "pretty_exceptions_enable": False}


def command() -> Any:
    """The whole command line, to be called with `main(args, standalone_mode=False, obj=Output)`."""
    app = typer.Typer(name="handrail", help="Upgrade guides that you can run.", cls=_Grouped, **QUIET)
    app.callback(invoke_without_command=True)(_no_command)
    for _, members in COMMANDS:
        for one in members:
            if isinstance(one, Family):
                family = typer.Typer(help=one.says, no_args_is_help=True, **QUIET)
                for function in one.commands:
                    family.command(name_of(function).removeprefix(one.name + "-"), help=_help(function))(function)
                app.add_typer(family, name=one.name)
            else:
                app.command(name_of(one), help=_help(one))(one)
    return typer.main.get_command(app)


def name_of(one: Command | Family) -> str:
    """What one types for it."""
    return one.name if isinstance(one, Family) else one.__name__.replace("_", "-")


def _help(function: Command) -> str:
    """Its docstring; examples, which begin with `handrail` or stand indented, are indented and left as they are."""
    lines = [line.removeprefix("    ") for line in (function.__doc__ or "").strip().splitlines()]
    for at, line in enumerate(lines):
        if line.startswith("handrail "):
            lines[at] = f"  {line}"
        if lines[at].startswith("  ") and not lines[at - 1]:
            lines[at] = f"\b\n{lines[at]}"
    return "\n".join(lines)


class _Grouped(typer.core.TyperGroup):
    """The whole program: its help shows commands under headings."""

    def format_commands(self, _: Any, formatter: Any) -> None:
        longest = max(map(len, self.commands))
        for heading, members in COMMANDS:
            with formatter.section(heading):
                formatter.write_dl(list(self._rows(members, longest, formatter.width - 6 - longest)))

    def _rows(self, members: tuple[Command | Family, ...], longest: int, room: int) -> Iterator[tuple[str, str]]:
        for one in members:
            name = name_of(one)
            yield name.ljust(longest), self.commands[name].get_short_help_str(room)


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
