"""Databases, products and components of an estate, on the hosts where they stand now."""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from handrail.model.estate import Database as EstateDatabase
from handrail.model.estate import Estate, Installation
from handrail.twin import paths
from handrail.twin.codec import plain
from handrail.twin.declarations import ComponentBits, DatabaseBits
from handrail.twin.machine import Machine
from handrail.twin.mechanisms import components, databases, files, installer, keys, packages, registry, resources
from handrail.twin.mechanisms.components import fill
from handrail.twin.mechanisms.services import floor
from handrail.twin.things import Component, Database, Entry, KeySet, Product, Service, SqlInstance

_EACH = re.compile(r"\{(each [a-z_]+)\}")


@dataclass(slots=True)
class Inhabitants:
    """An estate, indexed once for all its hosts: installations with their products by host and by database, databases
    by host."""

    on: dict[str, list[tuple[str, Installation]]] = field(default_factory=dict)
    using: dict[str, list[tuple[str, Installation]]] = field(default_factory=dict)
    databases: dict[str, list[EstateDatabase]] = field(default_factory=dict)

    @classmethod
    def of(cls, estate: Estate) -> Inhabitants:
        made = cls()
        for deployment in estate.deployments.values():
            for one in deployment.installations:
                made.on.setdefault(one.host, []).append((deployment.product, one))
                if one.database:
                    made.using.setdefault(one.database, []).append((deployment.product, one))
        for database in estate.databases.values():
            made.databases.setdefault(database.host, []).append(database)
        return made


def raise_databases(estate: Estate, machine: Machine, inhabitants: Inhabitants) -> None:
    """The SQL Server instances of this host and their databases, with the content that their components declare."""
    for database in inhabitants.databases.get(machine.name, ()):
        if database.engine != "sqlserver":
            continue
        instance = database.instance or ""
        _raise_instance(machine, instance, database.version or "15.0.2000.5")
        users = _users(machine, inhabitants.using.get(database.id, ()))
        made = Database(name=database.name, instance=instance)
        for installation, bits in users:
            made = _filled(estate, database, made, installation, bits)
        machine.put(f"{instance}|{database.name}", made)
        databases.lay_files(machine, made)


def _raise_instance(machine: Machine, instance: str, version: str) -> None:
    name = f"MSSQL${instance}" if instance else "MSSQLSERVER"
    shown = f"SQL Server ({instance or 'MSSQLSERVER'})"
    machine.put(instance or "mssqlserver", SqlInstance(instance, version, name))
    if machine.get(Service, name) is None:
        service = Service(name, shown, account=rf"NT Service\{name}")
        machine.put(name, service)
        components.register_service(machine, service)


def _users(machine: Machine, using: Sequence[tuple[str, Installation]]) -> list[tuple[Installation, ComponentBits]]:
    found = []
    for product, one in using:
        bits = machine.context.declarations.component(product, one.component)
        if bits is not None:
            found.append((one, bits))
    return found


def _filled(
    estate: Estate, database: EstateDatabase, made: Database, installation: Installation, bits: ComponentBits
) -> Database:
    if bits.database is None:
        return made
    tables = {
        name: _table(f"{estate.name}/{database.id}/{name}", declared, installation, bits.database)
        for name, declared in bits.database.tables.items()
    }
    guid = str(uuid.uuid5(uuid.NAMESPACE_URL, f"handrail:twin:{estate.name}/{database.id}"))
    return Database(
        name=made.name,
        instance=made.instance,
        schema=floor(bits.database.schemas, installation.build, 0) if installation.build else 0,
        tables=plain({**made.tables, **tables}),
        key_set=key_set_of(guid) if bits.keys else made.key_set,
        guid=guid,
    )


def key_set_of(guid: str) -> str:
    return str(uuid.uuid5(uuid.UUID(guid), "key set"))


def _table(seed: str, declared: Any, installation: Installation, bits: DatabaseBits) -> dict[str, Any]:
    """A count with a digest that stands for the content, or the rows themselves."""
    if isinstance(declared, int):
        return {"rows": declared, "digest": hashlib.sha256(f"{seed}:{declared}".encode()).hexdigest()}
    facts = {name: one for name, one in installation.facts.items() if isinstance(one, str)} | {
        "host": installation.host
    }
    agents = installation.facts.get("test_agents") or bits.agents
    rows: list[dict[str, Any]] = []
    for row in declared:
        texts = [one for one in row.values() if isinstance(one, str)]
        items: dict[str, Any] = {"agent": agents}
        for name in (each for text in texts for each in _EACH.findall(text)):
            items[name] = installation.facts.get(name.removeprefix("each ")) or ()
        repeated = next((name for name in items if any("{" + name + "}" in one for one in texts)), None)
        rows += [_row(row, {**facts, repeated: one}) for one in items[repeated]] if repeated else [_row(row, facts)]
    customised = installation.facts.get("customisations")
    known = customised if isinstance(customised, list | tuple) else ()
    return {"rows": [resources.begun(row, installation.build or "0.0.0.0", known) for row in rows]}


def _row(row: Mapping[str, Any], values: Mapping[str, str]) -> dict[str, Any]:
    return {name: fill(one, values) if isinstance(one, str) else one for name, one in row.items()}


