"""Every sign that Windows, cmd.exe or a road there might act upon, through all layers and back; and exit codes."""

from __future__ import annotations

from typing import Any

from tests.support.conformance.case import Case, Look, Read, Step, Write, ask, cmd
from tests.support.conformance.files import HERE, TEXT, folders, there
from tests.support.conformance.registry import KEY

from handrail.hosts.protocol import Host
from handrail.probing.reg_text import value_of

NAMES = (
    "with blanks  two of them",
    "100% sure",
    "%PATH%",
    "this & that",
    "this&that",
    "carets ^ and ^^",
    "it's (in) brackets",
    "a,b;c=d",
    "ends with !exclamation!",
    "Grüße aus Köln",
    "€ and 漢字",
    "~ tilde # hash @ at $ dollar",
    "[square] {curly} +plus",
    "-dash first",
)

DATA = (
    'says "yes"',
    '"all of it"',
    'an odd " one',
    "C:\\folder with blanks\\",
    'backslash \\" quotation',
    "%SystemRoot% & more",
    "50% | 60% > 70% < 80%",
    "a^b^^c",
    "(x) & (y)",
    "Grüße; 漢字",
    "$(whoami) `id` $HOME ${PATH}",
    "it's 'quoted'",
    "\\\\server\\share\\",
    "tab\there",
)


def _named(name: str) -> tuple[Step, ...]:
    """A folder and a file in it of that name, made, found, copied, listed and deleted."""
    folder = rf"{HERE}\{name}"
    return (
        cmd("mkdir", folder),
        Write(rf"{folder}\{name}.txt", TEXT),
        there(rf"{folder}\{name}.txt"),
        cmd("copy", "/y", rf"{folder}\{name}.txt", rf"{folder}\copy of {name}"),
        Read(rf"{folder}\copy of {name}", TEXT),
        cmd("del", "/f", "/q", "/a", rf"{folder}\copy of {name}"),
        there(rf"{folder}\copy of {name}", False),
    )


def _kept(data: str) -> tuple[Step, ...]:
    async def look(host: Host) -> Any:
        found = await value_of(host, KEY, "Quoted")
        return found.data if found else None

    return (ask("reg", "add", KEY, "/v", "Quoted", "/d", data, "/f"), Look(look, data))


QUOTING = (
    *(Case(f"a file is called {name!r}", _named(name)) for name in NAMES),
    *(Case(f"an argument is {data!r}", _kept(data)) for data in DATA),
    Case(
        "a name with signs is listed as it is",
        (cmd("mkdir", rf"{HERE}\list\one & 50% (x)"), folders(rf"{HERE}\list", "one & 50% (x)")),
    ),
    Case(
        "exit codes have 32 bits",
        tuple(cmd(f"exit /b {code}", code=code) for code in (0, 1, 255, 256, 1603, 3010, 65536, 2147483647)),
    ),
)
