"""Drives that stand for a folder (`subst`).

A mapping belongs to a logon session. One that SYSTEM made is seen in every session until the machine restarts, which
is why it is made by a scheduled task and not over our own line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, ClassVar

from handrail.actions import files
from handrail.actions.base import Base, Undetermined
from handrail.actions.jobs import carry_out
from handrail.actions.protocol import ActFailed, Action, Evidence, Observation, Receipt
from handrail.errors import BadInput
from handrail.hosts.protocol import Command, Host
from handrail.probing.shell import MINUTES, decoded, run, said

DRIVE: dict[str, Any] = {"schema": {"type": "string", "pattern": "^([A-Za-z]:)?$"}}
PROBE = "handrail.probe"

_LINE = re.compile(r"^([A-Z]):\\: => (.+)$", re.IGNORECASE)


def mappings_in(text: str) -> dict[str, str] | None:
    """Drive (`E:`) -> folder, as `subst` lists them; None when a line is not understood."""
    mappings: dict[str, str] = {}
    for line in text.splitlines():
        if line.strip():
            found = _LINE.match(line.strip())
            if not found:
                return None
            mappings[found[1].upper() + ":"] = found[2].strip()
    return mappings


async def mappings(host: Host) -> dict[str, str]:
    answer = await run(host, "subst")
    found = mappings_in(decoded(answer.out)) if answer.code == 0 else None
    if found is None:
        raise Undetermined(f"subst on {host.name} ended with {answer.code}: {said(answer)}")
    return found


async def _writable(host: Host, drive: str) -> bool:
    """Tried, because nothing that Windows says about a drive tells: a probe is written and taken away again."""
    probe = f"{drive}\\{PROBE}"
    if (await run(host, "cmd", "/c", "copy", "/y", "nul", probe)).code != 0:
        return False
    await run(host, "cmd", "/c", "del", probe)
    return True


def _checked(uses: str, drive: str) -> None:
    if not re.fullmatch("([A-Za-z]:)?", drive):
        raise BadInput(f"{uses}: {drive!r} is no drive.", "Write a letter and a colon, such as E:.")


def same_folder(one: str, other: str) -> bool:
    return one.rstrip("\\").casefold() == other.rstrip("\\").casefold()


@dataclass(frozen=True, slots=True)
class MapDrive(Base):
    """Make a drive stand for a folder, unless that drive is there and can be written.

    No drive at all (a path that begins with a server's name has none) needs no mapping.
    """

    outputs: ClassVar[tuple[str, ...]] = ("mapped",)

    drive: str = field(metadata=DRIVE)
    folder: str

    def __post_init__(self) -> None:
        _checked("drive.map", self.drive)

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        drive = self.drive.upper()
        if not drive:
            return Observation("done", "no drive is needed", {"drive": ""}, {"mapped": False})
        mapped_to = (await mappings(host)).get(drive)
        ours = mapped_to is not None and same_folder(mapped_to, self.folder)
        there = await files.is_there(host, drive + "\\")
        writable = there and await _writable(host, drive)
        evidence = {"drive": drive, "there": there, "writable": writable, "mapped_to": mapped_to}
        if writable:
            return Observation("done", f"{drive} is there and can be written", evidence, {"mapped": ours})
        because = f"{drive} cannot be written" if there else f"{drive} is not there"
        return Observation("not_done", because, evidence)

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        drive = self.drive.upper()
        if await files.is_there(host, drive + "\\"):
            raise ActFailed(f"{drive} is there and cannot be written: take out its medium, or free the letter")
        await files.make_folder(host, self.folder)
        command = Command(("subst", drive, self.folder), timeout=2 * MINUTES)
        ended = await carry_out(host, receipt, command)
        evidence = Evidence(exit=ended.code, log=decoded(ended.out))
        if ended.code != 0:
            raise ActFailed(f"{drive} could not be mapped: {decoded(ended.out).strip()}", evidence)
        return evidence

    def undo(self, before: Observation) -> Action | None:
        return None if before.state == "done" else UnmapDrive(self.drive, self.folder)


@dataclass(frozen=True, slots=True)
class UnmapDrive(Base):
    """Take away a drive that stands for a folder; with `folder`, only if it stands for that one."""

    drive: str = field(metadata=DRIVE)
    folder: str | None = None

    def __post_init__(self) -> None:
        _checked("drive.unmap", self.drive)

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        drive = self.drive.upper()
        mapped_to = (await mappings(host)).get(drive)
        evidence = {"drive": drive, "mapped_to": mapped_to}
        if mapped_to is None:
            return Observation("done", f"{drive} stands for no folder", evidence)
        if self.folder is not None and not same_folder(mapped_to, self.folder):
            return Observation("done", f"{drive} stands for {mapped_to}, which is not ours to take away", evidence)
        return Observation("not_done", f"{drive} stands for {mapped_to}", evidence)

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        ended = await carry_out(host, receipt, Command(("subst", self.drive.upper(), "/D"), timeout=2 * MINUTES))
        evidence = Evidence(exit=ended.code, log=decoded(ended.out))
        if ended.code != 0:
            raise ActFailed(f"{self.drive} could not be taken away: {decoded(ended.out).strip()}", evidence)
        return evidence

    def undo(self, before: Observation) -> Action | None:
        mapped_to = before.evidence.get("mapped_to")
        return MapDrive(self.drive, str(mapped_to)) if before.state == "not_done" and mapped_to else None
