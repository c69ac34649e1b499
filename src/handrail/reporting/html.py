"""Pages as HTML: a fragment of semantic elements and classes, for the console and for documents that stand alone.

What an estate, a guide or a host says stays text: it is escaped, control characters are shown as what they are, and
there is neither an inline style nor a script, so that the strictest content security policy can stand over it.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator

from handrail.reporting.page import Block, Code, Heading, Item, Items, Paragraph, Rows, Table
from handrail.reporting.text import harmless

_ADDRESS = re.compile(r"<(https?://[^\s<>|`\"']+)>")
_NUMBER = re.compile(r"(\d{1,9})\.$")
_DEEPEST = 6
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def render(blocks: Iterable[Block], *, deeper: int = 0) -> Iterator[str]:
    """The lines of a page, without line ends. `deeper`: levels that its headings move down, for a page in a page."""
    for block in blocks:
        yield from _block(block, deeper)


def escape(text: str) -> str:
    """Text for an element or an attribute: no markup, and no character that steers what shows it."""
    return html.escape(harmless(text))


def inline(text: str) -> str:
    """Text on one or several lines: what stands between backquotes is code, an address in angle brackets a link."""
    return "<br>".join(_line(line) for line in text.splitlines())


def document(title: str, style: str, body: Iterable[str], *, head: Iterable[str] = ()) -> Iterator[str]:
    """The lines of a whole document that needs nothing else. `style` is our own and has no `</style` in it; `head`:
    more lines for its head. Its policy lets it fetch nothing and run nothing, whatever got into it."""
    yield '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield '<meta name="referrer" content="no-referrer">'
    yield from head
    yield f"<title>{escape(title)}</title>\n<style>{style}</style>\n</head>\n<body>"
    yield from body
    yield "</body>\n</html>"


def _line(line: str) -> str:
    pieces = line.split("`")
    if len(pieces) % 2 == 0:
        return _linked(line)
    return "".join(
        f"<code>{escape(piece)}</code>" if at % 2 and piece else _linked(piece) for at, piece in enumerate(pieces)
    )


def _linked(text: str) -> str:
    pieces = _ADDRESS.split(text)
    return "".join(
        f'<a href="{escape(piece)}" rel="noreferrer">{escape(piece)}</a>' if at % 2 else escape(piece)
        for at, piece in enumerate(pieces)
    )


def _block(block: Block, deeper: int) -> Iterator[str]:
    match block:
        case Heading(text, level):
            name = f"h{min(max(level + deeper, 1), _DEEPEST)}"
            yield f"<{name}>{inline(text)}</{name}>"
        case Paragraph(text, tone):
            kind = "" if tone == "plain" else f' class="{tone}"'
            yield f"<p{kind}>{inline(text)}</p>"
        case Rows(rows):
            yield from _rows(rows)
        case Code(lines):
            yield "<pre><code>" + "\n".join(escape(line) for line in lines) + "</code></pre>"
        case Items(items):
            yield from _items(items, deeper)
        case Table(head, table):
            yield from _table(head, table)


def _rows(rows: tuple[tuple[str, str], ...]) -> Iterator[str]:
    filled = [(name, value) for name, value in rows if value]
    if filled:
        yield '<dl class="rows">'
        yield from (f"<div><dt>{escape(name)}</dt><dd>{inline(value)}</dd></div>" for name, value in filled)
        yield "</dl>"


def _items(items: tuple[Item, ...], deeper: int) -> Iterator[str]:
    """Numbers make an ordered list, dashes a plain one, any other mark a list whose entries begin with it."""
    if not items:
        return
    numbered = all(_NUMBER.match(item.mark) for item in items)
    marked = not numbered and any(item.mark not in ("", "-") for item in items)
    name = "ol" if numbered else "ul"
    yield '<ul class="marked">' if marked else f"<{name}>"
    for item in items:
        number = _NUMBER.match(item.mark) if numbered else None
        mark = f'<b class="mark {item.tone}">{escape(item.mark)}</b> ' if marked and item.mark not in ("", "-") else ""
        value = f' value="{int(number[1])}"' if number else ""
        yield f"<li{value}>{mark}{inline(item.text)}"
        for block in item.inside:
            yield from _block(block, deeper)
        yield "</li>"
    yield f"</{name}>"


def _table(head: tuple[str, ...], rows: tuple[tuple[str, ...], ...]) -> Iterator[str]:
    """A table scrolls in its own box, which the keyboard reaches."""
    named = escape(f"Table of {', '.join(cell for cell in head if cell)}")
    yield f'<div class="wide" role="region" tabindex="0" aria-label="{named}"><table>'
    yield "<thead><tr>" + "".join(f'<th scope="col">{inline(cell)}</th>' for cell in head) + "</tr></thead>\n<tbody>"
    for first, *others in rows:
        cells = "".join(f"<td>{inline(cell)}</td>" for cell in others)
        yield f'<tr><th scope="row">{inline(first)}</th>{cells}</tr>'
    yield "</tbody></table></div>"
