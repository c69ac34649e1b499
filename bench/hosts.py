"""Twenty hosts, ten commands each: a run of Handrail with its journal, beside bare asyncssh and pyinfra, in turns.

python -m bench.hosts [HOSTS STEPS RUNS]

The hosts are private sshds on loopback. Every command appends one line to a file of its host; after every run each
file must hold exactly the lines that were asked for, in order, or the benchmark ends. Handrail does more than the
others: every intent and every outcome, seen by looking, is on disk in a checked chain before it goes on. A step that
can only have left a trace if it was begun takes one command, as with the others; one that may be done already is looked
at first and takes two (shown beside, without a limit). What counts is the ratio: all share the machine with the hosts.
"""

from __future__ import annotations

import asyncio
import gc
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

LIMIT_BARE = 1.5
LIMIT_PYINFRA = 1.0
HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Ground:
    """Where the hosts are and what is asked of each."""

    folder: Path
    port: int
    hosts: int
    steps: int
    user: str

    @property
    def addresses(self) -> list[str]:
        return [f"127.0.0.{number + 2}" for number in range(self.hosts)]

    def file(self, address: str) -> Path:
        return self.folder / "out" / address

    @property
    def words(self) -> list[str]:
        return [str(self.folder), str(self.port), str(self.hosts), str(self.steps), self.user]


def ground_of(words: list[str]) -> Ground:
    folder, port, hosts, steps, user = words
    return Ground(Path(folder), int(port), int(hosts), int(steps), user)


# -- the contenders, each a process of its own --------------------------------------------------------------------


async def bare(ground: Ground) -> None:
    """The least that can be done: one line to each host, its commands one after the other, nothing else."""
    import asyncssh

    async def one(address: str) -> None:
        async with asyncssh.connect(
            address, ground.port, username=ground.user, client_keys=[str(ground.folder / "id")],
            known_hosts=str(ground.folder / "known_hosts"), config=None, agent_path=None,
        ) as connection:  # fmt: skip
            for number in range(1, ground.steps + 1):
                await connection.run(f"echo step-{number} >> {ground.file(address)}", check=True)

    await asyncio.gather(*(one(address) for address in ground.addresses))


def carry(ground: Ground, uses: str) -> None:
    """A plan of single commands, carried out as any other: journal, chains, fences, transcripts."""
    from handrail.cli.main import seldom_collect

    seldom_collect()  # as the command line does
    from bench.appending import SIGNATURES, build, plan_of
    from handrail.running.home import Home
    from handrail.running.session import open_session

    home = Home(Path(tempfile.mkdtemp(dir=ground.folder)))
    with open_session(home, build=build, signatures=SIGNATURES) as session:
        plan = plan_of(
            {address: str(ground.file(address)) for address in ground.addresses},
            ground.steps,
            uses,
            {
                "port": ground.port,
                "user": ground.user,
                "key": str(ground.folder / "id"),
                "known_hosts": str(ground.folder / "known_hosts"),
                "agent": False,
            },
        )
        run = session.start(plan, "bench")
        outcome = asyncio.run(session.carry_out(run, "bench"))
    if outcome.status.state != "succeeded":
        bad = [f"{one.id}: {one.state}: {one.because}" for one in outcome.status.steps if one.state != "done"]
        sys.exit("the run has not succeeded: " + "\n".join(bad[:3]))
    gc.freeze()


_INVENTORY = """
hosts = [(address, {options!r}) for address in {addresses!r}]
"""
_DEPLOY = """
from pyinfra import host
from pyinfra.operations import server
for number in range(1, {steps} + 1):
    server.shell(name=f"step {{number}}", commands=[f"echo step-{{number}} >> {out}/{{host.name}}"])
"""


def write_pyinfra(ground: Ground) -> None:
    options = {
        "ssh_port": ground.port,
        "ssh_user": ground.user,
        "ssh_key": str(ground.folder / "id"),
        "ssh_known_hosts_file": str(ground.folder / "known_hosts"),
        "ssh_config_file": "/dev/null",
    }
    (ground.folder / "inventory.py").write_text(_INVENTORY.format(options=options, addresses=ground.addresses))
    (ground.folder / "deploy.py").write_text(_DEPLOY.format(steps=ground.steps, out=ground.folder / "out"))


# -- the course ---------------------------------------------------------------------------------------------------


