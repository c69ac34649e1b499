"""Pages as Markdown (CommonMark with tables)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from handrail.reporting.page import Block, Code, Heading, Item, Items, Paragraph, Rows, Table
from handrail.reporting.text import harmless

_SPECIAL = re.compile(r"(<https?://[^\s<>|`]+>)|([\\`*_<>\[\]|])")
_NUMBER = re.compile(r"\d+\.$")
_BEGINS_BLOCK = re.compile(r"^(\s*)([#+-]|\d+[.)])(?=\s|$)")


def escape(text: str) -> str:
    """Text as text: what an estate or a guide says never becomes markup of ours, nor steers what shows it.

    Pieces between backquotes are kept as code, for that is how guides and pages mark what is to be typed.
    """
    text = harmless(text)
    pieces = text.split("`")
    if len(pieces) % 2 == 0:
        return _plain(text)
    shown = [piece if index % 2 else _plain(piece) for index, piece in enumerate(pieces)]
    return "`".join(shown)


def _plain(text: str) -> str:
    """Every special character escaped; addresses in angle brackets stay links."""
    return _SPECIAL.sub(lambda match: match[1] or "\\" + match[2], text)


def render(blocks: Iterable[Block]) -> Iterator[str]:
    """The lines of a page, without line ends."""
    first = True
    for block in blocks:
        if not first:
            yield ""
        yield from _block(block, "")
        first = False


def _block(block: Block, indent: str) -> Iterator[str]:
    match block:
        case Heading(text, level):
            yield f"{indent}{'#' * level} {_flat(text)}"
        case Paragraph(text, _):
            for line in text.splitlines():
                yield indent + _BEGINS_BLOCK.sub(r"\1\\\2", escape(line))
        case Rows(rows):
            for name, value in rows:
                if value:
                    yield f"{indent}- **{_flat(name)}:** {_flat(value)}"
        case Code(lines):
            fence = "`" * max(3, 1 + max((len(run) for line in lines for run in re.findall("`+", line)), default=0))
            yield f"{indent}{fence}text"
            for line in lines:
                yield f"{indent}{harmless(line)}"
            yield f"{indent}{fence}"
        case Items(items):
            for item in items:
                yield from _item(item, indent)
                if item.inside and item is not items[-1]:
                    yield ""
        case Table(head, table):
            yield f"{indent}| {' | '.join(_flat(cell) for cell in head)} |"
            yield f"{indent}|{'---|' * len(head)}"
            for row in table:
                yield f"{indent}| {' | '.join(_flat(cell) for cell in row)} |"


def _item(item: Item, indent: str) -> Iterator[str]:
    numbered = _NUMBER.match(item.mark)
    mark = item.mark if numbered else "-"
    label = "" if numbered or item.mark in ("-", "") else f"**{escape(item.mark)}** "
    inner = indent + " " * (len(mark) + 1)
    lines = item.text.splitlines() or [""]
    yield f"{indent}{mark} {label}{escape(lines[0])}"
    for line in lines[1:]:
        yield inner + escape(line)
    for block in item.inside:
        yield ""
        yield from _block(block, inner)


def _flat(text: str) -> str:
    return escape(" ".join(text.split()))
