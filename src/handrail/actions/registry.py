"""Registry keys: exported, proved, imported again, and values removed only by what they carry."""

from __future__ import annotations

import hashlib
import ntpath
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from handrail.actions import files, receipts
from handrail.actions.base import Base, Check, Undetermined
from handrail.actions.protocol import ActFailed, Action, Evidence, Observation, Receipt
from handrail.errors import BadInput, FileMissing
from handrail.hosts.protocol import Host
from handrail.model.signature import Kind, Settles
from handrail.probing.reg_text import Value, values_in
from handrail.probing.shell import MINUTES, complaint, decoded, run, said

SHORTEST = 4
"""Characters that a value must be searched by: shorter ones stand in too many others."""


def numbered(path: str, count: int) -> list[str]:
    """One file for each of `count` keys: the path itself, or NAME-1, NAME-2, ..."""
    stem, dot = ntpath.splitext(path)
    return [path] if count == 1 else [f"{stem}-{at}{dot}" for at in range(1, count + 1)]


async def _export(host: Host, key: str, path: str) -> None:
    answer = await run(host, "reg", "export", key, path, "/y")
    if answer.code != 0:
        raise ActFailed(f"{key} could not be exported: {complaint(answer)}", Evidence(exit=answer.code))


async def _hashes(host: Host, paths: list[str]) -> dict[str, str] | None:
    """None when one of them is not there or empty."""
    hashes = {}
    for path in paths:
        try:
            data = await host.read(path)
        except FileMissing:
            return None
        if not data:
            return None
        hashes[path] = hashlib.sha256(data).hexdigest()
    return hashes


@dataclass(frozen=True, slots=True)
class ExportKeys(Base):
    """Export registry keys into files, one for each key."""

    settles: ClassVar[Settles] = "receipt"
    kind: ClassVar[Kind] = "back-up"
    repeatable: ClassVar[bool] = True
    afresh: ClassVar[bool] = True
    outputs: ClassVar[tuple[str, ...]] = ("file", "files", "sha256", "bytes", "made_at")

    keys: tuple[str, ...]
    file: str

    def __post_init__(self) -> None:
        if not self.keys:
            raise BadInput("registry.export needs at least one key.", "Give it under with: keys: [...].")

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        left = await receipts.found(host, receipt)
        if left is None:
            return Observation("not_done", "this attempt has exported nothing", {"keys": list(self.keys)})
        paths = numbered(self.file, len(self.keys))
        hashes = await _hashes(host, paths)
        if hashes is None or hashes != left.get("hashes"):
            return Observation("not_done", f"{self.file} is no longer what was exported", {"files": paths})
        outputs = {
            "file": paths[0],
            "files": paths,
            "sha256": [hashes[one] for one in paths],
            "bytes": left.get("bytes"),
            "made_at": receipt.since,
        }
        return Observation("done", f"{len(paths)} keys are exported", {"keys": list(self.keys), **outputs}, outputs)

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        paths = numbered(self.file, len(self.keys))
        await files.make_folder(host, ntpath.dirname(self.file))
        for key, path in zip(self.keys, paths, strict=True):
            await _export(host, key, path)
        hashes = await _hashes(host, paths)
        if hashes is None:
            raise ActFailed(f"reg export reported success and {self.file} is not there")
        size = sum([len(await host.read(path)) for path in paths])
        await receipts.leave(host, receipt, {"keys": list(self.keys), "hashes": hashes, "bytes": size})
        return Evidence(exit=0, details={"hashes": hashes})

    def restore(self, made: Mapping[str, Any]) -> tuple[Action, ...]:
        return (ImportKeys(tuple(made["files"]), tuple(made["sha256"])),)


HEADS = ("Windows Registry Editor Version 5.00", "REGEDIT4")
"""The first line of a registry file; it is never translated."""


def keys_in(data: bytes) -> list[str] | None:
    """The keys that a registry file holds; None when it is none, or does not end as one."""
    text = decoded(data).lstrip("\ufeff")
    lines = [line.rstrip() for line in text.splitlines()]
    if not lines or lines[0] not in HEADS or not text.endswith("\n"):
        return None
    return [line[1:-1] for line in lines if line.startswith("[") and line.endswith("]")]


_ROOTS = {"HKLM": "HKEY_LOCAL_MACHINE", "HKCR": "HKEY_CLASSES_ROOT", "HKU": "HKEY_USERS", "HKCU": "HKEY_CURRENT_USER"}


def full(key: str) -> str:
    """A key as a registry file spells it."""
    root, slash, rest = key.partition("\\")
    return _ROOTS.get(root.upper(), root) + slash + rest


