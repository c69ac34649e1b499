"""Blocks: the steps of one hop, or of one mend, of one installation. What order is made of.

Installations whose choices are equal share a blueprint; texts are rendered once for equal values of what they read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from handrail.assessing.assess import OTHER_SYSTEM, UNKNOWN_FACT, WAY_BACK_MEDIUM, WAY_BACK_UNKNOWN, Survey
from handrail.assessing.country import Country, Road, RoadHop
from handrail.assessing.evaluate import Judge, Reads
from handrail.assessing.facts import DERIVED, MISSING, Facts
from handrail.assessing.procedures import FlatStep
from handrail.assessing.roads import Roads
from handrail.assessing.rules import Leg, PlannedMend
from handrail.guides.language import Known, Unknown
from handrail.model.finding import Citation, Finding
from handrail.model.plan import Fact
from handrail.model.signature import Signature
from handrail.planning.backs import BY_HAND, Shelved, by_hand, shelved
from handrail.planning.blueprint import (
    HOSTLESS,
    Blueprint,
    Choice,
    Chosen,
    Shaped,
    Shaping,
    signature_of,
    slug,
    with_late,
)

# Facts of one place are asked for close to each other.
_ENOUGH = 5_000


@dataclass(frozen=True, slots=True)
class Rendered:
    """What the texts of a step became; shared by all steps for which they became the same. `host` is None unless the
    guide names one."""

    title: str
    host: str | None
    with_: Mapping[str, Any]
    says: str
    leaves: tuple[tuple[str, Any], ...]
    missing: tuple[str, ...]
    by_hand: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """`prefix` begins the ids of its steps, and is its `key` unless the hop is made in two parts. `index` counts the
    hops of the installation; a mend has that of its hop. `shelved`: the media of its way back. `places`, shared by
    all blocks of a shape: where in `names` and `rendered` a step of the blueprint is found."""

    key: str
    prefix: str
    subject: str
    deployment: str
    component: str
    index: int
    release: str | None
    hop_to: str
    country: Country
    facts: Facts
    rests: frozenset[str]
    blueprint: Blueprint
    mend: bool = False
    part: Literal["whole", "head", "tail"] = "whole"
    places: Mapping[str, int] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    rendered: tuple[Rendered, ...] = ()
    shelved: Shelved | None = None

    def halves(self) -> tuple[Block, Block] | None:
        """The hop in two parts: until the downtime begins, and from there."""
        parts = self.blueprint.halves()
        if parts is None:
            return None
        head, tail = parts
        return replace(self, blueprint=head, part="head"), replace(
            self, key=f"{self.key}~", blueprint=tail, part="tail"
        )

    def ids(self, relative: Iterable[str]) -> tuple[str, ...]:
        """Ids of the plan for ids of the blueprint; one object for each, however often it is named."""
        return tuple(self.names[self.places[one]] for one in relative)

    def id(self, relative: str) -> str:
        return self.names[self.places[relative]]

    def render(self, step: Shaped) -> Rendered:
        return self.rendered[self.places[step.id]]


class Builder:
    """Makes the blocks of a survey."""

    def __init__(self, survey: Survey, signatures: Mapping[str, Signature]) -> None:
        self._survey = survey
        self._signatures = signatures
        self._blueprints: dict[object, Blueprint] = {}
        self._places: dict[int, Mapping[str, int]] = {}
        self._bundles: dict[int, tuple[FlatStep, Reads, dict[object, Rendered]]] = {}
        self._names: dict[int, tuple[FlatStep, frozenset[str]]] = {}
        self._facts: dict[tuple[str, object], Fact] = {}
        self._shelves: dict[object, Shelved] = {}
        self._late: tuple[Facts | None, dict[str, Mapping[str, str]]] = (None, {})
        self._shared: tuple[Facts | None, dict[frozenset[str], tuple[Fact, ...]]] = (None, {})
        self.findings: dict[Finding, None] = {}

    def forget(self) -> None:
        """Let go of what was kept for further blocks: a large estate's steps need the room."""
        for _, _, known in self._bundles.values():
            known.clear()
        self._shelves.clear()
        for country in self._survey.roads.guides().values():
            country.judge.forget()
        empty = Roads(self._survey.roads.aims, {}, {})
        self._survey = replace(self._survey, legs={}, findings=(), roads=empty)

    def hop(self, road: Road, index: int, leg: Leg) -> Block:
        return self._block(
            leg.hop.country,
            road,
            index,
            leg.hop.edge.procedure,
            leg.hop.edge.source,
            leg.facts,
            f"{leg.hop.to}/",
            leg.rests,
        )

    def mend(self, mend: PlannedMend, hop_to: str, prefix: str) -> Block:
        road = self._survey.roads.roads[mend.subject]
        country = road.hops[mend.hop].country
        source, asked = mend.requirement.source, mend.requirement
        assert asked.mend is not None
        rests = country.judge.names([asked.when, asked.must])
        within = f"{hop_to}/{prefix}-"
        return self._block(country, road, mend.hop, asked.mend.procedure, source, mend.facts, within, rests, True)

    def _block(
        self,
        country: Country,
        road: Road,
        index: int,
        procedure: str,
        source: str,
        facts: Facts,
        within: str,
        rests: frozenset[str],
        mend: bool = False,
    ) -> Block:
        installation = road.installation
        hop = road.hops[index]
        component = country.component(installation)
        choice = self._choose(country, procedure, facts, road, hop)
        back, shelf = None, None
        name = country.guide.procedures[procedure].back
        if name is not None:
            shelf = shelved(country, name, component, facts, self._shelves)
            back = self._choose(country, name, shelf.read(facts), road, hop, is_back=True)
        shape = (country.guide.name, procedure, source, component, choice.key, back.key if back else None)
        blueprint = self._blueprints.get(shape)
        if blueprint is None:
            shaping = Shaping(country, self._signatures, source)
            blueprint = self._blueprints[shape] = shaping.make(choice, back, component)
        key = f"{installation.subject}/{within}"
        block = Block(
            key=key,
            prefix=key,
            subject=installation.subject,
            deployment=installation.deployment,
            component=component,
            index=index,
            release=hop.after.release,
            hop_to=hop.to,
            country=country,
            facts=facts,
            rests=rests,
            blueprint=blueprint,
            mend=mend,
            places=self._places_in(blueprint),
            names=tuple(key + step.id for step in (*blueprint.steps, *blueprint.back)),
            shelved=shelf,
        )
        rendered = [self._render(block, step) for step in blueprint.steps]
        rendered += [self._render_back(block, step) for step in blueprint.back]
        object.__setattr__(block, "rendered", tuple(rendered))
        return block

    def _places_in(self, blueprint: Blueprint) -> Mapping[str, int]:
        known = self._places.get(id(blueprint))
        if known is None:
            every = (*blueprint.steps, *blueprint.back)
            known = self._places[id(blueprint)] = {step.id: place for place, step in enumerate(every)}
        return known

    def _choose(
        self, country: Country, procedure: str, facts: Facts, road: Road, hop: RoadHop, *, is_back: bool = False
    ) -> Choice:
        """Which steps of a procedure are planned here. Of a way back a step of which that is not known is planned too:
        a person will know."""
        subject, deployment = road.installation.subject, road.installation.deployment
        chosen: list[Chosen] = []
        left_out: dict[str, FlatStep] = {}
        for flat in country.procedures.flat(procedure):
            stands = not flat.revisions or country.makes(flat, deployment, hop)
            unsure = "" if not is_back else _undecided(country.judge, flat, facts)
            if not stands or not (unsure or self._wanted(country.judge, flat, facts, subject)):
                left_out[flat.id] = flat
                continue
            if unsure:
                chosen.append(Chosen(flat, unsure=unsure))
                continue
            if flat.template.each is None:
                chosen.append(Chosen(flat))
                continue
            answer = country.judge.ask(flat.template.each, facts)
            if isinstance(answer, Unknown):
                self._unknown(subject, flat.id, answer.missing, facts)
                left_out[flat.id] = flat
                continue
            items = list(answer.value or ())
            if not items:
                left_out[flat.id] = flat
            seen: dict[str, int] = {}
            for item in items:
                name = slug(item)
                seen[name] = seen.get(name, 0) + 1
                chosen.append(Chosen(flat, item, name if seen[name] == 1 else f"{name}-{seen[name]}"))
        return Choice(tuple(chosen), left_out)

    def _wanted(self, judge: Judge, flat: FlatStep, facts: Facts, subject: str) -> bool:
        for text in flat.ifs:
            answer = judge.ask(text, facts)
            if isinstance(answer, Unknown):
                self._unknown(subject, flat.id, answer.missing, facts)
                return False
            if not answer.value:
                return False
        return True

    def _render(self, block: Block, step: Shaped) -> Rendered:
        flat = step.chosen.flat
        judge = block.country.judge
        bundle = self._bundles.get(id(flat))
        if bundle is None:
            bundle = self._bundles[id(flat)] = (flat, Reads.of(self._reads(block, flat)), {})
        _, reads, known = bundle
        facts = block.facts
        if step.chosen.item is not None:
            facts = facts.with_layer("item", {"": step.chosen.item})
        key = judge.key(reads, facts)
        rendered = known.get(key)
        if rendered is None:
            rendered = known[key] = self._rendered(judge, step, facts)
        if rendered.missing:
            self._unknown(block.subject, step.id, rendered.missing, facts)
        self._fits(block, step, rendered)
        return rendered

    def _render_back(self, block: Block, step: Shaped) -> Rendered:
        """A step of a way back. What is not known or not there leaves it to a person, who will have it by then."""
        flat, shelf = step.chosen.flat, block.shelved
        judge, facts = block.country.judge, block.facts if shelf is None else shelf.read(block.facts)
        bundle = self._bundles.get(id(flat))
        if bundle is None:
            bundle = self._bundles[id(flat)] = (flat, Reads.of(self._reads(block, flat)), {})
        _, reads, known = bundle
        if step.chosen.item is not None:
            facts = facts.with_layer("item", {"": step.chosen.item})
        lacks = {} if shelf is None else {need: says for need, says in shelf.lacks.items() if need in reads.names}
        key = (judge.key(reads, facts), step.chosen.unsure, tuple(lacks.values()))
        rendered = known.get(key)
        if rendered is None:
            rendered = self._rendered(judge, step, facts)
            if rendered.missing or step.chosen.unsure:
                values = by_hand(judge, step, facts, rendered.with_, lacks, rendered.missing)
                rendered = replace(rendered, with_=values, by_hand=True)
            known[key] = rendered
        for name in rendered.missing:
            self._missing_back(block, step, name, lacks, facts)
        if not rendered.by_hand:
            self._fits(block, step, rendered)
        return rendered

    def _fits(self, block: Block, step: Shaped, rendered: Rendered) -> None:
        """Its host can do what the step asks of it, as far as its system is known."""
        name = self.host(block, step, rendered)
        host = self._survey.estate.hosts.get(name) if name is not None else None
        if host is None or host.os is None:
            return
        known = step.signature.platforms
        if ("windows" if host.is_windows else "linux") in known:
            return
        uses = step.chosen.flat.template.uses
        message = f"The step {step.id!r} uses {uses}, which is for {known[0].capitalize()} only; {name} runs {host.os}."
        remedy = "This is for the guide to mend: `handrail guide schema` lists what there is for each system."
        source = Citation("ours", "what a host cannot do is not planned for it")
        self.findings[Finding(OTHER_SYSTEM, "blocker", block.subject, message, remedy, source)] = None

    def _missing_back(self, block: Block, step: Shaped, name: str, lacks: Mapping[str, str], facts: Facts) -> None:
        way = f"The way back of {block.subject} from {block.hop_to} to {facts.get('hop.from', 'where it was')}"
        if name in lacks:
            message = f"{way} needs {lacks[name]}, which the estate lacks."
            remedy = "Put it into the estate; without it a person has to bring it when it is needed."
            source = Citation("ours", "a restore is worth nothing without the media of what was there")
            self.findings[Finding(WAY_BACK_MEDIUM, "risk", block.subject, message, remedy, source)] = None
            return
        message = f"{way} leaves {step.id!r} to a person: {facts.address(name)} is not stated."
        remedy = f"State {facts.address(name)} in the estate file."
        source = Citation("ours", "what a way back needs is known before it is needed")
        self.findings[Finding(WAY_BACK_UNKNOWN, "risk", block.subject, message, remedy, source)] = None

    def uses(self, step: Shaped, rendered: Rendered) -> tuple[str, Signature]:
        """The action that a step became, and its signature."""
        if rendered.by_hand:
            return BY_HAND, signature_of(BY_HAND, self._signatures, "")
        return step.chosen.flat.template.uses, step.signature

    def _rendered(self, judge: Judge, step: Shaped, facts: Facts) -> Rendered:
        template = step.chosen.flat.template
        missing: list[str] = []
        with_ = {}
        for name, value in template.with_.items():
            answer = judge.value(value, facts)
            if isinstance(answer, Unknown):
                missing += answer.missing
            else:
                with_[name] = answer.value
        host = None
        if template.host is not None:
            answer = judge.ask(template.host, facts)
            if isinstance(answer, Known):
                host = answer.value
            else:
                missing += answer.missing
        leaves = []
        for name, value in template.leaves.items():
            answer = judge.value(value, facts)
            leaves.append((name, answer.value if isinstance(answer, Known) else None))
        title = judge.phrase(template.title, facts) or step.signature.summary.rstrip(".") or step.id
        says = judge.phrase(template.says, facts)
        return Rendered(title, host, with_, says, tuple(leaves), tuple(dict.fromkeys(missing)))

    def _reads(self, block: Block, flat: FlatStep) -> frozenset[str]:
        """All names that a step reads when it is planned."""
        known = self._names.get(id(flat))
        if known is None:
            template = flat.template
            names = block.country.judge.names(
                (*flat.ifs, template.each, template.host),
                (template.title, template.says, dict(template.with_), dict(template.leaves)),
            )
            known = self._names[id(flat)] = (flat, names)
        return known[1]

    def rests_on(self, block: Block, step: Shaped, begins: bool) -> tuple[Fact, ...]:
        """The facts that a step rests on: those its texts read, and for the first step those that rules read."""
        names = self._reads(block, step.chosen.flat)
        if begins:
            names = names | block.rests
        facts, shared = self._shared
        if facts is not block.facts:
            facts, shared = self._shared = (block.facts, {})
        if names not in shared:
            shared[names] = self._resting(block, names)
        return shared[names]

    def _resting(self, block: Block, names: frozenset[str]) -> tuple[Fact, ...]:
        found: dict[str, Fact] = {}
        for name in sorted(names):
            prefix, _, key = name.partition(".")
            derived = DERIVED.get(prefix)
            if derived is None or key in derived:
                continue
            value = block.facts.get(name, MISSING)
            if value is not MISSING:
                address = block.facts.address(name)
                found[address] = self.fact(address, value)
        return tuple(found.values())

    def fact(self, address: str, value: Any) -> Fact:
        """One object for one fact."""
        key = (address, (value.__class__, value) if isinstance(value, (str, int, float, type(None))) else id(value))
        known = self._facts.get(key)
        if known is None:
            if len(self._facts) >= _ENOUGH:
                self._facts.clear()
            known = self._facts[key] = Fact(address, value)
        return known

    def host(self, block: Block, step: Shaped, rendered: Rendered) -> str | None:
        """Where a step is carried out: where the guide says, else on the installation's (future) host."""
        if rendered.host is not None or step.chosen.flat.template.uses in HOSTLESS:
            return rendered.host
        name: str = block.facts.get("host.name")
        return name

    def parameters(self, block: Block, step: Shaped, rendered: Rendered) -> Mapping[str, Any]:
        if not step.late:
            return rendered.with_
        facts, late = self._late
        if facts is not block.facts:
            facts, late = self._late = (block.facts, {})

        def one(written: str) -> Mapping[str, str]:
            meant = block.prefix + step.late[written]
            return late.setdefault(meant, {"late": meant})

        found: Mapping[str, Any] = with_late(rendered.with_, one)
        return found

    def _unknown(self, subject: str, step: str, missing: Sequence[str], facts: Facts) -> None:
        names = ", ".join(facts.address(name) for name in missing)
        message = f"The step {step!r} cannot be planned without {names}, which is not stated."
        remedy = f"State {names} in the estate file."
        source = Citation("ours", "what a step needs is known before it is planned")
        self.findings[Finding(UNKNOWN_FACT, "blocker", subject, message, remedy, source, True)] = None


