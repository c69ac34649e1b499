"""A procedure laid flat: included procedures in place, every step with those that it comes after."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from handrail.assessing.evaluate import Judge
from handrail.assessing.facts import MISSING, Facts
from handrail.errors import BadInput, UnknownName
from handrail.guides.language import Known
from handrail.model.guide import Guide, OnError, StepTemplate, When

INCLUDE = "procedure/"


@dataclass(frozen=True, slots=True)
class FlatRemedy:
    on_error: OnError
    steps: tuple[FlatStep, ...]


@dataclass(frozen=True, slots=True)
class FlatStep:
    """`id` is unique in the procedure; `after` are ids in it. `ifs` must all hold for it to be planned.

    `within` are the prefixes of the inclusions around it, the innermost first: where the names of other steps are
    looked for. `whens` name steps by their ids in the whole procedure. `revisions`: sources with the revisions of their
    documents in which alone it stands.
    """

    id: str
    template: StepTemplate
    after: tuple[str, ...]
    ifs: tuple[str, ...]
    whens: tuple[tuple[tuple[str, ...], When], ...]
    within: tuple[str, ...]
    remedies: tuple[FlatRemedy, ...] = ()
    revisions: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class _Around:
    """What a step inherits from the inclusions around it."""

    procedures: tuple[str, ...]
    ifs: tuple[str, ...] = ()
    whens: tuple[tuple[tuple[str, ...], When], ...] = ()
    within: tuple[str, ...] = ("",)
    revisions: tuple[tuple[str, tuple[str, ...]], ...] = ()


class Procedures:
    """The procedures of one guide, laid flat once each."""

    def __init__(self, guide: Guide) -> None:
        self._guide = guide
        self._flat: dict[str, tuple[FlatStep, ...]] = {}
        self._leaving: dict[str, tuple[FlatStep, ...]] = {}

    def flat(self, name: str) -> tuple[FlatStep, ...]:
        """The steps of a procedure in the order written. UnknownName, or BadInput when it includes itself."""
        if name not in self._flat:
            self._flat[name] = tuple(self._lay(self._steps(name), (), _Around((name,))))
        return self._flat[name]

    def leaving(self, name: str) -> tuple[FlatStep, ...]:
        """Those of its steps that say what they leave."""
        if name not in self._leaving:
            self._leaving[name] = tuple(step for step in self.flat(name) if step.template.leaves)
        return self._leaving[name]

    def _steps(self, name: str) -> tuple[StepTemplate, ...]:
        if name not in self._guide.procedures:
            raise UnknownName(f"Guide {self._guide.name!r}: the procedure", name, self._guide.procedures)
        return self._guide.procedures[name].steps

    def _lay(self, templates: Iterable[StepTemplate], begins: tuple[str, ...], around: _Around) -> list[FlatStep]:
        steps: list[FlatStep] = []
        ends: dict[str, tuple[str, ...]] = {}
        last = begins
        prefix = around.within[0]
        for template in templates:
            after = last
            if template.after is not None:
                after = tuple(one for id in template.after for one in ends.get(id, ())) or begins
            inside = _Around(
                around.procedures,
                around.ifs if template.if_ is None else (*around.ifs, template.if_),
                (*around.whens, *((around.within, when) for when in template.when)),
                around.within,
                (*around.revisions, (template.source, template.revision)) if template.revision else around.revisions,
            )
            if template.uses.startswith(INCLUDE):
                inner = self._include(template, after, inside)
                steps += inner
                followed = {id for step in inner for id in step.after}
                last = ends[template.id] = tuple(step.id for step in inner if step.id not in followed) or after
                continue
            id = prefix + template.id
            remedies = tuple(self._remedy(id, one, inside) for one in template.on_error)
            steps.append(
                FlatStep(id, template, after, inside.ifs, inside.whens, inside.within, remedies, inside.revisions)
            )
            last = ends[template.id] = (id,)
        return steps

    def _include(self, template: StepTemplate, after: tuple[str, ...], around: _Around) -> list[FlatStep]:
        name = template.uses.removeprefix(INCLUDE)
        if name in around.procedures:
            circle = " includes ".join((*around.procedures[around.procedures.index(name) :], name))
            raise BadInput(f"Guide {self._guide.name!r}: procedure {circle}.", "Take one of the inclusions out.")
        within = (f"{around.within[0]}{template.id}-", *around.within)
        inside = _Around((*around.procedures, name), around.ifs, around.whens, within, around.revisions)
        return self._lay(self._steps(name), after, inside)

    def _remedy(self, id: str, on_error: OnError, around: _Around) -> FlatRemedy:
        """The steps after a known error, each held by that error."""
        failed = When(step=id, error=on_error.error)
        within = (f"{id}-{on_error.error}-", *around.within)
        inside = _Around(around.procedures, around.ifs, (*around.whens, (("",), failed)), within, around.revisions)
        return FlatRemedy(on_error, tuple(self._lay(on_error.steps, (id,), inside)))


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
