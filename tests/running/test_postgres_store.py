"""The store that several machines share keeps the same promises as the file of one."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.running.test_store import migrations
from tests.running.test_tails import keeps_its_promises
from tests.support.databases import Server, serving

from handrail.errors import FileMissing, StoreError, StoreLocked, StoreNewer, StoreUnreachable, StoreUnwritable
from handrail.model.journal import PEOPLE_LANE, RUN_LANE, Entry
from handrail.running.chain import canonical
from handrail.running.journal import Journal, open_journal
from handrail.running.postgres_store import _clear
from handrail.running.said import AT_WORK, Said
from handrail.running.schema import REVISIONS
from handrail.running.store import open_store
from handrail.running.tails import newest, putting
from handrail.running.writer import Writer

pytestmark = pytest.mark.real

_COLUMNS = (
    "select table_name, column_name, data_type, is_nullable from information_schema.columns "
    "where table_schema = 'public' and table_name in ('plans', 'runs', 'lanes', 'events', 'tails') order by 1, 2"
)
_INDEXES = "select indexdef from pg_indexes where tablename in ('plans', 'runs', 'lanes', 'events', 'tails') order by 1"


def name_of(url: str) -> str:
    return url.split("?")[0].rsplit("/", 1)[1]


def begin(journal: Journal) -> str:
    return journal.create("fleet", "sha256:abcd", canonical({"a": "plan"}), "twin", "eve")


def test_made_or_migrated_from_nothing_the_tables_are_the_same(server: Server) -> None:
    made, migrated = server.database(), server.database()
    open_store(made).close()
    program = (
        "import sys; from pathlib import Path; import sqlalchemy as sa\n"
        "from handrail.running.store_tables import migrate_tables\n"
        "from handrail.running.store import MIGRATIONS\n"
        "engine = sa.create_engine(sys.argv[1].replace('postgresql:', 'postgresql+psycopg:'))\n"
        "with engine.begin() as connection: migrate_tables(connection, 'head', MIGRATIONS)\n"
    )
    subprocess.run([sys.executable, "-c", program, migrated], check=True)

    for question in (_COLUMNS, _INDEXES):
        assert server.sql(name_of(made), question) == server.sql(name_of(migrated), question) != ""
    assert server.sql(name_of(made), "select version_num from alembic_version").strip() == REVISIONS[-1]


def test_an_older_store_is_copied_aside_and_migrated(server: Server, tmp_path: Path) -> None:
    url = server.database()
    journal = open_journal(url)
    run = begin(journal)
    journal.close()
    open_store(url, revisions=(*REVISIONS, "0099"), migrations=migrations(tmp_path / "scripts")).close()

    assert server.sql(name_of(url), "select version_num from alembic_version").strip() == "0099"
    aside = f"handrail_revision_{REVISIONS[-1]}"
    assert server.sql(name_of(url), f'select run from "{aside}".runs').strip() == run
    with pytest.raises(StoreNewer, match="revision 0099"):
        open_store(url)


def test_somebody_elses_tables_are_refused(server: Server) -> None:
    url = server.database()
    server.sql(name_of(url), "create table runs (x int)")
    with pytest.raises(StoreError, match="not Handrail's"):
        open_store(url)


def test_a_store_that_must_be_there_is_not_made(server: Server) -> None:
    url = server.database()
    with pytest.raises(FileMissing):
        open_store(url, make=False)
    assert server.sql(name_of(url), _COLUMNS) == ""


def test_many_writers_of_one_run_leave_no_gap_and_lose_nothing(server: Server) -> None:
    url = server.database()
    journals = [open_journal(url) for _ in range(4)]
    run = begin(journals[0])

    def some(number: int) -> None:
        for count in range(15):
            journals[number % 4].add(run, PEOPLE_LANE, Entry("answered", f"{number}", data={"count": count}))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(some, range(8)))

    found = journals[0].read(run)
    assert [event.position for event in found] == list(range(1, 8 * 15 + 2))
    for journal in journals:
        journal.close()


def test_what_commands_print_is_kept_and_waits_for_nothing_that_is_journaled(server: Server) -> None:
    url = server.database()
    keeps_its_promises(url)
    journal = open_journal(url)
    with journal.store.write("r1"):
        putting(journal.store, "r1")({"a": Said("2026", AT_WORK, "", ("line",), True)}, (), "")
        assert newest(journal.store, "r1") == "2026"
    journal.close()


def test_stores_made_ready_at_once_are_made_once(server: Server) -> None:
    url = server.database()
    with ThreadPoolExecutor(6) as pool:
        for store in pool.map(lambda _: open_store(url), range(6)):
            store.close()


def test_a_lane_that_was_taken_over_refuses_its_former_writer(server: Server) -> None:
    url = server.database()
    first, second = open_journal(url), open_journal(url)
    run = begin(first)

    async def do() -> None:
        old, new = Writer(first, run), Writer(second, run)
        old.take(["a"], {})
        await old.append(("a", Entry("begun", "s", 1)))
        new.take(["a"], {})
        with pytest.raises(StoreLocked):
            await old.append(("a", Entry("done", "s", 1)))
        await new.append(("a", Entry("done", "s", 1)))

    asyncio.run(do())
    assert [event.entry.kind for event in first.read(run)][1:] == ["taken", "begun", "taken", "done"]
    first.close()
    second.close()


def test_who_carries_a_run_holds_it_until_its_process_ends(server: Server) -> None:
    url = server.database()
    store = open_store(url)
    program = (
        "import sys, time; from handrail.running.store import open_store\n"
        "with open_store(sys.argv[1]).hold('r1', 'Run r1'):\n"
        "    print('held', flush=True); time.sleep(60)\n"
    )
    other = subprocess.Popen([sys.executable, "-c", program, url], stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None and other.stdout.readline() == "held\n"
    try:
        assert store.is_held("r1") and not store.is_held("r2")
        with pytest.raises(StoreLocked, match="Run r1 is already being carried out"), store.hold("r1", "Run r1"):
            pass
    finally:
        other.kill()
        other.wait()

    for _ in range(100):
        if not store.is_held("r1"):
            break
        subprocess.run(["sleep", "0.05"], check=True)
    with store.hold("r1", "Run r1"):
        assert store.is_held("r1")
    assert not store.is_held("r1")
    store.close()


def test_a_server_that_is_gone_is_said_to_be_unreachable_and_used_again_when_it_is_back() -> None:
    with serving(durable=True) as own:
        journal = open_journal(own.database())
        run = begin(journal)
        own.kill()
        with pytest.raises(StoreUnreachable, match=r"does not answer.*what was recorded is safe"):
            journal.add(run, PEOPLE_LANE, Entry("answered", "s"))
        own.start()

        journal.add(run, PEOPLE_LANE, Entry("answered", "s"))

        assert [event.lane for event in journal.read(run)] == [RUN_LANE, PEOPLE_LANE]
        journal.close()


def test_what_cannot_be_entered_is_said_without_a_password(server: Server) -> None:
    sockets = server.ground.sockets
    for url in (
        f"postgresql://postgres:geheim@/nowhere?host={sockets}&port=54329",
        f"postgresql://nobody:geheim@/postgres?host={sockets}&port=54329",
        "postgresql://postgres:geheim@127.0.0.1:1/x",
    ):
        with pytest.raises(StoreError) as caught:
            open_store(url)
        assert "geheim" not in str(caught.value) and caught.value.advice


@pytest.mark.parametrize(
    ("state", "kind"), [("53100", StoreUnwritable), ("25006", StoreUnwritable), ("55P03", StoreLocked)]
)
def test_what_the_server_says_becomes_a_clear_error(state: str, kind: type[StoreError]) -> None:
    class Said(Exception):
        sqlstate = state

    error = sa.exc.OperationalError("insert", {}, Said("could not extend file"))
    assert isinstance(_clear("postgresql://db/x", error), kind)


def test_a_store_that_may_only_be_read_says_so(server: Server) -> None:
    url = server.database()
    journal = open_journal(url)
    run = begin(journal)
    server.sql("postgres", f"alter database {name_of(url)} set default_transaction_read_only = on")
    other = open_journal(url)
    with pytest.raises(StoreUnwritable, match="may only be read"):
        other.add(run, PEOPLE_LANE, Entry("answered", "s"))
    journal.close()
    other.close()
