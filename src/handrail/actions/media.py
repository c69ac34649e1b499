"""Installation media: folders, archives and images."""

from __future__ import annotations

import ntpath
from dataclasses import dataclass
from typing import ClassVar, Literal

from handrail.actions import files
from handrail.actions.base import Base, Check, Undetermined
from handrail.actions.protocol import ActFailed, Action, Evidence, Observation, Receipt
from handrail.actions.shell import MINUTES, execute, run, said
from handrail.errors import BadInput
from handrail.hosts import powershell
from handrail.hosts.protocol import Host
from handrail.hosts.windows_jobs import ROOT, safe_name

MediumKind = Literal["iso", "zip", "folder", "msi", "msp", "exe"]


@dataclass(frozen=True, slots=True)
class Mounted:
    """A medium in an optical drive. `image` is empty when it is no image."""

    drive: str
    label: str
    image: str


def mounted_in(text: str) -> list[Mounted] | None:
    """What `mounted-media` printed; None when a line is not understood."""
    found = []
    for line in text.splitlines():
        if line.strip():
            drive, _, rest = line.strip().partition("|")
            label, bar, image = rest.partition("|")
            if len(drive) != 2 or not drive[0].isalpha() or drive[1] != ":" or not bar:
                return None
            found.append(Mounted(drive.upper(), label, image))
    return found


async def mounted(host: Host) -> list[Mounted]:
    text = await files.script(host, "mounted-media")
    found = None if text is None else mounted_in(text)
    if found is None:
        raise Undetermined(f"which media are mounted on {host.name} is not understood")
    return found


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
        raise ActFailed(f"{name} of {arguments[0]} failed: {said(answer)}", evidence)
    return evidence


@dataclass(frozen=True, slots=True)
class OpenMedia(Base):
    """Make the contents of a medium readable: mount an image, unpack an archive, find a folder."""

    outputs: ClassVar[tuple[str, ...]] = ("root",)

    path: str
    kind_: MediumKind

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        root = await _root(host, self.path, self.kind_)
        evidence = {"path": self.path, "kind": self.kind_, "root": root}
        if root is None:
            return Observation("not_done", f"{self.path} is not open", evidence)
        return Observation("done", f"{self.path} can be read at {root}", evidence, {"root": root})

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        if self.kind_ == "iso":
            return await _script(host, "mount-image", self.path)
        if self.kind_ == "zip":
            return await _script(host, "expand-archive", self.path, extracted_to(self.path))
        raise ActFailed(f"{self.path} is not there")

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
