"""Windows Installer: packages, patches and the sources that they were installed from.

Whether something is installed is read from the registry's list and from the version of a file, never from an exit
code, and never through Win32_Product, which repairs whatever it lists.
"""

from __future__ import annotations

import ntpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from handrail.actions import files, receipts, restarts
from handrail.actions.base import Base, Check, Undetermined
from handrail.actions.exit_codes import NEEDS_RESTART
from handrail.actions.exit_codes import installer as meaning
from handrail.actions.installer_log import cause, kept
from handrail.actions.jobs import carry_out, ended
from handrail.actions.protocol import ActFailed, Evidence, Observation, Receipt
from handrail.errors import BadInput, FileMissing
from handrail.hosts.protocol import Command, Host
from handrail.model.signature import Settles
from handrail.model.version import compared
from handrail.probing.reg_text import packed, product, value_of
from handrail.probing.shell import MINUTES, decoded

PRODUCTS = r"HKLM\SOFTWARE\Classes\Installer\Products"
LONGEST = 4 * 60 * MINUTES
"""Seconds that an installer may run before we stop waiting (it goes on, and we find it again)."""

PATCH_PROPERTIES: Mapping[str, str] = {"REINSTALL": "ALL", "REINSTALLMODE": "emus"}


@dataclass(frozen=True, slots=True)
class InstallerSource(Check):
    """Read where a product was installed from, which is where its patches look for it."""

    outputs: ClassVar[tuple[str, ...]] = ("path", "drive", "product_code", "build", "package")

    product: str

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        found = await product(host, self.product)
        if found is None:
            return Observation("not_done", f"no product on {host.name} fits {self.product!r}")
        if not found.source:
            return Observation("not_done", f"{found.name} does not say where it was installed from")
        path = found.source.rstrip("\\") if not found.source.endswith(":\\") else found.source
        code = packed(found.code)
        name = await value_of(host, f"{PRODUCTS}\\{code}\\SourceList", "PackageName") if code else None
        outputs = {
            "path": path,
            "drive": ntpath.splitdrive(path)[0].upper() if path[1:2] == ":" else "",
            "product_code": found.code,
            "build": found.version,
            "package": name.data if name else None,
        }
        return Observation("done", f"{found.name} was installed from {path}", {"name": found.name, **outputs}, outputs)


@dataclass(frozen=True, slots=True)
class CheckPackage(Check):
    """Check by its product version, not by its name, that a folder holds the right package."""

    outputs: ClassVar[tuple[str, ...]] = ("product_code", "version")

    folder: str
    name: str
    version: str

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        path = ntpath.join(self.folder, self.name)
        text = await files.script(host, "msi-version", path)
        if text is None:
            return Observation("not_done", f"{path} is not there", {"path": path})
        properties = dict(line.strip().split("=", 1) for line in text.splitlines() if "=" in line)
        seen = properties.get("ProductVersion", "")
        same = compared(seen, self.version)
        if same is None:
            raise Undetermined(f"the product version of {path} is not understood: {seen[:80]!r}")
        evidence = {"path": path, "version": seen, "name": properties.get("ProductName", "")}
        outputs = {"product_code": properties.get("ProductCode"), "version": seen}
        if same == 0:
            return Observation("done", f"{path} is version {seen}", evidence, outputs)
        return Observation("not_done", f"{path} is version {seen}, not {self.version}", evidence, outputs)


async def look_at(host: Host, pattern: str, build: str, file: str | None, restart: bool) -> Observation:
    """Whether a product is installed at a build, as its list entry and its file both say.

    `restart`: the installer asked for one, so that a file which was in use keeps its old version until then.
    """
    found = await product(host, pattern)
    listed = found.version if found else None
    seen = await files.version(host, file) if file else None
    evidence = {"product": found.name if found else None, "listed": listed, "file": file, "file_version": seen}
    if found is None:
        return Observation("not_done", f"no product on {host.name} fits {pattern!r}", evidence)
    by_list = compared(listed or "", build)
    by_file = compared(seen, build) if seen else None
    if by_list is None:
        raise Undetermined(f"{found.name} lists {listed!r} as its version, which is none")
    if by_list > 0 or (by_file or 0) > 0:
        newer = listed if by_list > 0 else seen
        raise Undetermined(f"{found.name} is at {newer} already, newer than {build}")
    if by_list == 0 and (file is None or by_file == 0):
        return Observation("done", f"{found.name} is at {build}", evidence)
    if by_list == 0 and restart:
        return Observation("done", f"{found.name} is at {build}; a restart will complete it", evidence)
    if file and by_file is None:
        return Observation("not_done", f"{file} is not there", evidence)
    return Observation(
        "not_done", f"{found.name} is listed at {listed}" + (f", {file} is {seen}" if file else ""), evidence
    )


class InstallerJob(Base):
    """What a job that runs msiexec does; its log tells why it failed."""

    __slots__ = ()

    outputs: ClassVar[tuple[str, ...]] = ("exit", "reboot_required", "began", "log")
    destroys: ClassVar[bool] = True

    log: str

    def log_of(self, receipt: Receipt) -> str:
        """A log of its own for every run and attempt: an older one must not be taken for this one's."""
        stem, dot = ntpath.splitext(self.log)
        run = re.sub(r"[^A-Za-z0-9._-]+", "-", receipt.run)
        return f"{stem}-{run}-{receipt.attempt}{dot}"

    async def carried_out(self, host: Host, receipt: Receipt, command: Command) -> Evidence:
        """Run msiexec as this attempt's job. ActFailed with the cause that its log gives."""
        await files.make_folder(host, ntpath.dirname(self.log))  # or it ends with 1622 and has done nothing
        job = await carry_out(host, receipt, command)
        code = job.code if job.code is not None else -1
        await restarts.after_installer(host, receipt, code)
        text = await self._log_text(host, receipt)
        says = meaning(code)
        outputs = self._outputs(receipt, code)
        details = {"meaning": says.name, "cause": cause(text)}
        evidence = Evidence(code, kept(text) or decoded(job.out), outputs, details)
        if says.kind not in ("ok", "restart", "restarting"):
            why = f": {details['cause'].splitlines()[0]}" if details["cause"] else ""
            raise ActFailed(f"Windows Installer ended with {code}, {says.says}{why}", evidence)
        return evidence

    def _outputs(self, receipt: Receipt, code: int | None) -> dict[str, Any]:
        restart = code in NEEDS_RESTART
        return {"exit": code, "reboot_required": restart, "began": receipt.since, "log": self.log_of(receipt)}

    async def _log_text(self, host: Host, receipt: Receipt) -> str:
        try:
            return decoded(await host.read(self.log_of(receipt)))
        except FileMissing:
            return ""


