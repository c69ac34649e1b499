"""A runner that stood still while another took its lanes over asks nothing more of any host."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.support.counting import Set, plan, step
from tests.support.scripted_host import Known, ScriptedHost

from handrail.actions.protocol import Evidence, Observation, Receipt
from handrail.errors import StoreLocked
from handrail.hosts.protocol import Command, Exited, Host
from handrail.rehearsing.memory import MemoryJournal
from handrail.running.clock import SystemClock
from handrail.running.journal import Journal, open_journal
from handrail.running.runner import Runner
from handrail.running.writer import Writer

PLAN = plan(step("one"))


@pytest.fixture(params=["on disk", "in memory"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Journal | MemoryJournal]:
    made = MemoryJournal(SystemClock()) if request.param == "in memory" else open_journal(str(tmp_path / "store.db"))
    yield made
    made.close()


@dataclass(frozen=True)
class Slow(Set):
    """Stands still between having written what it means to do and doing it."""

    standing: asyncio.Event = field(default_factory=asyncio.Event)
    going: asyncio.Event = field(default_factory=asyncio.Event)

    async def observe(self, host: Host, receipt: Receipt) -> Observation:
        await host.execute(Command(("look",)))
        return Observation("not_done")

    async def act(self, host: Host, receipt: Receipt) -> Evidence:
        self.standing.set()
        await self.going.wait()
        await host.execute(Command(("do",)))
        return Evidence()


async def carried(journal: Journal | MemoryJournal, taken_over: bool) -> list[str]:
    """What the host is asked by a runner that stands still, and goes on."""
    standing, going = asyncio.Event(), asyncio.Event()
    host = ScriptedHost(otherwise=Exited(0), name="a")
    run = journal.create("contoso", PLAN.digest, "{}", "twin", "eve")

    def build(uses: str, with_: Mapping[str, Any]) -> Any:
        return Slow(**with_, standing=standing, going=going)

    runner = Runner(journal, run, PLAN, hosts=lambda _: host, build=build, secrets=Known(), who="eve")
    work = asyncio.create_task(runner.carry_out())
    await standing.wait()
    if taken_over:
        Writer(journal, run).take(["a", "(run)"], {})
    going.set()
    if taken_over:
        with pytest.raises(StoreLocked, match="taken"):
            await work
    else:
        await work
    return host.commands


def test_it_does_what_it_meant_to_while_the_lane_is_its_own(journal: Journal | MemoryJournal) -> None:
    assert asyncio.run(carried(journal, taken_over=False)) == ["look", "do", "look"]


def test_it_does_nothing_once_another_has_taken_the_lane_over(journal: Journal | MemoryJournal) -> None:
    assert asyncio.run(carried(journal, taken_over=True)) == ["look"]


def test_a_writer_confirms_the_lanes_that_it_holds(journal: Journal | MemoryJournal) -> None:
    run = journal.create("contoso", PLAN.digest, "{}", "twin", "eve")
    old, new = Writer(journal, run), Writer(journal, run)
    old.take(["a", "b"], {})
    new.take(["b"], {})

    old.confirm("a")
    new.confirm("b")
    for writer, lane in ((old, "b"), (new, "a"), (new, "c")):
        with pytest.raises(StoreLocked):
            writer.confirm(lane)
