"""How the steps of a plan hang together. They are numbered in the order of the plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from handrail.errors import BadInput
from handrail.model.plan import Plan, Step


@dataclass(frozen=True, slots=True)
class Bonds:
    """`before`: the steps that each one needs, `after`: those that need it. `owners`: for a step of a remedy, the steps
    that it mends. `lines`: the steps that take turns, by the name of their line; a host is one, and so is each step of
    no host, which waits for nobody's turn. Remedy steps belong to a line and stand outside its order."""

    index: Mapping[str, int]
    before: Sequence[Sequence[int]]
    after: Sequence[Sequence[int]]
    owners: Mapping[int, Sequence[int]]
    line_of: Sequence[str]
    lines: Mapping[str, Sequence[int]]


def bonds_of(plan: Plan) -> Bonds:
    """BadInput when two steps have the same id, or one needs a step that comes later or is not there."""
    index = {step.id: number for number, step in enumerate(plan.steps)}
    if len(index) != len(plan.steps):
        raise BadInput("The plan has two steps with the same id.")
    owners: dict[int, list[int]] = {}
    for number, step in enumerate(plan.steps):
        for name in dict.fromkeys(name for remedy in step.remedies for name in remedy.steps):
            owners.setdefault(_number(index, name, step), []).append(number)
    before: list[list[int]] = []
    after: list[list[int]] = [[] for _ in plan.steps]
    lines: dict[str, list[int]] = {}
    line_of: list[str] = []
    for number, step in enumerate(plan.steps):
        needed = {_number(index, name, step) for name in (*step.after, *(one.step for one in step.when))}
        needed.difference_update(owners.get(number, ()))
        before.append(sorted(needed))
        for other in before[-1]:
            if other >= number:
                raise BadInput(f"Step {step.id} of the plan stands before {plan.steps[other].id}, which it needs.")
            after[other].append(number)
        line_of.append(f"host {step.host}" if step.host is not None else f"step {step.id}")
        steps = lines.setdefault(line_of[-1], [])
        if number not in owners:
            steps.append(number)
    return Bonds(index, before, after, owners, line_of, lines)


def _number(index: Mapping[str, int], name: str, asker: Step) -> int:
    try:
        return index[name]
    except KeyError:
        raise BadInput(f"Step {asker.id} of the plan names a step that it does not have: {name}.") from None
