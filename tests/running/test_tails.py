"""What long commands print reaches the shared store, seldom, and in nobody's way."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.support import virtual_time

from handrail.errors import StoreUnreachable
from handrail.model.journal import Entry, Event
from handrail.running.chain import canonical
from handrail.running.journal import open_journal
from handrail.running.said import AT_WORK, Said
from handrail.running.tails import AGAIN, EVERY, LONG, Tails, newest, putting, tail

AT = "2026-11-20T22:00:{:02}.000000Z"


def line(text: str, second: int = 0, **more: Any) -> dict[str, Any]:
    """Of a transcript, that asks after a job on Linux."""
    argv = ["sh", "-c", "...", "poll", "job", "4096"]
    out = {"text": f"running\n{text}\n"}
    return {"ask": "execute", "at": AT.format(second), "argv": argv, "outcome": "exited", "code": 0, "out": out,
            "at_work": True, **more}  # fmt: skip


def event(kind: Any, lane: str = "a", step: str | None = "s") -> Event:
    return Event("r", lane, 1, 1, AT.format(9), Entry(kind, step, 1), "", "", 1)


class Kept:
    """What a store would have, and when it was written to. `broken`: it takes nothing."""

    def __init__(self) -> None:
        self.said: dict[str, tuple[str, ...]] = {}
        self.writes: list[float] = []
        self.broken = False

    def put(self, said: Mapping[str, Said], gone: Collection[str], until: str) -> None:
        self.writes.append(asyncio.get_event_loop().time())
        if self.broken:
            raise StoreUnreachable("The store does not answer.")
        for host in list(self.said) if until else gone:
            self.said.pop(host, None)
        self.said.update({host: one.lines for host, one in said.items()})


async def printing(tails: Tails, hosts: int, seconds: float, *, every: float = 0.5) -> None:
    for count in range(int(seconds / every)):
        for host in range(hosts):
            tails.hear(f"h{host}", line(f"line {count}"))
        await asyncio.sleep(every)


def test_however_many_print_it_is_written_down_now_and_then() -> None:
    kept = Kept()

    async def go() -> None:
        await printing(Tails(kept.put), 200, 60)

    virtual_time.run(go())
    assert 15 < len(kept.writes) <= 60 / EVERY and len(kept.said) == 200


def test_what_ends_soon_or_prints_nothing_new_is_not_written_down() -> None:
    kept = Kept()

    async def go() -> None:
        tails = Tails(kept.put)
        await printing(tails, 1, LONG - 1)
        tails.follow(event("done", "h0"))
        await asyncio.sleep(60)
        assert not kept.writes
        for _ in range(60):
            tails.hear("b", line("the same"))
            await asyncio.sleep(1)

    virtual_time.run(go())
    assert len(kept.writes) == 1 and kept.said == {"b": ("the same",)}


@pytest.mark.parametrize("kind", ["done", "failed", "in-doubt"])
def test_with_its_step_it_goes(kind: str) -> None:
    kept = Kept()

    async def go() -> None:
        tails = Tails(kept.put)
        await printing(tails, 2, 20)
        assert len(kept.said) == 2
        tails.follow(event("begun", "h1"))
        tails.follow(event(kind, "h0"))
        await asyncio.sleep(2 * EVERY)
        assert list(kept.said) == ["h1"]
        kept.said["left by a worker that died"] = ()
        tails.follow(event("ended", "", None))
        await asyncio.sleep(2 * EVERY)

    virtual_time.run(go())
    assert not kept.said


def test_a_store_that_takes_nothing_is_asked_seldom_and_nothing_is_forgotten() -> None:
    kept = Kept()

    async def go() -> None:
        tails = Tails(kept.put)
        kept.broken = True
        await printing(tails, 1, 120)
        assert 2 < len(kept.writes) <= 120 / AGAIN + 1
        kept.broken = False
        await asyncio.sleep(AGAIN + EVERY)

    virtual_time.run(go())
    assert kept.said == {"h0": ("line 239",)}


def test_a_store_that_is_slow_is_left_more_time() -> None:
    times: list[float] = []

    async def go() -> None:
        loop: Any = asyncio.get_running_loop()

        def put(*_: Any) -> None:
            times.append(loop.time())
            loop._passing.passed += 1.0

        await printing(Tails(put), 1, 200)

    virtual_time.run(go())
    assert len(times) > 3 and all(then - before > 15 for before, then in itertools.pairwise(times))


def test_lines_that_are_of_no_job_at_work_are_not_told() -> None:
    kept = Kept()

    async def go() -> None:
        tails = Tails(kept.put)
        for _ in range(20):
            tails.hear("a", line("x", at_work=False))
            tails.hear("b", {"ask": "read", "at": AT.format(0), "path": "x", "outcome": "read", "size": 3})
            await asyncio.sleep(1)

    virtual_time.run(go())
    assert not kept.writes


def keeps_its_promises(url: str) -> None:
    """What is put into a store is there for whoever looks, newer than their step, until it is taken away."""
    journal = open_journal(url)
    store = journal.store
    run = journal.create("fleet", "sha256:abcd", canonical({"a": "plan"}), "twin", "eve")
    put = putting(store, run)
    lines = ("one \0 \ud800 ***", "zwölf")
    put({"a": Said(AT.format(1), AT_WORK, "", ("old",), True)}, (), "")
    put({host: Said(AT.format(5), AT_WORK, "", lines, True) for host in ("b", "a")}, (), "")

    assert tail(store, run, "a", AT.format(5)) == (Said(AT.format(5), AT_WORK, "", lines, True),)
    assert tail(store, run, "a", AT.format(6)) == tail(store, "another", "a", AT.format(1)) == ()
    assert newest(store, run) == AT.format(5) and newest(store, "another") == ""
    put({}, ["a"], "")
    assert tail(store, run, "a", "") == () and len(tail(store, run, "b", "")) == 1
    put({}, (), AT.format(4))
    assert len(tail(store, run, "b", "")) == 1, "said since"
    put({}, (), AT.format(5))
    assert newest(store, run) == "" and len(journal.read(run)) == 1, "it is no part of the journal"
    journal.close()


def test_a_store_of_one_machine_keeps_it(tmp_path: Path) -> None:
    keeps_its_promises(str(tmp_path / "store.db"))
