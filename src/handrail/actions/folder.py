"""Copying files and folders, and backups of folders. What counts is that contents are equal."""

from __future__ import annotations

import hashlib
import ntpath
from dataclasses import dataclass
from typing import ClassVar, Literal

from handrail.actions import files, receipts
from handrail.actions.base import Base, Check, Undetermined
from handrail.actions.protocol import ActFailed, Evidence, Observation, Receipt
from handrail.actions.shell import MINUTES, run, said
from handrail.errors import FileMissing
from handrail.hosts.protocol import Host
from handrail.model.signature import Kind, Settles

MANIFEST = "manifest.txt"
Tool = Literal["robocopy", "xcopy"]
"""What copies folders: robocopy, or xcopy on a Windows that has no robocopy yet (before Windows Server 2008)."""


@dataclass(frozen=True, slots=True)
class CopyFolder(Base):
    """Copy a folder, structure kept, until every file of it stands equal at the target."""

    outputs: ClassVar[tuple[str, ...]] = ("files",)

    source: str
    target: str
    subfolder: str = ""
    tool: Tool = "robocopy"

    @property
    def _from(self) -> str:
        return ntpath.join(self.source, self.subfolder) if self.subfolder else self.source

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        original = await files.tree(host, self._from)
        if original is None:
            return Observation("not_done", f"{self._from} is not there", {"source": self._from})
        copy = await files.tree(host, self.target) or {}
        missing = files.missing_in(copy, original)
        evidence = {"source": self._from, "target": self.target, "files": len(original), "missing": missing[:50]}
        if not original:
            return Observation("not_done", f"{self._from} is empty", evidence)
        if missing:
            return Observation("not_done", f"missing or different in {self.target}: {files.some(missing)}", evidence)
        return Observation("done", f"{len(original)} files stand equal", evidence, {"files": len(original)})

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        return await files.copy_folder(host, self._from, self.target, self.tool)


@dataclass(frozen=True, slots=True)
class CopyFile(Base):
    """Copy one file into a folder, over one of the same name, until both are equal.

    With `sha256` the original must be that very file: a damaged or exchanged medium is never copied.
    """

    outputs: ClassVar[tuple[str, ...]] = ("path", "sha256")

    source: str
    name: str
    target: str
    subfolder: str = ""
    sha256: str | None = None

    @property
    def _from(self) -> str:
        return ntpath.join(self.source, self.subfolder, self.name)

    @property
    def _to(self) -> str:
        return ntpath.join(self.target, self.name)

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        original = await files.file(host, self._from)
        if original is None:
            return Observation("not_done", f"{self._from} is not there", {"source": self._from})
        evidence = {"source": self._from, "target": self._to, "sha256": original.sha256}
        if self._is_another(original):
            return Observation("not_done", self._exchanged(original), evidence)
        copy = await files.file(host, self._to)
        if copy == original:
            return Observation("done", f"{self._to} is equal", evidence, {"path": self._to, "sha256": copy.sha256})
        because = f"{self._to} is not there" if copy is None else f"{self._to} is another file than {self._from}"
        return Observation("not_done", because, evidence)

    def _is_another(self, original: files.File) -> bool:
        return self.sha256 is not None and original.sha256 != self.sha256.lower()

    def _exchanged(self, original: files.File) -> str:
        return f"{self._from} is not the file meant: its SHA-256 is {original.sha256}, not {self.sha256}"

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        original = await files.file(host, self._from) if self.sha256 else None
        if original is not None and self._is_another(original):
            raise ActFailed(self._exchanged(original))
        await files.make_folder(host, self.target)
        answer = await run(host, "cmd", "/c", "copy", "/y", self._from, self._to, timeout=60 * MINUTES)
        evidence = Evidence(exit=answer.code, log=said(answer))
        if answer.code != 0:
            raise ActFailed(f"{self._from} could not be copied: {said(answer)}", evidence)
        return evidence


def manifest(folder: str, tree: files.Tree) -> bytes:
    lines = [f"{one.sha256}|{one.size}|{name}" for name, one in sorted(tree.items())]
    return "\n".join([f"folder|{folder}", *lines, ""]).encode()


def manifest_in(data: bytes) -> tuple[str, files.Tree] | None:
    """The folder that was backed up and its files; None when this is no manifest."""
    head, _, rest = data.decode("utf-8", "replace").partition("\n")
    tree = files.tree_in(rest)
    if not head.startswith("folder|") or tree is None:
        return None
    return head.removeprefix("folder|").strip(), tree


async def _manifest_of(host: Host, path: str) -> tuple[str, files.Tree]:
    found = manifest_in(await host.read(path))
    if found is None:
        raise Undetermined(f"{path} on {host.name} is no manifest of a backup")
    return found


@dataclass(frozen=True, slots=True)
class BackUpFolder(Base):
    """Copy a folder to where backups lie and write down the hash of every file."""

    settles: ClassVar[Settles] = "receipt"
    kind: ClassVar[Kind] = "back-up"
    repeatable: ClassVar[bool] = True
    outputs: ClassVar[tuple[str, ...]] = ("folder", "manifest", "sha256")

    folder: str
    to: str
    tool: Tool = "robocopy"

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        below = receipts.folder_below(self.to, receipt)
        path = ntpath.join(below, MANIFEST)
        evidence = {"folder": self.folder, "backup": ntpath.join(below, "files")}
        try:
            data = await host.read(path)
        except FileMissing:
            return Observation("not_done", f"this attempt has made no backup of {self.folder}", evidence)
        listed = manifest_in(data)
        if listed is None:
            return Observation("not_done", f"{path} is no manifest of a backup", evidence)
        copy = await files.tree(host, evidence["backup"]) or {}
        missing = files.missing_in(copy, listed[1])
        if missing:
            return Observation("not_done", f"missing or different in the backup: {files.some(missing)}", evidence)
        outputs = {"folder": evidence["backup"], "manifest": path, "sha256": hashlib.sha256(data).hexdigest()}
        return Observation("done", f"{len(listed[1])} files are backed up", {**evidence, **outputs}, outputs)

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        below = receipts.folder_below(self.to, receipt)
        original = await files.tree(host, self.folder)
        if not original:
            raise ActFailed(f"{self.folder} is not there or empty: there is nothing to back up")
        evidence = await files.copy_folder(host, self.folder, ntpath.join(below, "files"), self.tool)
        # The manifest is the original's, so a copy that went wrong can never prove itself.
        await host.write(ntpath.join(below, MANIFEST), manifest(self.folder, original))
        return evidence


@dataclass(frozen=True, slots=True)
class ProveFolder(Check):
    """Prove a folder's backup: read every file back and compare it with the manifest."""

    kind: ClassVar[Kind] = "prove"

    backup: str
    folder: str
    manifest: str | None = None

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        path = self.manifest or ntpath.join(ntpath.dirname(self.backup), MANIFEST)
        folder, listed = await _manifest_of(host, path)
        evidence = {"backup": self.backup, "folder": folder, "files": len(listed)}
        if folder.casefold() != self.folder.casefold():
            return Observation("not_done", f"{self.backup} is a backup of {folder}, not of {self.folder}", evidence)
        copy = await files.tree(host, self.backup) or {}
        missing = files.missing_in(copy, listed)
        if missing or not listed:
            because = f"missing or damaged in the backup: {files.some(missing) or 'everything'}"
            return Observation("not_done", because, {**evidence, "missing": missing[:50]})
        return Observation("done", f"{len(listed)} files were read back and are right", evidence)
