"""How many simulated runs a second: `python -m bench.seeds [SEEDS] [ESTATE]`, by default 200 of the SP3 sample.

Two in five runs are taken back on their way, so that a seed costs more than a run. Processor time is what to compare:
it does not depend on who else is at work on the machine.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from handrail.actions import signatures
from handrail.documents.estate import read_estate
from handrail.guides.catalogue import SHIPPED, load
from handrail.guides.facts import check_estate
from handrail.model.plan import Plan
from handrail.planning.plan import make_plan
from handrail.rehearsing.journey import stage_of, travel
from handrail.rehearsing.seeds import try_seeds
from handrail.rehearsing.simulation import ground, simulate
from handrail.rehearsing.spreading import cores
from handrail.running.targets import declared

SAMPLE = SHIPPED / "mim" / "estates" / "contoso.yaml"


def main(seeds: int = 200, estate: Path = SAMPLE) -> None:
    catalogue = load()
    plan = make_plan(check_estate(read_estate(estate), catalogue), catalogue, signatures())
    if not isinstance(plan, Plan):
        raise SystemExit(f"There is no plan for {estate}.")
    begun = time.perf_counter()
    on = ground(travel(stage_of(plan, declared(plan, ()))))
    print(f"{len(plan.steps)} steps, {on.size.writes} journal writes and {on.size.commands} commands undisturbed")
    print(f"made ready in {time.perf_counter() - begun:.2f} s")

    begun, used = time.perf_counter(), time.process_time()
    for seed in range(seeds // 10 or 1):
        simulate(on, seed)
    each = (time.process_time() - used) / (seeds // 10 or 1)
    print(
        f"{each * 1000:.0f} ms of processor time for a seed: {1000 * each / cores():.0f} s for 1,000 on {cores()} cores"
    )

    begun = time.perf_counter()
    found = try_seeds(on, range(seeds))
    took = time.perf_counter() - begun
    failed = found.counts.failed
    print(f"{seeds} seeds in {took:.1f} s, {seeds / took:.1f} a second, on {cores()} cores; {failed} failed")


if __name__ == "__main__":
    main(*(kind(one) for kind, one in zip((int, Path), sys.argv[1:], strict=False)))
