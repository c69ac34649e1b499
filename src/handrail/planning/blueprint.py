"""The shape of a procedure once it is decided which of its steps there are: order, conditions, remedies, ways back.

Shapes hold no names of hosts. Installations whose procedures come out the same share one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

from handrail.assessing.country import Country
from handrail.assessing.procedures import FlatStep
from handrail.errors import BadInput, UnknownName
from handrail.guides.guard import guards, overreached, stranded, unguarded, with_changes
from handrail.model.finding import Citation
from handrail.model.guide import OnError, StepTemplate, When
from handrail.model.plan import WayBack
from handrail.model.signature import Kind, Signature

NO_WAY_BACK = WayBack("none")
EVERYTHING = "everything"
HOSTLESS = frozenset({"hold", "barrier"})
RESTORE = "restore"
BACK = "back-"
_TAKES = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h)")
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}
_HARMLESS: frozenset[Kind] = frozenset(("check", "back-up", "prove", "hold", "reboot"))
_SLUG = re.compile(r"[^a-z0-9.]+")


@dataclass(frozen=True, slots=True)
class Chosen:
    """A step that is planned: once, or for one item of a list. `unsure`: the condition that could not be decided, of a
    step of a way back."""

    flat: FlatStep
    item: Any = None
    slug: str = ""
    remedy_of: str | None = None
    unsure: str = ""

    @property
    def id(self) -> str:
        return f"{self.flat.id}-{self.slug}" if self.slug else self.flat.id


@dataclass(frozen=True, slots=True)
class Choice:
    """Which steps of a procedure are planned, and those that are not, by id."""

    chosen: tuple[Chosen, ...]
    left_out: Mapping[str, FlatStep]

    @property
    def key(self) -> tuple[object, ...]:
        return tuple((one.flat.id, one.slug, one.unsure) for one in self.chosen)


@dataclass(frozen=True, slots=True)
class Shaped:
    """One step of a shape; all ids are relative to the installation's hop. `lacking`: assets that it may destroy
    without a proved restore point; `stranded`: those that nothing would bring back from there."""

    id: str
    chosen: Chosen
    signature: Signature
    kind: Kind
    source: Citation
    takes: float
    lasting: bool
    after: tuple[str, ...]
    when: tuple[When, ...]
    remedies: tuple[tuple[OnError, tuple[str, ...]], ...]
    protects: tuple[str, ...]
    proves: tuple[str, ...]
    changes: tuple[str, ...]
    late: Mapping[str, str] = field(hash=False)
    way_back: WayBack = NO_WAY_BACK
    lacking: tuple[str, ...] = ()
    stranded: tuple[str, ...] = ()
    restores: tuple[str, ...] = ()
    until: str | None = None

    @property
    def is_one_way(self) -> bool:
        return bool(self.lacking or self.stranded) or self.chosen.flat.template.no_return

    @property
    def is_remedy(self) -> bool:
        return self.chosen.remedy_of is not None


@dataclass(frozen=True, slots=True)
class Blueprint:
    """`first` are the steps that come after none, `last` those that none comes after, remedies left out. `back` are the
    steps that take it back."""

    steps: tuple[Shaped, ...]
    first: tuple[str, ...]
    last: tuple[str, ...]
    back: tuple[Shaped, ...] = ()

    def halves(self) -> tuple[Blueprint, Blueprint] | None:
        """The steps up to the one with which the downtime begins, and the rest; None where the first half would change
        something or there are not two."""
        place = next((number for number, step in enumerate(self.steps) if _begins_downtime(step)), None)
        if place is None:
            return None
        while place + 1 < len(self.steps) and self.steps[place + 1].is_remedy:
            place += 1
        head, tail = self.steps[: place + 1], self.steps[place + 1 :]
        if not tail or any(step.changes for step in head):
            return None
        return of_steps(head), of_steps(tail, self.back)

    def is_down(self, before: bool) -> bool:
        """Whether the installation is down when all steps have ended, given whether it was before them."""
        for step in self.steps:
            if step.chosen.flat.template.downtime is not None and not step.is_remedy:
                before = step.chosen.flat.template.downtime == "begins"
        return before


def of_steps(steps: tuple[Shaped, ...], back: tuple[Shaped, ...] = ()) -> Blueprint:
    """The blueprint of these steps; what some come after may lie outside of it."""
    own = [step for step in steps if not step.is_remedy]
    inside = {step.id for step in own}
    followed = {id for step in own for id in step.after}
    return Blueprint(
        steps=steps,
        first=tuple(step.id for step in own if not inside & set(step.after)),
        last=tuple(step.id for step in own if step.id not in followed),
        back=back,
    )


def _begins_downtime(step: Shaped) -> bool:
    return step.chosen.flat.template.downtime == "begins" and not step.is_remedy


def slug(item: Any) -> str:
    """An item of a list as part of a step's id."""
    if isinstance(item, Mapping):
        item = item.get("id") or item.get("name") or "-".join(str(value) for value in item.values())
    return _SLUG.sub("-", str(item).lower()).strip("-") or "item"


