"""Putting a database back from its backup.

What settles it is the server's own record: msdb names every restore, and the backup that it came from. No clock is
compared: what counts is a restore of this very backup that is newer than the newest one there was before the step.
"""

from __future__ import annotations

import ntpath
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from handrail.actions import files
from handrail.actions.base import Base, Undetermined
from handrail.actions.protocol import ActFailed, Evidence, Observation, Receipt
from handrail.hosts.protocol import Host
from handrail.model.signature import Settles
from handrail.probing.shell import complaint, decoded, said
from handrail.probing.sql_text import (
    LONGEST,
    Tool,
    header,
    literal,
    name,
    refusal,
    rows_in,
    same_moment,
    sql,
    table_of,
)

_STATE: Mapping[Tool, str] = {
    "sqlcmd": "SELECT state_desc, user_access_desc FROM sys.databases WHERE name = {}",
    "osql": "SELECT CONVERT(varchar(20), DATABASEPROPERTYEX(name, 'Status')) AS state_desc, "
    "CONVERT(varchar(20), DATABASEPROPERTYEX(name, 'UserAccess')) AS user_access_desc "
    "FROM master.dbo.sysdatabases WHERE name = {}",
}
_LAST = (
    "SET NOCOUNT ON; SELECT TOP 1 h.restore_history_id AS id, CONVERT(varchar(36), s.backup_set_uuid) AS backup_set, "
    "CONVERT(varchar(23), s.backup_finish_date, 121) AS finished FROM msdb.dbo.restorehistory h "
    "JOIN msdb.dbo.backupset s ON s.backup_set_id = h.backup_set_id "
    "WHERE h.destination_database_name = {} ORDER BY h.restore_history_id DESC"
)
_RESTORE = ("id", "backup_set", "finished")
_RUNNING = "SET NOCOUNT ON; SELECT spid FROM master.dbo.sysprocesses WHERE cmd LIKE N'RESTORE%'"
_FILES = "SET NOCOUNT ON; SELECT name, filename FROM master.dbo.sysaltfiles WHERE dbid = DB_ID({})"


async def file_list(host: Host, server: str, file: str, tool: Tool = "sqlcmd") -> list[dict[str, str]]:
    """The database files in a backup: LogicalName, PhysicalName, Size (bytes) and more. Raises `Undetermined`."""
    answer = await sql(host, server, f"RESTORE FILELISTONLY FROM DISK = {literal(file)}", tool=tool)
    rows = rows_in(decoded(answer.out))
    if answer.code != 0 or not rows or not {"LogicalName", "PhysicalName", "Size"} <= set(rows[0]):
        raise Undetermined(f"RESTORE FILELISTONLY on {server} failed: {complaint(answer)}")
    return rows


