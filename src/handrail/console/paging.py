"""Long lists, page by page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import urlencode

T = TypeVar("T")

LENGTH = 100


@dataclass(frozen=True, slots=True)
class Paged(Generic[T]):
    """A part of a list. `number` counts from 1; `before` and `behind` are where its neighbours are, empty at an end."""

    shown: tuple[T, ...]
    number: int
    pages: int
    total: int
    before: str
    behind: str


def paged(
    whole: Sequence[T], number: int, at: str, asked: Mapping[str, str] | None = None, length: int = LENGTH
) -> Paged[T]:
    """Page `number` of a list whose pages are at the path `at`, which may end with `#` and a place in them; a number
    that is too large means the last one."""
    pages = max(1, -(-len(whole) // length))
    number = min(max(1, number), pages)
    path, sharp, place = at.partition("#")

    def link(page: int) -> str:
        return f"{path}?{urlencode({**(asked or {}), 'page': page})}{sharp}{place}" if 1 <= page <= pages else ""

    shown = tuple(whole[(number - 1) * length : number * length])
    return Paged(shown, number, pages, len(whole), link(number - 1), link(number + 1))
