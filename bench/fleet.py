"""A fleet as a user has it: planned, rehearsed, run by two workers of which one is killed, looked at on the way.

python -m bench.fleet [HOSTS]      by default 10,000 hosts with 12 steps each, on their twin

Every command is the one that a user types, in a process of its own, with a PostgreSQL of its own. What took effect is
counted by the twin: every host must show the same effects, each once.
"""

from __future__ import annotations

import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from bench.estates import workstations
from bench.tables import Load, Result, Verdict, text

AT_ONCE = 3.0
"""Seconds within which `status` shall answer, its start included."""

FAULTS = "killed-after-effect,lost-done"

ABOUT = """\
{hosts:,} workstations with two components each, {steps:,} steps in waves, on their twin. Each row is the command that a
user types, in a process of its own; the peak is that of its memory. The rehearsal tries the faults `{faults}` at every
step of two hosts of each kind and wave. The run is carried out by two workers on one PostgreSQL 17, all on this
machine; one of them is killed with SIGKILL when a third of the steps have ended. The database lies in memory: the twin
commits its every effect too, which real hosts do not, and the disk would be all that is measured. `status` is asked
again and again meanwhile. In the end the twin's own log must show the same effects on every host, each once."""


@dataclass(slots=True)
class Course:
    """What was typed, how long it took (seconds), and its peak of memory (MiB)."""

    folder: Path
    url: str
    rows: list[tuple[str, float, float, str]] = field(default_factory=list)

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "handrail.cli.main", *arguments]

    def environment(self, home: str = "home") -> dict[str, str]:
        return {**os.environ, "HANDRAIL_HOME": str(self.folder / home)}

    def typed(self, name: str, *arguments: str, note: str = "") -> str:
        """Its output. The benchmark ends when it fails."""
        out = self.folder / f"{len(self.rows)}.out"
        began = time.perf_counter()
        with out.open("wb") as file:
            process = subprocess.Popen(
                self.command(*arguments), stdout=file, stderr=subprocess.STDOUT, env=self.environment()
            )
            _, status, usage = os.wait4(process.pid, 0)
        taken = time.perf_counter() - began
        said = out.read_text(errors="replace")
        if status:
            sys.exit(f"{name} failed:\n{said[-3000:]}")
        lines = said.count("\n")
        self.rows.append((name, taken, usage.ru_maxrss / 1024, note or f"{lines:,} lines of text"))
        print(
            f"  {name}: {taken:.1f} s, {usage.ru_maxrss / 1024:.0f} MiB, {lines:,} lines", file=sys.stderr, flush=True
        )
        return said


def compare(hosts: int = 10_000, *, quick: bool = False) -> Result:
    from tests.support.databases import serving

    hosts = 500 if quick else hosts
    load = Load()
    with tempfile.TemporaryDirectory(dir="/var/tmp") as place, serving(durable=True) as server:
        course = Course(Path(place), server.database())
        estate, plan = str(course.folder / "fleet.yaml"), str(course.folder / "fleet.plan")
        Path(estate).write_text(workstations(hosts))
        said = course.typed("handrail plan", "plan", estate, "-o", plan)
        found = re.search(r"([\d,]+) steps on", said)
        steps = int(found[1].replace(",", "")) if found else 0
        said = course.typed("handrail rehearse", "rehearse", plan, "--faults", FAULTS)
        cases = re.search(r"[\d,]+ cases; .*", said)
        course.rows[-1] = (*course.rows[-1][:3], cases[0] if cases else "")
        asked = _run(course, plan, steps)
        _same_everywhere(course, hosts)
    rows = [(name, f"{taken:,.1f} s", f"{peak:,.0f} MiB", note) for name, taken, peak, note in course.rows]
    slowest, working = max(asked)
    usual = statistics.median(took for took, _ in asked)
    note = f"the slowest of {len(asked)}, for {working:.1f} s at work itself; the median took {usual:.1f} s"
    rows.append(("handrail status", f"{slowest:.1f} s", "", note))
    return Result(
        f"A fleet of {hosts:,} hosts",
        ABOUT.format(hosts=hosts, steps=steps, faults=FAULTS),
        ("command", "took", "peak", ""),
        tuple(rows),
        (Verdict("Seconds until `status` has answered, the median", usual, AT_ONCE),),
        str(load),
    )


