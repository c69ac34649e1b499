"""Values that a plan leaves to its run, filled in with what the journal has of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def references(value: Any) -> Iterator[str]:
    """Every `STEP.output` that a value reads late, at any depth."""
    if isinstance(value, Mapping):
        if set(value) == {"late"} and isinstance(value["late"], str):
            yield value["late"]
        else:
            for one in value.values():
                yield from references(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from references(one)


def fill(values: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """The values with what is known filled in, by reference; the others are left as they are."""
    return {name: _fill(value, known) for name, value in values.items()}


def _fill(value: Any, known: Mapping[str, Any]) -> Any:
    if isinstance(value, Mapping):
        if set(value) == {"late"} and isinstance(value["late"], str):
            return known.get(value["late"], value)
        return {name: _fill(one, known) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_fill(one, known) for one in value]
    return value
