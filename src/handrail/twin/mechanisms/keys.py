"""Key sets: usable only on the machine and in the account profile that they were made for, and exports of them."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from handrail.twin.machine import Machine
from handrail.twin.mechanisms import files
from handrail.twin.things import Entry, KeySet


def usable(machine: Machine, account: str) -> KeySet | None:
    own = machine.get(KeySet, account)
    return own if own and own.machine == machine.system.machine else None


def export(machine: Machine, account: str, path: str) -> bool:
    """Write the account's key set to a file (whose content differs with every export, as encryption has it). False
    when the account has none here or the file cannot be written."""
    own = usable(machine, account)
    if own is None or not files.writable(machine, path):
        return False
    salt = hashlib.sha256(f"{own.id}{machine.stamp()}{path}".encode()).hexdigest()
    entry = files.of_bytes(path, hashlib.sha256(salt.encode()).digest() * 24, machine.stamp(), holds={"keys": own.id})
    files.write(machine, path, entry)
    machine.did("keys", f"key set of {account} exported to {path}")
    return True


def load(machine: Machine, account: str, entry: Entry) -> bool:
    """Make an exported key set usable here for that account. False when the file is no export."""
    if "keys" not in entry.holds:
        return False
    own = KeySet(account, entry.holds["keys"], machine.system.machine)
    machine.put(account, replace(machine.get(KeySet, account) or own, id=own.id, machine=own.machine))
    machine.did("keys", f"key set of {account} loaded from {entry.path}")
    return True
