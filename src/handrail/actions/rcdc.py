"""Forms of a portal (RCDC) and resource strings in all languages: exported before, compared after, and written again.

What setup replaced is written again; what nobody but a person can judge, a person decides, value by value.
"""

from __future__ import annotations

import hashlib
import json
import ntpath
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, ClassVar, Literal

from handrail.actions import config_files, receipts
from handrail.actions.base import Base, Check, Undetermined
from handrail.actions.protocol import ActFailed, Evidence, Observation, Receipt
from handrail.comparing import fates
from handrail.comparing.fates import Fate
from handrail.comparing.resources import Comparison, Resources, compare, read_resources
from handrail.errors import BadInput
from handrail.hosts import powershell
from handrail.hosts.protocol import Host
from handrail.model.signature import Kind, Settles
from handrail.probing.shell import MINUTES, complaint, decoded, execute, said

FILE = "resources.xml"


async def exported(host: Host, address: str) -> bytes:
    """What the service has now. Undetermined when it does not answer, or has no forms at all."""
    answer = await execute(host, powershell.command("rcdc-export", address, timeout=30 * MINUTES))
    if answer.code == powershell.ABSENT:
        raise Undetermined(f"{address} has no forms at all, which cannot be: look whether you may read them")
    if answer.code != 0:
        raise Undetermined(f"{address} could not be exported: {complaint(answer)}")
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
    afresh: ClassVar[bool] = True
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


def _because(found: Comparison) -> str:
    """How many of each fate, and the first of what did not come through by itself."""
    bad = [f"{one.asset}: {one.item}" for one in found.fates if one.fate in ("needs-a-person", "dropped")]
    named = f" ({'; '.join(bad[:3])}{'; …' if len(bad) > 3 else ''})" if bad else ""
    return f"forms and texts: {fates.counted(found.fates)}{named}"


def _told(found: Comparison) -> dict[str, Any]:
    return {
        "fates": fates.to_json(found.fates),
        "needs_person": fates.needs_person(found.fates),
        "lost": len(found.changes),
        "questions": fates.questions(found.fates),
    }


@dataclass(frozen=True, slots=True)
class CompareResources(_Comparing, Check):
    """Compare forms and texts in all languages with what was exported before, and say what became of each."""

    kind: ClassVar[Kind] = "check"
    outputs: ClassVar[tuple[str, ...]] = ("fates", "needs_person", "lost", "questions")

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        found = await self.compared(host)
        outputs = _told(found)
        return Observation("done", _because(found), outputs, outputs)


@dataclass(frozen=True, slots=True)
class ResubmitResources(_Comparing):
    """Write forms and texts again that setup replaced, in each language; nothing that needs a person."""

    lasting: ClassVar[bool] = True
    outputs: ClassVar[tuple[str, ...]] = ("fates", "needs_person", "lost", "questions")

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        found = await self.compared(host)
        outputs = _told(found)
        if found.changes:
            return Observation("not_done", f"{len(found.changes)} values are to be written again", outputs)
        return Observation("done", _because(found), outputs, outputs)

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        found = await self.compared(host)
        path = ntpath.join(ntpath.dirname(self.before), "changes.json")
        text = json.dumps([asdict(one) for one in found.changes], ensure_ascii=False, sort_keys=True)
        await host.write(path, text.encode())
        answer = await execute(host, powershell.command("rcdc-import", self.address, path, timeout=60 * MINUTES))
        evidence = Evidence(answer.code, said(answer), details={"fates": fates.to_json(found.fates)})
        if answer.code != 0:
            raise ActFailed(f"{self.address} did not take them: {complaint(answer)}", evidence)
        return evidence


@dataclass(frozen=True, slots=True)
class DecideResources(_Comparing):
    """A person decides which forms and texts stand, where nobody else can tell; what needed no person is still there.

    `questions` name each value, `fates` are what the comparison said of all. A value that stays as setup has it may
    have been decided so, which only the person knows.
    """

    settles: ClassVar[Settles] = "person"
    kind: ClassVar[Kind] = "person"
    outputs: ClassVar[tuple[str, ...]] = ("fates",)

    questions: tuple[str, ...] = ()
    fates: tuple[Mapping[str, Any], ...] = ()
    instructions: tuple[str, ...] = ()

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        found = await self.compared(host)
        if found.changes:
            one = found.changes[0]
            because = f"{len(found.changes)} values are not what they were, first {one.object} {one.attribute}"
            return Observation("not_done", because, _told(found))
        asked = {(one.asset, one.item): one for one in fates.from_json(self.fates) if one.fate == "needs-a-person"}
        rows = [_decided(one, asked.pop((one.asset, one.item), None)) for one in found.fates]
        rows += [replace(one, fate="carried", is_now=one.was, because=_YOURS, what_to_do="") for one in asked.values()]
        outputs = {"fates": fates.to_json(rows)}
        if left := [one for one in rows if one.because == _LEFT]:
            first = f"{left[0].asset}: {left[0].item}"
            because = f"{len(left)} of them stand as setup has them; whether they may, only a person can say: {first}"
            return Observation("unknown", because, outputs, outputs)
        return Observation("done", f"a person has decided: {fates.counted(rows)}", outputs, outputs)

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        raise ActFailed("this is for a person to do")


_YOURS = "a person decided that it stands as it was before"
_LEFT = "a person decided that the new version's stands"


def _decided(row: Fate, asked: Fate | None) -> Fate:
    """What a person made of a value that was asked about: as it was before, as setup has it, or something new."""
    if row.fate != "needs-a-person":
        return row
    if row.is_now is None:
        return replace(row, fate="dropped", because="a person decided that it is not needed", what_to_do="")
    if asked is not None and row.is_now == asked.is_now:
        return replace(row, fate="dropped", because=_LEFT, what_to_do="")
    return replace(row, fate="merged", because="a person wrote what stands there now", what_to_do="")
