"""Statements about backups: taking, reading and restoring them, and what the server remembers of it."""

from __future__ import annotations

import re

from handrail.twin import paths
from handrail.twin.mechanisms import backups, databases, files
from handrail.twin.things import Entry, Service
from handrail.twin.tools.reply import Reply, say
from handrail.twin.tools.sql_asked import NAME, TEXT, Answer, Asked, database_in, text_in

_STOPPED = "RESTORE DATABASE is terminating abnormally."
_MOVE = re.compile(r"MOVE\s+N?'((?:[^']|'')*)'\s+TO\s+N?'((?:[^']|'')*)'", re.IGNORECASE)


def _back_up(asked: Asked, found: re.Match[str]) -> Reply:
    name, path = database_in(found), text_in(found)
    database = databases.find(asked.server, name)
    if database is None:
        stopped = "BACKUP DATABASE is terminating abnormally."
        return asked.wrong(
            911, f"Database '{name}' does not exist. Make sure that the name is entered correctly.\r\n{stopped}"
        )
    if database.state != "ONLINE":
        return asked.wrong(942, f"Database '{name}' cannot be opened because it is offline.")
    wishes = found["with"].upper()
    unknown = next((one for one in ("CHECKSUM", "COPY_ONLY") if asked.old and one in wishes), None)
    if unknown is not None:
        return asked.wrong(155, f"'{unknown}' is not a recognized BACKUP option.", level=15)
    options = {"checksum": "CHECKSUM" in wishes, "copy_only": "COPY_ONLY" in wishes, "init": "INIT" in wishes}
    if not backups.back_up(asked.server, database, path, options):
        return _cannot_open(asked, path)
    pages = 64 + 8 * len(database.tables)
    return say(
        0,
        f"Processed {pages} pages for database '{name}', file '{name}' on file 1.",
        f"BACKUP DATABASE successfully processed {pages} pages in 0.212 seconds (11.226 MB/sec).",
    )


def _cannot_open(asked: Asked, path: str) -> Reply:
    text = f"Cannot open backup device '{path}'. Operating system error 2(The system cannot find the file specified.)."
    return asked.wrong(3201, text, state=2)


def _damaged(asked: Asked, path: str) -> Reply:
    return asked.wrong(
        3241, f"The media family on device '{path}' is incorrectly formed. SQL Server cannot process it."
    )


def _cut_off(asked: Asked, path: str) -> Reply:
    return asked.wrong(3203, f'Read on "{path}" failed: 38(Reached the end of the file.)')


def _opened(asked: Asked, found: re.Match[str]) -> Entry | Reply:
    """The backup that a statement names, or why its header cannot be read."""
    path = text_in(found)
    entry = files.find(asked.server.machine, path)
    if entry is None or entry.folder:
        return _cannot_open(asked, path)
    return _damaged(asked, path) if backups.header_of(entry) is None else entry


def _unknown_option(asked: Asked, found: re.Match[str], entry: Entry) -> Reply | None:
    if "CHECKSUM" not in (found["with"] or "").upper():
        return None
    if asked.old:
        return asked.wrong(155, "'CHECKSUM' is not a recognized RESTORE option.", level=15)
    header = backups.header_of(entry)
    if header is not None and header.get("HasBackupChecksums") != "1":
        text = "The CHECKSUM option was specified, but the backup set contains no checksum information."
        return asked.wrong(3187, text)
    return None


def _verify(asked: Asked, found: re.Match[str]) -> Reply:
    entry = _opened(asked, found)
    if isinstance(entry, Reply):
        return entry
    refused = _unknown_option(asked, found, entry)
    if refused is not None:
        return refused
    if backups.condition(entry) != "whole":
        return _cut_off(asked, text_in(found))
    return say(0, "The backup set on file 1 is valid.")


def _header(asked: Asked, found: re.Match[str]) -> Reply:
    entry = _opened(asked, found)
    if isinstance(entry, Reply):
        return entry
    header = backups.header_of(entry)
    assert header is not None
    columns = {"BackupName": "NULL", **header}
    times = {name: one.replace("T", " ")[:23] for name, one in columns.items() if name.endswith("Date")}
    columns.update(times)
    return asked.rows(list(columns), [list(columns.values())])


def _logical(entry: Entry) -> dict[str, str]:
    """The files of the database in a backup: logical name and where it lay."""
    saved = backups.saved(entry)
    return dict(zip((saved.name, f"{saved.name}_log"), databases.places_of(saved), strict=True))


