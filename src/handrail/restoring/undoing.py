"""What a rollback takes back: steps that are undone by their opposite, groups that are put back, and what stays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from handrail.actions.base import Base
from handrail.actions.protocol import Action
from handrail.errors import HandrailError
from handrail.model.finding import Citation, Finding
from handrail.model.plan import Plan, Step
from handrail.model.signature import Kind, Signature
from handrail.restoring.late import fill
from handrail.restoring.records import Intent, Record, Records

Build = Callable[[str, Mapping[str, Any]], Action]
Describe = Callable[[Action], tuple[str, dict[str, Any]]]

RESTORE = "restore"
"""The action that stands in a plan's back for whatever puts an asset back."""

NO_WAY_BACK = "handrail/rollback/no-way-back"
"""A step has begun that leaves no way back; the run can only be brought to its end."""
STAYS = "handrail/rollback/stays"
"""Something that the run brought stays after its rollback: it has no opposite and harms nothing."""
_OURS = Citation("ours", "what was begun is taken back, and what has no way back is said before anything is touched")
_LEAVES_NOTHING: frozenset[Kind] = frozenset(("check", "back-up", "prove", "hold", "reboot"))


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What a rollback knows of actions: how they are made from a plan's words, how they are told in them, and their
    signatures."""

    build: Build
    describe: Describe
    signatures: Mapping[str, Signature]


Covered = Mapping[str, Sequence[tuple[int, int]]]
"""By installation: from the place of a group that stands for later ones to that of their last step. What was destroyed
in between is put back only with that group."""

Described = tuple[str, dict[str, Any]]
"""The name of an action, and its parameters."""


@dataclass(frozen=True, slots=True)
class Undo:
    """`opposite` takes back what `own` did as part of `step`, which stands at place `at` of the plan. `number` counts
    from 1 where one step did several things. `concerns`: what it is about, where the action says so."""

    step: Step
    at: int
    number: int
    own: Described
    opposite: Described
    settled: bool
    concerns: str = ""

    @property
    def id(self) -> str:
        prefix, _, name = self.step.id.rpartition("/")
        return f"{prefix}/undo-{name}" + (f"-{self.number}" if self.number > 1 else "")


@dataclass(frozen=True, slots=True)
class Group:
    """Begun steps of one installation that may have destroyed something, taken back together by the steps `by` of the
    plan's back, in the place of the earliest of them: `at`."""

    installation: str
    at: int
    steps: tuple[Step, ...]
    by: tuple[str, ...]

    @property
    def changes(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(asset for step in self.steps for asset in step.changes))

    @property
    def proofs(self) -> tuple[str, ...]:
        """The steps that proved the restore points which it goes back to."""
        return tuple(dict.fromkeys(id for step in self.steps for id in step.way_back.from_))


@dataclass(frozen=True, slots=True)
class Undoing:
    """All that is to be taken back, the earliest first. `stays`: begun steps that have no opposite and are in no group.
    `lost`: what says that there is no way back. `changes`: by installation, all that begun steps may have destroyed."""

    undos: tuple[Undo, ...]
    groups: tuple[Group, ...]
    stays: tuple[Step, ...]
    lost: tuple[Finding, ...]
    changes: Mapping[str, frozenset[str]]


def undoing(plan: Plan, run: str, records: Records, knowledge: Knowledge) -> Undoing:
    """What is to be taken back of a run that has come as far as `records` say."""
    undos: list[Undo] = []
    stays: list[Step] = []
    lost: list[Finding] = []
    destructive: list[tuple[int, Step]] = []
    for at, step in enumerate(plan.steps):
        record = records.get(step.id)
        if record is None or not record.touched:
            continue
        is_final = step.no_return or step.id == plan.point_of_no_return
        if is_final or (step.changes and not _leads_back(step)):
            lost.append(no_way_back(plan, run, step, asked=not record.intents))
        elif step.changes and step.way_back.kind == "restore":
            destructive.append((at, step))
        elif step.kind not in _LEAVES_NOTHING and not knowledge.signatures[step.uses].reversible:
            stays.append(step)
        elif step.kind not in _LEAVES_NOTHING:
            try:
                found = _undos(step, at, record, knowledge)
                undos += found
                stays += [] if found else [step]  # a copy over something else, for one, has no opposite
            except HandrailError as error:
                lost.append(no_way_back(plan, run, step, f"What takes it back cannot be said: {error.message}"))
    groups, covered = _carried(_groups(destructive), plan)
    changes: dict[str, set[str]] = {}
    for _, step in destructive:
        changes.setdefault(step.installation, set()).update(step.changes)
    return Undoing(
        tuple(_without_pairs(undos, groups, covered, plan)),
        tuple(groups),
        tuple(stays),
        tuple(lost),
        {name: frozenset(assets) for name, assets in changes.items()},
    )


