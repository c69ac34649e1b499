"""Searching an exported connector space as its own client does: by name or anchor, or within a subtree.

A name is found by how it begins, without regard to case; so is the first part of a distinguished name (RDN), with or
without its attribute. Where a connected system has no distinguished names, the anchor stands in for them.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from handrail.comparing.reading import name_of, objects
from handrail.errors import BadInput

By = Literal["dn", "rdn", "anchor", "subtree"]

_PART = re.compile(r"(?:\\.|[^,\\])+")


@dataclass(frozen=True, slots=True)
class Match:
    """One object that was found, and by what."""

    dn: str
    type: str
    id: str
    by: By


@dataclass(frozen=True, slots=True)
class Found:
    """`count` is whole, `types` too; `matches` are the first in the export."""

    count: int = 0
    types: Mapping[str, int] = field(default_factory=dict)
    matches: tuple[Match, ...] = ()

    def __str__(self) -> str:
        if not self.count:
            return "no object was found"
        kinds = ", ".join(f"{count} {kind or 'without a type'}" for kind, count in self.types.items())
        first = "; ".join(one.dn for one in self.matches[:3])
        return f"{self.count} found ({kinds}): {first}" + ("; …" if self.count > 3 else "")


def search(path: Path, *, name: str = "", subtree: str = "", keep: int = 50) -> Found:
    """Objects whose name or anchor begins with `name`, or that stand in a subtree whose name begins with `subtree`.
    BadInput when neither or both are given, or the file is no export."""
    if bool(name) == bool(subtree):
        raise BadInput("A search takes a name or a subtree, one of both.")
    types: Counter[str] = Counter()
    matches: list[Match] = []
    for element in objects(path):
        dn = name_of(element, path)
        by = _within(dn, subtree.casefold()) if subtree else _named(dn, element, name.casefold())
        if by is not None:
            kind = element.get("object-type", "")
            types[kind] += 1
            if len(matches) < keep:
                matches.append(Match(dn, kind, element.get("id", ""), by))
    return Found(types.total(), dict(sorted(types.items())), tuple(matches))


def _named(dn: str, element: Any, start: str) -> By | None:
    if dn.casefold().startswith(start):
        return "dn"
    first = _PART.match(dn)
    if first and first[0].partition("=")[2].casefold().startswith(start):
        return "rdn"
    if any(one.casefold().startswith(start) for one in anchors(element)):
        return "anchor"
    return None


def _within(dn: str, start: str) -> By | None:
    """The object itself, and whatever stands below a name that begins so."""
    at, low = 0, dn.casefold()
    while True:
        if low.startswith(start, at):
            return "subtree"
        part = _PART.match(low, at)
        if part is None or part.end() >= len(low):
            return None
        at = part.end() + 1


def anchors(element: Any) -> Iterator[str]:
    """The anchors of an object as text: plain ones, and encoded ones that hold text."""
    for one in element.iterfind("./{*}*/{*}*/{*}anchor"):
        text = one.text or ""
        if one.get("encoding") != "base64":
            yield text
            continue
        try:
            data = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            continue
        for coding in ("utf-16-le", "utf-8"):
            words = re.findall(r"[^\W_][\w .@=,\\-]{2,}", data.decode(coding, "ignore"))
            if words:
                yield max(words, key=len)
                break
