"""A guide in several files: `parts: [procedures.yaml, ...]` in its main file.

A part holds sections of the guide without its name. Mappings are put together, lists follow each other in the order of
the parts, the main file first; what stands twice is a mistake. Every place still names the file where it is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from handrail.documents.read import Keys
from handrail.documents.tree import Tree, load
from handrail.errors import BadDocument, BadInput, Place

PARTS = "parts"


@dataclass(frozen=True)
class GatheredTree(Tree):
    """The data of all files as one; `files` are their trees, the main one first."""

    files: tuple[Tree, ...] = field(default=())

    def place(self, *keys: str | int) -> Place:
        tree, inner = self._home(keys)
        return tree.place(*inner)

    def key_place(self, *keys: str | int) -> Place:
        tree, inner = self._home(keys)
        return tree.key_place(*inner)

    def inside(self, keys: Keys, offset: int) -> Place:
        tree, inner = self._home(keys)
        return tree.inside(inner, offset)

    def _home(self, keys: Keys) -> tuple[Tree, Keys]:
        """The file in which the value at `keys` is written, and its keys there."""
        if not keys:
            return self.files[0], keys
        holding = [tree for tree in self.files if keys[0] in tree.data]
        if len(keys) > 1:
            passed = 0
            for tree in holding:
                section = tree.data[keys[0]]
                if isinstance(section, Mapping) and keys[1] in section:
                    return tree, keys
                if isinstance(section, list) and isinstance(keys[1], int):
                    if keys[1] < passed + len(section):
                        return tree, (keys[0], keys[1] - passed, *keys[2:])
                    passed += len(section)
        return (holding or [*self.files])[0], keys


def load_guide(path: Path) -> Tree:
    """The tree of a guide, with its parts. BadInput or BadDocument, with the place, when a file cannot be taken."""
    main = load(path, "The guide")
    if not isinstance(main.data, Mapping) or PARTS not in main.data:
        return main
    named = main.data[PARTS]
    if not isinstance(named, list) or not all(isinstance(one, str) and one for one in named):
        raise BadInput(
            "'parts' must be a list of file names.", "For example `parts: [procedures.yaml]`.", main.place(PARTS)
        )
    rest = {key: value for key, value in main.data.items() if key != PARTS}
    files = [replace(main, data=rest, given_marks=_marks(main, rest))]
    for number, name in enumerate(named):
        where = main.place(PARTS, number)
        if Path(name).name != name or named.index(name) != number:
            raise BadInput(f"{name!r} cannot be a part.", "Name files beside the guide, each once.", where)
        part = load(path.parent / name, "The part of the guide")
        if not isinstance(part.data, Mapping):
            raise BadInput("A part of a guide is a mapping of its sections.", "", part.place())
        files.append(part)
    return GatheredTree(_gathered(files), main.file, "\n".join(one.text for one in files), files=tuple(files))


def _marks(main: Tree, rest: Mapping[str, Any]) -> Any:
    """The root without `parts` is a new mapping: it takes over the marks of the old one."""
    if main.given_marks is None:
        return None
    return {**main.given_marks, id(rest): main.given_marks.get(id(main.data), {})}


def _gathered(files: list[Tree]) -> dict[str, Any]:
    whole: dict[str, Any] = {}
    mistakes: list[BadInput] = []
    for tree in files:
        for key, value in tree.data.items():
            if key not in whole:
                whole[key] = (
                    dict(value) if isinstance(value, Mapping) else [*value] if isinstance(value, list) else value
                )
            elif isinstance(whole[key], dict) and isinstance(value, Mapping):
                for name in value:
                    if name in whole[key]:
                        message = f"{name!r} stands in another part of the guide too, under {key!r}."
                        mistakes.append(BadInput(message, "Keep one of the two.", tree.key_place(key, name)))
                whole[key] |= value
            elif isinstance(whole[key], list) and isinstance(value, list):
                whole[key] += value
            else:
                message = f"{key!r} stands in another part of the guide too."
                mistakes.append(BadInput(message, "Keep it in one file.", tree.key_place(key)))
    if mistakes:
        raise BadDocument(mistakes)
    return whole
