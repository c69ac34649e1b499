"""Databases of SQL Server, through `sqlcmd`, with the rights of the account that we use on the host.

SQL Server 2000 has `osql` instead, knows neither checksums in backups nor `sys.databases`, and cannot make folders for
us: a step with `tool: osql` therefore has to be carried out on the server itself.
"""

from __future__ import annotations

import ntpath
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from handrail.actions import files, receipts
from handrail.actions.base import Base, Check, Undetermined, settled
from handrail.actions.protocol import ActFailed, Evidence, Observation, Receipt
from handrail.actions.shell import MINUTES, decoded, run, said
from handrail.hosts.protocol import Exited, Host
from handrail.hosts.windows_jobs import safe_name
from handrail.model.signature import Kind, Settles

LONGEST = 4 * 60 * MINUTES

CANNOT_OPEN = 3201
"""The backup device could not be opened: most often there is no such file."""
NO_BACKUP = (3241, 3242, 3243, 3254, 3183)
"""What is in the file is no backup, or a damaged one."""

Tool = Literal["sqlcmd", "osql"]
"""What asks the server: `sqlcmd`, or `osql` for SQL Server 2000."""

FORMAT: Mapping[Tool, tuple[str, ...]] = {
    "sqlcmd": ("-W", "-w", "65535", "-s", "|"),
    "osql": ("-n", "-w", "8000", "-s", "|"),
}
"""Columns apart by a bar and lines never folded: by themselves both fold at 80 characters."""


def name(text: str) -> str:
    return "[" + text.replace("]", "]]") + "]"


def literal(text: str) -> str:
    return "N'" + text.replace("'", "''") + "'"


async def sql(
    host: Host, server: str, query: str, within: float = 5 * MINUTES, tool: Tool = "sqlcmd", database: str = ""
) -> Exited:
    """Ask the server; `database` is where the query is asked, its own default when it is empty."""
    at = ("-d", database) if database else ()
    return await run(host, tool, "-S", server, "-E", "-b", *at, *FORMAT[tool], "-Q", query, timeout=within)


def rows_in(text: str) -> list[dict[str, str]]:
    """The rows of the first table that sqlcmd printed, by column; none when there is no table."""
    lines = text.splitlines()
    for at, line in enumerate(lines[1:], start=1):
        if re.fullmatch(r"-+(\|-+)*", line.strip()):
            columns = [one.strip() for one in lines[at - 1].split("|")]
            rows = []
            for row in lines[at + 1 :]:
                cells = [one.strip() for one in row.split("|")]
                if len(cells) != len(columns) or not row.strip():
                    break
                rows.append(dict(zip(columns, cells, strict=True)))
            return rows
    return []


def messages_in(text: str) -> list[int]:
    """The numbers of SQL Server's messages; their texts are translated, the numbers are not."""
    return [int(one) for one in re.findall(r"^\s*\w+ (\d{2,6}), \w+ \d{1,2}, ", text, re.MULTILINE)]


def _failed(answer: Exited) -> set[int]:
    return set(messages_in(decoded(answer.out) + "\n" + decoded(answer.err)))


async def header(host: Host, server: str, file: str, tool: Tool = "sqlcmd") -> dict[str, str] | None:
    """The header of the newest backup in a file; None when there is no file, or no complete backup in it."""
    answer = await sql(host, server, f"RESTORE HEADERONLY FROM DISK = {literal(file)}", tool=tool)
    if answer.code != 0:
        if _failed(answer) & {CANNOT_OPEN, *NO_BACKUP}:
            return None
        raise Undetermined(f"RESTORE HEADERONLY on {server} failed: {said(answer)}")
    rows = rows_in(decoded(answer.out))
    if not rows or "DatabaseName" not in rows[-1]:
        raise Undetermined(f"RESTORE HEADERONLY on {server} printed nothing that is understood")
    return None if "INCOMPLETE" in rows[-1].get("BackupName", "") else rows[-1]