def raise_products(estate: Estate, machine: Machine, inhabitants: Inhabitants) -> None:
    """The components of this host at their builds, and the packages they came in."""
    found: dict[str, list[Installation]] = {}
    for product, one in inhabitants.on.get(machine.name, ()):
        bits = machine.context.declarations.component(product, one.component)
        if bits is not None and one.build:
            _raise_component(estate, machine, product, one, bits)
            package = bits.packages.get(one.release or "", bits.package)
            found.setdefault(f"{product}/{package}", []).append(one)
            for reference, pack in _packs(estate, machine, product, one):
                found.setdefault(reference, []).append(pack)
    _raise_key_sets(estate, machine)
    for reference, installations in found.items():
        _raise_package(machine, reference, installations)


def _packs(
    estate: Estate, machine: Machine, product: str, installation: Installation
) -> Iterator[tuple[str, Installation]]:
    """The language packs that an installation has, as it states, each with its package."""
    for name, bits in machine.context.declarations.products[product].components.items():
        if installation.component in bits.speaks and installation.facts.get("language_packs"):
            pack = replace(installation, component=name, database=None, account=None)
            _raise_component(estate, machine, product, pack, bits)
            yield f"{product}/{bits.package}", pack


def _raise_component(
    estate: Estate, machine: Machine, product: str, installation: Installation, bits: ComponentBits
) -> None:
    database = estate.databases.get(installation.database or "")
    account = estate.accounts.get(installation.account or "")
    server = f"{database.host}\\{database.instance}" if database and database.instance else database and database.host
    component = Component(
        product=product,
        name=installation.component,
        deployment=installation.deployment,
        folder=bits.folder,
        account=account.name if account else "",
        database=database.name if database else "",
        server=server or "",
        container=_container(installation),
        locales=tuple(installation.facts["language_packs"]) if bits.speaks else (),
    )
    machine.put(component.name, component)
    assert installation.build is not None

    def put(new: Entry) -> bool:
        files.plant(machine, new)
        return True

    components.lay(machine, components.place_of(machine, component, installation.build), None, put)
    deleted = machine_facts(estate, machine, "deleted_profiles")
    if not (bits.keys and account and database):
        return
    guid = str(uuid.uuid5(uuid.NAMESPACE_URL, f"handrail:twin:{estate.name}/{database.id}"))
    if component.container:
        keys.put_into_container(machine, component.container, KeySet(account.name, key_set_of(guid), ""))
    elif installation.account not in deleted:
        machine.put(account.name, KeySet(account.name, key_set_of(guid), machine.system.machine))


def _container(installation: Installation) -> str:
    """The container of the directory that holds its keys, when the estate says that they lie in one."""
    if installation.facts.get("key_storage") != "dkm":
        return ""
    stated = installation.facts.get("dkm_container")
    return str(stated["dn"]) if isinstance(stated, Mapping) and stated.get("dn") else f"CN={installation.deployment}"


def _raise_key_sets(estate: Estate, machine: Machine) -> None:
    """Key sets that the estate says are here, of accounts whose installations stand on other hosts."""
    stated = machine_facts(estate, machine, "key_sets")
    if not stated:
        return
    deleted = machine_facts(estate, machine, "deleted_profiles")
    for deployment in estate.deployments.values():
        for one in deployment.installations:
            account = estate.accounts.get(one.account or "")
            database = estate.databases.get(one.database or "")
            bits = machine.context.declarations.component(deployment.product, one.component)
            if not (account and database and bits and bits.keys) or one.account in deleted or one.account not in stated:
                continue
            if machine.get(KeySet, account.name) is None:
                guid = str(uuid.uuid5(uuid.NAMESPACE_URL, f"handrail:twin:{estate.name}/{database.id}"))
                machine.put(account.name, KeySet(account.name, key_set_of(guid), machine.system.machine))


def machine_facts(estate: Estate, machine: Machine, name: str) -> tuple[str, ...]:
    stated = estate.hosts[machine.name].facts.get(name)
    return tuple(stated) if isinstance(stated, (list, tuple)) else ()


def _raise_package(machine: Machine, reference: str, installations: list[Installation]) -> None:
    """Registered as it was installed once: at its first build, then patched up to what the estate states."""
    bits = machine.context.declarations.package(reference)
    build = max((one.build for one in installations if one.build), key=lambda one: [int(n) for n in one.split(".")])
    base = packages.newest(bits.bases, build)
    facts = {name: one for each in installations for name, one in each.facts.items()}
    source = str(facts.get("install_source") or bits.source)
    held = {"package": reference, "version": base}
    original = files.made(paths.join(source, bits.file), held, machine.stamp())
    product = Product(
        code=installer.code_of(reference, bits),
        package=reference,
        version=build,
        base=base,
        cached=installer.cache(machine, original),
        features=tuple(dict.fromkeys(one.component for one in installations)),
        folder=machine.components()[installations[0].component].folder,
    )
    installer.register(machine, product, bits, source, str(facts.get("disk_label") or ""))
    registry.write(machine, registry.UNINSTALL, {})
