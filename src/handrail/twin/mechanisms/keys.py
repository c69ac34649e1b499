"""Key sets: usable only on the machine and in the account profile that they were made for, and exports of them."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from handrail.twin.machine import Machine
from handrail.twin.mechanisms import files
from handrail.twin.things import ESTATE, LOCAL_SYSTEM, Component, Entry, KeySet


def usable(machine: Machine, account: str) -> KeySet | None:
    """The key set that the account can use on this machine, for whatever component."""
    for component in machine.components().values():
        if component.container and component.account.lower() == account.lower():
            return in_container(machine, component.container)
    own = machine.get(KeySet, account)
    return own if own and own.machine == machine.system.machine else None


def of_component(machine: Machine, component: Component) -> KeySet | None:
    """The key set that the component's service can open: the one in its container of the directory, when its account
    may, or the one in its account's profile on this very machine."""
    if component.container:
        held = in_container(machine, component.container)
        return held if held is not None and may_open(held.account, component.account) else None
    own = machine.get(KeySet, component.account)
    return own if own is not None and own.machine == machine.system.machine else None


def in_container(machine: Machine, container: str, id: str | None = None) -> KeySet | None:
    """The key set that services take from a container of the directory; with an `id` that one, even if a newer one has
    been put beside it since."""
    draft = machine.context.draft
    found: KeySet | None = draft.get(ESTATE, "keyset", container.lower())
    if found is not None and id is not None and found.id != id:
        found = draft.get(ESTATE, "keyset", _beside(container, id))
    return found


def drop_container(machine: Machine, container: str) -> None:
    """The container with all that lies in it."""
    draft = machine.context.draft
    for name, _ in draft.items(ESTATE, "keyset"):
        if name == container.lower() or name.startswith(_beside(container, "")):
            draft.drop(ESTATE, "keyset", name)


def put_into_container(machine: Machine, container: str, keys: KeySet) -> None:
    """For services to take. Nothing that lies there already is removed."""
    draft = machine.context.draft
    now = in_container(machine, container)
    if now is not None and now.id != keys.id:
        draft.put(ESTATE, "keyset", _beside(container, now.id), now)
    draft.put(ESTATE, "keyset", container.lower(), keys)


def _beside(container: str, id: str) -> str:
    return f"{container.lower()}|{id}"


def may_open(owner: str, user: str) -> bool:
    """Whether a program of `user` can open what `owner` protected: its own; and an administrator can become the system
    account, so what that one protected is open to every administrator."""
    return owner.lower() in LOCAL_SYSTEM or owner.lower() == user.lower()


_MARK = b"twin key set export "


def export(machine: Machine, account: str, path: str) -> bool:
    """Write the account's key set to a file (whose content differs with every export, as encryption has it). False
    when the account has none here or the file cannot be written."""
    own = usable(machine, account)
    if own is None or not files.writable(machine, path):
        return False
    salt = hashlib.sha256(f"{own.id}{machine.stamp()}{path}".encode()).digest()
    files.write(machine, path, files.of_bytes(path, _exported(own.id, salt), machine.stamp()))
    machine.did("keys", f"key set of {account} exported to {path}")
    return True


def _exported(id: str, salt: bytes) -> bytes:
    return _MARK + id.encode() + b"\0" + salt + hashlib.sha256(id.encode() + salt).digest() * 24


def id_in(data: bytes) -> str | None:
    """The key set in an exported file, wherever that file has been since; None when it is no export, or damaged."""
    id, _, rest = data.removeprefix(_MARK).partition(b"\0")
    named = id.decode("ascii", "replace")
    return named if _exported(named, rest[:32]) == data else None


def is_export(entry: Entry) -> bool:
    """Whether a file holds exported keys, readable by whoever has it."""
    return not entry.folder and id_in(files.content(entry)) is not None


def load(machine: Machine, account: str, entry: Entry) -> bool:
    """Make an exported key set usable here for that account. False when the file is no export."""
    id = id_in(files.content(entry))
    if id is None:
        return False
    own = KeySet(account, id, machine.system.machine)
    machine.put(account, replace(machine.get(KeySet, account) or own, id=own.id, machine=own.machine))
    machine.did("keys", f"key set of {account} loaded from {entry.path}")
    return True
