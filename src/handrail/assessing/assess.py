"""Whether an estate may go where it is aimed: every rule is asked before anything stops."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from handrail.assessing.country import Country, Road, RoadHop
from handrail.assessing.media import describe
from handrail.assessing.roads import Roads, find_roads
from handrail.assessing.rules import Leg, Rules, needs_of, with_acceptance
from handrail.assessing.transport_rules import RULES as TRANSPORT_RULES
from handrail.errors import UnknownName
from handrail.guides.catalogue import Catalogue
from handrail.guides.revisions import document_of
from handrail.model.estate import Acceptance, Estate
from handrail.model.finding import Assessment, Citation, Finding, Level
from handrail.model.guide import Guide

# Rules of the engine itself, for every product.
NO_ROAD = "handrail/no-road"
"""No supported moves lead an installation from its build to the release that it shall reach."""
UNKNOWN_CONDITION = "handrail/unknown-condition"
"""Whether a move is possible, or a step is needed, hangs on something that the estate does not state."""
MISSING_MEDIA = "handrail/missing-media"
"""A planned move needs media that the estate does not have, and its guide names no rule of its own for that."""
NO_WAY_BACK = "handrail/no-way-back"
"""A step may destroy something, and no restore point of it has been proved before; or nothing puts it back."""
ORDER_CYCLE = "handrail/order-cycle"
"""The rules of order ask for one thing before another and for the other before the one."""
UNKNOWN_FACT = "handrail/unknown-fact"
"""A step needs a value that the estate does not state."""
STATE_IN_BETWEEN = "handrail/state-in-between"
"""On the way, releases would stand together that do not work together. A risk where they already do so now."""
WAY_BACK_MEDIUM = "handrail/way-back/medium"
"""The way back needs a medium that the estate does not have; a person would have to bring it."""
WAY_BACK_UNKNOWN = "handrail/way-back/unknown"
"""The way back needs a fact that the estate does not state; that step of it is left to a person."""
OTHER_SYSTEM = "handrail/other-system"
"""A step's action does not work on the system that its host runs."""
OWN_RULES = (
    *(NO_ROAD, UNKNOWN_CONDITION, MISSING_MEDIA, NO_WAY_BACK, ORDER_CYCLE, UNKNOWN_FACT, STATE_IN_BETWEEN),
    *(WAY_BACK_MEDIUM, WAY_BACK_UNKNOWN, OTHER_SYSTEM),
)
OWN_ACCEPTABLE = frozenset({NO_WAY_BACK, STATE_IN_BETWEEN, WAY_BACK_MEDIUM, WAY_BACK_UNKNOWN})

_LEVELS: Mapping[Level, int] = {"blocker": 0, "risk": 1, "note": 2}


@dataclass(frozen=True, slots=True)
class Survey:
    """Everything that is known before steps are made: roads, the legs of each, and what the rules say."""

    estate: Estate
    roads: Roads
    legs: Mapping[str, tuple[Leg, ...]]
    findings: tuple[Finding, ...]
    acceptances: tuple[Acceptance, ...]
    errata: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def aim(self) -> dict[str, str]:
        return {id: aim.to for id, aim in self.roads.aims.items()}

    def assessment(self, more: Iterable[Finding] = ()) -> Assessment:
        """The findings, with those accepted that may be, the gravest first."""
        return Assessment(self.estate.name, self.aim, self.judged(more))

    def judged(self, more: Iterable[Finding] = ()) -> tuple[Finding, ...]:
        acceptable = self._acceptable()
        found = dict.fromkeys(
            with_acceptance(finding, finding.rule in acceptable, _accepts(self.acceptances, finding))
            for finding in (*self.findings, *more)
        )
        return tuple(sorted(found, key=lambda one: (_LEVELS[one.level], one.rule, one.subject, one.message)))

    def _acceptable(self) -> frozenset[str]:
        guides = [country.guide for country in self.roads.guides().values()]
        named = {one.rule for guide in guides for one in guide.requirements if one.acceptable}
        return OWN_ACCEPTABLE | named | {rule for guide in guides for rule in _withdrawn_rules(guide)}


def survey(
    estate: Estate, catalogue: Catalogue, *, to: Mapping[str, str] | None = None, accept: Sequence[Acceptance] = ()
) -> Survey:
    """Roads, legs and findings. UnknownName for a deployment, release or accepted rule that nothing has."""
    roads = find_roads(estate, catalogue, to)
    acceptances = (*estate.accept, *accept)
    _check_acceptances(acceptances, catalogue)
    rules = Rules(roads)
    walked = rules.walk()
    told = _told(roads, walked.findings)
    about_roads = [
        finding
        for road in roads.roads.values()
        for finding in _about(roads.country(road), road)
        if finding.rule != NO_ROAD or finding.subject not in told
    ]
    return Survey(estate, roads, walked.legs, (*about_roads, *walked.findings), acceptances, walked.errata)


def assess(
    estate: Estate, catalogue: Catalogue, *, to: Mapping[str, str] | None = None, accept: Sequence[Acceptance] = ()
) -> Assessment:
    """What the rules and the roads say. `planning.plan.judge` adds what only shows when steps are made.

    UnknownName for a deployment, a release or an accepted rule that nothing has.
    """
    return survey(estate, catalogue, to=to, accept=accept).assessment()