@dataclass(frozen=True, slots=True)
class BackUpDatabase(Base):
    """Back up a database with checksums into a file of this attempt's own, apart from the regular backups."""

    settles: ClassVar[Settles] = "receipt"
    kind: ClassVar[Kind] = "back-up"
    repeatable: ClassVar[bool] = True
    outputs: ClassVar[tuple[str, ...]] = ("file", "finished")

    server: str
    database: str
    to: str
    tool: Tool = "sqlcmd"

    def _file(self, receipt: Receipt) -> str:
        return ntpath.join(receipts.folder_below(self.to, receipt), safe_name(self.database, 60) + ".bak")

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        file = self._file(receipt)
        seen = await header(host, self.server, file, self.tool)
        evidence = {"server": self.server, "database": self.database, "file": file}
        if seen is None:
            return Observation("not_done", f"this attempt has made no backup of {self.database}", evidence)
        if seen["DatabaseName"].casefold() != self.database.casefold():
            return Observation("not_done", f"{file} is a backup of {seen['DatabaseName']}", evidence)
        outputs = {"file": file, "finished": seen.get("BackupFinishDate", "")}
        return Observation("done", f"{self.database} is backed up in {file}", {**evidence, **outputs}, outputs)

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        file = self._file(receipt)
        # The path is the server's, which need not be the host that sqlcmd runs on.
        folder = ntpath.dirname(file)
        if self.tool == "osql":
            await files.make_folder(host, folder)
        else:
            made = await sql(host, self.server, f"EXECUTE master.sys.xp_create_subdir {literal(folder)}")
            if made.code != 0:
                raise ActFailed(f"{folder} could not be made: {said(made)}", Evidence(made.code))
        wishes = "INIT" if self.tool == "osql" else "CHECKSUM, COPY_ONLY, INIT"
        query = f"BACKUP DATABASE {name(self.database)} TO DISK = {literal(file)} WITH {wishes}"
        answer = await sql(host, self.server, query, LONGEST, self.tool)
        evidence = Evidence(exit=answer.code, log=said(answer, 4000), outputs={"file": file})
        if answer.code != 0:
            raise ActFailed(f"{self.database} could not be backed up: {said(answer)}", evidence)
        return evidence


@dataclass(frozen=True, slots=True)
class ProveDatabase(Check):
    """Prove a database's backup: let SQL Server read all of it and say of which database and when it is."""

    kind: ClassVar[Kind] = "prove"
    outputs: ClassVar[tuple[str, ...]] = ("finished",)

    server: str
    database: str
    file: str
    tool: Tool = "sqlcmd"

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        evidence = {"server": self.server, "database": self.database, "file": self.file}
        seen = await header(host, self.server, self.file, self.tool)
        if seen is None:
            return Observation("not_done", f"{self.file} holds no complete backup", evidence)
        if seen["DatabaseName"].casefold() != self.database.casefold():
            return Observation("not_done", f"{self.file} is a backup of {seen['DatabaseName']}", evidence)
        checked = "" if self.tool == "osql" else " WITH CHECKSUM"
        query = f"RESTORE VERIFYONLY FROM DISK = {literal(self.file)}{checked}"
        answer = await sql(host, self.server, query, LONGEST, self.tool)
        evidence["finished"] = seen.get("BackupFinishDate", "")
        if answer.code != 0:
            return Observation("not_done", f"{self.file} cannot be restored: {said(answer)}", evidence)
        return Observation(
            "done", f"{self.file} was read whole and is right", evidence, {"finished": evidence["finished"]}
        )


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
            raise Undetermined(f"{self.server} did not say how {self.database} is: {said(answer)}")
        if not rows:
            return Observation("not_done", f"there is no database {self.database} on {self.server}", evidence)
        state = rows[0].get("state_desc", "")
        return settled(state == "ONLINE", f"{self.database} is {state}", {**evidence, "state": state})
