"""What watching costs: 100 people look at a run with 10,000 hosts while it goes on.

A real `handrail serve` on a store of its own. The plan is made by the planner; what happens in the run is written into
its journal as a fleet of workers would, without hosts behind it. Watchers are plain connections that read.

python -m bench.watchers [WATCHERS HOSTS SECONDS]
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.synchronize import Event as Signal
from pathlib import Path

from bench.tables import Load, Result, Verdict, text

RATE = 200
"""Events in a second while people watch."""
BATCH = 100
LIMIT = 0.25
"""CPU seconds of the server for one watcher in one minute: 100 watchers take less than half of one processor."""
EACH = 20
"""Pages that one person has open."""
SILENCE = 6.0
"""Seconds without a message that nobody may have to wait."""

ABOUT = """\
People look at the page of a run while it goes on, {rate} events a second. A real `handrail serve`; the plan (two
components on every workstation, in waves) is the planner's, and what happens is written into the journal as workers
would write it, without hosts behind it. Watchers are plain connections that read. Counted is the processor time of the
server, what going back would cost included, which it counts beside."""


@dataclass
class Seen:
    """What one watcher was told."""

    messages: int = 0
    size: int = 0
    longest: float = 0.0
    last: float = 0.0

    def note(self) -> None:
        """A message has come, or the watching is over."""
        now = time.monotonic()
        self.longest = max(self.longest, now - self.last)
        self.last = now


def prepare(home: Path, hosts: int) -> str:
    """A run of a plan for so many hosts; its id."""
    from bench.estates import workstations
    from handrail.actions.catalogue import signatures
    from handrail.documents.estate import read_estate
    from handrail.guides import catalogue
    from handrail.guides.facts import check_estate
    from handrail.model.plan import Plan
    from handrail.planning.plan import make_plan
    from handrail.running.home import Home
    from handrail.running.session import open_session

    path = home / "estate.yaml"
    path.write_text(workstations(hosts))
    known = signatures()
    guides = catalogue.load(signatures=known)
    plan = make_plan(check_estate(read_estate(path), guides), guides, known)
    if not isinstance(plan, Plan):
        sys.exit("the benchmark's estate is blocked: " + str(plan.findings[0]))
    with open_session(Home(home / "home")) as session:
        print(f"{hosts:,} hosts, {len(plan.steps):,} steps", flush=True)
        return session.start(plan, "bench", target="twin")


def write(home: Path, run: str, ahead: int, ready: Signal, stop: Signal) -> None:
    """Carry the run on in its journal: `ahead` events at once, then RATE in a second until told to stop."""
    from handrail.model.journal import Entry
    from handrail.running.chain import head_of
    from handrail.running.home import Home
    from handrail.running.scheduler import Schedule, lane_of
    from handrail.running.session import open_session

    with open_session(Home(home / "home")) as session:
        journal = session.journal
        plan = session.plan(run)
        schedule = Schedule(plan).apply_all(journal.read(run))
        with journal.store.hold(run, f"Run {run}"):
            heads, taken = journal.take(run, ["(run)", *schedule.lanes], {"who": "bench"})
            schedule.apply_all(taken)
            done = 0
            began = time.monotonic()
            while not stop.is_set():
                items = []
                for move in schedule.moves()[:BATCH]:
                    step = schedule.step(move.step)
                    if schedule.one(step.id).state != "pending":
                        continue
                    lane, told = lane_of(step), {"because": "as the bench says"}
                    if move.kind == "skip":
                        items.append((lane, Entry("skipped", step.id, move.attempt, told)))
                        continue
                    items.append((lane, Entry("begun", step.id, move.attempt, told)))
                    items.append((lane, Entry("done", step.id, move.attempt, told)))
                if not items:
                    break
                made = asyncio.run(journal.append(run, heads, items))
                heads.update({event.lane: head_of(event) for event in made})
                schedule.apply_all(made)
                done += len(made)
                if done >= ahead:
                    if not ready.is_set():
                        began, done_before = time.monotonic(), done
                        ready.set()
                    time.sleep(max(0.0, (done - done_before) / RATE - (time.monotonic() - began)))


async def watch(port: int, path: str, cookie: str, seen: Seen) -> None:
    """Read a live page until somebody ends it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 22)
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nCookie: {cookie}\r\nAccept: text/event-stream\r\n\r\n"
    writer.write(request.encode())
    first = await reader.readline()
    if b" 200 " not in first:
        raise RuntimeError(first.decode())
    try:
        while line := await reader.readline():
            seen.size += len(line)
            if line.startswith(b"data: "):
                seen.messages += 1
                seen.note()
    finally:
        writer.close()