def _undecided(judge: Judge, flat: FlatStep, facts: Facts) -> str:
    """The condition of a step that cannot be decided, unless another of them leaves it out."""
    answers = [(text, judge.ask(text, facts)) for text in flat.ifs]
    if any(isinstance(answer, Known) and not answer.value for _, answer in answers):
        return ""
    if flat.template.each is not None:
        answers.append((flat.template.each, judge.ask(flat.template.each, facts)))
    return next((text for text, answer in answers if isinstance(answer, Unknown)), "")


def build(survey: Survey, builder: Builder) -> tuple[dict[str, Block], dict[str, list[tuple[str, int]]]]:
    """The blocks by key, and for each mend the hops (subject, index) that wait for it.

    A mend that several installations ask for is one block, named after the first of them.
    """
    blocks: dict[str, Block] = {}
    waiting: dict[str, list[tuple[str, int]]] = {}
    mended: dict[tuple[object, ...], str] = {}
    for subject, legs in survey.legs.items():
        road = survey.roads.roads[subject]
        if any(leg.hop.picked.missing or leg.hop.unknown for leg in legs):
            continue
        for index, leg in enumerate(legs):
            for mend in leg.mends:
                if mend.key not in mended:
                    block = _mend(builder, mend, leg, blocks)
                    blocks[block.key] = block
                    mended[mend.key] = block.key
                waiting.setdefault(mended[mend.key], []).append((subject, index))
            block = builder.hop(road, index, leg)
            blocks[block.key] = block
    return blocks, waiting


def _mend(builder: Builder, mend: PlannedMend, leg: Leg, blocks: Mapping[str, Block]) -> Block:
    """Two mends of one hop may use one procedure for different things: the second is numbered."""
    procedure = mend.requirement.mend.procedure if mend.requirement.mend else ""
    number, prefix = 1, procedure
    while f"{mend.subject}/{leg.hop.to}/{prefix}-" in blocks:
        number += 1
        prefix = f"{procedure}-{number}"
    return builder.mend(mend, leg.hop.to, prefix)
