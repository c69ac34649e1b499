"""Where what came out is not what a scenario expects."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from handrail.documents.read import Keys
from handrail.documents.tree import Tree
from handrail.errors import Place


@dataclass(frozen=True, slots=True)
class Difference:
    """One sentence (or two), and the place in the scenario that expects otherwise."""

    message: str
    place: Place | None = None


Found = Iterator[tuple[Keys, str]]
"""What a judge yields: the keys of the expectation, and what is otherwise."""


def placed(found: Found, tree: Tree) -> list[Difference]:
    return [Difference(message, tree.place(*keys)) for keys, message in found]


def shown(value: Any) -> str:
    """A value within a sentence."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(shown(one) for one in value) + "]"
    return str(value)


def holds_text(text: str, part: str) -> bool:
    """Whether `part` stands in `text`, however both are wrapped."""
    return " ".join(part.split()) in " ".join(text.split())


def short(text: str, limit: int = 160) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"
