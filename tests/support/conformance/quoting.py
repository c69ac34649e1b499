"""Every sign that Windows, cmd.exe or a road there might act upon, through all layers and back; and exit codes."""

from __future__ import annotations

from tests.support.conformance.case import Ask, Case, Read, Step, Together, Write, ask, cmd
from tests.support.conformance.files import HERE, TEXT, folders
from tests.support.conformance.registry import KEY, REMOVED

from handrail.probing.reg_text import values_in

_CARET = "its cmd.exe leaves the caret by which a percent sign is told to be text"
_OEM = "its programs print signs that the console's code page lacks as question marks"

NAMES = {
    "with blanks  and, commas; equals=signs": None,
    "this & that&others": None,
    "carets ^ and ^^ (it's) in brackets": None,
    "Grüße, € and 漢字": None,
    "!~ # @ $ [square] {curly} +plus": None,
    "-dash first": None,
    "100% sure": _CARET,
    "%PATH%": _CARET,
}
"""Names of files -> why they cannot be asked for on Wine."""

DATA = {
    "Quoted": 'says "yes"',
    "All": '"all of it"',
    "Odd": 'an odd " one',
    "Folder": "C:\\folder with blanks\\",
    "Backslash": 'backslash \\" quotation & more',
    "Signs": "| > < (x) & (y) a^b^^c",
    "Unix": "$(whoami) `id` $HOME ${PATH} 'quoted'",
    "Share": "\\\\server\\share\\",
    "Umlauts": "Grüße aus Köln",
}


def _named(name: str) -> tuple[Step, ...]:
    """A file in a folder of that name, made, copied and read back."""
    folder = rf"{HERE}\{name}"
    return (
        cmd("mkdir", folder),
        Write(rf"{folder}\{name}.txt", TEXT),
        cmd("copy", "/y", rf"{folder}\{name}.txt", rf"{folder}\copy of {name}"),
        Read(rf"{folder}\copy of {name}", TEXT),
    )


def _set(name: str, data: str) -> Ask:
    return ask("reg", "add", KEY, "/v", name, "/d", data, "/f")


def _kept(data: dict[str, str]) -> tuple[Step, ...]:
    return (
        Together(tuple(_set(name, one) for name, one in data.items())),
        ask("reg", "query", KEY, reads=_data, gives=data),
        ask("reg", "delete", KEY, "/f"),
    )


def _data(text: str) -> dict[str, str]:
    return {one.name: one.data for one in values_in(text)}


QUOTING = (
    *(Case(f"a file is called {name!r}", _named(name), not_on_wine=why, road=True) for name, why in NAMES.items()),
    Case("arguments arrive as they are, whatever signs are in them", (REMOVED, *_kept(DATA)), road=True),
    Case(
        "nothing between percent signs is filled in",
        (REMOVED, *_kept({"Variable": "%SystemRoot% & more", "Percents": "50% | 60% > 70%"})),
        not_on_wine=_CARET,
        road=True,
    ),
    Case(
        "what is printed is read in any script",
        (REMOVED, *_kept({"Script": "漢字 и Ελλάδα"})),
        not_on_wine=_OEM,
        road=True,
    ),
    Case(
        "a name with signs is listed as it is",
        (cmd("mkdir", rf"{HERE}\list\one & (x)^"), folders(rf"{HERE}\list", "one & (x)^")),
        road=True,
    ),
    Case(
        "exit codes arrive",
        tuple(cmd(f"exit /b {code}", code=code) for code in (0, 1603, 3010)),
        road=True,
    ),
    Case(
        "exit codes have 32 bits",
        tuple(cmd(f"exit /b {code}", code=code) for code in (256, 65536, 2147483647)),
        road=True,
        bits=32,
    ),
)
