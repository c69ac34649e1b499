"""Virtual Machine Manager: its setup, which can only ever keep the database, its update rollups, its management quotas.

Setup runs as a detached job of the system account, because it restarts the service that remote sessions live in. It is
given passwords of service accounts only on its command line; so for an account that has one, a person runs it, with an
answer file that was prepared here.
"""

from __future__ import annotations

import hashlib
import ntpath
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from handrail.actions import files, restarts, vmm_answers
from handrail.actions.base import Base, Check, Undetermined, settled
from handrail.actions.copies import copies_gone
from handrail.actions.exit_codes import NEEDS_RESTART
from handrail.actions.installer import LONGEST, _Installation
from handrail.actions.jobs import carry_out, ended
from handrail.actions.protocol import ActFailed, Action, Evidence, Observation, Receipt
from handrail.errors import BadInput, FileMissing
from handrail.hosts.protocol import Command, Host
from handrail.hosts.windows_jobs import ROOT, safe_name
from handrail.model.version import compared
from handrail.probing.media import mounted
from handrail.probing.quotas import quotas
from handrail.probing.reg_text import value_of
from handrail.probing.shell import complaint, decoded, run, said
from handrail.probing.sql_text import literal, rows_in, sql

SERVICE = "SCVMMService"
_KEY = r"HKLM\SOFTWARE\Microsoft\Microsoft System Center Virtual Machine Manager "
SERVER, CONSOLE = _KEY + "Server", _KEY + "Administrator Console"
PROGRAMS: Mapping[str, tuple[str, str]] = {
    "server": (SERVER, r"bin\vmmservice.exe"),
    "client": (CONSOLE, r"bin\VmmAdminUI.exe"),
}
"""Where setup registers a part, and the program whose version tells the build (the list of installed products keeps the
number of the release whatever rollup is applied)."""
LOG = r"C:\ProgramData\VMMLogs\SetupWizard.log"
ANSWERS = ntpath.join(ROOT, "vmm")
ABSENT_SERVICE = 1060
OK = (0, *NEEDS_RESTART)
MAX_OPERATIONS, MAX_CONNECTIONS = 1500, 300
"""What Windows itself sets (MaxConcurrentOperationsPerUser, MaxConnections). Source: Microsoft, WinRM quotas."""


def address(server: str, instance: str | None) -> str:
    return f"{server}\\{instance}" if instance else server


async def database_there(host: Host, server: str, database: str) -> bool:
    """Whether the database is on its server and online. Undetermined when the server does not say."""
    answer = await sql(host, server, f"SELECT state_desc FROM sys.databases WHERE name = {literal(database)}")
    text = decoded(answer.out)
    rows = rows_in(text)
    if answer.code != 0 or (not rows and "state_desc" not in text):
        raise Undetermined(f"{server} did not say whether {database} is there: {complaint(answer)}")
    return bool(rows) and rows[0].get("state_desc") == "ONLINE"


async def service_there(host: Host) -> bool:
    answer = await run(host, "sc", "query", SERVICE)
    if answer.code not in (0, ABSENT_SERVICE):
        raise Undetermined(f"sc query {SERVICE} on {host.name} ended with {answer.code}: {said(answer)}")
    return answer.code == 0


async def folder_of(host: Host, part: str) -> str | None:
    """Where a part is installed, as it has registered; None when it is not."""
    value = await value_of(host, PROGRAMS[part][0] + r"\Setup", "InstallPath")
    return value.data.rstrip("\\") if value is not None and value.data.strip() else None


async def build_of(host: Host, part: str) -> str | None:
    """The version of a part's program; None when it is not installed."""
    folder = await folder_of(host, part)
    return await files.version(host, ntpath.join(folder, PROGRAMS[part][1])) if folder else None


def same(seen: str | None, build: str) -> bool:
    return seen is not None and compared(seen, build) == 0


