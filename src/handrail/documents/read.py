"""From a tree to a frozen dataclass, with every mistake collected.

Spelling: a field's trailing underscore is dropped in documents (`from_` is `from`). A field that is a tuple takes
a list or one entry alone. Unknown keys are mistakes with a suggestion.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from handrail.documents.tree import Tree
from handrail.errors import BadDocument, BadInput, suggestion

T = TypeVar("T")
Keys = tuple[str | int, ...]
# Rewrites a value before a dataclass is read from it, to allow a shorter spelling.
Shorthand = Callable[[Any], Any]


class Reading:
    """One reading of one tree: where mistakes gather. `read` of a broken value gives `BROKEN` and goes on."""

    def __init__(self, tree: Tree, shorthands: Mapping[type, Shorthand] | None = None) -> None:
        self.tree = tree
        self.shorthands = shorthands or {}
        self.mistakes: list[BadInput] = []

    def mistake(self, keys: Keys, message: str, advice: str = "", *, at_key: bool = False) -> None:
        place = self.tree.key_place(*keys) if at_key else self.tree.place(*keys)
        self.mistakes.append(BadInput(message, advice, place))

    def finish(self) -> None:
        """Raise BadDocument when there were mistakes, in the order of the file."""
        if self.mistakes:
            raise BadDocument(sorted(self.mistakes, key=_position))

    def read(self, kind: Any, data: Any, keys: Keys) -> Any:
        """`data` as a value of the type `kind`, or BROKEN after noting why not."""
        if kind is Any:
            return data
        if isinstance(kind, type) and dataclasses.is_dataclass(kind):
            return self.record(kind, data, keys)
        origin = get_origin(kind)
        if origin in (Union, types.UnionType):
            return self._union(get_args(kind), data, keys)
        if origin is Literal:
            return self._choice(get_args(kind), data, keys)
        if origin is tuple:
            return self._entries(get_args(kind)[0], data, keys)
        if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
            return self._mapping(get_args(kind)[1], data, keys)
        return self._scalar(kind, data, keys)

    def record(self, cls: type[Any], data: Any, keys: Keys, given: Mapping[str, Any] | None = None) -> Any:
        """An instance of `cls`; `given` are fields that stand elsewhere (such as an id that is a mapping's key)."""
        if cls in self.shorthands:
            data = self.shorthands[cls](data)
        if not isinstance(data, Mapping):
            self.mistake(keys, f"{_name(keys)} must be a mapping, not {describe(data)}.", _keys_advice(cls))
            return BROKEN
        fields = {name: field for name, field in fields_of(cls).items() if field.field not in (given or {})}
        values: dict[str, Any] = dict(given or {})
        for key, value in data.items():
            field = fields.get(key)
            if field is None:
                self.unknown_key((*keys, key), key, fields)
                continue
            values[field.field] = self.read(field.kind, value, (*keys, key))
        for name, field in fields.items():
            if field.required and field.field not in values:
                self.mistake(keys, f"{_name(keys)} lacks the key {name!r}.", "Add it.")
                values[field.field] = BROKEN
        if any(value is BROKEN for value in values.values()):
            return BROKEN
        return cls(**values)

    def unknown_key(self, keys: Keys, key: str, known: Sequence[str] | Mapping[str, Any]) -> None:
        self.mistake(keys, f"The key {key!r} is not known here.", suggestion(key, known), at_key=True)

    def _union(self, kinds: tuple[Any, ...], data: Any, keys: Keys) -> Any:
        if data is None and type(None) in kinds:
            return None
        rest = [kind for kind in kinds if kind is not type(None)]
        return self.read(rest[0], data, keys)

    def _choice(self, choices: tuple[Any, ...], data: Any, keys: Keys) -> Any:
        if data in choices and not isinstance(data, bool):
            return data
        shown = ", ".join(str(choice) for choice in choices)
        near = suggestion(data, [str(choice) for choice in choices]) if isinstance(data, str) else ""
        advice = near if near.startswith("Did") else ""
        self.mistake(keys, f"{_name(keys)} must be one of {shown}, not {describe(data)}.", advice)
        return BROKEN

    def _entries(self, kind: Any, data: Any, keys: Keys) -> Any:
        if data is None:
            return ()
        if not isinstance(data, list):
            value = self.read(kind, data, keys)
            return BROKEN if value is BROKEN else (value,)
        values = tuple(self.read(kind, entry, (*keys, number)) for number, entry in enumerate(data))
        return BROKEN if any(value is BROKEN for value in values) else values

    def _mapping(self, kind: Any, data: Any, keys: Keys) -> Any:
        if data is None:
            return {}
        if not isinstance(data, Mapping):
            self.mistake(keys, f"{_name(keys)} must be a mapping, not {describe(data)}.")
            return BROKEN
        values = {key: self.read(kind, value, (*keys, key)) for key, value in data.items()}
        return BROKEN if any(value is BROKEN for value in values.values()) else values

    def _scalar(self, kind: Any, data: Any, keys: Keys) -> Any:
        if kind is str and isinstance(data, str):
            return data
        if kind is bool and isinstance(data, bool):
            return data
        if kind is int and isinstance(data, int) and not isinstance(data, bool):
            return data
        if kind is float and isinstance(data, int | float) and not isinstance(data, bool):
            return float(data)
        advice = ""
        if kind is str and isinstance(data, int | float) and not isinstance(data, bool):
            advice = f'Write it in quotes: "{data}".'
        elif kind is str and isinstance(data, bool):
            advice = "Write it in quotes if it is text."
        elif kind is bool:
            advice = "Write true or false."
        self.mistake(keys, f"{_name(keys)} must be {_WORDS.get(kind, 'something else')}, not {describe(data)}.", advice)
        return BROKEN


class _Broken:
    def __repr__(self) -> str:
        return "BROKEN"


BROKEN: Any = _Broken()
_WORDS: Mapping[Any, str] = {str: "text", bool: "true or false", int: "a whole number", float: "a number"}


@dataclasses.dataclass(frozen=True, slots=True)
class Field:
    field: str
    kind: Any
    required: bool


def fields_of(cls: type[Any]) -> Mapping[str, Field]:
    """The fields of a dataclass by their spelling in documents."""
    hashable: Any = cls  # mypy does not take a type for something that can be hashed
    return _fields_of(hashable)


@cache
def _fields_of(cls: Hashable) -> Mapping[str, Field]:
    assert isinstance(cls, type) and dataclasses.is_dataclass(cls)
    hints = get_type_hints(cls)
    return {
        field.name.rstrip("_"): Field(
            field.name,
            hints[field.name],
            field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING,
        )
        for field in dataclasses.fields(cls)
    }


def read(cls: type[T], tree: Tree, *, shorthands: Mapping[type, Shorthand] | None = None) -> T:
    """The whole tree as an instance of `cls`. BadDocument with every mistake."""
    reading = Reading(tree, shorthands)
    value = reading.record(cls, tree.data, ())
    reading.finish()
    result: T = value
    return result


def describe(data: Any) -> str:
    """A value in words, short enough for a sentence."""
    if data is None:
        return "nothing"
    if isinstance(data, bool):
        return "true" if data else "false"
    if isinstance(data, Mapping):
        return "a mapping"
    if isinstance(data, list | tuple):
        return "a list"
    if isinstance(data, int | float):
        return f"the number {data}"
    text = str(data)
    return f"the text {text[:60] + ('…' if len(text) > 60 else '')!r}"


def _name(keys: Keys) -> str:
    if not keys:
        return "The document"
    last = keys[-1]
    if isinstance(last, int):
        before = [key for key in keys if isinstance(key, str)]
        return f"Entry {last + 1} of {before[-1]!r}" if before else f"Entry {last + 1}"
    return f"{last!r}"


def _keys_advice(cls: type[Any]) -> str:
    required = [name for name, field in fields_of(cls).items() if field.required]
    return f"It has keys such as {', '.join(required)}." if required else ""


def _position(mistake: BadInput) -> tuple[int, int]:
    place = mistake.place
    return (place.line or 0, place.column or 0) if place else (0, 0)
