"""From blocks in order to the steps of the plan: ids, what each comes after and why, downtime, what it leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from handrail.errors import BadInput
from handrail.model.finding import Citation
from handrail.model.guide import OnError
from handrail.model.plan import Because, Condition, Fact, Remedy, Step, WayBack
from handrail.model.signature import Signature
from handrail.planning.blocks import Block, Builder
from handrail.planning.blueprint import RESTORE, Shaped, signature_of
from handrail.planning.going_back import question
from handrail.planning.graph import Link
from handrail.planning.order import Barrier, Reason, Web

POINT_OF_NO_RETURN = "point-of-no-return"
ASKED = Citation("ours", "nothing begins that cannot be taken back before somebody has said yes")


@dataclass(frozen=True, slots=True)
class Laid:
    """`errata`: those that steps apply, by guide."""

    steps: tuple[Step, ...]
    back: tuple[Step, ...]
    point_of_no_return: str | None
    downtime: Mapping[str, tuple[tuple[str, str], ...]]
    errata: Mapping[str, Sequence[str]]


@dataclass(slots=True)
class _Outage:
    """What is known of an installation's downtime while its steps are laid."""

    since: str | None = None
    last: str = ""
    spans: list[tuple[str, str]] = field(default_factory=list)


def lay(web: Web, builder: Builder, keys: Sequence[str], signatures: Mapping[str, Signature]) -> Laid:
    """The steps of blocks and barriers, in the order of `keys`. A block is taken out of the web once it is laid, so
    that a large estate is not in memory twice."""
    _check_ids(web)
    gated = sum(len(_one_way(block)) for block in web.blocks.values())
    laying = _Laying(web, builder, signatures, gated)
    for key in keys:
        laying.add(key)
    return laying.finish()


def _check_ids(web: Web) -> None:
    """BadInput when two steps of an installation would be called the same; no other ids begin like its own."""
    blocks: dict[str, list[Block]] = {}
    for block in web.blocks.values():
        blocks.setdefault(block.subject, []).append(block)
    for own in blocks.values():
        seen: set[str] = set()
        for block in own:
            for id in block.ids(step.id for step in (*block.blueprint.steps, *block.blueprint.back)):
                if id in seen:
                    raise BadInput(f"Two steps of the plan would be called {id!r}.", "Rename a step in the guide.")
                seen.add(id)