@dataclass(frozen=True, slots=True)
class RestoreDatabase(Base):
    """Put a database back from its backup, over what is there: everybody is sent out, and let in again afterwards.

    It refuses a file that is not the backup meant, before it touches anything: `finished`, `backup_set` and `sha256`
    are what was noted when it was made. Files lie where those of the database lie now, else where the backup says, or
    in `folder`. `broker`: messages are delivered in it again (Service Broker), as they were.
    """

    settles: ClassVar[Settles] = "receipt"
    destroys: ClassVar[bool] = True
    repeatable: ClassVar[bool] = True
    outputs: ClassVar[tuple[str, ...]] = ("finished",)

    server: str
    database: str
    file: str
    tool: Tool = "sqlcmd"
    finished: str | None = None
    backup_set: str | None = None
    broker: bool = False
    sha256: str | None = None
    folder: str | None = None

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        if await table_of(host, self.server, _RUNNING, ("spid",), self.tool):
            raise Undetermined(f"{self.server} is restoring a database at this moment: wait until it has ended")
        how = await self._state(host)
        last = await self._last(host)
        newest = int(last["id"]) if last else 0
        evidence: dict[str, Any] = {
            "server": self.server,
            "database": self.database,
            "file": self.file,
            "state": how["state_desc"] if how else None,
            "access": how["user_access_desc"] if how else None,
            "last_restore": newest,
        }
        before = _last_before(receipt)
        if before is None or last is None or newest <= before or not await self._is_of(host, last):
            return Observation("not_done", f"this attempt has not put {self.database} back", evidence)
        if how is None or (how["state_desc"], how["user_access_desc"]) != ("ONLINE", "MULTI_USER"):
            because = f"{self.database} was restored and is {evidence['state']}, {evidence['access']}"
            return Observation("not_done", because, evidence)
        outputs = {"finished": last["finished"]}
        return Observation("done", f"{self.database} is what it was at {last['finished']}", evidence, outputs)

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        position = await self._checked(host)
        how = await self._state(host)
        wishes = ["REPLACE", "RECOVERY", *(["CHECKSUM"] if self.tool == "sqlcmd" else [])]
        wishes = [*([f"FILE = {position}"] if position != "1" else []), *wishes]
        wishes += ["ENABLE_BROKER"] if self.broker else []
        wishes += [f"MOVE {literal(logical)} TO {literal(path)}" for logical, path in await self._moves(host, how)]
        lines = [f"RESTORE DATABASE {name(self.database)} FROM DISK = {literal(self.file)} WITH {', '.join(wishes)}"]
        if how is not None and how["state_desc"] == "ONLINE":
            lines = [f"ALTER DATABASE {name(self.database)} SET SINGLE_USER WITH ROLLBACK IMMEDIATE", *lines]
        lines += [f"ALTER DATABASE {name(self.database)} SET MULTI_USER"]
        # All in one session: in between, nobody else can take the one place that there is.
        answer = await sql(host, self.server, "; ".join(lines), LONGEST, self.tool, "master")
        evidence = Evidence(exit=answer.code, log=said(answer, 4000))
        if answer.code != 0:
            raise ActFailed(f"{self.database} could not be put back: {complaint(answer)}", evidence)
        return evidence

    async def _checked(self, host: Host) -> str:
        """That the file is the backup meant; where it stands in the file. ActFailed when it is another."""
        seen = await header(host, self.server, self.file, self.tool)
        wrong = (
            "it holds no complete backup"
            if seen is None
            else refusal(seen, self.database, self.finished, self.backup_set)
        )
        if not wrong and self.sha256 is not None:
            there = await files.file(host, self.file)
            wrong = "" if there and there.sha256 == self.sha256.lower() else "its SHA-256 is not the one that was noted"
        if wrong or seen is None:
            raise ActFailed(f"{self.file} is not restored: {wrong}; nothing was touched", Evidence(details=seen or {}))
        return seen.get("Position") or "1"

    async def _state(self, host: Host) -> dict[str, str] | None:
        """How the database is; None when there is none."""
        query = _STATE[self.tool].format(literal(self.database))
        rows = await table_of(host, self.server, query, ("state_desc", "user_access_desc"), self.tool)
        return rows[0] if rows else None

    async def _last(self, host: Host) -> dict[str, str] | None:
        rows = await table_of(host, self.server, _LAST.format(literal(self.database)), _RESTORE, self.tool)
        if rows and not rows[0]["id"].isdecimal():
            raise Undetermined(f"{self.server} printed nothing that is understood about restores of {self.database}")
        return rows[0] if rows else None

    async def _is_of(self, host: Host, last: Mapping[str, str]) -> bool:
        """Whether that restore was one of the backup meant."""
        finished, backup_set = self.finished, self.backup_set
        if not finished and not backup_set:
            seen = await header(host, self.server, self.file, self.tool)
            if seen is None:
                raise Undetermined(f"{self.file} is not there any more, so nobody can tell whether it was restored")
            finished = seen.get("BackupFinishDate")
        right_set = not backup_set or last["backup_set"].casefold() == backup_set.casefold()
        return right_set and (not finished or same_moment(finished, last["finished"]))

    async def _moves(self, host: Host, how: Mapping[str, str] | None) -> list[tuple[str, str]]:
        """Which files of the backup go elsewhere than it says: logical name and path."""
        listed = await file_list(host, self.server, self.file, self.tool)
        if how is None:
            if self.folder is None:
                return []
            there = {one["LogicalName"]: ntpath.join(self.folder, _base(one["PhysicalName"])) for one in listed}
        else:
            query = _FILES.format(literal(self.database))
            rows = await table_of(host, self.server, query, ("name", "filename"), self.tool)
            there = {one["name"]: one["filename"] for one in rows}
        pairs = [(one["LogicalName"], there.get(one["LogicalName"], one["PhysicalName"]), one) for one in listed]
        return [(logical, path) for logical, path, one in pairs if path.casefold() != one["PhysicalName"].casefold()]


def _base(path: str) -> str:
    return ntpath.basename(path)


def _last_before(receipt: Receipt) -> int | None:
    """The newest restore that there was when the step began; None while it has not begun."""
    evidence = receipt.before.get("evidence")
    found: Any = evidence.get("last_restore") if isinstance(evidence, Mapping) else None
    return int(found) if found is not None else None