def no_way_back(plan: Plan, run: str, step: Step, because: str = "", *, asked: bool = False) -> Finding:
    """The finding that a begun step cannot be taken back. `asked`: it was given to a person."""
    begun = "was given to a person, who may have begun it" if asked else "has begun"
    said = because or "The plan had said that there is no way back from it."
    accepted = next((one for one in plan.findings if one.accepted and one.subject == step.installation), None)
    if accepted is not None and not because:
        said += f" That was accepted ({accepted.rule})."
    return Finding(
        NO_WAY_BACK,
        "blocker",
        step.installation,
        f"{step.id} ({step.title}) {begun}. {said}",
        f"Mend what is in the way and go forward: handrail resume {run}. What was secured before is where its steps "
        "put it; the runbook of the plan says how it is put back by hand.",
        _OURS,
    )


def staying(steps: Sequence[Step]) -> Iterator[Finding]:
    """A note for each step whose effect stays."""
    for step in steps:
        message = f"What {step.id} ({step.title}) brought about stays, unless it lies in what is put back."
        yield Finding(STAYS, "note", step.installation, message, "Remove it by hand if it is in the way.", _OURS)


def _leads_back(step: Step) -> bool:
    return step.way_back.kind == "undo" or (step.way_back.kind == "restore" and bool(step.way_back.by))


def _undos(step: Step, at: int, record: Record, knowledge: Knowledge) -> list[Undo]:
    found = []
    for number, intent in enumerate(record.intents, start=1):
        action = _as_begun(step, intent, knowledge)
        opposite = action.undo(intent.seen)
        if opposite is not None:
            own, back = knowledge.describe(action), knowledge.describe(opposite)
            concerns = action.concerns() if isinstance(action, Base) else ""
            found.append(Undo(step, at, number, own, back, record.state == "done", concerns))
    return found


def _as_begun(step: Step, intent: Intent, knowledge: Knowledge) -> Action:
    return knowledge.build(step.uses, fill(step.with_, intent.late))


_Grouped = tuple[Group, int]
"""A group, and the place of the last of its steps."""


def _groups(destructive: Sequence[tuple[int, Step]]) -> list[_Grouped]:
    together: dict[tuple[str, tuple[str, ...]], list[tuple[int, Step]]] = {}
    for at, step in destructive:
        together.setdefault((step.installation, step.way_back.by), []).append((at, step))
    return [
        (Group(installation, steps[0][0], tuple(step for _, step in steps), by), steps[-1][0])
        for (installation, by), steps in together.items()
    ]


def _carried(groups: Sequence[_Grouped], plan: Plan) -> tuple[list[Group], Covered]:
    """Those that have to be carried out: a group is covered when an earlier one of its installation, which goes back to
    older restore points, brings back all that it may have destroyed, on the hosts where it was. What only puts copies
    back covers nothing that has to be built anew: what a setup removed are not files alone."""
    back = {step.id: step for step in plan.back}
    earlier: dict[str, list[tuple[Group, _Reach]]] = {}
    covered: dict[str, list[tuple[int, int]]] = {}
    found = []
    for group, last in groups:
        steps = [back[id] for id in group.by if id in back]
        reach = _Reach(
            frozenset(asset for step in steps for asset in step.changes),
            frozenset(step.host for step in (*steps, *group.steps)),
            any(step.changes and step.uses != RESTORE for step in steps),
        )
        known = earlier.setdefault(group.installation, [])
        covering = next((one for one, wide in reversed(known) if wide.covers(group, reach)), None)
        if covering is None:
            found.append(group)
            known.append((group, reach))
        else:
            covered.setdefault(group.installation, []).append((covering.at, last))
    return found, covered


