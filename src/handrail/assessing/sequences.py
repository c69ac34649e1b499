"""Where products stand in the official sequences that guides list (`order: sequence`), across all deployments.

Facts of an installation: which of the products that come later are upgraded already, which of those that come earlier
are left behind, and which are upgraded in the same plan.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from handrail.guides.catalogue import Catalogue, CompiledGuide
from handrail.model.estate import Aim, Estate, Installation
from handrail.model.guide import Guide

NAMES = ("sequence", "overtaken_by", "overtakes", "sequenced_with")


@dataclass(frozen=True, slots=True)
class Standing:
    """One installation: the names that sequences may call it by, the releases that it has reached, and its aim."""

    subject: str
    deployment: str
    names: frozenset[str]
    reached: frozenset[str]
    to: str | None


def standings(estate: Estate, catalogue: Catalogue, aims: Mapping[str, Aim]) -> tuple[Standing, ...]:
    """All installations of products with a guide; none when no guide in use lists a sequence."""
    guides = {id: catalogue.guides.get(one.product) for id, one in estate.deployments.items()}
    if not any(rule.sequence for one in guides.values() if one is not None for rule in one.guide.order):
        return ()
    found = []
    for id, compiled in guides.items():
        for one in estate.deployments[id].installations if compiled is not None else ():
            assert compiled is not None
            reached = _reached(compiled, one)
            names = frozenset((compiled.guide.name, one.component))
            found.append(Standing(one.subject, id, names, reached, aims[id].to if id in aims else None))
    return tuple(found)


def _reached(compiled: CompiledGuide, one: Installation) -> frozenset[str]:
    releases = tuple(compiled.guide.releases)
    at = (compiled.release_of(one.build) if one.build else None) or one.release
    return frozenset(releases[: releases.index(at) + 1]) if at in releases else frozenset()


def facts(guide: Guide, one: Installation, release: str, others: tuple[Standing, ...]) -> dict[str, list[str]]:
    """`release` is the one that the installation's deployment is aimed at."""
    nothing: dict[str, list[str]] = {name: [] for name in NAMES}
    own = {guide.name, one.component}
    sequence = next(
        (
            list(rule.sequence)
            for rule in guide.order
            if rule.sequence and (not rule.to or release in rule.to) and own & set(rule.sequence)
        ),
        None,
    )
    if sequence is None:
        return nothing
    place = min(sequence.index(name) for name in own & set(sequence))
    me = next((other for other in others if other.subject == one.subject), None)
    if me is None or release in me.reached:
        return {**nothing, "sequence": sequence}
    found = {**nothing, "sequence": sequence}
    for other in others:
        known = [sequence.index(name) for name in other.names if name in sequence]
        if not known or (other.deployment == one.deployment and min(known) == place):
            continue
        there = release in other.reached
        if there and min(known) > place:
            found["overtaken_by"].append(other.subject)
        if not there and other.to is not None and min(known) != place:
            found["sequenced_with"].append(other.subject)
        if not there and other.to is None and min(known) < place:
            found["overtakes"].append(other.subject)
    return found
