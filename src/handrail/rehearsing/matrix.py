"""The matrix: every step, one of each cohort, with every fault that can befall it; then the same for its way back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from handrail.actions import build as build_action
from handrail.errors import BadInput
from handrail.model.plan import Plan, Step
from handrail.rehearsing import truth
from handrail.rehearsing.cases import STANDING, Judge
from handrail.rehearsing.cohorts import cohorts
from handrail.rehearsing.faults import FAULTS, Fault
from handrail.rehearsing.journey import Journey, stage_of, travel
from handrail.rehearsing.memory import MemoryJournal
from handrail.rehearsing.naming import meant, nothing
from handrail.rehearsing.plants import Plant
from handrail.rehearsing.results import Case, Rehearsal
from handrail.rehearsing.spreading import spread
from handrail.restoring.rollback import NoWayBack
from handrail.running.carrying import Build

Progress = Callable[[int, int], None]
"""How many steps have been tried, of how many."""

NOT_REHEARSED = "not-rehearsed"
ANY = "any"
"""The fault of a case that stands for all of a step that was never carried out."""

DURING_ROLLBACK = ("killed", "lost", "two-runners", "restarts")
"""Faults, by the beginnings of their names, that are tried during the rollback of the finished run too."""


@dataclass(frozen=True, slots=True)
class _Unit:
    """All cases of one step; `back`: of the rollback of the finished run."""

    step: str
    back: bool = False


@dataclass(slots=True)
class Matrix:
    """Everything that is needed to try the cases of one plan."""

    journey: Journey
    judge: Judge
    faults: tuple[Fault, ...]
    units: list[_Unit]
    stand_for: Mapping[str, tuple[str, ...]]
    not_rehearsed: Mapping[str, str]
    unfaulted: str = ""
    back: Judge | None = None
    back_faults: tuple[Fault, ...] = ()
    telling: bool = False
    titles: Mapping[str, str] = field(default_factory=dict)

    def cases(self, unit: _Unit) -> list[Case]:
        judge = self.back if unit.back and self.back is not None else self.judge
        return judge.cases(unit.step, self.back_faults if unit.back else self.faults, self.telling)


def prepare(
    plan: Plan,
    declarations: Mapping[str, Path],
    faults: Sequence[Fault],
    *,
    build: Build = build_action,
    journal: type[MemoryJournal] = MemoryJournal,
    judge: type[Judge] = Judge,
    plants: Sequence[Plant] = (),
    stops: str | None = None,
) -> Matrix:
    """Carry the plan out without faults, and find out what there is to be tried. `declarations`: product -> its
    `twin.yaml`. `plants`: what is otherwise there from the beginning than the estate says. `stops`: a step at which the
    run is meant to stand even without a fault; every case then has to come to stand there too."""
    journey = travel(stage_of(plan, declarations, build, journal, plants))
    before = truth.essence(journey.beginning.twin)
    judging = judge(journey, before)
    stand_for = cohorts(plan)
    unvisited = _not_rehearsed(journey)
    titles = {step.id: step.title for step in plan.steps}
    unfaulted = _unfaulted(journey, bool(unvisited), stops)
    made = Matrix(journey, judging, tuple(faults), [], stand_for, unvisited, unfaulted, titles=titles)
    if unfaulted:
        return made
    made.units += [_Unit(one) for one in stand_for if one in journey.visits and one not in unvisited]
    if faults and (journey.succeeded or stops):
        _add_way_back(made)
    return made


def _add_way_back(matrix: Matrix) -> None:
    """The rollback of the finished run, to be hit itself."""
    stage = matrix.judge.back_from(matrix.journey.end.fork())
    if isinstance(stage, NoWayBack) or not stage.plan.steps:
        return
    back = travel(stage)
    if not back.succeeded:
        return  # the rollback of the last step's cases says so
    matrix.back = replace(matrix.judge, journey=back, back=True, _taken_back={})
    matrix.back_faults = tuple(one for one in matrix.faults if one.name.startswith(DURING_ROLLBACK))
    matrix.titles = {**matrix.titles, **{step.id: step.title for step in stage.plan.steps}}
    matrix.units += [_Unit(one, back=True) for one in cohorts(stage.plan) if one in back.visits]


def _not_rehearsed(journey: Journey) -> dict[str, str]:
    """Steps that were never carried out because the twin does not know a command or a person's doing, and why."""
    status = {one.id: one for one in journey.status.steps}
    lost = [one for one in journey.status.steps if one.error == NOT_REHEARSED]
    if not lost:
        return {}
    found = {one.id: one.because for one in lost}
    for step in journey.plan.steps:
        if step.id not in found and status[step.id].state == "pending":
            found[step.id] = f"it comes after {lost[0].id}, which was not rehearsed"
    return found


