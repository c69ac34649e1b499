"""Where lint writes down what it finds."""

from __future__ import annotations

from collections.abc import Iterable

from handrail.documents.read import Keys
from handrail.documents.tree import Tree
from handrail.errors import BadInput, suggestion
from handrail.guides.mistakes import BadExpression


class Notes:
    """Mistakes with their places; the same mistake at the same place is noted once."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self._found: dict[tuple[object, ...], BadInput] = {}

    def add(self, keys: Keys, message: str, advice: str = "", *, at_key: bool = False) -> None:
        keys = self._as_written(keys)
        place = self.tree.key_place(*keys) if at_key else self.tree.place(*keys)
        self._note(BadInput(message, advice, place))

    def inside(self, keys: Keys, error: BadExpression, offset: int = 0) -> None:
        """A mistake inside a text, at the character it is about."""
        place = self.tree.inside(self._as_written(keys), offset + error.offset)
        self._note(BadInput(error.message, error.advice, place))

    def unknown(self, keys: Keys, what: str, name: str, known: Iterable[str]) -> None:
        known = list(known)
        self.add(keys, f"{what} {name!r} is not in this guide.", suggestion(name, known) or "It has none.")

    def sorted(self) -> list[BadInput]:
        return sorted(self._found.values(), key=_position)

    def _note(self, mistake: BadInput) -> None:
        self._found.setdefault((mistake.place, mistake.message), mistake)

    def _as_written(self, keys: Keys) -> Keys:
        """A procedure may be written as its list of steps alone."""
        if len(keys) > 2 and keys[0] == "procedures" and isinstance(self.tree.at(*keys[:2]), list):
            return (*keys[:2], *keys[3:])
        return keys


def _position(mistake: BadInput) -> tuple[str, int, int]:
    place = mistake.place
    return (place.file, place.line or 0, place.column or 0) if place else ("", 0, 0)