async def installed(host: Host, part: str, build: str, server: str = "", database: str = "") -> Observation:
    """Whether a part is installed at a build; of the management server also its service, what it has registered of its
    database, and the database itself."""
    version = await build_of(host, part)
    evidence: dict[str, Any] = {"version": version}
    if version is not None and (compared(version, build) or 0) > 0:
        raise Undetermined(f"the {part} on {host.name} is at {version}, newer than {build}")
    if part == "client":
        return settled(same(version, build), f"the console on {host.name} is at {version or 'no build'}", evidence)
    there = await service_there(host)
    used = await value_of(host, SERVER + r"\Settings\Sql", "DatabaseName")
    online = await database_there(host, server, database)
    evidence |= {"service": there, "uses": used.data if used else None, "database": database, "online": online}
    if not online:
        return Observation("not_done", f"{database} is not online on {server}", evidence)
    if not same(version, build):
        return Observation("not_done", f"the management server is at {version or 'no build'}, not {build}", evidence)
    if not there:
        return Observation("not_done", f"there is no service {SERVICE} on {host.name}", evidence)
    if used is None or used.data.casefold() != database.casefold():
        name = used.data if used else "no database"
        return Observation("not_done", f"the management server on {host.name} uses {name}, not {database}", evidence)
    return Observation("done", f"the management server on {host.name} is at {build} and uses {database}", evidence)


async def write_answers(host: Host, path: str, answers: Mapping[str, str]) -> None:
    """Write the answer file and read it back. ActFailed unless setup would read exactly these answers."""
    await files.make_folder(host, ntpath.dirname(path))
    await host.write(path, vmm_answers.text(answers).encode())
    await check_answers(host, path, answers)


async def check_answers(host: Host, path: str, answers: Mapping[str, str]) -> None:
    try:
        seen = vmm_answers.answers_in(decoded(await host.read(path)))
    except (FileMissing, BadInput) as wrong:
        raise ActFailed(f"the answer file {path} cannot be read back: {wrong}") from wrong
    if seen != dict(answers):
        raise ActFailed(f"the answer file {path} does not say what was written into it")


def passwordless(kind: str | None) -> bool:
    return kind in ("local-system", "gmsa")


