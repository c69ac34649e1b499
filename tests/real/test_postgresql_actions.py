"""PostgreSQL's actions one by one, against real servers: what tells content apart, and what an interruption leaves."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.support.postgres import Playground

from handrail.actions import build
from handrail.actions.postgresql import content, tools
from handrail.actions.protocol import ActFailed, Observation, Receipt, Secrets
from handrail.hosts import detached

pytestmark = pytest.mark.real


class NoSecrets(Secrets):
    def resolve(self, reference: str) -> str:
        raise AssertionError(reference)


class Bench:
    """Steps of one run on a playground."""

    def __init__(self, ground: Playground, majors: Mapping[str, str]) -> None:
        self.ground = ground
        self.old: dict[str, Any] = {"bin": majors["15"], "data": ground.old}
        self.new: dict[str, Any] = {"bin": majors["17"], "data": ground.new}
        self.pair: dict[str, Any] = {"old_bin": majors["15"], "old_data": ground.old}
        self.pair |= {"new_bin": majors["17"], "new_data": ground.new}

    def receipt(self, step: str, attempt: int = 1) -> Receipt:
        return Receipt(self.ground.folder.name + "-run", step, attempt, NoSecrets())

    def look(self, step: str, uses: str, attempt: int = 1, **with_: Any) -> Observation:
        return asyncio.run(build(uses, with_).observe(self.ground.host, self.receipt(step, attempt)))

    def act(self, step: str, uses: str, attempt: int = 1, **with_: Any) -> Observation:
        asyncio.run(build(uses, with_).act(self.ground.host, self.receipt(step, attempt)))
        return self.look(step, uses, attempt, **with_)

    def content(self) -> dict[str, str]:
        return asyncio.run(content.read(self.ground.host, tools.Cluster(**self.old)))

    def sql(self, text: str) -> None:
        self.ground.sql(self.old["bin"], text, "app")


@pytest.fixture
def bench(ground: Playground, majors: Mapping[str, str]) -> Bench:
    return Bench(ground, majors)


CHANGES = {
    "one value of one row": "update customer set weight = weight + 1e-9 where id = 3",
    "a row that is there twice": """insert into "Odd Name"."it ""is"" odd" values (null, '')""",
    "null for an empty text": """update "Odd Name"."it ""is"" odd" set "from" = null where t is null""",
    "one bit of a picture": "update customer set picture = set_bit(picture, 0, 1 - get_bit(picture, 0)) where id = 3",
    "a partition": "update event set what = 'other' where at = (select min(at) from event)",
    "a sequence": "select nextval('ticket')",
    "a large object": "select lo_put(oid, 0, 'B') from pg_largeobject_metadata",
    "a password": "alter role app password 'another'",
    "a membership": "revoke reader from app",
    "a function": "create or replace function balance_of(integer) returns numeric language sql as 'select 0.0'",
    "a column": "alter table customer add column extra integer",
    "a setting of a database": "alter database app set work_mem = '9MB'",
}


def test_digests_differ_whenever_content_does(bench: Bench) -> None:
    """And name the place, and nothing else."""
    before = bench.content()
    for what, change in CHANGES.items():
        bench.sql(change)
        after = bench.content()
        assert content.differences(before, after), what
        assert content.digest_of(before) != content.digest_of(after), what
        before = after


def test_digests_do_not_depend_on_where_rows_lie(bench: Bench) -> None:
    before = bench.content()
    bench.sql("create table later as select * from card order by id desc; delete from card; ")
    bench.sql("insert into card select * from later; drop table later; vacuum full customer; reindex table customer")

    assert bench.content() == before


def test_a_backup_is_proved_by_what_is_in_it(bench: Bench) -> None:
    bench.act("close", "postgresql.start", **bench.old, closed=True)
    taken = bench.act("content", "postgresql.content", **bench.old).outputs
    folder = bench.act("backup", "postgresql.backup", **bench.old, to=bench.ground.backups).outputs["folder"]
    given = {"bin": bench.old["bin"], "folder": folder}

    proved = bench.act("prove", "postgresql.prove_backup", **given, content=taken["content"])
    assert proved.state == "done", proved.because

    other = {**taken["content"], "app: table public.card": "50 rows 00000000000000000000000000000000"}
    differs = bench.act("prove-2", "postgresql.prove_backup", **given, content=other)
    assert differs.state == "not_done"
    assert "app: table public.card (was 50 rows 0000" in differs.because

    table = next(path for path in Path(folder, "base").rglob("*") if path.is_file() and path.stat().st_size > 100_000)
    damaged = bytearray(table.read_bytes())
    damaged[50_000] ^= 1
    table.write_bytes(damaged)
    with pytest.raises(ActFailed, match="verif"):
        bench.act("prove-3", "postgresql.prove_backup", **given, content=taken["content"])
    assert bench.look("prove-3", "postgresql.prove_backup", **given, content=taken["content"]).state == "not_done"


def test_a_backup_of_another_run_never_counts(bench: Bench) -> None:
    bench.act("close", "postgresql.start", **bench.old, closed=True)
    bench.act("backup", "postgresql.backup", **bench.old, to=bench.ground.backups)

    assert bench.look("another-backup", "postgresql.backup", **bench.old, to=bench.ground.backups).state == "not_done"


def test_stopping_and_starting_are_undone_by_what_was_before(bench: Bench) -> None:
    stop = build("postgresql.stop", bench.old)
    before = asyncio.run(stop.observe(bench.ground.host, bench.receipt("stop")))
    assert bench.act("stop", "postgresql.stop", **bench.old).state == "done"
    back = stop.undo(before)

    assert back is not None
    asyncio.run(back.act(bench.ground.host, bench.receipt("stop-undone")))
    assert bench.look("x", "postgresql.build", **bench.old, build="15.0").because.startswith("the server of")
    assert bench.ground.sql(bench.old["bin"], "select 1") == "1\n"


def test_a_closed_server_is_reached_by_nobody_else(bench: Bench) -> None:
    bench.act("close", "postgresql.start", **bench.old, closed=True)

    with pytest.raises(RuntimeError, match="No such file or directory"):
        bench.ground.sql(bench.old["bin"], "select 1")
    pid = Path(bench.ground.old, "postmaster.pid").read_text().splitlines()
    assert Path(pid[4]).stat().st_mode & 0o077 == 0
    assert pid[5].strip() == ""


def test_a_crashed_server_is_shut_down_properly(bench: Bench) -> None:
    pid = int(Path(bench.ground.old, "postmaster.pid").read_text().splitlines()[0])
    os.kill(pid, signal.SIGQUIT)
    while Path(f"/proc/{pid}/stat").exists() and " Z " not in Path(f"/proc/{pid}/stat").read_text():
        time.sleep(0.05)

    seen = bench.look("stop", "postgresql.stop", **bench.old)
    assert seen.state == "not_done"
    assert bench.act("stop", "postgresql.stop", **bench.old).state == "done"


def test_an_occupied_place_is_not_taken(bench: Bench) -> None:
    Path(bench.ground.new).mkdir()
    Path(bench.ground.new, "precious").write_text("x")
    like: dict[str, Any] = {"like_bin": bench.old["bin"], "like_data": bench.old["data"]}
    with pytest.raises(ActFailed, match="is not empty"):
        bench.act("create", "postgresql.create", **bench.new, **like)

    assert Path(bench.ground.new, "precious").read_text() == "x"


def test_an_upgrade_killed_with_its_machine_is_put_aside_and_made_anew(bench: Bench) -> None:
    like: dict[str, Any] = {"like_bin": bench.old["bin"], "like_data": bench.old["data"]}
    bench.act("create", "postgresql.create", **bench.new, **like)
    bench.act("stop", "postgresql.stop", **bench.old)
    action, receipt = build("postgresql.upgrade", bench.pair), bench.receipt("upgrade")

    async def begin_and_kill() -> None:
        task = asyncio.create_task(action.act(bench.ground.host, receipt))
        while not Path(bench.ground.new, "handrail.initdb").exists():  # noqa: ASYNC110 - a file tells no event
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.5)
        task.cancel()

    asyncio.run(begin_and_kill())
    job = next(job for job in bench.ground.jobs() if "pg_upgrade" in job.name)
    os.killpg(int((job / "pid").read_text().split()[0]), signal.SIGKILL)
    bench.ground.stop_all()
    time.sleep(0.5)
    for data in (bench.ground.old, bench.ground.new):
        Path(data, "postmaster.pid").unlink(missing_ok=True)

    assert asyncio.run(detached.poll(bench.ground.host, tools.job_name(receipt, "pg_upgrade"))).state == "dead_unknown"
    assert bench.look("upgrade", "postgresql.upgrade", **bench.pair).state == "not_done"
    bench.act("stop-again", "postgresql.stop", **bench.old)
    again = bench.act("upgrade", "postgresql.upgrade", **bench.pair)
    assert again.state == "done", again.because
    assert Path(bench.ground.new + ".handrail-failed-1", "PG_VERSION").exists()


def test_a_cluster_is_put_back_from_its_backup_with_equal_content(bench: Bench) -> None:
    """Into an emptied place: what stood there is put aside, and none of its files come along."""
    folder = bench.act("back-up", "postgresql.backup", to=bench.ground.backups, **bench.old).outputs["folder"]
    before = bench.content()
    bench.sql("delete from card; create table intruder (n int)")
    stray = Path(bench.ground.old) / "stray"
    stray.touch()

    restored = bench.act("put-back", "postgresql.restore", folder=folder, **bench.old)

    assert restored.state == "done"
    assert not stray.exists()
    assert len(list(Path(bench.ground.folder).glob("old.handrail-aside-*"))) == 1
    bench.act("start", "postgresql.start", **bench.old)
    assert content.differences(content.logged(before), content.logged(bench.content())) == ""


def test_an_interrupted_restore_is_begun_anew_and_a_damaged_backup_touches_nothing(bench: Bench) -> None:
    folder = bench.act("back-up", "postgresql.backup", to=bench.ground.backups, **bench.old).outputs["folder"]
    before = bench.content()
    half = Path(bench.ground.old + ".handrail-restoring")
    bench.ground.run("sh", "-c", 'mkdir "$1"; touch "$1/rest"', "half", str(half))
    (Path(folder) / "PG_VERSION").write_text("16\n")

    with pytest.raises(ActFailed):
        bench.act("put-back", "postgresql.restore", folder=folder, **bench.old)
    assert bench.look("put-back", "postgresql.restore", folder=folder, **bench.old).state == "not_done"
    assert bench.content() == before

    (Path(folder) / "PG_VERSION").write_text("15\n")
    assert bench.act("put-back", "postgresql.restore", 2, folder=folder, **bench.old).state == "done"
    assert not half.exists()
    assert not (Path(bench.ground.old) / "rest").exists()