def seconds(text: str | None) -> float:
    """`90s`, `5m`, `1h` in seconds. BadInput when it is none of these."""
    if text is None:
        return 0.0
    match = _TAKES.fullmatch(text.strip())
    if match is None:
        raise BadInput(f"{text!r} is not a duration.", "Write it as 90s, 5m or 1h.")
    return float(match[1]) * _SECONDS[match[2]]


class Shaping:
    """Makes the blueprint of one choice of steps. `forward`: what a way back takes back, whose outputs it may read."""

    def __init__(
        self, country: Country, signatures: Mapping[str, Signature], source: str, forward: Shaping | None = None
    ) -> None:
        self._forward = forward
        self._country = country
        self._signatures = signatures
        self._source = source
        self._made: dict[str, list[str]] = {}
        self._through: dict[str, tuple[str, ...]] = {}
        self._steps: list[Shaped] = []

    def make(self, choice: Choice, back: Choice | None, component: str) -> Blueprint:
        """`back` is what the guide writes as the way back, if it does."""
        self._lay(choice)
        steps = tuple(self._steps)
        if not any(step.changes for step in steps):
            return of_steps(self._with_ways_back(()))
        rear = self._laid_back(back or self._default_back(component))
        return of_steps(self._with_ways_back(rear), rear)

    def _lay(self, choice: Choice) -> None:
        waiting = dict(choice.left_out)
        for one in choice.chosen:
            self._pass_over(one.flat, waiting)
            self._add(one)

    def _laid_back(self, choice: Choice) -> tuple[Shaped, ...]:
        shaping = Shaping(self._country, self._signatures, self._source, self)
        shaping._lay(choice)
        return tuple(
            replace(step, until=shaping._until(step))
            if step.changes
            else replace(
                step,
                until=shaping._until(step),
                way_back=WayBack("undo" if step.signature.reversible or _harmless(step) else "none"),
            )
            for step in shaping._steps
        )

    def _default_back(self, component: str) -> Choice:
        """Every changed asset that a proved backup can put back: programs and files first, then keys, then data."""
        assets = self._country.guide.components[component].assets
        changed = dict.fromkeys(asset for step in self._steps for asset in step.changes if asset in assets)
        restorable = [asset for asset in changed if any(one.signature.restores for one in self._backups(asset))]
        restorable.sort(key=lambda asset: _PUT_BACK.get(assets[asset].kind, 0))
        found: list[Chosen] = []
        for asset in restorable:
            template = StepTemplate(
                id=f"{RESTORE}-{asset}",
                uses=RESTORE,
                source="ours#what was secured is put back: programs and files, then keys, then data",
                title=f"Put back: {assets[asset].title}",
                with_={"asset": asset},
            )
            after = (found[-1].flat.id,) if found else ()
            found.append(Chosen(FlatStep(template.id, template, after, (), (), ("",))))
        return Choice(tuple(found), {})

    def _backups(self, asset: str) -> list[Shaped]:
        """The steps that secure an asset."""
        return [step for step in self._steps if asset in step.protects and step.kind == "back-up"]

    def _pass_over(self, flat: FlatStep, waiting: dict[str, FlatStep]) -> None:
        """Steps that are not planned hand on what they would have come after."""
        for id in flat.after:
            if id in waiting:
                out = waiting.pop(id)
                self._pass_over(out, waiting)
                self._through[id] = self._resolved(out.after)

    def _resolved(self, ids: tuple[str, ...]) -> tuple[str, ...]:
        found: dict[str, None] = {}
        for id in ids:
            made = self._made.get(id)
            found.update(dict.fromkeys(made[-1:] if made else self._through.get(id, ())))
        return tuple(found)

    def _add(self, one: Chosen) -> None:
        flat, template = one.flat, one.flat.template
        whens = self._conditions(one)
        earlier = self._made.get(flat.id)
        after = tuple(earlier[-1:]) if earlier else self._resolved(flat.after)
        if whens is None:
            # It waits for a step that is not planned, so it can never run.
            self._through.setdefault(flat.id, after)
            return
        signature = signature_of(template.uses, self._signatures, self._country.guide.name)
        id = one.id if self._forward is None else BACK + one.id
        self._made.setdefault(flat.id, []).append(id)
        changes, restores, takes = template.changes, template.restores, seconds(template.takes)
        if template.uses == RESTORE and self._forward is not None:
            asset = str(template.with_.get("asset"))
            changes, restores = (asset,), (asset,)
            backups = self._forward._backups(asset)
            if template.takes is None:
                # Reading back takes about as long as writing did.
                takes = sum(step.takes for step in backups)
            if template.host is None and backups:
                there = backups[-1].chosen
                flat = replace(flat, template=replace(template, host=there.flat.template.host))
                one = replace(one, flat=flat, item=there.item if one.item is None else one.item)
        if signature.destroys and not changes:
            # Where the guide does not say what, nothing can have been proved.
            changes = restores or (EVERYTHING,)
        changes = tuple(dict.fromkeys((*changes, *restores)))
        self._steps.append(
            Shaped(
                id=id,
                chosen=one,
                signature=signature,
                kind=cast(Kind | None, template.kind) or signature.kind,
                source=self._country.compiled.cite(template.source or self._source),
                takes=takes,
                lasting=signature.lasting if template.lasting is None else template.lasting,
                after=after,
                when=whens,
                remedies=(),
                protects=tuple(dict.fromkeys((*template.protects, *template.proves))),
                proves=template.proves,
                changes=changes,
                late=self._late(one),
                restores=restores,
            )
        )
        self._add_remedies(one)

    def _add_remedies(self, one: Chosen) -> None:
        place = len(self._steps) - 1
        remedies = []
        for remedy in one.flat.remedies:
            before = len(self._steps)
            for flat in remedy.steps:
                self._add(Chosen(flat, one.item, one.slug, self._steps[place].id, one.unsure))
            remedies.append((remedy.on_error, tuple(step.id for step in self._steps[before:])))
        if remedies:
            self._steps[place] = replace(self._steps[place], remedies=tuple(remedies))

    def _conditions(self, one: Chosen) -> tuple[When, ...] | None:
        """Its conditions with the ids of the plan; None when one names a step that is not planned."""
        found: list[When] = []
        for within, when in one.flat.whens:
            ids = self._find(within, when.step)
            if ids is None and self._forward is not None:
                ids = self._forward._find(("",), when.step)
            if ids is None:
                if "skipped" in when.ended:
                    continue
                return None
            same = [id for id in ids if one.slug and id.endswith(f"-{one.slug}")]
            found += [replace(when, step=id) for id in same or ids]
        return tuple(found)

    def _find(self, within: tuple[str, ...], name: str) -> list[str] | None:
        for prefix in within:
            made = self._made.get(prefix + name.replace(".", "-"))
            if made:
                return made
        return None

    def _late(self, one: Chosen) -> dict[str, str]:
        """Each late reference of its parameters, as written, with the id of the step that it means."""
        found = {}
        for written in late_references(one.flat.template.with_):
            step, _, output = written.rpartition(".")
            ids = self._find(one.flat.within, step)
            if ids is None and self._forward is not None:
                ids = self._forward._find(("",), step)
            if ids is None:
                raise BadInput(
                    f"Guide {self._country.guide.name!r}: step {one.id!r} reads {written!r} of a step that is not "
                    "planned before it.",
                    "Give both steps the same `if`, or correct the name.",
                )
            same = [id for id in ids if one.slug and id.endswith(f"-{one.slug}")]
            found[written] = f"{(same or ids)[-1]}.{output}"
        return found

    def _with_ways_back(self, rear: tuple[Shaped, ...]) -> tuple[Shaped, ...]:
        lacking = {one.step: one.assets for one in unguarded(self._steps)}
        left: dict[str, tuple[str, ...]] = {}
        destroying = [step for step in rear if step.chosen.flat.template.uses != RESTORE]
        for one in (*stranded(self._steps, rear), *overreached(self._steps, destroying)):
            without = (asset for asset in one.assets if asset not in lacking.get(one.step, ()))
            left[one.step] = tuple(dict.fromkeys((*left.get(one.step, ()), *without)))
        by = tuple(step.id for step in rear)
        needed = tuple(dict.fromkeys(asset for step in rear for asset in step.changes))
        return tuple(
            replace(
                step,
                until=self._until(step),
                way_back=self._way_back(step, needed, by, bool(lacking.get(step.id) or left.get(step.id))),
                lacking=lacking.get(step.id, ()),
                stranded=left.get(step.id, ()),
            )
            for step in self._steps
        )

    def _until(self, step: Shaped) -> str | None:
        """None too where the step until which it would last is not planned, nor is whatever needs it then."""
        name = step.chosen.flat.template.until
        ids = self._find(step.chosen.flat.within, name) if name is not None else None
        return ids[-1] if ids else None

    def _way_back(self, step: Shaped, needed: tuple[str, ...], by: tuple[str, ...], is_one_way: bool) -> WayBack:
        """`needed`: what the way back destroys or puts back; of that too the restore points are named."""
        if not step.changes:
            return WayBack("undo" if step.signature.reversible or _harmless(step) else "none")
        if is_one_way:
            return NO_WAY_BACK
        assets = tuple(dict.fromkeys((*step.changes, *needed)))
        proofs = set(guards(with_changes(step, assets), self._steps).values())
        return WayBack("restore", tuple(one.id for one in self._steps if one.id in proofs), by)


