"""Which element of one document is which of another: what makes elements of a .NET configuration the same.

Collections are keyed (`appSettings/add` by `key`, `section` by `name`, …); sections stand once. Rules without a name of
their own (`allow`, `deny`) are the same when they are equal. Case does not count in keys.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from lxml import etree

from handrail.comparing.redirects import assembly_of, local, redirect_elements

Identity = tuple[str, ...]

KEYS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "endpoint": (("name",), ("address", "binding", "contract")),
    "supportedRuntime": (("version", "sku"),),
    "codeBase": (("version",),),
    "location": (("path",),),
    "probing": (),
    "assemblyBinding": (("appliesTo",),),
    "allow": (),
    "deny": (),
    "clear": (),
}
"""Of elements whose keys are others than `USUAL`; the first whose attributes are all there counts."""

USUAL: tuple[tuple[str, ...], ...] = (
    ("key",),
    ("name",),
    ("id",),
    ("path", "verb"),
    ("path",),
    ("assembly",),
    ("namespace", "tagPrefix"),
    ("namespace",),
    ("extension",),
    ("address",),
    ("fileExtension",),
)
_EQUAL_ONLY = frozenset({"add", "remove", "clear", "allow", "deny"})
"""Elements that stand several times: without a key they are the same only when they are equal."""


def attributes(element: Any) -> dict[str, str]:
    """By name without namespace, in lower case, as far as that is unambiguous."""
    return {name.rpartition("}")[2].lower(): value for name, value in element.attrib.items()}


def identity(element: Any) -> Identity:
    """Within its parent. Elements that share it are told apart by their order."""
    if not isinstance(element.tag, str):
        kind = "comment" if element.tag is etree.Comment else "instruction"
        return (f"<{kind}>", " ".join((element.text or "").split()))
    name = local(element)
    if name == "dependentAssembly":
        one = assembly_of(element).folded()
        return (element.tag, "assembly", one.name, one.token, one.culture)
    own = attributes(element)
    for names in KEYS.get(name, USUAL):
        if all(one.lower() in own for one in names):
            return (element.tag, *(f"{one}={own[one.lower()].casefold()}" for one in names))
    if name in _EQUAL_ONLY:
        return (element.tag, "=", *canonical(element))
    return (element.tag,)


def canonical(element: Any, redirects: bool = True) -> tuple[str, ...]:
    """What an element says, as texts that are equal for equal elements: the order of attributes and the space between
    elements do not count. `redirects` False leaves binding redirects out."""
    if not isinstance(element.tag, str):
        return identity(element)
    parts: list[str] = ["<", element.tag]
    parts += [f"{name}={value}" for name, value in sorted(element.attrib.items())]
    parts.append(f"text={text_of(element)}")
    for child in element:
        if not redirects and is_redirect(child):
            continue
        parts += canonical(child, redirects)
    parts.append(">")
    return tuple(parts)


def text_of(element: Any) -> str:
    """The text of an element. Space counts only where there is nothing else."""
    pieces = [element.text or "", *(child.tail or "" for child in element)]
    if len(element):
        return " ".join(" ".join(pieces).split())
    return "".join(pieces)


def is_redirect(element: Any) -> bool:
    """A binding redirect, or an element that holds nothing but redirects of one assembly."""
    if local(element) == "bindingRedirect":
        return True
    if local(element) != "dependentAssembly" or not redirect_elements(element):
        return False
    return all(local(one) in ("assemblyIdentity", "bindingRedirect", "") for one in element)


def same(one: Any, other: Any, redirects: bool = True) -> bool:
    return canonical(one, redirects) == canonical(other, redirects)


def indexed(parents: Sequence[Any | None]) -> list[dict[Identity, Any]]:
    """The children of each parent by identity, alike for all. A kind of element without a key that stands several times
    in any of them goes by what it says, for its place in the order tells nothing."""
    repeated: set[Identity] = set()
    for parent in parents:
        if parent is not None:
            counts = Counter(identity(child) for child in parent)
            repeated |= {one for one, times in counts.items() if times > 1 and len(one) == 1 and not _in_order(one)}
    return [_indexed(parent, repeated) for parent in parents]


def _in_order(one: Identity) -> bool:
    # Several of them are read as one, so the first stays the first whatever is in it.
    return one[0].rpartition("}")[2] == "assemblyBinding"


def _indexed(parent: Any | None, repeated: set[Identity]) -> dict[Identity, Any]:
    found: dict[Identity, Any] = {}
    times: Counter[Identity] = Counter()
    for child in parent if parent is not None else ():
        one = identity(child)
        if one in repeated:
            one = (*one, "=", *canonical(child))
        times[one] += 1
        if times[one] > 1 and "=" in one:
            continue  # equal to the one before in every respect: it says nothing more
        found[one if times[one] == 1 else (*one, f"#{times[one]}")] = child
    return found


def twins(element: Any) -> list[Any]:
    """An element, and those beside it that are equal to it and go by what they say."""
    one = identity(element)
    repeated = len(one) == 1 and not _in_order(one)
    if "=" not in one and not repeated:
        return [element]
    return [other for other in element.getparent() if other is element or same(other, element)]


def called(element: Any) -> str:
    """How an element is named to people: `add[key=Timeout]`, `comment`, `runtime`."""
    if not isinstance(element.tag, str):
        return "comment" if element.tag is etree.Comment else "instruction"
    name = local(element)
    if name == "dependentAssembly":
        return f"dependentAssembly[{assembly_of(element)}]"
    own = attributes(element)
    for names in KEYS.get(name, USUAL):
        if all(one.lower() in own for one in names):
            return f"{name}[{', '.join(f'{one}={own[one.lower()]}' for one in names)}]"
    if name in _EQUAL_ONLY and own:
        return f"{name}[{', '.join(f'{one}={value}' for one, value in sorted(own.items()))}]"
    return name
