"""A procedure laid flat: included procedures in place, every step with those that it comes after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from handrail.assessing.evaluate import Judge
from handrail.assessing.facts import MISSING, Facts
from handrail.errors import BadInput, UnknownName
from handrail.guides.language import Known
from handrail.model.guide import Guide, StepTemplate, When

INCLUDE = "procedure/"


@dataclass(frozen=True, slots=True)
class FlatStep:
    """`id` is unique in the procedure; `after` are ids in it. `ifs` must all hold for it to be planned."""

    id: str
    template: StepTemplate
    after: tuple[str, ...]
    ifs: tuple[str, ...]
    whens: tuple[When, ...]


class Procedures:
    """The procedures of one guide, laid flat once each."""

    def __init__(self, guide: Guide) -> None:
        self._guide = guide
        self._flat: dict[str, tuple[FlatStep, ...]] = {}
        self._leaving: dict[str, tuple[FlatStep, ...]] = {}

    def flat(self, name: str) -> tuple[FlatStep, ...]:
        """The steps of a procedure in the order written. UnknownName, or BadInput when it includes itself."""
        if name not in self._flat:
            self._flat[name] = tuple(self._lay(name, (), ()))
        return self._flat[name]

    def leaving(self, name: str) -> tuple[FlatStep, ...]:
        """Those of its steps that say what they leave."""
        if name not in self._leaving:
            self._leaving[name] = tuple(step for step in self.flat(name) if step.template.leaves)
        return self._leaving[name]

    def _lay(self, name: str, ifs: tuple[str, ...], within: tuple[str, ...]) -> list[FlatStep]:
        if name in within:
            circle = " includes ".join((*within[within.index(name) :], name))
            raise BadInput(f"Guide {self._guide.name!r}: procedure {circle}.", "Take one of the inclusions out.")
        if name not in self._guide.procedures:
            raise UnknownName(f"Guide {self._guide.name!r}: the procedure", name, self._guide.procedures)
        steps: list[FlatStep] = []
        ends: dict[str, tuple[str, ...]] = {}
        last: tuple[str, ...] = ()
        for template in self._guide.procedures[name].steps:
            begins = last if template.after is None else tuple(one for id in template.after for one in ends.get(id, ()))
            own = (*ifs, template.if_) if template.if_ is not None else ifs
            if not template.uses.startswith(INCLUDE):
                steps.append(FlatStep(template.id, template, begins, own, template.when))
                last = ends[template.id] = (template.id,)
                continue
            inner = self._lay(template.uses.removeprefix(INCLUDE), own, (*within, name))
            renamed = [_inside(template, step, begins) for step in inner]
            steps += renamed
            followed = {id for step in renamed for id in step.after}
            last = ends[template.id] = tuple(step.id for step in renamed if step.id not in followed) or begins
        return steps


def _inside(include: StepTemplate, step: FlatStep, begins: tuple[str, ...]) -> FlatStep:
    """A step of an included procedure, named after the inclusion, held by the inclusion's own conditions."""
    prefix = f"{include.id}-"
    return replace(
        step,
        id=prefix + step.id,
        after=tuple(prefix + id for id in step.after) or begins,
        whens=(*include.when, *(replace(when, step=prefix + when.step) for when in step.whens)),
    )


def carried(judge: Judge, steps: tuple[FlatStep, ...], facts: Facts) -> Facts:
    """The facts after these steps: what they leave, and unknown what cannot be told before."""
    for step in steps:
        answers = [judge.ask(text, facts) for text in step.ifs]
        certain = all(isinstance(answer, Known) for answer in answers)
        if certain and not all(answer.value for answer in answers if isinstance(answer, Known)):
            continue
        facts = leave(judge, step.template.leaves, facts, certain and not step.whens)
    return facts


def leave(judge: Judge, leaves: Mapping[str, object], facts: Facts, certain: bool = True) -> Facts:
    """The facts after one step; what is not certain becomes unknown."""
    for name, template in leaves.items():
        answer = judge.value(template, facts)
        known = certain and isinstance(answer, Known)
        facts = facts.with_fact(name, answer.value if known and isinstance(answer, Known) else MISSING)
    return facts
