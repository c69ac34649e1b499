"""Which runs may still ask after their jobs, and that tidying up is never a reason to fail."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.support.plans import sample_plan
from tests.support.scripted_host import ScriptedHost

from handrail.hosts import janitor
from handrail.hosts.protocol import Host, Lost
from handrail.model.journal import RUN_LANE, Entry
from handrail.running.chain import canonical
from handrail.running.clock import stamp
from handrail.running.journal import Journal, open_journal
from handrail.running.tidying import tidy, unsettled
from handrail.running.writer import Writer

STEP = "identity/sync@sync01/2016-sp3/patch"


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    made = open_journal(str(tmp_path / "store.db"))
    yield made
    made.close()


def run_that(journal: Journal, *entries: Entry, target: str = "hosts") -> str:
    run = journal.create("contoso", "sha256:abcd", canonical({"a": "plan"}), target, "eve", {})

    async def write() -> None:
        writer = Writer(journal, run)
        writer.take([RUN_LANE], {"who": "eve"})
        for entry in entries:
            await writer.append((RUN_LANE, entry))
        await writer.close()

    asyncio.run(write())
    return run


def test_runs_that_may_still_ask_after_their_jobs_keep_them(journal: Journal) -> None:
    """All that have not come to a good end: those that fail can be resumed. A run on a twin has none on hosts."""
    begun = Entry("begun", STEP, 1)
    run_that(journal, begun, Entry("ended", data={"state": "succeeded"}))
    failed = run_that(journal, begun, Entry("ended", data={"state": "failed"}))
    open_ = run_that(journal, begun)
    run_that(journal, begun, target="twin")

    assert [row.run for row in unsettled(journal)] == [failed, open_]
    assert [row.run for row in unsettled(journal, (open_,))] == [failed]


def test_a_run_that_was_taken_back_needs_nothing_more_once_that_has_ended_well(journal: Journal) -> None:
    original = run_that(journal, Entry("ended", data={"state": "failed"}))
    back = run_that(journal)
    journal.add(original, "people", Entry("taken-back", data={"by": back}))
    assert [row.run for row in unsettled(journal)] == [original, back]

    assert [row.run for row in unsettled(journal, (back,))] == []


def test_hosts_hear_which_runs_and_jobs_stay(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    other = run_that(journal, Entry("begun", STEP, 1), Entry("begun", STEP, 2))
    mine = run_that(journal, Entry("begun", STEP, 1))
    heard: list[tuple[str, list[str], list[str]]] = []

    async def sweep(host: Host, runs: list[str], jobs: list[str]) -> list[str]:
        heard.append((host.name, list(runs), list(jobs)))
        return []

    monkeypatch.setattr(janitor, "sweep", sweep)
    asyncio.run(tidy(journal, mine, sample_plan(), lambda name: ScriptedHost(name=name)))

    assert heard and all(
        (runs, jobs) == ([other], [f"{other}/{STEP}/1", f"{other}/{STEP}/2"]) for _, runs, jobs in heard
    )


def test_a_host_that_does_not_answer_is_left_alone(journal: Journal) -> None:
    asyncio.run(tidy(journal, run_that(journal), sample_plan(), lambda _: ScriptedHost(otherwise=Lost("gone"))))


def test_a_short_run_is_not_made_longer(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    async def sweep(host: Host, runs: list[str], jobs: list[str]) -> list[str]:
        asked.append(host.name)
        return []

    monkeypatch.setattr(janitor, "sweep", sweep)
    mine, now = run_that(journal), journal.clock.now()
    asyncio.run(tidy(journal, mine, sample_plan(), lambda name: ScriptedHost(name=name), since=stamp(now)))
    assert not asked
    long_ago = stamp(now - timedelta(minutes=5))
    asyncio.run(tidy(journal, mine, sample_plan(), lambda name: ScriptedHost(name=name), since=long_ago))

    assert asked
