"""A sweep: the plans of many scenarios rehearsed, each with every fault at every step, and with seeds.

A plan is rehearsed in the world that its estate states. Only where it does not come to its end there is it rehearsed
with what the scenario planted from the beginning, and up to the step at which the scenario says that it stands.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from handrail.errors import BadInput
from handrail.guides.catalogue import Catalogue
from handrail.model.plan import Plan
from handrail.rehearsing.faults import Fault
from handrail.rehearsing.guide_tests import GuideTest, scenario_name
from handrail.rehearsing.matrix import Matrix, one_case, prepare, rehearsal_of, try_all
from handrail.rehearsing.results import Case, Counts, Failure, Rehearsal, failures_of
from handrail.rehearsing.scenario import Scenario
from handrail.rehearsing.seeds import SeedCase, try_seeds
from handrail.rehearsing.simulation import ground
from handrail.rehearsing.spreading import spread
from handrail.rehearsing.trial import declarations_of, plan_of, scenario_in


@dataclass(frozen=True, slots=True)
class SamePlan:
    """Scenarios of one guide that have the same plan, but for its findings. The first one's is rehearsed."""

    guide: str
    files: tuple[str, ...]
    steps: int

    @property
    def names(self) -> tuple[str, ...]:
        """As people call them: `GUIDE/FILE`, without its ending."""
        return tuple(scenario_name(self.guide, one) for one in self.files)


@dataclass(frozen=True, slots=True)
class Swept:
    """What became of one plan. `untried`: why nothing was tried. `stops`: the step at which it stands even without a
    fault, as its scenario says. `unfaulted`: why it does not come so far. `unknown`: why ways back were not rehearsed.
    `seeds`: of the simulated runs, with the shortest of each kind that failed."""

    same: SamePlan
    plan: str = ""
    counts: Counts = field(default_factory=Counts)
    failures: tuple[Failure, ...] = ()
    unknown: tuple[str, ...] = ()
    untried: str = ""
    stops: str = ""
    unfaulted: str = ""
    seeds: Counts | None = None
    shortest: tuple[SeedCase, ...] = ()
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        return not (self.unfaulted or self.unknown or self.counts.failed or (self.seeds and self.seeds.failed))


def plans_of(tests: Sequence[GuideTest]) -> list[SamePlan]:
    """The plans of scenarios that were tried, each once, the longest first."""
    found: dict[tuple[str, str], SamePlan] = {}
    for test in tests:
        for trial in test.trials:
            if trial.planned is None or not trial.planned.steps:
                continue
            key = (test.guide, trial.planned.key)
            known = found.get(key, SamePlan(test.guide, (), trial.planned.steps))
            found[key] = replace(known, files=(*known.files, trial.file))
    return sorted(found.values(), key=lambda one: -one.steps)


def sweep(
    plans: Sequence[SamePlan],
    catalogue: Catalogue,
    faults: Sequence[Fault],
    *,
    seeds: int = 0,
    processes: int | None = None,
) -> Generator[Swept, None, None]:
    """Rehearse these plans, several at a time. They come as they end."""
    for _, swept in spread(lambda one: rehearse(one, catalogue, faults, seeds), plans, processes):
        yield swept


def rehearse(same: SamePlan, catalogue: Catalogue, faults: Sequence[Fault], seeds: int = 0) -> Swept:
    """One plan, in this process."""
    begun = time.monotonic()
    matrix = _prepared(same, catalogue, faults)
    if isinstance(matrix, str):
        return Swept(same, untried=matrix)
    found = rehearsal_of(matrix, [] if matrix.unfaulted else try_all(matrix, processes=1))
    journey = matrix.journey
    swept = Swept(
        same,
        found.plan,
        found.counts,
        failures_of(found.cases),
        tuple(dict.fromkeys(one.because for one in found.unknown_ways_back)),
        stops="" if journey.succeeded or matrix.unfaulted else _stand(matrix),
        unfaulted=found.unfaulted,
    )
    if seeds and journey.succeeded and not matrix.unfaulted:
        simulated = try_seeds(ground(journey), range(seeds), processes=1)
        swept = replace(swept, seeds=simulated.counts, shortest=simulated.failures)
    return replace(swept, seconds=time.monotonic() - begun)


def told(same: SamePlan, catalogue: Catalogue, case: str) -> Rehearsal:
    """One case of the plan, as a story. `case` is STEP:FAULT. BadInput when there is none."""
    matrix = _prepared(same, catalogue, ())
    if isinstance(matrix, str):
        raise BadInput(matrix, "Name a case of another scenario.")
    if matrix.unfaulted:
        return rehearsal_of(matrix, [])
    matrix = one_case(matrix, case)
    fault = case.rpartition(":")[2]
    cases: list[Case] = [one for one in try_all(matrix, processes=1) if one.fault == fault]
    return rehearsal_of(matrix, cases)


def _prepared(same: SamePlan, catalogue: Catalogue, faults: Sequence[Fault]) -> Matrix | str:
    """What there is to be tried; or why there is nothing."""
    scenario, plan = _read(same.files[0], catalogue)
    declarations = declarations_of(plan, catalogue)
    without = [one.product for one in plan.estate.deployments.values() if one.product not in declarations]
    if without:
        return f"{without[0]} has no twin: it is rehearsed on lab hosts, with --on."
    first = matrix = prepare(plan, declarations, faults)
    for file in same.files:
        if not matrix.unfaulted:
            return matrix
        scenario, plan = _read(file, catalogue)
        run = scenario.run
        if run is not None:
            plants = tuple(one for one in run.plant if one.at is None)
            matrix = prepare(plan, declarations, faults, plants=plants, stops=run.at)
    return first if matrix.unfaulted else matrix


def _read(file: str, catalogue: Catalogue) -> tuple[Scenario, Plan]:
    scenario = scenario_in(Path(file))
    plan = plan_of(scenario, catalogue)
    assert plan is not None, "it had one when it was tried"
    return scenario, plan


def _stand(matrix: Matrix) -> str:
    return next((one.id for one in matrix.journey.status.steps if one.state == "failed"), "")
