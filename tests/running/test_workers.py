"""What a worker does besides its steps: it looks for drift, tidies up, lets go of what others ended, and waits for its
store."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import sqlalchemy as sa
from bench.estates import clients
from tests.support.counting import OURS, effects, opening, plan, step
from tests.support.databases import Server
from tests.support.fleet import Fleet
from tests.support.on_twin import plan_file

from handrail.actions import signatures
from handrail.documents.plan import freeze
from handrail.hosts import janitor
from handrail.hosts.protocol import Host
from handrail.model.estate import Connect, Estate, Medium
from handrail.model.estate import Host as EstateHost
from handrail.model.journal import PEOPLE_LANE, Entry
from handrail.model.plan import Plan, Step
from handrail.running import doorbell, fleet, tails, tidying
from handrail.running.fleet import Worker
from handrail.running.home import Home
from handrail.running.protocol import Bell
from handrail.running.session import Session, open_session
from handrail.running.sharing import zone_queue
from handrail.running.store import address_of
from handrail.running.targets import twin_opener
from handrail.twin.machine import Machine
from handrail.twin.mechanisms import registry
from handrail.twin.shared_store import SharedStore
from handrail.twin.world import opened

pytestmark = pytest.mark.real


@pytest.fixture
def url(server: Server) -> str:
    return server.database()


@pytest.fixture
def session(tmp_path: Path, url: str) -> Iterator[Session]:
    with opening(tmp_path, store=url) as made:
        yield made


async def until(so: Callable[[], bool]) -> None:
    while not so():  # noqa: ASYNC110 - what is waited for happens in other processes
        await asyncio.sleep(0.01)


async def carry(
    session: Session, url: str, run: str, *, while_: Callable[[], bool], workers: int = 1, said: list[str] | None = None
) -> None:
    """Have workers carry a run on as long as `while_` says so."""
    hired = [
        Worker(session, address_of(url), who=f"w{number}", silent=2.0, lanes=4, say=(said or []).append)
        for number in range(workers)
    ]
    working = [asyncio.create_task(worker.work()) for worker in hired]
    try:
        async with asyncio.timeout(30):
            await until(lambda: not while_())
    finally:
        for worker in hired:
            worker.stop()
        await asyncio.gather(*working)


# -- what hosts say -------------------------------------------------------------------------------------------------


def test_what_a_long_command_prints_is_in_the_store_as_long_as_its_step(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Any console that shares the store can show it; a step that has ended says for itself what was printed."""
    monkeypatch.setattr(tails, "LONG", 0.0)
    monkeypatch.setattr(tails, "EVERY", 0.1)
    go = tmp_path / "go"
    run = ["sh", "-c", f"echo begun; until [ -e {go} ]; do sleep 0.1; done; echo over"]
    uses = {"run": run, "until": {"run": ["test", "-e", str(go)]}}
    signature = signatures()["command.run"]
    printing = Step("it/app@h/2/print", "print", "it/app@h", "h", "command.run", signature.revision, "do", OURS, uses)
    estate = Estate("one", hosts={"h": EstateHost("h", os="debian-12", connect=Connect("local"))},
                    media={"m": Medium("m", "it", "folder", "/tmp", host="h")})  # fmt: skip
    made = freeze(Plan("", estate, {"it": "2"}, (), (), (), (printing,)))
    with open_session(Home(tmp_path / "home"), store=url) as session:
        name = session.start(made, "ann", workers=True)
        session.hand_over(name, "ann")
        seen: list[tuple[str, ...]] = []

        def goes_on() -> bool:
            found = tails.tail(session.journal.store, name, "h", "")
            if found and not seen:
                seen.append(found[0].lines)
                go.touch()
            return not seen or bool(found) or session.status(name).state == "running"

        asyncio.run(carry(session, url, name, while_=goes_on))
        assert session.status(name).state == "succeeded"
    assert seen == [("begun",)]


