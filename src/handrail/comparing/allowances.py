"""Differences that are to be expected, declared as data: each has a name, and says which changes it covers.

An allowance is a mapping, as a guide writes it:

    {name: export-time, ignore: ["@export-date", "<last-import-delta-time>", whenChanged]}
    {name: boolean-null-to-false, type: boolean, from: null, to: "false"}
    {name: locale-folders, rename: {de-DE: de, zh-CN: zh-Hans}}

`ignore`: `@x` is an XML attribute, `<x>` an element, a bare name an attribute of an object. `from`/`to`: that value
became this one; null is no value. `rename`: values are equal once these parts of them, as they stand between
separators, are renamed. `attributes` (patterns) limits the last two to some attributes. `because` and `source` are
for whoever reads the result.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any

from handrail.comparing.differences import Change
from handrail.errors import BadInput, UnknownName

_PARTS = re.compile(r"([\\/,;=|\s\"'<>]+)")
_TEXTS = ("name", "type", "because", "source")
_LISTS = ("ignore", "attributes")


@dataclass(frozen=True, slots=True)
class Allowance:
    """One kind of difference that is to be expected. `from_` and `to` count when `becomes` is set."""

    name: str
    ignore: tuple[str, ...] = ()
    rename: Mapping[str, str] = field(default_factory=dict)
    becomes: bool = False
    type: str | None = None
    from_: str | None = None
    to: str | None = None
    attributes: tuple[str, ...] = ("*",)
    because: str = ""
    source: str = ""

    def covers(self, change: Change) -> bool:
        if change.what in self.ignore or any(one in self.ignore for one in change.inside):
            return True
        if not any(fnmatchcase(change.what, pattern) for pattern in self.attributes):
            return False
        if self.becomes and (self.type is None or change.type == self.type):
            return _is(change.old, self.from_) and _is(change.new, self.to)
        if self.rename and len(change.old) == len(change.new) > 0:
            return Counter(map(self._renamed, change.old)) == Counter(change.new)
        return False

    def _renamed(self, value: str) -> str:
        return "".join(self.rename.get(part, part) for part in _PARTS.split(value))


def _is(values: tuple[str, ...], wanted: str | None) -> bool:
    return not any(values) if wanted is None else values == (wanted,)


def settle(changes: Iterable[Change], allowances: Sequence[Allowance]) -> tuple[Change, ...]:
    """The changes, each with the name of the allowance that covers it, if one does."""
    settled = []
    for change in changes:
        by = next((one.name for one in allowances if one.covers(change)), None)
        settled.append(replace(change, allowed=by) if by else change)
    return tuple(settled)


def read_allowances(documents: Sequence[Any]) -> tuple[Allowance, ...]:
    """From what a guide or a step's parameters say. BadInput names the allowance and what is wrong with it."""
    found: list[Allowance] = []
    for number, document in enumerate(documents, 1):
        if not isinstance(document, Mapping):
            raise BadInput(f"Allowance {number} must be a mapping, not {document!r}.", "Write {name: …, ignore: […]}.")
        one = _read(document, f"Allowance {document.get('name', number)!r}")
        if one.name in {other.name for other in found}:
            raise BadInput(f"The allowance {one.name!r} is there twice.", "Give each its own name.")
        found.append(one)
    return tuple(found)


def _read(document: Mapping[Any, Any], which: str) -> Allowance:
    for key in document:
        if key not in (*_TEXTS, *_LISTS, "rename", "from", "to"):
            raise UnknownName(f"{which}: the key", str(key), (*_TEXTS, *_LISTS, "rename", "from", "to"))
    for key in _TEXTS:
        if key in document and not isinstance(document[key], str):
            raise BadInput(f"{which}: {key} must be a text, not {document[key]!r}.")
    for key in _LISTS:
        value = document.get(key, ())
        if not isinstance(value, (list, tuple)) or not all(isinstance(one, str) and one for one in value):
            raise BadInput(f"{which}: {key} must be a list of names, not {value!r}.")
    rename = document.get("rename", {})
    if not isinstance(rename, Mapping) or not all(isinstance(one, str) for pair in rename.items() for one in pair):
        raise BadInput(f"{which}: rename must map old names to new ones, not {rename!r}.")
    becomes = "from" in document or "to" in document
    if becomes and not {"from", "to"} <= set(document):
        raise BadInput(f"{which}: from and to belong together.", "Write null for no value.")
    if not document.get("name"):
        raise BadInput(f"{which} has no name.", "A difference that is expected is named in every report.")
    if sum((bool(document.get("ignore")), bool(rename), becomes)) != 1:
        raise BadInput(f"{which} must say one of ignore, rename, or from and to.")
    return Allowance(
        name=document["name"],
        ignore=tuple(document.get("ignore", ())),
        rename=dict(rename),
        becomes=becomes,
        type=document.get("type"),
        from_=_value(document.get("from")),
        to=_value(document.get("to")),
        attributes=tuple(document.get("attributes", ("*",))),
        because=document.get("because", ""),
        source=document.get("source", ""),
    )


def _value(given: Any) -> str | None:
    """As XML has it: YAML's false is the text false."""
    if isinstance(given, bool):
        return str(given).lower()
    return None if given is None else str(given)
