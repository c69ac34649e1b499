"""Backups of SQL Server's databases: files that a restore really uses, and what becomes of it when one is damaged."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from handrail.twin.codec import decode, encode
from handrail.twin.mechanisms import databases, files
from handrail.twin.mechanisms.databases import Server
from handrail.twin.things import Database, Entry, Restored

Condition = Literal["whole", "cut off", "damaged"]

_PAGE = 8192


def size_of(database: Database) -> int:
    """Bytes of its data file, as far as its content is modelled."""
    return (64 + 8 * len(database.tables)) * _PAGE


def back_up(server: Server, database: Database, path: str, options: Mapping[str, bool]) -> bool:
    """Write a backup of the database as it is now to a file on the server's own machine. False when the file cannot be
    written."""
    machine = server.machine
    if not files.writable(machine, path):
        return False
    version = [*server.instance.version.split("."), "0", "0", "0"]
    guid = hashlib.sha256(f"{path}{machine.stamp()}".encode()).hexdigest()[:32].upper()
    header = {
        "BackupType": "1",
        "Position": "1",
        "UserName": machine.user,
        "ServerName": machine.name,
        "DatabaseName": database.name,
        "DatabaseVersion": "904",
        "DatabaseCreationDate": machine.system.booted,
        "BackupSize": str(size_of(database)),
        "BackupStartDate": machine.stamp(),
        "BackupFinishDate": machine.stamp(),
        "SoftwareVersionMajor": version[0],
        "SoftwareVersionMinor": version[1],
        "SoftwareVersionBuild": version[2],
    }
    if int(version[0] or 0) >= 9:
        header["IsCopyOnly"] = "1" if options.get("copy_only") else "0"
        header["HasBackupChecksums"] = "1" if options.get("checksum") else "0"
        header["BackupSetGUID"] = "-".join((guid[:8], guid[8:12], guid[12:16], guid[16:20], guid[20:]))
    holds: dict[str, Any] = {"backup": {"header": header, "database": encode(database)}}
    old = files.find(machine, path)
    if old and "backup" in old.holds and not options.get("init"):
        holds["backup"]["before"] = old.holds["backup"]
    files.write(machine, path, files.made(path, holds, machine.stamp()))
    machine.did("backup", f"database {database.name} backed up to {path}")
    return True


def condition(entry: Entry | None) -> Condition | None:
    """Whether a file is a backup that can be read to its end. One whose end is missing still has its header; None when
    it is no backup at all."""
    if entry is None or "backup" not in entry.holds:
        return None
    if files.intact(entry):
        return "whole"
    held = {name: one for name, one in entry.holds.items() if name != "stated"}
    whole = json.dumps(held, sort_keys=True)
    rest = files.content(entry).decode("utf-8", "replace").partition("\n")[2]
    return "cut off" if rest and whole.startswith(rest) else "damaged"


def header_of(entry: Entry | None) -> Mapping[str, str] | None:
    """The backup header in a file; None when it is no backup, or the header cannot be read any more."""
    if entry is None or condition(entry) not in ("whole", "cut off"):
        return None
    header: Mapping[str, str] = entry.holds["backup"]["header"]
    return header


def saved(entry: Entry) -> Database:
    return decode(Database, entry.holds["backup"]["database"])


def restore(server: Server, name: str, entry: Entry, places: tuple[str, ...]) -> None:
    """The database becomes what it was when the backup was taken, in files at `places`."""
    old = databases.find(server, name)
    usual = databases.files_of(server.instance.name, name)
    made = replace(
        saved(entry),
        name=name,
        instance=server.instance.name,
        state="ONLINE",
        access="MULTI_USER",
        files=() if places == usual else places,
    )
    for path in databases.places_of(old) if old else ():
        server.machine.drop(Entry, path)
    databases.put(server, made)
    _remember(server, name, entry)
    server.machine.did("database", f"database {name} restored from {entry.path}")


def fail_to_restore(server: Server, name: str) -> None:
    """The end of a restore from a file that could not be read to its end: what was there is overwritten by then."""
    there = databases.find(server, name) or Database(name, server.instance.name)
    databases.put(server, replace(there, state="RESTORING", schema=0, tables={}, key_set=""))
    server.machine.did("database", f"database {name} is left half restored")


def _remember(server: Server, name: str, entry: Entry) -> None:
    header = entry.holds["backup"]["header"]
    number = len(server.machine.all(Restored)) + 1
    finished = str(header["BackupFinishDate"]).replace("T", " ")[:23]
    one = Restored(number, server.instance.name, name, str(header.get("BackupSetGUID", "")), finished)
    server.machine.put(f"{number:06}", one)


def last_restored(server: Server, name: str) -> Restored | None:
    """The newest restore into a database of that name that the server knows of."""
    mine = [one for one in server.machine.all(Restored) if one.instance == server.instance.name]
    return next((one for one in reversed(mine) if one.database.lower() == name.lower()), None)
