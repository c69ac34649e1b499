"""Twenty hosts, ten commands each: a run of Handrail with its journal, beside bare asyncssh, pyinfra and ansible-core.

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

from bench.tables import Load, Result, Verdict, text

LIMIT_BARE = 1.5
LIMIT_PYINFRA = 1.0
LIMIT_ANSIBLE = 0.2
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
    def connect(self) -> dict[str, Any]:
        """How an estate says to reach them."""
        return {
            "port": self.port,
            "user": self.user,
            "key": str(self.folder / "id"),
            "known_hosts": str(self.folder / "known_hosts"),
            "agent": False,
        }

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
            ground.connect,
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


_ANSIBLE = """
[defaults]
forks = 20
gathering = explicit
host_key_checking = True
retry_files_enabled = False
[ssh_connection]
pipelining = True
ssh_args = -F /dev/null -o ControlMaster=auto -o ControlPersist=60s -o UserKnownHostsFile={folder}/known_hosts
control_path_dir = {folder}/cp
"""
_PLAY = """
- hosts: all
  gather_facts: false
  strategy: "{{{{ how | default('linear') }}}}"
  tasks:
"""
_TASK = """
    - name: step {number}
      ansible.builtin.shell: {command}
"""


def write_ansible(ground: Ground, command: str = "echo step-{number} >> {out}/{{{{ inventory_hostname }}}}") -> None:
    """A play with a task for each step; connections are kept between tasks."""
    variables = (
        f"ansible_port={ground.port} ansible_user={ground.user} ansible_ssh_private_key_file={ground.folder / 'id'} "
        f"ansible_python_interpreter={sys.executable}"
    )
    (ground.folder / "inventory.ini").write_text("\n".join(f"{one} {variables}" for one in ground.addresses) + "\n")
    (ground.folder / "ansible.cfg").write_text(_ANSIBLE.format(folder=ground.folder))
    tasks = "".join(
        _TASK.format(number=number, command=command.format(number=number, out=ground.folder / "out"))
        for number in range(1, ground.steps + 1)
    )
    (ground.folder / "play.yaml").write_text(_PLAY.format() + tasks)


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
        write_ansible(ground)
        yield ground
    finally:
        for one in running:
            one.stop()


def contenders(ground: Ground) -> Mapping[str, list[str]]:
    """By name; those whose name is in `SLOW` take so long that they have fewer turns."""
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
    ansible = Path(sys.executable).with_name("ansible-playbook")
    if ansible.exists():
        files = ["-i", str(ground.folder / "inventory.ini"), str(ground.folder / "play.yaml")]
        found["ansible"] = [str(ansible), *files]
        found["ansible, strategy free"] = [str(ansible), *files, "-e", "how=free"]
    return found


SLOW = ("ansible", "ansible, strategy free")


def environment(ground: Ground) -> dict[str, str]:
    """What the contenders are started with; none of them reads settings of whoever starts the benchmark."""
    made = {
        **os.environ,
        "PYTHONPATH": str(HERE.parent),
        "ANSIBLE_CONFIG": str(ground.folder / "ansible.cfg"),
        "ANSIBLE_HOME": str(ground.folder / "ansible"),
    }
    made.pop("PYTHONDONTWRITEBYTECODE", None)  # or every start compiles everything again
    return made


def once(ground: Ground, name: str, command: list[str]) -> float:
    """Seconds of one run, whose work was looked at."""
    for address in ground.addresses:
        ground.file(address).unlink(missing_ok=True)
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, cwd=ground.folder, env=environment(ground))
    taken = time.perf_counter() - began
    if done.returncode:
        sys.exit(f"{name} failed ({done.returncode}):\n{done.stdout[-1000:]}\n{done.stderr[-2000:]}")
    wanted = "".join(f"step-{number}\n" for number in range(1, ground.steps + 1))
    for address in ground.addresses:
        if ground.file(address).read_text() != wanted:
            sys.exit(f"{name}: on {address} not every step ran once, in order")
    return taken


ABOUT = """\
{count} hosts, {steps} commands on each, one after the other; every command appends a line to a file of its host. The
hosts are private `sshd`s on loopback, each with an address of its own, on the machine that also drives them. All
contenders take turns in one run: {runs} turns each, ansible {slow}; medians are shown, and ratios are medians of the
ratios of one turn. Bytecode is compiled and caches are warm. After every turn each file must hold exactly the lines
asked for, in order. *asyncssh* is the least that can be done: one line to each host, nothing written down. *Handrail*
has every intent and every outcome synchronised to the disk in a checked chain before it goes on; *looking first* sends
two commands for each step, because it looks whether it is done already. *pyinfra* runs `server.shell`; *ansible* runs
`ansible.builtin.shell` with pipelining, 20 forks, kept connections, without gathering facts."""


def compare(count: int = 20, steps: int = 10, runs: int = 5, *, quick: bool = False) -> Result:
    load = Load()
    slow = 1 if quick else 2
    with tempfile.TemporaryDirectory() as folder, hosts(Path(folder), count, steps) as ground:
        known = contenders(ground)
        taken: dict[str, list[float]] = {name: [] for name in known}
        for name, command in known.items():
            if name not in SLOW:
                once(ground, name, command)  # bytecode is written, caches are warm
        for turn in range(runs):
            for name, command in known.items():
                if name not in SLOW or turn < slow:
                    taken[name].append(once(ground, name, command))
    rows = tuple(
        (
            name,
            f"{statistics.median(times):.2f} s",
            f"{min(times):.2f} to {max(times):.2f} s",
            f"{_ratio(taken, name, 'asyncssh'):.2f}",
            f"{_ratio(taken, name, 'handrail'):.2f}",
        )
        for name, times in taken.items()
    )
    verdicts = [Verdict("Handrail / bare asyncssh", _ratio(taken, "handrail", "asyncssh"), LIMIT_BARE)]
    for family, limit in (("pyinfra", LIMIT_PYINFRA), ("ansible", LIMIT_ANSIBLE)):
        names = [name for name in taken if name.startswith(family)]
        if names:
            best = min(names, key=lambda name: statistics.median(taken[name]))
            verdicts.append(Verdict(f"Handrail / {best}", _ratio(taken, "handrail", best), limit))
    return Result(
        f"{count} hosts, {steps} steps each, over SSH",
        ABOUT.format(count=count, steps=steps, runs=runs, slow=slow),
        ("", "median", "from, to", "of asyncssh", "of Handrail"),
        rows,
        tuple(verdicts),
        str(load),
    )


def _ratio(taken: Mapping[str, list[float]], one: str, other: str) -> float:
    """Of neighbours in time, because the machine is not the same from minute to minute."""
    return statistics.median(mine / theirs for mine, theirs in zip(taken[one], taken[other], strict=False))


def main(count: int = 20, steps: int = 10, runs: int = 5) -> int:
    result = compare(count, steps, runs)
    print(text(result))
    return 0 if result.kept else 1


if __name__ == "__main__":
    arguments: list[Any] = sys.argv[1:]
    if arguments[:1] == ["--bare"]:
        asyncio.run(bare(ground_of(arguments[1:])))
    elif arguments[:1] == ["--carry"]:
        carry(ground_of(arguments[1:-1]), arguments[-1])
    else:
        raise SystemExit(main(*map(int, arguments)))
