"""One guide laid over an estate: the states and hops of its roads, the facts along them, and what it says of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from handrail.assessing import sequences
from handrail.assessing.evaluate import Judge
from handrail.assessing.facts import FactBook, Facts, Kept, Layer, medium_layer
from handrail.assessing.media import Picked, Shelf
from handrail.assessing.procedures import FlatStep, Procedures, carried
from handrail.assessing.sequences import Standing
from handrail.guides.catalogue import CompiledGuide
from handrail.guides.lines import Line
from handrail.guides.revisions import in_force, stands
from handrail.model import version
from handrail.model.estate import Aim, Estate, Installation, Medium
from handrail.model.finding import Citation
from handrail.model.guide import Edge, From, Requirement
from handrail.model.plan import Rejected


@dataclass(frozen=True, slots=True)
class State:
    """Where a component stands between hops. `build` is None where only the release is known."""

    build: str | None
    release: str | None

    def __str__(self) -> str:
        return self.build or self.release or "an unknown build"


class Way(Protocol):
    """An edge, and the revision of its document by which it is taken."""

    @property
    def edge(self) -> Edge: ...

    @property
    def revision(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class PassedOver:
    """An edge that was not taken, and why: a text of the guide where `is_text`, else a sentence of ours."""

    method: str
    because: str
    is_text: bool


@dataclass(frozen=True, slots=True)
class RoadHop:
    """One hop of a road; installations of a cohort share it. `layers` are what texts read as `hop` and `media`.

    `country` is the guide that makes it. `revision`: by which revision of its document it is made. `withdrawn`: the
    revision that no longer has it.
    """

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
    country: Country = field(kw_only=True, hash=False, compare=False, repr=False)
    revision: str | None = None
    withdrawn: str | None = None

    @property
    def to(self) -> str:
        return self.edge.to

    @property
    def media(self) -> Mapping[str, Medium]:
        return self.picked.media


@dataclass(frozen=True, slots=True)
class Road:
    """`hops` is empty when there is nothing to do, and when there is no road: then `blocked` says why. `country` is the
    guide that knows where it begins, `countries` all that may be asked about it, the earliest first."""

    installation: Installation
    start: State
    hops: tuple[RoadHop, ...]
    facts: Facts
    country: Country
    countries: tuple[Country, ...]
    blocked: str = ""
    unknown_build: bool = False

    @property
    def arrived(self) -> bool:
        return not self.hops and not self.blocked


# Layers that are never carried from one guide to another.
_OWN = frozenset(("component", "deployment", "estate", "aim", "hop", "media"))


class Country:
    """One guide laid over an estate: all that is needed to find roads and to ask rules."""

    def __init__(
        self,
        estate: Estate,
        compiled: CompiledGuide,
        aims: Mapping[str, Aim],
        line: Line,
        keep: Kept | None = None,
        others: tuple[Standing, ...] = (),
    ) -> None:
        keep = keep or Kept()
        self.estate = estate
        self.compiled = compiled
        self.guide = compiled.guide
        self.aims = aims
        self._line = line
        self._others = others
        self._called: dict[tuple[str, str], str | None] = {}
        self.judge = Judge(compiled, keep)
        self.book = FactBook(
            estate,
            compiled,
            aims,
            keep,
            lambda one: self.called(one) or one.component,
            self._sequenced if others else None,
        )
        self.shelf = Shelf(estate, compiled.guide)
        self.procedures = Procedures(compiled.guide)
        self._media_layers: dict[str, Layer] = {}
        self._edges: dict[str, list[tuple[int, Edge]]] = {}
        for number, edge in enumerate(compiled.guide.edges):
            self._edges.setdefault(edge.component, []).append((number, edge))

    def _sequenced(self, installation: Installation) -> Mapping[str, list[str]]:
        aim = self.aims[installation.deployment].to
        release = aim if aim in self.guide.releases else self.compiled.release_of(aim) or aim
        return sequences.facts(self.guide, installation, release, self._others)

    def called(self, installation: Installation) -> str | None:
        """What this guide calls the component of an installation, of whatever guide of the line its deployment is."""
        product = self.estate.deployments[installation.deployment].product
        if product == self.guide.name:
            return installation.component
        key = (product, installation.component)
        if key not in self._called:
            self._called[key] = self._line.component(installation.component, product, self.guide.name)
        return self._called[key]

    def component(self, installation: Installation) -> str:
        """The same for an installation that has a road through this guide."""
        return self.called(installation) or installation.component

    def entered(self, installation: Installation, facts: Facts, before: Country) -> Facts:
        """The facts as this guide reads them, carried here by another: what was left on the way stays left."""
        if before is self:
            return facts
        here, there = self.book.of(installation), before.book.of(installation)
        layers: dict[str, Layer] = dict(here.layers)
        for prefix, layer in facts.layers.items():
            if prefix in _OWN:
                continue
            own, was = dict(layers.get(prefix, {})), there.layers.get(prefix, {})
            for name in was.keys() - layer.keys():
                own.pop(name, None)
            own.update({name: value for name, value in layer.items() if name not in was or was[name] is not value})
            layers[prefix] = own
        return Facts(layers, {**here.addresses, **facts.addresses})

    def why(self, road: Road, hop: RoadHop) -> str:
        """Why this hop is made this way, in words."""
        written = self.phrase(road, hop, hop.edge.why)
        return " ".join(part for part in (written, hop.why) if part)

    def not_(self, road: Road, hop: RoadHop) -> tuple[Rejected, ...]:
        """The other methods that begin where this hop begins, each with why it was not taken."""
        found: dict[str, dict[str, None]] = {}
        for one in hop.passed_over:
            because = self.phrase(road, hop, one.because) if one.is_text else one.because
            found.setdefault(one.method, {})[because] = None
        return tuple(Rejected(method, "; ".join(reasons)) for method, reasons in found.items())

    def media(self, picked: Mapping[str, Medium]) -> Layer:
        layer = {}
        for need, medium in picked.items():
            if medium.id not in self._media_layers:
                self._media_layers[medium.id] = medium_layer(medium)
            layer[need] = self._media_layers[medium.id]
        return layer

    def phrase(self, road: Road, hop: RoadHop, text: str) -> str:
        """A text of the guide about a hop, of the installation as it is now."""
        return self.judge.phrase(text, self._now(road, hop))

    def _now(self, road: Road, hop: RoadHop) -> Facts:
        return self.entered(road.installation, road.facts, road.country).with_layers(hop.layers)

    def revision(self, source: str, deployment: str, way: Way | None = None) -> str | None:
        """The revision of a source's document that counts: that of the way for its own document, else what the aim
        wants, or the newest."""
        if way is not None and way.edge.source.partition("#")[0] == source.partition("#")[0]:
            return way.revision
        return in_force(self.guide, source, self.aims[deployment].facts.get("revision"))

    def asks(self, requirement: Requirement, deployment: str, way: Way | None = None) -> bool:
        """Whether a requirement stands in the revision of its document that counts."""
        return stands(requirement.revision, self.revision(requirement.source, deployment, way))

    def makes(self, step: FlatStep, deployment: str, way: Way) -> bool:
        """The same of a step, with the inclusions around it."""
        return all(
            stands(revision, self.revision(source or way.edge.source, deployment, way))
            for source, revision in step.revisions
        )

    def edges(self, component: str) -> Iterable[tuple[int, Edge]]:
        return self._edges.get(component, ())

    def begins(self, from_: From, state: State) -> bool:
        """Whether an edge begins at this state. Bounds alone are meant of this guide's own builds."""
        if from_.release is None and state.release is not None and state.release not in self.guide.releases:
            return False
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


def after_hop(hop: RoadHop, deployment: str, facts: Facts) -> Facts:
    """The facts when a hop is over: what its steps leave, and the build."""
    country = hop.country
    steps = country.procedures.leaving(hop.edge.procedure)
    steps = tuple(step for step in steps if not step.revisions or country.makes(step, deployment, hop))
    left = carried(country.judge, steps, facts.with_layers(hop.layers))
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
