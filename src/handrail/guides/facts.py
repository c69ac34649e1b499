"""Whether an estate's facts are those that its guides declare, each of the right type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

from handrail.documents.estate import EstateDocument
from handrail.documents.read import Keys, Reading, describe, fields_of
from handrail.errors import suggestion
from handrail.guides.catalogue import Catalogue, CompiledGuide
from handrail.guides.fact_types import fits
from handrail.guides.lines import Line, line_of
from handrail.model.estate import Account, Aim, Database, Deployment, Estate, Host, Installation
from handrail.model.guide import FactType

_AIM_FACTS: Mapping[str, FactType] = {
    "window": FactType("map", "start and end of the maintenance window"),
    "revision": FactType("text", "which revision of a document counts"),
    "refresh": FactType("list", "what of the platform is renewed"),
    "library_share": FactType("text", "default, new, or a path"),
    "databases": FactType("map", "databases that move, each with its new host"),
}
_WORDS = {
    "text": "text",
    "number": "a number",
    "whole": "a whole number",
    "yes-no": "true or false",
    "version": "a version in quotes",
    "list": "a list",
    "map": "a mapping",
}
Facts = Mapping[str, FactType]
E = TypeVar("E", Host, Database, Account, Installation, Deployment)


def check_estate(document: EstateDocument, catalogue: Catalogue) -> Estate:
    """The estate with every fact under `facts`. BadDocument with every fact that no guide of this estate declares or
    that has the wrong type, every product, component, release or build that a guide does not know."""
    checking = _Checking(document, catalogue)
    estate = checking.estate()
    checking.finish()
    return estate


class _Checking(Reading):
    def __init__(self, document: EstateDocument, catalogue: Catalogue) -> None:
        super().__init__(document.tree)
        self.before = document.estate
        self.catalogue = catalogue
        self.extra: dict[Keys, dict[str, Any]] = {}
        for keys, value in document.extra.items():
            self.extra.setdefault(keys[:-1], {})[str(keys[-1])] = value
        self.guides: dict[str, CompiledGuide] = {}
        self.lines: dict[str, Line] = {}
        for id, deployment in self.before.deployments.items():
            guide = catalogue.named(deployment.product)
            if guide is None:
                known = [*catalogue.guides, *(name for one in catalogue.guides.values() for name in one.guide.products)]
                advice = suggestion(deployment.product, known)
                self.mistake(("deployments", id, "product"), f"No guide knows {deployment.product!r}.", advice)
            else:
                self.guides[id] = guide
                if guide.guide.name not in self.lines:
                    self.lines[guide.guide.name] = line_of(catalogue, guide.guide.name)

    def estate(self) -> Estate:
        before = self.before
        self._media()
        return replace(
            before,
            hosts={id: self._host(id, one) for id, one in before.hosts.items()},
            databases={
                id: self._with_facts(one, ("databases", id), self._declared("database"))
                for id, one in before.databases.items()
            },
            accounts={
                id: self._with_facts(one, ("accounts", id), self._declared("account"))
                for id, one in before.accounts.items()
            },
            deployments={id: self._deployment(id, one) for id, one in before.deployments.items()},
            aim={id: self._aim(id, one) for id, one in before.aim.items()},
        )

    def _declared(self, scope: str) -> dict[str, FactType]:
        """What the guides of this estate declare; where two declare the same, the later one's type counts."""
        found: dict[str, FactType] = {}
        for line in self.lines.values():
            found.update(_of_line(line, scope))
        return found

    def _host(self, id: str, host: Host) -> Host:
        for name, value in host.software.items():
            if not (isinstance(value, str) or value is None or value is False):
                quoted = (
                    f'Write it in quotes: "{value}".' if isinstance(value, int | float) and value is not True else ""
                )
                self.mistake(
                    ("hosts", id, "software", name),
                    f"The version of {name!r} must be text, or false when it is not installed, not {describe(value)}.",
                    quoted or "Write the version in quotes.",
                )
        return self._with_facts(host, ("hosts", id), self._declared("host"))

    def _deployment(self, id: str, deployment: Deployment) -> Deployment:
        guide = self.guides.get(id)
        if guide is None:
            return deployment
        keys: Keys = ("deployments", id)
        line = self.lines[guide.guide.name]
        installations = tuple(
            self._installation(guide, one, (*keys, "installations", number))
            for number, one in enumerate(deployment.installations)
        )
        checked = self._with_facts(deployment, keys, _of_line(line, "deployment"))
        # Under whatever name the estate calls for the guide, from here on it is the guide's own.
        return replace(checked, product=guide.guide.name, installations=installations)

    def _installation(self, guide: CompiledGuide, one: Installation, keys: Keys) -> Installation:
        self._known((*keys, "component"), "the component", one.component, guide.guide.components, guide)
        line = self.lines[guide.guide.name]
        self._known((*keys, "release"), "the release", one.release, _releases(line), guide)
        self._build((*keys, "build"), one.build, guide)
        return self._with_facts(one, keys, _of_line(line, "installation"))

    def _aim(self, id: str, aim: Aim) -> Aim:
        guide = self.guides.get(id)
        if guide is None:
            return aim
        keys: Keys = ("aim", id)
        line = self.lines[guide.guide.name]
        if line.owner_of_aim(aim.to) is None:
            at = (*keys, "to") if isinstance(self.tree.at(*keys), Mapping) else keys
            self._known(at, "the release", aim.to, _releases(line), guide)
        declared = {**_AIM_FACTS, **_of_line(line, "aim")}
        known = [*(name for name in fields_of(Aim) if name not in ("deployment", "facts")), *declared]
        written = self.tree.at(*keys)
        for name, value in aim.facts.items():
            inner = isinstance(written, Mapping) and name not in written
            at = (*keys, "facts", name) if inner else (*keys, name)
            self._fact(name, value, at, declared, known)
        return aim

    def _media(self) -> None:
        products = {guide.guide.name: guide for line in self.lines.values() for guide in line.guides}
        for id, medium in self.before.media.items():
            guide = products.get(medium.product)
            if guide is not None:
                keys: Keys = ("media", id)
                self._known((*keys, "component"), "the component", medium.component, guide.guide.components, guide)
                self._known((*keys, "release"), "the release", medium.release, guide.guide.releases, guide)
                self._build((*keys, "build"), medium.build, guide)

    def _with_facts(self, entry: E, keys: Keys, declared: Facts) -> E:
        known = [*(name for name in fields_of(type(entry)) if name not in ("facts", "id", "deployment")), *declared]
        beside = self.extra.get(keys, {})
        for name, value in beside.items():
            self._fact(name, value, (*keys, name), declared, known)
        for name, value in entry.facts.items():
            at: Keys = (*keys, "facts", name)
            if name in beside:
                self.mistake(at, f"The fact {name!r} stands here twice: under 'facts' and beside it.", "Keep one.")
            self._fact(name, value, at, declared, list(declared))
        return replace(entry, facts={**entry.facts, **beside}) if beside else entry

    def _fact(self, name: str, value: Any, keys: Keys, declared: Facts, known: list[str]) -> None:
        fact = declared.get(name)
        if fact is None:
            advice = suggestion(name, known) or "No guide of this estate declares facts here."
            self.mistake(keys, f"{name!r} is neither a key nor a fact that a guide declares.", advice, at_key=True)
            return
        if value is None:
            if not fact.nullable:
                advice = "Leave it out if it is not known." + (f" It is: {fact.says}." if fact.says else "")
                self.mistake(keys, f"{name!r} cannot be known to be absent.", advice)
            return
        if not fits(fact.type, value):
            advice = f"It is: {fact.says}." if fact.says else ""
            if fact.type in ("text", "version") and isinstance(value, int | float) and not isinstance(value, bool):
                advice = f'Write it in quotes: "{value}".'
            self.mistake(keys, f"{name!r} must be {_WORDS[fact.type]}, not {describe(value)}.", advice)

    def _known(self, keys: Keys, what: str, name: str | None, known: Mapping[str, Any], guide: CompiledGuide) -> None:
        if name is not None and name not in known:
            advice = suggestion(name, known)
            self.mistake(keys, f"The guide {guide.guide.name!r} does not know {what} {name!r}.", advice)

    def _build(self, keys: Keys, build: str | None, guide: CompiledGuide) -> None:
        if build is None:
            return
        try:
            guide.key(build)
        except ValueError as error:
            self.mistake(keys, f"{error}.", "Correct it.")


def _of_line(line: Line, scope: str) -> dict[str, FactType]:
    found: dict[str, FactType] = {}
    for guide in line.guides:
        found.update(guide.guide.facts.get(scope, {}))
    return found


def _releases(line: Line) -> dict[str, object]:
    return {release: one for guide in line.guides for release, one in guide.guide.releases.items()}
