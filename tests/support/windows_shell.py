"""How Windows reads a command line, as far as tests need it: cmd.exe first, then the C runtime of a program.

Written from what Microsoft documents (`cmd /?`, "Parsing C command-line arguments"), not from our own quoting.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Read:
    """What cmd.exe made of a line: the raw text of each command, and the signs between and within them."""

    commands: tuple[str, ...]
    signs: tuple[str, ...] = ()


def after_c(text: str) -> str:
    """What `cmd /c TEXT` carries out: a quotation mark at the beginning goes, and the last one with it."""
    text = text.lstrip()
    if not text.startswith('"'):
        return text
    body = text[1:]
    last = body.rfind('"')
    return body[:last] + body[last + 1 :] if last >= 0 else body


def filled_in(line: str, variables: Mapping[str, str]) -> str:
    """%NAME% and %NAME:...% as on a command line: a name that is not set stays, signs and all."""
    known = {name.upper(): value for name, value in variables.items()}
    out, at = "", 0
    while at < len(line):
        end = line.find("%", at + 1) if line[at] == "%" else -1
        name = line[at + 1 : end] if end > at + 1 else ""
        value = known.get(name.upper(), known.get(name.partition(":")[0].upper()) if ":" in name else None)
        if name and value is not None:
            out, at = out + value, end + 1
        else:
            out, at = out + line[at], at + 1
    return out


def read(line: str, variables: Mapping[str, str] | None = None) -> Read:
    """A line as cmd.exe reads it: variables, then quotation marks, carets and signs."""
    line = filled_in(line, variables or {})
    commands, signs = [""], []
    quoted, at = False, 0
    while at < len(line):
        sign = line[at]
        if sign == '"':
            quoted = not quoted
        elif sign == "^" and not quoted:
            at += 1
            commands[-1] += line[at : at + 1]
            at += 1
            continue
        elif sign in "&|<>" and not quoted:
            signs.append(sign)
            commands.append("")
            at += 1
            continue
        commands[-1] += sign
        at += 1
    return Read(tuple(one.strip().lstrip("@") for one in commands), tuple(signs))


def first_word(raw: str) -> str:
    """The name of the command: to the first blank outside quotation marks."""
    found = re.match(r'(?:"[^"]*"?|[^\s"])+', raw)
    return found[0].replace('"', "") if found else ""


def words(raw: str) -> list[str]:
    """The words of a command that cmd.exe knows by itself."""
    return [one.replace('"', "") for one in re.findall(r'(?:"[^"]*"?|[^\s,;="])+', raw)]


def argv(raw: str, old: bool = False) -> list[str]:
    """The arguments that a C program gets. `old`: as the runtime before 2008 read two quotation marks in a row."""
    found = [first := _program(raw)[0]]
    assert first is not None
    at = _program(raw)[1]
    while at < len(raw):
        if raw[at] in " \t":
            at += 1
            continue
        one, quoted = "", False
        while at < len(raw) and (quoted or raw[at] not in " \t"):
            slashes = len(raw) - at - len(raw[at:].lstrip("\\"))
            if slashes:
                at += slashes
                if raw[at : at + 1] != '"':
                    one += "\\" * slashes
                    continue
                one += "\\" * (slashes // 2)
                if slashes % 2:
                    one, at = one + '"', at + 1
                    continue
            if raw[at : at + 1] == '"':
                if quoted and raw[at + 1 : at + 2] == '"':
                    one, at, quoted = one + '"', at + 2, not old
                else:
                    quoted, at = not quoted, at + 1
                continue
            one, at = one + raw[at], at + 1
        found.append(one)
    return found


def _program(raw: str) -> tuple[str, int]:
    """The program's name has no backslash rule."""
    name, quoted, at = "", False, 0
    while at < len(raw) and (quoted or raw[at] not in " \t"):
        if raw[at] == '"':
            quoted = not quoted
        else:
            name += raw[at]
        at += 1
    return name, at
