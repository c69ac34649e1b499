"""A scenario's `change:`: a path into the estate file -> what stands there instead.

The keys of a path are separated by dots; a key with a dot in it stands in quotes. An installation is named
`component@host`, any entry of a list also by its number from 0. The value `-` takes what is there away; null is the
value null, which for a fact is known absence.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any

from handrail.errors import BadInput, Place, suggestion

REMOVE = "-"
_KEY = re.compile(r"\"([^\"]*)\"|'([^']*)'|([^.\"']+)")
_NAMED = ("hosts", "databases", "accounts", "media", "deployments", "aim")
"""Sections whose entries have names: a path into an entry that is not there is a slip of the pen."""


def changed(data: Any, changes: Mapping[str, tuple[Any, Place]]) -> Any:
    """A copy of an estate file's data with these changes made, in their order. BadInput when a path leads nowhere."""
    data = copy.deepcopy(data)
    for path, (value, place) in changes.items():
        _set(data, _keys(path, place), path, value, place)
    return data


def _keys(path: str, place: Place) -> list[str]:
    keys: list[str] = []
    at = 0
    while True:
        match = _KEY.match(path, at)
        if match is None:
            raise BadInput(f"{path!r} is no path into an estate.", "Write KEY.KEY, keys with dots in quotes.", place)
        keys.append(next(part for part in match.groups() if part is not None))
        at = match.end()
        if at == len(path):
            return keys
        if path[at] != ".":
            raise BadInput(f"{path!r} is no path into an estate.", "Put a dot between keys.", place)
        at += 1


def _set(data: Any, keys: list[str], path: str, value: Any, place: Place) -> None:
    node = data
    for depth, key in enumerate(keys[:-1]):
        node = _step(node, key, keys, depth, place)
    last = keys[-1]
    if isinstance(node, list):
        _set_entry(node, last, path, value, place)
    elif isinstance(node, dict):
        if value != REMOVE:
            node[last] = value
        elif node.pop(last, REMOVE) is REMOVE:
            raise BadInput(f"There is no {path!r} to take away.", suggestion(last, node), place)
    else:
        raise BadInput(f"{path!r} leads into a value that has no keys.", "Shorten the path.", place)


def _step(node: Any, key: str, keys: list[str], depth: int, place: Place) -> Any:
    if isinstance(node, list):
        at = _index(node, key)
        if at is None:
            raise BadInput(f"There is no entry {key!r} in this estate.", suggestion(key, _entries(node)), place)
        return node[at]
    if not isinstance(node, dict):
        raise BadInput(f"{'.'.join(keys)!r} leads into a value that has no keys.", "Shorten the path.", place)
    if depth == 1 and keys[0] in _NAMED and key not in node:
        raise BadInput(f"The estate has no {key!r} under {keys[0]}.", suggestion(key, node), place)
    if node.get(key) is None:
        node[key] = {}
    return node[key]


def _set_entry(node: list[Any], key: str, path: str, value: Any, place: Place) -> None:
    at = _index(node, key)
    if at is not None and value == REMOVE:
        del node[at]
    elif at is not None:
        node[at] = _with_name(key, value)
    elif value == REMOVE:
        raise BadInput(f"There is no {path!r} to take away.", suggestion(key, _entries(node)), place)
    elif "@" in key or key == str(len(node)):
        node.append(_with_name(key, value))
    else:
        raise BadInput(f"There is no entry {key!r} in this estate.", suggestion(key, _entries(node)), place)


def _with_name(key: str, value: Any) -> Any:
    """An installation written under its name need not say it again."""
    component, at, host = key.partition("@")
    return {"component": component, "host": host, **value} if at and isinstance(value, Mapping) else value


def _index(node: list[Any], key: str) -> int | None:
    if key.isdecimal() and len(key) < 10 and int(key) < len(node):
        return int(key)
    return next((n for n, name in enumerate(_entries(node)) if name == key), None)


def _entries(node: list[Any]) -> list[str]:
    return [f"{one.get('component')}@{one.get('host')}" if isinstance(one, Mapping) else str(one) for one in node]
