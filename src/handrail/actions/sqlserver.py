"""Databases of SQL Server, through `sqlcmd`, with the rights of the account that we use on the host.

SQL Server 2000 has `osql` instead, knows neither checksums in backups nor `sys.databases`, and cannot make folders for
us: a step with `tool: osql` therefore has to be carried out on the server itself.
"""

from __future__ import annotations

import ntpath
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from handrail.actions import files, receipts
from handrail.actions.base import Base, Check, Undetermined, settled
from handrail.actions.protocol import ActFailed, Action, Evidence, Observation, Receipt
from handrail.actions.sqlserver_restore import RestoreDatabase
from handrail.hosts.protocol import Host
from handrail.hosts.windows_jobs import safe_name
from handrail.model.signature import Kind, Settles
from handrail.probing.shell import complaint, decoded, said
from handrail.probing.sql_text import LONGEST, Tool, header, literal, name, refusal, rows_in, sql


@dataclass(frozen=True, slots=True)
class BackUpDatabase(Base):
    """Back up a database with checksums into a file of this attempt's own, apart from the regular backups."""

    settles: ClassVar[Settles] = "receipt"
    kind: ClassVar[Kind] = "back-up"
    repeatable: ClassVar[bool] = True
    afresh: ClassVar[bool] = True
    outputs: ClassVar[tuple[str, ...]] = ("file", "finished", "backup_set", "broker", "bytes", "made_at")

    server: str
    database: str
    to: str
    tool: Tool = "sqlcmd"

    def _file(self, receipt: Receipt) -> str:
        return ntpath.join(receipts.folder_below(self.to, receipt), safe_name(self.database, 60) + ".bak")

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        file = self._file(receipt)
        seen = await header(host, self.server, file, self.tool)
        evidence: dict[str, Any] = {"server": self.server, "database": self.database, "file": file}
        if seen is None:
            return Observation("not_done", f"this attempt has made no backup of {self.database}", evidence)
        if wrong := refusal(seen, self.database):
            return Observation("not_done", f"{file} cannot be used: {wrong}", evidence)
        outputs = {
            "file": file,
            "finished": seen.get("BackupFinishDate", ""),
            "backup_set": seen.get("BackupSetGUID"),
            "broker": await self._broker(host),
            "bytes": _size(seen),
            "made_at": receipt.since,
        }
        evidence = {**evidence, **outputs, "needs": needs(seen)}
        return Observation("done", f"{self.database} is backed up in {file}", evidence, outputs)

    async def _broker(self, host: Host) -> bool:
        """Whether messages are delivered in the database: a restore by itself switches that off."""
        if self.tool == "osql":
            return False
        query = f"SELECT is_broker_enabled FROM sys.databases WHERE name = {literal(self.database)}"
        answer = await sql(host, self.server, query)
        rows = rows_in(decoded(answer.out))
        if answer.code != 0 or not rows or "is_broker_enabled" not in rows[0]:
            raise Undetermined(f"{self.server} did not say how {self.database} is: {complaint(answer)}")
        return rows[0]["is_broker_enabled"] == "1"

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        file = self._file(receipt)
        # The path is the server's, which need not be the host that sqlcmd runs on.
        folder = ntpath.dirname(file)
        if self.tool == "osql":
            await files.make_folder(host, folder)
        else:
            made = await sql(host, self.server, f"EXECUTE master.sys.xp_create_subdir {literal(folder)}")
            if made.code != 0:
                raise ActFailed(f"{folder} could not be made: {complaint(made)}", Evidence(made.code))
        wishes = "INIT" if self.tool == "osql" else "CHECKSUM, COPY_ONLY, INIT"
        query = f"BACKUP DATABASE {name(self.database)} TO DISK = {literal(file)} WITH {wishes}"
        answer = await sql(host, self.server, query, LONGEST, self.tool)
        evidence = Evidence(exit=answer.code, log=said(answer, 4000), outputs={"file": file})
        if answer.code != 0:
            raise ActFailed(f"{self.database} could not be backed up: {complaint(answer)}", evidence)
        return evidence

    def restore(self, made: Mapping[str, Any]) -> tuple[Action, ...]:
        finished, backup_set = made.get("finished") or None, made.get("backup_set") or None
        broker = bool(made.get("broker"))
        return (
            RestoreDatabase(self.server, self.database, str(made["file"]), self.tool, finished, backup_set, broker),
        )


def _size(seen: Mapping[str, str]) -> int | None:
    text = seen.get("BackupSize", "")
    return int(text) if text.isdecimal() else None


def needs(seen: Mapping[str, str]) -> dict[str, Any]:
    """What is needed to use a backup, as far as its header tells: a server of that version or a newer one."""
    parts = [seen.get(f"SoftwareVersion{one}", "") for one in ("Major", "Minor", "Build")]
    version = ".".join(parts) if all(one.isdecimal() for one in parts) else None
    return {"server": seen.get("ServerName"), "server_version": version, "made_by": seen.get("UserName")}


@dataclass(frozen=True, slots=True)
class ProveDatabase(Check):
    """Prove a database's backup: let SQL Server read all of it and say of which database and when it is.

    With `finished` it must be the very backup that was finished then, as the step that made it has noted.
    """

    kind: ClassVar[Kind] = "prove"
    outputs: ClassVar[tuple[str, ...]] = ("finished", "bytes")

    server: str
    database: str
    file: str
    tool: Tool = "sqlcmd"
    finished: str | None = None

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        evidence: dict[str, Any] = {"server": self.server, "database": self.database, "file": self.file}
        seen = await header(host, self.server, self.file, self.tool)
        if seen is None:
            return Observation("not_done", f"{self.file} holds no complete backup", evidence)
        evidence |= {"finished": seen.get("BackupFinishDate", ""), "needs": needs(seen)}
        if wrong := refusal(seen, self.database, self.finished):
            return Observation("not_done", f"{self.file} cannot be used: {wrong}", evidence)
        checked = "" if self.tool == "osql" else " WITH CHECKSUM"
        query = f"RESTORE VERIFYONLY FROM DISK = {literal(self.file)}{checked}"
        answer = await sql(host, self.server, query, LONGEST, self.tool)
        if answer.code != 0:
            return Observation("not_done", f"{self.file} cannot be restored: {complaint(answer)}", evidence)
        outputs = {"finished": evidence["finished"], "bytes": _size(seen)}
        return Observation("done", f"{self.file} was read whole and is right", evidence, outputs)


_STATE: Mapping[Tool, str] = {
    "sqlcmd": "SELECT state_desc FROM sys.databases WHERE name = {}",
    "osql": "SELECT CONVERT(varchar(20), DATABASEPROPERTYEX(name, 'Status')) AS state_desc "
    "FROM master.dbo.sysdatabases WHERE name = {}",
}


@dataclass(frozen=True, slots=True)
class DatabaseOnline(Check):
    """Check that a database is there and online."""

    lasting: ClassVar[bool] = True

    server: str
    database: str
    tool: Tool = "sqlcmd"

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        answer = await sql(host, self.server, _STATE[self.tool].format(literal(self.database)), tool=self.tool)
        text = decoded(answer.out)
        rows = rows_in(text)
        evidence = {"server": self.server, "database": self.database}
        if answer.code != 0 or (not rows and "state_desc" not in text):
            raise Undetermined(f"{self.server} did not say how {self.database} is: {complaint(answer)}")
        if not rows:
            return Observation("not_done", f"there is no database {self.database} on {self.server}", evidence)
        state = rows[0].get("state_desc", "")
        return settled(state == "ONLINE", f"{self.database} is {state}", {**evidence, "state": state})
