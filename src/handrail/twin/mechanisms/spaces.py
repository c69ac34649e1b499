"""Connector spaces: what a synchronization database holds of each management agent's connected system, written as XML.

The table `agents` lists the agents; `connectorspace` holds the objects, row by row (`agent`, `dn`, `type`, further
columns as attributes; `pending` is the operation that waits to be exported), or as a count with a digest. Of a count
some objects stand for all, with values that follow from the digest: other content, other values. Once one of them was
changed they are kept beside count and digest, under `objects`. The order differs with every export, as that of a
database may.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from handrail.twin.mechanisms import databases
from handrail.twin.things import Database

AGENTS, SPACE = "agents", "connectorspace"
MOST = 40
"""Objects that stand for a counted space, at most."""

_OWN = ("agent", "dn", "type", "pending")


def agents(database: Database) -> list[str]:
    return [str(row["Name"]) for row in databases.rows(database, AGENTS) if "Name" in row]


def export(database: Database, agent: str, salt: str) -> str:
    """The whole connector space of an agent, as `csexport` writes it; another salt, another order."""
    parts = {row["dn"]: _written(database, agent, row) for row in _objects(database, agent)}
    order = sorted(parts, key=lambda dn: hashlib.sha256(f"{salt}{dn}".encode()).digest())
    return '<?xml version="1.0" encoding="utf-8"?>\n<cs-objects>' + "".join(parts[dn] for dn in order) + "</cs-objects>"


def configuration(database: Database, server: str, stamp: str) -> Mapping[str, str]:
    """File name to content, as `svrexport` writes it: one file for the metaverse and one for each agent."""
    head = f"server={quoteattr(server)} export-date={quoteattr(stamp)}"
    files = {"MV.xml": f"<saved-mv-configuration {head}><mv-data><schema/></mv-data></saved-mv-configuration>"}
    for row in databases.rows(database, AGENTS):
        name = str(row.get("Name", ""))
        profiles = "".join(f"<run-configuration><name>{escape(str(one))}</name></run-configuration>" for one in
                           row.get("profiles", ()))  # fmt: skip
        files[f"MA-{_id(database, name)}.xml"] = (
            f"<saved-ma-configuration {head}><ma-data><id>{_id(database, name)}</id><name>{escape(name)}</name>"
            f"<ma-run-data>{profiles}</ma-run-data></ma-data></saved-ma-configuration>"
        )
    return files


def _id(database: Database, name: str) -> str:
    namespace = uuid.UUID(database.guid) if database.guid else uuid.NAMESPACE_URL
    return "{" + str(uuid.uuid5(namespace, name)).upper() + "}"


def _objects(database: Database, agent: str) -> Iterator[Mapping[str, Any]]:
    return (row for row in held(database) if row.get("agent") == agent)


def held(database: Database) -> tuple[Mapping[str, Any], ...]:
    """The objects of all agents' spaces, or those that stand for them."""
    rows = databases.rows(database, SPACE)
    table = database.tables.get(SPACE, {})
    return rows or table.get("objects") or tuple(_standing(database, table))


def _standing(database: Database, table: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    count, names = table.get("rows", 0), agents(database)
    for agent in names if isinstance(count, int) else ():
        for number in range(min(count // len(names), MOST)):
            value = hashlib.sha256(f"{table.get('digest')}/{agent}/{number}".encode()).hexdigest()[:16]
            dn = f"CN=object{number:05},OU={agent},DC=twin"
            own = {"dn": dn, "type": "user", "displayName": f"Object {number}", "content": value}
            yield {"agent": agent, **own}


def without(database: Database, agent: str, dn: str) -> Database:
    """The same database, and that object is not in the agent's space."""
    return _holding(database, tuple(one for one in held(database) if (one.get("agent"), one["dn"]) != (agent, dn)))


def changed(database: Database, agent: str, dn: str, values: Mapping[str, Any]) -> Database:
    """The same database, and that object (made if need be) has these attributes; None takes one away."""
    before = held(database)
    old = next((one for one in before if (one.get("agent"), one["dn"]) == (agent, dn)), None)
    mixed = {**(old or {"agent": agent, "dn": dn, "type": "user"}), **values}
    new = {name: value for name, value in mixed.items() if value is not None}
    if old is None:
        return _holding(database, (*before, new))
    return _holding(database, tuple(new if one is old else one for one in before))


def _holding(database: Database, objects: tuple[Mapping[str, Any], ...]) -> Database:
    if objects == held(database):
        return database
    table = database.tables.get(SPACE, {})
    count = table.get("rows", 0)
    if isinstance(count, int):
        seen = hashlib.sha256(f"{table.get('digest')}{objects!r}".encode()).hexdigest()
        table = {"rows": count + len(objects) - len(held(database)), "digest": seen, "objects": objects}
    else:
        table = {"rows": objects}
    return replace(database, tables={**database.tables, SPACE: table})


def _written(database: Database, agent: str, row: Mapping[str, Any]) -> str:
    dn, kind = quoteattr(str(row["dn"])), str(row.get("type", "user"))
    attributes = "".join(_attribute(name, value) for name, value in row.items() if name not in _OWN)
    operation = row.get("pending")
    delta = f"<delta operation={quoteattr(str(operation))} dn={dn}></delta>"
    waiting = f"<unapplied-export>{delta}</unapplied-export>" if operation else ""
    return (
        f'<cs-object cs-dn={dn} id="{_id(database, agent + "/" + str(row["dn"]))}" object-type={quoteattr(kind)}>'
        f"<synchronized-hologram><entry dn={dn}><primary-objectclass>{escape(kind)}</primary-objectclass>{attributes}"
        f"</entry></synchronized-hologram>{waiting}<connector>1</connector></cs-object>"
    )


def _attribute(name: str, value: Any) -> str:
    values = value if isinstance(value, tuple) else (value,)
    kind = "boolean" if isinstance(values[0], bool) else "string"
    many = str(isinstance(value, tuple)).lower()
    texts = "".join(f"<value>{escape(_text(one))}</value>" for one in values)
    return f'<attr name={quoteattr(name)} type="{kind}" multivalued="{many}">{texts}</attr>'


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