def _unfaulted(journey: Journey, not_rehearsed: bool, stops: str | None) -> str:
    """Why the run without faults was not what the plan promised; empty when it was."""
    if journey.ending.kind == "stuck":
        return journey.ending.because
    before = journey.beginning.twin
    if not journey.succeeded:
        stands = [one for one in journey.status.steps if one.state in STANDING]
        if stops and stands and all(meant(stops, [one.id]) for one in stands):
            return ""
        known = [one for one in stands if one.error == NOT_REHEARSED]
        others = [one for one in stands if one.error != NOT_REHEARSED]
        if not_rehearsed and known and not others:
            return ""
        return "; ".join(f"{one.id} is {one.state}: {one.because}" for one in others) or "it does not come to its end"
    wrong = [*truth.unpromised(journey.plan, journey.end, before), *truth.twice(journey.end, before)]
    return " ".join(wrong[:3])


def try_all(matrix: Matrix, processes: int | None = None, progress: Progress | None = None) -> list[Case]:
    """All cases, in the order of the plan, whatever is tried where. `processes`: by default one for each core."""
    found: dict[int, list[Case]] = {}
    if progress is not None:
        progress(0, len(matrix.units))
    for number, cases in spread(matrix.cases, matrix.units, processes):
        found[number] = cases
        if progress is not None:
            progress(len(found), len(matrix.units))
    cases = [one for number in sorted(found) for one in found[number]]
    return [*cases, *(Case(step, ANY, "resume", "not-rehearsed", why) for step, why in matrix.not_rehearsed.items())]


def one_case(matrix: Matrix, name: str) -> Matrix:
    """The same matrix with the cases of one step and one fault alone, told as stories. `name` is STEP:FAULT, the step
    by its id or the end of it. BadInput when there is no such case."""
    step, _, fault = name.rpartition(":")
    if fault not in FAULTS or not step:
        raise BadInput(f"{name!r} names no case.", f"Write STEP:FAULT; the faults are {', '.join(FAULTS)}.")
    ids = [*(one.step for one in matrix.units), *(other for one in matrix.stand_for.values() for other in one)]
    found = meant(step, dict.fromkeys(ids))
    if not found:
        raise BadInput(nothing(step, ids))
    if len(found) > 1:
        raise BadInput(f"{step!r} means {len(found)} steps.", f"Write one whole: {', '.join(found[:4])}.")
    first = next((one for one, others in matrix.stand_for.items() if found[0] in others), found[0])
    chosen = (FAULTS[fault],)
    units = [one for one in matrix.units if one.step == first]
    return replace(matrix, faults=chosen, back_faults=chosen, units=units, telling=True)


def rehearsal_of(matrix: Matrix, cases: Sequence[Case]) -> Rehearsal:
    plan = matrix.journey.plan
    return Rehearsal(
        plan.digest,
        plan.estate.name,
        tuple(step.id for step in plan.steps),
        matrix.titles,
        {one.name: one.says for one in matrix.faults},
        tuple(cases),
        matrix.stand_for,
        matrix.not_rehearsed,
        matrix.unfaulted,
        _back_steps(matrix),
    )


def _back_steps(matrix: Matrix) -> tuple[str, ...]:
    steps: tuple[Step, ...] = matrix.back.journey.plan.steps if matrix.back is not None else ()
    return tuple(one.id for one in steps)
