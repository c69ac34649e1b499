"""Really killed: a run in a process of its own, which ends itself with SIGKILL at a given write of the journal.

`opening(home, watch)` is a context manager that yields a `Session`; it must be a module-level function (or a `partial`
of one), because it is handed to other processes. Every process is forked from a clean one, so that hundreds of deaths
cost little.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import shutil
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import count, cycle
from pathlib import Path
from typing import Literal

from handrail.documents.plan import read_plan
from handrail.running.journal import Watch
from handrail.running.runner import Settings
from handrail.running.session import Session

Moment = Literal["before", "after"]
MOMENTS: tuple[Moment, Moment] = ("before", "after")
Opening = Callable[[Path, Watch], AbstractContextManager[Session]]

KILLED = -signal.SIGKILL

WARM = "tests.support.warm"
"""Loaded by the clean process."""

EVERYWHERE = os.environ.get("HANDRAIL_KILLS") == "everywhere"
"""Otherwise odd writes are killed before their commit, and even ones after it: half the time, and every write still."""


def shards(number: int) -> list[tuple[Moment, int]]:
    """The kills of a whole run in `number` parts (an even one): when, and the first of every `number`-th write."""
    every = [(moment, first) for first in range(1, number + 1) for moment in MOMENTS]
    return every if EVERYWHERE else [(moment, first) for moment, first in every if moment == MOMENTS[1 - first % 2]]


@dataclass(frozen=True)
class Kill:
    """At the `write`-th write to the journal that a process makes, counted from 1, before or after its commit."""

    write: int
    moment: Moment


@dataclass
class Fuse:
    """A watch of the journal that kills its own process."""

    kill: Kill | None
    writes: int = 0

    def __call__(self, moment: Moment) -> None:
        if moment == "before":
            self.writes += 1
        if self.kill == Kill(self.writes, moment):
            os.kill(os.getpid(), signal.SIGKILL)


def _carry_out(opening: Opening, home: Path, plan: Path, target: str, settings: Settings | None, fuse: Fuse) -> None:
    """Begin a run of the plan, or go on with it when there is one. Exits as the command line would."""
    with opening(home, fuse) as session:
        made = read_plan(plan)
        found = [row.run for row in session.runs() if row.plan == made.digest]
        run = found[-1] if found else session.start(made, "tester", target=target)
        outcome = asyncio.run(session.carry_out(run, "tester", settings=settings))
    raise SystemExit(outcome.exit_code)


def carry_out(
    opening: Opening,
    home: Path,
    plan: Path,
    *,
    target: str = "twin",
    settings: Settings | None = None,
    kill: Kill | None = None,
) -> int:
    """Carry the plan out in another process; its exit code, KILLED when it was killed."""
    return elsewhere(_carry_out, opening, home, plan, target, settings, Fuse(kill))


def elsewhere(work: Callable[..., None], *arguments: object) -> int:
    """Do some work in another process; its exit code."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([WARM])
    child = context.Process(target=work, args=arguments)
    child.start()
    child.join()
    assert child.exitcode is not None
    return child.exitcode


def kill_at_each_write(
    opening: Opening,
    homes: Path,
    plan: Path,
    *,
    moments: Iterable[Moment] = ("before", "after"),
    first: int = 1,
    stride: int = 1,
    prepared: Path | None = None,
    **more: object,
) -> Iterator[tuple[Kill, Path]]:
    """For each write of an undisturbed run (or each `stride`-th from `first` on), and each moment: a home of its own in
    which the run was killed there and then gone on with by another process, which ended with 0. Yields each for the
    caller to judge; it is gone afterwards. `prepared`: what each home begins as."""
    for moment in moments:
        for number in count(first, stride):
            kill = Kill(number, moment)
            home = homes / f"{number}-{moment}"
            if prepared is None:
                home.mkdir(parents=True)
            else:
                shutil.copytree(prepared, home)
            code = carry_out(opening, home, plan, kill=kill, **more)  # type: ignore[arg-type]
            if code == KILLED:
                code = carry_out(opening, home, plan, **more)  # type: ignore[arg-type]
                assert code == 0, f"killed {moment} write {number}; the resume ended with {code}"
                yield kill, home
                shutil.rmtree(home)  # hundreds of them would fill what lies in memory
                continue
            assert code == 0, f"undisturbed, it ended with {code}"
            break


def kill_again_and_again(
    opening: Opening,
    home: Path,
    plan: Path,
    *,
    kills: Iterable[Kill] = (Kill(2, "after"), Kill(3, "before")),
    limit: int = 2000,
    **more: object,
) -> int:
    """One run, killed again and again until it ends by itself with 0; how often it was killed. Each process takes its
    lanes over with its first write, so that every kill must let one more pass for the run to come on at all."""
    for deaths, kill in enumerate(cycle(kills)):
        assert deaths < limit, "the run does not come to its end"
        code = carry_out(opening, home, plan, kill=kill, **more)  # type: ignore[arg-type]
        if code != KILLED:
            assert code == 0, f"it ended with {code} after {deaths} deaths"
            return deaths
    raise AssertionError
