"""SQL Server on the twin: databases with content, backups that a restore really uses."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.support.twins import SERVICE, Console, a_twin

from handrail.errors import NotRehearsed
from handrail.twin.mechanisms import databases
from handrail.twin.things import Database, Entry

FILE = "C:\\backup\\sync.bak"
BACKUP = f"BACKUP DATABASE [{SERVICE}] TO DISK = N'{FILE}' WITH CHECKSUM, COPY_ONLY, INIT"


def server() -> Console:
    console = Console(a_twin(), "sql01")
    assert console.sql("EXECUTE master.sys.xp_create_subdir N'C:\\backup'").code == 0
    return console


def content(console: Console) -> str:
    found = console.twin.machine("sql01").get(Database, f"|{SERVICE}")
    assert found is not None
    return databases.digest(found)


def test_a_database_says_how_it_is() -> None:
    console = server()
    query = f"SELECT state_desc FROM sys.databases WHERE name = N'{SERVICE}'"

    assert console.sql(query).text == "state_desc\r\n----------\r\nONLINE\r\n\r\n(1 rows affected)\r\n"
    assert "(0 rows affected)" in console.sql(query.replace(SERVICE, "nothing")).text
    assert f"\r\n{SERVICE}\r\n" in console.sql("SELECT name FROM sys.databases").text


def test_a_server_is_reached_from_every_host_and_writes_on_its_own_disk() -> None:
    console = server()
    assert Console(console.twin, "sync01").sql(BACKUP, "sql01.contoso.com").code == 0

    assert console.line(f"dir {FILE}").code == 0
    assert Console(console.twin, "sync01").line(f"dir {FILE}").code == 1


@pytest.mark.parametrize("address", ["nobody", "sql01\\NAMED", "sync01"])
def test_a_server_that_is_not_there_is_1_on_standard_error(address: str) -> None:
    answer = Console(a_twin()).sql("SELECT name FROM sys.databases", address)

    assert answer.code == 1
    assert "Login timeout expired" in answer.error_text


def test_a_stopped_server_does_not_answer() -> None:
    console = server()
    console("sc", "stop", "MSSQLSERVER")

    assert console.sql("SELECT name FROM sys.databases").code == 1


def test_a_backup_has_a_header_and_can_be_verified() -> None:
    console = server()
    assert "successfully processed" in console.sql(BACKUP).text

    lines = console.sql(f"RESTORE HEADERONLY FROM DISK = N'{FILE}'").text.splitlines()
    row = dict(zip(lines[0].split("|"), lines[2].split("|"), strict=True))
    assert (row["DatabaseName"], row["HasBackupChecksums"], row["IsCopyOnly"]) == (SERVICE, "1", "1")
    assert row["BackupFinishDate"].startswith("2026-11-20 22:00:00")
    assert console.sql(f"RESTORE VERIFYONLY FROM DISK = N'{FILE}' WITH CHECKSUM").text.startswith(
        "The backup set on file 1 is valid"
    )


def test_a_backup_without_checksums_cannot_be_verified_with_them() -> None:
    console = server()
    console.sql(BACKUP.replace("WITH CHECKSUM, ", "WITH "))

    answer = console.sql(f"RESTORE VERIFYONLY FROM DISK = N'{FILE}' WITH CHECKSUM")
    assert answer.code == 1
    assert answer.text.startswith("Msg 3187, Level 16")


def test_a_damaged_backup_is_told_from_a_missing_one() -> None:
    console = server()
    console.sql(BACKUP)
    entry = console.machine().get(Entry, FILE)
    assert entry is not None
    console.twin.transact("sql01", "rot", lambda machine: machine.put(FILE, replace(entry, text="rot")))

    for statement in (f"RESTORE VERIFYONLY FROM DISK = N'{FILE}'", f"RESTORE HEADERONLY FROM DISK = N'{FILE}'"):
        assert console.sql(statement).text.startswith("Msg 3241,")
        assert console.sql(statement.replace("sync.bak", "none.bak")).text.startswith("Msg 3201,")
    assert console.sql(f"RESTORE DATABASE [{SERVICE}] FROM DISK = N'{FILE}' WITH REPLACE").code == 1


def test_a_restore_brings_back_the_content_of_the_backup_and_nothing_else() -> None:
    console = server()
    before = content(console)
    console.sql(BACKUP)
    sync = Console(console.twin)
    namespace = "/namespace:\\\\root\\MicrosoftIdentityIntegrationServer"
    sync("wmic", namespace, "path", "MIIS_ManagementAgent", "where", "Name='HR'", "call", "Execute", "Export")
    assert content(console) != before
    sync("sc", "stop", SERVICE)

    assert console.sql(f"RESTORE DATABASE [{SERVICE}] FROM DISK = N'{FILE}' WITH REPLACE").code == 0
    assert content(console) == before


def test_a_restore_needs_the_word_replace_and_nobody_at_work() -> None:
    console = server()
    console.sql(BACKUP)
    restore = f"RESTORE DATABASE [{SERVICE}] FROM DISK = N'{FILE}'"

    assert console.sql(restore).text.startswith("Msg 3159,")
    assert console.sql(f"{restore} WITH REPLACE").text.startswith("Msg 3101,")


def test_a_copied_backup_is_as_good_as_the_first() -> None:
    console = server()
    console.sql(BACKUP)
    console.line(f"copy /y {FILE} C:\\Windows\\other.bak")

    assert console.sql("RESTORE VERIFYONLY FROM DISK = N'C:\\Windows\\other.bak' WITH CHECKSUM").code == 0


@pytest.mark.parametrize(
    ("statement", "number"),
    [
        ("BACKUP DATABASE [nothing] TO DISK = N'C:\\backup\\a.bak' WITH CHECKSUM", 911),
        (f"BACKUP DATABASE [{SERVICE}] TO DISK = N'C:\\nowhere\\a.bak' WITH CHECKSUM", 3201),
        ("DROP DATABASE [nothing]", 3701),
    ],
)
def test_what_does_not_work_has_its_number(statement: str, number: int) -> None:
    answer = server().sql(statement)

    assert answer.code == 1
    assert answer.text.startswith(f"Msg {number}, ")


@pytest.mark.parametrize("statement", ["SELECT 1", "DELETE FROM users", "ALTER TABLE tbl ALTER COLUMN x INT"])
def test_a_statement_that_the_twin_does_not_know_is_not_rehearsed(statement: str) -> None:
    with pytest.raises(NotRehearsed, match="does not know the statement"):
        server().sql(statement)
