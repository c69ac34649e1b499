"""An argv as a Windows command line. Windows hands a program one text; each program takes it apart by itself.

Nearly all of them do it as the C runtime does (`CommandLineToArgvW`): blanks part, quotation marks hold together, a
backslash is special only before a quotation mark. Windows Installer wants NAME="VALUE" instead of "NAME=VALUE"; the C
runtime reads both alike. cmd.exe, which stands between us and the program on most roads, has rules of its own before
that: it acts upon & | < > ^ ( ) outside quotation marks and fills in %NAME% everywhere.

What cannot be helped: a machine whose registry switches delayed expansion on for every cmd.exe reads !NAME! too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from handrail.errors import BadInput

LONGEST = 32766
"""Characters of a command line that Windows takes."""
LONGEST_CMD = 8191
"""Characters of a command line that cmd.exe takes."""

_PARTING = re.compile(r"[\s\"]")
_SPECIAL = re.compile(r"[\s\"&|<>^()!,;=']")
_ACTED_UPON = re.compile(r"[\"&|<>^()]")
_PROPERTY = re.compile(r"([A-Za-z_][A-Za-z0-9_.]*)=(.*)", re.DOTALL)
_BUILT_IN = re.compile(
    "assoc|break|call|cd|chdir|cls|color|copy|date|del|dir|echo|endlocal|erase|exit|for|ftype|goto|md|mkdir|mklink|move"
    "|path|pause|popd|prompt|pushd|rd|rem|ren|rename|rmdir|set|setlocal|shift|start|time|title|type|ver|verify|vol"
)


def for_process(argv: Sequence[str]) -> str:
    """The line for a program that is started without cmd.exe. BadInput when it cannot be said."""
    _refuse(argv, "\0")
    line = " ".join((_program(argv[0], _PARTING), *(_argument(one, _PARTING) for one in argv[1:])))
    return _short(line, LONGEST, argv)


def for_cmd(argv: Sequence[str]) -> str:
    """The line for `cmd.exe /c`, as Windows Remote Management and OpenSSH use it. It reaches the program as it was
    meant, whatever stands in it. BadInput when it cannot be said.

    An argv that is itself `cmd /c WORD WORD...` is said without a second cmd.exe, each word as a word; in
    `cmd /c LINE` the one text is a line in cmd's own language and stays as it is.

    It never begins with a quotation mark: cmd.exe would take that away, and the last one with it.
    """
    _refuse(argv, "\0\r\n")
    inner = _within(argv)
    if is_line(argv):
        line = inner[0].strip()
        line = "@" + line if line.startswith('"') else line
    else:
        line = _words(inner)
    return _short(line, LONGEST_CMD, argv)


def is_line(argv: Sequence[str]) -> bool:
    """Whether it is `cmd /c LINE`: a text in cmd's own language."""
    inner = _within(argv)
    return len(inner) == 1 and len(inner) < len(argv)


def for_batch(argv: Sequence[str]) -> str:
    """The line for a batch file. BadInput when it cannot be said; a quotation mark never can, because Windows Installer
    reads them by rules of its own."""
    _refuse(argv, '\0\r\n"')
    line = " ".join((_program(argv[0], _SPECIAL), *(_argument(one, _SPECIAL) for one in argv[1:])))
    return _short(line.replace("%", "%%"), LONGEST_CMD, argv)


def _within(argv: Sequence[str]) -> Sequence[str]:
    """What `cmd /c` is to do, or the whole when it is no such command."""
    if re.fullmatch(r"cmd(\.exe)?", argv[0], re.IGNORECASE):
        at = 1
        while at < len(argv) and argv[at].lower() in ("/d", "/s", "/q"):
            at += 1
        if at + 1 < len(argv) and argv[at].lower() == "/c":
            return argv[at + 1 :]
    return argv