class _Installation(InstallerJob):
    """A product is brought to a build."""

    __slots__ = ()

    installs: ClassVar[bool] = True

    product: str
    build: str
    file: str | None

    def command(self, receipt: Receipt) -> Command:
        raise NotImplementedError

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        job = await ended(host, receipt, self.command(receipt))
        restart = job is not None and job.code in NEEDS_RESTART
        seen = await look_at(host, self.product, self.build, self.file, restart)
        outputs = self._outputs(receipt, job.code if job else None)
        outputs["reboot_required"] = await restarts.is_due(host, receipt, outputs["exit"])
        evidence = {**seen.evidence, "exit": outputs["exit"], **await restarts.boot_evidence(host, receipt)}
        return Observation(seen.state, seen.because, evidence, outputs)

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        return await self.carried_out(host, receipt, self.command(receipt))


def _arguments(properties: Mapping[str, str], log: str) -> tuple[str, ...]:
    return (*(f"{name}={value}" for name, value in properties.items()), "/qn", "/norestart", "/l*v", log)


def _harmless(uses: str, properties: Mapping[str, str]) -> None:
    for name in properties:
        if any(word in name.upper() for word in ("PASSWORD", "PASSWD", "PWD", "SECRET")):
            raise BadInput(
                f"{uses}: the property {name} would show a secret in the list of processes and in the log.",
                "Use a managed account, or let a person type it: person.do.",
            )


@dataclass(frozen=True, slots=True)
class Patch(_Installation):
    """Apply a patch to an installed product until list entry and file are at its build."""

    folder: str
    patch: str
    product: str
    build: str
    log: str
    file: str | None = None
    properties: Mapping[str, str] = field(default_factory=lambda: dict(PATCH_PROPERTIES))

    def __post_init__(self) -> None:
        _harmless("installer.patch", self.properties)

    def command(self, receipt: Receipt) -> Command:
        patch = ntpath.join(self.folder, self.patch)
        argv = ("msiexec", "/p", patch, *_arguments(self.properties, self.log_of(receipt)))
        return Command(argv, cwd=self.folder, timeout=LONGEST)


@dataclass(frozen=True, slots=True)
class Install(_Installation):
    """Install a package, or upgrade what is installed by it, until list entry and file are at its build."""

    package: str
    product: str
    build: str
    log: str
    file: str | None = None
    properties: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _harmless("installer.install", self.properties)

    def command(self, receipt: Receipt) -> Command:
        argv = ("msiexec", "/i", self.package, *_arguments(self.properties, self.log_of(receipt)))
        return Command(argv, cwd=ntpath.dirname(self.package), timeout=LONGEST)


@dataclass(frozen=True, slots=True)
class Extract(Base):
    """Unpack a package, and patches into it, into a folder; nothing is installed. Without a package there is nothing to
    unpack, and no folder."""

    settles: ClassVar[Settles] = "receipt"
    repeatable: ClassVar[bool] = True
    outputs: ClassVar[tuple[str, ...]] = ("folder",)

    package: str | None
    to: str
    patches: tuple[str, ...] = ()

    def _folder(self, receipt: Receipt) -> str:
        return receipts.folder_below(self.to, receipt)

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        if self.package is None:
            return Observation("done", "there is no package to unpack", {}, {"folder": None})
        folder = self._folder(receipt)
        if await receipts.found(host, receipt) is None:
            return Observation("not_done", f"this attempt has not unpacked {self.package}", {"folder": folder})
        tree = await files.tree(host, folder)
        if not tree:
            return Observation("not_done", f"{folder} is empty", {"folder": folder})
        because = f"{ntpath.basename(self.package)} is unpacked into {folder}"
        return Observation("done", because, {"folder": folder, "files": len(tree)}, {"folder": folder})

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        if self.package is None:
            return Evidence(details={"acted": False})
        folder = self._folder(receipt)
        await files.make_folder(host, folder)
        lines: list[tuple[str, ...]] = [("msiexec", "/a", self.package, f"TARGETDIR={folder}", "/qn")]
        copy = ntpath.join(folder, ntpath.basename(self.package))
        lines += [("msiexec", "/a", copy, "/p", one, "/qn") for one in self.patches]
        for number, argv in enumerate(lines, 1):
            # Every command is a job of its own, found again under its own name.
            job = replace(receipt, step=f"{receipt.step}-{number}")
            state = await carry_out(host, job, Command(argv, timeout=LONGEST))
            code = state.code if state.code is not None else -1
            if meaning(code).kind not in ("ok", "restart"):
                what = f"Windows Installer ended with {code}, {meaning(code).says}: {' '.join(argv[1:])}"
                raise ActFailed(what, Evidence(code, decoded(state.out)))
        await receipts.leave(host, receipt, {"folder": folder})
        return Evidence(0, details={"commands": len(lines)})
