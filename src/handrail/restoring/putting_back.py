"""How a group is put back: the steps of the plan's back, with what the journal knows filled in, and each `restore` in
them replaced by what the backups of this run say puts their asset back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from handrail.actions.protocol import Action, Observation
from handrail.errors import HandrailError
from handrail.model.plan import Condition, Plan, Step, WayBack
from handrail.restoring.late import fill, references
from handrail.restoring.records import Record, Records
from handrail.restoring.undoing import RESTORE, Group, Knowledge


class Impossible(Exception):
    """A group cannot be put back. The text says why."""


@dataclass(frozen=True, slots=True)
class Restored:
    """One asset that is put back by the step `step`: to how it was at `moment` (ISO 8601, UTC). `size` in bytes, where
    its backup said so; `seconds`: what the backup took, as a guess."""

    asset: str
    step: str
    moment: str
    size: int | None
    seconds: float


@dataclass(frozen=True, slots=True)
class PutBack:
    """The steps that put a group back, in order."""

    steps: tuple[Step, ...]
    restored: tuple[Restored, ...]


@dataclass(frozen=True, slots=True)
class _Maker:
    """A step that made a restore point of an asset in this run."""

    step: Step
    action: Action
    record: Record


class Putting:
    """Puts the groups of one run back. Raises Impossible."""

    def __init__(self, plan: Plan, records: Records, knowledge: Knowledge) -> None:
        self._plan = plan
        self._records = records
        self._knowledge = knowledge
        self._back = {step.id: step for step in plan.back}
        self._places = {step.id: at for at, step in enumerate(plan.back)}
        self._makers: dict[str, list[tuple[int, Step]]] = {}
        for at, step in enumerate(plan.steps):
            signature = knowledge.signatures.get(step.uses)
            if signature is not None and signature.restores:
                for asset in step.protects:
                    self._makers.setdefault(asset, []).append((at, step))

    def put_back(self, group: Group, changed: frozenset[str]) -> PutBack:
        """`changed`: all that begun steps of the installation may have destroyed. What neither they nor the way back
        itself touch is left alone: data are put back only when they have to be."""
        wanted = [self._back[id] for id in self._with_remedies(group.by)]
        needed = set(changed)
        for step in wanted:
            if step.uses != RESTORE:
                needed.update(step.changes)
        made: list[Step] = []
        restored: list[Restored] = []
        ends: dict[str, tuple[str, ...]] = {}  # of each step of the back: what now stands where it stood
        for step in wanted:
            after = tuple(dict.fromkeys(end for id in step.after for end in ends.get(id, ())))
            asset = str(step.with_.get("asset", ""))
            when = self._when(step, ends)
            if when is None or (step.uses == RESTORE and asset not in needed):
                ends[step.id] = after
                continue
            if step.uses == RESTORE:
                chain, secured = self._chain(step, asset, group)
                place = _put_back_just_now(made, chain)
                if place is not None:
                    # One backup of several assets brings all of them back at once.
                    made[place] = replace(made[place], changes=(*made[place].changes, asset))
                    restored.append(replace(secured, step=made[place].id))
                    ends[step.id] = (made[-1].id,)
                    continue
                restored.append(secured)
            else:
                chain = [replace(step, with_=self._filled(step, ends))]
            for place, one in enumerate(chain):
                before = (made[-1].id,) if place else after
                made.append(
                    replace(
                        one,
                        after=before,
                        when=when,
                        because=(),
                        rests_on=(),
                        downtime=True,
                        way_back=WayBack("restore", group.proofs) if one.changes else one.way_back,
                    )
                )
            ends[step.id] = (made[-1].id,)
        return PutBack(tuple(made), tuple(restored))

    def _with_remedies(self, ids: Sequence[str]) -> list[str]:
        """These steps and what their remedies name, in the order of the plan's back. Impossible when one is missing."""
        missing = next((id for id in ids if id not in self._back), None)
        if missing is not None:
            raise Impossible(f"The plan does not have the step {missing}, which its way back names.")
        found = {*ids, *(id for name in ids for one in self._back[name].remedies for id in one.steps)}
        return sorted(found, key=self._places.__getitem__)

    def _when(self, step: Step, ends: Mapping[str, Any]) -> tuple[Condition, ...] | None:
        """Its conditions that are still open; None when one does not hold, by what the journal says of the run."""
        left = []
        for one in step.when:
            if one.step in self._back:
                if not ends.get(one.step):
                    return None
                left.append(replace(one, step=ends[one.step][-1]))
            elif not self._holds(one):
                return None
        return tuple(left)

    def _holds(self, one: Condition) -> bool:
        record = self._records.get(one.step, Record())
        # What was begun and has not ended well may have happened all the same.
        may_be_done = record.touched and "done" in one.ended
        if one.ended and record.state not in one.ended and not may_be_done:
            return False
        if one.error is not None:
            return False
        return one.output is None or record.outputs.get(one.output) == one.equals

    def _filled(self, step: Step, ends: Mapping[str, Any]) -> dict[str, Any]:
        known = {}
        for reference in references(step.with_):
            name, _, output = reference.rpartition(".")
            if name in ends:
                continue
            outputs = self._records.get(name, Record()).outputs
            if output not in outputs:
                raise Impossible(f"{step.id} needs {output} of {name}, which the run has not got.")
            known[reference] = outputs[output]
        return fill(step.with_, known)

    def _chain(self, step: Step, asset: str, group: Group) -> tuple[list[Step], Restored]:
        """The steps that put one asset back, the last of its backups first."""
        makers = self._makers_of(asset, group)
        if not makers:
            raise Impossible(f"No step of the run has made a restore point of {asset}.")
        oldest = makers[0]
        actions = _nested([(maker, self._restore(maker, asset)) for maker in makers])
        seconds = oldest.record.seconds or oldest.step.takes
        chain = []
        for number, (maker, action) in enumerate(actions, start=1):
            uses, with_ = self._knowledge.describe(action)
            signature = self._knowledge.signatures[uses]
            is_heart = maker is oldest
            chain.append(
                replace(
                    step,
                    id=step.id if len(actions) == 1 else f"{step.id}-{number}",
                    host=maker.step.host,
                    uses=uses,
                    with_=with_,
                    revision=signature.revision,
                    kind=signature.kind,
                    lasting=signature.lasting,
                    takes=round(seconds, 3) if is_heart else maker.step.takes,
                    changes=(asset,) if is_heart else (),
                    remedies=(),
                )
            )
        size = oldest.record.outputs.get("bytes")
        moment = oldest.record.until or oldest.record.since or ""
        heart = next(one.id for one in reversed(chain) if one.changes)
        return chain, Restored(asset, heart, moment, size if isinstance(size, int) else None, round(seconds, 3))

    def _makers_of(self, asset: str, group: Group) -> list[_Maker]:
        """What made the restore point to which the group goes back, the earliest first: the steps of its own hop, else
        those of the last hop before it that made one."""
        done = [
            (step, record)
            for at, step in self._makers.get(asset, ())
            if at < group.at and (record := self._records.get(step.id, Record())).state == "done"
        ]
        prefixes = {step.id.rpartition("/")[0] for step, _ in done}
        own = group.steps[0].id.rpartition("/")[0]
        chosen = own if own in prefixes else done[-1][0].id.rpartition("/")[0] if done else ""
        found = []
        for step, record in done:
            if step.id.rpartition("/")[0] == chosen:
                known = {
                    reference: self._records[name].outputs[output]
                    for reference in references(step.with_)
                    for name, _, output in (reference.rpartition("."),)
                    if output in self._records.get(name, Record()).outputs
                }
                try:
                    action = self._knowledge.build(step.uses, fill(step.with_, known))
                except HandrailError as error:
                    raise Impossible(f"{step.id} cannot say how {asset} is put back: {error}") from None
                found.append(_Maker(step, action, record))
        return found

    def _restore(self, maker: _Maker, asset: str) -> tuple[Action, ...]:
        try:
            found = maker.action.restore(maker.record.outputs)
        except (KeyError, TypeError, ValueError, HandrailError) as error:
            raise Impossible(f"{maker.step.id} cannot say how {asset} is put back: {error}.") from None
        if not found:
            raise Impossible(f"{maker.step.id} cannot say how {asset} is put back.")
        return found


def _put_back_just_now(made: Sequence[Step], chain: Sequence[Step]) -> int | None:
    """The place of the step that does what the heart of `chain` does, when the last steps made are the same as it."""
    last = made[-len(chain) :]
    if [(one.host, one.uses, one.with_) for one in last] != [(one.host, one.uses, one.with_) for one in chain]:
        return None
    return next(len(made) - len(last) + at for at, one in enumerate(last) if one.changes)


def _nested(made: Sequence[tuple[_Maker, tuple[Action, ...]]]) -> list[tuple[_Maker, Action]]:
    """One restore within the other: what sealed a backup opens it first, and shreds what it opened at the end."""
    (maker, actions), *outer = made
    found = [(maker, action) for action in actions]
    for around, (first, *rest) in outer:
        last = rest or [undone for undone in (first.undo(Observation("not_done")),) if undone is not None]
        found = [(around, first), *found, *((around, action) for action in last)]
    return found
