"""Backups of folders: a copy, and a list of what it has to hold. What counts is that contents are equal."""

from __future__ import annotations

import hashlib
import ntpath
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from handrail.actions import files, receipts
from handrail.actions.base import Base, Check, Undetermined
from handrail.actions.copies import Tool
from handrail.actions.protocol import ActFailed, Action, Evidence, Observation, Receipt
from handrail.errors import FileMissing
from handrail.hosts.protocol import Host
from handrail.model.signature import Kind, Settles
from handrail.probing.shell import run

MANIFEST = "manifest.txt"


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
    afresh: ClassVar[bool] = True
    outputs: ClassVar[tuple[str, ...]] = ("folder", "manifest", "sha256", "bytes", "made_at")

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
        outputs = {
            "folder": evidence["backup"],
            "manifest": path,
            "sha256": hashlib.sha256(data).hexdigest(),
            "bytes": sum(one.size for one in listed[1].values()),
            "made_at": receipt.since,
        }
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

    def restore(self, made: Mapping[str, Any]) -> tuple[Action, ...]:
        backup, listed, sha256 = (str(made[name]) for name in ("folder", "manifest", "sha256"))
        return (RestoreFolder(backup, self.folder, listed, sha256, self.tool),)


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


@dataclass(frozen=True, slots=True)
class RestoreFolder(Base):
    """Put a folder back from its backup: every file as it was, and none that was not there.

    It refuses a backup that is not whole, and begins with nothing while somebody keeps open what would change. Folders
    themselves stay, for they carry rights that no backup has. Done halfway, it is gone on with.
    """

    destroys: ClassVar[bool] = True
    repeatable: ClassVar[bool] = True
    outputs: ClassVar[tuple[str, ...]] = ("files",)

    backup: str
    folder: str
    manifest: str | None = None
    sha256: str | None = None
    tool: Tool = "robocopy"

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        listed = await self._listed(host)
        now = await files.tree(host, self.folder) or {}
        wrong, more = _differences(now, listed)
        evidence = {"folder": self.folder, "backup": self.backup, "wrong": wrong[:50], "more": more[:50]}
        if wrong:
            because = f"missing or different in {self.folder}: {files.some(wrong)}"
            return Observation("not_done", because, evidence)
        if more:
            because = f"not there when {self.folder} was backed up: {files.some(more)}"
            return Observation("not_done", because, evidence)
        return Observation("done", f"{len(listed)} files are as they were", evidence, {"files": len(listed)})

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        listed = await self._listed(host)
        copy = await files.tree(host, self.backup) or {}
        damaged = files.missing_in(copy, listed)
        if damaged or not listed:
            what = files.some(damaged) or "everything"
            raise ActFailed(f"nothing was touched, for in the backup {self.backup} is missing or damaged: {what}")
        now = await files.tree(host, self.folder) or {}
        wrong, more = _differences(now, listed)
        goes = [one for one in (*more, *wrong) if one in now]
        held = sorted(set(goes) & set(await files.in_use(host, self.folder)))
        if held:
            raise ActFailed(f"nothing was touched, for these files are open in a program: {files.some(held)}")
        await files.delete(host, self.folder, goes)
        await self._empty_folders(host)
        await files.make_folder(host, self.folder)
        return await files.copy_folder(host, self.backup, self.folder, self.tool)

    async def _listed(self, host: Host) -> files.Tree:
        """What the backup has to hold. ActFailed when the list is another one than was noted."""
        path = self.manifest or ntpath.join(ntpath.dirname(self.backup), MANIFEST)
        data = await host.read(path)
        listed = manifest_in(data)
        if listed is None or (self.sha256 is not None and hashlib.sha256(data).hexdigest() != self.sha256.lower()):
            raise Undetermined(f"{path} on {host.name} is no longer the manifest of that backup")
        if listed[0].casefold() != self.folder.casefold():
            raise Undetermined(f"{self.backup} is a backup of {listed[0]}, not of {self.folder}")
        return listed[1]

    async def _empty_folders(self, host: Host) -> None:
        """Take away folders that the backup has not, where nothing is in them any more."""
        there, kept = await files.folders(host, self.folder), await files.folders(host, self.backup)
        for one in sorted(set(there or ()) - set(kept or ()), reverse=True) if kept is not None else ():
            await run(host, "cmd", "/c", "rmdir", ntpath.join(self.folder, one))


def _differences(now: files.Tree, listed: files.Tree) -> tuple[list[str], list[str]]:
    """Files that are missing or different, and files that are too many."""
    return files.missing_in(now, listed), sorted(set(now) - set(listed))