def _run(course: Course, plan: str, steps: int) -> list[tuple[float, float]]:
    """What each `status` took while workers carried the plan out."""
    import psycopg

    store = ["--store", course.url]
    log = (course.folder / "workers.log").open("ab")
    workers = [
        subprocess.Popen(course.command("worker", *store), stdout=log, stderr=log, env=course.environment(f"w{number}"))
        for number in range(2)
    ]
    asked: list[tuple[float, float]] = []
    trouble: list[str] = []
    over = threading.Event()

    def look() -> None:
        killed = False
        while not over.is_set():
            over.wait(5.0)
            with psycopg.connect(course.url) as sql:
                if sql.execute("SELECT to_regclass('events') IS NOT NULL").fetchone() != (True,):
                    continue
                if sql.execute("SELECT count(*) FROM events WHERE kind = 'taken'").fetchone() == (0,):
                    continue
                row = sql.execute("SELECT count(*) FROM events WHERE kind IN ('done', 'skipped')").fetchone()
            if row is not None and row[0] > steps / 3 and not killed:
                killed = True
                workers[0].send_signal(signal.SIGKILL)
                print("  one worker is killed", file=sys.stderr, flush=True)
            try:
                asked.append(_status(course, store))
            except RuntimeError as error:
                trouble.append(str(error))
                return
            over.wait(10.0)

    looking = threading.Thread(target=look)
    looking.start()
    try:
        said = course.typed("handrail run", "run", plan, "--twin", *store, note="two workers, one of them killed")
    finally:
        over.set()
        looking.join()
        for one in workers:
            one.terminate()
        for one in workers:
            one.wait()
        log.close()
    if trouble:
        sys.exit(trouble[0])
    if "Succeeded." not in said or not asked:
        sys.exit(f"the run has not succeeded:\n{said[-2000:]}")
    return asked


def _status(course: Course, store: list[str]) -> tuple[float, float]:
    """Seconds that `status` took, and how many of them it was at work."""
    out = course.folder / "status.out"
    began = time.perf_counter()
    with out.open("wb") as file:
        process = subprocess.Popen(
            course.command("status", *store), stdout=file, stderr=subprocess.STDOUT, env=course.environment()
        )
        _, status, usage = os.wait4(process.pid, 0)
    said = out.read_text()
    if status or len(said.splitlines()) > 100:
        raise RuntimeError(f"status is not readable:\n{said[-3000:]}")
    return time.perf_counter() - began, usage.ru_utime + usage.ru_stime


def _same_everywhere(course: Course, hosts: int) -> None:
    """Whether every host shows the same effects as the others."""
    from tests.support.on_twin import count

    from handrail.running.home import Home
    from handrail.running.session import open_session
    from handrail.running.store import address_of
    from handrail.twin.shared_store import SharedStore
    from handrail.twin.world import opened

    with open_session(Home(course.folder / "home"), store=course.url) as session:
        run = session.find()
    twin = opened(SharedStore(address_of(course.url), run))
    try:
        counted = count(twin.effects(), run)
    finally:
        twin.close()
    shown: dict[str, Counter[str]] = {}
    for what, times in counted.items():
        if not what.startswith("repeatable "):
            host = what.partition(" ")[0]
            shown.setdefault(host, Counter())[what.replace(host, "HOST")] = times
    kinds = Counter(tuple(sorted(one.items())) for one in shown.values())
    if len(shown) != hosts or len(kinds) != 1:
        sys.exit(f"{len(shown)} hosts show effects, of {len(kinds)} kinds: {list(kinds.values())}")


def main(hosts: int = 10_000) -> int:
    result = compare(hosts)
    print(text(result))
    return 0 if result.kept else 1


if __name__ == "__main__":
    raise SystemExit(main(*map(int, sys.argv[1:])))
