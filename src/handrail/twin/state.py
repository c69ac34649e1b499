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

    def changes_from(self, earlier: State) -> list[tuple[Address, Any]]:
        """What has to be applied to `earlier` to make it equal to this one. Costs as much as there is different between
        two forks."""
        changed: list[tuple[Address, Any]] = []
        for host, kind in dict.fromkeys((*self._tables, *earlier._tables)):
            new, old = self.table(host, kind), earlier.table(host, kind)
            if new is old:
                continue
            for name, value in new.items():
                before = old.get(name)
                if before is not value and before != value:
                    changed.append(((host, kind, name), value))
            changed += [((host, kind, name), None) for name in old if name not in new]
        return changed

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
    """Changes to a state that are seen by whoever made them and by nobody else until they are applied. None stands for
    what is to be removed."""

    __slots__ = ("_changes", "_state")

    def __init__(self, state: State) -> None:
        self._state = state
        self._changes: dict[tuple[str, str], Table] = {}

    def get(self, host: str, kind: str, name: str) -> Any:
        mine = self._changes.get((host, kind))
        if mine is not None and name in mine:
            return mine[name]
        return self._state.table(host, kind).get(name)

    def put(self, host: str, kind: str, name: str, value: Any) -> None:
        """Putting what is there already is no change."""
        if self._state.table(host, kind).get(name) == value:
            self._changes.get((host, kind), {}).pop(name, None)
        else:
            self._changes.setdefault((host, kind), {})[name] = value

    def drop(self, host: str, kind: str, name: str) -> None:
        self.put(host, kind, name, None)

    def items(self, host: str, kind: str) -> list[tuple[str, Any]]:
        """Names and values, by name."""
        table, mine = self._state.table(host, kind), self._changes.get((host, kind))
        if mine:
            table = {name: value for name, value in (table | mine).items() if value is not None}
        return sorted(table.items())

    def forget(self, kind: str) -> None:
        """Take back every change to things of a kind."""
        self._changes = {place: table for place, table in self._changes.items() if place[1] != kind}

    def changes(self) -> list[tuple[Address, Any]]:
        return [
            ((host, kind, name), value)
            for (host, kind), table in self._changes.items()
            for name, value in table.items()
        ]
