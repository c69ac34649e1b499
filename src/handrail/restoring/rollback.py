"""Rollback as a plan: computed from a plan and what the journal of its run says, and then run like any other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from handrail.actions import build as build_action
from handrail.actions import described as describe_action
from handrail.actions.redacting import has_hidden
from handrail.documents.plan import freeze
from handrail.guides.guard import unguarded
from handrail.model.finding import Citation, Finding
from handrail.model.plan import GoesBack, Hop, Plan, Step, WayBack
from handrail.model.signature import Signature
from handrail.restoring.cost import Cost, told
from handrail.restoring.looking import Looking
from handrail.restoring.ordering import Node, seconds, turned_round
from handrail.restoring.proving import HOLD, WAIT, hold, proofs, waits
from handrail.restoring.putting_back import Impossible, Putting, Restored
from handrail.restoring.records import Record, Records
from handrail.restoring.undoing import (
    RESTORE,
    Build,
    Describe,
    Knowledge,
    Undo,
    Undoing,
    no_way_back,
    same_thing,
    staying,
    undoing,
)

_OURS = Citation("ours", "a rollback takes back what was begun, the last first")


@dataclass(frozen=True, slots=True)
class NoWayBack:
    """There is no plan that takes the run back; `findings` say of each step why."""

    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Back:
    """The plan that takes a run back, and what it costs. A plan without steps: nothing has been changed."""

    plan: Plan
    cost: Cost


def make_rollback(
    plan: Plan,
    run: str,
    records: Records,
    *,
    signatures: Mapping[str, Signature],
    build: Build = build_action,
    describe: Describe = describe_action,
) -> Plan | NoWayBack:
    """The frozen plan that takes `run`, a run of `plan`, back from where `records` say that it is.

    `records`: `records_of(events)`, the run's events in the order of their commits. `signatures`, `build`, `describe`:
    the actions, as `handrail.actions` has them. A plan without steps when nothing has been changed. NoWayBack when a
    begun step cannot be taken back. Pure: equal arguments give equal plans, digests included.
    """
    found = way_back(plan, run, records, Knowledge(build, describe, signatures))
    return found.plan if isinstance(found, Back) else found


def cost_of(plan: Plan, run: str, records: Records, knowledge: Knowledge) -> Cost:
    """What going back from there costs, or why there is no way back."""
    found = way_back(plan, run, records, knowledge)
    return found.cost if isinstance(found, Back) else Cost(lost=found.findings)


def way_back(plan: Plan, run: str, records: Records, knowledge: Knowledge) -> Back | NoWayBack:
    """As `make_rollback`, with what it costs."""
    what = undoing(plan, run, records, knowledge)
    if what.lost:
        return NoWayBack(what.lost)
    try:
        return _Making(plan, run, records, knowledge, what).make()
    except _Lost as lost:
        return NoWayBack(lost.findings)


class _Lost(Exception):
    def __init__(self, *findings: Finding) -> None:
        super().__init__()
        self.findings = findings


class _Making:
    def __init__(self, plan: Plan, run: str, records: Records, knowledge: Knowledge, what: Undoing) -> None:
        self._plan = plan
        self._run = run
        self._records = records
        self._knowledge = knowledge
        self._what = what
        self._restored: list[Restored] = []

    def make(self) -> Back:
        nodes = self._nodes()
        needed = frozenset(asset for node in nodes for step in node.steps for asset in step.changes)
        before = [*self._waits(nodes), *self._proofs(needed)]
        holds = [hold("", tuple(step.id for step in before), self._signature("hold"))] if nodes else []
        acting = turned_round(self._plan, nodes, tuple(step.id for step in (holds or before)))
        looking = self._checks(acting, tuple(step.id for step in (holds or before)))
        steps = _lasting_until_planned([*before, *holds, *acting, *looking])
        self._refuse_hidden(steps)
        cost = Cost(len(steps), round(seconds(steps), 3), tuple(self._restored))
        if holds:
            proved = "Every restore point that is needed was proved again. " if needed else ""
            question = f"{proved}{told(cost)} Go back now?"
            steps[len(before)] = replace(holds[0], with_={"question": question})
        self._ask_guard(steps)
        return Back(self._plan_of(steps), cost)

    def _refuse_hidden(self, steps: Sequence[Step]) -> None:
        """What was hidden in the journal cannot be put back from there."""
        planned = [one.with_ for one in (*self._plan.steps, *self._plan.back) if has_hidden(one.with_)]
        for one in steps:
            if has_hidden(one.with_) and one.with_ not in planned:
                because = "A secret stands in what it would put back, so the journal has that only in part."
                raise _Lost(no_way_back(self._plan, self._run, one, because))

    # -- what is done -------------------------------------------------------------------------------------------

    def _nodes(self) -> list[Node]:
        places = {step.id: at for at, step in enumerate(self._plan.steps)}
        putting = Putting(self._plan, self._records, self._knowledge)
        nodes = []
        for group in self._what.groups:
            try:
                made = putting.put_back(group, self._what.changes[group.installation])
            except Impossible as why:
                raise _Lost(no_way_back(self._plan, self._run, group.steps[0], str(why))) from None
            self._restored += made.restored
            covers = tuple(places[step.id] for step in group.steps if places[step.id] != group.at)
            if made.steps:
                nodes.append(Node(group.at, made.steps, covers))
        undone: dict[int, list[Undo]] = {}
        for one in self._what.undos:
            undone.setdefault(one.at, []).append(one)
        superseded = self._superseded()
        for at, several in undone.items():
            steps: list[Step] = []
            for one in reversed(several):
                again = superseded.get(one.id)
                made_step = self._undo(one, again is None, self._until(one, again))
                steps.append(replace(made_step, after=(steps[-1].id,)) if steps else made_step)
            nodes.append(Node(at, tuple(steps)))
        return nodes

    def _undo(self, one: Undo, lasting: bool, until: str | None) -> Step:
        uses, with_ = one.opposite
        signature = self._knowledge.signatures[uses]
        return Step(
            id=one.id,
            title=f"Take back: {one.step.title}",
            installation=one.step.installation,
            host=one.step.host,
            uses=uses,
            revision=signature.revision,
            kind=signature.kind,
            source=_OURS,
            with_=with_,
            lasting=lasting,
            until=until,
            takes=one.step.takes,
            way_back=WayBack("undo"),
            downtime=one.step.downtime,
        )

    def _until(self, one: Undo, again: Undo | None) -> str | None:
        """The step that acts upon the same thing `again`; None where its installation is put back before that, which
        may take the thing away altogether."""
        if again is None:
            return None
        between = (group for group in self._what.groups if again.at < group.at < one.at)
        return None if any(group.installation == one.step.installation for group in between) else again.id

    def _superseded(self) -> dict[str, Undo]:
        """The undos of things that a later step of the rollback acts upon again, each with the first that does."""
        found: dict[str, Undo] = {}
        later: dict[str | None, list[Undo]] = {}
        for one in self._what.undos:
            others = later.setdefault(one.step.host, [])
            again = next((other for other in reversed(others) if same_thing(one, other)), None)
            if again is not None:
                found[one.id] = again
            others.append(one)
        return found

    # -- before and after ---------------------------------------------------------------------------------------

    def _waits(self, nodes: Sequence[Node]) -> list[Step]:
        return waits(self._plan, self._run, self._records, self._signature(WAIT)) if nodes else []

    def _proofs(self, needed: frozenset[str]) -> list[Step]:
        try:
            return proofs(self._plan, self._what.groups, needed, self._records)
        except Impossible as why:
            raise _Lost(no_way_back(self._plan, self._run, self._what.groups[0].steps[0], str(why))) from None

    def _checks(self, acting: Sequence[Step], otherwise: tuple[str, ...]) -> list[Step]:
        put_back = frozenset(one.asset for one in self._restored)
        last: dict[str, tuple[str, ...]] = {}
        for step in acting:
            own = last.get(step.installation, ())
            last[step.installation] = (*(id for id in own if id not in step.after), step.id)
        looking = Looking(self._plan, self._records, self._knowledge, self._first_hops(), put_back)
        return [replace(step, after=last.get(step.installation, otherwise)) for step in looking.checks()]

    def _first_hops(self) -> dict[str, Hop]:
        """Of each installation that is put back, the hop that its earliest group belongs to."""
        hops = {(hop.installation, hop.to): hop for hop in self._plan.hops}
        found: dict[str, Hop] = {}
        for group in self._what.groups:
            hop = hops.get((group.installation, _hop_of(group.steps[0])))
            if hop is not None:
                found.setdefault(group.installation, hop)
        return found

    # -- the plan -----------------------------------------------------------------------------------------------

    def _ask_guard(self, steps: Sequence[Step]) -> None:
        """What a rollback destroys has to be proved restorable too, as in any plan. Every step that acts comes after
        the hold, and the hold after every proof: the guard is shown just those that concern each."""
        proving: dict[str, list[Step]] = {}
        for step in steps:
            for asset in step.proves:
                proving.setdefault(asset, []).append(step)
        by_id = {step.id: step for step in steps}
        lacking = []
        for step in steps:
            if step.changes:
                before = {one.id: one for asset in step.changes for one in proving.get(asset, ())}
                middle = replace(by_id[HOLD], after=tuple(before))
                lacking += unguarded([*before.values(), middle, replace(step, after=(HOLD,))])
        if lacking:
            raise _Lost(
                *(
                    no_way_back(
                        self._plan,
                        self._run,
                        self._group_of(by_id[one.step]),
                        f"Its way back, {one.step}, may destroy {', '.join(one.assets)}, and no restore point of that "
                        "was proved.",
                    )
                    for one in lacking
                )
            )

    def _group_of(self, step: Step) -> Step:
        groups = [group for group in self._what.groups if group.installation == step.installation]
        return (groups or self._what.groups)[0].steps[0]

    def _plan_of(self, steps: Sequence[Step]) -> Plan:
        used = {name for step in steps for name in step.errata}
        spans: dict[str, tuple[str, str]] = {}
        for step in steps:
            if step.downtime:
                spans[step.installation] = (spans.get(step.installation, (step.id, ""))[0], step.id)
        now = self._builds_now()
        hops = [
            Hop(
                hop.installation,
                now[hop.installation],
                hop.from_,
                RESTORE,
                "It goes back to what it was before the first step that may have destroyed anything.",
                _OURS,
                build=hop.from_,
            )
            for hop in self._first_hops().values()
        ]
        return freeze(
            Plan(
                digest="",
                estate=self._plan.estate,
                aim={},
                guides=self._plan.guides,
                findings=tuple(staying(self._what.stays)),
                hops=tuple(hops),
                steps=tuple(steps),
                downtime={name: (span,) for name, span in sorted(spans.items())},
                errata=tuple(one for one in self._plan.errata if one.id in used),
                goes_back=GoesBack(self._run, self._plan.digest),
            )
        )

    def _builds_now(self) -> dict[str, str]:
        """The build that each installation has, or was about to have, when it turned round."""
        begun = {
            (step.installation, _hop_of(step))
            for step in self._plan.steps
            if self._records.get(step.id, Record()).touched
        }
        hops = [hop for hop in self._plan.hops if (hop.installation, hop.to) in begun]
        return {hop.installation: hop.build or hop.to for hop in hops}

    def _signature(self, uses: str) -> Signature | None:
        return self._knowledge.signatures.get(uses)


def _hop_of(step: Step) -> str:
    """The hop that a step belongs to, by its id: the release or build that it leads to."""
    return step.id.removeprefix(f"{step.installation}/").partition("/")[0]


def _lasting_until_planned(steps: Sequence[Step]) -> list[Step]:
    """Where the step until which a state has to last is not planned, nobody needs it any more."""
    ids = {step.id for step in steps}
    return [step if step.until is None or step.until in ids else replace(step, until=None) for step in steps]
