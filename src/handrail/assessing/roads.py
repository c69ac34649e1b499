"""Roads: by which hops each installation gets from where it is to the release aimed at.

Fewest hops first, then the method that the aim prefers, then what the guide wrote first. Missing media do not change
the road: they block it, so that which files happen to lie about never decides how an upgrade is made. An edge whose
condition is unknown is taken for open: if it is then on the best road, that blocks. What the plan's own mends leave
(another operating system) is seen by the edges after them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from handrail.assessing.aims import aims_of
from handrail.assessing.country import Country, PassedOver, Road, RoadHop, State, after_hop
from handrail.assessing.evaluate import Reads
from handrail.assessing.facts import Facts, Kept, Layer
from handrail.assessing.media import Picked
from handrail.assessing.mending import mending, platform
from handrail.assessing.search import Arc, best_road
from handrail.assessing.sequences import standings
from handrail.guides.catalogue import Catalogue
from handrail.guides.language import Unknown
from handrail.guides.lines import Line, line_of
from handrail.guides.revisions import document_of, gone_with, stands
from handrail.model.estate import Aim, Estate, Installation
from handrail.model.guide import Edge


@dataclass(frozen=True, slots=True)
class Refused:
    """An edge that was closed, with what was asked."""

    country: Country
    edge: Edge
    facts: Facts


@dataclass(frozen=True, slots=True)
class Start:
    """An edge that begins where a road has come to. `stands`: the revision that counts has it; else `because`."""

    country: Country
    index: int
    edge: Edge
    facts: Facts
    revision: str | None
    stands: bool
    because: str = ""
    open_: bool = True
    unknown: tuple[str, ...] = ()


# The hops of a cohort, or None when there is no road; and the edges that were closed.
Found = tuple[tuple[RoadHop, ...] | None, tuple[Refused, ...]]
_OF_HOP = ("hop", "media")


class Region:
    """The guides of one line, laid over an estate."""

    def __init__(self, line: Line, countries: tuple[Country, ...], aims: Mapping[str, Aim]) -> None:
        self._line = line
        self.laid = self._countries = countries
        self._aims = aims
        self._reads: dict[tuple[str, str], Reads] = {}
        self._cohorts: dict[object, Found] = {}

    def country(self, name: str) -> Country:
        return next(one for one in self._countries if one.guide.name == name)

    def road(self, installation: Installation, home: Country) -> Road:
        """The road of one installation; found once for all that are equal in everything that roads depend on."""
        start, country = self._start(installation, home)
        facts = country.book.of(installation)
        if start.release is None:
            told = self._unknown_build(installation, home)
            return Road(installation, start, (), facts, country, (country,), told, unknown_build=True)
        aim = self._aims[installation.deployment]
        countries = self._countries_between(installation, country, aim)
        key = (
            home.guide.name,
            installation.component,
            start,
            aim.to,
            aim.prefer,
            aim.facts.get("revision"),
            country.shelf.key(facts),
            tuple(
                one.judge.key(
                    self._reads_of(one, one.component(installation)),
                    facts if one is country else one.book.of(installation),
                )
                for one in countries
            ),
        )
        if key not in self._cohorts:
            self._cohorts[key] = self._find(installation, start, facts, country, countries)
        hops, refused = self._cohorts[key]
        if hops is not None:
            return Road(installation, start, hops, facts, country, countries)
        told = _no_road(installation, start, aim.to, country, facts, refused)
        return Road(installation, start, (), facts, country, countries, told)

    def _start(self, installation: Installation, home: Country) -> tuple[State, Country]:
        """Where an installation stands, and the guide that knows it there."""
        for country in (home, *(one for one in self._countries if one is not home)):
            if country is not home and country.called(installation) is None:
                continue
            release = country.book.release_of(installation)
            if release in country.guide.releases:
                return State(installation.build, release), country
        return State(installation.build, home.book.release_of(installation)), home

    def _countries_between(self, installation: Installation, first: Country, aim: Aim) -> tuple[Country, ...]:
        if len(self._countries) == 1:
            return self._countries
        guides = self._line.between(first.compiled, self._line.owner_of_aim(aim.to))
        found = (one for one in self._countries if any(one.compiled is guide for guide in guides))
        return tuple(one for one in found if one is first or one.called(installation) is not None)

    def _reads_of(self, country: Country, component: str) -> Reads:
        """What the roads of a component depend on. Texts do not count: they are rendered for each installation."""
        key = (country.guide.name, component)
        if key not in self._reads:
            expressions: list[str | None] = []
            texts: list[object] = []
            procedures = [edge.procedure for _, edge in country.edges(component)]
            expressions += [edge.when for _, edge in country.edges(component)]
            for one in mending(country, component):
                assert one.mend is not None
                expressions += [one.when, one.must]
                procedures.append(one.mend.procedure)
            for name in procedures:
                for step in country.procedures.leaving(name):
                    expressions += step.ifs
                    texts.append(dict(step.template.leaves))
            names = country.judge.names(expressions, texts)
            own = ("hop.", "media.", "component.", "item")
            self._reads[key] = Reads.of(name for name in names if not name.startswith(own))
        return self._reads[key]

    def _find(
        self, installation: Installation, start: State, facts: Facts, first: Country, countries: tuple[Country, ...]
    ) -> Found:
        aim = self._aims[installation.deployment]
        search = _Search(installation, aim, facts, first, countries)
        found = best_road(start, search.arrived, search.arcs)
        return (None if found is None else tuple(arc.tag for arc in found)), tuple(search.refused)

    def _unknown_build(self, installation: Installation, home: Country) -> str:
        if installation.build is None and installation.release is None:
            return f"Neither build nor release of {installation.subject} is stated"
        name = f"build {installation.build}" if installation.build else f"release {installation.release}"
        return f"{installation.subject} is at {name}, which the guide for {home.guide.title} does not know"


def _no_road(
    installation: Installation, start: State, aim: str, home: Country, facts: Facts, refused: tuple[Refused, ...]
) -> str:
    reasons = dict.fromkeys(_refusal(one, facts, start) for one in refused)
    because = f": {'; '.join(reasons)}" if reasons else ""
    name = installation.component
    return f"The guide for {home.guide.title} has no supported road from {start} to {aim} for {name}{because}"


def _refusal(one: Refused, facts: Facts, start: State) -> str:
    asked = facts.with_layers({name: one.facts.layers[name] for name in _OF_HOP})
    why = one.country.judge.phrase(one.edge.otherwise, asked) or f"its condition does not hold: {one.edge.when}"
    from_ = one.facts.get("hop.from")
    further = f" from {from_}" if from_ is not None and from_ != start.build else ""
    return f"{one.edge.method}{further}: {why}"


class _Search:
    """The arcs of one installation's graph, with the facts carried forward to each state."""

    def __init__(
        self, installation: Installation, aim: Aim, facts: Facts, first: Country, countries: tuple[Country, ...]
    ) -> None:
        self.installation = installation
        self.aim = aim
        self.facts = facts
        self.first = first
        self.countries = countries
        self.refused: list[Refused] = []

    def arrived(self, state: State) -> bool:
        return self.aim.to in (state.release, state.build)

    def arcs(self, state: State, road: tuple[Arc[State, RoadHop], ...]) -> list[Arc[State, RoadHop]]:
        starting = self._starting(state, *self._carried(road))
        found = []
        for start in starting:
            if start.open_ and self._takes(start, starting):
                hop = self._hop(start, state, starting)
                preferred = self.aim.prefer is None or start.edge.method == self.aim.prefer
                found.append(Arc(hop.after, (0 if preferred else 1, start.index), hop))
        return found

    def _carried(self, road: tuple[Arc[State, RoadHop], ...]) -> tuple[Facts, Country]:
        facts, country = self.facts, self.first
        for hop in (arc.tag for arc in road):
            facts = hop.country.entered(self.installation, facts, country).with_layers(hop.layers)
            country = hop.country
            component, deployment = country.component(self.installation), self.aim.deployment
            facts = platform(country, component, deployment, hop, self.arrived(hop.after), facts)
            facts = after_hop(hop, deployment, facts)
        return facts, country

    def _starting(self, state: State, facts: Facts, before: Country) -> list[Start]:
        found: list[Start] = []
        index = 0
        for country in self.countries:
            component = country.component(self.installation)
            here = country.entered(self.installation, facts, before)
            for number, edge in country.edges(component):
                if country.begins(edge.from_, state):
                    found.append(self._judged(self._start(country, index + number, edge, here), state))
            index += len(country.guide.edges)
        return found

    def _start(self, country: Country, index: int, edge: Edge, facts: Facts) -> Start:
        """An edge with the revision by which it would be taken: the one that counts, or else the last that has it."""
        counting = country.revision(edge.source, self.aim.deployment)
        if stands(edge.revision, counting):
            return Start(country, index, edge, facts, counting, True)
        withdrawn = gone_with(country.guide, edge, counting)
        because = f"withdrawn by the revision of {withdrawn}"
        if withdrawn is None:
            because = f"only the revision of {' and '.join(edge.revision)} has it"
        return Start(country, index, edge, facts, edge.revision[-1], False, because)

    def _judged(self, start: Start, state: State) -> Start:
        """Whether an edge is open, and which facts that depends on when it is not known."""
        country, edge = start.country, start.edge
        if edge.when is None:
            return start
        after = self._reached(start, self._pick(start))
        asked = start.facts.with_layers(self._layers(start, state, self._pick(start)))
        component = country.component(self.installation)
        asked = platform(country, component, self.aim.deployment, start, self.arrived(after), asked)
        answer = country.judge.ask(edge.when, asked)
        if isinstance(answer, Unknown):
            return _with(start, True, answer.missing)
        if answer.value is not True and start.stands:
            self.refused.append(Refused(country, edge, asked))
        return _with(start, answer.value is True)

    def _takes(self, start: Start, starting: list[Start]) -> bool:
        """An edge of another revision is taken only if the aim prefers its method, it was withdrawn, and nothing that
        stands offers that method."""
        if start.stands:
            return True
        if start.edge.method != self.aim.prefer or not start.because.startswith("withdrawn"):
            return False
        return not any(one.stands and one.open_ and one.edge.method == start.edge.method for one in starting)

    def _pick(self, start: Start) -> Picked:
        country = start.country
        return country.shelf.pick(start.edge.media, country.component(self.installation), start.facts)

    def _hop(self, start: Start, state: State, starting: list[Start]) -> RoadHop:
        edge, country, picked = start.edge, start.country, self._pick(start)
        passed_over = []
        alternatives = []
        as_far = {other.edge.method for other in starting if other.edge.to == edge.to}
        for other in starting:
            method = other.edge.method
            if other.edge is edge or method == edge.method:
                continue
            if other.edge.to != edge.to and method in as_far:
                continue  # the same method leads to where this hop goes: that one is compared
            if not other.open_:
                because = other.edge.otherwise or f"its condition does not hold: {other.edge.when}"
                passed_over.append(PassedOver(method, because, bool(other.edge.otherwise)))
                continue
            if not other.stands:
                passed_over.append(PassedOver(method, other.because, False))
                continue
            passed_over.append(PassedOver(method, self._passed_over(edge, other.edge), False))
            if other.edge.to == edge.to and not self._pick(other).missing:
                alternatives.append(method)
        why = "" if edge.why else self._only_or_first(start, starting)
        if self.aim.prefer == edge.method:
            why = " ".join(part for part in ("" if len(starting) > 1 else why, "The aim prefers it.") if part)
        return RoadHop(
            edge=edge,
            before=state,
            after=self._reached(start, picked),
            picked=picked,
            why=why,
            passed_over=tuple(passed_over),
            source=country.compiled.cite(edge.source),
            layers=self._layers(start, state, picked),
            unknown=start.unknown,
            alternatives=tuple(dict.fromkeys(alternatives)),
            country=country,
            revision=start.revision,
            withdrawn=self._withdrawn(start, starting),
        )

    def _withdrawn(self, start: Start, starting: list[Start]) -> str | None:
        """The revision that no longer has this move, even if the one that counts does."""
        edge, guide = start.edge, start.country.guide
        document = document_of(guide, edge.source)
        if document is None or not document.revisions:
            return None
        newest = document.revisions[-1]
        for other in starting:
            same = (other.edge.method, other.edge.to, other.edge.source.partition("#")[0])
            if same == (edge.method, edge.to, edge.source.partition("#")[0]) and stands(other.edge.revision, newest):
                return None
        return gone_with(guide, edge, newest)

    def _passed_over(self, edge: Edge, other: Edge) -> str:
        if other.to != edge.to:
            return f"possible, but it leads to {other.to}, not to {edge.to}"
        if self.aim.prefer == edge.method:
            return f"possible, but the aim prefers {edge.method}"
        return f"possible, but the guide puts {edge.method} first"

    def _only_or_first(self, start: Start, starting: list[Start]) -> str:
        edge = start.edge
        if any(one is not start and one.open_ and one.stands for one in starting):
            return f"Of the supported methods the guide puts {edge.method} first."
        return f"The guide has no other supported way from here to {edge.to}."

    def _reached(self, start: Start, picked: Picked) -> State:
        guide, edge = start.country.guide, start.edge
        if edge.to not in guide.releases:
            return State(edge.to, start.country.compiled.release_of(edge.to))
        release = guide.releases[edge.to]
        build = self._build_of(start, picked)
        if build is None and not release.from_medium and release.builds:
            build = release.builds[0]
        return State(build, edge.to)

    def _build_of(self, start: Start, picked: Picked) -> str | None:
        """The build that the media for the target state: those for this very component first."""
        edge, component = start.edge, start.country.component(self.installation)
        stating = [
            (medium.component != component, place, medium.build)
            for place, (need, medium) in enumerate(picked.media.items())
            if medium.build and edge.to in (medium.release, edge.media[need].release)
        ]
        return min(stating)[-1] if stating else None

    def _base(self, state: State) -> str | None:
        """The first build of the release that an installation comes from: what that release's own media install."""
        known = (country.guide.releases.get(state.release or "") for country in self.countries)
        return next((release.builds[0] for release in known if release is not None and release.builds), None)

    def _layers(self, start: Start, state: State, picked: Picked) -> dict[str, Layer]:
        edge, after = start.edge, self._reached(start, picked)
        hop = {"from": state.build, "to": edge.to, "method": edge.method, "release": after.release}
        # Not stated is not known; only the media can say which build a release will be.
        hop |= {"build": after.build} if after.build is not None else {}
        hop |= {"from_release": state.release, "from_base": self._base(state)}
        return {
            "hop": {**{key: value for key, value in hop.items() if value is not None}, "revision": start.revision},
            "media": start.country.media(picked.media),
        }


