"""What a SQL Server database holds and which files it lies in, looked at from outside: no backup, no product needed.

Counts of rows are no proof of equal content. They tell at once, though, a database that was kept from a new, empty one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from handrail.actions import files
from handrail.actions.base import Check, Undetermined
from handrail.actions.protocol import Observation, Receipt
from handrail.hosts.protocol import Host
from handrail.probing.shell import complaint, decoded
from handrail.probing.sql_text import Tool, literal, rows_in, sql

_COUNTS = (
    "SET NOCOUNT ON; SELECT o.name AS name, i.rows AS rows FROM dbo.sysobjects o "
    "JOIN dbo.sysindexes i ON i.id = o.id AND i.indid < 2 WHERE o.xtype = 'U' ORDER BY o.name"
)
_FILES = "SET NOCOUNT ON; SELECT filename FROM master.dbo.sysaltfiles WHERE dbid = DB_ID({})"


async def counts(host: Host, server: str, database: str, tool: Tool) -> dict[str, int]:
    """Rows of every table of a database, by table. Raises `Undetermined`."""
    answer = await sql(host, server, _COUNTS, tool=tool, database=database)
    rows = rows_in(decoded(answer.out))
    if answer.code != 0 or (not rows and "name" not in decoded(answer.out)):
        raise Undetermined(f"{server} did not say what {database} holds: {complaint(answer)}")
    try:
        return {row["name"]: int(row["rows"]) for row in rows}
    except (KeyError, ValueError):
        raise Undetermined(f"{server} printed nothing that is understood about {database}") from None


@dataclass(frozen=True, slots=True)
class CountRows(Check):
    """Note how many rows every table of a database has, to be compared later."""

    outputs: ClassVar[tuple[str, ...]] = ("tables", "rows")

    server: str
    database: str
    tool: Tool = "sqlcmd"

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        tables = await counts(host, self.server, self.database, self.tool)
        outputs = {"tables": tables, "rows": sum(tables.values())}
        because = f"{self.database} has {outputs['rows']} rows in {len(tables)} tables"
        if not outputs["rows"]:
            return Observation("not_done", f"{self.database} is empty", {"tables": tables}, outputs)
        return Observation("done", because, {"server": self.server, "database": self.database, **outputs}, outputs)


@dataclass(frozen=True, slots=True)
class RowsKept(Check):
    """See that no table of a database is gone and none has fewer rows than were counted before."""

    lasting: ClassVar[bool] = False
    outputs: ClassVar[tuple[str, ...]] = ("tables",)

    server: str
    database: str
    before: Mapping[str, Any]
    tool: Tool = "sqlcmd"

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        now = await counts(host, self.server, self.database, self.tool)
        gone = sorted(one for one in self.before if one not in now)
        fewer = sorted(f"{one} ({self.before[one]} before, {now[one]} now)" for one in now if self._lost(one, now[one]))
        evidence = {"server": self.server, "database": self.database, "before": dict(self.before), "now": now}
        if gone or fewer:
            lost = [*(f"{one} (gone)" for one in gone), *fewer]
            because = f"{self.database} does not hold any more what it held: {files.some(lost)}"
            return Observation("not_done", because, evidence, {"tables": now})
        because = f"all {len(self.before)} tables of {self.database} have their rows"
        return Observation("done", because, evidence, {"tables": now})

    def _lost(self, table: str, rows: int) -> bool:
        return rows < int(self.before.get(table, 0))


@dataclass(frozen=True, slots=True)
class DatabaseFiles(Check):
    """See that the files of a database are where the server says. Carried out on the server itself."""

    outputs: ClassVar[tuple[str, ...]] = ("files",)

    server: str
    database: str
    tool: Tool = "sqlcmd"

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        answer = await sql(host, self.server, _FILES.format(literal(self.database)), tool=self.tool)
        text = decoded(answer.out)
        if answer.code != 0 or "filename" not in text:
            raise Undetermined(f"{self.server} did not say where {self.database} lies: {complaint(answer)}")
        listed = [row["filename"] for row in rows_in(text)]
        missing = [one for one in listed if not await files.is_there(host, one)]
        evidence = {"server": self.server, "database": self.database, "files": listed, "missing": missing}
        if not listed:
            return Observation("not_done", f"there is no database {self.database} on {self.server}", evidence)
        if missing:
            return Observation("not_done", f"files of {self.database} are gone: {files.some(missing)}", evidence)
        return Observation("done", f"{self.database} lies in {files.some(listed)}", evidence, {"files": listed})
