"""The three-way merge of XML configuration files: what the old version shipped, what was made of it, what the new
version ships. Pure.

The result is what ships now with every customisation put into it. Each change of one side alone stands; where both
sides changed the same thing to something else, the customised value stays in the proposal and a person is asked.
Binding redirects are merged by what they mean (`redirects.py`). Without the old stock nobody can tell what was
customised: whatever differs then needs a person, redirects apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from handrail.comparing import xml_files
from handrail.comparing.fates import Fate, FateName, needs_person, told
from handrail.comparing.redirects import local
from handrail.comparing.xml_identity import Identity, called, indexed, is_redirect, same, text_of, twins
from handrail.comparing.xml_placing import place, set_text, take_out
from handrail.comparing.xml_redirects import merge_redirects

ALIKE = "what ships now has it too"
DECIDE = "Decide what stands there, and write it."
NO_STOCK = "what the old version shipped is not known, so nobody can tell who made it different"


@dataclass(frozen=True, slots=True)
class Merged:
    """`data` is what should stand in the file; a mere proposal while a row needs a person."""

    data: bytes
    fates: tuple[Fate, ...]

    @property
    def needs_person(self) -> bool:
        return needs_person(self.fates)


def merge_xml(stock_old: bytes | None, customised: bytes, stock_new: bytes, asset: str) -> Merged:
    """BadInput when one of them is no XML. The parts that nobody changed keep their bytes as far as XML allows, and a
    file that only one side changed is that side's, byte for byte."""
    mine = xml_files.parse(customised, f"the customised {asset}")
    new = xml_files.parse(stock_new, f"{asset} as it ships now")
    base = xml_files.parse(stock_old, f"{asset} as it shipped before") if stock_old is not None else None
    merge = _Merge(asset, base.root if base else None, mine.root, new.root)
    result = merge.carry_out()
    if base is not None and same(base.root, new.root) and stock_old != customised:
        return Merged(customised, merge.rows)
    if stock_old == customised or same(result, new.root):
        return Merged(stock_new, merge.rows)
    if same(result, mine.root):
        return Merged(customised, merge.rows)
    return Merged(xml_files.printed(result, new.form), merge.rows)