def _with(start: Start, open_: bool, unknown: tuple[str, ...] = ()) -> Start:
    return Start(
        start.country, start.index, start.edge, start.facts, start.revision, start.stands, start.because, open_, unknown
    )


@dataclass(frozen=True, slots=True)
class Roads:
    """The roads of all installations that have an aim, by subject, in order. `countries` are the guides of the
    deployments themselves; `crossed` all that their roads lead through, the earliest first."""

    aims: Mapping[str, Aim]
    countries: Mapping[str, Country]
    roads: Mapping[str, Road]
    crossed: Mapping[str, tuple[Country, ...]] = field(default_factory=dict)

    def country(self, road: Road) -> Country:
        """The guide that knows where a road begins."""
        return road.country

    def guides(self) -> dict[str, Country]:
        """All guides in use, by name."""
        return {one.guide.name: one for countries in self.crossed.values() for one in countries}


def find_roads(estate: Estate, catalogue: Catalogue, to: Mapping[str, str] | None = None) -> Roads:
    """The road of every installation of every deployment that has an aim. Raises as `aims_of` does."""
    aims = aims_of(estate, catalogue, to or {})
    regions: dict[str, Region] = {}
    lines: dict[tuple[str, ...], Region] = {}
    countries: dict[str, Country] = {}
    crossed: dict[str, tuple[Country, ...]] = {}
    roads: dict[str, Road] = {}
    keep = Kept()
    others = standings(estate, catalogue, aims)
    for id in aims:
        product = estate.deployments[id].product
        if product not in regions:
            line = line_of(catalogue, product)
            names = tuple(one.guide.name for one in line.guides)
            if names not in lines:
                laid = tuple(Country(estate, guide, aims, line, keep, others) for guide in line.guides)
                lines[names] = Region(line, laid, aims)
            regions[product] = lines[names]
        region = regions[product]
        home = countries[id] = region.country(product)
        used: dict[str, Country] = {home.guide.name: home}
        for installation in sorted(estate.deployments[id].installations, key=lambda one: (one.component, one.host)):
            road = roads[installation.subject] = region.road(installation, home)
            used.update({one.guide.name: one for one in road.countries})
        crossed[id] = tuple(one for one in region.laid if one.guide.name in used)
    return Roads(aims, countries, roads, crossed)
