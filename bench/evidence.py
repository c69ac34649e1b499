"""How large may a run be whose evidence is written? Time and memory of `handrail report` and its check, each in a
process of its own, for a run of 1,000 hosts and one of 10,000, with twelve steps on each.

The runs are made by hand: their plans are of one shape, and each event says as much as those of real steps. What the
text of the events takes is told beside the memory: evidence is written as a stream, so that the plan decides over
memory, and not what its steps have said.

    python -m bench.evidence [HOSTS ...]
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.support.counting import plan, step

from handrail.documents.plan import plan_to_json
from handrail.model.journal import RUN_LANE, Entry
from handrail.model.plan import Plan
from handrail.running.chain import canonical
from handrail.running.home import Home
from handrail.running.journal import Journal, open_journal

STEPS = 12
SAID = {
    "because": "the service is stopped",
    "exit": 0,
    "log": "SERVICE_NAME: FIMSynchronizationService STATE : 3 STOP_PENDING " * 16,
    "evidence": {"state": "STOPPED", "service": "FIMSynchronizationService"},
    "outputs": {"was": "RUNNING"},
}


def made(hosts: int) -> Plan:
    return plan(*(step(f"step{number:02}", host=f"host{host:05}") for host in range(hosts) for number in range(STEPS)))


async def carry(journal: Journal, run: str, plan: Plan, hosts: int) -> None:
    """Journal that everything was done, a hundred hosts at a time; the steps of each hundredth host failed once."""
    names = [f"host{number:05}" for number in range(hosts)]
    for begin in range(0, hosts, 100):
        part = names[begin : begin + 100]
        heads, _ = journal.take(run, part, {"who": "bench"})
        items = []
        for one in plan.steps[begin * STEPS : (begin + 100) * STEPS]:
            lane = str(one.host)
            before = {"state": "not_done", "because": "the service is running", "evidence": {}, "outputs": {}}
            if lane.endswith("00"):
                items.append((lane, Entry("begun", one.id, 1, {"before": before, "late": {}})))
                items.append((lane, Entry("failed", one.id, 1, {**SAID, "error": None, "because": "it did not stop"})))
            attempt = 2 if lane.endswith("00") else 1
            items.append((lane, Entry("begun", one.id, attempt, {"before": before, "late": {}})))
            items.append((lane, Entry("done", one.id, attempt, SAID)))
        await journal.append(run, heads, items)
    heads, _ = journal.take(run, [RUN_LANE], {"who": "bench"})
    ended = [(RUN_LANE, Entry("ended", data={"state": "succeeded"})), (RUN_LANE, Entry("sealed"))]
    await journal.append(run, heads, ended)


def measured(home: Path, *arguments: str) -> tuple[float, float]:
    """Seconds, and the most memory in MB, of a command in a process of its own."""
    command = (
        "import sys; from handrail.cli.main import main; code = main(sys.argv[1:]);"
        "most = next(line for line in open('/proc/self/status') if line.startswith('VmHWM'));"
        "print(most.split()[1], file=sys.stderr); sys.exit(code)"
    )
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", command, *arguments],
        env={**os.environ, "HANDRAIL_HOME": str(home)},
        capture_output=True,
        text=True,
    )
    took = time.perf_counter() - began
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    return took, int(done.stderr.split()[-1]) / 1024


def main(*sizes: int) -> int:
    for hosts in sizes or (1_000, 10_000):
        with tempfile.TemporaryDirectory(prefix="handrail-bench-") as folder:
            home = Home(Path(folder) / "home").make()
            large = made(hosts)
            document = canonical(plan_to_json(large))
            journal = open_journal(home.store)
            run = journal.create(large.estate.name, large.digest, document, "twin", "bench")
            asyncio.run(carry(journal, run, large, hosts))
            journal.close()
            report = Path(folder) / "report"
            wrote, most = measured(home.path, "report", run, "-o", str(report))
            checked, at_most = measured(home.path, "report", "--check", str(report))
            nothing, alone = measured(home.path, "--version")
            size = {path.suffix: path.stat().st_size / 1e6 for path in report.iterdir()}
            print(
                f"{hosts:,} hosts, {len(large.steps):,} steps, a plan of {len(document) / 1e6:.0f} MB: "
                f"evidence.json {size['.json']:.0f} MB, evidence.html {size['.html']:.1f} MB"
            )
            print(
                f"  write  {wrote:6.1f} s  {most:6.0f} MB of memory   (Handrail alone: {nothing:.1f} s, {alone:.0f} MB)"
            )
            print(f"  check  {checked:6.1f} s  {at_most:6.0f} MB of memory", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
