"""Why a plan is as it is: its hops and methods, its order, one step of it. Read from the plan alone.

The answer is data; `reporting/` says it in text or JSON.
"""

from __future__ import annotations

from dataclasses import dataclass

from handrail.errors import BadInput, UnknownName
from handrail.model.finding import Citation, Finding
from handrail.model.plan import Because, Erratum, Fact, Hop, Plan, Remedy, Step
from handrail.planning.going_back import NOTHING, Cost, cost


@dataclass(frozen=True, slots=True)
class OrderReason:
    """`then` (the first step of something) comes after all of `after`, for this reason."""

    then: str
    after: tuple[str, ...]
    reason: str
    source: Citation


@dataclass(frozen=True, slots=True)
class PlanExplanation:
    """`accepted`: the risks that were accepted by name. `one_way`: why there is a point of no return, or is none.
    `back`: what going back costs just before that point, or from the end when there is none."""

    hops: tuple[Hop, ...]
    order: tuple[OrderReason, ...]
    errata: tuple[Erratum, ...]
    accepted: tuple[Finding, ...]
    point_of_no_return: str | None
    one_way: str
    steps: int
    seconds: float
    back: Cost = NOTHING


@dataclass(frozen=True, slots=True)
class StepExplanation:
    """`stands_here` says in sentences why the step is in the plan, at this place. `way_back` is a sentence;
    `restores_from` are the steps whose restore points it needs, `back` those that carry it out. `followers` wait for
    this step. `before`: what going back costs just before it. `is_back`: it is itself a step of a way back."""

    step: Step
    hop: Hop | None
    stands_here: tuple[str, ...]
    because: tuple[Because, ...]
    followers: tuple[str, ...]
    way_back: str
    restores_from: tuple[str, ...]
    errata: tuple[Erratum, ...]
    rests_on: tuple[Fact, ...]
    leaves: tuple[Fact, ...]
    remedies: tuple[Remedy, ...]
    conditions: tuple[str, ...]
    past_no_return: bool
    back: tuple[Step, ...] = ()
    before: Cost = NOTHING
    is_back: bool = False


def explain(plan: Plan, step_id: str | None = None) -> PlanExplanation | StepExplanation:
    """The plan as a whole, or one step by its id or by an ending of it that only one step has.

    UnknownName when no step is called so; BadInput when several are.
    """
    if step_id is None:
        return explain_plan(plan)
    return explain_step(plan, _find(plan, step_id))


def explain_plan(plan: Plan) -> PlanExplanation:
    reasons: dict[tuple[str, str, Citation], list[str]] = {}
    for step in plan.steps:
        for one in step.because:
            reasons.setdefault((step.id, one.reason, one.source), []).append(one.after)
    return PlanExplanation(
        hops=plan.hops,
        order=tuple(OrderReason(then, tuple(after), why, source) for (then, why, source), after in reasons.items()),
        errata=plan.errata,
        accepted=tuple(finding for finding in plan.findings if finding.accepted),
        point_of_no_return=plan.point_of_no_return,
        one_way=_one_way(plan),
        steps=len(plan.steps),
        seconds=sum(step.takes for step in plan.steps),
        back=cost(_before(plan, plan.point_of_no_return), plan.back),
    )


def explain_step(plan: Plan, step: Step) -> StepExplanation:
    place = {one.id: number for number, one in enumerate(plan.steps)}
    limit = place.get(plan.point_of_no_return or "")
    hop = hop_of(plan, step)
    is_back = step.id not in place
    by = frozenset(step.way_back.by)
    return StepExplanation(
        step=step,
        hop=hop,
        stands_here=tuple(_stands_here(plan, step, hop)),
        because=step.because,
        followers=tuple(one.id for one in (plan.back if is_back else plan.steps) if step.id in one.after),
        way_back=_way_back(step),
        restores_from=step.way_back.from_,
        errata=tuple(one for one in plan.errata if one.id in step.errata),
        rests_on=step.rests_on,
        leaves=step.leaves,
        remedies=step.remedies,
        conditions=tuple(_conditions(step)),
        past_no_return=limit is not None and not is_back and place[step.id] > limit,
        back=tuple(one for one in plan.back if one.id in by),
        before=NOTHING if is_back else cost(_before(plan, step.id), plan.back),
        is_back=is_back,
    )


