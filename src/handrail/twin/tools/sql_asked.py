"""What is asked of a SQL Server of the twin, and how it answers: rows, or a numbered message."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from handrail.twin.mechanisms.databases import Server
from handrail.twin.tools.reply import Reply, say
from handrail.twin.tools.tables import table

NAME = r"\[(?P<name>(?:[^\]]|\]\])+)\]|(?P<bare>[A-Za-z_][\w$#@]*)"
"""Of a database, in a pattern."""
TEXT = r"N?'(?P<file>(?:[^']|'')*)'"
"""A text between quotes, in a pattern."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A server and how it was asked: the options of the tool, the address that it was given."""

    server: Server
    options: dict[str, str]
    address: str

    @property
    def old(self) -> bool:
        """SQL Server 2000 or older."""
        return int(self.server.instance.version.partition(".")[0] or 0) < 9

    def wrong(self, number: int, text: str, level: int = 16, state: int = 1) -> Reply:
        name = self.server.machine.name.upper()
        code = 1 if "b" in self.options and level > 10 else 0
        return say(code, f"Msg {number}, Level {level}, State {state}, Server {name}, Line 1", text)

    def rows(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Reply:
        narrow = "W" in self.options
        heads = self.options.get("h") != "-1"
        return Reply(0, table(columns, rows, self.options.get("s", " "), narrow=narrow, heads=heads))


Answer = Callable[[Asked, "re.Match[str]"], Reply]


def database_in(found: re.Match[str]) -> str:
    return str(found["name"]).replace("]]", "]") if found["name"] is not None else str(found["bare"])


def text_in(found: re.Match[str]) -> str:
    return str(found["file"]).replace("''", "'")
