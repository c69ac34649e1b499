"""The form of evidence.json: one member on each line, each entry of a list on a line of its own.

So it can be written and read as a stream, and anybody can take it apart with the tools of a shell. The last line is the
digest of every byte before it; the line above that names the digest of every byte before *it*, which the HTML names
too, and the digest of the HTML:

    {
    "schema":"handrail/evidence/v1",
    "run":{...},
    "events":[
    {...},
    {...}
    ],
    "html":{"names":"sha256:...","sha256":"..."},
    "digest":"sha256:..."
    }
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import Any, NoReturn

from handrail.errors import BadInput, Place, Tampered

SCHEMA = "handrail/evidence/v1"
LONGEST = 1024 * 1024 * 1024
"""Bytes of a line; only the plan of a large fleet needs many."""

_FIRST = f'{{\n"schema":"{SCHEMA}"'.encode()
_ADVICE = "Do not rely on it; have it written anew from the store, or take it from where it was kept safe."


def canonical(value: Any) -> str:
    """JSON with one spelling only: sorted keys, no spaces, ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


class EvidenceWriter:
    """Makes the bytes of the members, in the order in which they are told, and keeps the digest of what it made.
    `digests`: of each member by its name, so that two writings can be compared."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.digests: dict[str, str] = {}

    @property
    def digest(self) -> str:
        """Of every byte up to now, the end of its line included."""
        told = self._hash.copy()
        told.update(b",\n")
        return f"sha256:{told.hexdigest()}"

    def begin(self) -> bytes:
        return self._made(_FIRST)

    def text(self, name: str, value: str) -> bytes:
        """A member whose value is JSON already."""
        line = value.encode("ascii")
        self.digests[name] = hashlib.sha256(line).hexdigest()
        return self._made(f',\n"{name}":'.encode() + line)

    def one(self, name: str, value: Any) -> bytes:
        return self.text(name, canonical(value))

    def many(self, name: str, values: Iterable[Any]) -> Iterator[bytes]:
        """A list, of which only one entry is in memory at a time."""
        own = hashlib.sha256()
        yield self._made(f',\n"{name}":['.encode())
        comma = b"\n"
        for value in values:
            line = canonical(value).encode("ascii")
            own.update(line + b"\n")
            yield self._made(comma + line)
            comma = b",\n"
        yield self._made(b"\n]")
        self.digests[name] = own.hexdigest()

    def close(self, html: str) -> bytes:
        """The last lines. `html`: the SHA-256 of the HTML that goes with it, in hex."""
        names = canonical({"names": self.digest, "sha256": html})
        above = self._made(f',\n"html":{names}'.encode())
        return above + self._made(f',\n"digest":"{self.digest}"\n}}\n'.encode())

    def _made(self, data: bytes) -> bytes:
        self._hash.update(data)
        return data


class EvidenceReader:
    """Reads what an `EvidenceWriter` wrote, in the same order, and keeps the digest of what it read.

    Tampered when a line is not what it must be there; BadInput when it is no evidence at all."""

    def __init__(self, lines: Iterator[bytes], file: str) -> None:
        self._lines = lines
        self._file = file
        self._number = 0
        self._hash = hashlib.sha256()
        self._before = self._hash  # of what was before the line read last
        self.digests: dict[str, str] = {}
        first = self._line() + self._line()
        if first.rstrip(b",\n") != _FIRST:
            raise BadInput(
                "This is no evidence that `handrail report` wrote.",
                f"Give the folder that it wrote, or the file evidence.json in it ({SCHEMA}).",
                Place(file),
            )

    @property
    def digest(self) -> str:
        """Of every byte read up to now."""
        return f"sha256:{self._hash.hexdigest()}"

    def text(self, name: str) -> str:
        """The JSON of a member on one line."""
        begin = f'"{name}":'.encode()
        line = self._line()
        if not line.startswith(begin) or not line.endswith(b",\n"):
            self._refuse(f"the member {name!r} was to stand here")
        value = line[len(begin) : -2]
        self.digests[name] = hashlib.sha256(value).hexdigest()
        return self._ascii(value)

    def one(self, name: str) -> Any:
        return self._json(self.text(name))

    def many(self, name: str) -> Iterator[Any]:
        """The entries of a list, which must be read to its end before anything else."""
        own = hashlib.sha256()
        if self._line() != f'"{name}":[\n'.encode():
            self._refuse(f"the list {name!r} was to stand here")
        last = False
        while (line := self._line()) != b"],\n":
            if not line or last:
                self._refuse(f"the list {name!r} does not end")
            last = not line.endswith(b",\n")
            value = line.rstrip(b",\n")
            own.update(value + b"\n")
            yield self._json(self._ascii(value))
        self.digests[name] = own.hexdigest()

    def close(self) -> tuple[str, str]:
        """The digest that the HTML names, and the SHA-256 of the HTML, after both digests were checked."""
        names = self.digest
        html = self.one("html")
        before = self.digest
        line, end, rest = self._line(), self._line(), self._line()
        if (line, end, rest) != (f'"digest":"{before}"\n'.encode(), b"}\n", b""):
            raise Tampered(
                "The digest at its end is not that of what stands above: it was changed after it was written.", _ADVICE
            )
        if not isinstance(html, dict) or set(html) != {"names", "sha256"} or html["names"] != names:
            raise Tampered("What it says of its HTML does not fit what stands above.", _ADVICE)
        return names, str(html["sha256"])

    def skim(self) -> None:
        """Read on to the end without understanding anything."""
        while self._line():
            pass

    def _line(self) -> bytes:
        line = next(self._lines, b"")
        self._number += bool(line)
        self._hash.update(line)
        return line

    def _ascii(self, value: bytes) -> str:
        try:
            return value.decode("ascii")
        except UnicodeDecodeError:
            self._refuse("a character stands here that was never written")

    def _json(self, text: str) -> Any:
        try:
            return json.loads(text, parse_constant=_no_number)
        except (ValueError, RecursionError):
            self._refuse("this is no JSON")

    def _refuse(self, because: str) -> NoReturn:
        raise Tampered(f"It is not as it was written: {because}.", _ADVICE, Place(self._file, self._number))


def _no_number(name: str) -> NoReturn:
    raise ValueError(name)
