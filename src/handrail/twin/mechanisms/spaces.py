"""Connector spaces: what a synchronization database holds of each management agent's connected system, written as XML.

The table `agents` lists the agents; `connectorspace` holds the objects, row by row (`agent`, `dn`, `type`, further
columns as attributes; `pending` is the operation that waits to be exported), or as a count with a digest. Of a count
some objects stand for all, with values that follow from the digest: other content, other values. The order differs
with every export, as that of a database may.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator, Mapping
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
    rows = databases.rows(database, SPACE)
    if rows:
        yield from (row for row in rows if row.get("agent") == agent)
        return
    table = database.tables.get(SPACE, {})
    count = table.get("rows", 0)
    if isinstance(count, int):
        for number in range(min(count // max(len(agents(database)), 1), MOST)):
            value = hashlib.sha256(f"{table.get('digest')}/{agent}/{number}".encode()).hexdigest()[:16]
            dn = f"CN=object{number:05},OU={agent},DC=twin"
            yield {"dn": dn, "type": "user", "displayName": f"Object {number}", "content": value}


def _written(database: Database, agent: str, row: Mapping[str, Any]) -> str:
    dn, kind = quoteattr(str(row["dn"])), str(row.get("type", "user"))
    attributes = "".join(
        f'<attr name={quoteattr(name)} type="string" multivalued="{str(isinstance(value, tuple)).lower()}">'
        + "".join(f"<value>{escape(str(one))}</value>" for one in (value if isinstance(value, tuple) else (value,)))
        + "</attr>"
        for name, value in row.items()
        if name not in _OWN
    )
    operation = row.get("pending")
    delta = f"<delta operation={quoteattr(str(operation))} dn={dn}></delta>"
    waiting = f"<unapplied-export>{delta}</unapplied-export>" if operation else ""
    return (
        f'<cs-object cs-dn={dn} id="{_id(database, agent + "/" + str(row["dn"]))}" object-type={quoteattr(kind)}>'
        f"<synchronized-hologram><entry dn={dn}><primary-objectclass>{escape(kind)}</primary-objectclass>{attributes}"
        f"</entry></synchronized-hologram>{waiting}<connector>1</connector></cs-object>"
    )
