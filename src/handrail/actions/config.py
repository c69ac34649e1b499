"""Configuration files that somebody edited: kept before an upgrade, merged after it, and their redirects checked.

What the old version shipped (`stock_old`) and what the new one ships (`stock_new`) come out of an administrative copy
of the packages (`installer.extract`). Without one, what the installer left is what ships now, unless it kept the edited
file; what cannot be told then needs a person.
"""

from __future__ import annotations

import hashlib
import ntpath
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from handrail.actions import config_files, receipts
from handrail.actions.base import Base, Check, Undetermined
from handrail.actions.config_files import Sides
from handrail.actions.protocol import ActFailed, Action, Evidence, Observation, Receipt
from handrail.comparing import config_merge, fates
from handrail.comparing.xml_merge import Merged
from handrail.errors import BadInput
from handrail.hosts.protocol import Host
from handrail.model.signature import Kind, Settles

EVERYWHERE = ("windows", "linux")


@dataclass(frozen=True, slots=True)
class KeepConfig(Base):
    """Keep a configuration file as it is before an upgrade, with what its old version shipped where that is known.

    `file`: the one that people edit. `to`: the folder where backups lie. `stock`: a folder in which the file that the
    old version shipped is found by its name, or that very file. `optional`: it may be missing.
    """

    platforms: ClassVar[tuple[str, ...]] = EVERYWHERE
    settles: ClassVar[Settles] = "receipt"
    kind: ClassVar[Kind] = "back-up"
    repeatable: ClassVar[bool] = True
    outputs: ClassVar[tuple[str, ...]] = ("kept", "sha256", "stock_old", "customised", "bytes", "made_at")

    file: str
    to: str
    stock: str | None = None
    optional: bool = False

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        left = await receipts.found(host, receipt, self.to)
        if left is None:
            return Observation("not_done", f"this attempt has not kept {self.file}", {"file": self.file})
        outputs = {**{name: left.get(name) for name in self.outputs}, "made_at": receipt.since}
        if left.get("kept") is None:
            return Observation("done", f"{self.file} is not there, so there is nothing to keep", {}, outputs)
        data = await config_files.read(host, str(left["kept"]))
        if data is None or hashlib.sha256(data).hexdigest() != left.get("sha256"):
            return Observation("not_done", f"{left['kept']} is no longer what was kept", {"file": self.file})
        edited = {True: "edited", False: "as it shipped", None: "whether it was edited is not known"}
        because = f"{self.file} is kept ({edited[left.get('customised')]})"
        return Observation("done", because, {"file": self.file, **outputs}, outputs)

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        data = await config_files.read(host, self.file)
        if data is None:
            if not self.optional:
                raise ActFailed(f"{self.file} is not there: there is nothing to keep")
            nothing = {"kept": None, "sha256": None, "stock_old": None, "customised": None}
            await receipts.leave(host, receipt, nothing, self.to)
            return Evidence(details={"absent": True})
        folder, name = receipts.folder_below(self.to, receipt), ntpath.basename(self.file)
        kept = receipts.join(folder, "customised", name)
        await receipts.put(host, kept, data)
        stock_old, customised = None, None
        shipped = await config_files.find(host, self.stock, self.file) if self.stock else None
        if shipped is not None:
            stock_old, customised = receipts.join(folder, "stock-old", name), shipped != data
            await receipts.put(host, stock_old, shipped)
        digest = hashlib.sha256(data).hexdigest()
        made = {"kept": kept, "sha256": digest, "stock_old": stock_old, "customised": customised, "bytes": len(data)}
        await receipts.leave(host, receipt, made, self.to)
        return Evidence(outputs=made)

    def restore(self, made: Mapping[str, Any]) -> tuple[Action, ...]:
        """Of a file that was not there: nothing."""
        if made.get("kept") is None:
            return ()
        return (RestoreConfig(self.file, str(made["kept"]), str(made["sha256"])),)


@dataclass(frozen=True, slots=True)
class RestoreConfig(Base):
    """Put a kept configuration file back, byte for byte as it was.

    `file`: where it goes. `kept` and `sha256`: what keeping it gave.
    """

    platforms: ClassVar[tuple[str, ...]] = EVERYWHERE
    destroys: ClassVar[bool] = True
    repeatable: ClassVar[bool] = True

    file: str
    kept: str
    sha256: str

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        evidence = {"file": self.file, "kept": self.kept}
        now = await config_files.read(host, self.file)
        if now is not None and hashlib.sha256(now).hexdigest() == self.sha256.lower():
            return Observation("done", f"{self.file} is as it was", evidence)
        what = "is not there" if now is None else "is not as it was"
        return Observation("not_done", f"{self.file} {what}", evidence)

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        data = await config_files.read(host, self.kept)
        if data is None or hashlib.sha256(data).hexdigest() != self.sha256.lower():
            raise ActFailed(f"nothing was touched, for {self.kept} is not what was kept")
        await host.write(self.file, data)
        return Evidence(details={"bytes": len(data)})


@dataclass(frozen=True, slots=True)
class ProveConfig(Check):
    """Prove a kept configuration file: it can be read, byte for byte what was kept.

    `kept` and `sha256`: what keeping it gave.
    """

    platforms: ClassVar[tuple[str, ...]] = EVERYWHERE
    kind: ClassVar[Kind] = "prove"

    kept: str | None
    sha256: str | None

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        if self.kept is None:
            return Observation("done", "there was no file to keep")
        data = await config_files.read(host, self.kept)
        if data is None or hashlib.sha256(data).hexdigest() != self.sha256:
            return Observation("not_done", f"{self.kept} is not what was kept", {"kept": self.kept})
        return Observation("done", f"{self.kept} is what was kept", {"kept": self.kept, "bytes": len(data)})


