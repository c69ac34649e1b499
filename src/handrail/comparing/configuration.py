"""Comparing a service's exported configuration: a few XML files, each compared as a tree without order.

What an export says of itself (the server it ran on, the day) is left out first; it differs every time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from handrail.comparing.allowances import Allowance, settle
from handrail.comparing.differences import Change, differences
from handrail.comparing.reading import broken, parser_options, refuse_prolog

OF_THE_EXPORT = ("server", "export-date")


@dataclass(frozen=True, slots=True)
class FileDifference:
    """One file that only one side has (`missing`, `added`), or what differs in it."""

    file: str
    kind: str
    changes: tuple[Change, ...] = ()

    def __str__(self) -> str:
        if self.kind != "changed":
            return f"{self.file} {'is missing' if self.kind == 'missing' else 'was not there before'}"
        return f"{self.file}: " + "; ".join(str(one) for one in self.changes if not one.allowed)


@dataclass(frozen=True, slots=True)
class Configurations:
    """`differences` that no allowance covers, by file; `allowed` counts the changes that one does, by its name."""

    differences: tuple[FileDifference, ...] = ()
    allowed: Mapping[str, int] = field(default_factory=dict)


def compare_configuration(
    before: Mapping[str, bytes], after: Mapping[str, bytes], allowances: Sequence[Allowance] = ()
) -> Configurations:
    """File name to content, of both sides. BadInput with file and line for what is no XML."""
    found: list[FileDifference] = []
    allowed: Counter[str] = Counter()
    for name in sorted({*before, *after}):
        if name not in after or name not in before:
            found.append(FileDifference(name, "missing" if name in before else "added"))
            continue
        changes = settle(differences(_parsed(name, before[name]), _parsed(name, after[name])), allowances)
        allowed.update(change.allowed for change in changes if change.allowed)
        if any(change.allowed is None for change in changes):
            found.append(FileDifference(name, "changed", changes))
    return Configurations(tuple(found), dict(sorted(allowed.items())))


def _parsed(name: str, content: bytes) -> Any:
    refuse_prolog(name, content[: 1 << 20], root=None)
    try:
        root = etree.fromstring(content, etree.XMLParser(**parser_options()))
    except etree.XMLSyntaxError as error:
        raise broken(error, name) from None
    for mark in OF_THE_EXPORT:
        root.attrib.pop(mark, None)
    return root
