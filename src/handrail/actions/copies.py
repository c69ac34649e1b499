"""Copying files and folders until contents are equal, and taking away what a copy brought."""

from __future__ import annotations

import ntpath
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from handrail.actions import files
from handrail.actions.base import Base
from handrail.actions.protocol import ActFailed, Action, Evidence, Observation, Receipt
from handrail.hosts.protocol import Host
from handrail.probing.shell import MINUTES, complaint, run, said

Tool = Literal["robocopy", "xcopy"]
"""What copies folders: robocopy, or xcopy on a Windows that has no robocopy yet (before Windows Server 2008)."""

MOST = 500
"""Files that are noted one by one, so that a copy can be taken away again; a larger one stays."""


def _brings(missing: list[str], there: files.Tree, original: files.Tree) -> dict[str, str] | None:
    """What a copy adds: file -> SHA-256. None when it replaces something, which nobody can undo, or adds too much."""
    if len(missing) > MOST or any(one in there for one in missing):
        return None
    return {one: original[one].sha256 for one in missing}


def copies_gone(folder: str, before: Observation) -> Action | None:
    """The opposite of a copy that found, before it began, which files it would bring."""
    brings = before.evidence.get("brings")
    return RemoveCopies(folder, dict(brings)) if before.state == "not_done" and brings else None


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
        evidence: dict[str, Any] = {"source": self._from, "target": self.target}
        evidence |= {"files": len(original), "missing": missing[:50]}
        evidence["brings"] = _brings(missing, copy, original)
        if not original:
            return Observation("not_done", f"{self._from} is empty", evidence)
        if missing:
            return Observation("not_done", f"missing or different in {self.target}: {files.some(missing)}", evidence)
        return Observation("done", f"{len(original)} files stand equal", evidence, {"files": len(original)})

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        return await files.copy_folder(host, self._from, self.target, self.tool)

    def undo(self, before: Observation) -> Action | None:
        return copies_gone(self.target, before)


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
        evidence: dict[str, Any] = {"source": self._from, "target": self._to, "sha256": original.sha256}
        if self._is_another(original):
            return Observation("not_done", self._exchanged(original), evidence)
        copy = await files.file(host, self._to)
        evidence["brings"] = None if copy else {self.name.casefold(): original.sha256}
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
            raise ActFailed(f"{self._from} could not be copied: {complaint(answer)}", evidence)
        return evidence

    def undo(self, before: Observation) -> Action | None:
        return copies_gone(self.target, before)


@dataclass(frozen=True, slots=True)
class RemoveCopies(Base):
    """Take away files that a copy brought: those of that name that are still, byte for byte, what was copied.

    Whatever became another file meanwhile stays, and so do folders. `files` maps a path below `folder` to its SHA-256.
    """

    folder: str
    files: Mapping[str, str]

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        left = await self._left(host)
        evidence = {"folder": self.folder, "left": left[:50]}
        if left:
            return Observation("not_done", f"copies lie in {self.folder}: {files.some(left)}", evidence)
        return Observation("done", f"no such copy lies in {self.folder}", evidence)

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        left = await self._left(host)
        await files.delete(host, self.folder, left)
        return Evidence(details={"deleted": left})

    async def _left(self, host: Host) -> list[str]:
        now = await files.tree(host, self.folder) or {}
        wanted = {ntpath.normpath(name).casefold(): sha256.lower() for name, sha256 in self.files.items()}
        return sorted(name for name, one in now.items() if wanted.get(name) == one.sha256)
