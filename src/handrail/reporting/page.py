"""A page: what is to be shown, before it is decided how.

Pages are built once from plain data and rendered as text (`text.py`) or Markdown (`markdown.py`). They are iterators
of blocks, so that a plan of a hundred thousand steps is never held as one document.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Tone = Literal["plain", "strong", "quiet", "good", "warn", "bad"]


@dataclass(frozen=True, slots=True)
class Heading:
    """`level` counts from 1, the title of the page."""

    text: str
    level: int = 2


@dataclass(frozen=True, slots=True)
class Paragraph:
    text: str
    tone: Tone = "plain"


@dataclass(frozen=True, slots=True)
class Rows:
    """Names with what belongs to them, one below the other; rows with an empty value are left out."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Code:
    """Lines to be typed or copied: shown exactly, never wrapped."""

    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of a list. `mark` stands before it: a number, a level or a dash."""

    text: str
    mark: str = "-"
    tone: Tone = "plain"
    inside: tuple[Block, ...] = ()


@dataclass(frozen=True, slots=True)
class Items:
    """Entries that belong together; their texts begin in the same column."""

    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """The last column takes what room is left."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


Block = Heading | Paragraph | Rows | Code | Items | Table
Page = Iterator[Block]
