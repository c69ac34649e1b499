"""`sqlcmd` and `osql`: the few statements that upgrades need. What else is asked of the server is not rehearsed.

SQL Server 2000 does not know all of them: backups with checksums and the `sys` views came with SQL Server 2005.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from handrail.errors import NotRehearsed
from handrail.twin.machine import Machine
from handrail.twin.mechanisms import databases, files
from handrail.twin.things import Volume
from handrail.twin.tools.options import not_rehearsed
from handrail.twin.tools.reply import Reply, complain
from handrail.twin.tools.sql_asked import NAME, TEXT, Answer, Asked, database_in, text_in
from handrail.twin.tools.sql_backups import BACKUPS

_TAKES = "SdUPQqswhltva"
_SYNTAX = ", Level 15, "
"""What is no SQL ends a batch; after any other error the server goes on with the next statement."""


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
    asked = Asked(server, options, address)
    statements = [one.strip() for one in re.split(r";(?=(?:[^']*'[^']*')*[^']*$)", query) if one.strip()]
    out, code = "", 0
    for statement in statements:
        reply = _statement(asked, statement)
        out, code = out + reply.out, code or reply.code
        if _SYNTAX in reply.out:
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


def _statement(asked: Asked, text: str) -> Reply:
    for pattern, answer in _STATEMENTS:
        found = re.fullmatch(pattern, text, re.IGNORECASE | re.DOTALL | re.VERBOSE)
        if found:
            return answer(asked, found)
    raise NotRehearsed(f"The twin's SQL Server does not know the statement: {text[:300]}", "It was not carried out.")


def _nothing(_: Asked, __: re.Match[str]) -> Reply:
    return Reply()


def _state(asked: Asked, found: re.Match[str]) -> Reply:
    if asked.old:
        return _no_such_view(asked)
    return _status(asked, found)


def _no_such_view(asked: Asked) -> Reply:
    return asked.wrong(208, "Invalid object name 'sys.databases'.")


def _status(asked: Asked, found: re.Match[str]) -> Reply:
    database = databases.find(asked.server, text_in(found))
    return asked.rows(["state_desc"], [[database.state]] if database else [])


def _access(asked: Asked, found: re.Match[str]) -> Reply:
    if asked.old and "sys.databases" in found[0]:
        return _no_such_view(asked)
    database = databases.find(asked.server, text_in(found))
    return asked.rows(["state_desc", "user_access_desc"], [[database.state, database.access]] if database else [])


def _broker(asked: Asked, found: re.Match[str]) -> Reply:
    """Whether messages are delivered, which is not modelled: to no database."""
    if asked.old:
        return _no_such_view(asked)
    database = databases.find(asked.server, text_in(found))
    return asked.rows(["is_broker_enabled"], [["0"]] if database else [])


def _counts(asked: Asked, _: re.Match[str]) -> Reply:
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


def _where(asked: Asked, found: re.Match[str]) -> Reply:
    database = databases.find(asked.server, text_in(found))
    listed = databases.places_of(database) if database else ()
    return asked.rows(["filename"], [[one] for one in listed])


def _named_where(asked: Asked, found: re.Match[str]) -> Reply:
    database = databases.find(asked.server, text_in(found))
    listed = databases.places_of(database) if database else ()
    names = (database.name, f"{database.name}_log") if database else ()
    return asked.rows(["name", "filename"], [list(pair) for pair in zip(names, listed, strict=True)])


def _room(asked: Asked, _: re.Match[str]) -> Reply:
    """Free space of every fixed drive, in megabytes."""
    fixed = [one for one in asked.server.machine.all(Volume) if one.kind == "fixed"]
    return asked.rows(["drive", "MB free"], [[one.letter[:1], str(one.free // 2**20)] for one in fixed])


def _names(asked: Asked, _: re.Match[str]) -> Reply:
    if asked.old:
        return _no_such_view(asked)
    mine = sorted(one.name for one in databases.all_of(asked.server))
    return asked.rows(["name"], [[one] for one in ("master", "model", "msdb", "tempdb", *mine)])


def _named(asked: Asked, found: re.Match[str]) -> Reply:
    database = databases.find(asked.server, text_in(found))
    return asked.rows(["name"], [[database.name]] if database else [])


def _version(asked: Asked, _: re.Match[str]) -> Reply:
    return asked.rows([""], [[asked.server.instance.version]])


def _make_folder(asked: Asked, found: re.Match[str]) -> Reply:
    machine, path = asked.server.machine, text_in(found)
    if files.find(machine, path) is None:
        if not files.make_folder(machine, path):
            return asked.wrong(22048, f"Error executing extended stored procedure: {path} cannot be created.")
        machine.did("folder", f"folder {path} made")
    return Reply()


def _set(asked: Asked, found: re.Match[str]) -> Reply:
    name = database_in(found)
    database = databases.find(asked.server, name)
    if database is None:
        return asked.wrong(5011, f"User does not have permission to alter database '{name}', or it does not exist.")
    if database.state == "RESTORING":
        return asked.wrong(5052, "ALTER DATABASE is not permitted while a database is in the Restoring state.")
    word = found["what"].split()[0].upper()
    new = replace(database, access=word) if word.endswith("_USER") else replace(database, state=word)
    if new != database:
        databases.put(asked.server, new)
        asked.server.machine.did("database", f"database {name} set {word}")
    return Reply()


def _drop(asked: Asked, found: re.Match[str]) -> Reply:
    name = database_in(found)
    if databases.find(asked.server, name) is None:
        return asked.wrong(3701, f"Cannot drop the database '{name}', because it does not exist.", level=11)
    databases.drop(asked.server, name)
    return Reply()


_STATEMENTS: tuple[tuple[str, Answer], ...] = (
    *BACKUPS,
    (r"SET\s+NOCOUNT\s+ON | USE\s+\[?\w+\]?", _nothing),
    (rf"SELECT\s+state_desc\s+FROM\s+sys\.databases\s+WHERE\s+name\s*=\s*{TEXT}", _state),
    (
        r"SELECT\s+CONVERT\(varchar\(20\),\s*DATABASEPROPERTYEX\(name,\s*'Status'\)\)\s+AS\s+state_desc\s+FROM\s+"
        rf"master\.dbo\.sysdatabases\s+WHERE\s+name\s*=\s*{TEXT}",
        _status,
    ),
    (rf"SELECT\s+state_desc,\s*user_access_desc\s+FROM\s+sys\.databases\s+WHERE\s+name\s*=\s*{TEXT}", _access),
    (
        r"SELECT\s+CONVERT\(varchar\(20\),\s*DATABASEPROPERTYEX\(name,\s*'Status'\)\)\s+AS\s+state_desc,\s*"
        r"CONVERT\(varchar\(20\),\s*DATABASEPROPERTYEX\(name,\s*'UserAccess'\)\)\s+AS\s+user_access_desc\s+FROM\s+"
        rf"master\.dbo\.sysdatabases\s+WHERE\s+name\s*=\s*{TEXT}",
        _access,
    ),
    (rf"SELECT\s+is_broker_enabled\s+FROM\s+sys\.databases\s+WHERE\s+name\s*=\s*{TEXT}", _broker),
    (r"SELECT\s+o\.name\s+AS\s+name,\s*i\.rows\s+AS\s+rows\s+FROM\s+dbo\.sysobjects\s+o\s+JOIN\s+.*", _counts),
    (rf"SELECT\s+filename\s+FROM\s+master\.dbo\.sysaltfiles\s+WHERE\s+dbid\s*=\s*DB_ID\({TEXT}\)", _where),
    (
        rf"SELECT\s+name,\s*filename\s+FROM\s+master\.dbo\.sysaltfiles\s+WHERE\s+dbid\s*=\s*DB_ID\({TEXT}\)",
        _named_where,
    ),
    (r"EXEC(?:UTE)?\s+(?:master\.)?(?:sys|dbo)?\.?xp_fixeddrives", _room),
    (rf"SELECT\s+name\s+FROM\s+master\.dbo\.sysdatabases\s+WHERE\s+name\s*=\s*{TEXT}", _named),
    (r"SELECT\s+name\s+FROM\s+sys\.databases(?:\s+ORDER\s+BY\s+name)?", _names),
    (r"SELECT\s+(?:@@VERSION|SERVERPROPERTY\s*\(\s*N?'ProductVersion'\s*\))", _version),
    (rf"EXEC(?:UTE)?\s+(?:master\.)?(?:sys|dbo)?\.?xp_create_subdir\s+{TEXT}", _make_folder),
    (rf"ALTER\s+DATABASE\s+(?:{NAME})\s+SET\s+(?P<what>(?:OFFLINE|ONLINE|SINGLE_USER|MULTI_USER).*)", _set),
    (rf"DROP\s+DATABASE\s+(?:{NAME})", _drop),
)
