from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from handrail.errors import BadInput, FileMissing, StoreError, StoreLocked, StoreNewer, StoreUnwritable
from handrail.model.journal import PEOPLE_LANE, Entry
from handrail.running import sqlite_store as store_module
from handrail.running.journal import open_journal
from handrail.running.schema import REVISIONS, metadata
from handrail.running.store import MIGRATIONS, open_store
from handrail.running.tails import newest


def sql(path: Path, *statements: str) -> list[tuple[object, ...]]:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        return [row for one in statements for row in connection.execute(one).fetchall()]


def schema_of(path: Path) -> list[tuple[object, ...]]:
    tables = [str(name) for (name,) in sql(path, "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    found: list[tuple[object, ...]] = []
    for table in tables:
        found += [(table, *row[1:]) for row in sql(path, f"PRAGMA table_info({table})")]
        for _, index, *rest in sql(path, f"PRAGMA index_list({table})"):
            found.append((index, *rest, tuple(sql(path, f"PRAGMA index_info({index})"))))
    return found


def test_a_new_store_has_a_write_ahead_log_and_full_sync(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "a" / "store.db"))
    with store.read() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
    store.close()


def test_made_or_migrated_from_nothing_the_tables_are_the_same(tmp_path: Path) -> None:
    open_store(str(tmp_path / "made.db")).close()
    sql(
        tmp_path / "migrated.db",
        "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)",
        "INSERT INTO alembic_version VALUES ('0000')",
        "DELETE FROM alembic_version",
    )
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import create_engine

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    engine = create_engine(f"sqlite:///{tmp_path / 'migrated.db'}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    engine.dispose()

    assert schema_of(tmp_path / "made.db") == schema_of(tmp_path / "migrated.db")
    assert {name for (name,) in sql(tmp_path / "made.db", "SELECT version_num FROM alembic_version")} == {REVISIONS[-1]}
    assert set(metadata.tables) == {"plans", "runs", "lanes", "events", "tails"}


def test_a_store_of_this_revision_is_opened_without_alembic(tmp_path: Path) -> None:
    program = (
        "import sys; from handrail.running.store import open_store\n"
        f"open_store({str(tmp_path / 'store.db')!r}).close()\n"
        f"open_store({str(tmp_path / 'store.db')!r}).close()\n"
        "assert 'alembic' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


LAST = REVISIONS[-1]
NEXT = """
import sqlalchemy as sa
from alembic import op
revision, down_revision, branch_labels, depends_on = "0099", "{last}", None, None
def upgrade():
    op.add_column("runs", sa.Column("added", sa.String, nullable=False, server_default="x"))
    {more}
"""


def migrations(folder: Path, more: str = "") -> Path:
    shutil.copytree(MIGRATIONS, folder)
    (folder / "versions" / "0099_next.py").write_text(NEXT.format(more=more, last=LAST))
    return folder


def test_an_older_store_is_backed_up_and_migrated(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    open_journal(str(path)).create("contoso", "sha256:1", "{}", "twin", "eve")

    open_store(str(path), revisions=(*REVISIONS, "0099"), migrations=migrations(tmp_path / "scripts")).close()

    assert sql(path, "SELECT estate, added FROM runs") == [("contoso", "x")]
    assert sql(path, "SELECT version_num FROM alembic_version") == [("0099",)]
    assert sql(tmp_path / f"store.db.revision-{LAST}", "SELECT estate FROM runs") == [("contoso",)]


def test_a_store_of_the_first_revision_is_brought_to_the_newest(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    open_store(str(path), revisions=("0001",)).close()
    sql(path, "DROP TABLE tails")

    journal = open_journal(str(path))
    assert newest(journal.store, "none") == ""
    journal.close()
    assert sql(path, "SELECT version_num FROM alembic_version") == [(LAST,)]


def test_a_migration_that_fails_leaves_the_store_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    open_journal(str(path)).create("contoso", "sha256:1", "{}", "twin", "eve")
    before = schema_of(path)
    scripts = migrations(tmp_path / "scripts", more='op.execute("SELECT * FROM nowhere")')

    with pytest.raises(StoreError):
        open_store(str(path), revisions=(*REVISIONS, "0099"), migrations=scripts)

    assert schema_of(path) == before
    assert sql(path, "SELECT version_num FROM alembic_version") == [(LAST,)]


def test_a_newer_store_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    open_store(str(path)).close()
    sql(path, "UPDATE alembic_version SET version_num = '0100'")

    with pytest.raises(StoreNewer, match="newer Handrail"):
        open_store(str(path))
    assert sql(path, "SELECT version_num FROM alembic_version") == [("0100",)]


def test_a_locked_store_says_so_and_loses_nothing(tmp_path: Path) -> None:
    journal = open_journal(str(tmp_path / "store.db"), busy=0.05)
    with contextlib.closing(sqlite3.connect(tmp_path / "store.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreLocked, match="locked by another process"):
            journal.create("contoso", "sha256:1", "{}", "twin", "eve")
        assert journal.runs() == []
        other.execute("ROLLBACK")
    assert journal.create("contoso", "sha256:1", "{}", "twin", "eve")
    journal.close()


def test_a_full_disk_says_so_and_loses_nothing(tmp_path: Path) -> None:
    journal = open_journal(str(tmp_path / "store.db"))
    run = journal.create("contoso", "sha256:1", "{}", "twin", "eve")
    with journal.store.read() as connection:  # the pool gives the same connection again
        connection.exec_driver_sql("PRAGMA max_page_count=1")

    with pytest.raises(StoreUnwritable, match="disk is full"):
        journal.create("contoso", "sha256:2", "x" * 500_000, "twin", "eve")
    with pytest.raises(StoreUnwritable, match="disk is full"):
        journal.add(run, PEOPLE_LANE, Entry("answered", "s", data={"note": "x" * 500_000}))

    assert [row.run for row in journal.runs()] == [run]
    assert [event.entry.kind for event in journal.read(run)] == ["created"]
    with journal.store.read() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count=10000")
    journal.add(run, PEOPLE_LANE, Entry("answered", "s", data={"note": "x" * 500_000}))
    assert [event.entry.kind for event in journal.read(run)] == ["created", "answered"]
    journal.close()


AS_NOBODY = """
import os
from pathlib import Path
from handrail.errors import StoreUnwritable
from handrail.running.home import Home
from handrail.running.journal import open_journal
import sqlalchemy.dialects.sqlite.pysqlite
if os.geteuid() == 0:
    open_journal({warm!r}).close()  # whatever is loaded late must be loaded before: the interpreter may be root's
    os.setgid(65534)
    os.setuid(65534)
try:
    {what}
except StoreUnwritable as error:
    print(error)
"""


def as_nobody(what: str, warm: Path) -> subprocess.CompletedProcess[str]:
    """Rights do not bind root: then another account tries."""
    program = AS_NOBODY.format(what=what, warm=str(warm))
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)


@pytest.fixture
def common(tmp_path: Path) -> Path:
    """A folder that other accounts may reach."""
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.geteuid() and folder != Path("/") and folder != Path("/tmp"):
            folder.chmod(0o755)
    return tmp_path


@pytest.mark.skipif(os.name == "nt", reason="rights work otherwise there")
def test_a_store_that_may_only_be_read_says_so(common: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    open_journal(str(common / "store.db")).close()
    (common / "store.db").chmod(0o444)
    common.chmod(0o555)

    found = as_nobody(
        f"open_journal({str(common / 'store.db')!r}).create('c', 'd', '', 'twin', 'e')",
        tmp_path_factory.mktemp("warm") / "w",
    )
    common.chmod(0o755)

    assert "may only be read" in found.stdout or "cannot be opened" in found.stdout, found.stderr


@pytest.mark.skipif(os.name == "nt", reason="rights work otherwise there")
def test_a_home_that_may_not_be_made_says_so(common: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    common.chmod(0o555)
    found = as_nobody(f"Home(Path({str(common / 'new' / 'home')!r})).make()", tmp_path_factory.mktemp("warm") / "w")
    common.chmod(0o755)

    assert "cannot be made: Permission denied. Set HANDRAIL_HOME" in found.stdout, found.stderr


def test_a_folder_in_the_place_of_the_store_says_so(tmp_path: Path) -> None:
    (tmp_path / "store.db").mkdir()

    with pytest.raises(StoreUnwritable):
        open_store(str(tmp_path / "store.db"))


def test_another_programs_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    sql(tmp_path / "store.db", "CREATE TABLE songs (name)")

    with pytest.raises(StoreError, match="not a store of Handrail"):
        open_store(str(tmp_path / "store.db"))
    assert sql(tmp_path / "store.db", "SELECT name FROM sqlite_master") == [("songs",)]


@pytest.mark.parametrize("content", [b"not a database at all", b"SQLite format 3\0" + b"\xff" * 5000, b"\0" * 4096])
def test_a_damaged_store_is_one_clear_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "store.db").write_bytes(content)

    with pytest.raises(StoreError) as caught:
        open_store(str(tmp_path / "store.db"))
    assert str(tmp_path / "store.db") in str(caught.value)
    assert (tmp_path / "store.db").read_bytes() == content


@settings(max_examples=12, deadline=None)
@example(where=4053, size=6, fill=b"\x80")  # a name of a table that is no text any more
@given(where=st.integers(0, 10**6), size=st.integers(1, 4000), fill=st.binary(min_size=1, max_size=1))
def test_whatever_is_damaged_nothing_but_a_clear_error_comes_out(
    tmp_path_factory: pytest.TempPathFactory, where: int, size: int, fill: bytes
) -> None:
    from handrail.errors import HandrailError

    path = tmp_path_factory.mktemp("damaged") / "store.db"
    journal = open_journal(str(path))
    run = journal.create("contoso", "sha256:1", "{}", "twin", "eve")
    journal.close()
    content = bytearray(path.read_bytes())
    start = where % len(content)
    content[start : start + size] = fill * min(size, len(content) - start)
    path.write_bytes(content)

    with contextlib.suppress(HandrailError):
        journal = open_journal(str(path))
        try:
            journal.read(run)
            journal.document(run)
        finally:
            journal.close()


@pytest.mark.parametrize(
    "url", ["mysql://user:geheim@host/db", "postgresql://user:geheim@host", "sqlite://", "::://", "nothing://"]
)
def test_a_store_elsewhere_is_refused_without_repeating_its_password(url: str) -> None:
    with pytest.raises(BadInput) as caught:
        open_store(url)
    assert "geheim" not in str(caught.value)


def test_a_store_that_must_be_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(FileMissing):
        open_store(str(tmp_path / "store.db"), make=False)
    assert list(tmp_path.iterdir()) == []


def test_a_store_on_a_network_file_system_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/x / ext4 rw 0 0\nserver:/x {tmp_path}/share nfs4 rw 0 0\n")
    monkeypatch.setattr(store_module, "MOUNTS", mounts)

    with pytest.raises(StoreUnwritable, match="network file system"):
        open_store(str(tmp_path / "share" / "store.db"))
    open_store(str(tmp_path / "store.db")).close()


def test_a_log_of_full_length_hides_and_invents_nothing(tmp_path: Path) -> None:
    """While a run is held its log is as long as it will be; who opens the store meanwhile, or after a kill, reads what
    was committed and nothing else."""
    store = open_store(str(tmp_path / "store.db"))
    with store.hold("run-1", "Run run-1"):
        log = tmp_path / "store.db-wal"
        assert log.stat().st_size == store_module.LOG
        with store.write("run-1") as connection:
            connection.execute(text("CREATE TABLE kept (x)"))
            connection.execute(text("INSERT INTO kept VALUES (7)"))
        for name in ("store.db", "store.db-wal"):  # as a kill leaves them
            (tmp_path / "killed").mkdir(exist_ok=True)
            (tmp_path / "killed" / name).write_bytes((tmp_path / name).read_bytes())
        with sqlite3.connect(tmp_path / "killed" / "store.db") as found:
            assert found.execute("SELECT x FROM kept").fetchall() == [(7,)]
            assert found.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert log.stat().st_size == store_module.LOG
    store.close()