@dataclass(frozen=True, slots=True)
class _OfSides(Base):
    """The parameters that say where the three sides of a merge are."""

    platforms: ClassVar[tuple[str, ...]] = EVERYWHERE

    file: str
    kept: str | None
    sha256: str | None = None
    stock_old: str | None = None
    stock_new: str | None = None

    async def sides(self, host: Host) -> Sides | None:
        if self.kept is None:
            return None
        return await config_files.sides(host, self.file, self.kept, self.sha256, self.stock_old, self.stock_new)


@dataclass(frozen=True, slots=True)
class MergeConfig(_OfSides):
    """Merge what was customised into a configuration file as it ships now; ask a person instead of guessing.

    `file`: the one that people edit. `kept` and `sha256` and `stock_old`: what keeping it gave. `stock_new`: a folder
    in which the file that ships now is found by its name, or that very file; without it, what the installer left.
    """

    destroys: ClassVar[bool] = True
    lasting: ClassVar[bool] = True
    outputs: ClassVar[tuple[str, ...]] = ("fates", "needs_person", "questions", "proposal")

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        sides = await self.sides(host)
        if sides is None:
            return Observation("done", f"{self.file} was not there before", {}, _told(None, ()))
        merged = _merged(sides, self.file)
        proposal = config_files.proposal_of(sides)
        outputs = _told(proposal if merged.needs_person else None, merged.fates)
        evidence = {"file": self.file, "fates": outputs["fates"]}
        count = fates.counted(merged.fates)
        if merged.needs_person:
            if await config_files.read(host, proposal) != merged.data:
                return Observation("not_done", f"{self.file} cannot be merged without a person: {count}", evidence)
            if sides.now not in (None, sides.left) and (lost := _lost(sides, merged, self.file)):
                return Observation("not_done", f"{self.file} lacks {lost[0].item}", {**evidence, **_lacking(lost)})
            because = f"a proposal for {self.file} lies in {proposal}; a person decides: {count}"
            return Observation("done", because, evidence, outputs)
        lost = _lost(sides, merged, self.file) if sides.now is not None else []
        if sides.now is None or lost:
            what = lost[0].item if lost else "the file"
            because = f"{self.file} lacks {what}" + (f" and {len(lost) - 1} more" if len(lost) > 1 else "")
            return Observation("not_done", because, {**evidence, **_lacking(lost)})
        return Observation("done", f"{self.file}: {count}", evidence, outputs)

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        sides = await self.sides(host)
        if sides is None:
            return Evidence(details={"acted": False})
        await config_files.remember_installed(host, sides)
        merged = _merged(sides, self.file)
        if merged.needs_person:
            await receipts.put(host, config_files.proposal_of(sides), merged.data)
        else:
            await host.write(self.file, merged.data)
        return Evidence(details={"fates": fates.to_json(merged.fates)})


@dataclass(frozen=True, slots=True)
class DecideConfig(_OfSides):
    """A person decides what a merge could not, and writes it; what needed no person must still be there.

    `file` and `kept` and `sha256` and `stock_old` and `stock_new`: as for the merge. `proposal` and `questions`: what
    the merge gave. `instructions`: what the person is told.
    """

    settles: ClassVar[Settles] = "person"
    kind: ClassVar[Kind] = "person"
    outputs: ClassVar[tuple[str, ...]] = ("fates",)

    proposal: str | None = None
    questions: tuple[str, ...] = ()
    instructions: tuple[str, ...] = ()

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        sides = await self.sides(host)
        if sides is None:
            return Observation("done", f"{self.file} was not there before")
        if sides.now is None:
            return Observation("not_done", f"{self.file} is not there")
        merged = _merged(sides, self.file)
        try:
            lost = config_files.losses(sides, merged, self.file)
        except BadInput as broken:
            return Observation("not_done", f"{self.file} cannot be used as it is: {broken}")
        if lost:
            because = "; ".join(f"{one.item}: {one.because}" for one in lost[:5])
            return Observation("not_done", f"{self.file}: {because}", {"lacks": fates.to_json(lost)})
        name = ntpath.basename(self.file)
        shipped = sides.stock_new or sides.customised
        decided = config_merge.decided(merged, sides.customised, shipped, sides.now, name)
        rows = fates.to_json([*(one for one in merged.fates if one.fate != "needs-a-person"), *decided])
        if sides.now == sides.left:
            because = f"{self.file} is as the installer left it; whether that was decided, only a person can say"
            return Observation("unknown", because, {"fates": rows}, {"fates": rows})
        because = f"{self.file} holds what was decided: {fates.counted(decided)}"
        return Observation("done", because, {"fates": rows}, {"fates": rows})

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        raise ActFailed("this is for a person to do")


def _lacking(lost: list[fates.Fate]) -> dict[str, Any]:
    return {"lacks": fates.to_json(lost)}


def _merged(sides: Sides, file: str) -> Merged:
    """Undetermined when a side is no configuration at all."""
    try:
        return config_files.merged(sides, file)
    except BadInput as broken:
        raise Undetermined(f"{file} cannot be merged: {broken}") from broken


def _lost(sides: Sides, merged: Merged, file: str) -> list[fates.Fate]:
    try:
        return config_files.losses(sides, merged, file)
    except BadInput as broken:
        name = ntpath.basename(file)
        return [fates.Fate(name, "the whole file", "dropped", None, None, str(broken), "Write it anew.")]


def _told(proposal: str | None, rows: tuple[fates.Fate, ...]) -> dict[str, Any]:
    return {
        "fates": fates.to_json(rows),
        "needs_person": fates.needs_person(rows),
        "questions": fates.questions(rows),
        "proposal": proposal,
    }
