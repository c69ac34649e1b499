"""A management server of Virtual Machine Manager, as far as a machine out of Wine can look like one, discovered over a
real sshd: its registry and its service are Wine's; the program behind that, its cmdlet and SQL Server are the lab's
stand-ins. (Identity Manager is discovered, and upgraded, by `test_sp3_on_wine.py`.)"""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.lab.wine import build as lab
from tests.support import wine
from tests.support.command import handrail
from tests.support.wine import WineMachine

from handrail.documents.nodes import read_yaml

pytestmark = pytest.mark.real

FOLDER = r"C:\Program Files\Microsoft System Center\Virtual Machine Manager"
BUILD = "3.2.8145.0"
SERVER = r"HKLM\SOFTWARE\Microsoft\Microsoft System Center Virtual Machine Manager Server"
UNINSTALL = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall\{59518B15-FC64-4CF9-A4D1-0EE1B4A63088}"
SERVICE = r"HKLM\SYSTEM\CurrentControlSet\Services\SCVMMService"
REGISTRY = (
    (r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion", "CurrentBuildNumber", "9600"),
    (UNINSTALL, "DisplayName", "Microsoft System Center 2012 R2 Virtual Machine Manager Server (x64)"),
    (UNINSTALL, "DisplayVersion", "3.2.7510.0"),
    (rf"{SERVER}\Setup", "InstallPath", FOLDER + "\\\\"),
    (rf"{SERVER}\Setup", "VmmServiceAccount", r"LAB\svc-vmm"),
    (rf"{SERVER}\Settings", "IndigoTcpPort", 8100),
    (rf"{SERVER}\Settings\Library", "LibraryShareName", "MSSCVMMLibrary"),
    (rf"{SERVER}\Settings\Sql", "MachineName", "sql01"),
    (rf"{SERVER}\Settings\Sql", "DatabaseName", "VirtualManagerDB"),
    (SERVICE, "ImagePath", rf"\"{FOLDER}\bin\vmmservice.exe\""),
    (SERVICE, "ObjectName", "LocalSystem"),
    (SERVICE, "Type", 16),
    (SERVICE, "Start", 3),
)


def prepare(machine: WineMachine, work: Path) -> None:
    """The list of products keeps the number of the release; the program's version tells the build."""
    tools = Path(lab.__file__).parent / "tools"
    numbers = (tools / "version.rc.in").read_text().replace("@NUMBERS@", BUILD.replace(".", ","))
    (work / "version.rc").write_text(numbers.replace("@VERSION@", BUILD))
    lab.run("x86_64-w64-mingw32-windres", work / "version.rc", "-O", "coff", "-o", work / "version.res")
    lab.compile_tool(tools / "product_service.c", work / "vmmservice.exe", work / "version.res")
    machine.bring(work / "vmmservice.exe", rf"{FOLDER}\bin\vmmservice.exe")
    machine.write(r"C:\lab\library-servers.txt", "MGR01.lab.example\nlib01.lab.example\n")
    kinds = {str: "", int: "/t REG_DWORD "}
    lines = [f'reg add "{key}" /v {name} {kinds[type(value)]}/d "{value}" /f' for key, name, value in REGISTRY]
    machine.must(" && ".join(lines))
    machine.restart()  # then the service manager knows its new service
    machine.must("sc start SCVMMService")


def test_a_management_server_is_read_from_its_registry_its_program_and_its_cmdlet(tmp_path: Path) -> None:
    hosts, estate = tmp_path / "hosts.yaml", tmp_path / "fabric.yaml"
    with wine.machine(excused=["WSMan"]) as machine:
        prepare(machine, tmp_path)
        hosts.write_text(f"name: fabric\nhosts:\n  mgr01: {{connect: {machine.open_line().connect}}}\n")
        said = handrail("discover", hosts, "-o", estate, "--format", "json", home=tmp_path)

    assert said.code == 0, said.err
    (one,) = read_yaml(estate.read_text(), "")[0]["deployments"]["vmm"]["installations"]
    assert (one["component"], one["build"], one["host"]) == ("server", BUILD, "mgr01")
    assert one["facts"]["library_servers"] == ["lib01.lab.example"]
    missing = {each["fact"] for each in said.json["not_read"]}
    assert {f"vmm/server@mgr01.{name}" for name in ("key_storage", "dkm_container", "encrypted_settings")} <= missing
    assert "IndigoTcpPort: 8100" in estate.read_text()
    assert "LibraryShareName: MSSCVMMLibrary" in estate.read_text()
