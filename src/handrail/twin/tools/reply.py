"""What a console tool answers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reply:
    """Exit code and text, with line ends as Windows writes them."""

    code: int = 0
    out: str = ""
    err: str = ""


def say(code: int, *lines: str) -> Reply:
    """Lines to standard output."""
    return Reply(code, "".join(line + "\r\n" for line in lines))


def complain(code: int, *lines: str) -> Reply:
    """Lines to standard error."""
    return Reply(code, "", "".join(line + "\r\n" for line in lines))