@dataclass(frozen=True, slots=True)
class ProveExport(Check):
    """Prove exported registry keys: the files are what was exported, whole registry files, and the keys are in them."""

    kind: ClassVar[Kind] = "prove"

    files: tuple[str, ...]
    sha256: tuple[str, ...]
    keys: tuple[str, ...] = ()

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        evidence: dict[str, Any] = {"files": list(self.files), "keys": list(self.keys)}
        wrong = await _exchanged(host, self.files, self.sha256)
        if wrong:
            return Observation("not_done", wrong, evidence)
        inside: set[str] = set()
        for path in self.files:
            found = keys_in(await host.read(path))
            if found is None:
                return Observation("not_done", f"{path} is no whole registry file", evidence)
            inside.update(one.casefold() for one in found)
        missing = [one for one in self.keys if full(one).casefold() not in inside]
        if missing:
            return Observation("not_done", f"the export lacks {files.some(missing)}", evidence)
        return Observation("done", f"{len(inside)} keys lie in {files.some(list(self.files))}", evidence)


async def _exchanged(host: Host, paths: tuple[str, ...], sha256: tuple[str, ...]) -> str:
    """Which files are not there or not what was exported; empty when all are."""
    if len(paths) != len(sha256):
        return "there are not as many hashes as files"
    hashes = await _hashes(host, list(paths))
    if hashes is None:
        return f"not there, or empty: one of {files.some(list(paths))}"
    other = [path for path, wanted in zip(paths, sha256, strict=True) if hashes[path] != wanted.lower()]
    return f"not what was exported: {files.some(other)}" if other else ""


@dataclass(frozen=True, slots=True)
class ImportKeys(Base):
    """Import registry files: what they hold is put back; values that were added since stay.

    With `sha256`, one for each file, nothing is imported unless all of them are what was exported.
    """

    settles: ClassVar[Settles] = "receipt"
    repeatable: ClassVar[bool] = True

    files: tuple[str, ...]
    sha256: tuple[str, ...] = ()

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        if await receipts.found(host, receipt) is None:
            return Observation("not_done", "this attempt has imported nothing", {"files": list(self.files)})
        return Observation("done", f"{len(self.files)} files are imported", {"files": list(self.files)})

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        wrong = await _exchanged(host, self.files, self.sha256) if self.sha256 else ""
        if wrong:
            raise ActFailed(f"nothing was imported: {wrong}")
        for path in self.files:
            answer = await run(host, "reg", "import", path)
            if answer.code != 0:
                raise ActFailed(f"{path} could not be imported: {complaint(answer)}", Evidence(exit=answer.code))
        await receipts.leave(host, receipt, {"files": list(self.files)})
        return Evidence(exit=0)


@dataclass(frozen=True, slots=True)
class RemoveValues(Base):
    """Export the keys concerned, then remove exactly those values below a key that carry the given data."""

    root: str
    data: str
    backup: str

    def __post_init__(self) -> None:
        if len(self.data.strip()) < SHORTEST:
            raise BadInput(f"registry.remove_values: {self.data!r} is too short to search the registry by.")

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        found = await self._carrying(host)
        evidence: dict[str, Any] = {"values": [f"{one.key}\\{one.name}" for one in found], "files": self._files(found)}
        if found:
            return Observation("not_done", f"{len(found)} values below {self.root} carry {self.data}", evidence)
        return Observation("done", f"no value below {self.root} carries {self.data}", evidence)

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        found = await self._carrying(host)
        await files.make_folder(host, ntpath.dirname(self.backup))
        keys = _keys(found)
        for key, path in zip(keys, numbered(self.backup, len(keys)), strict=True):
            await _export(host, key, path)
            if await _hashes(host, [path]) is None:
                raise ActFailed(f"reg export of {key} reported success and {path} is not there")
        for one in found:
            which = ("/ve",) if one.name.startswith("(") and one.name.endswith(")") else ("/v", one.name)
            answer = await run(host, "reg", "delete", one.key, *which, "/f")
            if answer.code != 0:
                raise ActFailed(
                    f"{one.key}\\{one.name} could not be removed: {complaint(answer)}", Evidence(answer.code)
                )
        return Evidence(exit=0, details={"removed": [f"{one.key}\\{one.name}" for one in found]})

    def undo(self, before: Observation) -> Action | None:
        paths = tuple(str(one) for one in before.evidence.get("files", ()))
        return ImportKeys(paths) if before.state == "not_done" and paths else None

    def _files(self, found: list[Value]) -> list[str]:
        keys = _keys(found)
        return numbered(self.backup, len(keys)) if keys else []

    async def _carrying(self, host: Host) -> list[Value]:
        answer = await run(host, "reg", "query", self.root, "/s", "/f", self.data, "/d", timeout=10 * MINUTES)
        text = decoded(answer.out)
        found = [one for one in values_in(text) if self.data.casefold() in one.data.casefold()]
        # With matches it ends with 0, without any with 1; only then does it say how many there were.
        if answer.code not in (0, 1) or not (found or re.search(r":\s*0\b", text)):
            raise Undetermined(f"reg query {self.root} on {host.name} ended with {answer.code}: {said(answer)}")
        return found


def _keys(found: list[Value]) -> list[str]:
    return list(dict.fromkeys(one.key for one in found))
