"""Asking SQL Server, through `sqlcmd` or `osql`, and reading what they print.

All with the rights of the account that we use on the host. Messages are told by their numbers: their texts are
translated.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from handrail.hosts.protocol import Exited, Host
from handrail.probing.shell import MINUTES, Undetermined, complaint, decoded, run

LONGEST = 4 * 60 * MINUTES

CANNOT_OPEN = 3201
"""The backup device could not be opened: most often there is no such file."""
NO_BACKUP = (3241, 3242, 3243, 3254, 3183)
"""What is in the file is no backup, or a damaged one."""

FULL = "1"
"""The type of a backup that holds a whole database."""

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


def failed(answer: Exited) -> set[int]:
    """The numbers of the messages in an answer."""
    return set(messages_in(decoded(answer.out) + "\n" + decoded(answer.err)))


async def header(host: Host, server: str, file: str, tool: Tool = "sqlcmd") -> dict[str, str] | None:
    """The header of the newest backup in a file; None when there is no file, or no complete backup in it."""
    answer = await sql(host, server, f"RESTORE HEADERONLY FROM DISK = {literal(file)}", tool=tool)
    if answer.code != 0:
        if failed(answer) & {CANNOT_OPEN, *NO_BACKUP}:
            return None
        raise Undetermined(f"RESTORE HEADERONLY on {server} failed: {complaint(answer)}")
    rows = rows_in(decoded(answer.out))
    if not rows or "DatabaseName" not in rows[-1]:
        raise Undetermined(f"RESTORE HEADERONLY on {server} printed nothing that is understood")
    return None if "INCOMPLETE" in rows[-1].get("BackupName", "") else rows[-1]


def refusal(seen: Mapping[str, str], database: str, finished: str | None = None, backup_set: str | None = None) -> str:
    """Why a backup with this header is not the one that is meant; empty when it is. `finished` and `backup_set` are
    what the step that made it has noted."""
    if seen["DatabaseName"].casefold() != database.casefold():
        return f"it is a backup of {seen['DatabaseName']}"
    if seen.get("BackupType", FULL) != FULL:
        return "it is no full backup of the database"
    if finished and not same_moment(finished, seen.get("BackupFinishDate", "")):
        return f"it was finished at {seen.get('BackupFinishDate')}, and the one that is meant at {finished}"
    if backup_set and seen.get("BackupSetGUID", backup_set).casefold() != backup_set.casefold():
        return "it is another backup of that database than the one that is meant"
    return ""


def same_moment(one: str, other: str) -> bool:
    """To the second, which is what SQL Server keeps of backups."""
    return one.strip().replace("T", " ")[:19] == other.strip().replace("T", " ")[:19]


async def table_of(
    host: Host, server: str, query: str, columns: tuple[str, ...], tool: Tool = "sqlcmd"
) -> list[dict[str, str]]:
    """The rows that a question yields, each with these columns. Raises `Undetermined` when the server does not answer
    it: even without rows an answer shows its columns."""
    answer = await sql(host, server, query, tool=tool, database="master")
    text = decoded(answer.out)
    rows = rows_in(text)
    seen = " ".join(rows[0]) if rows else text
    if answer.code != 0 or any(one not in seen for one in columns):
        raise Undetermined(f"{server} did not answer what it was asked: {complaint(answer)}")
    return rows