@dataclass(frozen=True, slots=True)
class Setup(Base):
    """Uninstall Virtual Machine Manager and keep its database, or install it on a database that is there.

    `unless` is for ways back: what stands at one of these builds is left alone, and is as good as installed; whatever
    else is there is uninstalled, and the database need not be online for that, because it is put back next. `image`:
    what `media` was opened from; a restart may give it another letter.
    """

    destroys: ClassVar[bool] = True
    outputs: ClassVar[tuple[str, ...]] = ("exit", "reboot_required", "log")

    mode: Literal["uninstall", "install"]
    part: Literal["server", "client"]
    build: str
    media: str | None = None
    server: str | None = None
    instance: str | None = None
    database: str | None = None
    account: str | None = None
    account_kind: str | None = None
    container: str | None = None
    library: str | None = None
    unless: tuple[str, ...] = ()
    image: str | None = None

    def __post_init__(self) -> None:
        if self.mode == "install" and not self.media:
            raise BadInput("vmm.setup: media is missing.", "Name the folder that holds setup.exe.")
        if self.part == "client":
            return
        if not self.server or not self.database:
            raise BadInput("vmm.setup: server and database are missing.", "The database that is kept must be named.")
        if self.mode == "install" and not passwordless(self.account_kind):
            raise BadInput(
                f"vmm.setup: setup takes the password of {self.account} on its command line only, where others see it.",
                "Let a person run it: vmm.answers, then person.do.",
            )
        self.answers()

    def answers(self) -> dict[str, str]:
        """What setup is told of the server; nothing can change that the database is kept."""
        if self.part == "client":
            return {}
        if self.mode == "uninstall":
            return vmm_answers.for_uninstall()
        local = self.account_kind == "local-system"
        return vmm_answers.for_install(
            self.server or "", self.instance, self.database or "", local, self.container, self.library
        )

    def ini(self, receipt: Receipt) -> str:
        return ntpath.join(ANSWERS, safe_name(f"{receipt.run}/{receipt.step}") + ".ini")

    def command(self, receipt: Receipt, folder: str = "") -> Command:
        """Nothing is run when the answer file is gone: setup would go on with its defaults. `folder`: of setup.exe."""
        program = ntpath.join(folder or self.media or "", "setup.exe")
        setup = (program, "/" + self.part, "/i" if self.mode == "install" else "/x")
        if self.part == "client":
            argv: tuple[str, ...] = (*setup, "/IACCEPTSCEULA")
        else:
            ini = self.ini(receipt)
            argv = ("cmd", "/c", "if", "exist", ini, *setup, "/f", ini, *self._account(), "/IACCEPTSCEULA")
        return Command(argv, timeout=LONGEST)

    def _account(self) -> tuple[str, ...]:
        if self.mode == "uninstall" or self.account_kind != "gmsa":
            return ()
        domain, _, user = (self.account or "").rpartition("\\")
        return ("/VmmServiceDomain", domain, "/VmmServiceUserName", user)

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        job = await ended(host, receipt, self.command(receipt))
        seen = await (self._gone(host) if self.mode == "uninstall" else self._there(host))
        outputs = self._outputs(job.code if job else None)
        return Observation(seen.state, seen.because, {**seen.evidence, "exit": outputs["exit"]}, outputs)

    async def _gone(self, host: Host) -> Observation:
        version = await build_of(host, self.part)
        evidence: dict[str, Any] = {"version": version}
        if self._stays(version):
            return Observation("done", f"the {self.part} on {host.name} is at {version} and stays", evidence)
        away = version is None
        if self.part == "server" and self.unless:
            away = away and not await service_there(host)
        elif self.part == "server":
            kept = await database_there(host, self._where(), self.database or "")
            evidence["database"] = kept
            if not kept:
                raise Undetermined(f"{self.database} is not online on {self.server}; nothing goes on before it is")
            away = away and not await service_there(host)
        what = "is uninstalled" if away else f"is still installed, at {version or 'no build'}"
        return settled(away, f"the {self.part} on {host.name} {what}", evidence)

    async def _there(self, host: Host) -> Observation:
        version = await build_of(host, self.part) if self.unless else None
        if self._stays(version):
            because = f"the {self.part} on {host.name} is at {version} and stays"
            return Observation("done", because, {"version": version})
        return await installed(host, self.part, self.build, self._where(), self.database or "")

    def _stays(self, version: str | None) -> bool:
        return any(same(version, one) for one in self.unless)

    def _where(self) -> str:
        return address(self.server or "", self.instance)

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        is_way_back = self.mode == "uninstall" and bool(self.unless)
        version = await build_of(host, self.part) if self.mode == "uninstall" else self.build
        if not is_way_back and not same(version, self.build):
            raise ActFailed(f"what is to be uninstalled is {self.build}, and {version or 'nothing'} is installed")
        if self.part == "server":
            if not is_way_back and not await database_there(host, self._where(), self.database or ""):
                raise ActFailed(f"{self.database} is not online on {self.server}: setup is not started without it")
            await write_answers(host, self.ini(receipt), self.answers())
        job = await carry_out(host, receipt, self.command(receipt, await self._own_setup(host)))
        code = job.code if job.code is not None else -1
        await restarts.after_installer(host, receipt, code)
        evidence = Evidence(code, await _log(host) or decoded(job.out), self._outputs(code))
        if code not in OK:
            raise ActFailed(
                f"setup ended with {code}; {LOG} says why (its wizard shows the first error only)", evidence
            )
        return evidence

    async def _own_setup(self, host: Host) -> str:
        """Where what is installed has left its own setup, by which it is uninstalled."""
        if self.media:
            root = await self._root(host)
            if not await files.is_there(host, ntpath.join(root, "setup.exe")):
                because = f"there is no setup.exe in {root}: the medium is not open"
                raise ActFailed(because, Evidence(log=because))
            return root
        folder = ntpath.join(await folder_of(host, self.part) or "", "setup")
        if not await files.is_there(host, ntpath.join(folder, "setup.exe")):
            raise ActFailed(f"there is no setup.exe in {folder}; copy that folder from the medium of {self.build}")
        return folder

    async def _root(self, host: Host) -> str:
        """Where the medium is open now."""
        image = (self.image or "").casefold()
        drives = [one.drive for one in await mounted(host) if image and one.image.casefold() == image]
        return drives[0] + "\\" if drives else self.media or ""

    def _outputs(self, code: int | None) -> dict[str, Any]:
        return {"exit": code, "reboot_required": code in NEEDS_RESTART, "log": LOG}


async def _log(host: Host) -> str:
    try:
        return decoded(await host.read(LOG))[-20000:]
    except FileMissing:
        return ""


