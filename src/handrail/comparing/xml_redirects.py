"""Merging binding redirects into a document: both directions of what goes wrong with them.

An installer that overwrites the file loses redirects that were added; one that keeps an edited file leaves its own new
ones out, and no extension loads any more. After this both kinds are there.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from lxml import etree

from handrail.comparing.fates import Fate
from handrail.comparing.redirects import (
    NAMESPACE,
    Assembly,
    Redirects,
    assembly_of,
    covered,
    dependents,
    joined,
    local,
    redirect_elements,
    redirects,
    spelled,
)
from handrail.comparing.xml_identity import is_redirect
from handrail.comparing.xml_placing import insert, take_out


def merge_redirects(asset: str, base: Any | None, mine: Any, new: Any, out: Any) -> Iterator[Fate]:
    """Bring the redirects of `out`, which has those of `new`, to what they should be; a row for each customised one.

    Lazily: exhaust it before `out` is used.
    """
    before = redirects(base) if base is not None else {}
    own, ships = redirects(mine), redirects(new)
    names = {**spelled(new), **spelled(mine)}
    for assembly in sorted({*before, *own}):
        if base is None and own.get(assembly, ()) in ((), ships.get(assembly)):
            continue
        was, has, now = (some.get(assembly, ()) for some in (before, own, ships))
        name = names.get(assembly, assembly)
        if has == was and base is not None:
            _write(out, mine, assembly, now)
        else:
            yield _one(asset, out, mine, assembly, name, (was, has, now))


def _one(
    asset: str, out: Any, mine: Any, assembly: Assembly, name: Assembly, sides: tuple[Redirects, Redirects, Redirects]
) -> Fate:
    was, has, now = sides
    item = f"redirect of {name}"
    yours = _told(has) if has else "taken out"
    ask = "Decide which redirect stands; without one that reaches what is installed no extension loads."
    if has == now:
        _write(out, mine, assembly, now)
        return Fate(asset, item, "carried", yours, _told(now), "what ships now has it too")
    if now == was:
        _write(out, mine, assembly, has)
        return Fate(asset, item, "carried", yours, _told(has), "" if has else "it was taken out, and stays out")
    if not has:
        _write(out, mine, assembly, now)
        return Fate(asset, item, "needs-a-person", yours, None, f"what ships now has {_told(now)}", ask)
    if not now:
        _write(out, mine, assembly, has)
        return Fate(asset, item, "needs-a-person", yours, None, "you changed it, and it does not ship any more", ask)
    both = joined(has, now)
    if both is None or both == was:  # joined, they would be what both of you left
        _write(out, mine, assembly, now)
        because = f"what ships now has {_told(now)}, and they cannot be joined"
        return Fate(asset, item, "needs-a-person", yours, None, because, ask)
    _write(out, mine, assembly, both)
    if both == now and covered(has, by=now):
        because = "what ships now covers it: every version that it redirected goes as far or farther"
        return Fate(asset, item, "dropped", yours, _told(now), because)
    because = f"joined with what ships now, {_told(now)}"
    return Fate(asset, item, "merged", yours, _told(both), because)


def _told(some: Redirects) -> str | None:
    return ", ".join(map(str, some)) or None


def _write(out: Any, mine: Any, assembly: Assembly, wanted: Redirects) -> None:
    """Make these the redirects of the assembly in `out`, changing as little as possible."""
    if redirects(out).get(assembly, ()) == wanted:
        return
    there = [one for one in dependents(out) if assembly_of(one).folded() == assembly]
    elements = [redirect for one in there for redirect in redirect_elements(one)]
    if not wanted:
        for one in there:
            if is_redirect(one):
                take_out(one)
        for redirect in elements:
            if redirect.getparent() is not None and redirect.getroottree().getroot() is out:
                take_out(redirect)
        return
    if not there:
        there = [_added(out, mine, assembly)]
        elements = redirect_elements(there[0])
    for redirect in elements[len(wanted) :]:
        take_out(redirect)
    for number, one in enumerate(wanted):
        if number < len(elements):
            element = elements[number]
        else:
            element = etree.SubElement(there[0], f"{{{NAMESPACE}}}bindingRedirect")
            there[0].remove(element)
            insert(element, there[0], len(there[0]))
        element.set("oldVersion", one.old)
        element.set("newVersion", one.new)


def _added(out: Any, mine: Any, assembly: Assembly) -> Any:
    """The assembly's element, copied from mine into `out`, with what has to stand around it."""
    source = next(one for one in dependents(mine) if assembly_of(one).folded() == assembly)
    runtime = next((one for one in out if local(one) == "runtime"), None)
    if runtime is None:
        runtime = etree.Element("runtime")
        insert(runtime, out, len(out))
    bindings = [one for one in runtime if local(one) == "assemblyBinding"]
    binding = next((one for one in bindings if one.get("appliesTo", "").casefold() == assembly.applies_to), None)
    if binding is None:
        binding = etree.Element(f"{{{NAMESPACE}}}assemblyBinding", nsmap={None: NAMESPACE})
        if source.getparent().get("appliesTo"):
            binding.set("appliesTo", source.getparent().get("appliesTo"))
        insert(binding, runtime, len(runtime))
    copy = deepcopy(source)
    insert(copy, binding, len(binding))
    return copy
