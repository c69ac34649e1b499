"""Runs move between the file of one machine and the PostgreSQL of several, half-done, and nothing is done twice."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.running.test_moving import begin, end, place
from tests.support import counting, on_twin
from tests.support.databases import Server
from tests.support.fleet import Fleet
from tests.support.killing import KILLED, Fuse, Kill, carry_out, elsewhere
from tests.support.on_twin import ground_truth, judge_effects

from handrail.errors import BadInput, StoreLocked
from handrail.guides.catalogue import SHIPPED
from handrail.model.journal import Entry
from handrail.running import doorbell
from handrail.running.home import Home
from handrail.running.journal import Journal, open_journal
from handrail.running.moving import Moved, Side, move_runs
from handrail.running.protocol import Bell
from handrail.running.store import address_of
from handrail.running.twin_copies import Twins
from handrail.running.writer import Writer

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("plan") / "sp3.json"
    on_twin.plan_file(SHIPPED / "mim" / "estates" / "contoso.yaml", path)
    return path


@pytest.fixture(scope="module")
def undisturbed(file: Path, tmp_path_factory: pytest.TempPathFactory) -> Counter[str]:
    home = tmp_path_factory.mktemp("undisturbed")
    assert carry_out(on_twin.opening, home, file) == 0
    return ground_truth(home)[1]


@pytest.fixture
def fleet(server: Server, tmp_path: Path) -> Iterator[Fleet]:
    made = Fleet(server.database(), tmp_path)
    yield made
    made.dismiss()


def shared(url: str, home: Path) -> Side:
    return Side(open_journal(url), Twins(Home(home), address_of(url)), shared=True)


def alone(home: Path) -> Side:
    return Side(open_journal(Home(home).store), Twins(Home(home)), shared=False)


def move(source: Side, target: Side) -> list[Moved]:
    told: list[Moved] = []
    try:
        move_runs(source, target, [], "eve", told.append)
    finally:
        source.journal.close()
        target.journal.close()
    return told


def died_half_way(home: Path, file: Path) -> str:
    assert carry_out(on_twin.opening, home, file, kill=Kill(40, "after")) == KILLED
    with on_twin.opening(home) as session:
        return session.find()


def test_killed_moved_to_postgresql_and_carried_to_its_end_by_workers(
    fleet: Fleet, file: Path, undisturbed: Counter[str], tmp_path: Path
) -> None:
    """And moved back when it has ended, to be kept where it began."""
    home = tmp_path / "old"
    run = died_half_way(home, file)

    assert [(one.run, one.did) for one in move(alone(home), shared(fleet.url, home))] == [(run, "moved")]

    with on_twin.opening(home) as session, pytest.raises(BadInput, match="was moved to the store postgresql://"):
        asyncio.run(session.carry_out(run, "eve"))
    with fleet.session() as session:
        fleet.hire()
        assert session.is_for_workers(run) and session.journal.unended() == [], "it has to be handed over first"
        session.hand_over(run, "eve", again=True)
        assert fleet.wait(session, run, 60).state == "succeeded"
        session.events(run)
    judge_effects(fleet.effects(run), undisturbed)

    fleet.dismiss()
    move(shared(fleet.url, home), alone(home))
    on_twin.judge(home, undisturbed)


def test_moved_to_postgresql_killed_there_moved_back_and_carried_to_its_end_by_one_process(
    fleet: Fleet, file: Path, undisturbed: Counter[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "old"
    run = died_half_way(home, file)
    move(alone(home), shared(fleet.url, home))
    before = sum(fleet.effects(run).values())
    with fleet.session() as session:
        session.hand_over(run, "eve", again=True)
        fleet.hire()
        fleet.until(session, run, lambda: sum(fleet.effects(run).values()) > before + 5)
    with pytest.raises(StoreLocked, match=f"Workers are at run {run} now"):
        move(shared(fleet.url, home), alone(home))
    fleet.dismiss()
    monkeypatch.setattr(doorbell, "GONE", 0.5)
    time.sleep(1.0)

    assert [one.did for one in move(shared(fleet.url, home), alone(home))] == ["moved"]

    with fleet.session() as session:
        assert session.journal.unended() == []
        with pytest.raises(BadInput, match=f"Run {run} was moved to the store {home}"):
            session.hand_over(run, "eve")
        with session.journal.store.read() as connection:
            assert doorbell.rung(connection, run) == set()
    assert carry_out(on_twin.opening, home, file) == 0
    on_twin.judge(home, undisturbed)


def test_a_worker_that_was_away_while_its_run_was_moved_finds_its_lane_lost(server: Server, tmp_path: Path) -> None:
    """It was suspended, so that nobody had heard of it for long; then it wakes up and wants to go on."""
    (tmp_path / "hosts").mkdir()
    url, old, new = server.database(), place(tmp_path, "old"), place(tmp_path, "new")
    run = begin(old)
    move(alone(old / "home"), shared(url, old / "home"))
    journal = open_journal(url)
    worker = Writer(journal, run)
    worker.take(["b"], {"who": "worker", "retry": False})
    job = {"run": run, "lane": "b"}
    with journal.store.write(run) as connection:
        journal.store.ring(connection, run, [Bell("no zone", "a")])
        connection.exec_driver_sql("insert into procrastinate_workers (last_heartbeat) values (now())")
        connection.exec_driver_sql(
            "insert into procrastinate_jobs (queue_name, task_name, args, status, worker_id) select 'no zone', "
            f"'handrail.look', '{json.dumps(job)}'::jsonb, 'doing', max(id) from procrastinate_workers"
        )

    with pytest.raises(StoreLocked, match=f"Workers are at run {run} now, in postgresql://.*: on b"):
        move(shared(url, old / "home"), alone(new / "home"))
    with journal.store.write(run) as connection:
        connection.exec_driver_sql("update procrastinate_workers set last_heartbeat = now() - interval '2 minutes'")
    move(shared(url, old / "home"), alone(new / "home"))

    with pytest.raises(StoreLocked, match="taken"):
        worker.confirm("b")
    with pytest.raises(StoreLocked, match="taken"):
        asyncio.run(_append(worker))
    assert journal.conclude(run, len(journal.read(run)), "failed") is False
    journal.close()
    with counting.opening(new, play=False) as session:
        assert not session.is_for_workers(run)
    end(new, run)


async def _append(worker: Writer) -> None:
    await worker.append(("b", Entry("begun", "it/app@b/2/two", 1)))


def _dying(url: str, home: Path, commit: int) -> None:
    source, target = alone(home), shared(url, home)
    move_runs(source, target, [], "eve", watch=Fuse(Kill(commit, "after")))


@pytest.mark.parametrize("commit", [1, 2])
def test_killed_on_the_way_to_postgresql_it_is_nowhere_twice(server: Server, tmp_path: Path, commit: int) -> None:
    (tmp_path / "hosts").mkdir()
    url, old = server.database(), place(tmp_path, "old")
    run = begin(old)
    assert elsewhere(_dying, url, old / "home", commit) == KILLED

    there, here = open_journal(url), open_journal(Home(old / "home").store)
    assert there.runs() == [] and (here.departure(run) is None) == (commit == 1)
    assert _first_moves(here, there, old / "home", url) == ["moved"]
    assert [row.run for row in there.runs()] == [run] and here.departure(run) is not None
    assert there.read(run)[: len(here.read(run))] == here.read(run)
    here.close()
    there.close()


def _first_moves(here: Journal, there: Journal, home: Path, url: str) -> list[str]:
    told: list[Moved] = []
    twins = Twins(Home(home)), Twins(Home(home), address_of(url))
    move_runs(Side(here, twins[0], False), Side(there, twins[1], True), [], "eve", told.append)
    return [one.did for one in told]
