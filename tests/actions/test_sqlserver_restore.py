"""Putting a database back: the server's own record settles it, and another file than the one meant is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from tests.support import virtual_time
from tests.support.restoring import Site as AnySite
from tests.support.restoring import a_receipt
from tests.support.scripted_host import Answer, ScriptedHost
from tests.support.twins import SERVICE, Console
from tests.support.windows_says import table

from handrail.actions import build, described
from handrail.actions.protocol import ActFailed, Action, InDoubt, Observation
from handrail.hosts.protocol import Exited, Lost
from handrail.twin.mechanisms import databases
from handrail.twin.things import Database, Entry, Restored

DB: Mapping[str, Any] = {"server": "sql01", "database": SERVICE}
FOLDER = "C:\\Backups"


class Site(AnySite):
    """The host of the databases."""

    def __init__(self) -> None:
        super().__init__("sql01")
        self.server = self.console

    def backed_up(self, step: str = "database") -> tuple[Action, Mapping[str, Any]]:
        action, done = self.done("sqlserver.backup", {**DB, "to": FOLDER}, step)
        return action, done.outputs

    def restore(self, step: str = "database") -> Action:
        action, made = self.backed_up(step)
        (found,) = action.restore(made)
        return found

    @property
    def database(self) -> Database:
        found = self.server.machine().get(Database, f"|{SERVICE}")
        assert found is not None
        return found

    def upgrade(self) -> None:
        """What a patch does to the database."""
        found = self.database
        changed = replace(found, schema=1700, tables={**found.tables, "new": {"rows": 1, "digest": "x"}})
        self.twin.transact("sql01", "patch", lambda machine: machine.put(f"|{SERVICE}", changed))

    def spoil(self, path: str, keep: int, more: str = "") -> None:
        entry = self.server.machine().get(Entry, path)
        assert entry is not None
        spoiled = replace(entry, text=(entry.text or "")[:keep] + more)
        self.twin.transact("sql01", "spoil", lambda machine: machine.put(path, spoiled))


def test_a_backup_says_how_it_is_put_back_and_what_it_takes() -> None:
    site = Site()
    action, made = site.backed_up()

    (restore,) = action.restore(made)
    uses, with_ = described(restore)

    assert uses == "sqlserver.restore"
    assert with_ == {**DB, "file": made["file"], "finished": made["finished"], "backup_set": made["backup_set"]}
    assert build(uses, with_) == restore
    assert made["bytes"] > 0
    assert made["made_at"] == "2026-11-20T22:00:00Z"
    assert site.look(action, "database").evidence["needs"]["server_version"] == "15.0.4375"


def test_a_restored_database_is_what_it_was() -> None:
    site = Site()
    before = databases.digest(site.database)
    restore = site.restore()
    site.upgrade()
    assert databases.digest(site.database) != before

    done = site.do(restore, "back")

    assert done.state == "done"
    assert databases.digest(site.database) == before
    assert (site.database.state, site.database.access) == ("ONLINE", "MULTI_USER")


def test_whoever_works_on_the_database_is_sent_out() -> None:
    site = Site()
    restore = site.restore()
    Console(site.twin)("sc", "start", SERVICE)

    assert site.do(restore, "back").state == "done"


def test_a_restore_that_was_before_the_step_does_not_count() -> None:
    site = Site()
    restore = site.restore()
    site.do(restore, "back")
    site.upgrade()

    assert site.do(restore, "back-again").state == "done"
    assert site.database.schema == 1600
    assert len(site.server.machine().all(Restored)) == 2


def test_a_restore_of_another_backup_does_not_count() -> None:
    site = Site()
    restore = site.restore()
    site.twin._clock.pass_(60)  # type: ignore[attr-defined]
    other = site.restore("later")
    before = site.look(restore, "back")
    site.act(other, "back", site.look(other, "back"))

    assert site.look(restore, "back", before).state == "not_done"


def test_a_database_that_is_gone_comes_back() -> None:
    site = Site()
    restore = site.restore()
    site.server.sql(f"DROP DATABASE [{SERVICE}]")

    assert site.do(restore, "back").state == "done"


def test_a_database_left_alone_with_one_user_is_not_done() -> None:
    """Killed after the restore and before others were let in again."""
    site = Site()
    restore = site.restore()
    before = site.look(restore, "back")
    site.act(restore, "back", before)
    site.server.sql(f"ALTER DATABASE [{SERVICE}] SET SINGLE_USER WITH ROLLBACK IMMEDIATE")

    assert site.look(restore, "back", before).state == "not_done"
    site.act(restore, "back", before)
    assert site.look(restore, "back", before).state == "done"


def test_files_go_where_those_of_the_database_lie_now() -> None:
    site = Site()
    restore = site.restore()
    moved = ("C:\\Backups\\new.mdf", "C:\\Backups\\new_log.ldf")
    found = replace(site.database, files=moved)
    site.twin.transact("sql01", "moved", lambda machine: machine.put(f"|{SERVICE}", found))

    assert site.do(restore, "back").state == "done"
    assert site.database.files == moved


@pytest.mark.parametrize(("keep", "more"), [(0, "rot"), (0, "")])
def test_a_damaged_backup_is_refused_and_nothing_is_touched(keep: int, more: str) -> None:
    site = Site()
    action, made = site.backed_up()
    (restore,) = action.restore(made)
    site.spoil(str(made["file"]), keep, more)
    now = site.database

    with pytest.raises(ActFailed, match="nothing was touched"):
        site.do(restore, "back")
    assert site.database == now


def test_a_truncated_backup_has_a_header_and_proving_it_fails() -> None:
    """Its beginning can be read, so only whoever reads it to its end finds out."""
    site = Site()
    action, made = site.backed_up()
    site.spoil(str(made["file"]), 300)
    prove = build("sqlserver.prove", {**DB, "file": made["file"]})

    assert site.look(action, "database").state == "done"
    assert "cannot be restored" in site.look(prove, "prove").because


def test_a_restore_that_breaks_off_is_never_taken_for_done_and_a_whole_backup_heals_it() -> None:
    site = Site()
    action, made = site.backed_up()
    (restore,) = action.restore(made)
    whole = site.server.machine().get(Entry, str(made["file"]))
    site.spoil(str(made["file"]), 300)
    before = site.look(restore, "back")

    with pytest.raises(ActFailed, match="Reached the end"):
        site.act(restore, "back", before)
    assert site.database.state == "RESTORING"
    assert site.look(restore, "back", before).state == "not_done"

    site.twin.transact("sql01", "mend", lambda machine: machine.put(str(made["file"]), whole))
    site.act(restore, "back", before)
    assert site.look(restore, "back", before).state == "done"


@pytest.mark.parametrize(
    ("with_", "because"),
    [
        ({"database": "FIMService"}, "it is a backup of FIMSynchronizationService"),
        ({"finished": "2026-11-19 03:00:00.000"}, "finished at 2026-11-20"),
        ({"backup_set": "00000000-0000-0000-0000-000000000000"}, "another backup"),
        ({"sha256": "0" * 64}, "SHA-256"),
        ({"file": "C:\\Backups\\nothing.bak"}, "no complete backup"),
    ],
)
def test_another_backup_than_the_one_meant_is_refused(with_: dict[str, str], because: str) -> None:
    site = Site()
    _, made = site.backed_up()
    action = build("sqlserver.restore", {**DB, "file": made["file"], **with_})
    now = site.database

    with pytest.raises(ActFailed, match=because):
        site.do(action, "back")
    assert site.database == now
    assert not site.server.machine().all(Restored)


def test_proving_names_the_backup_that_the_step_made() -> None:
    site = Site()
    _, made = site.backed_up()
    prove = {**DB, "file": made["file"]}

    assert site.look(build("sqlserver.prove", {**prove, "finished": made["finished"]}), "prove").state == "done"
    late = site.look(build("sqlserver.prove", {**prove, "finished": "2026-11-20 22:00:01.000"}), "prove")
    assert late.state == "not_done"


# -- what the server may say ----------------------------------------------------------------------------------------


def sqlcmd(query: str, database: str = "master") -> str:
    return f"sqlcmd -S sql01 -E -b -d {database} -W -w 65535 -s | -Q {query}"


ACTION = build("sqlserver.restore", {**DB, "file": "D:\\a.bak", "finished": "2026-11-20 22:01:02.000"})
RUNNING = sqlcmd("SET NOCOUNT ON; SELECT spid FROM master.dbo.sysprocesses WHERE cmd LIKE N'RESTORE%'")
STATE = sqlcmd(f"SELECT state_desc, user_access_desc FROM sys.databases WHERE name = N'{SERVICE}'")
LAST = sqlcmd(
    "SET NOCOUNT ON; SELECT TOP 1 h.restore_history_id AS id, CONVERT(varchar(36), s.backup_set_uuid) AS backup_set, "
    "CONVERT(varchar(23), s.backup_finish_date, 121) AS finished FROM msdb.dbo.restorehistory h "
    "JOIN msdb.dbo.backupset s ON s.backup_set_id = h.backup_set_id "
    f"WHERE h.destination_database_name = N'{SERVICE}' ORDER BY h.restore_history_id DESC"
)
IDLE = table("spid")
ONLINE = table("state_desc|user_access_desc", "ONLINE|MULTI_USER")
OURS = table("id|backup_set|finished", "8|AB-1|2026-11-20 22:01:02.000")
DENIED = Exited(1, b"Msg 229, Level 14, State 5, Server SQL01, Line 1\r\nThe SELECT permission was denied.")


@pytest.mark.parametrize(
    ("running", "state", "last", "sees"),
    [
        (IDLE, ONLINE, OURS, "done"),
        (IDLE, ONLINE, table("id|backup_set|finished"), "not_done"),
        (IDLE, ONLINE, OURS.replace("8|", "7|"), "not_done"),
        (IDLE, ONLINE, OURS.replace("22:01", "22:02"), "not_done"),
        (IDLE, ONLINE.replace("MULTI", "SINGLE"), OURS, "not_done"),
        (IDLE, ONLINE.replace("ONLINE", "RESTORING"), OURS, "not_done"),
        (IDLE, table("state_desc|user_access_desc"), OURS, "not_done"),
        (table("spid", "57"), ONLINE, OURS, "unknown"),
        (IDLE, Lost("gone"), OURS, "unknown"),
        (IDLE, ONLINE, DENIED, "unknown"),
        (IDLE, ONLINE, "", "unknown"),
    ],
)
def test_only_a_newer_restore_of_this_backup_into_a_database_open_to_all_is_done(
    running: Answer, state: Answer, last: Answer, sees: str
) -> None:
    host = ScriptedHost({RUNNING: running, STATE: state, LAST: last})
    before = Observation("not_done", evidence={"last_restore": 7})

    assert virtual_time.run(ACTION.observe(host, a_receipt("back", before))).state == sees


def test_a_line_lost_while_it_restores_is_in_doubt() -> None:
    """And as long as the server is at it, nobody begins again."""
    head = table("BackupName|BackupType|DatabaseName|BackupFinishDate", f"NULL|1|{SERVICE}|2026-11-20 22:01:02.000")
    there = table("name|filename", f"{SERVICE}|E:\\Data\\sync.mdf")
    inside = table("LogicalName|PhysicalName|Type|Size", f"{SERVICE}|D:\\Data\\sync.mdf|D|8192")
    ask = "sqlcmd -S sql01 -E -b -W -w 65535 -s | -Q "
    batch = sqlcmd(
        f"ALTER DATABASE [{SERVICE}] SET SINGLE_USER WITH ROLLBACK IMMEDIATE; "
        f"RESTORE DATABASE [{SERVICE}] FROM DISK = N'D:\\a.bak' WITH REPLACE, RECOVERY, CHECKSUM, "
        f"MOVE N'{SERVICE}' TO N'E:\\Data\\sync.mdf'; "
        f"ALTER DATABASE [{SERVICE}] SET MULTI_USER"
    )
    files = f"SET NOCOUNT ON; SELECT name, filename FROM master.dbo.sysaltfiles WHERE dbid = DB_ID(N'{SERVICE}')"
    host = ScriptedHost(
        {
            f"{ask}RESTORE HEADERONLY FROM DISK = N'D:\\a.bak'": head,
            f"{ask}RESTORE FILELISTONLY FROM DISK = N'D:\\a.bak'": inside,
            STATE: ONLINE,
            sqlcmd(files): there,
            batch: Lost("gone"),
            RUNNING: table("spid", "57"),
        }
    )

    with pytest.raises(InDoubt):
        virtual_time.run(ACTION.act(host, a_receipt("back")))
    assert host.commands[-1] == batch
    assert "is restoring" in virtual_time.run(ACTION.observe(host, a_receipt("back"))).because
