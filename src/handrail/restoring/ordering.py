"""The order of a rollback: that of the plan, turned round, with what is not taken back left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace

from handrail.model.plan import Plan, Step, WayBack


@dataclass(frozen=True, slots=True)
class Node:
    """Steps that take back what stands at place `at` of the plan. `covers`: further places that they take back too."""

    at: int
    steps: tuple[Step, ...]
    covers: tuple[int, ...] = ()

    @property
    def entries(self) -> frozenset[str]:
        """The steps that come after no other of them."""
        own = {step.id for step in self.steps}
        return frozenset(step.id for step in self.steps if not own.intersection(step.after))

    @property
    def exits(self) -> tuple[str, ...]:
        """The steps that no other of them comes after; what only a known error makes run is not waited for."""
        followed = {id for step in self.steps for id in step.after}
        helpers = {id for step in self.steps for one in step.remedies for id in one.steps}
        return tuple(step.id for step in self.steps if step.id not in followed and step.id not in helpers)


def turned_round(plan: Plan, nodes: Iterable[Node], first: tuple[str, ...]) -> list[Step]:
    """The steps of all nodes, the latest of the plan first. A node comes after whatever is taken back of the steps that
    come after its own in the plan; when nothing is, after `first`. Where many meet before many, a barrier of the plan
    is kept."""
    by_place = {node.at: node for node in nodes}
    covering = {place: node.at for node in by_place.values() for place in node.covers}
    places = {step.id: at for at, step in enumerate(plan.steps)}
    following: list[list[int]] = [[] for _ in plan.steps]
    for at, step in enumerate(plan.steps):
        for id in dict.fromkeys((*step.after, *(one.step for one in step.when))):
            if id in places:
                following[places[id]].append(at)
    reached: list[dict[int, None]] = [{} for _ in plan.steps]
    exits: dict[int, tuple[str, ...]] = {at: node.exits for at, node in by_place.items()}
    made: list[Step] = []
    barriers: set[str] = set()
    for at in range(len(plan.steps) - 1, -1, -1):
        beyond: dict[int, None] = {}
        for next_ in sorted(following[at]):
            beyond.update({next_: None} if next_ in exits else reached[next_])
        ready = tuple(id for place in sorted(beyond, reverse=True) if place > at for id in exits[place])
        node, step = by_place.get(at), plan.steps[at]
        if node is not None:
            made += _entered(node, ready or first)
        elif step.uses == "barrier" and len(ready) > 1:
            barrier = _barrier(step, ready)
            exits[at] = (barrier.id,)
            barriers.add(barrier.id)
            made.append(barrier)
        else:
            if at in covering:
                beyond[covering[at]] = None
            reached[at] = beyond
    return _needed(made, barriers)


def _entered(node: Node, ready: tuple[str, ...]) -> list[Step]:
    entries = node.entries
    return [replace(step, after=(*ready, *step.after)) if step.id in entries else step for step in node.steps]


def _barrier(step: Step, after: tuple[str, ...]) -> Step:
    prefix, slash, name = step.id.rpartition("/")
    return replace(
        step, id=f"{prefix}{slash}undo-{name}", after=after, because=(), when=(), rests_on=(), way_back=WayBack("undo")
    )


def _needed(steps: Sequence[Step], barriers: Set[str]) -> list[Step]:
    """Without those barriers that nothing waits for."""
    needed: set[str] = set()
    found = []
    for step in reversed(steps):
        if step.id not in barriers or step.id in needed:
            found.append(step)
            needed.update(step.after)
    return found[::-1]


def seconds(steps: Sequence[Step], free: Mapping[str, float] | None = None) -> float:
    """How long steps take when every host goes on as soon as it may; what only a known error makes run left out."""
    busy = dict(free or {})
    ends: dict[str, float] = {}
    for step in steps:
        begin = max((ends.get(id, 0.0) for id in step.after), default=0.0)
        if step.host is not None:
            begin = max(begin, busy.get(step.host, 0.0))
        ends[step.id] = begin + (0.0 if any(one.error for one in step.when) else step.takes)
        if step.host is not None:
            busy[step.host] = ends[step.id]
    return max(ends.values(), default=0.0)
