"""Which block comes before which, and why: hops of one installation, order rules of guides, mends before hops.

Where many come before many, a barrier stands between them, so that the links stay as many as the installations.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from handrail.assessing.country import Country
from handrail.model.estate import Estate
from handrail.model.finding import Citation
from handrail.model.guide import Order
from handrail.planning.blocks import Block
from handrail.planning.graph import Link

OURS_NEXT_HOP = Citation("ours", "the hops of an installation follow each other")
OURS_MEND = Citation("ours", "what a hop requires is seen to before it")


@dataclass(frozen=True, slots=True)
class Reason:
    """`partial`: it holds between these two blocks, and says nothing of others like them."""

    text: str
    source: Citation
    partial: bool = False


@dataclass(frozen=True, slots=True)
class Barrier:
    """A step that no host carries out: it ends when all before it have, or, where it is `tolerant`, cannot go on. It
    begins `soak` seconds after that, and may ask people a `question`."""

    key: str
    deployment: str
    reason: Reason
    question: str | None = None
    soak: float = 0.0
    tolerant: bool = False


@dataclass(frozen=True, slots=True)
class Web:
    """Blocks, barriers, and what links them."""

    blocks: dict[str, Block]
    barriers: dict[str, Barrier]
    links: list[Link[Reason]]

    def take_apart(self, keys: Iterable[str]) -> None:
        """Make these hops in two parts: their heads wait only for what is the installation's own, their tails for all
        that the hops waited for."""
        tails: dict[str, str] = {}
        for key in keys:
            halves = self.blocks[key].halves()
            if halves is None:
                continue
            head, tail = halves
            self.blocks[head.key], self.blocks[tail.key] = head, tail
            tails[key] = tail.key
        if not tails:
            return
        own = (OURS_NEXT_HOP, OURS_MEND)
        self.links[:] = [
            Link(
                tails.get(link.first, link.first),
                link.then if link.tag.source in own else tails.get(link.then, link.then),
                link.tag,
            )
            for link in self.links
        ]
        self.links.extend(Link(head, tail, Reason("Down first.", OURS_NEXT_HOP)) for head, tail in tails.items())

    def all_before_all(self, name: str, firsts: Sequence[str], thens: Sequence[str], reason: Reason) -> None:
        """Every one of `firsts` before every one of `thens`; `name` names the barrier if one is needed."""
        if not firsts or not thens:
            return
        if len(firsts) * len(thens) <= len(firsts) + len(thens):
            self.links.extend(Link(first, then, reason) for first in firsts for then in thens)
            return
        if name not in self.barriers:
            self.barriers[name] = Barrier(name, name.partition("/")[0], reason)
        self.links.extend(Link(first, name, reason) for first in firsts)
        self.links.extend(Link(name, then, reason) for then in thens)


def weave(
    estate: Estate,
    countries: Mapping[str, Sequence[Country]],
    blocks: dict[str, Block],
    mends: Mapping[str, Sequence[tuple[str, int]]],
) -> Web:
    """All links that are certain before states in between are looked at. `countries`: the guides that each deployment's
    roads lead through."""
    web = Web(blocks, {}, [])
    hops: dict[tuple[str, int], Block] = {(one.subject, one.index): one for one in blocks.values() if not one.mend}
    for (subject, index), block in hops.items():
        if index:
            before = hops[subject, index - 1]
            web.links.append(Link(before.key, block.key, Reason(f"First to {before.hop_to}.", OURS_NEXT_HOP)))
    for key, waiting in mends.items():
        reason = Reason(f"{blocks[key].hop_to} requires it.", OURS_MEND, partial=True)
        for subject, index in waiting:
            web.links.append(Link(key, hops[subject, index].key, reason))
            if index:
                then = Reason("It is for the next hop.", OURS_NEXT_HOP, partial=True)
                web.links.append(Link(hops[subject, index - 1].key, key, then))
    by_deployment: dict[str, list[Block]] = {}
    for block in hops.values():
        by_deployment.setdefault(block.deployment, []).append(block)
    for deployment, own in sorted(by_deployment.items()):
        for country in countries[deployment]:
            made = _Names(block for block in own if block.country is country)
            for number, rule in enumerate(country.guide.order):
                if not rule.across:
                    _apply(web, country, rule, f"{deployment}/{rule.first}@all", number, made)
    _apply_across(web, estate, countries, hops.values())
    return web


class _Names:
    """Blocks by the names that order rules use."""

    def __init__(self, blocks: Iterable[Block], products: Mapping[str, str] | None = None) -> None:
        self._by_name: dict[str, list[Block]] = {}
        for block in blocks:
            names = {block.component}
            if products is not None:
                names |= {products[block.deployment], f"{products[block.deployment]}/{block.component}"}
            for name in names:
                self._by_name.setdefault(name, []).append(block)

    def of(self, name: str | None) -> list[Block]:
        return self._by_name.get(name or "", [])


def _apply_across(
    web: Web, estate: Estate, countries: Mapping[str, Sequence[Country]], blocks: Iterable[Block]
) -> None:
    products = {id: one.product for id, one in estate.deployments.items()}
    guides = {country.guide.name: country for crossed in countries.values() for country in crossed}
    names: _Names | None = None
    for name, country in sorted(guides.items()):
        for number, rule in enumerate(country.guide.order):
            if rule.across:
                names = names or _Names(blocks, products)
                if rule.sequence:
                    _apply_sequence(web, country, rule, number, names)
                    continue
                _apply(web, country, rule, f"{name}/{rule.first}@all", number, names)


def _apply_sequence(web: Web, country: Country, rule: Order, number: int, names: _Names) -> None:
    """What is this guide's own comes after everything before it; the others' guides see to theirs."""
    own = {country.guide.name, *country.guide.components}
    for place, then in enumerate(rule.sequence):
        for first in rule.sequence[:place] if then in own else ():
            pair = replace(rule, first=first, then=then, sequence=())
            _apply(web, country, pair, f"{country.guide.name}/{first}@all", number, names)


def _apply(web: Web, country: Country, rule: Order, prefix: str, number: int, names: _Names) -> None:
    reason = Reason(rule.because, country.compiled.cite(rule.source))
    if rule.one_by_one is not None:
        reason = replace(reason, partial=True)
        for release in _releases(country, rule, names.of(rule.one_by_one)):
            mine = sorted(
                (block for block in names.of(rule.one_by_one) if block.release == release),
                key=lambda block: (block.hop_to, block.index, block.key),
            )
            web.links.extend(
                Link(one.key, other.key, reason) for one, other in pairwise(mine) if one.subject != other.subject
            )
        return
    rank = {release: place for place, release in enumerate(country.guide.releases)}
    firsts, thens = names.of(rule.first), names.of(rule.then)
    for release in _releases(country, rule, thens):
        after = [block.key for block in thens if block.release == release]
        furthest: dict[str, Block] = {}
        for block in firsts:
            if block.release is None or (rule.to and block.release not in rule.to):
                continue
            if rank.get(block.release, 0) <= rank.get(release, 0):
                known = furthest.get(block.subject)
                if known is None or known.index < block.index:
                    furthest[block.subject] = block
        before = [block.key for block in furthest.values()]
        web.all_before_all(f"{prefix}/{release}/before-{rule.then}-{number}", before, after, reason)


def _releases(country: Country, rule: Order, blocks: Iterable[Block]) -> list[str]:
    """The releases that these hops reach and that the rule is about, in the guide's order."""
    reached = {block.release for block in blocks if block.release is not None}
    wanted = [one for one in country.guide.releases if one in reached and (not rule.to or one in rule.to)]
    return wanted + sorted(reached - set(country.guide.releases)) if not rule.to else wanted
