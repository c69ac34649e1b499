"""Looking at a file that was merged, by whomever: is everything in it that needed no person? Pure.

Documents are flattened alike, side by side, so that one place has one name in all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from handrail.comparing import xml_files
from handrail.comparing.fates import Fate, FateName, told
from handrail.comparing.redirects import covered, local, redirects, spelled
from handrail.comparing.xml_identity import called, indexed, is_redirect, text_of
from handrail.comparing.xml_merge import Merged

Flat = dict[str, str]


def losses_xml(
    stock_old: bytes | None, customised: bytes, stock_new: bytes, merged: Merged, now: bytes, asset: str
) -> list[Fate]:
    """What the file lacks of what the merge put into it without asking anybody: customisations, and what ships now.
    Rows of fate `dropped`. BadInput when `now` is no XML."""
    kept = [one for one in (stock_old, customised, stock_new, merged.data, now) if one is not None]
    roots = [xml_files.parse(data, asset).root for data in kept]
    flats: list[Flat] = [{} for _ in roots]
    _flatten(roots, flats, "")
    base = flats[0] if stock_old is not None else {}
    mine, new, should, have = flats[-4:]
    asked = tuple(one.item for one in merged.fates if one.fate == "needs-a-person")
    lost = []
    for item in dict.fromkeys([*should, *base]):
        if any(item == one or item.startswith((f"{one}/", f"{one}#")) for one in asked):
            continue
        changed = mine.get(item) != base.get(item) or new.get(item) != base.get(item)
        if changed and have.get(item) != should.get(item):
            was, found = told(item, should.get(item)), told(item, have.get(item))
            whose = "yours" if mine.get(item) == should.get(item) else "what ships now"
            because = f"{whose} is lost" if should.get(item) is not None else "it was taken out, and is there again"
            lost.append(Fate(asset, item, "dropped", was, found, because, "Put it back."))
    return [*lost, *_redirects(merged, roots, asset)]


def _redirects(merged: Merged, roots: Sequence[Any], asset: str) -> list[Fate]:
    should, have = redirects(roots[-2]), redirects(roots[-1])
    names = spelled(roots[-2])
    lost = []
    for assembly, wanted in sorted(should.items()):
        item = f"redirect of {names.get(assembly, assembly)}"
        if any(one.item == item and one.fate == "needs-a-person" for one in merged.fates):
            continue
        if not covered(wanted, by=have.get(assembly, ())):
            told_now = ", ".join(map(str, have.get(assembly, ()))) or None
            what = "Put it back; without it no extension that was built for an older version loads."
            because = "a binding redirect is missing"
            lost.append(Fate(asset, item, "dropped", ", ".join(map(str, wanted)), told_now, because, what))
    return lost


def decided_xml(merged: Merged, stock_new: bytes, customised: bytes, now: bytes, asset: str) -> list[Fate]:
    """The rows that needed a person, with what the person made of them."""
    roots = [xml_files.parse(data, asset).root for data in (customised, stock_new, now)]
    flats: list[Flat] = [{} for _ in roots]
    _flatten(roots, flats, "")
    for root, flat in zip(roots, flats, strict=True):
        names = spelled(root)
        for assembly, some in redirects(root).items():
            flat[f"redirect of {names.get(assembly, assembly)}"] = ", ".join(map(str, some))
    rows = []
    for one in merged.fates:
        if one.fate != "needs-a-person":
            continue
        mine, new, have = (_below(flat, one.item) for flat in flats)
        because = "a person decided so"
        if have == mine:
            rows.append(Fate(asset, one.item, "carried", one.was, one.was, because))
        else:
            fate: FateName = "dropped" if have == new else "merged"
            now_told = told(one.item, "; ".join(have.values()) or None)
            rows.append(Fate(asset, one.item, fate, one.was, now_told, because))
    return rows


def _below(flat: Flat, item: str) -> Flat:
    return {name: one for name, one in flat.items() if name == item or name.startswith((f"{item}/", f"{item}#"))}


def _flatten(parents: Sequence[Any | None], flats: Sequence[Flat], path: str) -> None:
    for parent, flat in zip(parents, flats, strict=True):
        if parent is not None:
            for name, value in parent.attrib.items():
                flat[f"{path or local(parent)}/@{name.rpartition('}')[2]}"] = value
            if text := text_of(parent).strip():
                flat[f"{path or local(parent)}/text"] = text
    children = indexed(parents)
    every = dict.fromkeys(one for some in children for one in some)
    names: dict[str, int] = {}
    for one in every:
        elements = [some.get(one) for some in children]
        inner = _name(next(element for element in elements if element is not None), names)
        if inner is None:
            continue
        below = f"{path}/{inner}".lstrip("/")
        for element, flat in zip(elements, flats, strict=True):
            if element is not None:
                flat[below] = "present"
        _flatten(
            [element if element is None or isinstance(element.tag, str) else None for element in elements], flats, below
        )


def _name(element: Any, names: dict[str, int]) -> str | None:
    """None for what is looked at elsewhere (redirects) or says nothing (comments)."""
    if not isinstance(element.tag, str) or is_redirect(element):
        return None
    inner = called(element)
    names[inner] = names.get(inner, 0) + 1
    return inner if names[inner] == 1 else f"{inner}#{names[inner]}"
