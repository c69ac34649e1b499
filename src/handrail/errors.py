"""Every error that a user can meet.

HandrailError                    one clear sentence, and what to do
├── BadInput                     exit 2: a file, a value or an option is wrong
│   ├── BadDocument              ... and we know the file, line and column
│   ├── UnknownName              a name that nothing has; suggests the nearest
│   └── Tampered                 a plan or journal that does not match its digest
├── Blocked                      exit 3: findings forbid it
├── StoreError                   exit 2: the store cannot be used
│   ├── StoreLocked              another process is using this run or store
│   ├── StoreNewer               written by a newer Handrail
│   ├── StoreUnwritable          full, read-only or not to be made
│   └── StoreUnreachable         it does not answer; whether the last commit was made is unknown
├── CannotOpen                   exit 1: what was sealed does not open: damaged, or sealed for others
└── HostError                    exit 1: a host could not be used
    ├── HostUnreachable
    ├── FileMissing              a file that had to be there is not
    └── NotRehearsed             the twin does not know this command; it was not carried out

Anything else that escapes is a fault of ours; the command line says so in one sentence and where the details are.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a file something stands; line and column count from 1."""

    file: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        return ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)


class HandrailError(Exception):
    """One clear sentence (`message`), what to do about it (`advice`) and, where there is a file, the place."""

    exit_code = 1

    def __init__(self, message: str, advice: str = "", place: Place | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice
        self.place = place

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place else ""
        return f"{where}{self.message}" + (f" {self.advice}" if self.advice else "")


class BadInput(HandrailError):
    exit_code = 2


class BadDocument(BadInput):
    """One or more mistakes in one document; each mistake is a BadInput with its own place."""

    def __init__(self, mistakes: Iterable[BadInput]) -> None:
        self.mistakes = tuple(mistakes)
        first = self.mistakes[0]
        super().__init__(first.message, first.advice, first.place)

    def __str__(self) -> str:
        return "\n".join(str(mistake) for mistake in self.mistakes)


class UnknownName(BadInput):
    """`name` is none of `known`."""

    def __init__(self, what: str, name: str, known: Iterable[str], place: Place | None = None) -> None:
        super().__init__(f"{what[:1].upper()}{what[1:]} {name!r} is not known.", suggestion(name, known), place)


class Tampered(BadInput):
    pass


class Blocked(HandrailError):
    exit_code = 3


class StoreError(HandrailError):
    exit_code = 2


class StoreLocked(StoreError):
    pass


class StoreNewer(StoreError):
    pass


class StoreUnwritable(StoreError):
    pass


class StoreUnreachable(StoreError):
    pass


class CannotOpen(HandrailError):
    pass


class HostError(HandrailError):
    pass


class HostUnreachable(HostError):
    pass


class FileMissing(HostError):
    pass


class NotRehearsed(HostError):
    pass


def suggestion(name: str, known: Iterable[str], limit: int = 12) -> str:
    """'Did you mean ...?' when something is near, otherwise the list of what there is."""
    names = sorted({str(one) for one in known})
    near = get_close_matches(str(name), names, n=1, cutoff=0.6)
    if near:
        return f"Did you mean {near[0]!r}?"
    if not names:
        return ""
    return "Known: " + ", ".join(names[:limit]) + (", …" if len(names) > limit else "") + "."
