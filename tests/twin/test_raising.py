"""From an estate to its twin."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.twins import DECLARATIONS, LABEL, SYNC, Clock, Console, a_twin, an_estate

from handrail.errors import BadInput
from handrail.twin.declarations import read_declarations
from handrail.twin.raising import raise_in_memory
from handrail.twin.things import Database, Product
from handrail.twin.world import declarations_from, declarations_to


@pytest.mark.parametrize(
    ("os", "build", "kind"),
    [
        ("windows-server-2016", "14393", "Server"),
        ("windows-server-2025", "26100", "Server"),
        ("windows-10", "19045", "Client"),
    ],
)
def test_a_host_is_the_windows_that_the_estate_states(os: str, build: str, kind: str) -> None:
    estate = an_estate()
    hosts = {**estate.hosts, "sync01": replace(estate.hosts["sync01"], os=os)}
    console = Console(a_twin(replace(estate, hosts=hosts)))
    text = console("reg", "query", "HKLM\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion").text

    assert f"CurrentBuildNumber    REG_SZ    {build}\r\n" in text
    assert f"InstallationType    REG_SZ    {kind}\r\n" in text


def test_an_installation_stands_at_its_build_and_runs() -> None:
    console = Console(a_twin(an_estate("4.6.359.0")))

    assert console.version() == "4.6.359.0"
    assert console.state() == "RUNNING"
    product = console.machine().all(Product)[0]
    assert (product.version, product.base) == ("4.6.359.0", "4.6.34.0")


def test_software_that_is_stated_to_be_absent_is_not_there() -> None:
    console = Console(a_twin(an_estate(software={"iis": False, "msoledbsql": None})))

    assert console("sc", "query", "W3SVC").code == 1060
    assert console.machine().all(Product)


def test_a_source_that_is_stated_is_where_the_product_came_from() -> None:
    console = Console(a_twin(an_estate(install_source="D:\\Sync", disk_label=LABEL)))
    key = "HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall"

    assert "InstallSource    REG_SZ    D:\\Sync\\\r\n" in console("reg", "query", key, "/s").text
    assert LABEL in console("reg", "query", "HKLM\\SOFTWARE\\Classes\\Installer\\Products", "/s").text


def test_databases_have_content_of_their_own() -> None:
    machine = a_twin().machine("sql01")
    sync, service = machine.get(Database, "|FIMSynchronizationService"), machine.get(Database, "|FIMService")

    assert sync is not None and service is not None
    assert sync.tables["metaverse"]["rows"] == 4200
    assert (sync.schema, service.schema) == (1600, 2600)
    assert sync.key_set and not service.key_set


def test_a_named_instance_has_its_own_service_and_address() -> None:
    estate = an_estate()
    named = replace(estate.databases["sync-db"], instance="MIM")
    console = Console(a_twin(replace(estate, databases={**estate.databases, "sync-db": named})))

    assert console.state() == "RUNNING"
    assert console.sql("SELECT name FROM sys.databases", "sql01\\MIM").text.count("FIMS") == 1
    assert console.sql("SELECT name FROM sys.databases").text.count("FIMS") == 1
    Console(console.twin, "sql01")("sc", "stop", "MSSQL$MIM")
    assert console.sql("SELECT name FROM sys.databases", "sql01\\MIM").code == 1


def test_media_lie_where_the_estate_says() -> None:
    estate = an_estate()
    media = {**estate.media, "sp3": replace(estate.media["sp3"], host="sync01")}
    twin = a_twin(replace(estate, media=media))

    assert Console(twin, "sync01").line("dir C:\\Media\\sp3.msp").code == 0
    assert Console(twin, "svc01").line("dir C:\\Media\\sp3.msp").code == 1
    assert Console(twin, "svc01").line("dir D:\\sp3.zip").code == 0


def test_a_medium_that_is_a_folder_holds_its_files() -> None:
    estate = an_estate()
    folder = replace(estate.media["sp3-zip"], kind="folder", path="C:\\Media\\SP3")
    console = Console(a_twin(replace(estate, media={**estate.media, "sp3-zip": folder})))

    assert console.line('dir "C:\\Media\\SP3\\Synchronization Service\\Synchronization Service.msi"').code == 0


def test_a_medium_that_nobody_declares_is_a_plain_file() -> None:
    estate = an_estate()
    odd = replace(estate.media["sp3"], id="odd", product="nobody", path="C:\\Media\\odd.msp")
    console = Console(a_twin(replace(estate, media={**estate.media, "odd": odd})))

    assert console("msiexec", "/p", "C:\\Media\\odd.msp", "/qn").code == 1636


def test_the_key_set_of_the_service_is_where_the_service_is() -> None:
    assert Console(a_twin())("sc", "query", "FIMSynchronizationService").code == 0
    assert b"bindingRedirect" in Console(a_twin()).read(f"{SYNC}\\Bin\\miiserver.exe.config")


def test_declarations_are_kept_with_the_twin_word_for_word() -> None:
    again = declarations_from(declarations_to(DECLARATIONS))
    assert raise_in_memory(an_estate(), again, Clock()).state == a_twin().state


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("twin: x\npackges: {}\n", "Did you mean 'packages'"),
        ("twin: x\ncomponents: {a: {package: b, folder: C}}\n", "The package 'b' is not known"),
        ("twin: x\nmedia: [{kind: 3}]\n", "must be text"),
        ("twin: x\nmedia: [{kind: msp, is: {patch: y}}]\n", "The patch 'y' is not known"),
        ("twin: x\npackages: {a: {title: A, file: f, source: s, bases: [4.6]}}\n", "'bases' must be text"),
        ("twin: x\npackages: {a: {title: A, file: f, source: s, bases: ['4.6']}}\n", "'4.6' is not a build"),
        ("twin: x\nmedia: [{kind: msp, is: {pach: y}}]\n", "Did you mean 'patch'"),
        ("twin: x\npersons: [{step: a, installs: [y]}]\n", "The component 'y' is not known"),
        ("twin: x\npersons: [{step: a, reads: y}]\n", "The component 'y' is not known"),
        ("", "."),
    ],
)
def test_a_mistake_in_a_declaration_is_reported_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "twin.yaml"
    path.write_text(text)
    with pytest.raises(BadInput) as caught:
        read_declarations({"x": path})

    assert message in str(caught.value)
    assert str(path) in str(caught.value)