class _Laying:
    def __init__(self, web: Web, builder: Builder, signatures: Mapping[str, Signature], gated: int) -> None:
        self._gated = gated
        self._web = web
        self._builder = builder
        self._signatures = signatures
        self._before: dict[str, list[Link[Reason]]] = {}
        for link in web.links:
            self._before.setdefault(link.then, []).append(link)
        self._ends: dict[str, tuple[str, ...]] = {}
        self._steps: list[Step] = []
        self._back: list[Step] = []
        self._by: tuple[str, ...] = ()
        self._named: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._hold: str | None = None
        self._holds: set[str] = set()
        self._outages: dict[str, _Outage] = {}
        self._errata: dict[str, dict[str, None]] = {}
        self._remedies: dict[tuple[str, str], tuple[str | None, tuple[int, ...], str, Citation]] = {}
        self._point_of_no_return: str | None = None

    def add(self, key: str) -> None:
        """Its steps, after all that it is linked to."""
        because: list[Because] = []
        after: dict[str, None] = {}
        for link in sorted(self._before.get(key, ()), key=lambda link: link.first):
            for id in self._ends[link.first]:
                after[id] = None
                because.append(Because(id, link.tag.text, link.tag.source))
        entry = tuple(after)
        barrier = self._web.barriers.get(key)
        if barrier is not None:
            self._barrier(barrier, entry, tuple(because))
            return
        block = self._web.blocks.pop(key)
        leaver = _leaver(block)
        first = frozenset(block.blueprint.first)
        self._named = {}
        self._by = block.ids(step.id for step in block.blueprint.back)
        one_way = _one_way(block)
        for step in block.blueprint.steps:
            self._step(block, step, entry, tuple(because), step is leaver, step.id in first, step.id in one_way)
        for step in block.blueprint.back:
            self._back.append(self._made_back(block, step))
        self._ends[key] = block.ids(block.blueprint.last) or entry

    def finish(self) -> Laid:
        downtime = {}
        for subject in sorted(self._outages):
            outage = self._outages[subject]
            if outage.since is not None:
                outage.spans.append((outage.since, outage.last))
            if outage.spans:
                downtime[subject] = tuple(outage.spans)
        errata = {guide: tuple(ids) for guide, ids in self._errata.items()}
        return Laid(tuple(self._steps), tuple(self._back), self._point_of_no_return, downtime, errata)

    def _barrier(self, barrier: Barrier, after: tuple[str, ...], because: tuple[Because, ...]) -> None:
        uses = "barrier" if barrier.question is None else "hold"
        signature = self._signatures.get(uses)
        self._ends[barrier.key] = (barrier.key,)
        self._steps.append(
            Step(
                id=barrier.key,
                title=barrier.reason.text,
                installation=barrier.deployment,
                host=None,
                uses=uses,
                revision=signature.revision if signature else 1,
                kind="check" if barrier.question is None else "hold",
                source=barrier.reason.source,
                with_={} if barrier.question is None else {"question": barrier.question},
                after=after,
                because=because,
                way_back=WayBack("undo"),
                soak=barrier.soak,
                tolerant=barrier.tolerant,
            )
        )

    def _step(
        self,
        block: Block,
        step: Shaped,
        entry: tuple[str, ...],
        because: tuple[Because, ...],
        leaves_build: bool,
        begins: bool,
        gated: bool,
    ) -> None:
        rendered = block.render(step)
        template = step.chosen.flat.template
        id = block.id(step.id)
        way_back = step.way_back
        if way_back.from_:
            way_back = WayBack(way_back.kind, block.ids(way_back.from_), self._by if way_back.by else ())
        after = block.ids(step.after)
        if begins:
            after = (*entry, *(id for id in after if id not in entry))
        when = _conditions(block, step)
        if gated:
            after = (*after, self._gate(block, step, rendered.title, after, when))
        if step.is_one_way and self._point_of_no_return is None:
            self._point_of_no_return = id
        if template.errata:
            self._errata.setdefault(block.country.guide.name, {}).update(dict.fromkeys(template.errata))
        self._steps.append(
            Step(
                id=id,
                title=rendered.title,
                installation=block.subject,
                host=self._builder.host(block, step, rendered),
                uses=template.uses,
                revision=step.signature.revision,
                kind=step.kind,
                source=step.source,
                with_=self._builder.parameters(block, step, rendered),
                when=when,
                lasting=step.lasting,
                takes=step.takes,
                after=after,
                because=because if begins else (),
                rests_on=self._builder.rests_on(block, step, begins),
                leaves=self._leaves(block, rendered.leaves, leaves_build),
                way_back=way_back,
                downtime=self._is_down(block, step, id),
                protects=self._assets(block, step.protects),
                changes=self._assets(block, step.changes),
                remedies=tuple(self._remedy(block, *one) for one in step.remedies),
                says=rendered.says,
                errata=template.errata,
                proves=self._assets(block, step.proves),
                no_return=template.no_return,
                until=block.id(step.until) if step.until is not None else None,
            )
        )

    def _made_back(self, block: Block, step: Shaped) -> Step:
        """A step of the way back. It rests on no fact: whether it is needed, a rollback decides."""
        rendered = block.render(step)
        template = step.chosen.flat.template
        uses, signature = self._builder.uses(step, rendered)
        with_ = self._builder.parameters(block, step, rendered)
        changes = self._assets(block, step.changes)
        if uses == RESTORE:
            with_ = {**with_, "asset": changes[0]}
        if template.errata:
            self._errata.setdefault(block.country.guide.name, {}).update(dict.fromkeys(template.errata))
        return Step(
            id=block.id(step.id),
            title=rendered.title,
            installation=block.subject,
            host=self._builder.host(block, step, rendered),
            uses=uses,
            revision=signature.revision,
            kind=signature.kind if rendered.by_hand else step.kind,
            source=step.source,
            with_=with_,
            when=_conditions(block, step),
            lasting=step.lasting,
            takes=step.takes,
            after=block.ids(step.after),
            leaves=self._leaves(block, rendered.leaves, False),
            way_back=step.way_back,
            protects=self._assets(block, step.protects),
            changes=changes,
            remedies=tuple(self._remedy(block, *one) for one in step.remedies),
            says=rendered.says,
            errata=template.errata,
            proves=self._assets(block, step.proves),
            until=block.id(step.until) if step.until is not None else None,
        )

    def _gate(self, block: Block, step: Shaped, title: str, after: tuple[str, ...], when: tuple[Condition, ...]) -> str:
        """The hold before the point of no return. Whatever else has no way back waits for the same answer, on whatever
        host; what runs only sometimes has a hold of its own, asked only then."""
        if self._hold is not None:
            return self._hold
        id = block.prefix + POINT_OF_NO_RETURN
        while id in self._holds or id.removeprefix(block.prefix) in block.places:
            id += f"-{step.id}"
        self._holds.add(id)
        if not when:
            self._hold = id
        self._steps.append(
            Step(
                id=id,
                title="Point of no return: go on?",
                installation=block.subject,
                host=None,
                uses="hold",
                revision=signature_of("hold", self._signatures, "").revision,
                kind="hold",
                source=ASKED,
                with_={
                    "question": question(self._steps, self._back, block.subject, title, 0 if when else self._gated - 1)
                },
                when=when,
                after=after,
                way_back=WayBack("undo"),
                downtime=self._is_out(block.subject),
            )
        )
        return id

    def _is_out(self, subject: str) -> bool:
        outage = self._outages.get(subject)
        return outage is not None and outage.since is not None

    def _is_down(self, block: Block, step: Shaped, id: str) -> bool:
        """Whether the installation is down while this step runs; its outages are noted."""
        outage = self._outages.get(block.subject)
        if outage is None:
            outage = self._outages[block.subject] = _Outage()
        mark = None if step.is_remedy else step.chosen.flat.template.downtime
        outage.last = id
        if mark == "begins" and outage.since is None:
            outage.since = id
        down = outage.since is not None
        if mark == "ends" and outage.since is not None:
            outage.spans.append((outage.since, id))
            outage.since = None
        return down

    def _leaves(self, block: Block, leaves: tuple[tuple[str, Any], ...], build: bool) -> tuple[Fact, ...]:
        found = [self._builder.fact(block.facts.address(name), value) for name, value in leaves]
        if build:
            address = block.facts.address("installation.build")
            found.append(self._builder.fact(address, block.facts.get("hop.build")))
        return tuple(found)

    def _assets(self, block: Block, names: tuple[str, ...]) -> tuple[str, ...]:
        """Assets by their addresses: a database is one, whoever uses it. One object for each in a block."""
        if not names:
            return ()
        if names not in self._named:
            assets = block.country.guide.components[block.component].assets
            database = block.facts.addresses.get("database")
            for name in names:
                if (name,) not in self._named:
                    is_database = database and name in assets and assets[name].kind == "database"
                    self._named[(name,)] = (database if is_database and database else f"{block.subject}#{name}",)
            self._named[names] = tuple(self._named[(name,)][0] for name in names)
        return self._named[names]

    def _remedy(self, block: Block, on_error: OnError, steps: tuple[str, ...]) -> Remedy:
        guide = block.country.guide
        key = (guide.name, on_error.error)
        known = self._remedies.get(key)
        if known is None:
            error = guide.known_errors.get(on_error.error)
            if error is None:
                raise BadInput(
                    f"Guide {guide.name!r}: the known error {on_error.error!r} is not there.", "Add it to known_errors."
                )
            known = (error.log, error.exit, error.cause, block.country.compiled.cite(error.source))
            self._remedies[key] = known
        log, exit_, cause, source = known
        return Remedy(
            on_error.error, block.ids(steps), log, exit_, on_error.retries, on_error.wait, says=cause, source=source
        )


def _one_way(block: Block) -> frozenset[str]:
    """The steps that wait for a yes because they, or what mends them, cannot be taken back."""
    steps = block.blueprint.steps
    mended = {step.chosen.remedy_of for step in steps if step.is_one_way and step.is_remedy}
    return frozenset(step.id for step in steps if (step.is_one_way and not step.is_remedy) or step.id in mended)


def _conditions(block: Block, step: Shaped) -> tuple[Condition, ...]:
    return tuple(Condition(block.id(one.step), one.ended, one.error, one.output, one.equals) for one in step.when)


def _leaver(block: Block) -> Shaped | None:
    """The step that brings the new build about, when no step says so itself: the last one of the hop."""
    if block.mend or block.part == "head":
        return None
    own = [step for step in block.blueprint.steps if not step.is_remedy]
    if not own or any("installation.build" in step.chosen.flat.template.leaves for step in own):
        return None
    return own[-1]
