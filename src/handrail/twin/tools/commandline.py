"""Command lines of cmd.exe taken apart: words, redirections, and the signs between commands."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from handrail.errors import NotRehearsed

_TOKEN = re.compile(
    r"""\s+ | (?P<between>&&|\|\||&|\|) | (?P<to>[0-9]?>>?(?:&[0-9])?|<) | (?P<word>(?:"[^"]*"?|\^.|[^\s&|<>"^])+)""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Part:
    """One command of a line. `joined` says how it follows the one before: "", "&", "&&" or "||". `out` and `err` are
    files (or "1" for the standard output); `append` adds to `out`; `given` is where standard input comes from.
    `empty` are files for handles that nobody writes to: `echo 0> FILE` means handle 0, and FILE stays empty."""

    words: tuple[str, ...]
    text: str
    joined: str = ""
    out: str | None = None
    err: str | None = None
    append: bool = False
    empty: tuple[str, ...] = ()
    given: str | None = None


def expand(text: str, variables: Mapping[str, str]) -> str:
    """`%NAME%` filled in and `%%` made one, as in a batch file."""
    known = {name.upper(): value for name, value in variables.items()}
    return re.sub(r"%%|%([^%]+)%", lambda one: known.get(one[1].upper(), "") if one[1] else "%", text)


def parse(line: str) -> list[Part]:
    """NotRehearsed for pipes and whatever else is not understood."""
    parts: list[Part] = []
    words: list[str] = []
    empty: list[str] = []
    out = err = given = None
    append = False
    joined, begun, waiting, at = "", 0, "", 0

    def close(end: int) -> None:
        nonlocal words, out, err, append, empty, given
        if words:
            parts.append(Part(tuple(words), line[begun:end].strip(), joined, out, err, append, tuple(empty), given))
        words, out, err, append, empty, given = [], None, None, False, [], None

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
            if waiting == "2>&1":
                err, waiting = "1", ""
            elif "&" in waiting:
                raise NotRehearsed(f"The twin does not understand {waiting!r} in: {line[:300]}")
        elif token["word"]:
            word = plain(token["word"])
            if waiting[:1] == "2":
                err = word
            elif waiting[:1] in ("0", *"3456789"):
                empty.append(word)
            elif waiting == "<":
                given = word
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
    return re.split(r"(?<=\s)[0-9]>|>", text, maxsplit=1)[0]
