"""Proving a backup the hard way: restored under another name, checked by SQL Server, counted, and dropped again."""

from __future__ import annotations

import hashlib
import ntpath
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from handrail.actions import files, receipts
from handrail.actions.base import Base
from handrail.actions.contents import counts
from handrail.actions.protocol import ActFailed, Evidence, Observation, Receipt
from handrail.actions.sqlserver_restore import file_list
from handrail.hosts.protocol import Host
from handrail.model.signature import Kind, Settles
from handrail.probing.shell import complaint, said
from handrail.probing.sql_text import LONGEST, Tool, header, literal, name, refusal, sql, table_of

MARGIN = 1.1
"""Room that there must be, as a multiple of what the files take."""

_NAMED = "SET NOCOUNT ON; SELECT name FROM master.dbo.sysdatabases WHERE name = {}"
_ROOM = "EXECUTE master.dbo.xp_fixeddrives"


@dataclass(frozen=True, slots=True)
class ProveRestored(Base):
    """Prove a database's backup: restore it under another name, let SQL Server check it, count its rows, drop it again.

    It takes room and time like a restore. `before` are the rows that were counted (sqlserver.count); without them they
    are compared with the database as it is now, which nobody may be working on. `folder` is where the files go: by
    itself where the backup says that they lay. The database's own name is never touched.
    """

    settles: ClassVar[Settles] = "receipt"
    kind: ClassVar[Kind] = "prove"
    repeatable: ClassVar[bool] = True
    outputs: ClassVar[tuple[str, ...]] = ("tables", "rows")

    server: str
    database: str
    file: str
    tool: Tool = "sqlcmd"
    finished: str | None = None
    before: Mapping[str, Any] | None = None
    folder: str | None = None

    def scratch(self, receipt: Receipt) -> str:
        """The other name: the same in every attempt, so that one that was left behind is found."""
        return "handrail_" + hashlib.sha256(f"{receipt.run}/{receipt.step}".encode()).hexdigest()[:16]

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        scratch = self.scratch(receipt)
        evidence: dict[str, Any] = {"server": self.server, "file": self.file, "scratch": scratch}
        left_behind = await self._is_there(host, scratch)
        found = await receipts.found(host, receipt)
        if left_behind:
            return Observation("not_done", f"the scratch database {scratch} is still on {self.server}", evidence)
        if found is None:
            return Observation("not_done", f"this attempt has not restored {self.file} anywhere", evidence)
        outputs = {"tables": found.get("tables"), "rows": found.get("rows")}
        because = f"{self.file} was restored as {scratch}, checked, had its {outputs['rows']} rows, and was dropped"
        return Observation("done", because, {**evidence, **outputs}, outputs)

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        scratch = self.scratch(receipt)
        seen = await header(host, self.server, self.file, self.tool)
        wrong = "it holds no complete backup" if seen is None else refusal(seen, self.database, self.finished)
        if wrong:
            raise ActFailed(f"{self.file} proves nothing: {wrong}")
        listed = await file_list(host, self.server, self.file, self.tool)
        folder = self.folder or ntpath.dirname(listed[0]["PhysicalName"])
        await self._room(host, folder, sum(int(one["Size"]) for one in listed))
        await self._drop(host, scratch)
        try:
            tables = await self._restored(host, scratch, folder, listed)
        finally:
            await self._drop(host, scratch)
        made = {"tables": tables, "rows": sum(tables.values())}
        await receipts.leave(host, receipt, made)
        return Evidence(exit=0, outputs=made)

    async def _restored(self, host: Host, scratch: str, folder: str, listed: list[dict[str, str]]) -> dict[str, int]:
        """The rows of every table of the scratch database. ActFailed when it is not what it should be."""
        moves = [
            f"MOVE {literal(one['LogicalName'])} TO {literal(ntpath.join(folder, f'{scratch}_{number}.dat'))}"
            for number, one in enumerate(listed, 1)
        ]
        wishes = ["RECOVERY", *(["CHECKSUM"] if self.tool == "sqlcmd" else []), *moves]
        restore = f"RESTORE DATABASE {name(scratch)} FROM DISK = {literal(self.file)} WITH {', '.join(wishes)}"
        await self._said_yes(host, restore, f"{self.file} cannot be restored")
        check = f"DBCC CHECKDB ({literal(scratch)}) WITH NO_INFOMSGS"
        await self._said_yes(host, check, f"what {self.file} restores is damaged")
        tables = await counts(host, self.server, scratch, self.tool)
        wanted = self.before
        if wanted is None:
            wanted = await counts(host, self.server, self.database, self.tool)
        other = [one for one in sorted({*wanted, *tables}) if int(wanted.get(one, -1)) != tables.get(one, -1)]
        if other:
            against = "counted before" if self.before is not None else f"are in {self.database} now"
            raise ActFailed(f"{self.file} holds other rows than {against}, in {files.some(other)}")
        return tables

    async def _said_yes(self, host: Host, query: str, otherwise: str) -> None:
        answer = await sql(host, self.server, query, LONGEST, self.tool, "master")
        if answer.code != 0:
            raise ActFailed(f"{otherwise}: {complaint(answer)}", Evidence(answer.code, said(answer, 4000)))

    async def _room(self, host: Host, folder: str, size: int) -> None:
        rows = await table_of(host, self.server, _ROOM, ("drive", "MB free"), self.tool)
        drive = ntpath.splitdrive(folder)[0].rstrip(":").upper()
        free = next((row["MB free"] for row in rows if row["drive"].upper() == drive), "")
        if not free.isdecimal():
            raise ActFailed(f"how much room is in {folder} cannot be told: name a folder on a drive of {self.server}")
        if int(free) * 2**20 < size * MARGIN:
            raise ActFailed(f"{folder} has {free} MB free, and the restored files take {size // 2**20 + 1} MB")

    async def _is_there(self, host: Host, scratch: str) -> bool:
        return bool(await table_of(host, self.server, _NAMED.format(literal(scratch)), ("name",), self.tool))

    async def _drop(self, host: Host, scratch: str) -> None:
        if await self._is_there(host, scratch):
            await self._said_yes(host, f"DROP DATABASE {name(scratch)}", f"{scratch} cannot be dropped")
