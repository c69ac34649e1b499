"""`sqlcmd` and `osql`: the few statements that upgrades need. What else is asked of the server is not rehearsed.

SQL Server 2000 does not know all of them: backups with checksums and the `sys` views came with SQL Server 2005.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from handrail.errors import NotRehearsed
from handrail.twin.machine import Machine
from handrail.twin.mechanisms import databases, files
from handrail.twin.mechanisms.databases import Server
from handrail.twin.things import Service
from handrail.twin.tools.options import not_rehearsed
from handrail.twin.tools.reply import Reply, complain, say
from handrail.twin.tools.tables import table

_TAKES = "SdUPQqswhltva"
_NAME = r"\[(?P<name>(?:[^\]]|\]\])+)\]|(?P<bare>[A-Za-z_][\w$#@]*)"
_TEXT = r"N?'(?P<file>(?:[^']|'')*)'"


@dataclass(frozen=True, slots=True)
class _Asked:
    server: Server
    options: dict[str, str]
    address: str

    @property
    def old(self) -> bool:
        """SQL Server 2000 or older."""
        return int(self.server.instance.version.partition(".")[0] or 0) < 9

    def wrong(self, number: int, text: str, level: int = 16, state: int = 1) -> Reply:
        name = self.server.machine.name.upper()
        code = 1 if "b" in self.options and level > 10 else 0
        return say(code, f"Msg {number}, Level {level}, State {state}, Server {name}, Line 1", text)

    def rows(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Reply:
        narrow = "W" in self.options
        heads = self.options.get("h") != "-1"
        return Reply(0, table(columns, rows, self.options.get("s", " "), narrow=narrow, heads=heads))


def run(machine: Machine, arguments: Sequence[str], tool: str = "sqlcmd", flags: str = "EbWIX") -> Reply:
    options = _options(arguments, tool, flags)
    query = options.get("Q")
    if query is None:
        raise not_rehearsed(tool, arguments)
    address = options.get("S", machine.name)
    server = databases.connect(machine, address)
    if server is None:
        return complain(
            1,
            "Sqlcmd: Error: Microsoft ODBC Driver 17 for SQL Server : A network-related or instance-specific error has "
            "occurred while establishing a connection to SQL Server. Server is not found or not accessible..",
            "Sqlcmd: Error: Microsoft ODBC Driver 17 for SQL Server : Login timeout expired.",
        )
    asked = _Asked(server, options, address)
    statements = [one.strip() for one in re.split(r";(?=(?:[^']*'[^']*')*[^']*$)", query) if one.strip()]
    out, code = "", 0
    for statement in statements:
        reply = _statement(asked, statement)
        out, code = out + reply.out, reply.code
        if code:
            break
    return Reply(code, out)


def run_osql(machine: Machine, arguments: Sequence[str]) -> Reply:
    """The tool of SQL Server 2000: it cannot trim columns (-W) and numbers its lines unless told not to (-n)."""
    return run(machine, arguments, "osql", "EbIn")


def _options(arguments: Sequence[str], tool: str, flags: str) -> dict[str, str]:
    """Options are case-sensitive; a value may be glued to its letter."""
    options: dict[str, str] = {}
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        letter = word[1:2]
        if word[:1] not in "-/" or not letter:
            raise not_rehearsed(tool, arguments)
        if letter in _TAKES:
            options[letter] = word[2:] or (rest.pop(0) if rest else "")
        elif word[2:] == "" and letter in flags:
            options[letter] = ""
        else:
            raise not_rehearsed(tool, arguments)
    return options


def _statement(asked: _Asked, text: str) -> Reply:
    for pattern, answer in _STATEMENTS:
        found = re.fullmatch(pattern, text, re.IGNORECASE | re.DOTALL | re.VERBOSE)
        if found:
            return answer(asked, found)
    raise NotRehearsed(f"The twin's SQL Server does not know the statement: {text[:300]}", "It was not carried out.")


def _database(found: re.Match[str]) -> str:
    return str(found["name"]).replace("]]", "]") if found["name"] is not None else str(found["bare"])


def _file(found: re.Match[str]) -> str:
    return str(found["file"]).replace("''", "'")


def _nothing(_: _Asked, __: re.Match[str]) -> Reply:
    return Reply()


def _back_up(asked: _Asked, found: re.Match[str]) -> Reply:
    name, path = _database(found), _file(found)
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
    if not databases.back_up(asked.server, database, path, options):
        return _cannot_open(asked, path)
    pages = 64 + 8 * len(database.tables)
    return say(
        0,
        f"Processed {pages} pages for database '{name}', file '{name}' on file 1.",
        f"BACKUP DATABASE successfully processed {pages} pages in 0.212 seconds (11.226 MB/sec).",
    )


def _cannot_open(asked: _Asked, path: str) -> Reply:
    text = f"Cannot open backup device '{path}'. Operating system error 2(The system cannot find the file specified.)."
    return asked.wrong(3201, text, state=2)


def _damaged(asked: _Asked, path: str) -> Reply:
    return asked.wrong(
        3241, f"The media family on device '{path}' is incorrectly formed. SQL Server cannot process it."
    )


def _verify(asked: _Asked, found: re.Match[str]) -> Reply:
    path = _file(found)
    entry = files.find(asked.server.machine, path)
    if entry is None:
        return _cannot_open(asked, path)
    header = databases.header_of(entry)
    if header is None:
        return _damaged(asked, path)
    if asked.old and "CHECKSUM" in (found["with"] or "").upper():
        return asked.wrong(155, "'CHECKSUM' is not a recognized RESTORE option.", level=15)
    if "CHECKSUM" in (found["with"] or "").upper() and header["HasBackupChecksums"] != "1":
        text = "The CHECKSUM option was specified, but the backup set contains no checksum information."
        return asked.wrong(3187, text)
    return say(0, "The backup set on file 1 is valid.")


def _header(asked: _Asked, found: re.Match[str]) -> Reply:
    path = _file(found)
    entry = files.find(asked.server.machine, path)
    if entry is None:
        return _cannot_open(asked, path)
    header = databases.header_of(entry)
    if header is None:
        return _damaged(asked, path)
    columns = {"BackupName": "NULL", "Position": "1", **header}
    times = {name: one.replace("T", " ")[:23] for name, one in columns.items() if name.endswith("Date")}
    columns.update(times)
    return asked.rows(list(columns), [list(columns.values())])


def _restore(asked: _Asked, found: re.Match[str]) -> Reply:
    name, path = _database(found), _file(found)
    entry = files.find(asked.server.machine, path)
    if entry is None:
        return _cannot_open(asked, path)
    if databases.header_of(entry) is None:
        return _damaged(asked, path)
    there = databases.find(asked.server, name)
    if there is not None and "REPLACE" not in (found["with"] or "").upper():
        return asked.wrong(3159, f'The tail of the log for the database "{name}" has not been backed up.')
    if there is not None and there.state == "ONLINE" and _in_use(asked, name):
        text = "Exclusive access could not be obtained because the database is in use."
        return asked.wrong(3101, f"{text}\r\nRESTORE DATABASE is terminating abnormally.")
    databases.restore(asked.server, name, entry)
    return say(0, "RESTORE DATABASE successfully processed 80 pages in 0.107 seconds (5.841 MB/sec).")


def _in_use(asked: _Asked, name: str) -> bool:
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


def _state(asked: _Asked, found: re.Match[str]) -> Reply:
    if asked.old:
        return _no_such_view(asked)
    return _status(asked, found)


def _no_such_view(asked: _Asked) -> Reply:
    return asked.wrong(208, "Invalid object name 'sys.databases'.")


def _status(asked: _Asked, found: re.Match[str]) -> Reply:
    database = databases.find(asked.server, _file(found))
    return asked.rows(["state_desc"], [[database.state]] if database else [])


def _counts(asked: _Asked, _: re.Match[str]) -> Reply:
    """Rows of every table of the database that the session is in."""
    name = asked.options.get("d", "master")
    database = databases.find(asked.server, name)
    if database is None or database.state != "ONLINE":
        return asked.wrong(4060, f'Cannot open database "{name}" requested by the login. The login failed.', level=11)
    rows = []
    for name, held in sorted(database.tables.items()):
        inside = held.get("rows", 0)
        rows.append([name, str(inside if isinstance(inside, int) else len(inside))])
    return asked.rows(["name", "rows"], rows)


def _where(asked: _Asked, found: re.Match[str]) -> Reply:
    database = databases.find(asked.server, _file(found))
    listed = databases.files_of(database.instance, database.name) if database else ()
    return asked.rows(["filename"], [[one] for one in listed])


def _names(asked: _Asked, _: re.Match[str]) -> Reply:
    if asked.old:
        return _no_such_view(asked)
    mine = sorted(one.name for one in databases.all_of(asked.server))
    return asked.rows(["name"], [[one] for one in ("master", "model", "msdb", "tempdb", *mine)])


def _version(asked: _Asked, _: re.Match[str]) -> Reply:
    return asked.rows([""], [[asked.server.instance.version]])


def _make_folder(asked: _Asked, found: re.Match[str]) -> Reply:
    machine, path = asked.server.machine, _file(found)
    if files.find(machine, path) is None:
        if not files.make_folder(machine, path):
            return asked.wrong(22048, f"Error executing extended stored procedure: {path} cannot be created.")
        machine.did("folder", f"folder {path} made")
    return Reply()


def _set(asked: _Asked, found: re.Match[str]) -> Reply:
    name = _database(found)
    database = databases.find(asked.server, name)
    if database is None:
        return asked.wrong(5011, f"User does not have permission to alter database '{name}', or it does not exist.")
    state = {"OFFLINE": "OFFLINE", "ONLINE": "ONLINE"}.get(found["what"].split()[0].upper())
    if state and state != database.state:
        databases.put(asked.server, replace(database, state=state))
        asked.server.machine.did("database", f"database {name} set {state}")
    return Reply()


def _drop(asked: _Asked, found: re.Match[str]) -> Reply:
    name = _database(found)
    if databases.find(asked.server, name) is None:
        return asked.wrong(3701, f"Cannot drop the database '{name}', because it does not exist.", level=11)
    databases.drop(asked.server, name)
    return Reply()


_Answer = Callable[[_Asked, "re.Match[str]"], Reply]
_STATEMENTS: tuple[tuple[str, _Answer], ...] = (
    (r"SET\s+NOCOUNT\s+ON | USE\s+\[?\w+\]?", _nothing),
    (rf"BACKUP\s+DATABASE\s+(?:{_NAME})\s+TO\s+DISK\s*=\s*{_TEXT}\s*(?:WITH\s+)?(?P<with>.*)", _back_up),
    (rf"RESTORE\s+VERIFYONLY\s+FROM\s+DISK\s*=\s*{_TEXT}\s*(?:WITH\s+)?(?P<with>.*)", _verify),
    (rf"RESTORE\s+HEADERONLY\s+FROM\s+DISK\s*=\s*{_TEXT}\s*(?:WITH\s+.*)?", _header),
    (rf"RESTORE\s+DATABASE\s+(?:{_NAME})\s+FROM\s+DISK\s*=\s*{_TEXT}\s*(?:WITH\s+)?(?P<with>.*)", _restore),
    (rf"SELECT\s+state_desc\s+FROM\s+sys\.databases\s+WHERE\s+name\s*=\s*{_TEXT}", _state),
    (
        r"SELECT\s+CONVERT\(varchar\(20\),\s*DATABASEPROPERTYEX\(name,\s*'Status'\)\)\s+AS\s+state_desc\s+FROM\s+"
        rf"master\.dbo\.sysdatabases\s+WHERE\s+name\s*=\s*{_TEXT}",
        _status,
    ),
    (r"SELECT\s+o\.name\s+AS\s+name,\s*i\.rows\s+AS\s+rows\s+FROM\s+dbo\.sysobjects\s+o\s+JOIN\s+.*", _counts),
    (rf"SELECT\s+filename\s+FROM\s+master\.dbo\.sysaltfiles\s+WHERE\s+dbid\s*=\s*DB_ID\({_TEXT}\)", _where),
    (r"SELECT\s+name\s+FROM\s+sys\.databases(?:\s+ORDER\s+BY\s+name)?", _names),
    (r"SELECT\s+(?:@@VERSION|SERVERPROPERTY\s*\(\s*N?'ProductVersion'\s*\))", _version),
    (rf"EXEC(?:UTE)?\s+(?:master\.)?(?:sys|dbo)?\.?xp_create_subdir\s+{_TEXT}", _make_folder),
    (rf"ALTER\s+DATABASE\s+(?:{_NAME})\s+SET\s+(?P<what>(?:OFFLINE|ONLINE|SINGLE_USER|MULTI_USER).*)", _set),
    (rf"DROP\s+DATABASE\s+(?:{_NAME})", _drop),
)
