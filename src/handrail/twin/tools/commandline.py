"""Command lines of cmd.exe taken apart: words, redirections, and the signs between commands."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from handrail.errors import NotRehearsed

_TOKEN = re.compile(
    r"""\s+ | (?P<between>&&|\|\||&|\|) | (?P<to>[012]?>>?(?:&[012])?|<) | (?P<word>(?:"[^"]*"?|\^.|[^\s&|<>"^])+)""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Part:
    """One command of a line. `joined` says how it follows the one before: "", "&", "&&" or "||". `out` and `err` are
    files (or "1" for the standard output); `append` adds to `out`."""

    words: tuple[str, ...]
    text: str
    joined: str = ""
    out: str | None = None
    err: str | None = None
    append: bool = False


def expand(text: str, variables: Mapping[str, str]) -> str:
    """`%NAME%` filled in and `%%` made one, as in a batch file."""
    known = {name.upper(): value for name, value in variables.items()}
    return re.sub(r"%%|%([^%]+)%", lambda one: known.get(one[1].upper(), "") if one[1] else "%", text)


def parse(line: str) -> list[Part]:
    """NotRehearsed for pipes and whatever else is not understood."""
    parts: list[Part] = []
    words: list[str] = []
    out = err = None
    append = False
    joined, begun, waiting, at = "", 0, "", 0

    def close(end: int) -> None:
        nonlocal words, out, err, append
        if words:
            parts.append(Part(tuple(words), line[begun:end].strip(), joined, out, err, append))
        words, out, err, append = [], None, None, False

    while at < len(line):
        token = _TOKEN.match(line, at)
        if token is None:
            raise NotRehearsed(f"The twin does not understand the command line: {line[:300]}")
        if token["between"]:
            if token["between"] == "|":
                raise NotRehearsed(f"The twin knows no pipes: {line[:300]}")
            close(token.start())
            joined, begun = token["between"], token.end()
        elif token["to"]:
            waiting = token["to"]
            if words[-1:] == ["echo"] and waiting[0].isdigit():
                # cmd.exe itself takes the digit for a handle here and writes nothing.
                words.append(waiting[0])
                waiting = waiting[1:]
            if waiting == "2>&1":
                err, waiting = "1", ""
            elif waiting not in (">", ">>", "1>", "1>>", "2>"):
                raise NotRehearsed(f"The twin does not understand {waiting!r} in: {line[:300]}")
        elif token["word"]:
            word = plain(token["word"])
            if waiting == "2>":
                err = word
            elif waiting:
                out, append = word, waiting.endswith(">>")
            else:
                words.append(word)
            waiting = ""
        at = token.end()
    close(len(line))
    return parts


def plain(word: str) -> str:
    """Without quotation marks and carets."""
    return re.sub(r'"|\^(.)', lambda one: one[1] or "", word)


def text_before_redirection(text: str) -> str:
    """The part of a command's own text that comes before any redirection, as `echo` prints it."""
    return re.split(r"[12]?>", text, maxsplit=1)[0]
