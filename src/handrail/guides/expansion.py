"""A procedure with its includes written out, as the planner will lay it into a plan."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from handrail.documents.read import Keys
from handrail.model.guide import Guide, StepTemplate

INCLUDE = "procedure/"


@dataclass(frozen=True, slots=True)
class Placed:
    """A step where it stands. `id` carries the ids of the includes around it; `keys` say where it is written.

    `after` are ids in the same expansion; `conditions` all that may leave it out, of its includes too; `remedy_of` is
    the step whose known error it mends; `values` are the expressions' scope: whether `item` may be read.
    """

    id: str
    step: StepTemplate
    keys: Keys
    procedure: str
    after: tuple[str, ...] = ()
    conditions: tuple[Any, ...] = ()
    remedy_of: str | None = None
    has_item: bool = False

    @property
    def when(self) -> tuple[Any, ...]:
        return self.conditions

    @property
    def changes(self) -> tuple[str, ...]:
        return self.step.changes

    @property
    def proves(self) -> tuple[str, ...]:
        return self.step.proves


@dataclass
class _Around:
    """What an include hands to the steps in it."""

    prefix: str = ""
    conditions: tuple[Any, ...] = ()
    remedy_of: str | None = None
    has_item: bool = False
    path: tuple[str, ...] = ()
    entry: tuple[str, ...] = ()


@dataclass
class Expansion:
    """The steps of one procedure; `cycle` is the chain of procedures when it includes itself."""

    steps: list[Placed] = field(default_factory=list)
    cycle: tuple[str, ...] = ()


def expand(guide: Guide, name: str) -> Expansion:
    """Procedure `name` with its includes. Includes of procedures that are not there are left out."""
    expansion = Expansion()
    if name in guide.procedures:
        _procedure(guide, name, _Around(path=(name,)), expansion)
    return expansion


def step_keys(name: str) -> Keys:
    return ("procedures", name, "steps")


def _procedure(guide: Guide, name: str, around: _Around, expansion: Expansion) -> None:
    _steps(guide, guide.procedures[name].steps, step_keys(name), name, around, expansion)


def _steps(
    guide: Guide,
    steps: tuple[StepTemplate, ...],
    keys: Keys,
    name: str,
    around: _Around,
    expansion: Expansion,
) -> None:
    last = around.entry
    ends: dict[str, tuple[str, ...]] = {}
    for number, step in enumerate(steps):
        place = (*keys, number)
        after = last if step.after is None else _ends(step.after, ends) or around.entry
        own = (replace(when, step=around.prefix + when.step) for when in step.when)
        conditions: tuple[Any, ...] = (*around.conditions, *own)
        if step.if_ is not None:
            conditions += (("if", step.if_),)
        if step.each is not None:
            conditions += (("each", step.each),)
        has_item = around.has_item or step.each is not None
        id = around.prefix + step.id
        if step.uses.startswith(INCLUDE):
            included = step.uses.removeprefix(INCLUDE)
            if included in around.path:
                expansion.cycle = expansion.cycle or (*around.path[around.path.index(included) :], included)
                continue
            if included in guide.procedures:
                inner = _Around(id + "-", conditions, around.remedy_of, has_item, (*around.path, included), after)
                begin = len(expansion.steps)
                _procedure(guide, included, inner, expansion)
                last = ends[step.id] = _sinks(expansion.steps[begin:]) or after
            continue
        placed = Placed(id, step, place, name, after, conditions, around.remedy_of, has_item)
        expansion.steps.append(placed)
        for which, remedy in enumerate(step.on_error):
            inside = _Around(
                f"{id}-{remedy.error}-",
                (*conditions, ("error", id, remedy.error)),
                id,
                has_item,
                around.path,
                # A remedy runs while its step counts as not ended: it comes after what the step comes after.
                after,
            )
            _steps(guide, remedy.steps, (*place, "on_error", which, "steps"), name, inside, expansion)
        last = ends[step.id] = (id,)


def _sinks(steps: list[Placed]) -> tuple[str, ...]:
    """Those that no other of them comes after; remedies end with their step."""
    followed = {id for step in steps if step.remedy_of is None for id in step.after}
    return tuple(step.id for step in steps if step.remedy_of is None and step.id not in followed)


def _ends(names: tuple[str, ...], ends: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(id for name in names for id in ends.get(name, ())))
