"""Windows Installer on the twin: sources, patches, exit codes and the verbose log."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.support.twins import (
    HOTFIX,
    LABEL,
    PATCH,
    PRODUCTS,
    SERVICE,
    SOURCE,
    SP2,
    SP3,
    SYNC,
    UNINSTALL,
    Clock,
    Console,
    a_twin,
    an_estate,
    log,
    patched,
    prepared,
)

from handrail.errors import NotRehearsed
from handrail.twin.things import Busy, Database, Entry, Product


def listed(console: Console) -> str:
    text = console("reg", "query", UNINSTALL, "/s", "/reg:64").text
    return text.split("Microsoft Identity Manager Synchronization Service")[1].split("REG_SZ")[1].split()[0]


def test_a_patch_with_its_source_in_place_brings_files_registry_and_database_to_its_build() -> None:
    console = Console(a_twin())
    prepared(console)

    assert patched(console).code == 0
    assert console.version() == "4.7.12.0"
    assert listed(console) == "4.7.12.0"
    assert console.twin.machine("sql01").get(Database, f"|{SERVICE}").schema == 1700  # type: ignore[union-attr]
    assert log(console).startswith("=== Verbose logging started")
    assert "MainEngineThread is returning 0" in log(console)


def test_the_log_is_utf_16_as_on_windows() -> None:
    console = Console(a_twin())
    patched(console)

    assert console.read("C:\\log.txt")[:2] == b"\xff\xfe"


def test_without_the_drive_of_the_source_it_ends_with_1612_and_changes_nothing() -> None:
    console = Console(a_twin())
    console("sc", "stop", SERVICE)

    assert patched(console).code == 1612
    assert "Error 1706.No valid source could be found" in log(console)
    assert console.version() == "4.6.673.0"
    assert listed(console) == "4.6.673.0"


def test_a_mounted_sp2_medium_makes_it_look_in_the_wrong_place() -> None:
    console = Console(a_twin())
    prepared(console)
    console.script("mount-image", SP2)

    assert patched(console).code == 1603
    assert "Error 1308.Source file not found: F:\\Synchronization Service\\Synchronization Service.msi" in log(console)
    assert "Return value 3" in log(console)

    console.script("dismount-image", SP2)
    assert patched(console).code == 0


def test_a_mounted_sp3_medium_does_not_mislead_it() -> None:
    console = Console(a_twin())
    prepared(console)
    console.script("mount-image", SP3)

    assert patched(console).code == 0


def test_a_stale_disk_label_makes_it_ask_for_the_disk_until_the_label_is_removed() -> None:
    console = Console(a_twin(an_estate(disk_label=LABEL)))
    prepared(console)

    assert patched(console).code == 1603
    assert f"Error 1302.Please insert the disk: {LABEL}" in log(console)

    found = console("reg", "query", PRODUCTS, "/s", "/f", LABEL, "/d").text
    key = next(line for line in found.splitlines() if line.startswith("HKEY"))
    assert console("reg", "delete", key, "/v", "1", "/f").code == 0
    assert patched(console).code == 0


def test_sp3s_package_in_the_source_makes_it_believe_that_nothing_is_to_do() -> None:
    """It says 0 and did nothing: only looking tells."""
    console = Console(a_twin())
    prepared(console)
    console.script("mount-image", SP3)
    letter = console.script("mounted-media").text[:2]
    name = "Synchronization Service.msi"
    assert (
        console("cmd", "/c", "copy", "/y", f"{letter}\\Synchronization Service\\{name}", f"{SOURCE}\\{name}").code == 0
    )
    console.script("dismount-image", SP3)

    assert patched(console).code == 0
    assert "already upgraded" in log(console)
    assert console.version() == "4.6.673.0"


def test_another_products_package_in_the_source_is_no_source() -> None:
    console = Console(a_twin())
    prepared(console)
    console("cmd", "/c", "copy", "/y", "C:\\Media\\pcns.msi", f"{SOURCE}\\Synchronization Service.msi")

    assert patched(console).code == 1612
    assert "Source is invalid due to invalid package code" in log(console)


def test_sp3_refuses_another_baseline_with_1642() -> None:
    console = Console(a_twin(an_estate("4.6.34.0")))

    assert patched(console).code == 1642
    assert "may update a different version of the program" in log(console)


def test_a_patch_for_a_product_that_is_not_there_ends_with_1642() -> None:
    assert patched(Console(a_twin(), "sql01")).code == 1642


def test_the_same_patch_again_says_0_and_changes_nothing() -> None:
    console = Console(a_twin(an_estate("4.6.34.0")))
    console("sc", "stop", SERVICE)
    assert patched(console, HOTFIX).code == 0
    before = [one for one in console.twin.effects() if one.kind == "software"]

    assert patched(console, HOTFIX).code == 0
    assert [one for one in console.twin.effects() if one.kind == "software"] == before


@pytest.mark.parametrize(("file", "code"), [("C:\\Media\\nothing.msp", 1635), ("C:\\Media\\SP2.iso", 1636)])
def test_a_patch_that_cannot_be_opened_has_its_own_codes(file: str, code: int) -> None:
    assert patched(Console(a_twin()), file).code == code


def test_a_damaged_patch_ends_with_1636() -> None:
    twin = a_twin()
    entry = twin.machine("sync01").get(Entry, PATCH)
    assert entry is not None
    twin.transact("sync01", "damage", lambda machine: machine.put(PATCH, replace(entry, sha256="0" * 64)))

    assert patched(Console(twin)).code == 1636


@pytest.mark.parametrize(("file", "code"), [("C:\\Media\\nothing.msi", 1619), ("C:\\Media\\SP2.iso", 1620)])
def test_a_package_that_cannot_be_opened_has_its_own_codes(file: str, code: int) -> None:
    assert Console(a_twin())("msiexec", "/i", file, "/qn").code == code


def test_a_second_installation_at_the_same_time_ends_with_1618() -> None:
    clock = Clock()
    console = Console(a_twin(clock=clock))
    prepared(console)
    until = clock().replace(minute=5).isoformat()
    console.twin.transact("sync01", "update", lambda machine: machine.put("installer", Busy("Windows Update", until)))

    assert patched(console).code == 1618
    clock.pass_(600)
    assert patched(console).code == 0


def test_a_file_in_use_is_replaced_at_the_restart_and_the_code_is_3010() -> None:
    """The list of installed products is ahead of the file until then."""
    console = Console(a_twin(an_estate("4.6.34.0")))

    assert patched(console, HOTFIX).code == 3010
    assert (listed(console), console.version()) == ("4.6.673.0", "4.6.34.0")

    console("shutdown", "/r", "/t", "2", "/f")
    assert console.version() == "4.6.673.0"
    assert console.state() == "RUNNING"


def test_without_norestart_the_machine_restarts_and_the_code_is_1641() -> None:
    console = Console(a_twin(an_estate("4.6.34.0")))
    before = console("wmic", "os", "get", "LastBootUpTime", "/value").text

    assert patched(console, HOTFIX, "/quiet").code == 1641
    assert console("wmic", "os", "get", "LastBootUpTime", "/value").text != before
    assert console.version() == "4.6.673.0"


def test_a_missing_runtime_ends_with_1603_and_nothing_changed() -> None:
    console = Console(a_twin(an_estate(software={"dotnet-framework": "4.7.2"})))
    prepared(console)

    assert patched(console).code == 1603
    assert "dotnet-framework 4.8 is not installed" in log(console)
    assert console.version() == "4.6.673.0"


def test_a_database_that_does_not_answer_ends_with_1603_and_nothing_changed() -> None:
    console = Console(a_twin())
    prepared(console)
    assert Console(console.twin, "sql01")("sc", "stop", "MSSQLSERVER").code == 0

    assert patched(console).code == 1603
    assert console.version() == "4.6.673.0"


def test_an_edited_configuration_file_is_kept_and_a_stock_one_replaced() -> None:
    console = Console(a_twin())
    prepared(console)
    console.line(f'echo edited >> "{SYNC}\\Bin\\miiserver.exe.config"')
    assert patched(console).code == 0

    assert b"edited" in console.read(f"{SYNC}\\Bin\\miiserver.exe.config")
    assert b'newVersion="4.1.5.0"' not in console.read(f"{SYNC}\\Bin\\miiserver.exe.config")
    assert b'newVersion="4.1.5.0"' in console.read(f"{SYNC}\\Bin\\mmsscrpt.exe.config")


def test_after_the_upgrade_the_old_programs_cannot_open_the_database_alone() -> None:
    """Database, programs and keys belong together: going back means all of them."""
    console, sql = Console(a_twin()), Console(a_twin())
    sql = Console(console.twin, "sql01")
    prepared(console)
    sql.sql(f"BACKUP DATABASE [{SERVICE}] TO DISK = N'C:\\old.bak' WITH CHECKSUM")
    assert console("robocopy", SYNC, "C:\\backup", "/E").code < 8
    assert patched(console).code == 0
    sql.sql(f"RESTORE DATABASE [{SERVICE}] FROM DISK = N'C:\\old.bak' WITH REPLACE")

    assert console("sc", "start", SERVICE).code == 1066
    assert console("robocopy", "C:\\backup", SYNC, "/E").code < 8
    assert console("sc", "start", SERVICE).code == 0


def test_an_msi_of_a_newer_build_upgrades_a_product_that_allows_it_and_asks_for_a_restart() -> None:
    estate = an_estate()
    identity = estate.deployments["identity"]
    pcns = replace(identity.installations[0], component="pcns", database=None, account=None)
    estate = replace(estate, deployments={"identity": replace(identity, installations=(*identity.installations, pcns))})
    console = Console(a_twin(estate))
    console("sc", "stop", "PCNSSVC")

    assert console("msiexec", "/i", "C:\\Media\\pcns.msi", "/qn", "/norestart").code == 3010
    assert console.version("C:\\Program Files\\Microsoft Password Change Notification\\pcnssvc.exe") == "4.7.12.0"


def test_an_msi_of_another_build_is_refused_with_1638_where_it_is_no_upgrade() -> None:
    console = Console(a_twin())
    console.script("mount-image", SP3)
    package = "E:\\Synchronization Service\\Synchronization Service.msi"
    assert console("msiexec", "/i", package, "/qn").code == 1638


def test_setup_that_would_ask_for_a_database_is_not_rehearsed() -> None:
    console = Console(a_twin(), "sql01")
    console.script("mount-image", SP3)
    with pytest.raises(NotRehearsed, match="asks for a database"):
        console("msiexec", "/i", "E:\\Synchronization Service\\Synchronization Service.msi", "/qn")


def test_removing_keeps_the_database_and_removing_again_ends_with_1605() -> None:
    console = Console(a_twin())
    product = console.machine().all(Product)[0]
    console("sc", "stop", SERVICE)

    assert console("msiexec", "/x", product.code, "/qn").code == 0
    assert console("sc", "query", SERVICE).code == 1060
    assert "ONLINE" in console.sql(f"SELECT state_desc FROM sys.databases WHERE name = N'{SERVICE}'").text
    assert console("msiexec", "/x", product.code, "/qn").code == 1605


def test_patches_cannot_be_taken_away() -> None:
    console = Console(a_twin())
    code = console.machine().all(Product)[0].code
    assert console("msiexec", "/i", code, "MSIPATCHREMOVE=x", "/qn").code == 1646


@pytest.mark.parametrize("arguments", [(), ("/p",), ("/i", "a.msi", "/p", "b.msp"), ("/i", "a.msi", "/nonsense")])
def test_a_command_line_that_makes_no_sense_ends_with_1639(arguments: tuple[str, ...]) -> None:
    assert Console(a_twin())("msiexec", *arguments, "/qn").code == 1639


def test_a_log_in_a_folder_that_is_not_there_ends_with_1622() -> None:
    assert Console(a_twin())("msiexec", "/p", PATCH, "/qn", "/l*v", "C:\\nowhere\\log.txt").code == 1622


def test_an_installer_that_would_ask_questions_is_not_rehearsed() -> None:
    with pytest.raises(NotRehearsed):
        Console(a_twin())("msiexec", "/p", PATCH)
