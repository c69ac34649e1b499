"""The commands, from the very table that the program is put together from, and what its exit codes mean."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from handrail import errors
from handrail.cli import main
from handrail.cli.app import COMMANDS, Family, command, name_of
from handrail_docs.writing import block, code, prose, table
from handrail_docs.writing import page as a_page


def page() -> str:
    """Every command with what it takes, under the headings of `handrail --help`."""
    whole = command()
    parts = [
        "`handrail COMMAND --help` says the same. A command takes its options in any order, before or after its "
        "arguments. What exit codes mean [stands apart](exit-codes.md)."
    ]
    for heading, members in COMMANDS:
        parts.append(f"## {heading}")
        for one in members:
            found = whole.commands[name_of(one)]
            if not isinstance(one, Family):
                parts += _command(f"handrail {name_of(one)}", found)
                continue
            for name, inner in found.commands.items():
                parts += _command(f"handrail {name_of(one)} {name}", inner)
    return a_page("Commands", *parts)


def exit_codes_page() -> str:
    """The codes, and which error ends with which."""
    meanings = _codes_in(main.__doc__ or "")
    drawn = (errors.__doc__ or "").partition("\n\n")[2].rpartition("\n\n")[0]
    return a_page(
        "Exit codes",
        table(("code", "means"), ((code(number), meaning) for number, meaning in meanings)),
        "An interrupted command (Ctrl-C) ends with `1`: a run that it carried out can be resumed.",
        "## Errors",
        "Every error is one sentence on standard error, with file, line and column where there is a file, and what to "
        "do about it.",
        block(drawn),
    )


def _codes_in(text: str) -> Iterator[tuple[str, str]]:
    """`Exit codes: 0 done; 1 failed ...` as pairs."""
    told = " ".join(text.split()).partition("Exit codes: ")[2].partition(". ")[0].rstrip(".")
    for one in told.split("; "):
        number, _, meaning = one.partition(" ")
        yield number, meaning


def _command(name: str, found: Any) -> Iterator[str]:
    context = found.make_context(name, [], resilient_parsing=True)
    arguments = [one for one in found.params if one.param_type_name == "argument" and not one.hidden]
    options = [one for one in found.params if one.param_type_name == "option" and one.name != "help"]
    usage = " ".join([name, *map(_usage, arguments), *(["[OPTIONS]"] if options else [])])
    yield f"### {name}"
    yield block(usage, "sh")
    yield prose(found.help or "")
    yield table(("argument", "what it is"), ((code(_called(one)), one.help or "") for one in arguments))
    yield table(("option", "what it does", "otherwise"), (_option(one, context) for one in options))


def _called(argument: Any) -> str:
    return str(argument.metavar or argument.name.upper())


def _usage(argument: Any) -> str:
    many = "..." if argument.nargs == -1 else ""
    return (_called(argument) if argument.required else f"[{_called(argument).strip('[]')}]") + many


def _option(option: Any, context: Any) -> tuple[str, str, str]:
    """What `--help` says of it, in three parts."""
    shown, says = option.get_help_record(context)
    extra = re.search(r" *\[([^\]]*)\]$", says)
    terms = extra[1].split("; ") if extra else []
    default = next((one.removeprefix("default: ") for one in terms if one.startswith("default: ")), "")
    rest = ", ".join(one for one in terms if not one.startswith("default: "))
    plain = says[: extra.start()] if extra else says
    again = " May be given several times." if option.multiple and "repeated" not in plain else ""
    return code(shown), f"{plain}{again}" + (f" ({rest})" if rest else ""), code(default) if default else ""
