"""How planning grows: 10,000 installations against 1,000, each in a process of its own.

python -m bench.planning [SMALL LARGE]
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time

LIMIT_RATIO = 15.0
LIMIT_MEMORY = 1024.0


def measure(installations: int) -> None:
    """Prints seconds of planning, MiB at the peak, and the counts of steps and of those of the ways back."""
    from bench.estates import fleet
    from handrail.model.plan import Plan
    from handrail.planning.plan import make_plan

    estate, catalogue, signatures = fleet(installations)
    began = time.perf_counter()
    plan = make_plan(estate, catalogue, signatures)
    taken = time.perf_counter() - began
    if not isinstance(plan, Plan):
        sys.exit("the benchmark's estate is blocked: " + str(plan.findings[0]))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(taken, peak, len(plan.steps), len(plan.back))


def child(installations: int) -> tuple[float, float, int, int]:
    command = [sys.executable, "-m", "bench.planning", "--measure", str(installations)]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    taken, peak, steps, back = said.split()
    return float(taken), float(peak), int(steps), int(back)


def main(small: int = 1_000, large: int = 10_000) -> None:
    rows = {count: child(count) for count in (small, large)}
    for count, (taken, peak, steps, back) in rows.items():
        print(f"{count:7,} installations  {steps:9,} steps, {back:9,} to go back", end="")
        print(f"  {taken:7.2f} s  {peak:7.0f} MiB at the peak")
    ratio = rows[large][0] / rows[small][0]
    print(f"time grows by {ratio:.1f} for {large / small:.0f} times as many, limit {LIMIT_RATIO:.0f}: ", end="")
    print("kept" if ratio <= LIMIT_RATIO else "BROKEN")
    print(f"peak {rows[large][1]:.0f} MiB, limit {LIMIT_MEMORY:.0f}: ", end="")
    print("kept" if rows[large][1] <= LIMIT_MEMORY else "BROKEN")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        measure(int(sys.argv[2]))
    else:
        main(*map(int, sys.argv[1:]))
