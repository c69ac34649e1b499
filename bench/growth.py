"""How planning, reading, rehearsing and their memory grow with the plan: from 1,000 steps to 120,000.

python -m bench.growth [HOSTS...]

Each measurement is a process of its own, so that peaks of memory do not mix.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench.tables import Load, Result, Verdict, text

SIZES = (84, 834, 4_170, 10_000)
WHOLE = 84
"""Hosts up to which plans are rehearsed whole; of larger ones a sample is."""

FAULTS = "killed-after-effect"
LIMIT_GROWTH = 1.5
"""By how much more than the plan planning may grow."""

ABOUT = """\
Workstations with two components each, twelve steps apiece, in waves (`bench.estates.workstations`). *Planned* is
`make_plan` on an estate that has been read; *read* is reading the plan's file and checking its digest; *scheduled* is
making the schedule that a worker holds. The rehearsal carries the plan out on its twin, without a fault and then with
one fault, `{faults}`, at one step of every cohort, each case gone on with and taken back; {processes} processes. Up to
{whole} hosts the whole plan is rehearsed, of larger ones a sample: two hosts of each kind and wave. Seconds are of the
processor, of all processes together, so that they depend little on who else is at work; every measurement is a process
of its own."""


def measure(what: str, folder: Path, hosts: int) -> list[float]:
    """What the rows show of one kind of work."""
    from bench.estates import workstations
    from handrail.documents.plan import read_plan, write_plan

    file = folder / "plan"
    if what == "plan":
        from handrail.actions import signatures
        from handrail.documents.estate import read_estate
        from handrail.guides.catalogue import load
        from handrail.guides.facts import check_estate
        from handrail.model.plan import Plan
        from handrail.planning.plan import make_plan

        (folder / "estate.yaml").write_text(workstations(hosts, canaries=10))
        catalogue = load()
        estate = check_estate(read_estate(folder / "estate.yaml"), catalogue)
        began = _spent()
        plan = make_plan(estate, catalogue, signatures())
        taken = _spent() - began
        if not isinstance(plan, Plan):
            sys.exit(f"the estate is blocked: {plan.findings[0]}")
        peak = _peak()
        write_plan(plan, file)
        return [len(plan.steps), taken, peak]
    if what == "read":
        from handrail.running.scheduler import Schedule

        began = _spent()
        plan = read_plan(file)
        read = _spent()
        Schedule(plan)
        return [read - began, _spent() - read, _peak()]
    from handrail.rehearsing.faults import chosen
    from handrail.rehearsing.matrix import prepare, rehearsal_of, try_all
    from handrail.rehearsing.sampling import sample
    from handrail.running.targets import declared

    plan = read_plan(file)
    began = _spent()
    few = sample(plan, large=0 if hosts > WHOLE else len(plan.steps))
    matrix = prepare(few.plan, declared(few.plan), chosen(FAULTS))
    if matrix.unfaulted:
        sys.exit(f"the unfaulted run fails: {matrix.unfaulted}")
    found = rehearsal_of(matrix, try_all(matrix))
    if found.exit_code:
        sys.exit("the rehearsal fails")
    return [few.hosts, found.counts.cases, _spent() - began, _peak()]


def _spent() -> float:
    """Seconds of the processor, of this process and of those that it has waited for."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _peak() -> float:
    """MiB, of the largest process."""
    return max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024


def child(what: str, folder: str, hosts: int) -> list[float]:
    command = [sys.executable, "-m", "bench.growth", "--measure", what, folder, str(hosts)]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return [float(one) for one in said.split()]


def compare(sizes: Sequence[int] = SIZES, *, quick: bool = False) -> Result:
    from handrail.rehearsing.spreading import cores

    load = Load()
    sizes = (20, 84) if quick else sizes
    rows = []
    planned = []
    for hosts in sizes:
        with tempfile.TemporaryDirectory(prefix="handrail-bench-") as folder:
            steps, planning, peak = child("plan", folder, hosts)
            file = Path(folder, "plan").stat().st_size / 2**20
            read, scheduled, held = child("read", folder, hosts)
            tried, cases, rehearsing, most = child("rehearse", folder, hosts)
        planned.append((steps, planning))
        rows.append(
            (
                f"{steps:,.0f}",
                f"{planning:.1f} s",
                f"{peak:,.0f} MiB",
                f"{file:,.0f} MiB",
                f"{read:.1f} s",
                f"{scheduled:.2f} s",
                f"{held:,.0f} MiB",
                f"{rehearsing:.1f} s",
                f"{cases:,.0f} on {tried:,.0f} hosts",
                f"{most:,.0f} MiB",
            )
        )
        print(f"  {hosts:,} hosts: {' | '.join(rows[-1])}", file=sys.stderr, flush=True)
    (small, quickly), (large, slowly) = planned[0], planned[-1]
    growth = (slowly / quickly) / (large / small)
    head = ("steps", "planned", "peak", "file", "read", "scheduled", "peak", "rehearsed", "cases", "peak")
    return Result(
        "Planning and rehearsing against the size of the plan",
        ABOUT.format(faults=FAULTS, whole=WHOLE, processes=cores()),
        head,
        tuple(rows),
        (Verdict("Planning grows, of what the plan grows", growth, LIMIT_GROWTH),),
        str(load),
    )


def main(*sizes: int) -> int:
    result = compare(sizes or SIZES)
    print(text(result))
    return 0 if result.kept else 1


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        print(*measure(sys.argv[2], Path(sys.argv[3]), int(sys.argv[4])))
    else:
        raise SystemExit(main(*map(int, sys.argv[1:])))