def _words(words: Sequence[str]) -> str:
    """A command that cmd.exe knows by itself, or a program with its arguments."""
    name = words[0].lower()
    if name == "if":
        end = 4 if len(words) > 1 and words[1].lower() == "not" else 3
        if len(words) <= end or words[end - 2].lower() != "exist":
            raise BadInput(f"cmd /c {' '.join(words)[:200]} cannot be said word by word.", "Use `if exist`, or a line.")
        return " ".join((*words[: end - 1], _word(words[end - 1]), _words(words[end:])))
    if _BUILT_IN.fullmatch(name):
        return " ".join((words[0], *(_word(one) for one in words[1:])))
    batch = name.endswith((".bat", ".cmd"))
    for one in words[1:] if batch else ():
        if re.search(r'["%]', one):
            raise BadInput(f"{one!r} cannot be handed to the batch file {words[0]}.", "It would read it a second time.")
    return " ".join((_first(words[0]), *(_caret(_argument(one, _SPECIAL)) for one in words[1:])))


def _program(name: str, special: re.Pattern[str]) -> str:
    """The program's name is read more simply: quotation marks hold together, and a backslash is a backslash."""
    if not name or '"' in name:
        raise BadInput(f"{name!r} cannot be the name of a program.", "Leave quotation marks out.")
    return f'"{name}"' if special.search(name) else name


def _first(name: str) -> str:
    """The program's name at the beginning of a line for cmd.exe: C:\\"Program Files\\a.exe"."""
    plain = _program(name, _SPECIAL)
    if "%" in name or not re.match(r"[A-Za-z0-9_.\\]", name):
        raise BadInput(f"cmd.exe cannot be told to start {name!r}.", "Give the program another name or place.")
    if not plain.startswith('"'):
        return plain
    cut = re.match(r"[A-Za-z]:\\|\\\\|.", name)
    assert cut
    return f'{cut[0]}"{name[cut.end() :]}"'


def _argument(text: str, special: re.Pattern[str]) -> str:
    """One argument as the C runtime reads it. Only the value is quoted in NAME="VALUE"."""
    found = _PROPERTY.fullmatch(text)
    if found:
        name, value = found.groups()
        return text if value and not special.search(value) else f"{name}={_held(value)}"
    return text if text and not special.search(text) else _held(text)


def _held(text: str) -> str:
    """Within quotation marks. One of the text's own stands behind a backslash; backslashes before one are doubled."""
    return '"' + re.sub(r'(\\*)("|$)', lambda one: one[1] * 2 + ('\\"' if one[2] else ""), text) + '"'


def _caret(text: str) -> str:
    """`text` as it comes out of cmd.exe unchanged. Within one pair of quotation marks nothing but % is acted upon;
    otherwise every sign is told by a caret that it is text, quotation marks included, so that none opens anything.

    %NAME% is filled in before carets count, but there is no variable whose name begins or ends with one."""
    if "%" not in text and text.count('"') in (0, 2) and (text.count('"') == 2 or not _ACTED_UPON.search(text)):
        return text
    escaped = re.sub(r"[\"&|<>^()%!]", r"^\g<0>", text)
    return re.sub(r"%(?!\^)(?=.)", "%^", escaped)


def _word(text: str) -> str:
    """A word for a command of cmd.exe itself, which knows no backslash before a quotation mark."""
    if '"' in text:
        raise BadInput(f"{text!r} cannot stand in a command of cmd.exe.", "Leave quotation marks out.")
    if "%" not in text:
        return text if text and not _SPECIAL.search(text) else f'"{text}"'
    # A caret counts only outside quotation marks.
    return "^%".join(f'"{one}"' if one else "" for one in text.split("%"))


def _refuse(argv: Sequence[str], signs: str) -> None:
    if not argv:
        raise BadInput("A command needs a program.")
    for one in argv:
        if any(sign in one for sign in signs):
            raise BadInput(f"{one[:80]!r} cannot stand in a Windows command line.", "Leave quotes and line ends out.")


def _short(line: str, most: int, argv: Sequence[str]) -> str:
    if len(line) > most:
        raise BadInput(f"The command line of {argv[0]} has {len(line)} characters; Windows takes {most}.")
    return line