@dataclass(frozen=True, slots=True)
class _Reach:
    """What a group brings back, on which hosts, and whether it builds anything anew for it."""

    assets: frozenset[str]
    hosts: frozenset[str | None]
    builds: bool

    def covers(self, group: Group, reach: _Reach) -> bool:
        is_here = self.hosts.issuperset(step.host for step in group.steps)
        return is_here and self.assets.issuperset(group.changes) and (self.builds or not reach.builds)


def _without_pairs(undos: Sequence[Undo], groups: Sequence[Group], covered: Covered, plan: Plan) -> list[Undo]:
    """Leave out what a run had taken back itself: opened and closed again, stopped and started again.

    The two must follow each other directly among all that is taken back of the installation: what stands between them
    may need the state in which it was done. Only where something after them was destroyed, and nothing puts it back
    before the restore point of the whole is reached, must that state not come back: what is half upgraded is not
    started, and what is acted upon again later, by an opposite or by the steps that put a group back, is left until
    then.
    """
    acting = _acting(groups, plan)
    marks = sorted((group.at, group.installation) for group in groups)
    stacks: dict[str, list[Undo | int]] = {}
    place = 0
    for one in undos:
        while place < len(marks) and marks[place][0] < one.at:
            stacks.setdefault(marks[place][1], []).append(marks[place][0])
            place += 1
        stack = stacks.setdefault(one.step.installation, [])
        is_broken = any(begin < one.at < end for begin, end in covered.get(one.step.installation, ()))
        partner = _partner(one, stack, is_broken)
        if partner is None:
            later = [*(other for other in stack if isinstance(other, Undo)), *acting.get(one.step.installation, ())]
            if not is_broken or not any(same_thing(one, other) for other in later if other.at < one.at):
                stack.append(one)
        elif one.settled:
            stack.remove(partner)
    left = {id(one) for stack in stacks.values() for one in stack}
    return [one for one in undos if id(one) in left]


def _acting(groups: Sequence[Group], plan: Plan) -> Mapping[str, Sequence[Undo]]:
    """By installation: what the steps do that put its groups back, each as an opposite at its group's place."""
    back = {step.id: step for step in plan.back}
    found: dict[str, list[Undo]] = {}
    for group in groups:
        for step in (back[id] for id in group.by if id in back):
            done = (step.uses, dict(step.with_))
            found.setdefault(group.installation, []).append(Undo(step, group.at, 1, done, done, True))
    return found


def same_thing(one: Undo, other: Undo) -> bool:
    """Whether two actions are about the same thing: of one family, on one host, and one in all parameters that both
    have, such as a service's name."""
    (uses, with_), (other_uses, other_with) = one.opposite, other.opposite
    if one.step.host != other.step.host or uses.partition(".")[0] != other_uses.partition(".")[0]:
        return False
    if one.concerns and other.concerns:
        return one.concerns == other.concerns
    return all(with_[name] == other_with[name] for name in with_.keys() & other_with.keys())


def _is(one: Described, other: Described) -> bool:
    """Whether two actions are the same in all that both say."""
    (uses, with_), (other_uses, other_with) = one, other
    said = [name for name in with_ if with_[name] is not None and other_with.get(name) is not None]
    return uses == other_uses and all(with_[name] == other_with[name] for name in said)


def _partner(one: Undo, stack: Sequence[Undo | int], is_broken: bool) -> Undo | None:
    """What `one` had itself taken back: each is the opposite of the other."""
    for other in reversed(stack):
        if isinstance(other, int):
            return None
        if other.step.host == one.step.host and _is(other.own, one.opposite) and _is(other.opposite, one.own):
            return other
        if not is_broken:
            return None
    return None