def _before(plan: Plan, step: str | None) -> tuple[Step, ...]:
    """The steps of a plan before one of them; all when there is none."""
    end = next((number for number, one in enumerate(plan.steps) if one.id == step), len(plan.steps))
    return plan.steps[:end]


def hop_of(plan: Plan, step: Step) -> Hop | None:
    """The hop that a step belongs to; None for a barrier."""
    for hop in plan.hops:
        if hop.installation == step.installation and step.id.startswith(f"{hop.installation}/{hop.to}/"):
            return hop
    return None


def _stands_here(plan: Plan, step: Step, hop: Hop | None) -> list[str]:
    found = []
    taken_back = [one for one in plan.steps if step.id in one.way_back.by]
    if taken_back:
        begun = ", ".join(one.id for one in taken_back)
        found.append(
            f"No run of the plan carries it out: it belongs to the way back of {step.installation}, which a rollback "
            f"takes once {begun} has begun."
        )
        if step.after:
            found.append(f"It follows {', '.join(step.after)}, as its procedure is written ({step.source}).")
        return found
    if hop is not None:
        found.append(
            f"It is part of bringing {hop.installation} from {hop.from_} to {hop.to} by {hop.method}: {hop.why}"
        )
    elif step.uses == "barrier":
        found.append("Nothing is done here: it ends when everything before it has ended, so that an order holds.")
    remedied = [(one, remedy) for one in plan.steps for remedy in one.remedies if step.id in remedy.steps]
    for one, remedy in remedied:
        times = "once" if remedy.retries == 1 else f"{remedy.retries} times at most"
        found.append(
            f"It runs only if {one.id} fails with {remedy.error} ({remedy.says}); then that is tried again, {times}."
        )
    if not remedied and step.after and not step.because:
        found.append(f"It follows {', '.join(step.after)}, as its procedure is written ({step.source}).")
    protected = [one.id for one in plan.steps if step.id in one.way_back.from_]
    if protected:
        found.append(f"It is the way back of {', '.join(protected)}: without it that would not be planned.")
    if step.downtime:
        found.append(f"{step.installation} is down while it runs.")
    return found


def _conditions(step: Step) -> list[str]:
    found = []
    for one in step.when:
        parts = []
        if one.ended:
            parts.append(f"ended {' or '.join(one.ended)}")
        if one.error is not None:
            parts.append(f"failed with {one.error}")
        if one.output is not None:
            parts.append(f"gave {one.output} = {one.equals}")
        found.append(f"{one.step} {' and '.join(parts)}")
    return found


def _way_back(step: Step) -> str:
    if step.way_back.kind == "restore":
        return f"Restoring {', '.join(step.changes)} from what {', '.join(step.way_back.from_)} proved."
    if step.way_back.kind == "undo":
        if step.kind in ("check", "prove", "hold", "back-up", "reboot"):
            return "It changes nothing that would have to be undone."
        return "The action undoes itself, if it changed anything."
    if step.changes:
        return f"None: what it may destroy of {', '.join(step.changes)} cannot be had back. This was accepted by name."
    return "None is needed for data: it destroys nothing. What it added stays."


def _one_way(plan: Plan) -> str:
    if plan.point_of_no_return is None:
        return (
            "Every step that may destroy something comes after a proved restore point of it; the way back stays open."
        )
    step = next(one for one in plan.steps if one.id == plan.point_of_no_return)
    return f"After {step.id} there is no way back for {', '.join(step.changes) or step.installation}."


def _find(plan: Plan, name: str) -> Step:
    every = (*plan.steps, *plan.back)
    exact = [step for step in every if step.id == name]
    ending = exact or [step for step in every if step.id.endswith(f"/{name}")]
    if not ending:
        raise UnknownName("The step", name, (step.id for step in every))
    if len(ending) > 1:
        ids = ", ".join(step.id for step in ending[:6])
        raise BadInput(
            f"Several steps end in {name!r}.", f"Give more of the id: {ids}{' …' if len(ending) > 6 else '.'}"
        )
    return ending[0]
