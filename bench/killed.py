"""The controller is killed half-way and started again: what was done twice, and what was left out?

python -m bench.killed [HOSTS STEPS ROUNDS]

Each step appends a line to a file of its host: an effect that shows how often it took place. The controller is killed
with SIGKILL, and everything that it started with it, when half of the lines are there; then the same command is given
once more. Nothing guards the appended lines but the tool itself.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.hosts import Ground, contenders, environment, ground_of, hosts
from bench.tables import Load, Result, Verdict, text

OURS = {"handrail": "bench.append_once", "handrail, looking first": "bench.append"}

ABOUT = """\
{hosts} hosts over SSH, {steps} steps on each; every step appends a line to a file of its host, so that the file tells
how often it took effect. When half of all lines are there, the controller and all its processes are killed with
SIGKILL; then it is started again: `handrail resume`, and for the others, which keep nothing, the same command once
more. {rounds} rounds; counts are of all of them. Of a step that was at work at the kill, an action that sends one
command and must not be repeated (*handrail*) cannot tell whether it took effect, and asks a person, who looks; one that
looks first (*looking first*) settles that by itself. The effect is not idempotent, and nothing but the tool guards it:
with `creates:` in ansible, or with an operation of pyinfra that looks for the line, whoever writes the play can have
what Handrail does by itself."""


@dataclass(frozen=True, slots=True)
class Found:
    """Of so many `steps`: how many took effect more than once, or never; how many lines there were at the kill; how
    often a person had to look."""

    steps: int
    at_kill: int
    twice: int
    never: int
    asked: int


def carry(ground: Ground, home: Path, uses: str) -> None:
    """Begin the run, or go on with it where there is one."""
    from bench.appending import SIGNATURES, build, plan_of
    from handrail.running.home import Home
    from handrail.running.session import open_session

    with open_session(Home(home), build=build, signatures=SIGNATURES) as session:
        if session.runs():
            run = session.find()
        else:
            files = {address: str(ground.file(address)) for address in ground.addresses}
            run = session.start(plan_of(files, ground.steps, uses, ground.connect), "bench")
        outcome = asyncio.run(session.carry_out(run, "bench"))
        asked = 0
        while outcome.status.state == "in-doubt":
            for one in outcome.status.steps:
                if one.state == "in-doubt":  # a person goes and looks
                    host, line = one.id.partition("@")[2].split("/")[0], int(one.id.rpartition("-")[2])
                    there = f"step-{line}" in ground.file(host).read_text().splitlines()
                    session.answer(run, one.id, "done" if there else "no", "bench")
                    asked += 1
            outcome = asyncio.run(session.carry_out(run, "bench"))
        print(asked)
    if outcome.status.state != "succeeded":
        sys.exit(f"the run has not succeeded: {outcome.status.state}")


def lines(ground: Ground) -> Counter[tuple[str, str]]:
    """Every line of every host, and how often it is there."""
    found: Counter[tuple[str, str]] = Counter()
    for address in ground.addresses:
        if ground.file(address).exists():
            found.update((address, line) for line in ground.file(address).read_text().splitlines())
    return found


def kill_half_way(ground: Ground, name: str, command: list[str]) -> Found:
    for address in ground.addresses:
        ground.file(address).unlink(missing_ok=True)
    whole = len(ground.addresses) * ground.steps
    started = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=ground.folder,
        env=environment(ground),
        start_new_session=True,
    )
    while sum(lines(ground).values()) < whole // 2:
        if started.poll() is not None:
            sys.exit(f"{name} ended before it was half-way ({started.returncode})")
        time.sleep(0.002)
    os.killpg(started.pid, signal.SIGKILL)
    started.wait()
    time.sleep(0.5)  # what is on its way to a host takes effect
    at_kill = sum(lines(ground).values())
    again = subprocess.run(command, capture_output=True, text=True, cwd=ground.folder, env=environment(ground))
    if again.returncode:
        sys.exit(f"{name} does not go on ({again.returncode}):\n{again.stdout[-1000:]}\n{again.stderr[-2000:]}")
    found = lines(ground)
    twice = sum(number > 1 for number in found.values())
    asked = int(again.stdout or 0) if name in OURS else 0
    return Found(whole, at_kill, twice, whole - len(found), asked)


def commands(ground: Ground, turn: int) -> Mapping[str, list[str]]:
    module = [sys.executable, "-m", "bench.killed", "--carry"]
    ours = {
        name: [*module, *ground.words, str(ground.folder / f"home-{uses}-{turn}"), uses] for name, uses in OURS.items()
    }
    others = {
        name: command for name, command in contenders(ground).items() if name in ("pyinfra, 20 at a time", "ansible")
    }
    return {**ours, **others}


def compare(count: int = 5, steps: int = 20, rounds: int = 3, *, quick: bool = False) -> Result:
    load = Load()
    rounds = 1 if quick else rounds
    found: dict[str, list[Found]] = {}
    with tempfile.TemporaryDirectory() as folder, hosts(Path(folder), count, steps) as ground:
        for turn in range(rounds):
            for name, command in commands(ground, turn).items():
                found.setdefault(name, []).append(kill_half_way(ground, name, command))
    rows = tuple(
        (
            name,
            f"{sum(one.steps for one in each):,}",
            f"{sum(one.at_kill for one in each):,}",
            f"{sum(one.twice for one in each):,}",
            f"{sum(one.never for one in each):,}",
            f"{sum(one.asked for one in each):,}",
        )
        for name, each in found.items()
    )
    worst = max(one.twice + one.never for name in OURS for one in found[name])
    return Result(
        "Killed half-way and started again",
        ABOUT.format(hosts=count, steps=steps, rounds=rounds),
        ("", "steps", "in effect at the kill", "in effect twice", "never", "people asked"),
        rows,
        (Verdict("Steps of Handrail that took effect twice, or never", worst, 0),),
        str(load),
    )


def main(count: int = 5, steps: int = 20, rounds: int = 3) -> int:
    result = compare(count, steps, rounds)
    print(text(result))
    return 0 if result.kept else 1


if __name__ == "__main__":
    if sys.argv[1:2] == ["--carry"]:
        carry(ground_of(sys.argv[2:-2]), Path(sys.argv[-2]), sys.argv[-1])
    else:
        raise SystemExit(main(*map(int, sys.argv[1:])))
