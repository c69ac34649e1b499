"""Backups that are proved: restored into a scratch cluster, started, and compared table by table."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from handrail.actions.base import Base, Undetermined
from handrail.actions.postgresql import content, tools
from handrail.actions.postgresql.restoring import RestoreBackup
from handrail.actions.postgresql.servers import start_command, stop_command
from handrail.actions.postgresql.tools import Cluster
from handrail.actions.protocol import ActFailed, Action, Evidence, Observation, Receipt
from handrail.errors import FileMissing
from handrail.hosts import detached
from handrail.hosts.protocol import Command, Host
from handrail.model.signature import Kind, Settles
from handrail.probing.shell import run

# $1 programs, $2 folder, $3 socket, $4 port, $5 user. What a killed round left is put aside.
_BACKUP = """
set -eu
umask 077
mkdir -p "$(dirname "$2")"
if [ -e "$2" ]; then mv -T "$2" "$2.broken-$$"; fi
"$1/pg_basebackup" -D "$2" -F p -X stream -c fast -h "$3" -p "$4" -U "$5" -w
"""

# $1 programs, $2 backup, $3 scratch, $4 the text that starts a server. What a killed attempt left is removed first.
_RESTORE = """
set -eu
"$1/pg_verifybackup" -q "$2"
if [ -e "$3" ]; then
  "$1/pg_ctl" -D "$3" -m immediate -w stop > /dev/null 2>&1 || true
  rm -rf "$3"
fi
cp -a --reflink=auto "$2" "$3"
sh -c "$4" start "$1" "$3" scratch
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup(Cluster):
    """Copy a running cluster with pg_basebackup into a folder of this attempt's own."""

    settles: ClassVar[Settles] = "receipt"
    kind: ClassVar[Kind] = "back-up"
    repeatable: ClassVar[bool] = True
    outputs: ClassVar[tuple[str, ...]] = ("folder",)

    to: str

    def folder(self, receipt: Receipt, attempt: int) -> str:
        return f"{self.to}/{detached.folder(tools.job_name(receipt, 'backup', attempt))}"

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        for attempt in range(receipt.attempt, 0, -1):
            state = await tools.ended(host, receipt, "backup", attempt)
            folder = self.folder(receipt, attempt)
            if state is None or not state.succeeded:
                continue
            if (await run(host, "test", "-s", f"{folder}/backup_manifest")).code == 0:
                return Observation("done", f"the backup is {folder}", outputs={"folder": folder})
        return Observation("not_done", "this step has made no backup yet")

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        where = await tools.must_run(host, self)
        argv = (self.bin, self.folder(receipt, receipt.attempt), where.socket, str(where.port), self.user)
        return await tools.must_succeed(host, receipt, "backup", Command(("sh", "-c", _BACKUP, "backup", *argv)))

    def restore(self, made: Mapping[str, Any]) -> tuple[Action, ...]:
        return (RestoreBackup(bin=self.bin, data=self.data, user=self.user, folder=str(made["folder"])),)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProveBackup(Base):
    """Restore a backup into a scratch cluster, start it, and compare the digests of everything in it."""

    platforms: ClassVar[tuple[str, ...]] = ("linux",)
    settles: ClassVar[Settles] = "receipt"
    kind: ClassVar[Kind] = "prove"
    repeatable: ClassVar[bool] = True
    outputs: ClassVar[tuple[str, ...]] = ("digest", "tables", "rows")

    bin: str
    folder: str
    content: Mapping[str, str]
    user: str = "postgres"

    @property
    def proof(self) -> str:
        return f"{self.folder}.proof.json"

    @property
    def scratch(self) -> str:
        return f"{self.folder}.scratch"

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        """Counts only what this step found in this run, in a backup that is still there and whole."""
        await tools.newest(host, receipt, "restore")
        try:
            proof = json.loads(await host.read(self.proof))
        except (FileMissing, ValueError):
            return Observation("not_done", f"{self.folder} was not proved yet")
        if proof.get("step") != f"{receipt.run}/{receipt.step}":
            return Observation("not_done", f"{self.folder} was proved by another step only")
        found = content.outputs(proof["content"])
        found.pop("content")
        if different := content.differences(content.logged(self.content), proof["content"]):
            return Observation("not_done", f"the restored backup differs: {different}", outputs=found)
        says = f"restored and compared: {found['tables']} tables with {found['rows']} rows are equal: {found['digest']}"
        return Observation("done", says, outputs=found)

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        start = start_command(self.bin, self.scratch, "scratch").argv[2]
        argv = (self.bin, self.folder, self.scratch, start)
        scratch = Cluster(bin=self.bin, data=self.scratch, user=self.user)
        try:
            await tools.must_succeed(host, receipt, "restore", Command(("sh", "-c", _RESTORE, "restore", *argv)))
            # Unlogged tables come back empty from a backup; that is what they are.
            found = content.logged(await content.read(host, scratch))
        except Undetermined as silence:
            raise ActFailed(f"{self.folder} could not be proved: {silence}") from silence
        finally:
            await self._clean(host, receipt)
        document = {"step": f"{receipt.run}/{receipt.step}", "content": found}
        await host.write(self.proof, json.dumps(document, sort_keys=True).encode())
        return Evidence(exit=0)

    async def _clean(self, host: Host, receipt: Receipt) -> None:
        stop = stop_command(self.bin, self.scratch).argv[2].replace("-m fast", "-m immediate")
        script = 'sh -c "$1" stop "$2" "$3" > /dev/null 2>&1 || true; rm -rf "$3"'
        await tools.job(host, receipt, "clean", Command(("sh", "-c", script, "clean", stop, self.bin, self.scratch)))
