"""Lint of ways back: what is destroyed was proved before, and the way back that a procedure names leads there.

For every edge the guard is asked about the procedure as it is written, and about the way back together with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from handrail.documents.read import Keys, describe
from handrail.errors import suggestion
from handrail.guides.expansion import Placed, expand, step_keys
from handrail.guides.guard import before, overreached, stranded, unguarded
from handrail.guides.notes import Notes
from handrail.guides.reader import GuideDocument
from handrail.model.guide import Asset, Edge, Guide, StepTemplate
from handrail.model.signature import Signature

RESTORE = "restore"
_NAMING = ("changes", "protects", "proves", "restores")


def check_backs(document: GuideDocument, notes: Notes, signatures: Mapping[str, Signature] | None) -> None:
    guide = document.guide
    for name, procedure in guide.procedures.items():
        if procedure.back is None:
            continue
        keys: Keys = ("procedures", name, "back")
        if procedure.back not in guide.procedures:
            notes.unknown(keys, "The procedure", procedure.back, guide.procedures)
        elif guide.procedures[procedure.back].back is not None:
            advice = "Take `back` out of one of the two."
            notes.add(keys, f"{procedure.back!r} is a way back and has none of its own.", advice)
    inside = backward(guide)
    for name in guide.procedures:
        _kinds(guide, name, name in inside, notes)
    for edge in guide.edges:
        _Edge(guide, edge, notes, signatures or {}).all()


def backward(guide: Guide) -> dict[str, tuple[str, ...]]:
    """Each procedure that is a way back, or included in one, with those that it takes back."""
    found: dict[str, dict[str, None]] = {}
    for name, procedure in guide.procedures.items():
        if procedure.back is not None and procedure.back in guide.procedures:
            for part in {procedure.back, *(one.procedure for one in expand(guide, procedure.back).steps)}:
                found.setdefault(part, {})[name] = None
    return {part: tuple(names) for part, names in found.items()}


def readable(guide: Guide, name: str) -> dict[str, StepTemplate]:
    """The steps that a way back may read although they are not its own: those that all it takes back have."""
    found: dict[str, StepTemplate] | None = None
    for forward in backward(guide).get(name, ()):
        own = {one.id: one.step for one in expand(guide, forward).steps if one.remedy_of is None}
        found = own if found is None else {id: step for id, step in found.items() if id in own}
    return found or {}


def _kinds(guide: Guide, name: str, is_back: bool, notes: Notes) -> None:
    """What may stand only in a way back, and what may not."""
    procedure = guide.procedures[name]
    if procedure.media and not is_back:
        advice = "Ask for them at the edge; those of a way back stand here."
        notes.add(("procedures", name, "media"), f"{name!r} is not the way back of any procedure.", advice)
    for number, step in enumerate(procedure.steps):
        place = (*step_keys(name), number)
        if step.no_return and is_back:
            notes.add((*place, "no_return"), "A way back has no point of no return.", "Take it out.")
        if step.restores and not is_back:
            advice = "Name this procedure as the `back` of the one that it takes back."
            notes.add((*place, "restores"), "Only steps of a way back restore something.", advice)
        if step.uses != RESTORE:
            continue
        if not is_back:
            advice = "Name this procedure as the `back` of the one that it takes back."
            notes.add((*place, "uses"), f"{RESTORE!r} stands for a restore point, in a way back only.", advice)
        for key in ("changes", "restores"):
            if getattr(step, key):
                notes.add((*place, key), f"{RESTORE!r} changes and restores its asset, no other.", "Take it out.")
        asset = step.with_.get("asset")
        if asset is None:
            notes.add(place, f"{RESTORE} needs the parameter 'asset'.", "Add it under `with`.")
        elif not isinstance(asset, str) or "{{" in asset:
            message = f"'asset' must be the name of an asset, as in `changes`, not {describe(asset)}."
            notes.add((*place, "with", "asset"), message, "Write its name.")


class _Edge:
    """What the steps of one edge destroy, and how that comes back."""

    def __init__(self, guide: Guide, edge: Edge, notes: Notes, signatures: Mapping[str, Signature]) -> None:
        self.guide = guide
        self.edge = edge
        self.notes = notes
        self.signatures = signatures

    def all(self) -> None:
        edge, guide = self.edge, self.guide
        forward = expand(guide, edge.procedure)
        if forward.cycle or edge.component not in guide.components:
            return
        assets = guide.components[edge.component].assets
        self._names(forward.steps, assets)
        placed = {one.id: one for one in forward.steps}
        for lacking in unguarded(forward.steps):
            what = ", ".join(lacking.assets)
            message = f"On the edge {edge.id!r} the step {lacking.step!r} may destroy {what} without a proved way back."
            advice = f"Back it up and prove that before it: a step with `proves: [{what}]` that is never left out."
            self.notes.add((*placed[lacking.step].keys, "changes"), message, advice)
        name = guide.procedures[edge.procedure].back if edge.procedure in guide.procedures else None
        if name is None:
            self._by_default(forward.steps)
        if name is None or name not in guide.procedures:
            return
        back = expand(guide, name)
        if not back.cycle:
            self._names(back.steps, assets)
            self._back(name, forward.steps, back.steps)

    def _names(self, steps: Iterable[Placed], assets: Mapping[str, Asset]) -> None:
        component = self.edge.component
        for placed in steps:
            named = [((*placed.keys, key), asset) for key in _NAMING for asset in getattr(placed.step, key)]
            asset = placed.step.with_.get("asset")
            if placed.step.uses == RESTORE and isinstance(asset, str):
                named.append(((*placed.keys, "with", "asset"), asset))
            for keys, one in named:
                if one not in assets:
                    message = f"{component!r}, which the edge {self.edge.id!r} moves, has no asset {one!r}."
                    self.notes.add(keys, message, suggestion(one, assets))
            signature = self.signatures.get(placed.step.uses)
            says = placed.step.changes or placed.step.restores
            if signature is not None and signature.destroys and not says:
                message = f"{placed.step.uses} destroys, but the step {placed.step.id!r} does not say what."
                self.notes.add(placed.keys, message, f"Write `changes:` with assets of {component!r}.")

    def _by_default(self, steps: list[Placed]) -> None:
        """Without a written way back, everything has to have a backup that can put it back."""
        if not self.signatures:
            return
        restorable: set[str] = set()
        for placed in steps:
            signature = self.signatures.get(placed.step.uses)
            if signature is not None and signature.restores:
                restorable.update(placed.step.protects)
        for placed in steps:
            lost = [asset for asset in placed.step.changes if asset not in restorable]
            if lost and not placed.step.no_return:
                what = ", ".join(lost)
                message = (
                    f"On the edge {self.edge.id!r} the step {placed.id!r} may destroy {what}, and nothing brings that "
                    f"back: {self.edge.procedure!r} has no `back`, and no backup of it can put it back."
                )
                advice = "Write a `back`, or say `no_return: true` if there really is none."
                self.notes.add((*placed.keys, "changes"), message, advice)

    def _back(self, name: str, steps: list[Placed], back: list[Placed]) -> None:
        placed = {one.id: one for one in steps}
        # Which steps there are is decided when planning: the planner asks again, with what it decided.
        sure = [_Restoring(replace(one, conditions=_of_the_run(one))) for one in back]
        for lost in stranded(steps, sure):
            if placed[lost.step].step.no_return:
                continue
            what = ", ".join(lost.assets)
            message = f"On the edge {self.edge.id!r} the step {lost.step!r} may destroy {what}, which {name!r} never"
            advice = f"Add a step there that uses `restore` with it, or one with `restores: [{what}]`."
            self.notes.add((*placed[lost.step].keys, "changes"), f"{message} brings back.", advice)
        destroying = [one for one, written in zip(sure, back, strict=True) if written.step.uses != RESTORE]
        for early in overreached(steps, destroying):
            if placed[early.step].step.no_return:
                continue
            what = ", ".join(early.assets)
            message = (
                f"On the edge {self.edge.id!r} the way back {name!r} may begin after {early.step!r}, when {what} is "
                "not proved restorable yet, and it changes that."
            )
            self.notes.add((*placed[early.step].keys, "changes"), message, "Prove it before that step.")
        own = {one.id for one in back}
        for one in back:
            for keys, written in _late((*one.keys, "with"), one.step.with_):
                step = written.rpartition(".")[0]
                if f"{one.id.removesuffix(one.step.id)}{step}" not in own and step not in own and step in placed:
                    self._settled(keys, placed[step], one, steps)

    def _settled(self, keys: Keys, read: Placed, by: Placed, steps: list[Placed]) -> None:
        """A step of a way back can rely on an output only if that is there whenever the way back may begin."""
        for step in steps:
            if not step.changes:
                continue
            surely = any(
                earlier is read and all(one in (*step.conditions, *by.conditions) for one in read.conditions)
                for earlier in before(step, steps)
            )
            if not surely:
                message = f"The way back may begin after {step.id!r}, when {read.id!r} has not surely ended."
                advice = "Read an output of a step that comes before it under the same conditions."
                self.notes.add(keys, message, advice)
                return


class _Restoring:
    """A step of a way back as the guard sees it."""

    def __init__(self, placed: Placed) -> None:
        self.id = placed.id
        self.after = placed.after
        self.when = placed.conditions
        self.proves = placed.step.proves
        asset = placed.step.with_.get("asset") if placed.step.uses == RESTORE else None
        self.restores = (*placed.step.restores, *((asset,) if isinstance(asset, str) else ()))
        self.changes = (*placed.step.changes, *self.restores)


def _of_the_run(placed: Placed) -> tuple[Any, ...]:
    """The conditions that only a run decides."""
    planned = ("if", "each")
    return tuple(one for one in placed.conditions if not (isinstance(one, tuple) and one and one[0] in planned))


def _late(keys: Keys, value: Any) -> Iterator[tuple[Keys, str]]:
    if isinstance(value, Mapping):
        if isinstance(value.get("late"), str):
            yield keys, value["late"]
            return
        for name, entry in value.items():
            yield from _late((*keys, name), entry)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for number, entry in enumerate(value):
            yield from _late((*keys, number), entry)
