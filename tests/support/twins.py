"""A small estate and its twin: one Synchronization Service, one Service, one SQL Server."""

from __future__ import annotations

from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import handrail
from handrail.hosts import powershell
from handrail.hosts.protocol import Command, Exited
from handrail.model.estate import Account, Database, Deployment, Estate, Host, Installation, Medium
from handrail.twin.declarations import Declarations, read_declarations
from handrail.twin.host import TwinHost
from handrail.twin.machine import Machine
from handrail.twin.raising import raise_in_memory
from handrail.twin.world import Twin

T = TypeVar("T")

TWIN_YAML = Path(handrail.__file__).parent / "products" / "mim" / "twin.yaml"
DECLARATIONS: Declarations = read_declarations({"mim": TWIN_YAML})
SYNC = "C:\\Program Files\\Microsoft Forefront Identity Manager\\2010\\Synchronization Service"
SERVICE = "FIMSynchronizationService"
SOURCE = "E:\\Synchronization Service"
HOTFIX = "C:\\Media\\hotfix.msp"
PATCH = "C:\\Media\\sp3.msp"
SP2, SP3 = "C:\\Media\\SP2.iso", "C:\\Media\\SP3.iso"
UNINSTALL = "HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall"
PRODUCTS = "HKLM\\SOFTWARE\\Classes\\Installer\\Products"
LABEL = "MIM-X22-20157"

SOFTWARE = {"dotnet-framework": "4.8", "msoledbsql": "18.6.7", "vcredist-2015-2022-x64": "14.38.33130"}


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 20, 22, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def an_estate(
    build: str = "4.6.673.0",
    *,
    software: dict[str, Any] | None = None,
    host_facts: dict[str, Any] | None = None,
    **facts: Any,
) -> Estate:
    """`facts` are those of the Synchronization Service."""
    installed = {**SOFTWARE, "iis": "10.0"} if software is None else software
    return Estate(
        name="contoso",
        hosts={
            "sync01": Host("sync01", "windows-server-2019", software=installed, facts=host_facts or {}),
            "svc01": Host("svc01", "windows-server-2022", software={**SOFTWARE, "iis": "10.0"}),
            "sql01": Host("sql01", "windows-server-2019"),
            "pg01": Host("pg01", "debian-12"),
        },
        databases={
            "sync-db": Database("sync-db", "sqlserver", "sql01", SERVICE, "15.0.4375.4"),
            "service-db": Database("service-db", "sqlserver", "sql01", "FIMService", "15.0.4375.4"),
        },
        accounts={
            "svc-sync": Account("svc-sync", "CONTOSO\\svc-sync", "domain"),
            "svc-mim": Account("svc-mim", "CONTOSO\\svc-mim", "gmsa"),
        },
        media={
            one.id: one
            for one in (
                Medium("hotfix", "mim", "msp", HOTFIX, "2016-sp2", "sync", "4.6.673.0"),
                Medium("sp3", "mim", "msp", PATCH, "2016-sp3", "sync", "4.7.12.0"),
                Medium("service-sp3", "mim", "msp", "C:\\Media\\service-sp3.msp", "2016-sp3", "service", "4.7.12.0"),
                Medium("sp2-iso", "mim", "iso", SP2, "2016-sp2", None, "4.6.34.0", label="MIM_SP2"),
                Medium("sp3-iso", "mim", "iso", SP3, "2016-sp3", None, "4.7.12.0", label="MIM_SP3"),
                Medium("sp3-zip", "mim", "zip", "D:\\sp3.zip", "2016-sp3", "sync", "4.7.12.0"),
                Medium("pcns", "mim", "msi", "C:\\Media\\pcns.msi", "2016-sp3", "pcns", "4.7.12.0"),
                Medium("dotnet", "dotnet-framework", "exe", "C:\\Media\\ndp48.exe", sha256="AB" * 32),
                Medium("oledb", "msoledbsql", "msi", "C:\\Media\\msoledbsql.msi"),
            )
        },
        deployments={
            "identity": Deployment(
                "identity",
                "mim",
                (
                    Installation("identity", "sync", "sync01", build, None, "sync-db", "svc-sync", facts),
                    Installation("identity", "service", "svc01", build, None, "service-db", "svc-mim"),
                ),
            )
        },
    )


def a_twin(estate: Estate | None = None, clock: Clock | None = None) -> Twin:
    return raise_in_memory(estate or an_estate(), DECLARATIONS, clock or Clock())


def done(work: Coroutine[Any, Any, T]) -> T:
    """What a coroutine returns that never waits, as none of the twin does."""
    try:
        work.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    raise AssertionError("the twin waited for something")


class Console:
    """Somebody at a host: one logon session."""

    def __init__(self, twin: Twin, host: str = "sync01") -> None:
        found = twin.host(host)
        assert isinstance(found, TwinHost)
        self.twin, self.host = twin, found

    def __call__(self, *argv: str, stdin: bytes = b"", cwd: str | None = None, secrets: tuple[str, ...] = ()) -> Exited:
        outcome = done(self.host.execute(Command(argv, stdin=stdin, cwd=cwd, secrets=secrets)))
        assert isinstance(outcome, Exited)
        return outcome

    def line(self, text: str) -> Exited:
        """Through `cmd /c`, as one text."""
        return self("cmd", "/c", text)

    def script(self, name: str, *arguments: str) -> Exited:
        outcome = done(self.host.execute(powershell.command(name, *arguments)))
        assert isinstance(outcome, Exited)
        return outcome

    def sql(self, query: str, server: str = "sql01") -> Exited:
        return self("sqlcmd", "-S", server, "-E", "-b", "-W", "-w", "65535", "-s", "|", "-Q", query)

    def as_system(self, *lines: str) -> None:
        """Run batch lines as a task of the operating system."""
        done(self.host.write("C:\\job.cmd", "\r\n".join(("@echo off", *lines)).encode()))
        assert (
            self(
                "schtasks",
                "/create",
                "/tn",
                "T",
                "/tr",
                "C:\\job.cmd",
                "/sc",
                "once",
                "/st",
                "00:00",
                "/ru",
                "SYSTEM",
                "/f",
            ).code
            == 0
        )
        assert self("schtasks", "/run", "/tn", "T").code == 0

    def state(self, service: str = SERVICE) -> str:
        return self("sc", "query", service).text.split("STATE")[1].split()[2]

    def version(self, file: str = f"{SYNC}\\Bin\\miiserver.exe") -> str:
        return self.script("file-version", file).text.strip()

    def read(self, path: str) -> bytes:
        return done(self.host.read(path))

    def machine(self) -> Machine:
        """The ground truth of the host, for looking only."""
        return self.twin.machine(self.host.name)


def prepared(console: Console) -> None:
    """The service stopped, E: mapped for everybody, and the right files in the installation source."""
    assert console("sc", "stop", SERVICE).code == 0
    console.line('mkdir "C:\\Patch\\Synchronization Service"')
    console.as_system("subst E: C:\\Patch")
    console.script("mount-image", SP2)
    letter = console.script("mounted-media").text[:2]
    assert console("robocopy", f"{letter}\\Synchronization Service", SOURCE, "/E").code < 8
    console.script("dismount-image", SP2)


def patched(console: Console, file: str = PATCH, *more: str) -> Exited:
    return console(
        "msiexec",
        "/p",
        file,
        "REINSTALL=ALL",
        "REINSTALLMODE=emus",
        "/qn",
        *(more or ("/norestart",)),
        "/l*v",
        "C:\\log.txt",
    )


def log(console: Console) -> str:
    return console.read("C:\\log.txt").decode("utf-16")
