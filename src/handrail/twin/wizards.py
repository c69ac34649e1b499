"""Setups with pages that a person fills in, and what people carry from host to host.

A wizard takes what was typed, right or wrong, as the real one does: a database that is not on the server named is made
new and empty; an account without a usable key set gets the keys of the file that was given, or new ones.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from handrail.errors import NotRehearsed
from handrail.model.version import key
from handrail.twin import paths
from handrail.twin.declarations import CarryBits, ComponentBits, WizardBits
from handrail.twin.machine import Machine
from handrail.twin.mechanisms import components, databases, drives, files, installer, keys, resources, services
from handrail.twin.things import Component, Database, Entry, KeySet, Product, Service


def run(machine: Machine, product: str, deployment: str, bits: WizardBits, values: Mapping[str, Any]) -> None:
    """Set the component up as the values say. NotRehearsed when the wizard could not get so far."""
    declared = machine.context.declarations.component(product, bits.component)
    reference = f"{product}/{bits.package}"
    found = newest_package(machine, reference, _typed(values, bits.build))
    if declared is None or found is None:
        raise NotRehearsed(f"No medium on {machine.name} holds {reference}, so nobody can run its setup there.")
    build, entry = found
    component = Component(
        product=product,
        name=bits.component,
        deployment=deployment,
        folder=declared.folder,
        account=_typed(values, bits.account),
        database=_typed(values, bits.database) or (declared.database.name if declared.database else ""),
        server="\\".join(one for one in (_typed(values, bits.server), _typed(values, bits.instance)) if one),
    )
    there = installer.product_of(machine, reference)
    if there is not None and there.version == build and bits.component in machine.components():
        return
    database = _database(machine, component, declared, build)
    if declared.keys and database is not None:
        _keys(machine, component, database, _typed(values, bits.keys))
    chosen = [component]
    for name in (*bits.also, *(values.get(bits.features) or ())):
        beside = machine.context.declarations.component(product, name)
        assert beside is not None
        chosen.append(Component(product, name, deployment, beside.folder))
    _lay(machine, chosen, reference, build, entry)


def _typed(values: Mapping[str, Any], name: str) -> str:
    """What stands in that field; a note that it stays as proposed is no name."""
    value = values.get(name) if name else None
    text = "" if value is None else str(value)
    return "" if text.startswith("(") else text


def _database(machine: Machine, component: Component, declared: ComponentBits, build: str) -> Database | None:
    """The database on the server that was named, brought to the schema of this build; made new when it is not there."""
    if declared.database is None:
        return None
    server = databases.connect(machine, component.server)
    if server is None:
        raise NotRehearsed(f"Setup on {machine.name} does not reach the SQL server {component.server or '(none)'}.")
    schema = services.floor(declared.database.schemas, build, 0)
    found = databases.find(server, component.database)
    if found is not None:
        refuse_newer(found, declared, build)
    if found is None:
        tables = {name: {"rows": 0, "digest": ""} for name in declared.database.tables}
        guid = str(uuid.uuid5(uuid.NAMESPACE_URL, f"handrail:twin:new:{server.machine.name}/{component.database}"))
        found = Database(component.database, server.instance.name, schema=schema, tables=tables, guid=guid)
        databases.put(server, found)
        server.machine.did("database", f"database {component.database} created, empty")
    elif schema > found.schema:
        found = resources.brought_along(replace(found, schema=schema), build)
        databases.put(server, found)
        server.machine.did("database", f"database {found.name} upgraded to schema {schema}")
    return found


def refuse_newer(database: Database, declared: ComponentBits, build: str) -> None:
    """NotRehearsed when setup gives up: a newer build has brought the database along, and no older one can use it, nor
    one that is half restored."""
    schemas = declared.database.schemas if declared.database else {}
    known = services.floor(schemas, build, 0)
    if database.state != "ONLINE" or (known and database.schema > known):
        how = f"of version {database.schema}" if database.state == "ONLINE" else database.state
        raise NotRehearsed(f"Setup of {build} cannot use the database {database.name}, which is {how}.")


def _keys(machine: Machine, component: Component, database: Database, file: str) -> None:
    """Setup asks for the key file only when the account has no usable key set here."""
    if keys.usable(machine, component.account) is not None:
        return
    entry = files.find(machine, file) if file else None
    if entry is not None and keys.load(machine, component.account, entry):
        return
    made = new_keys(machine, component.account)
    if not database.key_set:
        server = databases.connect(machine, component.server)
        assert server is not None
        databases.put(server, replace(database, key_set=made))


def new_keys(machine: Machine, account: str) -> str:
    """The id of a key set that was made for an account that had none here; it decrypts nothing that is there."""
    made = str(uuid.uuid5(uuid.NAMESPACE_URL, f"handrail:twin:new keys:{machine.name}/{account}"))
    machine.put(account, KeySet(account, made, machine.system.machine))
    machine.did("keys", f"key set of {account} made new")
    return made


def _lay(machine: Machine, chosen: list[Component], reference: str, build: str, entry: Entry) -> None:
    """One setup puts all of them there, as one product."""

    def put(new: Entry) -> bool:
        files.plant(machine, new)
        return True

    bits = machine.context.declarations.package(reference)
    for component in chosen:
        machine.put(component.name, component)
        components.lay(machine, components.place_of(machine, component, build), None, put)
    names = [one.name for one in chosen]
    product = Product(
        code=installer.code_of(reference, bits),
        package=reference,
        version=build,
        base=build,
        cached=installer.cache(machine, entry),
        features=tuple(dict.fromkeys((*_features(machine, reference, build), *names))),
        folder=chosen[0].folder,
    )
    installer.register(machine, product, bits, paths.parent(entry.path))
    machine.did("software", f"{bits.title} {build} installed by a person")
    for service in (service for one in chosen for service in components.bits_of(machine, one).services):
        made = machine.get(Service, service.name)
        if made is not None and service.running:
            services.start(machine, made)


def _features(machine: Machine, reference: str, build: str) -> tuple[str, ...]:
    """What the same setup at the same build put there before."""
    there = installer.product_of(machine, reference)
    return there.features if there is not None and there.version == build else ()


def newest_package(machine: Machine, reference: str, build: str = "") -> tuple[str, Entry] | None:
    """The newest of that package on the host's media (the one of this build, if one is given), and the medium."""
    found = []
    for entry in machine.all(Entry):
        if paths.inside(entry.path.lower(), installer.CACHE.lower()):
            continue  # what Windows Installer keeps for itself is no medium
        held = [entry.holds]
        for inner in ("image", "archive"):
            held += entry.holds.get(inner, {}).get("files", {}).values()
        held = [one for one in held if one.get("package") == reference and build in ("", str(one["version"]))]
        found += [(str(one["version"]), entry) for one in held]
    return max(found, key=lambda one: key("windows", one[0])) if found else None


def carry(machine: Machine, bits: CarryBits, values: Mapping[str, Any]) -> None:
    """Bring files and folders over from another host, to the same paths."""
    source = machine.other(_typed(values, bits.from_))
    if source is None:
        raise NotRehearsed(f"There is no host {values.get(bits.from_)!r} to carry anything from.")
    for name in bits.what:
        path = _typed(values, name)
        if not path:
            continue
        place = drives.locate(source, path)
        found = [one for one in (files.find(source, path), *files.below(source, path)) if one is not None]
        if place is None or not found:
            raise NotRehearsed(f"There is no {path} on {source.name} to carry to {machine.name}.")
        for one in found:
            files.plant(machine, replace(one))
        machine.did("file", f"{path} carried over from {source.name}")
