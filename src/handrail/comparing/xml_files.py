"""XML configuration files: read safely, and printed so that whatever was not changed stays as it was.

Encoding, byte order mark, declaration and line ends are kept. A document type is refused: no configuration needs one,
and entities that expand into gigabytes or read other files live there.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import Any

from lxml import etree

from handrail.errors import BadInput, Place

LARGEST = 16 * 1024 * 1024
"""Bytes. A configuration file is some kilobytes; what is longer is something else."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DECLARATION = re.compile(r"\s*<\?xml\s[^>]*?\?>[ \t\r\n]*")
_ENCODING = re.compile(r"encoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"']")
_EMPTY = re.compile(r"(<!--.*?-->|<\?.*?\?>|<!\[CDATA\[.*?\]\]>)|/>", re.DOTALL)
_END = re.compile(r"\s*\Z")


@dataclass(frozen=True, slots=True)
class Form:
    """How a file is written, apart from what it says."""

    mark: bytes
    coding: str
    declaration: str
    line_end: str
    tail: str
    spaced: bool
    """Whether empty elements end with ` />` rather than `/>`."""


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed file. `root` is an element of lxml; whoever changes it works on a copy."""

    name: str
    root: Any
    form: Form


def parse(data: bytes, name: str, largest: int = LARGEST) -> Document:
    """BadInput, with the line, for what is no well-formed XML, too long, or has a document type."""
    if len(data) > largest:
        raise BadInput(
            f"{name} is {len(data):,} bytes long; no configuration file is.", "Look what it is.", Place(name)
        )
    text, mark, coding = _decoded(data, name)
    if not text.strip():
        raise BadInput("It is empty.", "Look whether it was written to its end.", Place(name))
    found = _DECLARATION.match(text)
    declaration = found[0] if found else ""
    body = text[len(declaration) :]
    if re.match(r"(?:\s|<!--.*?-->|<\?.*?\?>)*<!DOCTYPE", body, re.DOTALL):
        raise BadInput("It has a document type, which no configuration needs; it was not read.", "", Place(name))
    huge = largest > LARGEST
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, strip_cdata=False, huge_tree=huge)
    try:
        # Parsed without its declaration, so that its encoding cannot disagree with how it was decoded.
        root = etree.fromstring(body.encode("utf-8"), parser)
    except etree.XMLSyntaxError as error:
        line, column = error.position
        what = (error.msg or "it cannot be parsed").split(", line ")[0]
        at = Place(name, line + declaration.count("\n"), column)
        raise BadInput(f"It is not well-formed XML: {what}.", "Mend it, or take it out of the plan.", at) from None
    end = _END.search(text)
    line_end = "\r\n" if "\r\n" in text else "\n"
    spaced = text.count(" />") * 2 >= text.count("/>")
    return Document(name, root, Form(mark, coding, declaration, line_end, end[0] if end else "", spaced))


def _decoded(data: bytes, name: str) -> tuple[str, bytes, str]:
    for mark, coding in _MARKS:
        if data.startswith(mark):
            return _text(data[len(mark) :], coding, name), mark, coding
    if data[:2] == b"<\0":
        return _text(data, "utf-16-le", name), b"", "utf-16-le"
    found = _ENCODING.search(data[:200].decode("latin-1"))
    coding = "utf-8"
    if found:
        try:
            coding = codecs.lookup(found[1]).name
        except LookupError:
            raise BadInput(f"It says that it is written in {found[1]}, which is unknown.", "", Place(name, 1)) from None
        if coding.startswith("utf-16"):
            coding = "utf-8"  # it could not have been read this far
    return _text(data, coding, name), b"", coding


def _text(data: bytes, coding: str, name: str) -> str:
    try:
        return data.decode(coding)
    except UnicodeDecodeError as error:
        raise BadInput(f"It is not written in {coding}: byte {error.start} is none of it.", "", Place(name)) from None


def printed(root: Any, form: Form) -> bytes:
    """The document as bytes, in that form."""
    text: str = etree.tostring(root.getroottree(), encoding="unicode").strip()
    if form.spaced:
        text = _EMPTY.sub(lambda found: found[1] or " />", text)
    text = text.replace("\r\n", "\n").replace("\n", form.line_end)
    whole = form.declaration + text + form.tail
    try:
        return form.mark + whole.encode(form.coding)
    except UnicodeEncodeError:
        # The old encoding has no such character; XML can write any as a number.
        return form.mark + whole.encode(form.coding, "xmlcharrefreplace")
