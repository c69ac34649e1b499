"""What Windows Server 2003 and SQL Server 2000 cannot do yet, and what does it there."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.twins import Console

from handrail.documents.estate import read_estate
from handrail.guides.catalogue import SHIPPED
from handrail.twin.declarations import read_declarations
from handrail.twin.raising import raise_in_memory

FOLDER: Path = SHIPPED / "miis"
NAME = "MicrosoftIdentityIntegrationServer"
EXTENSIONS = r"C:\Program Files\Microsoft Identity Integration Server\Extensions"
UNINSTALL = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall"


def console(host: str = "sql01") -> Console:
    declarations = read_declarations({"miis": FOLDER / "twin.yaml"})
    return Console(raise_in_memory(read_estate(FOLDER / "estates" / "contoso.yaml").estate, declarations), host)


def osql(at: Console, query: str, *more: str) -> tuple[int, str]:
    answer = at("osql", "-S", "sql01", "-E", "-b", *more, "-n", "-w", "8000", "-s", "|", "-Q", query)
    return answer.code, answer.text


@pytest.mark.parametrize(
    "argv", [("sqlcmd", "-S", "sql01", "-Q", "SELECT 1"), ("robocopy", "a", "b"), ("wevtutil", "qe")]
)
def test_tools_of_later_systems_are_not_there(argv: tuple[str, ...]) -> None:
    answer = console()(*argv)

    assert answer.code == 1
    assert "is not recognized" in answer.error_text


def test_reg_knows_no_views() -> None:
    at = console("iifp01")

    assert at("reg", "query", UNINSTALL, "/s", "/reg:64").code == 1
    assert "Identity Integration Feature Pack" in at("reg", "query", UNINSTALL, "/s").text


def test_sql_server_2000_makes_backups_without_checksums_only() -> None:
    at = console()
    query = f"BACKUP DATABASE [{NAME}] TO DISK = N'C:\\a.bak' WITH "

    assert osql(at, query + "CHECKSUM, INIT")[0] == 1
    assert osql(at, query + "INIT")[0] == 0
    assert osql(at, "RESTORE VERIFYONLY FROM DISK = N'C:\\a.bak' WITH CHECKSUM")[0] == 1
    assert osql(at, "RESTORE VERIFYONLY FROM DISK = N'C:\\a.bak'")[0] == 0


def test_sql_server_2000_has_no_sys_views_and_tells_states_otherwise() -> None:
    at = console()
    code, text = osql(at, f"SELECT state_desc FROM sys.databases WHERE name = N'{NAME}'")
    asked = "SELECT CONVERT(varchar(20), DATABASEPROPERTYEX(name, 'Status')) AS state_desc FROM master.dbo.sysdatabases"

    assert (code, "Invalid object name" in text) == (1, True)
    assert "ONLINE" in osql(at, f"{asked} WHERE name = N'{NAME}'")[1]


def test_the_files_of_a_database_go_with_it() -> None:
    at = console()
    _, text = osql(at, f"SET NOCOUNT ON; SELECT filename FROM master.dbo.sysaltfiles WHERE dbid = DB_ID(N'{NAME}')")
    path = next(line.strip() for line in text.splitlines() if ".mdf" in line)

    assert at.line(f'dir "{path}"').code == 0
    assert osql(at, f"DROP DATABASE [{NAME}]")[0] == 0
    assert at.line(f'dir "{path}"').code == 1


def test_xcopy_copies_folders_and_says_when_there_are_none() -> None:
    at = console("iifp01")

    assert at("xcopy", EXTENSIONS, r"C:\copy", "/E", "/I", "/H", "/K", "/Y", "/Q").code == 0
    assert at.line(r"dir C:\copy\rules.dll").code == 0
    assert at("xcopy", r"C:\nothing", r"C:\other", "/E", "/I", "/H", "/K", "/Y", "/Q").code == 4
