"""Asks every requirement along the roads: findings, and what the plan mends by itself.

All rules are asked before anything stops. What cannot be determined is a blocker marked unknown, whatever the rule's
own level.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from handrail.assessing.country import Country, Road, RoadHop, after_hop
from handrail.assessing.evaluate import Reads
from handrail.assessing.facts import Facts
from handrail.assessing.media import describe
from handrail.assessing.mending import after_mend, concerns, content
from handrail.assessing.roads import Roads
from handrail.guides.language import Unknown
from handrail.model.estate import Medium
from handrail.model.finding import Finding, Level
from handrail.model.guide import MediumNeed, Requirement


@dataclass(frozen=True, slots=True)
class PlannedMend:
    """A requirement that the plan itself satisfies, before hop `hop` of `subject`. Equal `key`: one and the same."""

    key: tuple[object, ...]
    requirement: Requirement
    subject: str
    hop: int
    media: Mapping[str, Medium]
    facts: Facts


@dataclass(frozen=True, slots=True)
class Leg:
    """A hop with the facts just before it; `rests` are the names that rules about it read."""

    hop: RoadHop
    facts: Facts
    mends: tuple[PlannedMend, ...]
    rests: frozenset[str]


@dataclass(frozen=True, slots=True)
class Walked:
    """What the rules say, the legs of every road, by subject, and the errata that rules and edges follow, by guide."""

    findings: tuple[Finding, ...]
    legs: Mapping[str, tuple[Leg, ...]]
    errata: Mapping[str, tuple[str, ...]]


class Rules:
    """Asks the requirements of every guide in use."""

    def __init__(self, roads: Roads) -> None:
        self.roads = roads
        self.findings: dict[Finding, None] = {}
        self._errata: dict[str, dict[str, None]] = {}
        self._concerning: dict[tuple[str, str], tuple[tuple[int, Requirement], ...]] = {}
        self._names: dict[str, frozenset[str]] = {}

    def walk(self) -> Walked:
        legs = {subject: self._road(road) for subject, road in self.roads.roads.items()}
        estate_asked: set[str] = set()
        for deployment, countries in self.roads.crossed.items():
            for country in countries:
                facts = country.book.of_deployment(deployment)
                self._whole(country, "deployment", f"deployment:{deployment}", deployment, facts)
                if country.guide.name not in estate_asked:
                    estate_asked.add(country.guide.name)
                    self._whole(country, "estate", "estate", deployment, facts)
        return Walked(tuple(self.findings), legs, {guide: tuple(ids) for guide, ids in self._errata.items()})

    def _whole(self, country: Country, scope: str, subject: str, deployment: str, facts: Facts) -> None:
        for requirement in country.guide.requirements:
            if requirement.scope == scope:
                self._note_errata(country, requirement, facts)
            if requirement.scope == scope and (answer := content(country.judge, requirement, facts)) is not True:
                if country.asks(requirement, deployment):
                    self._say(country, requirement, subject, facts, answer)
                elif answer is False:
                    self._say_otherwise(country, requirement, subject, facts)

    def _road(self, road: Road) -> tuple[Leg, ...]:
        if road.arrived:
            return ()
        if not road.hops:
            for country in road.countries:
                self._stopped(country, road)
            return ()
        one = road.installation
        before_country = road.country
        facts = now = self._aimed(road)
        legs = []
        mended: set[tuple[object, ...]] = set()
        # The aim's rules of each guide are asked before the last hop that it makes.
        last = {hop.country.guide.name: index for index, hop in enumerate(road.hops)}
        for index, hop in enumerate(road.hops):
            country = hop.country
            component = country.component(one)
            before = country.entered(one, facts, before_country).with_layers(hop.layers)
            # Of the estate as it is: from the road come only the hop that is meant, and what the plan mends.
            now = country.entered(one, now, before_country).with_layers(hop.layers)
            before_country = country
            mends: list[PlannedMend] = []
            is_last = index == last[country.guide.name]
            asked = list(self._of(country, component, "aim")) if is_last else []
            for number, requirement in asked:
                if requirement.mend is not None:
                    mends += self._mending(country, road, index, number, requirement, now, mended)
            before = self._mended(country, before, mends)
            for number, requirement in self._of(country, component, "hop"):
                mending = self._mending(country, road, index, number, requirement, before, mended)
                before = self._mended(country, before, mending)
                mends += mending
            now = self._mended(country, now, mends)
            for number, requirement in asked:
                if requirement.mend is None:
                    self._mending(country, road, index, number, requirement, now, mended)
            if hop.edge.errata:
                self._errata.setdefault(country.guide.name, {}).update(dict.fromkeys(hop.edge.errata))
            legs.append(Leg(hop, before, tuple(mends), self._read(country, component, is_last)))
            facts = after_hop(hop, one.deployment, before)
        return tuple(legs)

    def _stopped(self, country: Country, road: Road) -> None:
        """The aim's rules where there is no road."""
        facts = country.entered(road.installation, self._aimed(road), road.country)
        for _, requirement in self._of(country, country.component(road.installation), "aim"):
            self._one(country, road, requirement, facts)

    def _aimed(self, road: Road) -> Facts:
        """The facts as they are, with the build that the road ends at."""
        if not road.hops or (build := road.hops[-1].after.build) is None:
            return road.facts
        return road.facts.with_layer("aim", {**road.facts.layers["aim"], "build": build})

    def _of(self, country: Country, component: str, ask: str) -> Iterable[tuple[int, Requirement]]:
        key = (country.guide.name, component)
        if key not in self._concerning:
            self._concerning[key] = tuple(
                (number, one)
                for number, one in enumerate(country.guide.requirements)
                if one.scope not in ("deployment", "estate") and (not one.components or component in one.components)
            )
        return (pair for pair in self._concerning[key] if pair[1].ask == ask)

    def _read(self, country: Country, component: str, last: bool) -> frozenset[str]:
        """The facts that rules about a hop of this component read."""
        key = f"{country.guide.name} {component} {last}"
        if key not in self._names:
            asked = [*self._of(country, component, "hop"), *(self._of(country, component, "aim") if last else ())]
            texts = [text for _, one in asked for text in (one.when, one.must)]
            texts += [edge.when for _, edge in country.edges(component)]
            self._names[key] = country.judge.names(texts)
        return self._names[key]

    def _one(self, country: Country, road: Road, requirement: Requirement, facts: Facts) -> None:
        subject = _subject(requirement, road, facts)
        self._note_errata(country, requirement, facts)
        if subject is None or (answer := content(country.judge, requirement, facts)) is True:
            return
        if country.asks(requirement, road.installation.deployment):
            self._say(country, requirement, subject, facts, answer)
        elif answer is False:
            self._say_otherwise(country, requirement, subject, facts)

    def _mending(
        self,
        country: Country,
        road: Road,
        index: int,
        number: int,
        requirement: Requirement,
        facts: Facts,
        mended: set[tuple[object, ...]],
    ) -> list[PlannedMend]:
        """Ask one rule before one hop; the mend, when the rule does not hold and the plan can see to it."""
        subject = _subject(requirement, road, facts)
        if subject is None:
            return []
        self._note_errata(country, requirement, facts)
        answer = content(country.judge, requirement, facts)
        if answer is True:
            return []
        if not country.asks(requirement, road.installation.deployment, road.hops[index]):
            if answer is False:
                self._say_otherwise(country, requirement, subject, facts)
            return []
        mend = requirement.mend
        if answer is not False or mend is None:
            self._say(country, requirement, subject, facts, answer)
            return []
        picked = country.shelf.pick(mend.media, country.component(road.installation), facts)
        if picked.missing:
            words = "; ".join(describe(mend.media[name], country.guide.name) for name in picked.missing)
            self._say(country, requirement, subject, facts, False, lacking=words)
            return []
        # The same mend, asked for by several installations or at several hops, is made once for equal facts.
        read = country.judge.names([requirement.when, requirement.must])
        settled = tuple(name for name in read if not name.startswith(("hop.", "aim.", "installation.", "component.")))
        media = tuple(sorted((need, medium.id) for need, medium in picked.media.items()))
        leaving = bool(country.procedures.leaving(mend.procedure))
        where = requirement.mend.procedure if requirement.mend else ""
        key = (
            country.guide.name,
            number,
            where,
            subject,
            media,
            country.judge.key(Reads.of(settled), facts) if leaving else (),
        )
        if key in mended:
            return []
        mended.add(key)
        within = facts.with_layer("media", {**facts.layers.get("media", {}), **country.media(picked.media)})
        planned = PlannedMend(key, requirement, road.installation.subject, index, picked.media, within)
        after = self._mended(country, facts, [planned])
        if leaving and content(country.judge, requirement, after) is not True:
            self._say(country, requirement, subject, facts, False)
            return []
        message = country.judge.phrase(mend.says or requirement.says, within)
        if not mend.says:
            message += ". The plan sees to it."
        self._add(country, requirement, "note", subject, message, "")
        return [planned]

    def _note_errata(self, country: Country, requirement: Requirement, facts: Facts) -> None:
        if requirement.errata and concerns(country.judge, requirement, facts):
            self._errata.setdefault(country.guide.name, {}).update(dict.fromkeys(requirement.errata))

    def _mended(self, country: Country, facts: Facts, mends: Iterable[PlannedMend]) -> Facts:
        for mend in mends:
            facts = after_mend(country, mend.requirement, mend.facts.layers["media"], facts)
        return facts

    def _say(
        self,
        country: Country,
        requirement: Requirement,
        subject: str,
        facts: Facts,
        answer: bool | Unknown,
        lacking: str = "",
    ) -> None:
        phrase = country.judge.phrase
        if isinstance(answer, Unknown):
            names = ", ".join(facts.address(name) for name in answer.missing)
            what = phrase(requirement.says, facts)
            message = f"Not known: {names}. So this cannot be ruled out: {what}"
            settle = phrase(requirement.settle, facts) if requirement.settle else ""
            remedy = (f"Find out with `{settle}`, then state " if settle else "State ") + f"{names} in the estate file."
            self._add(country, requirement, "blocker", subject, message, remedy, unknown=True)
            return
        remedy = phrase(requirement.remedy, facts)
        if lacking:
            remedy = f"{remedy} Or put into the estate: {lacking}.".strip()
        self._add(country, requirement, requirement.level, subject, phrase(requirement.says, facts), remedy)

    def _say_otherwise(self, country: Country, requirement: Requirement, subject: str, facts: Facts) -> None:
        """What a revision says that does not count here: a note, so that both can be seen."""
        said = country.judge.phrase(requirement.says, facts)
        message = f"The revision of {' and '.join(requirement.revision)} says: {said}"
        remedy = "Nothing to do: another revision of the document counts here."
        self._add(country, requirement, "note", subject, message, remedy)

    def _add(
        self,
        country: Country,
        requirement: Requirement,
        level: Level,
        subject: str,
        message: str,
        remedy: str,
        unknown: bool = False,
    ) -> None:
        source = country.compiled.cite(requirement.source)
        self.findings[Finding(requirement.rule, level, subject, message, remedy, source, unknown)] = None


def _subject(requirement: Requirement, road: Road, facts: Facts) -> str | None:
    """What a finding is about; None when there is nothing to ask of (no database, for a rule about databases)."""
    if requirement.scope == "installation":
        return road.installation.subject
    base = facts.addresses.get(requirement.scope)
    if requirement.scope == "database" and base is None:
        component_has_one = not facts.layers.get("database")
        return road.installation.subject if component_has_one else None
    if requirement.scope == "account" and base is not None and not base.startswith("account:"):
        return road.installation.subject
    return base


def needs_of(hop: RoadHop) -> dict[str, MediumNeed]:
    """The needs of a hop that no medium meets."""
    return {name: hop.edge.media[name] for name in hop.picked.missing}


def with_acceptance(finding: Finding, acceptable: bool, accepted: bool) -> Finding:
    """The finding as accepted, or with a word on why it cannot be."""
    if not accepted or finding.level != "blocker":
        return finding
    if acceptable:
        return replace(finding, accepted=True)
    return replace(finding, remedy=f"{finding.remedy} This rule cannot be accepted.".strip())
