"""Management agents: rows of a product's database that can be told to run one of their profiles.

A run reads the connected system with the stored password, which needs the key set; what it finds goes into the agent's
connector space; the run itself is kept in the history. Staging the same objects again changes nothing but the history.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from handrail.twin.declarations import WmiClass
from handrail.twin.machine import Machine
from handrail.twin.mechanisms import databases, events, extensions, keys

NO_PROFILE = "no-such-run-profile"
NO_KEYS = "stopped-credentials"
NO_EXTENSION = "stopped-extension-dll-load"


def call(
    machine: Machine, wmi: WmiClass, declared: Mapping[str, Any], row: Mapping[str, Any], given: Sequence[str]
) -> str:
    """What the method returns. `declared` may name `profiles` (the column that lists them), `history` (the table that
    keeps runs), `spaces` (the table of connector spaces), `loads` (see `extensions.py`) and `returns`."""
    component = machine.components()[wmi.component]
    found = databases.of_component(machine, component)
    assert found is not None
    server, database = found
    name, profile = str(row.get("Name", "")), given[0] if given else ""
    profiles = row.get(str(declared.get("profiles", "")), ())
    if "profiles" in declared and profile not in profiles:
        return NO_PROFILE
    if database.key_set:
        own = keys.of_component(machine, component)
        if own is None or own.id != database.key_set:
            events.write(machine, wmi.service, 6801, events.ERROR, f"The credentials of {name} cannot be decrypted.")
            return NO_KEYS
    if not extensions.load(machine, component, declared.get("loads", {}), profile):
        events.write(machine, wmi.service, 6152, events.ERROR, f"{name}: an extension could not be loaded.")
        return NO_EXTENSION
    result = str(declared.get("returns", "success"))
    history = str(declared.get("history", ""))
    if history:
        runs = databases.rows(database, history)
        entry = {"number": len(runs) + 1, "Name": name, "profile": profile, "result": result}
        tables = {**database.tables, history: {"rows": (*runs, entry)}}
        databases.put(server, replace(database, tables=tables))
    machine.did("agent", f"{name} ran {profile}: {result}")
    return result
