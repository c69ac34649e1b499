"""The state of a pretend estate, and a draft of changes to it.

A state is three levels of plain dictionaries: (host, kind) -> name -> value. A fork shares the inner ones with its
origin until one of both changes them, so forking costs one copy of the outer dictionary.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

Table = dict[str, Any]
Address = tuple[str, str, str]
"""Host, kind and name of a thing."""


class State:
    """All things of an estate. Only `apply` changes it."""

    __slots__ = ("_owned", "_tables")

    def __init__(self) -> None:
        self._tables: dict[tuple[str, str], Table] = {}
        self._owned: set[tuple[str, str]] = set()

    def fork(self) -> State:
        copy = State()
        copy._tables = dict(self._tables)
        self._owned = set()
        return copy

    def table(self, host: str, kind: str) -> Table:
        """Not to be changed by the caller."""
        return self._tables.get((host, kind), {})

    def apply(self, changes: Iterable[tuple[Address, Any]]) -> None:
        """Put what has a value, remove what is None."""
        for (host, kind, name), value in changes:
            place = (host, kind)
            if place not in self._owned:
                self._tables[place] = dict(self._tables.get(place, {}))
                self._owned.add(place)
            if value is None:
                self._tables[place].pop(name, None)
            else:
                self._tables[place][name] = value

    def everything(self) -> Iterator[tuple[Address, Any]]:
        for (host, kind), table in self._tables.items():
            for name, value in table.items():
                yield (host, kind, name), value

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, State):
            return NotImplemented
        full = {place: table for place, table in self._tables.items() if table}
        return full == {place: table for place, table in other._tables.items() if table}

    __hash__ = None  # type: ignore[assignment]


class Draft:
    """Changes to a state that are seen by whoever made them and by nobody else until they are applied."""

    __slots__ = ("_state", "changes")

    def __init__(self, state: State) -> None:
        self._state = state
        self.changes: dict[Address, Any] = {}

    def get(self, host: str, kind: str, name: str) -> Any:
        address = (host, kind, name)
        if address in self.changes:
            return self.changes[address]
        return self._state.table(host, kind).get(name)

    def put(self, host: str, kind: str, name: str, value: Any) -> None:
        """Putting what is there already is no change."""
        address = (host, kind, name)
        if self._state.table(host, kind).get(name) == value:
            self.changes.pop(address, None)
        else:
            self.changes[address] = value

    def drop(self, host: str, kind: str, name: str) -> None:
        self.put(host, kind, name, None)

    def items(self, host: str, kind: str) -> list[tuple[str, Any]]:
        """Names and values, by name."""
        table = self._state.table(host, kind)
        mine = {name: value for (h, k, name), value in self.changes.items() if h == host and k == kind}
        if mine:
            table = {name: value for name, value in (table | mine).items() if value is not None}
        return sorted(table.items())

    def mark(self) -> dict[Address, Any]:
        """A point to go back to with `back`."""
        return dict(self.changes)

    def back(self, mark: dict[Address, Any]) -> None:
        self.changes = dict(mark)
