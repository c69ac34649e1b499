"""Files, links and folders of a Linux host: backed up, proved and put back, with their modes and owners.

What was there is written down first: of every entry its kind, mode, owner and content. The copy is held against that
list, never against itself, so a copy that went wrong cannot prove itself.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from handrail.actions import jobs
from handrail.actions.base import Base, Check, Undetermined
from handrail.actions.protocol import ActFailed, Action, Evidence, Observation, Receipt
from handrail.errors import FileMissing
from handrail.hosts import detached
from handrail.hosts.protocol import Command, Host
from handrail.model.signature import Kind, Settles
from handrail.probing.shell import complaint, run

MANIFEST = "manifest.json"
COPY = "copy"
HOURS = 3600.0
ABSENT = 44

Entries = Mapping[str, str]
"""Path below the tree (the tree itself: "") -> kind, mode, owner, and target or SHA-256."""

# $1 the tree. Two lists of records that end with NUL, `//` between them: what every entry is and where links
# lead; the hashes of files.
_LIST = """
set -eu
export LC_ALL=C
if [ ! -e "$1" ] && [ ! -L "$1" ]; then exit 44; fi
cd "$(dirname "$1")"
name=./$(basename "$1")
find "$name" -printf '%P\\0%y %m %U:%G\\0%l\\0'
printf '//\\0'
find "$name" -type f -print0 | xargs -0 -r sha256sum -z --
"""

# $1 the tree, $2 the folder of this attempt's own, $3 the name of the copy in it.
_COPY = """
set -eu
umask 077
mkdir -p "$2"
rm -rf "$2/$3"
cp -a --reflink=auto "$1" "$2/$3"
sync -f "$2"
"""

# $1 the tree, $2 the copy, $3 the name that what stands there is put aside under. The whole copy stands beside the tree
# before anything is moved, and both moves are renames: no half is ever in its place.
_RESTORE = """
set -eu
new=$1.handrail-restoring
rm -rf "$new"
cp -a --reflink=auto "$2" "$new"
sync -f "$(dirname "$1")"
if [ -e "$1" ] || [ -L "$1" ]; then mv -T "$1" "$3"; fi
mv -T "$new" "$1"
sync -f "$(dirname "$1")"
"""


async def entries(host: Host, path: str) -> dict[str, str] | None:
    """Everything at and below a path; None when it is not there. Raises `Undetermined`."""
    answer = await run(host, "sh", "-c", _LIST, "list", path, timeout=4 * HOURS)
    if answer.code == ABSENT:
        return None
    if answer.code != 0:
        raise Undetermined(f"{path} on {host.name} cannot be read whole: {complaint(answer)}")
    records = answer.out.decode("utf-8", "surrogateescape").split("\0")
    if "//" not in records:
        raise Undetermined(f"the list of {path} on {host.name} is not understood")
    end = records.index("//")
    found: dict[str, str] = {}
    links: dict[str, str] = {}
    for number in range(0, end - 2, 3):
        name, what, target = records[number : number + 3]
        found[name], links[name] = what, target
    own = f"./{posixpath.basename(path.rstrip('/'))}"
    for record in records[end + 1 :]:
        if record:
            digest, _, name = record.partition("  ")
            below = name.removeprefix(own).lstrip("/")
            if below not in found:
                raise Undetermined(f"{path} on {host.name} changed while it was looked at")
            links[below] = digest
    return {name: f"{what} {links[name]}".rstrip() for name, what in found.items()}


def differing(now: Entries, listed: Entries) -> list[str]:
    """What is missing, different or too many, by name; the tree itself is a dot."""
    return sorted(name or "." for name in {*now, *listed} if now.get(name) != listed.get(name))


def _some(names: list[str], most: int = 3) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _written(path: str, listed: Entries, size: int) -> bytes:
    document = {"path": path, "bytes": size, "entries": dict(listed)}
    return json.dumps(document, sort_keys=True, ensure_ascii=True).encode()


async def _manifest(host: Host, backup: str, sha256: str | None = None) -> tuple[str, dict[str, str], bytes]:
    """Of what, and what has to be in it. Raises `Undetermined` when it is not the list that was written."""
    path = posixpath.join(posixpath.dirname(backup), MANIFEST)
    data = await host.read(path)
    try:
        document = json.loads(data)
        found = str(document["path"]), {str(name): str(one) for name, one in document["entries"].items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Undetermined(f"{path} on {host.name} is no list of a backup") from None
    if sha256 is not None and hashlib.sha256(data).hexdigest() != sha256.lower():
        raise Undetermined(f"{path} on {host.name} is no longer the list of that backup")
    return *found, data


@dataclass(frozen=True, slots=True)
class BackUpTree(Base):
    """Copy a file, a link or a folder with all below it to where backups lie, and write down what every entry was.

    Whatever writes there has to be stopped before: what changes meanwhile makes the backup fail. Of what it gives,
    `sha256` is that of the list, and `content`, of a single file, that of the file itself, as sealing asks for it.

    `path`: what is backed up. `to`: the folder where backups lie; this one gets a folder of its own in it.
    """

    platforms: ClassVar[tuple[str, ...]] = ("linux",)
    settles: ClassVar[Settles] = "receipt"
    kind: ClassVar[Kind] = "back-up"
    repeatable: ClassVar[bool] = True
    outputs: ClassVar[tuple[str, ...]] = ("backup", "sha256", "content", "bytes", "made_at")

    path: str
    to: str

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        backup = self._backup(receipt)
        evidence = {"path": self.path, "backup": backup}
        try:
            path, listed, data = await _manifest(host, backup)
        except FileMissing:
            return Observation("not_done", f"this attempt has made no backup of {self.path}", evidence)
        wrong = differing(await entries(host, backup) or {}, listed)
        if wrong or path != self.path:
            return Observation("not_done", f"missing or different in the backup: {_some(wrong)}", evidence)
        outputs = {
            "backup": backup,
            "sha256": hashlib.sha256(data).hexdigest(),
            "content": listed[""].split()[-1] if listed.get("", "").startswith("f ") else "",
            "bytes": json.loads(data).get("bytes", 0),
            "made_at": receipt.since,
        }
        because = f"{_count(listed)} of {self.path} are backed up"
        return Observation("done", because, {**evidence, **outputs}, outputs)

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        backup = self._backup(receipt)
        original = await entries(host, self.path)
        if original is None:
            raise ActFailed(f"{self.path} is not there: there is nothing to back up")
        argv = ("sh", "-c", _COPY, "copy", self.path, posixpath.dirname(backup), COPY)
        state = await jobs.carry_out(host, receipt, Command(argv, timeout=24 * HOURS))
        evidence = Evidence(exit=state.code, log=state.text)
        if not state.succeeded:
            raise ActFailed(f"{self.path} could not be copied: {' '.join(state.text.split())[:300]}", evidence)
        wrong = differing(await entries(host, backup) or {}, original)
        if wrong:
            because = f"{self.path} changed while it was copied, or its owner could not be kept: {_some(wrong)}"
            raise ActFailed(because, evidence)
        size = (await run(host, "du", "-sb", backup, timeout=HOURS)).text.split()
        bytes_ = int(size[0]) if size and size[0].isdigit() else 0
        await host.write(posixpath.join(posixpath.dirname(backup), MANIFEST), _written(self.path, original, bytes_))
        return evidence

    def _backup(self, receipt: Receipt) -> str:
        return posixpath.join(self.to, detached.folder(receipt.name), COPY)

    def restore(self, made: Mapping[str, Any]) -> tuple[Action, ...]:
        return (RestoreTree(self.path, str(made["backup"]), str(made["sha256"])),)


@dataclass(frozen=True, slots=True)
class ProveTree(Check):
    """Prove a tree's backup: read all of it back and compare it with what was written down of the original.

    `path`: what was backed up. `backup` and `sha256`: what the backup gave.
    """

    platforms: ClassVar[tuple[str, ...]] = ("linux",)
    kind: ClassVar[Kind] = "prove"

    path: str
    backup: str
    sha256: str | None = None

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        path, listed, _ = await _manifest(host, self.backup, self.sha256)
        evidence = {"path": self.path, "backup": self.backup, "entries": len(listed)}
        if path != self.path:
            return Observation("not_done", f"{self.backup} is a backup of {path}, not of {self.path}", evidence)
        wrong = differing(await entries(host, self.backup) or {}, listed)
        if wrong:
            because = f"missing or damaged in the backup: {_some(wrong)}"
            return Observation("not_done", because, {**evidence, "wrong": wrong[:50]})
        return Observation("done", f"{_count(listed)} were read back and are right", evidence)


@dataclass(frozen=True, slots=True)
class RestoreTree(Base):
    """Put a file, a link or a folder back from its backup, whole; what stands there is put aside beside it.

    It refuses a backup that is not whole. What was put aside is named PATH.handrail-aside-…, and is yours to delete.

    `path`: what was backed up. `backup` and `sha256`: what the backup gave.
    """

    platforms: ClassVar[tuple[str, ...]] = ("linux",)
    destroys: ClassVar[bool] = True
    repeatable: ClassVar[bool] = True

    path: str
    backup: str
    sha256: str | None = None

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        await jobs.ended(host, receipt, Command(("restore",), timeout=24 * HOURS))
        listed = await self._listed(host)
        now = await entries(host, self.path)
        evidence = {"path": self.path, "backup": self.backup}
        if now is None:
            return Observation("not_done", f"{self.path} is not there", evidence)
        wrong = differing(now, listed)
        if wrong:
            return Observation(
                "not_done", f"not as it was in {self.path}: {_some(wrong)}", {**evidence, "wrong": wrong[:50]}
            )
        return Observation("done", f"{_count(listed)} of {self.path} are as they were", evidence)

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        damaged = differing(await entries(host, self.backup) or {}, await self._listed(host))
        if damaged:
            raise ActFailed(f"nothing was touched, for in the backup is missing or damaged: {_some(damaged)}")
        aside = f"{self.path}.handrail-aside-{hashlib.sha256(receipt.name.encode()).hexdigest()[:8]}"
        argv = ("sh", "-c", _RESTORE, "restore", self.path, self.backup, aside)
        state = await jobs.carry_out(host, receipt, Command(argv, timeout=24 * HOURS))
        evidence = Evidence(exit=state.code, log=state.text, details={"aside": aside})
        if not state.succeeded:
            raise ActFailed(f"{self.path} could not be put back: {' '.join(state.text.split())[:300]}", evidence)
        return evidence

    async def _listed(self, host: Host) -> dict[str, str]:
        path, listed, _ = await _manifest(host, self.backup, self.sha256)
        if path != self.path:
            raise Undetermined(f"{self.backup} is a backup of {path}, not of {self.path}")
        return listed


def _count(listed: Entries) -> str:
    return "1 entry" if len(listed) == 1 else f"{len(listed)} entries"