def cpu(pid: int) -> float:
    """Seconds of processor time that a process has used, its threads included."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid: int) -> int:
    """MiB that a process has in memory."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) // 1024


async def measure(
    port: int, pid: int, run: str, cookies: Sequence[str], watchers: int, seconds: float
) -> Mapping[str, float]:
    told = [Seen() for _ in range(watchers)]
    path = f"/runs/{run}/live"
    tasks: list[asyncio.Task[None]] = []
    for number, one in enumerate(told):
        tasks.append(asyncio.create_task(watch(port, path, cookies[number % len(cookies)], one)))
        # The plan is read once, by the first who looks.
        while not one.messages and number in (0, watchers - 1):
            await asyncio.sleep(0.2)
            for task in tasks:
                if task.done():
                    await task
    for one in told:
        one.messages, one.size, one.longest, one.last = 0, 0, 0.0, time.monotonic()
    before, began = cpu(pid), time.monotonic()
    await asyncio.sleep(seconds)
    used, spent = cpu(pid) - before, time.monotonic() - began
    for one in told:
        one.note()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return {
        "cpu": used,
        "each": used / watchers / spent * 60,
        "messages": sum(one.messages for one in told) / watchers / spent,
        "bytes": sum(one.size for one in told) / watchers / spent,
        "longest": max(one.longest for one in told),
        "memory": memory(pid),
    }


def look(home: Path, run: str, watchers: int, hosts: int, seconds: int) -> Result:
    """Have a run carried on and watched; what that cost."""
    from tests.support.browser import serving

    from handrail.console.guarding import SITTING

    load = Load()
    ready, stop = multiprocessing.Event(), multiprocessing.Event()
    writer = multiprocessing.Process(target=write, args=(home, run, hosts * 4, ready, stop))
    writer.start()
    try:
        while not ready.wait(1.0):
            if not writer.is_alive():
                sys.exit("the run has come to its end before anybody looked")
        with serving(home / "home") as server:
            port = int(server.url.rpartition(":")[2])
            people = [server.sitting("viewer", f"viewer{number}") for number in range(-(-watchers // EACH))]
            cookies = [f"{SITTING}={secret}" for secret in people]
            found = asyncio.run(measure(port, server.process.pid, run, cookies, watchers, seconds))
    finally:
        stop.set()
        writer.join()
    row = (
        f"{watchers} watchers, {hosts:,} hosts",
        f"{found['cpu']:.1f}",
        f"{found['messages']:.2f}",
        f"{found['bytes'] / 1000:.1f}",
        f"{found['longest']:.1f}",
        f"{found['memory']:,.0f}",
    )
    head = ("", f"CPU seconds in {seconds} s", "messages/s to each", "kB/s to each", "longest wait, s", "server, MiB")
    verdicts = (
        Verdict("CPU seconds of the server for one watcher in a minute", found["each"], LIMIT),
        Verdict("the longest wait of anybody for a message, in seconds", found["longest"], SILENCE),
    )
    return Result("Watching a large run", ABOUT.format(rate=RATE), head, (row,), verdicts, str(load))


def compare(watchers: int = 100, hosts: int = 10_000, seconds: int = 60, *, quick: bool = False) -> Result:
    if quick:
        watchers, hosts, seconds = 20, 1_000, 10
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        return look(home, prepare(home, hosts), watchers, hosts, seconds)


def main(watchers: int = 100, hosts: int = 10_000, seconds: int = 60) -> int:
    result = compare(watchers, hosts, seconds)
    print(text(result))
    return 0 if result.kept else 1


if __name__ == "__main__":
    raise SystemExit(main(*map(int, sys.argv[1:])))
