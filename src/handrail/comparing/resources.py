"""Resources of a portal and their texts in every language, as an export has them: read, and compared. Pure.

An export lists objects with attributes, and once more those attributes that have another value in another culture. Each
value in each culture is one item: a form that came through in English alone has lost its translations.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any

from handrail.comparing import xml_files
from handrail.comparing.fates import Fate, FateName
from handrail.comparing.redirects import local
from handrail.comparing.xml_merge import merge_xml
from handrail.errors import BadInput, Place

INVARIANT = "Invariant"
OF_THE_STORE = frozenset({
    "ObjectID", "ObjectType", "CreatedTime", "Creator", "ResourceTime", "DeletedTime", "ExpirationTime", "MVObjectID",
    "DetectedRulesList", "ExpectedRulesList", "ComputedMember", "Locale",
})  # fmt: skip
"""Attributes that the store keeps itself: they tell nothing of what people made."""

RESUBMIT = "Write it again."


@dataclass(frozen=True, slots=True, order=True)
class Item:
    """One attribute of one object in one culture (`Invariant`: whatever has no value of its own)."""

    object: str
    attribute: str
    locale: str = INVARIANT


@dataclass(frozen=True, slots=True)
class Resources:
    """`names` and `types` are by object; a value with several parts is joined by line ends, in order."""

    values: Mapping[Item, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    types: Mapping[str, str] = field(default_factory=dict)

    @property
    def locales(self) -> list[str]:
        return sorted({item.locale for item in self.values})


@dataclass(frozen=True, slots=True)
class Change:
    """A value to be written again. `locale` is by its new name."""

    object: str
    type: str
    attribute: str
    locale: str
    value: str


@dataclass(frozen=True, slots=True)
class Comparison:
    fates: tuple[Fate, ...]
    changes: tuple[Change, ...]


def read_resources(data: bytes, name: str) -> Resources:
    """BadInput when it is no such export."""
    root = xml_files.parse(data, name, largest=512 * 1024 * 1024).root
    values: dict[Item, str] = {}
    names: dict[str, str] = {}
    types: dict[str, str] = {}
    if local(root) not in ("Results", "ArrayOfExportObject"):
        raise BadInput(f"It is no export of resources: its root is <{local(root)}>.", "Export it again.", Place(name))
    for element in (one for one in root.iter() if local(one) == "ResourceManagementObject"):
        id = _text(element, "ObjectIdentifier").removeprefix("urn:uuid:").lower()
        if not id:
            raise BadInput("An object has no identifier.", "Export it again.", Place(name, element.sourceline))
        types[id] = _text(element, "ObjectType")
        for attribute, value in _attributes(element):
            values[Item(id, attribute)] = value
            if attribute == "DisplayName":
                names[id] = value
        for localized in _below(element, "LocalizedResourceManagementAttributes"):
            for one in (child for child in localized if local(child) == "LocalizedResourceManagementAttribute"):
                culture = _text(one, "Culture") or INVARIANT
                for attribute, value in _attributes(one):
                    values[Item(id, attribute, culture)] = value
    return Resources(
        {item: value for item, value in values.items() if item.attribute not in OF_THE_STORE}, names, types
    )


def _below(element: Any, name: str) -> Iterable[Any]:
    return (child for child in element if local(child) == name)


def _text(element: Any, name: str) -> str:
    return next(((child.text or "").strip() for child in _below(element, name)), "")


def _attributes(element: Any) -> Iterable[tuple[str, str]]:
    for group in _below(element, "ResourceManagementAttributes"):
        for one in _below(group, "ResourceManagementAttribute"):
            several = [child.text or "" for values in _below(one, "Values") for child in values]
            value = next((child.text or "" for child in _below(one, "Value")), "")
            yield _text(one, "AttributeName"), "\n".join(several) if several else value


def compare(
    before: Resources,
    after: Resources,
    *,
    stock_old: Resources | None = None,
    renamed: Mapping[str, str] | None = None,
    customised: Iterable[str] = (),
) -> Comparison:
    """What became of each value, and what is to be written again. `renamed`: old to new names of locales. Without
    `stock_old`, `customised` (patterns of names or ids, or of `NAME: ATTRIBUTE, LOCALE`) says which objects or values
    people changed; of the others nobody can tell."""
    names = {old.casefold(): new for old, new in (renamed or {}).items()}
    now = {_moved(item, {}): value for item, value in after.values.items()}
    patterns = [one.casefold() for one in customised]
    fates: list[Fate] = []
    changes: list[Change] = []
    carried: dict[tuple[str, str], int] = {}
    for item, was in sorted(before.values.items()):
        shipped = stock_old.values.get(item) if stock_old is not None else None
        if stock_old is not None and shipped == was:
            continue
        there = _moved(item, names)
        is_now = now.get(there)
        asset, place = before.names.get(item.object, item.object), _told(item, there)
        spelled = (asset, item.object, f"{asset}: {item.attribute}, {item.locale}")
        stated = any(fnmatchcase(one.casefold(), pattern) for pattern in patterns for one in spelled)
        known = stock_old is not None or stated
        if is_now == was and known:
            fates.append(Fate(asset, ", ".join(place), "carried", _size(was), _size(was)))
        elif is_now == was:
            carried[(asset, place[1])] = carried.get((asset, place[1]), 0) + 1
        if is_now == was:
            continue
        fate, value, because = _fate(item, was, is_now, shipped, known, item.object in after.types)
        what = RESUBMIT if value is not None else "Decide what stands there, and write it."
        fates.append(Fate(asset, ", ".join(place), fate, _size(was), _size(is_now), because, what))
        if value is not None:
            locale = names.get(item.locale.casefold(), item.locale)
            changes.append(Change(item.object, before.types.get(item.object, ""), item.attribute, locale, value))
    for (asset, locale), count in sorted(carried.items()):
        told = f"{count} value{'s' if count > 1 else ''}"
        fates.append(Fate(asset, f"what else it says, {locale}", "carried", told, told))
    return Comparison(tuple(fates), tuple(changes))


def _moved(item: Item, names: Mapping[str, str]) -> Item:
    return replace(item, locale=names.get(item.locale.casefold(), item.locale).casefold())


def _told(item: Item, there: Item) -> tuple[str, str]:
    moved = there.locale != item.locale.casefold()
    return item.attribute, f"{item.locale} (now {there.locale})" if moved else item.locale


def _size(value: str | None) -> str | None:
    if value is None:
        return None
    return f"{len(value):,} characters ({hashlib.sha256(value.encode()).hexdigest()[:8]})"


def _fate(
    item: Item, was: str, is_now: str | None, shipped: str | None, known: bool, there: bool
) -> tuple[FateName, str | None, str]:
    """The fate, what to write again (None: nothing), and why. `known`: people are known to have changed it."""
    if not there:
        return "needs-a-person", None, "the object itself is gone"
    if is_now is None:
        return "dropped", was, "it has no value any more"
    if not known:
        return "needs-a-person", None, "it is another one now, and nobody can tell whether people or setup made it"
    if shipped is None or is_now == shipped:
        return "dropped", was, "setup put its own in the place"
    if was.lstrip().startswith("<") and is_now.lstrip().startswith("<"):
        try:
            merged = merge_xml(shipped.encode(), was.encode(), is_now.encode(), item.attribute)
        except BadInput as broken:
            return "needs-a-person", None, str(broken)
        if merged.data.decode() == is_now:
            return "merged", None, "what ships now holds it"
        if not merged.needs_person:
            return "merged", merged.data.decode(), "joined with what ships now"
    return "needs-a-person", None, "people and setup both changed it"
