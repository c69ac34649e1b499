"""Lines: guides of which the later one carries on where the earlier one ends.

An estate of either may aim at a release of the other. Every hop is made by the guide that its edge stands in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from handrail.errors import BadInput

if TYPE_CHECKING:
    from handrail.guides.catalogue import Catalogue, CompiledGuide


@dataclass(frozen=True)
class Line:
    """`guides` are those of one line, the earliest first; often it is one alone."""

    guides: tuple[CompiledGuide, ...]

    def owner(self, release: str | None) -> CompiledGuide | None:
        """The guide that a release belongs to."""
        return next((one for one in self.guides if release in one.guide.releases), None)

    def owner_of_aim(self, aim: str) -> CompiledGuide | None:
        """The guide that what is aimed at belongs to: a release, or a build."""
        return self.owner(aim) or next((one for one in self.guides if one.release_of(aim) is not None), None)

    def between(self, first: CompiledGuide, last: CompiledGuide | None) -> tuple[CompiledGuide, ...]:
        """The guides that a road from one to the other may use; `first` alone when the other is not later."""
        begin = self.guides.index(first)
        end = self.guides.index(last) if last is not None else begin
        return self.guides[begin : max(begin, end) + 1]

    def component(self, name: str, of: str, to: str) -> str | None:
        """What guide `to` calls a component that guide `of` calls `name`; None when it has none."""
        found = {of: name}
        waiting = [of]
        while waiting:
            guide = waiting.pop()
            for other, renamed in self._beside(guide, found[guide]):
                if other not in found:
                    found[other] = renamed
                    waiting.append(other)
        target = next((one for one in self.guides if one.guide.name == to), None)
        called = found.get(to)
        return called if target is not None and called in target.guide.components else None

    def _beside(self, guide: str, name: str) -> Iterator[tuple[str, str]]:
        for one in self.guides:
            for joined in one.guide.continues:
                if one.guide.name == guide:
                    back = {ours: theirs for theirs, ours in joined.components.items()}
                    yield joined.guide, back.get(name, name)
                elif joined.guide == guide:
                    yield one.guide.name, joined.components.get(name, name)


def line_of(catalogue: Catalogue, product: str) -> Line:
    """The line of a product's guide: all that it continues, and all that continue it. UnknownName when there is no such
    guide; joined guides that are not in the catalogue are left out."""
    start = catalogue.of(product)
    found = {start.guide.name: start}
    for onwards in (_earlier, _later):
        waiting = [start]
        while waiting:
            for name in sorted(onwards(catalogue, waiting.pop())):
                if name in catalogue.guides and name not in found:
                    found[name] = catalogue.guides[name]
                    waiting.append(found[name])
    return Line(tuple(_earliest_first(found.values())))


def _earlier(_: Catalogue, one: CompiledGuide) -> set[str]:
    return {joined.guide for joined in one.guide.continues}


def _later(catalogue: Catalogue, one: CompiledGuide) -> set[str]:
    guides = (other.guide for other in catalogue.guides.values())
    return {guide.name for guide in guides if any(joined.guide == one.guide.name for joined in guide.continues)}


def _earliest_first(guides: Iterable[CompiledGuide]) -> list[CompiledGuide]:
    by_name = {one.guide.name: one for one in guides}
    ordered: dict[str, CompiledGuide] = {}

    def add(name: str, later: tuple[str, ...]) -> None:
        if name in later:
            circle = " continues ".join((*later[later.index(name) :], name))
            raise BadInput(f"These guides go in a circle: {circle}.", "Take one `continues` out.")
        if name in ordered or name not in by_name:
            return
        for joined in by_name[name].guide.continues:
            add(joined.guide, (*later, name))
        ordered[name] = by_name[name]

    for name in sorted(by_name):
        add(name, ())
    return list(ordered.values())


def check_line(catalogue: Catalogue, product: str) -> list[BadInput]:
    """What is wrong with the joints of a guide: guides that are not there, releases that two of a line have, edges that
    begin nowhere."""
    guide, tree = catalogue.of(product).guide, catalogue.of(product).tree
    place = tree.key_place("continues") if guide.continues else tree.place("releases")
    mistakes = []
    for joined in guide.continues:
        other = catalogue.guides.get(joined.guide)
        if other is None:
            mistakes.append(
                BadInput(f"The guide {joined.guide!r}, which this one continues, is not there.", "Add it.", place)
            )
        elif other.guide.versioning != guide.versioning:
            message = f"{joined.guide!r} counts builds in another way ({other.guide.versioning})."
            mistakes.append(BadInput(message, "Guides of one line have one versioning.", place))
        elif unknown := sorted(set(joined.components) - set(other.guide.components)):
            mistakes.append(BadInput(f"{joined.guide!r} has no component {unknown[0]!r}.", "Correct it.", place))
    try:
        line = line_of(catalogue, product)
    except BadInput as error:
        return [*mistakes, BadInput(error.message, error.advice, place)]
    known = {release for one in line.guides for release in one.guide.releases}
    for one in line.guides:
        shared = sorted(set(one.guide.releases) & set(guide.releases)) if one.guide.name != guide.name else []
        if shared:
            message = f"The release {shared[0]!r} is one of {one.guide.name!r} too."
            mistakes.append(BadInput(message, "In one line each release has its own name.", place))
    for edge, keys in zip(guide.edges, catalogue.of(product).edge_keys, strict=False):
        if edge.from_.release is not None and edge.from_.release not in known:
            where = tree.place(*keys)
            mistakes.append(BadInput(f"No guide of the line has the release {edge.from_.release!r}.", "", where))
    return mistakes