class _Merge:
    """One merge. `out` begins as what ships now and is changed in place."""

    def __init__(self, asset: str, base: Any | None, mine: Any, new: Any) -> None:
        self._asset = asset
        self._base, self._mine, self._new = base, mine, new
        self._known = base is not None
        self._rows: list[Fate] = []

    @property
    def rows(self) -> tuple[Fate, ...]:
        """Each once: a section that was taken out whole is one customisation, and so are its redirects."""
        return tuple(dict.fromkeys(self._rows))

    def carry_out(self) -> Any:
        out = deepcopy(self._new.getroottree()).getroot()
        if self._mine.tag != self._new.tag:
            because = f"its root is <{local(self._mine)}>, and what ships now has <{local(self._new)}>"
            self._tell("the whole file", "needs-a-person", local(self._mine), None, because)
            return out
        base = self._base if self._base is not None and self._base.tag == self._mine.tag else None
        self._element(base, self._mine, out, "")
        self._rows += merge_redirects(self._asset, self._base, self._mine, self._new, out)
        return out

    # -- one element that all have ------------------------------------------------------------------------------

    def _element(self, base: Any | None, mine: Any, out: Any, path: str) -> None:
        self._attributes(base, mine, out, path)
        self._text(base, mine, out, path)
        self._children(base, mine, out, path)

    def _attributes(self, base: Any | None, mine: Any, out: Any, path: str) -> None:
        before = dict(base.attrib) if base is not None else {}
        names = dict.fromkeys([*mine.attrib, *before])
        for name in names:
            was, own, ships = before.get(name), mine.get(name), out.get(name)
            if own == was and self._known:
                continue
            item = f"{path or local(mine)}/@{name.rpartition('}')[2]}"
            fate = self._value(item, was, own, ships, _secret_in(mine))
            if fate == "set":
                if own is None:
                    del out.attrib[name]
                else:
                    out.set(name, own)

    def _text(self, base: Any | None, mine: Any, out: Any, path: str) -> None:
        was, own, ships = (text_of(one) if one is not None else "" for one in (base, mine, out))
        if (own.strip() == was.strip() and self._known) or (own.strip() == ships.strip() and not own.strip()):
            return
        if self._value(f"{path or local(mine)}/text", was, own, ships, _secret_in(mine)) == "set":
            set_text(out, own)

    def _value(self, item: str, was: str | None, own: str | None, ships: str | None, secret: str) -> str:
        """`set` when `own` goes into the result; a row is told either way."""
        name = secret or item
        shown, now = told(name, own if own is not None else was), told(name, own)
        if own == ships:
            if self._known:
                self._tell(item, "carried", shown, now, ALIKE)
            return "stay"
        if self._known and ships == was:
            self._tell(item, "carried", shown, now, "" if own is not None else "it was taken out, and stays out")
            return "set"
        if own is None and not self._known:
            return "stay"
        theirs = told(name, ships)
        because = f"what ships now has {theirs!r}" if ships is not None else "what ships now does not have it"
        if not self._known:
            because = f"{because}; {NO_STOCK}"
        self._tell(item, "needs-a-person", shown if own is not None else "taken out", None, because)
        return "set" if own is not None else "stay"

    # -- what is within an element ------------------------------------------------------------------------------

    def _children(self, base: Any | None, mine: Any, out: Any, path: str) -> None:
        before, own, ships = indexed([base, mine, out])
        self._order(before, own, list(ships), out, path)
        for one, element in own.items():
            there = ships.get(one)
            inner = f"{path}/{called(element)}".lstrip("/")
            if local(element) == "bindingRedirect" or (there is None and is_redirect(element)):
                continue
            if there is None:
                self._missing(before.get(one), element, out, own, ships, one, inner)
            elif isinstance(element.tag, str) and not (one in before and same(before[one], element, redirects=False)):
                self._element(before.get(one), element, there, inner)
        for one, element in before.items():
            if one not in own and not is_redirect(element):
                self._removed(element, ships.get(one), f"{path}/{called(element)}".lstrip("/"))

    def _missing(
        self,
        base: Any | None,
        element: Any,
        out: Any,
        own: dict[Identity, Any],
        ships: dict[Identity, Any],
        one: Identity,
        path: str,
    ) -> None:
        """Mine has it, what ships now has not."""
        if base is not None:
            if not same(base, element, redirects=False):
                self._tell(
                    path, "needs-a-person", _shown(element), None, "you changed it, and it does not ship any more"
                )
            return
        if not self._known and not isinstance(element.tag, str):
            return
        ships[one] = place(element, out, list(own), one, ships)
        if not self._known:
            self._tell(path, "needs-a-person", _shown(element), None, f"it does not ship; {NO_STOCK}")
        elif not _only_redirects(element):
            self._tell(path, "carried", _shown(element), _shown(element))

    def _removed(self, base: Any, ships: Any | None, path: str) -> None:
        """It shipped before, and mine has it no more."""
        if ships is None:
            self._tell(path, "carried", "taken out", None, "it does not ship any more either")
        elif same(base, ships):
            for one in twins(ships):
                take_out(one)
            self._tell(path, "carried", "taken out", None, "it was taken out, and stays out")
        else:
            self._tell(path, "needs-a-person", "taken out", None, "you took it out, and what ships now has it changed")

    def _order(
        self, before: dict[Identity, Any], own: dict[Identity, Any], order: list[Identity], out: Any, path: str
    ) -> None:
        """Elements that mine has in another order than what shipped."""
        common = [one for one in before if one in own and one in order and isinstance(own[one].tag, str)]
        wanted = [one for one in own if one in set(common)]
        if wanted == common or len(common) < 2:
            return
        item = f"{path or local(out)}: order"
        now = [one for one in order if one in set(common)]
        shown = ", ".join(called(own[one]) for one in wanted[:8])
        if now == wanted:
            self._tell(item, "carried", shown, shown, ALIKE)
        else:
            _put_in_order(out, list(self._elements(out, own, wanted)))
            if now == common:
                self._tell(item, "carried", shown, shown)
            else:
                self._tell(item, "needs-a-person", shown, None, "you and what ships now put them in different orders")

    def _elements(self, out: Any, own: dict[Identity, Any], wanted: list[Identity]) -> Iterator[Any]:
        found = indexed([own[wanted[0]].getparent(), out])[1]
        yield from (found[one] for one in wanted if one in found and found[one].getparent() is out)

    def _tell(self, item: str, fate: FateName, was: str | None, now: str | None, because: str = "") -> None:
        what = DECIDE if fate == "needs-a-person" else ""
        self._rows.append(Fate(self._asset, item, fate, was, now, because, what))


def _put_in_order(parent: Any, wanted: list[Any]) -> None:
    """Put elements into the places that they hold together, in this order."""
    places = sorted(parent.index(one) for one in wanted)
    tails = [parent[at].tail for at in places]
    for at, one in zip(places, wanted, strict=True):
        if parent[at] is not one:
            # lxml moves an element that stands elsewhere: a place holder keeps the count.
            holder = deepcopy(one)
            parent.replace(one, holder)
            other = parent[at]
            parent.replace(other, one)
            parent.replace(holder, other) if holder is not other else None
    for at, tail in zip(places, tails, strict=True):
        parent[at].tail = tail


def _only_redirects(element: Any) -> bool:
    """A section that was made for redirects alone: they have rows of their own."""
    if local(element) not in ("runtime", "assemblyBinding"):
        return False
    return all(is_redirect(one) or _only_redirects(one) for one in element)


def _secret_in(element: Any) -> str:
    """The name under which an element's values are to be judged: `add key="Password" value=…` hides in its key."""
    own = {name.rpartition("}")[2].lower(): value for name, value in element.attrib.items()}
    return " ".join(own[one] for one in ("key", "name") if one in own and "value" in own)


def _shown(element: Any) -> str:
    if not isinstance(element.tag, str):
        return " ".join((element.text or "").split())[:120]
    own = {name.rpartition("}")[2]: value for name, value in element.attrib.items()}
    secret = _secret_in(element)
    named = ("key", "name")
    parts = [f"{name}={told(name if name in named else secret or name, value)}" for name, value in own.items()]
    inside = sum(isinstance(one.tag, str) for one in element.iterdescendants())
    plain = " ".join((element.text or "").split())
    text = told(secret or local(element), plain) if plain else None
    more = f"with {inside} element{'s' if inside > 1 else ''}" if inside else None
    return " ".join(one for one in (*parts, text, more) if one)
