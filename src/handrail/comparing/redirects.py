"""Assembly binding redirects: which versions of an assembly are taken for which other one.

.NET finds the element by the assembly's name, public key token and culture (case does not count; no culture is
`neutral`) and takes the redirect whose `oldVersion` range holds the version that was asked for. Redirects do not chain.
Two sides that both changed one are joined: the ranges to one that holds both, the newer of the two versions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

NAMESPACE = "urn:schemas-microsoft-com:asm.v1"
_VERSION = re.compile(r"\d{1,9}(?:\.\d{1,9}){0,3}")

Version = tuple[int, int, int, int]


def version(text: str) -> Version | None:
    """Four numbers; missing ones are 0. None for what is no version."""
    if not _VERSION.fullmatch(text.strip()):
        return None
    numbers = [int(one) for one in text.strip().split(".")]
    numbers += [0] * (4 - len(numbers))
    return numbers[0], numbers[1], numbers[2], numbers[3]


@dataclass(frozen=True, slots=True, order=True)
class Assembly:
    """What a redirect is about. `applies_to` is the runtime that its `assemblyBinding` is limited to, if any."""

    name: str
    token: str = ""
    culture: str = "neutral"
    applies_to: str = ""

    def __str__(self) -> str:
        more = [one for one in (self.token, self.culture if self.culture != "neutral" else "", self.applies_to) if one]
        return self.name + (f" ({', '.join(more)})" if more else "")

    def folded(self) -> Assembly:
        return Assembly(
            self.name.casefold(),
            self.token.casefold(),
            (self.culture or "neutral").casefold(),
            self.applies_to.casefold(),
        )


@dataclass(frozen=True, slots=True, order=True)
class Redirect:
    """`old` is a version or a range `LOW-HIGH`, `new` a version; both as written."""

    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.old} to {self.new}"

    @property
    def span(self) -> tuple[Version, Version] | None:
        """None when the range is not understood."""
        low, _, high = self.old.partition("-")
        first, last = version(low), version(high or low)
        return (first, last) if first is not None and last is not None and first <= last else None

    @property
    def target(self) -> Version | None:
        return version(self.new)

    def covers(self, other: Redirect) -> bool:
        """Whether everything that the other one redirects goes at least as far by this one."""
        if self == other:
            return True
        mine, its = self.span, other.span
        if mine is None or its is None or self.target is None or other.target is None:
            return False
        return mine[0] <= its[0] and its[1] <= mine[1] and self.target >= other.target


Redirects = tuple[Redirect, ...]


def local(element: Any) -> str:
    """The name of an element without its namespace; of a comment or instruction: nothing."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def assembly_of(dependent: Any) -> Assembly:
    """The assembly that a `dependentAssembly` is about."""
    binding = dependent.getparent()
    applies = binding.get("appliesTo", "") if binding is not None else ""
    for child in dependent:
        if local(child) == "assemblyIdentity":
            token, culture = child.get("publicKeyToken", ""), child.get("culture", "neutral")
            return Assembly(child.get("name", ""), token, culture or "neutral", applies)
    return Assembly("", applies_to=applies)


def dependents(root: Any) -> Iterator[Any]:
    """Every `dependentAssembly` within `runtime/assemblyBinding`, in the order of the document."""
    for runtime in root:
        if local(runtime) == "runtime":
            for binding in runtime:
                if local(binding) == "assemblyBinding":
                    yield from (one for one in binding if local(one) == "dependentAssembly")


def redirect_elements(dependent: Any) -> list[Any]:
    return [one for one in dependent if local(one) == "bindingRedirect"]


def redirect_of(element: Any) -> Redirect:
    old = "-".join(part.strip() for part in element.get("oldVersion", "").split("-"))
    return Redirect(old, element.get("newVersion", "").strip())


def redirects(root: Any) -> dict[Assembly, Redirects]:
    """All redirects of a document by assembly, names folded; in the order of their ranges."""
    found: dict[Assembly, list[Redirect]] = {}
    for dependent in dependents(root):
        for element in redirect_elements(dependent):
            found.setdefault(assembly_of(dependent).folded(), []).append(redirect_of(element))
    return {assembly: tuple(sorted(set(some))) for assembly, some in found.items()}


def spelled(root: Any) -> dict[Assembly, Assembly]:
    """Folded names to names as the document writes them."""
    return {assembly_of(one).folded(): assembly_of(one) for one in dependents(root)}


def joined(one: Redirects, other: Redirects) -> Redirects | None:
    """What holds for both. None when that is not plain: several redirects that are not covered by the other side's,
    or something that is not understood."""
    if covered(one, by=other):
        return other
    if covered(other, by=one):
        return one
    if len(one) != 1 or len(other) != 1:
        return None
    first, second = one[0], other[0]
    if first.span is None or second.span is None or first.target is None or second.target is None:
        return None
    low = min((first, second), key=lambda each: each.span or ()).old.partition("-")[0]
    high = max((first, second), key=lambda each: (each.span or ((), ()))[1]).old.rpartition("-")[2]
    new = max((first, second), key=lambda each: each.target or ()).new
    return (Redirect(f"{low}-{high}" if low != high else low, new),)


def covered(some: Redirects, by: Redirects) -> bool:
    """Whether each of `some` is covered by one of the others."""
    return all(any(other.covers(one) for other in by) for one in some)


def lacking(
    found: Mapping[Assembly, Redirects], wanted: Mapping[Assembly, Redirects]
) -> list[tuple[Assembly, Redirect]]:
    """Redirects that are wanted and that nothing found covers."""
    return [
        (assembly, one)
        for assembly, some in sorted(wanted.items())
        for one in some
        if not covered((one,), by=found.get(assembly, ()))
    ]


def lands(found: Redirects, asked: Version) -> Version:
    """The version that is loaded when `asked` is asked for."""
    for one in found:
        if one.span is not None and one.target is not None and one.span[0] <= asked <= one.span[1]:
            return one.target
    return asked
