"""Two workers against one, on steps that wait.

python -m bench.waiting [HOSTS STEPS SECONDS]

A worker does eight lanes at a time. Every step is a process on this machine that waits, as an installer does, and then
appends a line to the file of its host; in the end every line must be there once. Workers are processes of their own on
a PostgreSQL of their own, with real synchronisation to the disk.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from bench.appending import OURS
from bench.tables import Load, Result, Verdict, text
from handrail.actions.base import Base, settled
from handrail.actions.parameters import build_from, signature_of
from handrail.actions.protocol import Action, Evidence, Observation, Receipt
from handrail.documents.plan import freeze
from handrail.hosts.local import LocalHost
from handrail.hosts.protocol import Host
from handrail.model.estate import Deployment, Estate, Installation
from handrail.model.estate import Host as EstateHost
from handrail.model.plan import Plan, Step
from handrail.model.signature import Signature
from handrail.probing.shell import run
from handrail.running.fleet import Worker
from handrail.running.home import Home
from handrail.running.session import Session, open_session
from handrail.running.store import address_of
from handrail.running.targets import Target

LANES = 8
LIMIT = 1.5

ABOUT = """\
{hosts} lanes of {steps} steps; each step is a process that waits for {seconds:g} s, as an installer does, and then
appends a line to a file. A worker does {lanes} lanes at a time. All are processes of their own on one PostgreSQL with
real synchronisation to the disk; one worker and two take turns, {rounds} rounds. In the end every line must be there
once. The best that two could do is half the time."""


@dataclass(frozen=True, slots=True)
class WaitAndAppend(Base):
    """Wait, then append a line to a file, unless it is the last one there."""

    path: str
    line: str
    seconds: float

    platforms: ClassVar[tuple[str, ...]] = ("linux",)

    async def look(self, host: Host, receipt: Receipt) -> Observation:  # noqa: ARG002
        answer = await run(host, "tail", "-n", "1", self.path)
        last = answer.text.strip() if answer.code == 0 else ""
        return settled(last == self.line, f"the last line is {last!r}")

    async def do(self, host: Host, receipt: Receipt) -> Evidence:  # noqa: ARG002
        script = 'sleep "$3" && echo "$1" >> "$2"'
        done = await run(host, "sh", "-c", script, "wait", self.line, self.path, str(self.seconds))
        return Evidence(exit=done.code)


ACTIONS: Mapping[str, type[Action]] = {"bench.wait": WaitAndAppend}
SIGNATURES: Mapping[str, Signature] = {name: signature_of(name, action) for name, action in ACTIONS.items()}


def build(uses: str, with_: Mapping[str, Any]) -> Action:
    return build_from(uses, ACTIONS[uses], with_)


def plan_of(folder: Path, hosts: int, steps: int, seconds: float) -> Plan:
    names = [f"host{number:02}" for number in range(hosts)]
    estate = Estate(
        "bench",
        hosts={name: EstateHost(name, os="debian-12") for name in names},
        deployments={"it": Deployment("it", "bench", tuple(Installation("it", "app", name, "1.0") for name in names))},
    )
    made = [
        Step(
            id=f"it/app@{name}/1/step-{number:03}",
            title=f"Wait, and append line {number}",
            installation=f"it/app@{name}",
            host=name,
            uses="bench.wait",
            revision=1,
            kind="do",
            source=OURS,
            with_={"path": str(folder / name), "line": f"step-{number}", "seconds": seconds},
            after=(f"it/app@{name}/1/step-{number - 1:03}",) if number > 1 else (),
        )
        for number in range(1, steps + 1)
        for name in names
    ]
    return freeze(Plan("", estate, {}, (), (), (), tuple(made)))


class ThisMachine:
    """Every host of the plan is this machine, with another name."""

    plays = False

    def __init__(self) -> None:
        self._hosts: dict[str, LocalHost] = {}

    def host(self, name: str) -> Host:
        return self._hosts.setdefault(name, LocalHost(name))

    async def play(self, step: Step) -> str | None:  # noqa: ARG002 - nobody is asked
        return None

    def secrets(self, real: Any) -> Any:
        return real

    async def close(self) -> None:
        await asyncio.gather(*(host.close() for host in self._hosts.values()))


def _open(plan: Plan, folder: Path, new: bool) -> Target:  # noqa: ARG001 - nothing is kept
    return ThisMachine()


@contextmanager
def session(url: str, home: Path) -> Iterator[Session]:
    openers = {"hosts": _open}
    with open_session(Home(home), store=url, openers=openers, build=build, signatures=SIGNATURES) as made:
        yield made


def work(url: str, home: Path) -> None:
    """A worker, until SIGTERM."""

    async def until_signalled(worker: Worker) -> None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, worker.stop)
        await worker.work()

    with session(url, home) as own:
        asyncio.run(until_signalled(Worker(own, address_of(url), who=f"worker {os.getpid()}", lanes=LANES)))


def once(url: str, folder: Path, workers: int, hosts: int, steps: int, seconds: float) -> float:
    """Seconds from handing the run over until it has succeeded."""
    lines = folder / "lines"
    lines.mkdir()
    command = [sys.executable, "-m", "bench.waiting", "--work", url]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    hired = [
        subprocess.Popen([*command, str(folder / f"worker{number}")], env=environment) for number in range(workers)
    ]
    try:
        with session(url, folder / "home") as own:
            run = own.start(plan_of(lines, hosts, steps, seconds), "bench", workers=True)
            while own.listeners() < workers:
                time.sleep(0.05)
            began = time.perf_counter()
            own.hand_over(run, "bench")
            while run in own.journal.unended():
                time.sleep(0.05)
            taken = time.perf_counter() - began
            state = own.status(run).state
    finally:
        for one in hired:
            one.terminate()
        for one in hired:
            one.wait()
    wanted = [f"step-{number}" for number in range(1, steps + 1)]
    wrong = [one.name for one in lines.iterdir() if one.read_text().split() != wanted]
    if state != "succeeded" or wrong or len(list(lines.iterdir())) != hosts:
        sys.exit(f"the run ended as {state}; not every step ran once, in order, on {wrong}")
    return taken


def compare(hosts: int = 32, steps: int = 4, seconds: float = 2.0, rounds: int = 3, *, quick: bool = False) -> Result:
    from tests.support.databases import serving

    load = Load()
    rounds = 1 if quick else rounds
    taken: dict[int, list[float]] = {1: [], 2: []}
    with tempfile.TemporaryDirectory() as place, serving(durable=True, on_disk=True) as server:
        for turn in range(rounds):
            for workers, times in taken.items():
                folder = Path(place, f"{turn}-{workers}")
                folder.mkdir()
                times.append(once(server.database(), folder, workers, hosts, steps, seconds))
    least = {workers: hosts / LANES / workers * steps * seconds for workers in taken}
    return Result(
        "Two workers against one, on steps that wait",
        ABOUT.format(hosts=hosts, steps=steps, seconds=seconds, lanes=LANES, rounds=rounds),
        ("workers", "median", "from, to", "waiting alone"),
        tuple(
            (
                str(workers),
                f"{_middle(times):.1f} s",
                f"{min(times):.1f} to {max(times):.1f} s",
                f"{least[workers]:.1f} s",
            )
            for workers, times in taken.items()
        ),
        (Verdict("Times as fast with two workers", _middle(taken[1]) / _middle(taken[2]), LIMIT, at_least=True),),
        str(load),
    )


def _middle(times: Sequence[float]) -> float:
    return sorted(times)[len(times) // 2]


def main(hosts: int = 32, steps: int = 4, seconds: float = 2.0) -> int:
    result = compare(hosts, steps, seconds)
    print(text(result))
    return 0 if result.kept else 1


if __name__ == "__main__":
    if sys.argv[1:2] == ["--work"]:
        work(sys.argv[2], Path(sys.argv[3]))
    else:
        raise SystemExit(main(*(kind(one) for kind, one in zip((int, int, float), sys.argv[1:], strict=False))))
