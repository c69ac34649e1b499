"""Reading an export as a stream: object by object, and one clear error for what is no export.

A document type is refused before anything of it is read: no export has one, and entities that expand into gigabytes
or read other files live there. BadInput carries file and line.
"""

from __future__ import annotations

import re
from codecs import getincrementaldecoder
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lxml import etree

from handrail.comparing.differences import local
from handrail.errors import BadInput, Place

BLOCK = 1 << 16
_ENTITIES = (etree.ErrorTypes.ERR_UNDECLARED_ENTITY, etree.ErrorTypes.WAR_UNDECLARED_ENTITY)
ROOT = "cs-objects"
OBJECT = "cs-object"
_PROLOG = 1 << 20
_BESIDE = 1000
_SKIPPED = re.compile(r"(?:\s+|<\?.*?\?>|<!--.*?-->)*", re.DOTALL)
_FIRST = re.compile(r"<([^\s/>]+)")
_MARKS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig"), (b"<\0", "utf-16-le"))


def parser_options() -> dict[str, Any]:
    """For every parser here: nothing is fetched, nothing expanded."""
    return {"resolve_entities": False, "no_network": True, "load_dtd": False, "remove_comments": True}


def broken(error: etree.XMLSyntaxError, file: str, log: Any = (), at_end: bool = False) -> BadInput:
    """What the parser says, with its line, in our words. `at_end`: it came when there was nothing more to read."""
    line, column = error.position
    entity = next((one for one in log if one.type in _ENTITIES), None)
    if entity is not None:
        at_end, line, column = False, entity.line, entity.column
    text: str = entity.message if entity is not None else error.msg or "it cannot be parsed"
    what = " ".join(text.split(", line ")[0].split())
    message = "It ends in the middle." if at_end else f"It is not well-formed XML: {what.rstrip('.')}."
    return BadInput(message, "Export it again: it was cut off, or changed.", Place(file, line or None, column or None))


def refuse_prolog(path: Path | str, start: bytes, root: str | None = ROOT) -> None:
    """BadInput when a document has a type declaration, or its root is another element."""
    name = str(path)
    if not start.strip():
        raise BadInput("It is empty.", "Export it again.", Place(name))
    coding = next((coding for mark, coding in _MARKS if start.startswith(mark)), "utf-8")
    text = start.decode(coding, "replace")
    skipped = _SKIPPED.match(text)
    at = skipped.end() if skipped else 0
    place = Place(name, text.count("\n", 0, at) + 1)
    if text.startswith("<!DOCTYPE", at):
        raise BadInput(
            "It has a document type, which no export has; it was not read.", "Look where it comes from.", place
        )
    first = _FIRST.match(text, at)
    if first is None:
        raise BadInput("It is no XML export: it begins with something else than an element.", "", place)
    if root is not None and first[1].rpartition(":")[2] != root:
        raise BadInput(f"It is no export: its root is <{first[1]}>, not <{root}>.", "Name the exported file.", place)


def opened(path: Path) -> Any:
    """The file, for reading bytes."""
    try:
        return path.open("rb")
    except FileNotFoundError:
        raise BadInput("It is not there.", "Look at the path.", Place(str(path))) from None
    except OSError as error:
        raise BadInput(f"It cannot be read: {error.strerror}.", "", Place(str(path))) from error


class Reader:
    """Feeds an export to the parser block by block; what was read is forgotten with the next block."""

    def __init__(self, path: Path, encoding: str | None = None) -> None:
        """`encoding` is what the blocks are in, whatever the document says; None: what it says."""
        self._name = str(path)
        self._path = path
        options = parser_options()
        self._parser = etree.XMLPullParser(events=("end",), tag="{*}" + OBJECT, encoding=encoding, **options)
        self._done: list[Any] = []
        self._root: Any = None
        self._begun = False

    @property
    def root(self) -> Any:
        """The root with all that is not an object; None until the first object is read, or the end."""
        return self._root

    def feed(self, block: bytes) -> list[Any]:
        """The objects that end in this block. They last until the next one."""
        if not self._begun:
            refuse_prolog(self._path, block)
            self._begun = True
        try:
            self._parser.feed(block)
        except etree.XMLSyntaxError as error:
            raise broken(error, self._name) from None
        return self._read()

    def close(self) -> list[Any]:
        """The objects that only now are seen to have ended; BadInput when the document has not."""
        if not self._begun:
            refuse_prolog(self._path, b"")
        try:
            root = self._parser.close()
        except etree.XMLSyntaxError as error:
            raise broken(error, self._name, self._parser.feed_error_log, at_end=True) from None
        last = self._read()
        self._root = root if self._root is None else self._root
        return last

    def forget(self) -> None:
        """Let go of the objects that were read, but for the last: the parser still holds on to it."""
        for one in self._done[:-1]:
            self._root.remove(one)
        del self._done[:-1]

    def _read(self) -> list[Any]:
        self.forget()
        found = [element for _, element in self._parser.read_events()]
        if found and self._root is None:
            self._root = found[0].getroottree().getroot()
            if self._root.getroottree().docinfo.internalDTD is not None:
                raise BadInput("It has a document type, which no export has.", "", Place(self._name, 1))
        root = self._root
        for one in found:
            if one.getparent() is not root:
                raise BadInput(f"A <{OBJECT}> stands within another element.", "", Place(self._name, one.sourceline))
        self._done += found
        if root is not None and len(root) - len(self._done) > _BESIDE:
            raise BadInput(f"It is no export: it holds more than <{OBJECT}>s.", "", Place(self._name))
        return found


def blocks(path: Path) -> Iterator[bytes]:
    """The first one is long enough for whatever stands before the root."""
    with opened(path) as file:
        first = file.read(BLOCK)
        while first and b"<" + OBJECT.encode() not in first and len(first) < _PROLOG and (more := file.read(BLOCK)):
            first += more
        if first:
            yield first
        while block := file.read(BLOCK):
            yield block


def wide(path: Path) -> str | None:
    """The encoding of a document in two bytes a character; None for others."""
    with opened(path) as file:
        start: bytes = file.read(4)
    coding = next((coding for mark, coding in _MARKS if start.startswith(mark)), "")
    return coding if coding.startswith("utf-16") else None


def transcoded(path: Path, coding: str, into: Path) -> Iterator[int]:
    """Write the document down in UTF-8, which is parsed faster and can be taken apart by its bytes."""
    decoder = getincrementaldecoder(coding)()
    read = 0
    with opened(path) as file, into.open("wb") as copy:
        block = b"-"
        while block:
            block = file.read(1 << 20)
            read += len(block)
            try:
                copy.write(decoder.decode(block, final=not block).encode())
            except UnicodeError:
                message = "It ends in the middle." if not block else "It is no text in UTF-16."
                raise BadInput(message, "Export it again: it was cut off, or changed.", Place(str(path))) from None
            yield read


def objects(path: Path) -> Iterator[Any]:
    """All objects of an export, one after another; each lasts until the next."""
    reader = Reader(path)
    for block in blocks(path):
        yield from reader.feed(block)
    yield from reader.close()


def name_of(element: Any, path: Path) -> str:
    """An object's distinguished name; what has none goes by its id."""
    found: str | None = element.get("cs-dn") or element.get("id")
    if found is None:
        place = Place(str(path), element.sourceline)
        raise BadInput(f"A <{local(element)}> has neither cs-dn nor id.", "Export it again.", place)
    return found
