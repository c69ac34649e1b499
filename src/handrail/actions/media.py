"""Installation media: folders, archives and images."""

from __future__ import annotations

import ntpath
from dataclasses import dataclass
from typing import ClassVar, Literal

from handrail.actions import files
from handrail.actions.base import Base, Check
from handrail.actions.protocol import ActFailed, Action, Evidence, Observation, Receipt
from handrail.errors import BadInput
from handrail.hosts import powershell
from handrail.hosts.protocol import Host
from handrail.hosts.windows_jobs import ROOT, safe_name
from handrail.model.version import compared
from handrail.probing.media import Mounted, mounted
from handrail.probing.shell import MINUTES, complaint, execute, run, said

MediumKind = Literal["iso", "zip", "folder", "msi", "msp", "exe"]


def extracted_to(archive: str) -> str:
    """Where an archive is unpacked: a folder of ours, the same one every time."""
    return ntpath.join(ROOT, "media", safe_name(archive))


async def _root(host: Host, path: str, kind: MediumKind) -> str | None:
    """Where the contents can be read; None while the medium is not open."""
    if kind == "iso":
        drives = [one.drive for one in await mounted(host) if one.image.casefold() == path.casefold()]
        return drives[0] + "\\" if drives else None
    where = extracted_to(path) if kind == "zip" else path
    if not await files.is_there(host, where):
        return None
    return where if kind in ("zip", "folder") else ntpath.dirname(path)


async def _script(host: Host, name: str, *arguments: str) -> Evidence:
    answer = await execute(host, powershell.command(name, *arguments, timeout=60 * MINUTES))
    evidence = Evidence(exit=answer.code, log=said(answer))
    if answer.code == powershell.ABSENT:
        raise ActFailed(f"{arguments[0]} is not there", evidence)
    if answer.code != 0:
        raise ActFailed(f"{name} of {arguments[0]} failed: {complaint(answer)}", evidence)
    return evidence


@dataclass(frozen=True, slots=True)
class OpenMedia(Base):
    """Make the contents of a medium readable: mount an image, unpack an archive, find a folder.

    Another medium may lie under the same name. With `label` an image is the right one only when that is its label; with
    `file` and `build` a medium is only when that file in it has that version. What is open and is not the right one is
    closed.
    """

    outputs: ClassVar[tuple[str, ...]] = ("root",)

    path: str
    kind_: MediumKind
    label: str | None = None
    file: str | None = None
    build: str | None = None

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        root = await _root(host, self.path, self.kind_)
        evidence = {"path": self.path, "kind": self.kind_, "root": root}
        if root is None:
            return Observation("not_done", f"{self.path} is not open", evidence)
        if other := await self._other(host, root):
            return Observation("not_done", other, evidence)
        return Observation("done", f"{self.path} can be read at {root}", evidence, {"root": root})

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        asked = bool(self.label or self.file)
        if asked and await _root(host, self.path, self.kind_) is not None:
            await self._close(host, receipt)
        if self.kind_ == "iso":
            evidence = await _script(host, "mount-image", self.path)
        elif self.kind_ == "zip":
            evidence = await _script(host, "expand-archive", self.path, extracted_to(self.path))
        else:
            evidence = Evidence()
        root = await _root(host, self.path, self.kind_) if asked else None
        if root is not None and (other := await self._other(host, root)):
            await self._close(host, receipt)
            raise ActFailed(other, evidence)
        if root is None and self.kind_ not in ("iso", "zip"):
            raise ActFailed(f"{self.path} is not there")
        return evidence

    async def _close(self, host: Host, receipt: Receipt) -> None:
        if self.kind_ in ("iso", "zip"):
            await CloseMedia(self.path, self.kind_).do(host, receipt)

    async def _other(self, host: Host, root: str) -> str:
        """What says that another medium is open under this path; empty when none does."""
        if self.kind_ == "iso" and self.label:
            labels = [one.label for one in await mounted(host) if one.image.casefold() == self.path.casefold()]
            wrong = [one for one in labels if one.casefold() != self.label.casefold()]
            if wrong:
                return f"{self.path} is another medium: its label is {wrong[0] or 'empty'}, not {self.label}"
        if self.file and self.build:
            seen = await files.version(host, ntpath.join(root, self.file))
            if seen is None or compared(seen, self.build) != 0:
                found = f"its {self.file} is {seen}" if seen else f"there is no {self.file} in it"
                return f"{self.path} is another medium: {found}, not {self.build}"
        return ""

    def undo(self, before: Observation) -> Action | None:
        return CloseMedia(self.path, self.kind_) if before.state == "not_done" else None


@dataclass(frozen=True, slots=True)
class CloseMedia(Base):
    """Unmount an image, or delete what we unpacked from an archive; a folder stays as it is."""

    path: str
    kind_: MediumKind

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        root = await _root(host, self.path, self.kind_) if self.kind_ in ("iso", "zip") else None
        evidence = {"path": self.path, "kind": self.kind_, "root": root}
        if root is None:
            return Observation("done", f"{self.path} is not open", evidence)
        return Observation("not_done", f"{self.path} is open at {root}", evidence)

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        if self.kind_ == "iso":
            return await _script(host, "dismount-image", self.path)
        answer = await run(host, "cmd", "/c", "rmdir", "/s", "/q", extracted_to(self.path), timeout=10 * MINUTES)
        return Evidence(exit=answer.code, log=said(answer))

    def undo(self, before: Observation) -> Action | None:
        return OpenMedia(self.path, self.kind_) if before.state == "not_done" else None


@dataclass(frozen=True, slots=True)
class NotMounted(Check):
    """Check that a medium is in no drive, by its image's path or by its label."""

    path: str | None = None
    label: str | None = None

    def __post_init__(self) -> None:
        if not self.path and not self.label:
            raise BadInput("media.not_mounted needs path or label.", "Give the medium's path, its label, or both.")

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        found = [one for one in await mounted(host) if self._is_it(one)]
        evidence = {"mounted": [{"drive": one.drive, "label": one.label, "image": one.image} for one in found]}
        if found:
            return Observation("not_done", f"{found[0].label or found[0].image} is in {found[0].drive}", evidence)
        return Observation("done", f"{self.label or self.path} is in no drive", evidence)

    def _is_it(self, one: Mounted) -> bool:
        by_path = bool(self.path) and one.image.casefold() == str(self.path).casefold()
        return by_path or (bool(self.label) and one.label.casefold() == str(self.label).casefold())
