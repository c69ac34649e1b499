"""One exported connector space: scanned once into records and a summary; objects are read again by their place."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

from lxml import etree

from handrail.comparing.differences import children, local
from handrail.comparing.partitions import Partitions, Record, key_of
from handrail.comparing.reading import (
    OBJECT,
    Reader,
    blocks,
    broken,
    name_of,
    objects,
    opened,
    parser_options,
    transcoded,
    wide,
)
from handrail.comparing.screening import Screen
from handrail.errors import Place

PENDING = ("pending-import", "unapplied-export", "escrowed-export", "unconfirmed-export")
"""Sections of an object that hold a change which has not gone through yet."""

_START = b"<" + OBJECT.encode()
_END = b"</" + OBJECT.encode() + b">"


@dataclass(frozen=True, slots=True)
class Summary:
    """`types` counts objects by type; `pending` counts changes by section and operation (`unapplied-export delete`)."""

    objects: int = 0
    types: Mapping[str, int] = field(default_factory=dict)
    pending: Mapping[str, int] = field(default_factory=dict)


class _Uneven(Exception):
    """Objects cannot be told apart by their bytes alone (comments, other encodings, unusual end tags)."""


class Export:
    """An export that is being compared. `scan` first; the rest reads single objects again."""

    def __init__(self, path: Path, screen: Screen, folder: Path) -> None:
        self.path = path
        self.root: Any = None
        self.summary = Summary()
        self._screen = screen
        self._folder = folder
        self._source: BinaryIO | None = None
        self._bytes = path
        self._encoding: str | None = None
        self._parser = etree.XMLParser(**parser_options())

    def close(self) -> None:
        if self._source is not None:
            self._source.close()

    def scan(self, into: Partitions) -> Iterator[int]:
        """Read it all. Yields the bytes read so far. BadInput when it is no export."""
        coding = wide(self.path)
        if coding is not None:
            self._bytes = self._folder / f"utf-8-{id(self)}"
            yield from transcoded(self.path, coding, self._bytes)
            self._encoding = "utf-8"
        try:
            yield from self._scan(into, self._by_place())
            self._source = opened(self._bytes)
        except _Uneven:
            into.clear()
            yield from self._scan(into, self._by_writing())

    def text(self, record: Record) -> bytes:
        """The object as it is written."""
        assert self._source is not None
        self._source.seek(record.at)
        return self._source.read(record.length)

    def element(self, record: Record) -> Any:
        try:
            return etree.fromstring(self.text(record), self._parser)
        except etree.XMLSyntaxError as error:
            raise broken(error, str(self.path)) from None

    def place(self, record: Record) -> Place:
        """File and line of an object."""
        if record.line:
            return Place(str(self.path), record.line)
        line, left = 1, record.at
        with opened(self._bytes) as file:
            while left and (block := file.read(min(left, 1 << 20))):
                line += block.count(b"\n")
                left -= len(block)
        return Place(str(self.path), line)

    def _scan(self, into: Partitions, pieces: Iterator[tuple[int, list[tuple[Any, bytes, int, int]]]]) -> Iterator[int]:
        types: dict[str, int] = {}
        pending: Counter[str] = Counter()
        of, add, path = self._screen.of, into.add, self.path
        for read, found in pieces:
            for element, text, at, line in found:
                get = element.get
                add(key_of(get("cs-dn") or name_of(element, path)), *of(text), at, len(text), line)
                kind = get("object-type", "")
                types[kind] = types.get(kind, 0) + 1
                if b"<delta" in text:
                    pending.update(_pending(element))
            yield read
        self.summary = _summary(types, pending)

    def _by_place(self) -> Iterator[tuple[int, list[tuple[Any, bytes, int, int]]]]:
        """Objects with their bytes in the file itself. The parser's objects and those found by their tags go in step:
        in a UTF-8 document without comments, instructions and CDATA, `<` begins a tag and nothing else."""
        reader = Reader(self.path, self._encoding)
        texts: deque[tuple[bytes, int]] = deque()
        rest, begins = b"", 0
        for number, block in enumerate(blocks(self._bytes)):
            seam = rest[-1:] + block
            # Looking for the second characters first is ten times faster: they are rare.
            if (b"!" in seam or b"?" in seam) and _odd(rest + block, first=not number):
                raise _Uneven
            found = reader.feed(block)
            buffer, at = rest + block, 0
            while (end := buffer.find(_END, at)) >= 0:
                end += len(_END)
                # The root's name begins like an object's.
                start = buffer.find(_START, at, end) if begins or at else buffer.rfind(_START, 0, end)
                if start < 0 or buffer[start + len(_START)] not in b" \t\r\n>":
                    raise _Uneven
                texts.append((buffer[start:end], begins + start))
                at = end
            rest, begins = buffer[at:], begins + at
            if found and _unusual(reader.root, self._encoding):
                raise _Uneven
            yield begins, _paired(found, texts)
        yield begins, _paired(reader.close(), texts)
        if texts:
            raise _Uneven
        self._keep(reader)

    def _by_writing(self) -> Iterator[tuple[int, list[tuple[Any, bytes, int, int]]]]:
        """Objects as the parser understood them, written down once more so that they have a place."""
        reader, read = Reader(self.path, self._encoding), 0
        self.close()
        self._source = (self._folder / f"objects-{id(self)}").open("w+b")
        for block in chain(blocks(self._bytes), (None,)):
            read += len(block or b"")
            pairs = []
            for element in reader.feed(block) if block is not None else reader.close():
                text = etree.tostring(element, encoding="utf-8", with_tail=False, xml_declaration=False)
                pairs.append((element, text, self._source.tell(), element.sourceline or 0))
                self._source.write(text)
            yield read, pairs
        self._keep(reader)

    def _keep(self, reader: Reader) -> None:
        """What stands beside the objects, to be compared as well."""
        self.root = reader.root
        for one in self.root.findall("{*}" + OBJECT):
            self.root.remove(one)


def summarise(path: Path) -> Summary:
    """What an export holds, without comparing it. BadInput when it is none."""
    types: Counter[str] = Counter()
    pending: Counter[str] = Counter()
    for element in objects(path):
        types[element.get("object-type", "")] += 1
        pending.update(_pending(element))
    return _summary(types, pending)


def _summary(types: Mapping[str, int], pending: Mapping[str, int]) -> Summary:
    return Summary(sum(types.values()), dict(sorted(types.items())), dict(sorted(pending.items())))


def _paired(found: list[Any], texts: deque[tuple[bytes, int]]) -> list[tuple[Any, bytes, int, int]]:
    """The parser may be behind; it is never ahead."""
    if len(found) > len(texts):
        raise _Uneven
    return [(element, *texts.popleft(), 0) for element in found]


def _unusual(root: Any, encoding: str | None) -> bool:
    coding = (encoding or root.getroottree().docinfo.encoding or "utf-8").lower()
    return coding not in ("utf-8", "ascii", "us-ascii") or any(root.nsmap)


def _odd(text: bytes, first: bool) -> bool:
    """Something else than elements and text, after the declaration that a document may begin with."""
    start = text.find(b"?>") if first and text.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<?xml") else -2
    return b"<!" in text or b"<?" in text[start + 2 :]


def _pending(element: Any) -> Iterator[str]:
    for section in children(element):
        if local(section) in PENDING:
            for delta in children(section):
                if local(delta) == "delta":
                    yield f"{local(section)} {delta.get('operation', 'update')}"
