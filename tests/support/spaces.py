"""Exports of connector spaces for tests: objects as plain data, written as XML in any order and layout."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr


@dataclass(frozen=True)
class Thing:
    """One object: `attributes` maps a name to its values, `references` likewise; `delta` is a pending export."""

    dn: str
    id: str = ""
    type: str = "user"
    attributes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    references: Mapping[str, Sequence[str]] = field(default_factory=dict)
    types: Mapping[str, str] = field(default_factory=dict)
    state: Mapping[str, str] = field(default_factory=dict)
    delta: str = ""


def written(things: Iterable[Thing], shuffle: random.Random | None = None, root: str = "", pretty: bool = False) -> str:
    """A whole export; with `shuffle`, everything that has no order comes in another one."""

    def mixed(parts: list[str]) -> list[str]:
        if shuffle is not None:
            shuffle.shuffle(parts)
        return parts

    def one(thing: Thing) -> str:
        attributes = [
            f"<attr name={quoteattr(name)} type={quoteattr(thing.types.get(name, 'string'))}>"
            + gap.join(mixed([f"<value>{escape(value)}</value>" for value in values]))
            + "</attr>"
            for name, values in thing.attributes.items()
        ]
        attributes += [
            f"<dn-attr name={quoteattr(name)}>"
            + gap.join(mixed([f"<dn-value><dn>{escape(value)}</dn></dn-value>" for value in values]))
            + "</dn-attr>"
            for name, values in thing.references.items()
        ]
        head = f"<primary-objectclass>{escape(thing.type)}</primary-objectclass>{gap}"
        entry = f"<entry dn={quoteattr(thing.dn)}>{gap}{head}{gap.join(mixed(attributes))}{gap}</entry>"
        sections = [f"<synchronized-hologram>{gap}{entry}{gap}</synchronized-hologram>"]
        if thing.delta:
            sections.append(f'<unapplied-export><delta operation="{thing.delta}" dn="x"/></unapplied-export>')
        sections += [f"<{name}>{escape(value)}</{name}>" for name, value in thing.state.items()]
        own = f"cs-dn={quoteattr(thing.dn)} id={quoteattr(thing.id)} object-type={quoteattr(thing.type)}"
        return f"<cs-object {own}>{gap}{gap.join(mixed(sections))}{gap}</cs-object>"

    gap = "\n    " if pretty else ""
    objects = "\n".join(mixed([one(thing) for thing in things]))
    return f'<?xml version="1.0" encoding="utf-8"?>\n<cs-objects{root}>\n{objects}\n</cs-objects>\n'


def file(folder: Path, name: str, things: Iterable[Thing], **how: object) -> Path:
    path = folder / name
    path.write_text(written(things, **how), "utf-8")  # type: ignore[arg-type]
    return path


def person(number: int, **attributes: Sequence[str]) -> Thing:
    dn = f"CN=person{number},OU=People,DC=contoso,DC=com"
    own = {"displayName": [f"Person {number}"], "mail": [f"person{number}@contoso.com"], **attributes}
    return Thing(dn, f"{{{number:08X}-0000-4000-8000-000000000000}}", "user", own)
