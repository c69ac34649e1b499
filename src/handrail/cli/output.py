"""Where a command's words go: standard output for what was asked, standard error for what went wrong.

A reader that goes away, a full disk or a terminal that cannot show a character never stops a command half-way.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TextIO

# JSON up to this many characters is indented, for people read it too.
INDENTED = 1_000_000

_PLAIN = {"→": "->", "…": "...", "–": "-", "—": "-", "‘": "'", "’": "'", "“": '"', "”": '"', "×": "x", "≥": ">="}

_STEERING = re.compile("[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]")

Redact = Callable[[Any], Any]
"""The same text, or the same lists and mappings of texts, without secrets."""


def _keep(what: Any) -> Any:
    return what


class Output:
    """The two streams of a command. `colour` and `live` say what the terminal is for."""

    def __init__(self, out: TextIO | None, err: TextIO | None, *, colour: bool = False, width: int = 80) -> None:
        self.out = out
        self.err = err
        self.colour = colour
        self.width = width
        self.lost = ""
        self.redact: Redact = _keep
        """Applied to everything that is written; whoever looks secrets up sets it (`secrecy.py`)."""

    @classmethod
    def of_process(cls, environment: Mapping[str, str]) -> Output:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None and hasattr(stream, "reconfigure"):
                with contextlib.suppress(ValueError, OSError):
                    stream.reconfigure(errors="backslashreplace")
        terminal = _is_terminal(sys.stdout)
        colour = terminal and not environment.get("NO_COLOR") and environment.get("TERM") != "dumb"
        width = min(shutil.get_terminal_size((80, 24)).columns, 100) if terminal else 80
        return cls(sys.stdout, sys.stderr, colour=colour, width=max(width, 40))

    @property
    def live(self) -> bool:
        """Whether lines already written may be drawn over."""
        return _is_terminal(self.out) and os.environ.get("TERM") != "dumb"

    def size(self) -> tuple[int, int]:
        """Columns and rows of the terminal as it is now."""
        try:
            columns, rows = os.get_terminal_size(self.out.fileno() if self.out is not None else 1)
        except (OSError, ValueError):
            columns, rows = 0, 0
        return columns or self.width, rows or 24

    def line(self, text: str = "") -> None:
        self.lines((text,))

    def lines(self, lines: Iterable[str]) -> None:
        for text in lines:
            self._write(text + "\n")
            if self.out is None:
                return

    def json(self, document: Any) -> None:
        """One JSON document, and nothing else, on standard output."""
        import json  # late: --help has no need of it

        document = self.redact(document)  # before it becomes text: what is hidden there might end in an escape
        ascii_only = not speaks_unicode(self.out)
        text = json.dumps(document, ensure_ascii=ascii_only)
        if len(text) < INDENTED:
            text = json.dumps(document, ensure_ascii=ascii_only, indent=2)
        self.line(unsteering(text))

    def flush(self) -> None:
        self._write("")

    def complain(self, text: str) -> None:
        """Something went wrong: a line on standard error."""
        if self.err is None:
            return
        try:
            self.flush()
            self.err.write(fitting(self.redact(text), self.err.encoding) + "\n")
            self.err.flush()
        except (OSError, ValueError):
            _let_go(self.err)
            self.err = None

    def finish(self, code: int) -> int:
        """Flush everything; output that was lost for another reason than a reader that went away is a failure."""
        self.flush()
        if self.lost:
            self.complain(f"handrail: Standard output could not be written: {self.lost}.")
        return 1 if self.lost and code == 0 else code

    def _write(self, text: str) -> None:
        if self.out is None:
            return
        try:
            self.out.write(fitting(self.redact(text), self.out.encoding))
            if not text or self.live:
                self.out.flush()
        except BrokenPipeError:
            self._drop()
        except OSError as error:
            self.lost = error.strerror or str(error)
            self._drop()
        except ValueError:  # the stream was closed
            self.out = None

    def _drop(self) -> None:
        if self.out is not None:
            _let_go(self.out)
        self.out = None


def unsteering(text: str) -> str:
    """The same JSON, without a character that could steer a terminal: JSON itself escapes only some of them."""
    return _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def fitting(text: str, encoding: str | None) -> str:
    """`text` as `encoding` can show it: near characters where there are any, otherwise escaped."""
    try:
        text.encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return "".join(_near(character, encoding or "ascii") for character in text)
    return text


def _near(character: str, encoding: str) -> str:
    try:
        character.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        import unicodedata  # late: most terminals can show everything

        plain = _PLAIN.get(character) or unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
        return plain or character.encode("ascii", "backslashreplace").decode()
    return character


def _is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        return False


def speaks_unicode(stream: TextIO | None) -> bool:
    return (getattr(stream, "encoding", "") or "").lower().replace("-", "").replace("_", "") == "utf8"


def _let_go(stream: TextIO) -> None:
    """What is still in its buffer goes nowhere, so that the interpreter's own last flush is quiet."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
