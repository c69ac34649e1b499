"""Forms of a portal (RCDC) and resource strings in all languages: exported before, compared and written again after."""

from __future__ import annotations

import hashlib
import json
import ntpath
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, Literal

from handrail.actions import config_files, receipts
from handrail.actions.base import Base, Check, Undetermined
from handrail.actions.protocol import ActFailed, Evidence, Observation, Receipt
from handrail.actions.shell import MINUTES, decoded, execute, said
from handrail.comparing import fates
from handrail.comparing.resources import Comparison, Resources, compare, read_resources
from handrail.errors import BadInput
from handrail.hosts import powershell
from handrail.hosts.protocol import Host
from handrail.model.signature import Kind, Settles

FILE = "resources.xml"


async def exported(host: Host, address: str) -> bytes:
    """What the service has now. Undetermined when it does not answer, or has no forms at all."""
    answer = await execute(host, powershell.command("rcdc-export", address, timeout=30 * MINUTES))
    if answer.code == powershell.ABSENT:
        raise Undetermined(f"{address} has no forms at all, which cannot be: look whether you may read them")
    if answer.code != 0:
        raise Undetermined(f"{address} could not be exported: {said(answer)}")
    return decoded(answer.out).strip().encode()


def _read(data: bytes, name: str) -> Resources:
    try:
        return read_resources(data, name)
    except BadInput as broken:
        raise Undetermined(f"{name}: {broken}") from broken


@dataclass(frozen=True, slots=True)
class ExportResources(Base):
    """Export the forms of a portal and their texts in all languages, through its running service."""

    settles: ClassVar[Settles] = "receipt"
    kind: ClassVar[Kind] = "back-up"
    repeatable: ClassVar[bool] = True
    outputs: ClassVar[tuple[str, ...]] = ("file", "sha256", "objects", "locales")

    address: str
    to: str
    locales: Literal["all"] = "all"

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        left = await receipts.found(host, receipt)
        if left is None:
            return Observation("not_done", "this attempt has exported nothing", {"address": self.address})
        data = await config_files.read(host, str(left.get("file")))
        if data is None or hashlib.sha256(data).hexdigest() != left.get("sha256"):
            return Observation("not_done", f"{left.get('file')} is no longer what was exported")
        outputs = {name: left.get(name) for name in self.outputs}
        count = f"{left.get('objects')} objects in {len(left.get('locales') or ())} languages"
        return Observation("done", f"{count} are exported to {left.get('file')}", outputs, outputs)

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        data = await exported(host, self.address)
        found = _read(data, FILE)
        if not found.values:
            raise ActFailed(f"{self.address} exported no object")
        path = ntpath.join(receipts.folder_below(self.to, receipt), FILE)
        await host.write(path, data)
        digest = hashlib.sha256(data).hexdigest()
        made = {"file": path, "sha256": digest, "objects": len(found.types), "locales": found.locales}
        await receipts.leave(host, receipt, made)
        return Evidence(outputs=made)


@dataclass(frozen=True, slots=True)
class _Comparing(Base):
    """`renamed`: old to new names of locales. `customised`: names of objects that people changed, for want of
    `stock_old` (an export of a portal that nobody changed)."""

    address: str
    before: str
    stock_old: str | None = None
    renamed: Mapping[str, str] = field(default_factory=dict)
    customised: tuple[str, ...] = ()

    async def compared(self, host: Host) -> Comparison:
        sides = []
        for path in (self.before, self.stock_old):
            data = await config_files.read(host, path) if path else None
            if path and data is None:
                raise Undetermined(f"{path} on {host.name} is not there")
            sides.append(_read(data, path or "") if data is not None else None)
        assert sides[0] is not None
        now = _read(await exported(host, self.address), self.address)
        return compare(sides[0], now, stock_old=sides[1], renamed=self.renamed, customised=self.customised)


def _told(found: Comparison) -> dict[str, Any]:
    rows = fates.to_json(found.fates)
    return {"fates": rows, "needs_person": fates.needs_person(found.fates), "lost": len(found.changes)}


@dataclass(frozen=True, slots=True)
class CompareResources(_Comparing, Check):
    """Compare forms and texts in all languages with what was exported before, and say what became of each."""

    kind: ClassVar[Kind] = "check"
    outputs: ClassVar[tuple[str, ...]] = ("fates", "needs_person", "lost")

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        found = await self.compared(host)
        outputs = _told(found)
        return Observation("done", f"forms and texts: {fates.counted(found.fates)}", outputs, outputs)


@dataclass(frozen=True, slots=True)
class ResubmitResources(_Comparing):
    """Write forms and texts again that setup replaced, in each language; nothing that needs a person."""

    lasting: ClassVar[bool] = True
    outputs: ClassVar[tuple[str, ...]] = ("fates", "needs_person", "lost")

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        found = await self.compared(host)
        outputs = _told(found)
        if found.changes:
            return Observation("not_done", f"{len(found.changes)} values are to be written again", outputs)
        return Observation("done", f"forms and texts: {fates.counted(found.fates)}", outputs, outputs)

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        found = await self.compared(host)
        path = ntpath.join(ntpath.dirname(self.before), "changes.json")
        text = json.dumps([asdict(one) for one in found.changes], ensure_ascii=False, sort_keys=True)
        await host.write(path, text.encode())
        answer = await execute(host, powershell.command("rcdc-import", self.address, path, timeout=60 * MINUTES))
        evidence = Evidence(answer.code, said(answer), details={"fates": fates.to_json(found.fates)})
        if answer.code != 0:
            raise ActFailed(f"{self.address} did not take them: {said(answer)}", evidence)
        return evidence
