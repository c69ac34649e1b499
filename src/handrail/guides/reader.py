"""From a guide file to a `Guide`. The spelling is that of `model/guide.py`, with a few shorter ways to write it.

`from: 4.6.34.0` is an exact build; an edge's `component` may be a list; a procedure may be its list of steps; one entry
may stand where a list is expected.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from handrail.documents.read import BROKEN, Keys, Reading, fields_of
from handrail.documents.tree import Tree
from handrail.model.guide import Announcement, Edge, From, Guide, MediumNeed, Procedure

_GIVEN = ("name", "digest")
_PLAIN = "edges"


@dataclass(frozen=True, slots=True)
class _WrittenEdge:
    """An edge as written: for one component or several, with or without an id."""

    component: tuple[str, ...]
    from_: From
    to: str
    method: str
    procedure: str
    source: str
    id: str | None = None
    why: str = ""
    when: str | None = None
    otherwise: str = ""
    media: Mapping[str, MediumNeed] = field(default_factory=dict)
    media_rule: str | None = None
    announces: Announcement | None = None
    revision: tuple[str, ...] = ()
    errata: tuple[str, ...] = ()


@dataclass(frozen=True)
class GuideDocument:
    """A guide and where it stands; `edge_keys` tells for each edge which entry of the file it comes from."""

    guide: Guide
    tree: Tree
    edge_keys: tuple[Keys, ...]


def read_guide(tree: Tree) -> GuideDocument:
    """The guide in a tree. BadDocument with every mistake of spelling and type; meaning is for `lint`."""
    reading = Reading(tree, {From: _from, Procedure: _procedure})
    document = _guide(reading)
    reading.finish()
    assert document is not None
    return document


def _guide(reading: Reading) -> GuideDocument | None:
    data = reading.tree.data
    if not isinstance(data, Mapping):
        reading.mistake((), "A guide is a mapping with the keys guide, title, sources, releases, components, edges, …")
        return None
    if "guide" not in data:
        reading.mistake((), "The key 'guide' is missing.", "Begin the file with `guide: NAME`.")
        name = BROKEN
    else:
        name = reading.read(str, data["guide"], ("guide",))
    edges, edge_keys = _edges(reading, data.get("edges"))
    rest = {key: value for key, value in data.items() if key not in ("guide", _PLAIN)}
    for key in _GIVEN:
        if key in rest:
            reading.unknown_key((key,), key, ["guide", *fields_of(Guide)])
            del rest[key]
    digest = "sha256:" + hashlib.sha256(reading.tree.text.encode()).hexdigest()
    guide = reading.record(Guide, rest, (), {"name": name, "edges": edges, "digest": digest})
    return None if guide is BROKEN else GuideDocument(guide, reading.tree, edge_keys)


def _edges(reading: Reading, data: Any) -> tuple[tuple[Edge, ...], tuple[Keys, ...]]:
    written = reading.read(tuple[Any, ...], data, ("edges",))
    edges: list[Edge] = []
    keys: list[Keys] = []
    names = [name for name in fields_of(Edge) if name not in ("id", "component")]
    for number, entry in enumerate(written if isinstance(data, list) else ()):
        place: Keys = ("edges", number)
        one = reading.record(_WrittenEdge, entry, place)
        if one is BROKEN:
            continue
        values = {fields_of(Edge)[name].field: getattr(one, fields_of(Edge)[name].field) for name in names}
        for component in one.component:
            id = one.id or f"{component}-{_spelled(one.from_)}-{one.to}-{one.method}"
            if one.id and len(one.component) > 1:
                id = f"{one.id}-{component}"
            edges.append(Edge(id=id, component=component, **values))
            keys.append(place)
    if data is not None and not isinstance(data, list):
        reading.mistake(("edges",), "'edges' must be a list.", "Begin each edge with a dash.")
    return tuple(edges), tuple(keys)


def _spelled(origin: From) -> str:
    return origin.build or "-".join(part for part in (origin.release, origin.least) if part) or "any"


def _from(value: Any) -> Any:
    return value if isinstance(value, Mapping | list | None) else {"build": value}


def _procedure(value: Any) -> Any:
    return {"steps": value} if isinstance(value, list) else value
