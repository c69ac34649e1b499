"""Pages as text for a terminal: wrapped to a width, colour only where it is asked for."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator

from handrail.reporting.page import Block, Code, Heading, Item, Items, Paragraph, Rows, Table, Tone

WIDTH = 80
NARROWEST = 24

_COMMAND = re.compile(r"`[^`]+`")
_GLUE = "\0"  # stands for a space that must not be broken at; `harmless` leaves none in any text

_CODES: dict[Tone, str] = {
    "plain": "",
    "strong": "\x1b[1m",
    "quiet": "\x1b[2m",
    "good": "\x1b[32m",
    "warn": "\x1b[33m",
    "bad": "\x1b[1;31m",
}


def paint(text: str, tone: Tone, colour: bool) -> str:
    code = _CODES[tone] if colour and text else ""
    return f"{code}{text}\x1b[0m" if code else text


def harmless(text: str) -> str:
    """`text` without control characters: a name in a file must not be able to steer a terminal."""
    return "".join(" " if one in "\t\n\r" else one if one.isprintable() else _escaped(one) for one in text)


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def render(blocks: Iterable[Block], *, width: int = WIDTH, colour: bool = False) -> Iterator[str]:
    """The lines of a page, without line ends."""
    first = True
    for block in blocks:
        if isinstance(block, Heading) and not first:
            yield ""
        yield from _block(block, "", max(width, NARROWEST), colour)
        first = False


def wrapped(text: str, indent: str, width: int) -> Iterator[str]:
    """Paths, ids and what stands between backquotes stay whole: a command that has to be copied is worth more than an
    even edge."""
    for paragraph in text.splitlines() or [""]:
        glued = _COMMAND.sub(lambda match: match[0].replace(" ", _GLUE), harmless(paragraph))
        lines = textwrap.wrap(
            glued,
            max(width, len(indent) + NARROWEST),
            initial_indent=indent,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
        yield from (line.replace(_GLUE, " ") for line in lines or [""])


def _block(block: Block, indent: str, width: int, colour: bool) -> Iterator[str]:
    match block:
        case Heading(text, _):
            for line in wrapped(text, indent, width):
                yield paint(line, "strong", colour)
        case Paragraph(text, tone):
            for line in wrapped(text, indent, width):
                yield paint(line, tone, colour)
        case Rows(rows):
            yield from _rows(rows, indent, width, colour)
        case Code(lines):
            for line in lines:
                yield f"{indent}  {harmless(line)}"
        case Items(items):
            yield from _items(items, indent, width, colour)
        case Table(head, table):
            yield from _table(head, table, indent, width, colour)


def _rows(rows: tuple[tuple[str, str], ...], indent: str, width: int, colour: bool) -> Iterator[str]:
    filled = [(harmless(name), value) for name, value in rows if value]
    column = max((len(name) for name, _ in filled), default=0) + 2
    for name, value in filled:
        lines = list(wrapped(value, indent + " " * column, width))
        yield indent + paint(name, "quiet", colour) + lines[0][len(indent) + len(name) :]
        yield from lines[1:]


def _items(items: tuple[Item, ...], indent: str, width: int, colour: bool) -> Iterator[str]:
    marks = [harmless(item.mark) for item in items]
    column = max(map(len, marks), default=0)
    inner = indent + " " * (column + 2)
    for item, mark in zip(items, marks, strict=True):
        mark = mark.rjust(column) if mark[:1].isdigit() else mark.ljust(column)
        lines = list(wrapped(item.text, inner, width))
        yield indent + paint(mark, item.tone, colour) + lines[0][len(indent) + column :]
        yield from lines[1:]
        for block in item.inside:
            yield from _block(block, inner, width, colour)


def _table(
    head: tuple[str, ...], rows: tuple[tuple[str, ...], ...], indent: str, width: int, colour: bool
) -> Iterator[str]:
    head, *cells = [tuple(harmless(cell) for cell in row) for row in (head, *rows)]
    widths = [max(len(row[column]) for row in (head, *cells)) for column in range(len(head))]
    start = len(indent) + sum(widths[:-1]) + 2 * (len(widths) - 1)
    yield indent + paint(_line(head, widths), "quiet", colour)
    for row in cells:
        last = list(wrapped(row[-1], " " * start, max(width, start + NARROWEST)))
        yield indent + _line((*row[:-1], last[0].strip()), widths)
        yield from last[1:]


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    return "  ".join(cell.ljust(size) for cell, size in zip(row, widths, strict=True)).rstrip()
