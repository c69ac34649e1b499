"""Forms and texts that a product keeps in its database, read and written through its service.

A row is one value: `id`, `type`, `attribute`, `locale` and `value`; `ships` maps the least build to what setup writes
there. When setup brings the database to a build that ships another value, it writes its own over whatever stands there.
`locales` maps the least build to the name of the locale. `changed` says what people made of the value, where the
estate's fact `customisations` has the word `as`: `{as: rcdc, to: ...}`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from xml.sax.saxutils import escape

from handrail.twin.machine import Machine
from handrail.twin.mechanisms import answers, databases
from handrail.twin.mechanisms.databases import Server
from handrail.twin.mechanisms.services import floor
from handrail.twin.things import Database

TABLE = "resources"
INVARIANT = "Invariant"


def begun(row: Mapping[str, Any], build: str, customisations: Sequence[Any]) -> dict[str, Any]:
    """A declared row as it stands in a database of this build, in which people changed these kinds of things."""
    made = {name: one for name, one in row.items() if name != "changed"}
    ships, locales, changed = row.get("ships"), row.get("locales"), row.get("changed")
    if isinstance(ships, Mapping):
        made["shipped"] = floor(ships, build, "")
        made.setdefault("value", made["shipped"])
    if isinstance(locales, Mapping):
        made["locale"] = floor(locales, build, INVARIANT)
    if isinstance(changed, Mapping) and changed.get("as") in customisations:
        made["value"] = changed["to"]
    return made


def brought_along(database: Database, build: str) -> Database:
    """The database after setup of `build` wrote its own values into it."""
    rows = databases.rows(database, TABLE)
    new = tuple(_shipped(row, build) for row in rows)
    return replace(database, tables={**database.tables, TABLE: {"rows": new}}) if rows else database


def _shipped(row: Mapping[str, Any], build: str) -> Mapping[str, Any]:
    ships, locales = row.get("ships"), row.get("locales")
    if isinstance(locales, Mapping):
        row = {**row, "locale": floor(locales, build, row.get("locale", INVARIANT))}
    if not isinstance(ships, Mapping):
        return row
    before = row.get("shipped", ships.get("0.0.0.0"))
    now = floor(ships, build, before)
    return row if now == before else {**row, "value": now, "shipped": now}


def _of(machine: Machine, address: str) -> tuple[Server, Database] | None:
    found = answers.who(machine, address)
    return databases.of_component(found[0], found[0].components()[found[1].component]) if found else None


def exported(machine: Machine, address: str) -> list[str] | None:
    """The lines of the XML file; nothing for a service without such rows, None when nothing answers."""
    found = _of(machine, address)
    if found is None:
        return None
    by_object: dict[str, list[Mapping[str, Any]]] = {}
    for row in databases.rows(found[1], TABLE):
        by_object.setdefault(str(row["id"]), []).append(row)
    if not by_object:
        return []
    lines = ['<?xml version="1.0" encoding="utf-8"?>', "<Results>"]
    for id, rows in by_object.items():
        lines += ["<ExportObject>", "<ResourceManagementObject>"]
        lines += [f"<ObjectIdentifier>urn:uuid:{id}</ObjectIdentifier>", f"<ObjectType>{rows[0]['type']}</ObjectType>"]
        lines += _attributes([row for row in rows if row.get("locale", INVARIANT) == INVARIANT])
        lines.append("<LocalizedResourceManagementAttributes>")
        for culture in sorted({str(row["locale"]) for row in rows if row.get("locale", INVARIANT) != INVARIANT}):
            lines += ["<LocalizedResourceManagementAttribute>", f"<Culture>{culture}</Culture>"]
            lines += _attributes([row for row in rows if row.get("locale") == culture])
            lines.append("</LocalizedResourceManagementAttribute>")
        lines += ["</LocalizedResourceManagementAttributes>", "</ResourceManagementObject>", "</ExportObject>"]
    return [*lines, "</Results>"]


def _attributes(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = ["<ResourceManagementAttributes>"]
    for row in rows:
        name, value = row["attribute"], escape(str(row["value"]))
        lines.append(
            f"<ResourceManagementAttribute><AttributeName>{name}</AttributeName><IsMultiValue>false</IsMultiValue>"
            f"<Value>{value}</Value></ResourceManagementAttribute>"
        )
    return [*lines, "</ResourceManagementAttributes>"]


def imported(machine: Machine, address: str, changes: Sequence[Mapping[str, Any]]) -> int | None:
    """Write values, adding those that have no row yet; how many. None when nothing answers."""
    found = _of(machine, address)
    if found is None:
        return None
    rows = [dict(row) for row in databases.rows(found[1], TABLE)]
    for change in changes:
        place = (str(change["object"]), str(change["attribute"]), str(change["locale"]).lower())
        there = next((row for row in rows if _place(row) == place), None)
        if there is None:
            kept = {"id": change["object"], "type": change["type"], "attribute": change["attribute"]}
            rows.append({**kept, "locale": change["locale"], "value": change["value"]})
        else:
            there["value"] = change["value"]
    server, database = found
    databases.put(server, replace(database, tables={**database.tables, TABLE: {"rows": tuple(rows)}}))
    server.machine.did("database", f"{len(changes)} values of {TABLE} written in {database.name}")
    return len(changes)


def _place(row: Mapping[str, Any]) -> tuple[str, str, str]:
    return str(row["id"]), str(row["attribute"]), str(row.get("locale", INVARIANT)).lower()
