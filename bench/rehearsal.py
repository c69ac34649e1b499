"""What a rehearsal costs: one case in plans of growing size, and the whole matrix of the SP3 sample.

python -m bench.rehearsal [INSTALLATIONS...]
"""

from __future__ import annotations

import sys
import time

from handrail.actions import signatures
from handrail.documents.estate import read_estate
from handrail.guides.catalogue import SHIPPED, load
from handrail.guides.facts import check_estate
from handrail.model.plan import Plan
from handrail.planning.plan import make_plan
from handrail.rehearsing.faults import chosen
from handrail.rehearsing.matrix import Matrix, prepare, rehearsal_of, try_all
from handrail.reporting.rehearsal import verdict
from handrail.running.targets import declared

LIMIT_GROWTH = 1.5
"""By how much more than the plan the price of a case may grow."""
LIMIT_SECONDS = 60.0
FAULTS = "killed-before-intent,killed-after-effect,lost-done,two-runners"


def of_fleet(installations: int) -> tuple[int, float]:
    """Steps of the plan, and seconds for a case at its first patch, gone on with and taken back."""
    from bench.estates import fleet

    estate, catalogue, known = fleet(installations)
    plan = make_plan(estate, catalogue, known)
    if not isinstance(plan, Plan):
        sys.exit("the benchmark's estate is blocked: " + str(plan.findings[0]))
    matrix = _prepared(plan, FAULTS)
    first = next(one.id for one in plan.steps if one.uses == "installer.patch")
    began = time.perf_counter()
    cases = matrix.judge.cases(first, matrix.faults)
    return len(plan.steps), (time.perf_counter() - began) / len(cases)


def _prepared(plan: Plan, faults: str) -> Matrix:
    matrix = prepare(plan, declared(plan), chosen(faults))
    if matrix.unfaulted:
        sys.exit("the unfaulted run fails: " + matrix.unfaulted)
    return matrix


def sample() -> None:
    """The whole matrix of the sample that upgrades to SP3."""
    catalogue = load()
    estate = check_estate(read_estate(SHIPPED / "mim" / "estates" / "contoso.yaml"), catalogue)
    plan = make_plan(estate, catalogue, signatures())
    if not isinstance(plan, Plan):
        sys.exit("the sample is blocked: " + str(plan.findings[0]))
    began = time.perf_counter()
    matrix = _prepared(plan, "all")
    found = rehearsal_of(matrix, try_all(matrix))
    taken = time.perf_counter() - began
    print(f"SP3 sample, {len(plan.steps)} steps: {verdict(found)}")
    print(f"{taken:.1f} s, limit {LIMIT_SECONDS:.0f}: " + ("kept" if taken <= LIMIT_SECONDS else "BROKEN"))


def main(sizes: tuple[int, ...] = (2, 8, 32)) -> None:
    rows = [of_fleet(size) for size in sizes]
    for size, (steps, seconds) in zip(sizes, rows, strict=True):
        print(f"{size:5,} installations  {steps:7,} steps  {seconds * 1000:8.1f} ms for a case")
    growth = (rows[-1][1] / rows[0][1]) / (rows[-1][0] / rows[0][0])
    print(f"a case grows by {growth:.2f} of what the plan grows by, limit {LIMIT_GROWTH}: ", end="")
    print("kept" if growth <= LIMIT_GROWTH else "BROKEN")
    sample()


if __name__ == "__main__":
    main(tuple(map(int, sys.argv[1:])) or (2, 8, 32))