def _file_list(asked: Asked, found: re.Match[str]) -> Reply:
    entry = _opened(asked, found)
    if isinstance(entry, Reply):
        return entry
    size = backups.size_of(backups.saved(entry))
    columns = ["LogicalName", "PhysicalName", "Type", "FileGroupName", "Size"]
    kinds = (("D", "PRIMARY", size), ("L", "NULL", size // 4))
    rows = [
        [name, path, kind, group, str(bytes_)]
        for (name, path), (kind, group, bytes_) in zip(_logical(entry).items(), kinds, strict=True)
    ]
    return asked.rows(columns, rows)


def _restore(asked: Asked, found: re.Match[str]) -> Reply:
    name, path, wishes = database_in(found), text_in(found), found["with"] or ""
    entry = _opened(asked, found)
    if isinstance(entry, Reply):
        return entry
    refused = _unknown_option(asked, found, entry)
    if refused is not None:
        return refused
    moves = {old.replace("''", "'").lower(): new.replace("''", "'") for old, new in _MOVE.findall(wishes)}
    places = tuple(moves.get(logical.lower(), place) for logical, place in _logical(entry).items())
    wrong = _in_the_way(asked, name, wishes, places)
    if wrong is not None:
        return wrong
    if backups.condition(entry) != "whole":
        backups.fail_to_restore(asked.server, name)
        reply = _cut_off(asked, path)
        return Reply(reply.code, f"{reply.out}{_STOPPED}\r\n")
    backups.restore(asked.server, name, entry, places)
    return say(0, "RESTORE DATABASE successfully processed 80 pages in 0.107 seconds (5.841 MB/sec).")


def _in_the_way(asked: Asked, name: str, wishes: str, places: tuple[str, ...]) -> Reply | None:
    """Why nothing is restored, and nothing touched."""
    there = databases.find(asked.server, name)
    if there is not None and "REPLACE" not in wishes.upper():
        return asked.wrong(3159, f'The tail of the log for the database "{name}" has not been backed up.')
    if there is not None and there.state == "ONLINE" and there.access != "SINGLE_USER" and _in_use(asked, name):
        text = "Exclusive access could not be obtained because the database is in use."
        return asked.wrong(3101, f"{text}\r\n{_STOPPED}")
    machine = asked.server.machine
    wanted = {one.lower() for one in places}
    for other in databases.all_of(asked.server):
        taken = wanted & {one.lower() for one in databases.places_of(other)}
        if taken and other.name.lower() != name.lower():
            text = f"The file '{min(taken)}' cannot be overwritten.  It is being used by database '{other.name}'."
            return asked.wrong(1834, f"{text}\r\n{_STOPPED}")
    lost = next((one for one in places if files.find(machine, paths.parent(one)) is None), None)
    if lost is not None:
        text = f'Directory lookup for the file "{lost}" failed with the operating system error 2.'
        return asked.wrong(5133, f"{text}\r\n{_STOPPED}")
    return None


def _in_use(asked: Asked, name: str) -> bool:
    """Whether a running service anywhere in the estate works on the database."""
    machine = asked.server.machine
    for host in machine.context.hosts.values():
        other = machine.other(host)
        if other is None:
            continue
        for component in other.components().values():
            if component.database.lower() != name.lower():
                continue
            server = databases.connect(other, component.server)
            mine = [one for one in other.all(Service) if one.component == component.name and one.state == "RUNNING"]
            if server and server.machine.name == machine.name and mine:
                return True
    return False


def _last_restored(asked: Asked, found: re.Match[str]) -> Reply:
    one = backups.last_restored(asked.server, text_in(found))
    rows = [[str(one.number), one.backup_set, one.finished]] if one else []
    return asked.rows(["id", "backup_set", "finished"], rows)


def _restoring(asked: Asked, _: re.Match[str]) -> Reply:
    """Sessions that restore at this moment: none ever, for here it takes no time."""
    return asked.rows(["spid"], [])


def _check(asked: Asked, found: re.Match[str]) -> Reply:
    name = text_in(found)
    database = databases.find(asked.server, name)
    if database is None:
        return asked.wrong(
            2520, f"Could not find database '{name}'. The database either does not exist, or was dropped."
        )
    if database.state != "ONLINE":
        return asked.wrong(927, f"Database '{name}' cannot be opened. It is in the middle of a restore.", level=14)
    return Reply()


BACKUPS: tuple[tuple[str, Answer], ...] = (
    (rf"BACKUP\s+DATABASE\s+(?:{NAME})\s+TO\s+DISK\s*=\s*{TEXT}\s*(?:WITH\s+)?(?P<with>.*)", _back_up),
    (rf"RESTORE\s+VERIFYONLY\s+FROM\s+DISK\s*=\s*{TEXT}\s*(?:WITH\s+)?(?P<with>.*)", _verify),
    (rf"RESTORE\s+HEADERONLY\s+FROM\s+DISK\s*=\s*{TEXT}\s*(?:WITH\s+.*)?", _header),
    (rf"RESTORE\s+FILELISTONLY\s+FROM\s+DISK\s*=\s*{TEXT}\s*(?:WITH\s+.*)?", _file_list),
    (rf"RESTORE\s+DATABASE\s+(?:{NAME})\s+FROM\s+DISK\s*=\s*{TEXT}\s*(?:WITH\s+)?(?P<with>.*)", _restore),
    (
        r"SELECT\s+TOP\s+1\s+h\.restore_history_id\s.*FROM\s+msdb\.dbo\.restorehistory\s.*"
        rf"WHERE\s+h\.destination_database_name\s*=\s*{TEXT}\s+ORDER\s+BY\s+h\.restore_history_id\s+DESC",
        _last_restored,
    ),
    (r"SELECT\s+spid\s+FROM\s+master\.dbo\.sysprocesses\s+WHERE\s+cmd\s+LIKE\s+N?'RESTORE%'", _restoring),
    (rf"DBCC\s+CHECKDB\s*\({TEXT}\)\s*(?:WITH\s+.*)?", _check),
)
