"""Lint of everything but procedures and expressions: do names lead somewhere, do builds ascend, is order possible."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from handrail.documents.read import Keys
from handrail.errors import suggestion
from handrail.guides.fact_types import fits
from handrail.guides.notes import Notes
from handrail.guides.reader import GuideDocument
from handrail.guides.variables import BUILT_IN, SCOPES, TYPES, can_be_named
from handrail.model.guide import Component, Edge, Guide, MediumNeed, Order, Requirement
from handrail.model.version import SCHEMES, key

_NAME = re.compile(r"[a-z0-9][a-z0-9.-]*\Z")
_RULE = re.compile(r"[a-z0-9][a-z0-9.-]*(/[a-z0-9][a-z0-9.-]*)+\Z")
_DEMAND = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*\Z")
_MEDIA = ("iso", "zip", "folder", "msi", "msp", "exe")
_ESTATE_WIDE = ("deployment", "estate")


def check_rules(document: GuideDocument, notes: Notes) -> None:
    _Rules(document, notes).all()


class _Rules:
    def __init__(self, document: GuideDocument, notes: Notes) -> None:
        self.document = document
        self.guide: Guide = document.guide
        self.notes = notes

    def all(self) -> None:
        guide = self.guide
        if not _NAME.match(guide.name):
            self.notes.add(("guide",), f"{guide.name!r} is no name for a guide.", "Use a-z, 0-9, dots and hyphens.")
        if guide.versioning not in SCHEMES:
            self.notes.unknown(("versioning",), "The versioning", guide.versioning, SCHEMES)
        else:
            self._releases()
        for number, product in enumerate(guide.products):
            if product not in guide.components:
                self.notes.unknown(("products", number), "The component", product, guide.components)
        self._facts()
        for name, component in guide.components.items():
            self._component(name, component)
        self._edges()
        for number, rule in enumerate(guide.requirements):
            self._requirement(rule, ("requirements", number))
        for number, pair in enumerate(guide.works_with):
            keys: Keys = ("works_with", number)
            self._component_name((*keys, "a"), pair.a)
            self._component_name((*keys, "b"), pair.b)
            self.source(keys, pair.source)
        for number, order in enumerate(guide.order):
            self._order(order, ("order", number))
        self._sources()
        self._cycles()
        self._errors()
        self._demands()
        if guide.unknown_build_rule is not None:
            self._rule_name(("unknown_build_rule",), guide.unknown_build_rule)

    def source(self, keys: Keys, source: str, *, note: bool = False) -> None:
        """A source reads DOCUMENT#SECTION; what is only remembered or inferred may inform a note, nothing more."""
        place = (*keys, "source")
        document, mark, section = source.partition("#")
        if not source:
            self.notes.add(keys, "A source is missing.", "Write `source: DOCUMENT#SECTION`.")
        elif document not in self.guide.sources:
            self.notes.unknown(place, "The source", document, self.guide.sources)
        elif not mark or not section.strip():
            self.notes.add(place, f"The source {source!r} names no section.", f"Write {document}#SECTION.")
        elif self.guide.sources[document].kind in ("memory", "inference") and not note:
            kind = self.guide.sources[document].kind
            self.notes.add(place, f"A source of kind {kind} may inform a note only.", "Find a better source.")

    def _sources(self) -> None:
        for name, source in self.guide.sources.items():
            keys: Keys = ("sources", name)
            if len(set(source.revisions)) < len(source.revisions):
                self.notes.add(
                    (*keys, "revisions"), "A revision stands here twice.", "List each once, the oldest first."
                )
            if source.withdrawn_rule is not None:
                self._rule_name((*keys, "withdrawn_rule"), source.withdrawn_rule)
        for name, procedure in self.guide.procedures.items():
            self._media(procedure.media, ("procedures", name, "media"))
            for number, step in enumerate(procedure.steps):
                self._revision(("procedures", name, "steps", number), step.revision, step.source)
        for joined in self.guide.continues:
            for ours in joined.components.values():
                self._component_name(("continues",), ours)

    def _demands(self) -> None:
        for id, demand in self.guide.demands.items():
            keys: Keys = ("demands", id)
            if not _DEMAND.match(id):
                self.notes.add(
                    keys, f"{id!r} is no name for a demand.", "Use letters, digits, dots and hyphens.", at_key=True
                )
            if not demand.says.strip():
                self.notes.add(keys, f"The demand {id!r} says nothing.", "Say what is demanded, in one sentence.")
            self.source(keys, demand.source, note=True)

    def _releases(self) -> None:
        seen: dict[tuple[int, ...], str] = {}
        for id, release in self.guide.releases.items():
            keys: Keys = ("releases", id)
            self.source(keys, release.source)
            if release.series is not None and not re.fullmatch(r"[0-9]+(\.[0-9]+)*", release.series):
                self.notes.add(
                    (*keys, "series"), f"{release.series!r} is no series.", "Write numbers, such as 15 or 9.6."
                )
            if not release.builds and not release.from_medium and release.series is None:
                advice = "List them, or write `series:` or `from_medium: true`."
                self.notes.add(keys, f"The release {id!r} has no builds.", advice)
            last: tuple[int, ...] | None = None
            for number, build in enumerate(release.builds):
                place = (*keys, "builds", number)
                parsed = self._build(place, build)
                if parsed is None:
                    continue
                if last is not None and parsed <= last:
                    self.notes.add(place, f"{build} is not newer than the build before it.", "List builds ascending.")
                if parsed in seen and seen[parsed] != id and seen[parsed] not in release.shares:
                    advice = f"It belongs to one; or write `shares: [{seen[parsed]}]`."
                    self.notes.add(place, f"{build} is a build of {seen[parsed]!r} already.", advice)
                seen.setdefault(parsed, id)
                last = parsed

    def _build(self, keys: Keys, build: str) -> tuple[int, ...] | None:
        if self.guide.versioning not in SCHEMES:
            return None
        try:
            return key(self.guide.versioning, build)
        except ValueError as error:
            self.notes.add(keys, f"{error}.", "Correct it.")
            return None

    def _facts(self) -> None:
        for scope, facts in self.guide.facts.items():
            if scope not in SCOPES:
                self.notes.add(("facts", scope), f"There are no facts of {scope!r}.", f"Known: {', '.join(SCOPES)}.")
            for name, fact in facts.items():
                keys: Keys = ("facts", scope, name)
                if not can_be_named(name):
                    self.notes.add(
                        keys, f"{name!r} cannot be named in an expression.", "Use letters, digits and _.", at_key=True
                    )
                if fact.type not in TYPES:
                    self.notes.unknown((*keys, "type"), "The type", fact.type, TYPES)
                elif fact.default is not None and not fits(fact.type, fact.default):
                    self.notes.add((*keys, "default"), f"The default is not of the type {fact.type}.", "Correct one.")
                if scope != "aim" and name in BUILT_IN.get(scope, {}):
                    self.notes.add(keys, f"{scope}.{name} is always there.", "Choose another name.", at_key=True)

    def _component(self, name: str, component: Component) -> None:
        keys: Keys = ("components", name)
        if not _NAME.match(name):
            self.notes.add(keys, f"{name!r} is no name for a component.", "Use a-z, 0-9 and hyphens.", at_key=True)
        for value in component.values:
            if not can_be_named(value) or value in BUILT_IN["component"]:
                self.notes.add(
                    (*keys, "values", value),
                    f"{value!r} cannot be the name of a value.",
                    "Use letters, digits and _, and not id or title.",
                    at_key=True,
                )
        for release, build in component.newest.items():
            self._release_name((*keys, "newest", release), release)
            self._build((*keys, "newest", release), build)

    def _edges(self) -> None:
        seen: set[str] = set()
        for edge, keys in zip(self.guide.edges, self.document.edge_keys, strict=True):
            if edge.id in seen:
                self.notes.add(keys, f"The edge {edge.id!r} stands here a second time.", "Give it another id.")
            seen.add(edge.id)
            self._edge(edge, keys)

    def _edge(self, edge: Edge, keys: Keys) -> None:
        self._component_name((*keys, "component"), edge.component)
        origin = edge.from_
        ranges = origin.release or origin.least or origin.below
        if (origin.build is None) == (ranges is None):
            advice = "Give a build, or a release, or bounds (least, below), or a release with bounds."
            self.notes.add((*keys, "from"), "An edge begins at a build, at a release or within bounds.", advice)
        if origin.release is not None and not self.guide.continues:
            # Of a guide that continues another it may be that one's: `lines.check_line` looks there.
            self._release_name((*keys, "from", "release"), origin.release)
        for name in ("build", "least", "below"):
            build = getattr(origin, name)
            if build is not None:
                self._build((*keys, "from", name) if name != "build" else (*keys, "from"), build)
        if edge.to not in self.guide.releases and not self._is_build(edge.to):
            self.notes.unknown((*keys, "to"), "The release or build", edge.to, self.guide.releases)
        if edge.procedure not in self.guide.procedures:
            self.notes.unknown((*keys, "procedure"), "The procedure", edge.procedure, self.guide.procedures)
        if edge.when is not None and not edge.otherwise:
            advice = "Write `otherwise:` with the reason that people read where it does not apply."
            self.notes.add(keys, f"The edge {edge.id!r} has a condition but does not say why it fails.", advice)
        self._media(edge.media, (*keys, "media"))
        if edge.media and edge.media_rule is None:
            advice = f"Add `media_rule: {self.guide.name}/media`."
            self.notes.add(keys, f"The edge {edge.id!r} needs media but names no rule for it.", advice)
        if edge.media_rule is not None:
            self._rule_name((*keys, "media_rule"), edge.media_rule)
        if edge.announces is not None:
            self._rule_name((*keys, "announces", "rule"), edge.announces.rule)
        self.source(keys, edge.source)
        self._revision(keys, edge.revision, edge.source)
        self._errata(keys, edge.errata)

    def _revision(self, keys: Keys, revision: tuple[str, ...], source: str) -> None:
        document = source.partition("#")[0]
        if document not in self.guide.sources:
            return
        known = self.guide.sources[document].revisions
        for one in revision:
            if one not in known:
                advice = suggestion(one, known) if known else f"List its `revisions:` at the source {document!r}."
                self.notes.add((*keys, "revision"), f"{document!r} has no revision {one!r}.", advice)

    def _errata(self, keys: Keys, errata: tuple[str, ...]) -> None:
        for one in errata:
            if one not in self.guide.errata:
                self.notes.unknown((*keys, "errata"), "The erratum", one, self.guide.errata)

    def _is_build(self, text: str) -> bool:
        known = {build for release in self.guide.releases.values() for build in release.builds}
        return text in known

    def _media(self, media: Mapping[str, MediumNeed], keys: Keys) -> None:
        for name, need in media.items():
            place = (*keys, name)
            if not can_be_named(name):
                self.notes.add(
                    place,
                    f"`media.{name}` cannot be named in an expression.",
                    "Use letters, digits and _.",
                    at_key=True,
                )
            for kind in need.kind:
                if kind not in _MEDIA:
                    self.notes.unknown((*place, "kind"), "The kind of medium", kind, _MEDIA)
            ours = need.product is None or need.product == self.guide.name
            if ours and need.release is not None and "{{" not in need.release:
                self._release_name((*place, "release"), need.release)
            if ours and need.component is not None and "{{" not in need.component:
                self._component_name((*place, "component"), need.component)
            if need.build is not None and "{{" not in need.build:
                self._needed_build((*place, "build"), need.build.removeprefix(">=").strip(), ours)

    def _needed_build(self, keys: Keys, build: str, ours: bool) -> None:
        if ours:
            self._build(keys, build)
            return
        try:
            key("dotted", build)
        except ValueError as error:
            self.notes.add(keys, f"{error}.", "Correct it.")

    def _requirement(self, rule: Requirement, keys: Keys) -> None:
        self._rule_name((*keys, "rule"), rule.rule)
        for component in rule.components:
            self._component_name((*keys, "components"), component)
        if rule.scope in _ESTATE_WIDE and rule.components:
            self.notes.add((*keys, "components"), f"A rule about the {rule.scope} has no components.", "Remove them.")
        if rule.when is None and rule.must is None:
            self.notes.add(keys, f"{rule.rule} always speaks.", "Say `when` it concerns anybody, or what `must` hold.")
        if rule.mend is not None:
            if rule.mend.procedure not in self.guide.procedures:
                place = (*keys, "mend", "procedure")
                self.notes.unknown(place, "The procedure", rule.mend.procedure, self.guide.procedures)
            self._media(rule.mend.media, (*keys, "mend", "media"))
        self._revision(keys, rule.revision, rule.source)
        self._errata(keys, rule.errata)
        self.source(keys, rule.source, note=rule.level == "note")

    def _order(self, order: Order, keys: Keys) -> None:
        if order.sequence:
            if order.first or order.then or order.one_by_one or not order.across or len(order.sequence) < 2:
                advice = "Write `sequence` with two names or more, and `across: true`."
                self.notes.add(keys, "A sequence is an order of its own, across deployments.", advice)
            if len(set(order.sequence)) != len(order.sequence):
                self.notes.add((*keys, "sequence"), "A name stands in this sequence twice.", "Keep one of the two.")
            self.source(keys, order.source)
            return
        pair = order.first is not None and order.then is not None
        if pair == (order.one_by_one is not None) or (order.first is None) != (order.then is None):
            self.notes.add(keys, "An order is `first` and `then`, or `one_by_one`.", "Write one of the two.")
        for name in () if order.across else ("first", "then", "one_by_one"):
            component = getattr(order, name)
            if component is not None:
                self._component_name((*keys, name), component)
        for release in () if order.across else order.to:
            self._release_name((*keys, "to"), release)
        self.source(keys, order.source)

    def _cycles(self) -> None:
        """Orders for one release must not bite their own tail. Across deployments the releases are others' too."""
        for release in [*self.guide.releases, ""]:
            after: dict[str, dict[str, int]] = {}
            for number, order in enumerate(self.guide.order):
                applies = not order.to or release in order.to
                if applies and order.first is not None and order.then is not None:
                    after.setdefault(order.first, {}).setdefault(order.then, number)
            cycle = _cycle(after)
            if cycle:
                number = after[cycle[-2]][cycle[-1]]
                chain = " before ".join(cycle)
                self.notes.add(("order", number), f"This order cannot be kept: {chain}.", "Remove one of them.")

    def _errors(self) -> None:
        for name, known in self.guide.known_errors.items():
            keys: Keys = ("known_errors", name)
            if known.log is None and not known.exit:
                self.notes.add(keys, f"Nothing tells the error {name!r}.", "Give `log`, `exit`, or both.")
            if known.log is not None:
                try:
                    re.compile(known.log)
                except (re.error, OverflowError, RecursionError) as error:
                    self.notes.add((*keys, "log"), f"This is not a regular expression: {error}.", "Correct it.")
            self.source(keys, known.source)
        for name, erratum in self.guide.errata.items():
            if erratum.document not in self.guide.sources:
                self.notes.unknown(("errata", name, "document"), "The source", erratum.document, self.guide.sources)
            self.source(("errata", name), erratum.source)

    def _rule_name(self, keys: Keys, name: str) -> None:
        if not _RULE.match(name):
            advice = f"Write a path such as {self.guide.name}/supported-os."
            self.notes.add(keys, f"{name!r} is no name for a rule.", advice)

    def _component_name(self, keys: Keys, name: str) -> None:
        if name not in self.guide.components:
            self.notes.unknown(keys, "The component", name, self.guide.components)

    def _release_name(self, keys: Keys, name: str) -> None:
        if name not in self.guide.releases:
            self.notes.unknown(keys, "The release", name, self.guide.releases)


def _cycle(after: Mapping[str, Mapping[str, int]]) -> list[str]:
    """One cycle as a chain that begins and ends with the same name; empty when there is none."""
    done: set[str] = set()
    for start in after:
        path: list[str] = []
        stack: list[Iterator[str]] = [iter((start,))]
        while stack:
            name = next(stack[-1], None)
            if name is None:
                stack.pop()
                if path:
                    done.add(path.pop())
                continue
            if name in path:
                return [*path[path.index(name) :], name]
            if name not in done:
                path.append(name)
                stack.append(iter(after.get(name, {})))
    return []