def test_a_bell_for_a_lane_that_is_still_driven_is_answered_afterwards(
    session: Session, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When its connection breaks, a worker loses the bell that it answers, and the lane goes on; whoever hears the next
    bell may have looked for the last time already, and does not know what that one asks for."""
    answered: list[tuple[str, bool]] = []
    released = asyncio.Event()

    async def drive(_: Worker, __: str, lane: str, again: bool) -> None:
        answered.append((lane, again))
        await released.wait()

    async def two_bells() -> None:
        worker = Worker(session, address_of(url), who="w")
        first = asyncio.create_task(worker._look("run", "a"))
        await asyncio.sleep(0)
        first.cancel()
        second = asyncio.create_task(worker._look("run", "a", again=True))
        await asyncio.sleep(0.01)
        assert answered == [("a", False)]
        released.set()
        await second

    monkeypatch.setattr(Worker, "_drive", drive)
    asyncio.run(two_bells())

    assert answered == [("a", False), ("a", True)]


def test_a_worker_that_is_about_to_stop_passes_every_bell_on_and_begins_nothing(
    session: Session, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also a bell of a run that it has no share in yet, and not again and again while a step of its own is at work."""
    monkeypatch.setattr(fleet, "LATER", 0.2)
    run = session.start(plan(step("one", host="a")), "eve", workers=True)

    def rung() -> set[str]:
        with session.journal.store.read() as connection:
            return doorbell.rung(connection, run)

    async def stopped() -> None:
        worker = Worker(session, address_of(url), who="w")
        worker._driving["other", "b"] = asyncio.create_task(asyncio.sleep(10))
        worker.stop()
        looking = asyncio.create_task(worker._look(run, "a", again=True))
        await asyncio.sleep(0.05)
        assert rung() == set()
        await looking
        assert rung() == {"a"}
        await worker._runs[run].share.drive("a")
        await worker._runs[run].target.close()
        worker.stop()

    asyncio.run(stopped())
    assert not session.journal.has_steps(run)


def test_a_run_that_was_tampered_with_does_not_keep_others_from_being_rung_for(session: Session, url: str) -> None:
    run = session.start(plan(step("one", host="a")), "eve", workers=True)
    said: list[str] = []

    async def swept() -> None:
        worker = Worker(session, address_of(url), who="w", say=said.append)
        await worker._ring_for(run)
        session.journal.add(run, PEOPLE_LANE, Entry("verified", data={"who": "ann"}))
        with session.journal.store.write(run) as connection:
            connection.execute(
                sa.text("UPDATE events SET at = 'never' WHERE position > 1 AND run = :run"), {"run": run}
            )
        await worker._ring_for(run)
        await worker._ring_for(run)
        await worker._runs[run].target.close()

    asyncio.run(swept())
    assert len(said) == 1
    assert "does not hold together" in said[0]


# -- drift ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def clients_plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    folder = tmp_path_factory.mktemp("plan")
    (folder / "clients.yaml").write_text(clients(2))
    return plan_file(folder / "clients.yaml", folder / "clients.plan")


def version(machine: Machine, build: str) -> None:
    (key,) = (one for one in registry.below(machine, registry.UNINSTALL)
              if "Add-ins" in one.values.get("DisplayName", ("", ""))[1])  # fmt: skip
    registry.write(machine, key.path, {"DisplayVersion": registry.text(build)})


def test_a_host_that_is_not_as_planned_is_not_begun_and_the_others_are(
    server: Server, tmp_path: Path, clients_plan: Plan
) -> None:
    """And once it is put back, handing the run over again carries it on."""
    fleet = Fleet(server.database(), tmp_path)
    with fleet.session() as session:
        run = session.start(clients_plan, "eve", target="twin", workers=True)
        session.hand_over(run, "eve")
        twin = opened(SharedStore(address_of(fleet.url), run))
        try:
            twin.transact("pc00001", "somebody else", lambda machine: version(machine, "4.6.540.0"))
            before = len(twin.effects())

            async def until_ended() -> None:
                await carry(session, fleet.url, run, while_=lambda: run in session.journal.unended())

            asyncio.run(until_ended())

            status = session.status(run)
            failed = [one for one in status.steps if one.state == "failed"]
            assert status.state == "failed"
            assert [one.id.partition("/2016")[0] for one in failed] == ["clients/add-ins@pc00001"]
            assert failed[0].error == "drifted"
            assert "planned as '4.6.673.0' and is '4.6.540.0'" in failed[0].because
            assert all(one.state in ("done", "skipped") for one in status.steps if "@pc00000/" in one.id)
            assert not [one for one in twin.effects()[before:] if one.host == "pc00001"]

            twin.transact("pc00001", "somebody else", lambda machine: version(machine, "4.6.673.0"))
            session.hand_over(run, "eve", again=True)
            asyncio.run(until_ended())
        finally:
            twin.close()
        assert session.status(run).state == "succeeded"


def test_a_run_that_was_not_handed_over_is_not_begun(session: Session, url: str, tmp_path: Path) -> None:
    run = session.start(plan(step("one")), "eve", workers=True)
    looks = iter(range(60))  # three seconds: sweeps come every one

    asyncio.run(carry(session, url, run, while_=lambda: next(looks, None) is not None))

    assert run not in session.journal.unended()
    assert not effects(tmp_path / "hosts")


def test_what_a_dead_worker_held_comes_before_what_nobody_has_begun(session: Session, url: str) -> None:
    """However many lanes wait: a host that stands in the middle of its downtime does not wait behind them."""
    run = session.start(plan(*(step("one", host=f"h{number}") for number in range(9))), "eve", workers=True)
    session.hand_over(run, "eve")
    store = session.journal.store

    def next_lane() -> str:
        with store.read() as connection:
            order = "SELECT args->>'lane' FROM procrastinate_jobs WHERE status = 'todo' ORDER BY priority DESC, id"
            return str(connection.scalar(sa.text(order)))

    assert next_lane() == "h0"
    with store.write(run) as connection:
        connection.execute(
            sa.text("UPDATE procrastinate_jobs SET status = 'doing' WHERE args->>'lane' IN ('h7', 'h8')")
        )
        doorbell.ring(connection, run, [Bell(zone_queue(None), "h8")])  # it waits already, as one of many
        assert len(doorbell.free(connection, 20.0)) == 2

    come = []
    for _ in range(2):
        come.append(next_lane())
        with store.write(run) as connection:
            connection.execute(
                sa.text("DELETE FROM procrastinate_jobs WHERE args->>'lane' = :lane"), {"lane": come[-1]}
            )
    assert sorted(come) == ["h7", "h8"]


# -- the end of a run -----------------------------------------------------------------------------------------------


def test_the_hosts_of_a_run_are_tidied_by_the_workers_that_were_there(
    session: Session, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    swept: list[str] = []

    async def sweep(host: Host, runs: list[str], jobs: list[str]) -> list[str]:
        swept.append(host.name)
        return []

    monkeypatch.setattr(janitor, "sweep", sweep)
    monkeypatch.setattr(tidying, "SHORT", 0.0)
    first = step("one", host="a")
    run = session.start(
        plan(first, step("two", host="b", after=(first.id,)), step("three", host="c")), "eve", workers=True
    )
    session.hand_over(run, "eve")

    asyncio.run(carry(session, url, run, while_=lambda: len(swept) < 3, workers=2))

    assert sorted(swept) == ["a", "b", "c"]


def test_of_two_that_raise_a_shared_twin_at_once_one_is_kept(url: str, tmp_path: Path, clients_plan: Plan) -> None:
    """What took effect on the first one is not forgotten."""
    opener = twin_opener((), False, address_of(url))
    store = SharedStore(address_of(url), "run-1")
    store.make_tables()
    first = opener(clients_plan, tmp_path / "a" / "run-1", True)

    class Late(SharedStore):
        """Looked before the first one was there."""

        def is_raised(self) -> bool:
            return False

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("handrail.twin.shared_store.SharedStore", Late)
        second = opener(clients_plan, tmp_path / "b" / "run-1", True)
    try:
        boots = [asyncio.run(one.host("pc00000").boot_id()) for one in (first, second)]
    finally:
        for one in (first, second):
            asyncio.run(one.close())
        store.close()
    assert boots[0] == boots[1]


# -- a store that takes nothing more --------------------------------------------------------------------------------


def test_while_the_store_takes_nothing_nothing_is_begun_and_afterwards_it_goes_on(
    server: Server, url: str, tmp_path: Path
) -> None:
    """Read-only, as after a failover to a standby, or when an administrator stops writing before the disk is full."""
    said: list[str] = [""]
    database = url.partition("?")[0].rpartition("/")[2]

    def closed(yes: bool) -> None:
        server.sql(
            "postgres", f"alter database {database} set default_transaction_read_only = {'on' if yes else 'off'}"
        )
        server.sql("postgres", "select pg_terminate_backend(pid) from pg_stat_activity "
                               f"where datname = '{database}'")  # fmt: skip

    with opening(tmp_path, store=url) as session:
        lane = [step("s0", host="a")]
        for number in range(1, 12):
            lane.append(step(f"s{number}", host="a", after=(lane[-1].id,)))
        run = session.start(plan(*lane), "eve", workers=True)
        session.hand_over(run, "eve")
        asyncio.run(_through_a_closed_store(session, url, run, closed, said, tmp_path / "hosts"))

        assert session.status(run).state == "succeeded"
    assert max(effects(tmp_path / "hosts").values()) == 1
    assert any("Nothing more is begun" in one for one in said), said
    assert any("can be used again" in one for one in said), said


async def _through_a_closed_store(
    session: Session, url: str, run: str, closed: Callable[[bool], None], said: list[str], hosts: Path
) -> None:
    worker = Worker(session, address_of(url), who="w", silent=2.0, lanes=4, say=said.append)
    working = asyncio.create_task(worker.work())
    try:
        async with asyncio.timeout(60):
            await until(lambda: bool(effects(hosts)))
            await asyncio.to_thread(closed, True)
            await until(lambda: any("Nothing more is begun" in one for one in said))
            await asyncio.sleep(1.5)
            # What was journaled as begun right before may still take effect, and nothing else.
            events = session.journal.read(run)
            begun = {str(one.entry.step).rpartition("/")[2] for one in events if one.entry.kind == "begun"}
            assert {one.rpartition(" ")[2] for one in effects(hosts)} <= begun < {f"s{number}" for number in range(12)}
            await asyncio.to_thread(closed, False)
            while True:
                with suppress(Exception):
                    if run not in session.journal.unended():
                        break
                await asyncio.sleep(0.1)
    finally:
        worker.stop()
        worker.stop()  # or it waits for the store, when that is still closed
        await working


@pytest.fixture
def small(server: Server, tmp_path: Path) -> Iterator[Path]:
    """A file system of few megabytes that the server may write to."""
    folder = server.ground.folder / "small"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=14m,mode=0777", "tmpfs", folder], capture_output=True)
    if mounted.returncode:
        pytest.fail("only root can mount a small file system")
    (folder / "space").mkdir()
    owner = server.data.stat()
    os.chown(folder / "space", owner.st_uid, owner.st_gid)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=False)


def test_a_full_disk_of_the_store_stops_workers_until_there_is_room(
    server: Server, small: Path, tmp_path: Path
) -> None:
    name = "fills"
    server.sql("postgres", f"create tablespace small location '{small / 'space'}'")
    server.sql("postgres", f"create database {name} template template0 tablespace small")
    said: list[str] = [""]
    ballast = small / "ballast"

    def full(yes: bool) -> None:
        if not yes:
            ballast.unlink()
            return
        with suppress(OSError), ballast.open("wb", buffering=0) as file:
            while True:
                file.write(b"x" * 4096)

    url = server.url(name)
    try:
        with opening(tmp_path, store=url) as session:
            wide = "x" * 20_000  # so that pages are needed for every event
            lane = [step("s0", host="a", with_={"name": "s0", "value": wide})]
            for number in range(1, 12):
                more = {"name": f"s{number}", "value": wide + str(number)}
                lane.append(step(f"s{number}", host="a", after=(lane[-1].id,), with_=more))
            run = session.start(plan(*lane), "eve", workers=True)
            session.hand_over(run, "eve")
            asyncio.run(_through_a_closed_store(session, url, run, full, said, tmp_path / "hosts"))
            assert session.status(run).state == "succeeded"
    finally:
        server.sql("postgres", f"drop database {name} with (force)")
        server.sql("postgres", "drop tablespace small")
    assert max(effects(tmp_path / "hosts").values()) == 1
    assert any("cannot grow" in one for one in said), said
