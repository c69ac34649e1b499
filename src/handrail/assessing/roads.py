"""Roads: by which hops each installation gets from where it is to the release aimed at.

Fewest hops first, then the method that the aim prefers, then what the guide wrote first. Missing media do not change
the road: they block it, so that which files happen to lie about never decides how an upgrade is made. An edge whose
condition is unknown is taken for open: if it is then on the best road, that blocks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from handrail.assessing.aims import aims_of
from handrail.assessing.evaluate import Judge, Reads
from handrail.assessing.facts import FactBook, Facts, Kept, Layer, medium_layer
from handrail.assessing.media import Picked, Shelf
from handrail.assessing.procedures import Procedures, carried
from handrail.assessing.search import Arc, best_road
from handrail.guides.catalogue import Catalogue, CompiledGuide
from handrail.guides.language import Unknown
from handrail.model import version
from handrail.model.estate import Aim, Estate, Installation, Medium
from handrail.model.finding import Citation
from handrail.model.guide import Edge, From
from handrail.model.plan import Rejected


@dataclass(frozen=True, slots=True)
class State:
    """Where a component stands between hops. `build` is None where only the release is known."""

    build: str | None
    release: str | None

    def __str__(self) -> str:
        return self.build or self.release or "an unknown build"


@dataclass(frozen=True, slots=True)
class PassedOver:
    """An edge that was not taken, and why: a text of the guide where `is_text`, else a sentence of ours."""

    method: str
    because: str
    is_text: bool


@dataclass(frozen=True, slots=True)
class RoadHop:
    """One hop of a road; installations of a cohort share it. `layers` are what texts read as `hop` and `media`."""

    edge: Edge
    before: State
    after: State
    picked: Picked
    why: str
    passed_over: tuple[PassedOver, ...]
    source: Citation
    layers: Mapping[str, Layer] = field(hash=False)
    unknown: tuple[str, ...] = ()
    alternatives: tuple[str, ...] = ()

    @property
    def to(self) -> str:
        return self.edge.to

    @property
    def media(self) -> Mapping[str, Medium]:
        return self.picked.media


@dataclass(frozen=True, slots=True)
class Road:
    """`hops` is empty when there is nothing to do, and when there is no road: then `blocked` says why."""

    installation: Installation
    start: State
    hops: tuple[RoadHop, ...]
    facts: Facts
    blocked: str = ""
    unknown_build: bool = False

    @property
    def arrived(self) -> bool:
        return not self.hops and not self.blocked


# The hops of a cohort, or None when there is no road; and the edges that were closed, with what was asked.
Found = tuple[tuple[RoadHop, ...] | None, tuple[tuple[Edge, Facts], ...]]
_OF_HOP = ("hop", "media")


class Country:
    """One guide laid over an estate: all that is needed to find roads and to ask rules."""

    def __init__(self, estate: Estate, compiled: CompiledGuide, aims: Mapping[str, Aim]) -> None:
        keep = Kept()
        self.estate = estate
        self.compiled = compiled
        self.guide = compiled.guide
        self.judge = Judge(compiled, keep)
        self.book = FactBook(estate, compiled, aims, keep)
        self.shelf = Shelf(estate, compiled.guide)
        self.procedures = Procedures(compiled.guide)
        self.aims = aims
        self._media_layers: dict[str, Layer] = {}
        self._edges: dict[str, list[tuple[int, Edge]]] = {}
        self._reads: dict[str, Reads] = {}
        self._cohorts: dict[object, Found] = {}
        for number, edge in enumerate(compiled.guide.edges):
            self._edges.setdefault(edge.component, []).append((number, edge))

    def road(self, installation: Installation) -> Road:
        """The road of one installation; found once for all that are equal in everything that roads depend on."""
        facts = self.book.of(installation)
        start = State(installation.build, self.book.release_of(installation))
        component = installation.component
        key = (
            component,
            start,
            self.aims[installation.deployment].to,
            self.aims[installation.deployment].prefer,
            self.judge.key(self._reads_of(component), facts),
            self.shelf.key(facts),
        )
        if start.release is None:
            return Road(installation, start, (), facts, self._unknown_build(installation), unknown_build=True)
        if key not in self._cohorts:
            self._cohorts[key] = self._find(installation, start, facts)
        hops, refused = self._cohorts[key]
        if hops is not None:
            return Road(installation, start, hops, facts)
        return Road(installation, start, (), facts, self._no_road(installation, start, facts, refused))

    def why(self, road: Road, hop: RoadHop) -> str:
        """Why this hop is made this way, in words."""
        written = self.judge.phrase(hop.edge.why, road.facts.with_layers(hop.layers))
        return " ".join(part for part in (written, hop.why) if part)

    def not_(self, road: Road, hop: RoadHop) -> tuple[Rejected, ...]:
        """The other methods that begin where this hop begins, each with why it was not taken."""
        found: dict[str, dict[str, None]] = {}
        for one in hop.passed_over:
            facts = road.facts.with_layers(hop.layers)
            because = self.judge.phrase(one.because, facts) if one.is_text else one.because
            found.setdefault(one.method, {})[because] = None
        return tuple(Rejected(method, "; ".join(reasons)) for method, reasons in found.items())

    def media(self, picked: Mapping[str, Medium]) -> Layer:
        layer = {}
        for need, medium in picked.items():
            if medium.id not in self._media_layers:
                self._media_layers[medium.id] = medium_layer(medium)
            layer[need] = self._media_layers[medium.id]
        return layer

    def _reads_of(self, component: str) -> Reads:
        """What the roads of a component depend on. Texts do not count: they are rendered for each installation."""
        if component not in self._reads:
            expressions: list[str | None] = []
            texts: list[object] = []
            for _, edge in self._edges.get(component, ()):
                expressions.append(edge.when)
                for step in self.procedures.leaving(edge.procedure):
                    expressions += step.ifs
                    texts.append(dict(step.template.leaves))
            names = self.judge.names(expressions, texts)
            own = ("hop.", "media.", "component.", "item")
            self._reads[component] = Reads.of(name for name in names if not name.startswith(own))
        return self._reads[component]

    def _find(self, installation: Installation, start: State, facts: Facts) -> Found:
        aim = self.aims[installation.deployment]
        search = _Search(self, installation.component, aim, facts)
        found = best_road(start, lambda state: aim.to in (state.release, state.build), search.arcs)
        return (None if found is None else tuple(arc.tag for arc in found)), tuple(search.refused)

    def _unknown_build(self, installation: Installation) -> str:
        if installation.build is None and installation.release is None:
            return f"Neither build nor release of {installation.subject} is stated"
        name = f"build {installation.build}" if installation.build else f"release {installation.release}"
        return f"{installation.subject} is at {name}, which the guide for {self.guide.title} does not know"

    def _no_road(
        self, installation: Installation, start: State, facts: Facts, refused: tuple[tuple[Edge, Facts], ...]
    ) -> str:
        aim = self.aims[installation.deployment].to
        reasons = dict.fromkeys(
            f"{edge.method}: {self._refusal(edge, facts.with_layers({name: asked.layers[name] for name in _OF_HOP}))}"
            for edge, asked in refused
        )
        because = f": {'; '.join(reasons)}" if reasons else ""
        name = installation.component
        return f"The guide for {self.guide.title} has no supported road from {start} to {aim} for {name}{because}"

    def _refusal(self, edge: Edge, facts: Facts) -> str:
        return self.judge.phrase(edge.otherwise, facts) or f"its condition does not hold: {edge.when}"

    def edges(self, component: str) -> Iterable[tuple[int, Edge]]:
        return self._edges.get(component, ())

    def begins(self, from_: From, state: State) -> bool:
        """Whether an edge begins at this state."""
        if from_.build is not None:
            return state.build is not None and self.key(state.build) == self.key(from_.build)
        if from_.release is not None and from_.release != state.release:
            return False
        if from_.least is None and from_.below is None:
            return True
        if state.build is None or (has := self.key(state.build)) is None:
            return False
        least, below = (self.key(one) if one is not None else None for one in (from_.least, from_.below))
        return (least is None or has >= least) and (below is None or has < below)

    def key(self, build: str) -> tuple[int, ...] | None:
        try:
            return version.key(self.guide.versioning, build)
        except ValueError:
            return None


class _Search:
    """The arcs of one installation's graph, with the facts carried forward to each state."""

    def __init__(self, country: Country, component: str, aim: Aim, facts: Facts) -> None:
        self.country = country
        self.component = component
        self.aim = aim
        self.facts = facts
        self.refused: list[tuple[Edge, Facts]] = []

    def arcs(self, state: State, road: tuple[Arc[State, RoadHop], ...]) -> list[Arc[State, RoadHop]]:
        facts = self.facts
        for arc in road:
            facts = after_hop(self.country, arc.tag, facts)
        starting = [pair for pair in self.country.edges(self.component) if self.country.begins(pair[1].from_, state)]
        judged = [self._judged(edge, state, facts) for _, edge in starting]
        found = []
        for number, ((index, edge), (open_, unknown)) in enumerate(zip(starting, judged, strict=True)):
            if open_:
                hop = self._hop(edge, state, facts, unknown, starting, judged, number)
                preferred = self.aim.prefer is None or edge.method == self.aim.prefer
                found.append(Arc(hop.after, (0 if preferred else 1, index), hop))
        return found

    def _judged(self, edge: Edge, state: State, facts: Facts) -> tuple[bool, tuple[str, ...]]:
        """Whether an edge is open, and which facts that depends on when it is not known."""
        if edge.when is None:
            return True, ()
        asked = facts.with_layers(self._layers(edge, state, self._pick(edge, facts)))
        answer = self.country.judge.ask(edge.when, asked)
        if isinstance(answer, Unknown):
            return True, answer.missing
        if answer.value is not True:
            self.refused.append((edge, asked))
        return answer.value is True, ()

    def _pick(self, edge: Edge, facts: Facts) -> Picked:
        return self.country.shelf.pick(edge.media, self.component, facts)

    def _hop(
        self,
        edge: Edge,
        state: State,
        facts: Facts,
        unknown: tuple[str, ...],
        starting: list[tuple[int, Edge]],
        judged: list[tuple[bool, tuple[str, ...]]],
        number: int,
    ) -> RoadHop:
        picked = self._pick(edge, facts)
        passed_over = []
        alternatives = []
        as_far = {other.method for _, other in starting if other.to == edge.to}
        for (_, other), (open_, _) in zip(starting, judged, strict=True):
            if other is edge or other.method == edge.method:
                continue
            if other.to != edge.to and other.method in as_far:
                continue  # the same method leads to where this hop goes: that one is compared
            if not open_:
                because = other.otherwise or f"its condition does not hold: {other.when}"
                passed_over.append(PassedOver(other.method, because, bool(other.otherwise)))
                continue
            passed_over.append(PassedOver(other.method, self._passed_over(edge, other), False))
            if other.to == edge.to and not self._pick(other, facts).missing:
                alternatives.append(other.method)
        why = "" if edge.why else self._only_or_first(edge, judged, number)
        if self.aim.prefer == edge.method:
            why = " ".join(part for part in ("" if len(starting) > 1 else why, "The aim prefers it.") if part)
        return RoadHop(
            edge=edge,
            before=state,
            after=self._reached(edge, picked),
            picked=picked,
            why=why,
            passed_over=tuple(passed_over),
            source=self.country.compiled.cite(edge.source),
            layers=self._layers(edge, state, picked),
            unknown=unknown,
            alternatives=tuple(dict.fromkeys(alternatives)),
        )

    def _passed_over(self, edge: Edge, other: Edge) -> str:
        if other.to != edge.to:
            return f"possible, but it leads to {other.to}, not to {edge.to}"
        if self.aim.prefer == edge.method:
            return f"possible, but the aim prefers {edge.method}"
        return f"possible, but the guide puts {edge.method} first"

    def _only_or_first(self, edge: Edge, judged: list[tuple[bool, tuple[str, ...]]], number: int) -> str:
        rivals = [one for place, one in enumerate(judged) if place != number and one[0]]
        if rivals:
            return f"Of the supported methods the guide puts {edge.method} first."
        return f"The guide has no other supported way from here to {edge.to}."

    def _reached(self, edge: Edge, picked: Picked) -> State:
        guide = self.country.guide
        if edge.to not in guide.releases:
            return State(edge.to, self.country.compiled.release_of(edge.to))
        release = guide.releases[edge.to]
        build = self._build_of(edge, picked)
        if build is None and not release.from_medium and release.builds:
            build = release.builds[0]
        return State(build, edge.to)

    def _build_of(self, edge: Edge, picked: Picked) -> str | None:
        """The build that the media for the target state: those for this very component first."""
        stating = [
            (medium.component != self.component, place, medium.build)
            for place, (need, medium) in enumerate(picked.media.items())
            if medium.build and edge.to in (medium.release, edge.media[need].release)
        ]
        return min(stating)[-1] if stating else None

    def _layers(self, edge: Edge, state: State, picked: Picked) -> dict[str, Layer]:
        after = self._reached(edge, picked)
        hop = {"from": state.build, "to": edge.to, "method": edge.method, "release": after.release}
        # Not stated is not known; only the media can say which build a release will be.
        hop |= {"build": after.build} if after.build is not None else {}
        return {
            "hop": {key: value for key, value in hop.items() if value is not None},
            "media": self.country.media(picked.media),
        }