def _told(roads: Roads, findings: Iterable[Finding]) -> frozenset[str]:
    """The installations of which a guide's own rule says why there is no road."""
    guides = [country.guide for country in roads.guides().values()]
    telling = {one.rule for guide in guides for one in guide.requirements if one.tells_why_no_road}
    return frozenset(
        one.subject for one in findings if one.rule in telling and one.level == "blocker" and not one.unknown
    )


def _about(country: Country, road: Road) -> Iterator[Finding]:
    """What is to be said about the road itself."""
    guide, subject = country.guide, road.installation.subject
    if road.unknown_build:
        rule = guide.unknown_build_rule or f"{guide.name}/unknown-build"
        stated = road.installation.build is not None or road.installation.release is not None
        remedy = "Look at the version on the machine and state it in the estate file."
        if stated:
            remedy = "Check the build in the estate file; a guide that knows it may be needed."
        source = Citation("ours", "a guide speaks only of builds that it knows")
        yield Finding(rule, "blocker", subject, f"{road.blocked}.", remedy, source, unknown=not stated)
    elif road.blocked:
        source = Citation("ours", "only moves that a guide supports are planned")
        yield Finding(
            NO_ROAD,
            "blocker",
            subject,
            f"{road.blocked}.",
            "Change what stands against a method, or aim at another release.",
            source,
        )
    for hop in road.hops:
        yield from _about_hop(hop.country, road, hop)


def _about_hop(country: Country, road: Road, hop: RoadHop) -> Iterator[Finding]:
    subject, edge = road.installation.subject, hop.edge
    if hop.withdrawn is not None:
        yield _withdrawn(country, road, hop)
    if hop.unknown:
        names = ", ".join(road.facts.address(name) for name in hop.unknown)
        message = f"Whether {edge.method} to {edge.to} is possible depends on {names}, which is not stated."
        remedy = f"State {names} in the estate file."
        yield Finding(UNKNOWN_CONDITION, "blocker", subject, message, remedy, hop.source, unknown=True)
    lacking = "; ".join(describe(need, country.guide.name) for need in needs_of(hop).values())
    other = f" Or prefer {' or '.join(hop.alternatives)}: its media are there." if hop.alternatives else ""
    get = f"Put into the estate: {lacking}.{other}"
    if edge.announces is not None:
        says, remedy = (country.phrase(road, hop, one) for one in (edge.announces.says, edge.announces.remedy))
        if lacking:
            message = f"{says} It lacks {lacking}."
            yield Finding(edge.announces.rule, "blocker", subject, message, f"{remedy} {get}".strip(), hop.source)
        else:
            yield Finding(edge.announces.rule, "note", subject, says, remedy, hop.source)
    elif lacking:
        message = f"{edge.method} to {edge.to} lacks {lacking}."
        yield Finding(edge.media_rule or MISSING_MEDIA, "blocker", subject, message, get, hop.source)


def _withdrawn(country: Country, road: Road, hop: RoadHop) -> Finding:
    """A move that the newest revision of its document no longer has: a risk where the aim chose the older revision by
    name, a blocker where it only prefers the method."""
    edge = hop.edge
    document, rule = _document(country.guide, edge.source)
    chosen = hop.revision == country.revision(edge.source, road.installation.deployment)
    message = (
        f"{edge.method} from {hop.before} to {hop.to} stands in the revision of {hop.revision} of {document!r}; "
        f"that of {hop.withdrawn} withdrew it."
    )
    remedy = "Prefer another method, or none; or accept this by name, or name the older revision in the aim."
    if chosen:
        remedy = "Leave `revision` out of the aim to follow the newest, unless there is a reason not to."
    return Finding(rule, "risk" if chosen else "blocker", road.installation.subject, message, remedy, hop.source)


def _document(guide: Guide, source: str) -> tuple[str, str]:
    """The title of a document, and the rule that says that a move was withdrawn from it."""
    found = document_of(guide, source)
    rule = found.withdrawn_rule if found is not None else None
    return found.title if found is not None else source, rule or f"{guide.name}/withdrawn-method"


def _withdrawn_rules(guide: Guide) -> set[str]:
    return {_document(guide, f"{name}#")[1] for name, source in guide.sources.items() if source.revisions}


def _accepts(acceptances: Iterable[Acceptance], finding: Finding) -> bool:
    return any(one.rule == finding.rule and one.subject in (None, finding.subject) for one in acceptances)


def _check_acceptances(acceptances: Iterable[Acceptance], catalogue: Catalogue) -> None:
    if not acceptances:
        return
    known = {*OWN_RULES, *TRANSPORT_RULES}
    for compiled in catalogue.guides.values():
        guide = compiled.guide
        known.update(one.rule for one in guide.requirements)
        known.update(edge.media_rule for edge in guide.edges if edge.media_rule)
        known.update(edge.announces.rule for edge in guide.edges if edge.announces)
        known.update(_withdrawn_rules(guide))
        known.add(guide.unknown_build_rule or f"{guide.name}/unknown-build")
    for one in acceptances:
        if one.rule not in known:
            raise UnknownName("The accepted rule", one.rule, known)
