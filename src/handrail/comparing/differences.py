"""What differs between two XML elements, whatever the order of their children: which attribute, old and new values.

Elements that carry a `name` are attributes of an object and are told apart by it; `value` elements and their like are
the values of what stands around them. Space between elements means nothing; inside a value it does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lxml import etree

VALUES = frozenset({"value", "dn-value", "oc-value"})
_EXACT = VALUES | {"dn", "anchor"}
ATTRIBUTES = frozenset({"attr", "dn-attr"})
NOTHING = "(no value)"
"""Stands for something that is there and has no value."""


@dataclass(frozen=True, slots=True)
class Change:
    """`what` is an object's attribute (`mail`), an element (`<connector-state>`) or an XML attribute (`@type`), in the
    section `where`. `old` and `new` are the values that only one side has. `inside` names the elements around it.
    `type` is that of the attribute; `allowed` the name of the allowance that covers the change."""

    where: str
    what: str
    old: tuple[str, ...]
    new: tuple[str, ...]
    type: str = ""
    inside: tuple[str, ...] = ()
    allowed: str | None = None

    def __str__(self) -> str:
        place = f" in {self.where}" if self.where else ""
        return f"{self.what}{place}: {_some(self.old)} → {_some(self.new)}"


def _some(values: tuple[str, ...]) -> str:
    if not values:
        return "nothing"
    texts = [repr(one) if len(one) <= 80 else repr(one[:77] + "…") for one in values[:3]]
    return ", ".join(texts) + (f" and {len(values) - 3} more" if len(values) > 3 else "")


def local(element: Any) -> str:
    """Its name without a namespace."""
    tag: str = element.tag
    return tag.rpartition("}")[2]


def named(element: Any) -> str:
    """How it is called in a change."""
    return element.get("name") or f"<{local(element)}>"


def children(element: Any) -> list[Any]:
    """Child elements; comments and instructions are none."""
    return [one for one in element if isinstance(one.tag, str)]


def own(element: Any) -> tuple[str, ...]:
    """Its own text. Of an element that holds others, without the space that only lays it out."""
    if not len(element):
        text = element.text
        layout = text and not text.strip() and "\n" in text and local(element) not in _EXACT
        return (text,) if text and not layout else ()
    parts = (element.text, *(one.tail for one in element))
    return tuple(part.strip() for part in parts if part and part.strip())


def exact(element: Any) -> tuple[Any, ...]:
    """Equal for elements that differ at most in order."""
    marks = tuple(sorted(element.attrib.items()))
    return (local(element), marks, own(element), tuple(sorted(map(exact, children(element)))))


def shown(element: Any) -> str:
    """An element as the text of a value, for people."""
    inner = sorted((shown(one) if local(one) == "dn" else f"{named(one)}: {shown(one)}") for one in children(element))
    marks = ", ".join(f"{name}={value}" for name, value in sorted(element.attrib.items()) if name != "name")
    text = "; ".join((*own(element), *inner))
    return f"{text} ({marks})".lstrip() if marks else text


def differences(old: Any, new: Any) -> tuple[Change, ...]:
    """All that differs between two elements, in a fixed order."""
    return tuple(sorted(_between(old, new, "", ()), key=lambda one: (one.where, one.what, one.old, one.new)))


def _between(old: Any, new: Any, where: str, inside: tuple[str, ...]) -> Iterator[Change]:
    """`where` is the section that both stand in, `inside` their own name and those around them."""
    name, kind = named(old), old.get("type") or new.get("type") or ""
    path = f"{where}/{old.get('name') or local(old)}".lstrip("/") if inside else ""
    for mark in sorted({*old.attrib, *new.attrib}):
        if old.get(mark) != new.get(mark):
            yield Change(path, f"@{mark}", _one(old.get(mark)), _one(new.get(mark)), kind, inside)
    if old.tag != new.tag:
        yield Change(where, name, (f"<{old.tag}>",), (f"<{new.tag}>",), kind, inside)
    if own(old) != own(new):
        yield Change(where, name, own(old), own(new), kind, inside)
    olds, news = _grouped(old), _grouped(new)
    for key in sorted({*olds, *news}):
        one, other = olds.get(key, []), news.get(key, [])
        if key[0] in VALUES:
            yield from _lists(one, other, where, name, kind, inside)
        elif len(one) == len(other) == 1:
            # Most of what stands beside a change is the same, letter by letter.
            if etree.tostring(one[0], with_tail=False) == etree.tostring(other[0], with_tail=False):
                continue
            yield from _between(one[0], other[0], path, (*inside, named(one[0])))
        else:
            sample = (one or other)[0]
            around = (*inside, named(sample))
            if len(one) + len(other) == 1:
                before, after = ((_values(side[0]) if side else ()) for side in (one, other))
                yield Change(path, named(sample), before, after, sample.get("type") or "", around)
            else:
                yield from _lists(one, other, path, named(sample), sample.get("type") or "", around)


def _one(text: str | None) -> tuple[str, ...]:
    return () if text is None else (text,)


def _values(element: Any) -> tuple[str, ...]:
    """The values of something that only one side has."""
    inner = children(element)
    if inner and all(local(one) in VALUES for one in inner):
        return tuple(sorted(shown(one) or NOTHING for one in inner))
    return (shown(element) if inner or own(element) else NOTHING,)


def _grouped(element: Any) -> dict[tuple[str, str], list[Any]]:
    """Children by what they are matched by: the kind of element, and its name if it has one."""
    groups: dict[tuple[str, str], list[Any]] = {}
    for one in children(element):
        tag = local(one)
        key = ("attr" if tag in ATTRIBUTES else tag, one.get("name") or "")
        groups.setdefault(key, []).append(one)
    return groups


def _lists(
    old: list[Any], new: list[Any], where: str, what: str, kind: str, inside: tuple[str, ...]
) -> Iterator[Change]:
    """Several that cannot be told apart by name: those that only one side has."""
    one, other = Counter(map(exact, old)), Counter(map(exact, new))
    if one != other:
        texts = {exact(each): shown(each) or NOTHING for each in (*old, *new)}
        gone, came = (tuple(sorted(texts[each] for each in left.elements())) for left in (one - other, other - one))
        yield Change(where, what, gone, came, kind, inside)
