"""Web addresses and service end points: which component answers there, while what it needs runs."""

from __future__ import annotations

from urllib.parse import urlsplit

from handrail.twin.declarations import Answer
from handrail.twin.machine import Machine
from handrail.twin.mechanisms import databases
from handrail.twin.things import Service

OBJECTS = "objects"
"""The table of a database whose rows (with `id`) can be read and written through its service."""


def who(machine: Machine, url: str) -> tuple[Machine, Answer] | None:
    """The declared answer behind an address, on whichever host of the estate it is, with all its services running."""
    parts = urlsplit(url)
    host = machine.other(parts.hostname or "")
    if host is None:
        return None
    here = host.components()
    for bits in machine.context.declarations.products.values():
        for one in bits.answers:
            if one.contains.lower() in url.lower() and one.component in here and _runs(host, one):
                return host, one
    return None


def _runs(machine: Machine, answer: Answer) -> bool:
    found = [machine.get(Service, name) for name in answer.services]
    return all(one is not None and one.state == "RUNNING" for one in found)


def status(machine: Machine, url: str) -> int | None:
    """The HTTP status; None when nothing answers."""
    found = who(machine, url)
    return found[1].status if found else None


def update(machine: Machine, url: str, object_id: str) -> bool | None:
    """Write an object's attribute, read it back, write the old value again: True when that worked, False when there is
    no such object, None when nothing answers."""
    found = who(machine, url)
    if found is None:
        return None
    host, answer = found
    database = databases.of_component(host, host.components()[answer.component])
    if database is None:
        return None
    return any(str(row.get("id")).lower() == object_id.lower() for row in databases.rows(database[1], OBJECTS))