@contextmanager
def hosts(folder: Path, count: int, steps: int) -> Iterator[Ground]:
    """Sshds with one key and one host key, each on an address of its own. HOME is an empty folder: start files of the
    account would be measured instead."""
    from tests.support.sshd import Sshd, free_port

    port = free_port()
    (folder / "out").mkdir()
    running: list[Sshd] = []
    known: list[str] = []
    try:
        for number in range(count):
            own = folder / f"host{number}"
            own.mkdir()
            if running:
                for name in ("id", "id.pub", "host", "host.pub"):
                    (own / name).write_bytes((running[0].folder / name).read_bytes())
                    (own / name).chmod(0o600)
            one = Sshd(own, port, {"MaxStartups": "500:30:1000"}, f"127.0.0.{number + 2}")
            one.configure()
            one.start()
            running.append(one)
            known.append(one.known_hosts.read_text())
        (folder / "known_hosts").write_text("".join(known))
        (folder / "id").write_bytes(running[0].key.read_bytes())
        (folder / "id").chmod(0o600)
        ground = Ground(folder, port, count, steps, running[0].user)
        write_pyinfra(ground)
        yield ground
    finally:
        for one in running:
            one.stop()


def contenders(ground: Ground) -> Mapping[str, list[str]]:
    module = [sys.executable, "-m", "bench.hosts"]
    found = {
        "asyncssh": [*module, "--bare", *ground.words],
        "handrail": [*module, "--carry", *ground.words, "bench.append_once"],
        "handrail, looking first": [*module, "--carry", *ground.words, "bench.append"],
    }
    pyinfra = Path(sys.executable).with_name("pyinfra")
    if find_spec("pyinfra") is not None and pyinfra.exists():
        files = [str(ground.folder / "inventory.py"), str(ground.folder / "deploy.py")]
        found["pyinfra"] = [str(pyinfra), "-y", *files]
        found["pyinfra, 20 at a time"] = [str(pyinfra), "-y", "--parallel", "20", *files]
    return found


def once(ground: Ground, name: str, command: list[str]) -> float:
    """Seconds of one run, whose work was looked at."""
    for address in ground.addresses:
        ground.file(address).unlink(missing_ok=True)
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # or every start compiles everything again
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, cwd=ground.folder, env=environment)
    taken = time.perf_counter() - began
    if done.returncode:
        sys.exit(f"{name} failed ({done.returncode}):\n{done.stdout[-1000:]}\n{done.stderr[-2000:]}")
    wanted = "".join(f"step-{number}\n" for number in range(1, ground.steps + 1))
    for address in ground.addresses:
        if ground.file(address).read_text() != wanted:
            sys.exit(f"{name}: on {address} not every step ran once, in order")
    return taken


def main(count: int = 20, steps: int = 10, runs: int = 5) -> None:
    with tempfile.TemporaryDirectory() as folder, hosts(Path(folder), count, steps) as ground:
        known = contenders(ground)
        for name, command in known.items():
            once(ground, name, command)  # bytecode is written, caches are warm
        taken: dict[str, list[float]] = {name: [] for name in known}
        for _ in range(runs):
            for name, command in known.items():
                taken[name].append(once(ground, name, command))
    middle = {name: statistics.median(times) for name, times in taken.items()}
    print(f"{count} hosts, {steps} commands each, median of {runs} in turns")
    for name, times in taken.items():
        print(f"{name:24} {middle[name]:7.2f} s   (from {min(times):.2f} to {max(times):.2f})")
    report("asyncssh", LIMIT_BARE, taken)
    if "pyinfra" in middle:
        best = min((name for name in middle if name.startswith("pyinfra")), key=lambda name: middle[name])
        report(best, LIMIT_PYINFRA, taken)
    else:
        print("pyinfra is not installed: pip install pyinfra, then again")


def report(other: str, limit: float, taken: Mapping[str, list[float]]) -> None:
    """The ratio of neighbours in time, because the machine is not the same from minute to minute."""
    ratio = statistics.median(ours / theirs for ours, theirs in zip(taken["handrail"], taken[other], strict=True))
    print(f"handrail / {other}: {ratio:.2f}, limit {limit:g}: {'kept' if ratio <= limit else 'BROKEN'}")


if __name__ == "__main__":
    arguments: list[Any] = sys.argv[1:]
    if arguments[:1] == ["--bare"]:
        asyncio.run(bare(ground_of(arguments[1:])))
    elif arguments[:1] == ["--carry"]:
        carry(ground_of(arguments[1:-1]), arguments[-1])
    else:
        main(*map(int, arguments))