_OWN: Mapping[str, Kind] = {"hold": "hold", "barrier": "check", "person.do": "person", RESTORE: "check"}
# Of the assets' kinds, which are put back after the programs and files.
_PUT_BACK: Mapping[str, int] = {"key-set": 1, "database": 2}


def signature_of(uses: str, signatures: Mapping[str, Signature], guide: str) -> Signature:
    """The signature of an action. UnknownName when there is none."""
    found = signatures.get(uses)
    if found is None and uses in _OWN:
        return Signature(uses, uses, {}, "person" if _OWN[uses] in ("hold", "person") else "state", _OWN[uses], 1)
    if found is None:
        raise UnknownName(f"Guide {guide!r}: the action", uses, signatures)
    return found


def _harmless(step: Shaped) -> bool:
    return step.kind in _HARMLESS


def late_references(value: Any) -> list[str]:
    """All `{late: STEP.output}` in a parameter value, as written."""
    if isinstance(value, Mapping):
        if "late" in value:
            return [str(value["late"])]
        return [one for inner in value.values() for one in late_references(inner)]
    if isinstance(value, (list, tuple)):
        return [one for inner in value for one in late_references(inner)]
    return []


def with_late(value: Any, meant: Callable[[str], Mapping[str, str]]) -> Any:
    """The same value with every late reference as it is meant; what holds none stays the same object."""
    if isinstance(value, Mapping):
        if "late" in value:
            return meant(str(value["late"]))
        renamed = {key: with_late(one, meant) for key, one in value.items()}
        return renamed if any(renamed[key] is not one for key, one in value.items()) else value
    if isinstance(value, (list, tuple)):
        entries = [with_late(one, meant) for one in value]
        return entries if any(new is not old for new, old in zip(entries, value, strict=True)) else value
    return value