def after_hop(country: Country, hop: RoadHop, facts: Facts) -> Facts:
    """The facts when a hop is over: what its steps leave, and the build."""
    within = facts.with_layers(hop.layers)
    left = carried(country.judge, country.procedures.leaving(hop.edge.procedure), within)
    if facts.get("installation.moves") is True and left.get("installation.moves") is False:
        left = _moved(left)
    layer = dict(left.layers["installation"])
    for key, value in (("build", hop.after.build), ("release", hop.after.release)):
        layer.pop(key, None)
        if value is not None:
            layer[key] = value
    return left.with_layer("installation", layer)


def _moved(facts: Facts) -> Facts:
    """The facts when an installation has come to the host that its aim names: that one is the present one now."""
    arrived = {"present": "host", "present_account": "account"}
    layers = {**facts.layers, **{now: facts.layers[then] for now, then in arrived.items() if then in facts.layers}}
    addresses = {
        **facts.addresses,
        **{now: facts.addresses[then] for now, then in arrived.items() if then in facts.addresses},
    }
    host, own = facts.get("host.name"), facts.get("installation.component")
    aimed: Mapping[str, Iterable[str]] = facts.get("deployment.aimed_hosts", {})
    beside = sorted(component for component, hosts in aimed.items() if host in hosts and component != own)
    layers["installation"] = {**layers["installation"], "beside": beside}
    return Facts(layers, addresses)


@dataclass(frozen=True, slots=True)
class Roads:
    """The roads of all installations that have an aim, by subject, in order; `countries` by guide."""

    aims: Mapping[str, Aim]
    countries: Mapping[str, Country]
    roads: Mapping[str, Road]

    def country(self, road: Road) -> Country:
        return self.countries[road.installation.deployment]


def find_roads(estate: Estate, catalogue: Catalogue, to: Mapping[str, str] | None = None) -> Roads:
    """The road of every installation of every deployment that has an aim. Raises as `aims_of` does."""
    aims = aims_of(estate, catalogue, to or {})
    by_guide: dict[str, Country] = {}
    countries: dict[str, Country] = {}
    roads: dict[str, Road] = {}
    for id in aims:
        compiled = catalogue.of(estate.deployments[id].product)
        if compiled.guide.name not in by_guide:
            by_guide[compiled.guide.name] = Country(estate, compiled, aims)
        country = countries[id] = by_guide[compiled.guide.name]
        for installation in sorted(estate.deployments[id].installations, key=lambda one: (one.component, one.host)):
            roads[installation.subject] = country.road(installation)
    return Roads(aims, countries, roads)
