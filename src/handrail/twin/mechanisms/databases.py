"""SQL Server: instances, and databases with content."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from handrail.twin import paths
from handrail.twin.machine import Machine
from handrail.twin.mechanisms import files
from handrail.twin.things import Component, Database, Entry, Service, SqlInstance


@dataclass(frozen=True, slots=True)
class Server:
    """An instance that answers, on its machine."""

    machine: Machine
    instance: SqlInstance


def connect(machine: Machine, address: str) -> Server | None:
    r"""`HOST`, `HOST\INSTANCE` or `HOST,PORT`; None when nothing answers there (unknown, or its service is stopped)."""
    address = address.removeprefix("tcp:").removeprefix("np:").split(",")[0]
    host, _, name = address.partition("\\")
    other = machine.other(host)
    instance = other.sql(name) if other else None
    if other is None or instance is None:
        return None
    service = other.get(Service, instance.service)
    return Server(other, instance) if service and service.state == "RUNNING" else None


def _key(instance: SqlInstance, name: str) -> str:
    return f"{instance.name}|{name}"


def find(server: Server, name: str) -> Database | None:
    return server.machine.get(Database, _key(server.instance, name))


def all_of(server: Server) -> list[Database]:
    return [one for one in server.machine.all(Database) if one.instance.lower() == server.instance.name.lower()]


def put(server: Server, database: Database) -> None:
    server.machine.put(_key(server.instance, database.name), database)
    lay_files(server.machine, database)


def drop(server: Server, name: str) -> None:
    there = find(server, name)
    server.machine.drop(Database, _key(server.instance, name))
    for path in places_of(there) if there else ():
        server.machine.drop(Entry, path)
    server.machine.did("database", f"database {name} dropped")


def files_of(instance: str, name: str) -> tuple[str, str]:
    """Where a database lies: its data and its log."""
    folder = rf"C:\Program Files\Microsoft SQL Server\MSSQL{'$' + instance if instance else ''}\Data"
    return paths.join(folder, f"{name}.mdf"), paths.join(folder, f"{name}_log.ldf")


def places_of(database: Database) -> tuple[str, ...]:
    """Where this one lies: where it was put, or in the usual place."""
    return database.files or files_of(database.instance, database.name)


def lay_files(machine: Machine, database: Database) -> None:
    """The files of a database that the server has. Their content is not modelled: the database is."""
    for path in places_of(database):
        if machine.get(Entry, path) is None:
            files.plant(machine, files.made(path, {"text": f"of {database.name}"}, machine.stamp()))


def of_component(machine: Machine, component: Component) -> tuple[Server, Database] | None:
    """The database that a component uses, when its server answers and the database is online."""
    if not component.database:
        return None
    server = connect(machine, component.server)
    database = find(server, component.database) if server else None
    return (server, database) if server and database and database.state == "ONLINE" else None


def digest(database: Database) -> str:
    """Of all that the database holds; equal content, equal digest."""
    text = repr(sorted((name, repr(table)) for name, table in database.tables.items()))
    return hashlib.sha256(f"{database.schema}|{database.key_set}|{text}".encode()).hexdigest()


def rows(database: Database, table: str) -> tuple[Mapping[str, Any], ...]:
    """The rows of a table that has them one by one; nothing for one that only counts."""
    held = database.tables.get(table, {}).get("rows", ())
    return held if isinstance(held, tuple) else ()


def with_rows(
    database: Database, table: str, count: int | None, where: Mapping[str, Any], values: Mapping[str, Any]
) -> Database | None:
    """The same database with other content in a table: of a counted one so many rows; of a listed one the rows that
    have the values of `where` get `values`, or are gone if there are none. None when that is no change of this
    table."""
    held = database.tables.get(table, {})
    listed = held.get("rows", 0)
    if isinstance(listed, int):
        if count is None or where or values:
            return None
        seen = hashlib.sha256(f"{held.get('digest')}/{count}".encode()).hexdigest()
        return replace(database, tables={**database.tables, table: {"rows": count, "digest": seen}})
    fit = [all(row.get(name) == value for name, value in where.items()) for row in listed]
    if count is not None or not any(fit):
        return None
    pairs = zip(listed, fit, strict=True)
    new = tuple({**row, **values} if one else row for row, one in pairs if values or not one)
    return replace(database, tables={**database.tables, table: {"rows": new}})