@dataclass(frozen=True, slots=True)
class Answers(Base):
    """Write the answer file with which a person installs the management server on the database that is there."""

    outputs: ClassVar[tuple[str, ...]] = ("file",)

    name: str
    server: str
    database: str
    instance: str | None = None
    account_kind: str | None = None
    container: str | None = None
    library: str | None = None

    def __post_init__(self) -> None:
        self.answers()

    def answers(self) -> dict[str, str]:
        local = self.account_kind == "local-system"
        return vmm_answers.for_install(self.server, self.instance, self.database, local, self.container, self.library)

    def path(self) -> str:
        return ntpath.join(ANSWERS, safe_name(self.name) + ".ini")

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        outputs = {"file": self.path()}
        try:
            await check_answers(host, self.path(), self.answers())
        except ActFailed as wrong:
            evidence = {**outputs, "brings": await self._brings(host)}
            return Observation("not_done", wrong.because, evidence, outputs)
        return Observation("done", f"{self.path()} keeps {self.database}", outputs, outputs)

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        await write_answers(host, self.path(), self.answers())
        return Evidence(outputs={"file": self.path()})

    async def _brings(self, host: Host) -> dict[str, str] | None:
        """The file that it adds and its SHA-256; None when one is there already."""
        if await files.is_there(host, self.path()):
            return None
        written = vmm_answers.text(self.answers()).encode()
        return {ntpath.basename(self.path()).casefold(): hashlib.sha256(written).hexdigest()}

    def undo(self, before: Observation) -> Action | None:
        return copies_gone(ntpath.dirname(self.path()), before)


@dataclass(frozen=True, slots=True)
class Installed(Check):
    """Check that a part is installed at a build; the management server also that it uses its database."""

    lasting: ClassVar[bool] = True
    outputs: ClassVar[tuple[str, ...]] = ("folder",)

    part: Literal["server", "client"]
    build: str
    server: str | None = None
    database: str | None = None
    instance: str | None = None

    def __post_init__(self) -> None:
        if self.part == "server" and not (self.server and self.database):
            raise BadInput("vmm.installed: server and database are missing.", "Name what the management server uses.")

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        where = address(self.server or "", self.instance)
        seen = await installed(host, self.part, self.build, where, self.database or "")
        outputs = {"folder": await folder_of(host, self.part)}
        return Observation(seen.state, seen.because, {**seen.evidence, **outputs}, outputs)


@dataclass(frozen=True, slots=True)
class Rollup(_Installation):
    """Apply an update rollup until the program is of its build; the list of installed products keeps the old number."""

    part: Literal["server", "client"]
    folder: str
    patch: str
    build: str
    log: str

    def command(self, receipt: Receipt) -> Command:
        patch = ntpath.join(self.folder, self.patch)
        argv = ("msiexec", "/p", patch, "/qn", "/norestart", "/l*v", self.log_of(receipt))
        return Command(argv, cwd=self.folder, timeout=LONGEST)

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        job = await ended(host, receipt, self.command(receipt))
        seen = await build_of(host, self.part)
        outputs = self._outputs(receipt, job.code if job else None)
        evidence = {"version": seen, "exit": outputs["exit"]}
        if seen is not None and (compared(seen, self.build) or 0) > 0:
            raise Undetermined(f"the {self.part} on {host.name} is at {seen}, newer than {self.build}")
        holds = same(seen, self.build) or bool(outputs["reboot_required"])
        return settled(holds, f"the {self.part} on {host.name} is at {seen or 'no build'}", evidence, outputs)


def lower(seen: Mapping[str, int]) -> bool:
    return seen["MaxConcurrentOperationsPerUser"] < MAX_OPERATIONS or seen["MaxConnections"] < MAX_CONNECTIONS


@dataclass(frozen=True, slots=True)
class ReadQuotas(Check):
    """Compare the quotas of Windows Remote Management with those that Windows sets by itself."""

    outputs: ClassVar[tuple[str, ...]] = ("lower", "operations", "connections")

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        seen = await quotas(host)
        operations, connections = seen["MaxConcurrentOperationsPerUser"], seen["MaxConnections"]
        outputs = {"lower": lower(seen), "operations": operations, "connections": connections}
        compare = "below" if outputs["lower"] else "not below"
        because = f"{operations} operations per user and {connections} connections: {compare} the defaults"
        return Observation("done", because, outputs, outputs)


@dataclass(frozen=True, slots=True)
class SetQuotas(Base):
    """Set the quotas of Windows Remote Management, by default to what Windows sets by itself."""

    lasting: ClassVar[bool] = True

    operations: int = MAX_OPERATIONS
    connections: int = MAX_CONNECTIONS

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        seen = await quotas(host)
        same = seen == {"MaxConcurrentOperationsPerUser": self.operations, "MaxConnections": self.connections}
        return Observation("done" if same else "not_done", f"the quotas are {tuple(seen.values())}", seen)

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        await files.script(host, "wsman-set-quotas", str(self.operations), str(self.connections))
        return Evidence()

    def undo(self, before: Observation) -> Action | None:
        old = before.evidence
        if not old or "MaxConnections" not in old:
            return None
        return SetQuotas(int(old["MaxConcurrentOperationsPerUser"]), int(old["MaxConnections"]))
