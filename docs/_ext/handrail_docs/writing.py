"""Pieces of Markdown."""

from __future__ import annotations

import inspect
import re
from collections.abc import Collection, Iterable, Sequence
from typing import Any

GENERATED = "<!-- Made from the code at every build. Change it there. -->\n\n"


def page(title: str, *parts: str) -> str:
    """A whole page: its title, then its parts with an empty line between them."""
    return GENERATED + "\n\n".join([f"# {title}", *(part.strip("\n") for part in parts if part.strip())]) + "\n"


def code(text: object) -> str:
    """Text as it is typed. Whatever holds a backquote gets longer fences."""
    shown = str(text)
    return f"`` {shown} ``" if "`" in shown else f"`{shown}`"


def codes(texts: Iterable[object]) -> str:
    return ", ".join(code(one) for one in texts)


def block(text: str, language: str = "") -> str:
    return f"```{language}\n{text.rstrip()}\n```"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; empty where there is no row. Columns in which nothing stands are left out."""
    lines = [tuple(_cell(one) for one in row) for row in rows]
    if not lines:
        return ""
    kept = [at for at in range(len(head)) if any(row[at] for row in lines)]
    shown = [[head[at] for at in kept], ["---"] * len(kept), *([row[at] for at in kept] for row in lines)]
    return "\n".join("| " + " | ".join(row) + " |" for row in shown)


def prose(text: str) -> str:
    """A docstring as Markdown: paragraphs on one line each, and examples, which stand indented, as code."""
    parts = []
    for part in re.split(r"\n\s*\n", inspect.cleandoc(text)):
        part = part.removeprefix("\b\n")  # how help marks what is not to be wrapped
        if part.startswith("  "):
            parts.append(block("\n".join(line.strip() for line in part.splitlines()), "sh"))
        else:
            parts.append(" ".join(part.split()))
    return "\n\n".join(part for part in parts if part)


def explained(text: str, keys: Collection[str]) -> tuple[str, dict[str, str]]:
    """A docstring taken apart: what it says in general, and what it says of single keys. Of a key speaks a part of a
    paragraph that begins with its name in backquotes (`` `host` is ... ``, `` `a` and `b`: ... ``), up to the next such
    part. A field's trailing underscore is no part of its name."""
    general: list[str] = []
    found: dict[str, str] = {}
    for paragraph in re.split(r"\n\s*\n", inspect.cleandoc(text)):
        if paragraph.startswith("  "):
            general.append(paragraph)
            continue
        rest: list[str] = []
        last: list[str] = []
        before = ""
        for part in re.split(r"(?<=[.;]) (?=(?:\w+: )?`)", " ".join(paragraph.split())):
            said = _KEYS.match(part)
            names = [one.rstrip("_") for one in re.findall(r"`(\w+)`", said["names"])] if said else []
            if said is None or not names or not all(name in keys for name in names):
                if last and before.endswith(";"):  # goes on with what it said of the key before
                    for name in last:
                        found[name] = f"{found[name].rstrip('.')}; {_without_underscores(part.rstrip(';.'))}."
                else:
                    rest.append(part)
                before = part
                continue
            last, before = names, part
            about = f"({said['of']}) " if said["of"] else ""
            for name in names:
                others = [one for one in names if one != name]
                beside = f"(with {codes(others)}) " if others else ""
                meaning = f"{about}{beside}{_without_underscores(part[said.end() :].rstrip(';.'))}."
                found[name] = f"{found[name]} {meaning}" if name in found else meaning
        if rest:
            told = _without_underscores(" ".join(rest).rstrip(";"))
            general.append(told if told.endswith((".", ":", "`")) else f"{told}.")
    return "\n\n".join(general), found


_KEYS = re.compile(r"(?:(?P<of>\w+): )?(?P<names>`\w+`(?:(?:, | and )`\w+`)*)(?:: | is | are | )")


def _without_underscores(text: str) -> str:
    return re.sub(r"`(\w+)_`", r"`\1`", text)


def sentence(text: str) -> str:
    """The first sentence of a text."""
    return re.split(r"(?<=[.?!]) (?=[A-Z`])", " ".join(text.split()), maxsplit=1)[0]


def anchor(heading: str) -> str:
    """The anchor that forges and this site give a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def _cell(text: Any) -> str:
    return " ".join(str(text).split()).replace("|", "\\|")
