"""Setup programs that take their wishes from an answer file, as a product declares under `setups` in its `twin.yaml`.

They install a component on a database that is there or on a new one, take it away again with its database or without,
bring an older database along as far as they can, and open the key set that its secrets are encrypted under. Who may
open which key set is the mechanism of `mechanisms.keys`; a setup that cannot open it makes a new one and goes on.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from handrail.twin import paths
from handrail.twin.declarations import ComponentBits, SetupBits
from handrail.twin.machine import Machine
from handrail.twin.mechanisms import components, databases, files, installer, keys, registry, services, software
from handrail.twin.mechanisms.services import floor
from handrail.twin.things import LOCAL_SYSTEM, Component, Database, Entry, KeySet, Product, Service
from handrail.twin.tools.options import not_rehearsed
from handrail.twin.tools.reply import Reply

FAILED = 1
_NO = ("", "0", "false")


def find(machine: Machine, program: str) -> Entry | None:
    """The setup program at a path."""
    entry = files.find(machine, program)
    if entry is None or "setup" in entry.holds:
        return entry
    for owner, product in machine.context.declarations.products.items():
        for name, bits in product.setups.items():
            for component, left in bits.left.items():
                there = machine.components().get(component)
                if there is not None and paths.join(there.folder, left).lower() == entry.path.lower():
                    return replace(entry, holds={"setup": f"{owner}/{name}", "version": entry.version})
    return None


@dataclass(frozen=True, slots=True)
class _Wish:
    owner: str
    bits: SetupBits
    component: str
    build: str
    answers: Mapping[str, str]
    account: str

    def answer(self, what: str) -> str:
        return self.answers.get(self.bits.keys.get(what, "").lower(), "")

    def wants(self, what: str) -> bool:
        return self.answer(what).lower() not in _NO


def run(machine: Machine, entry: Entry, arguments: Sequence[str]) -> Reply:
    owner, _, name = str(entry.holds["setup"]).partition("/")
    bits = machine.context.declarations.products[owner].setups[name]
    switches, values = _read(bits, arguments)
    chosen = [bits.components[one] for one in bits.components if one in switches]
    verbs = [one for one in ("i", "x") if one in switches]
    if len(chosen) != 1 or len(verbs) != 1 or (bits.consent and bits.consent.lower() not in switches):
        raise not_rehearsed(f"{entry.path} without all it needs to ask nothing,", arguments)
    user = values.get(bits.user.lower(), "")
    account = f"{values[bits.domain.lower()]}\\{user}" if values.get(bits.domain.lower()) else user
    wish = _Wish(owner, bits, chosen[0], str(entry.holds["version"]), _answers(machine, bits, values), account)
    said: list[str] = []
    code = _install(machine, wish, said, entry) if verbs == ["i"] else _remove(machine, wish, said)
    if bits.log:
        path = machine.path(bits.log)
        files.make_folder(machine, paths.parent(path))
        text = "".join(f"{line}\r\n" for line in said)
        files.write(machine, path, files.of_bytes(path, text.encode(), machine.stamp()))
    return Reply(code)


def _read(bits: SetupBits, arguments: Sequence[str]) -> tuple[set[str], dict[str, str]]:
    takes = {"f", *(one.lower() for one in (bits.user, bits.domain, bits.password) if one)}
    switches: set[str] = set()
    values: dict[str, str] = {}
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        name = word[1:].lower()
        if word[:1] != "/":
            raise not_rehearsed("setup", arguments)
        if name in takes and rest:
            values[name] = rest.pop(0)
        else:
            switches.add(name)
    return switches, values


def _answers(machine: Machine, bits: SetupBits, values: Mapping[str, str]) -> dict[str, str]:
    """Setup's own answers, and over them what the file says; a file that is not there says nothing."""
    found = {key.lower(): value for key, value in bits.defaults.items()}
    entry = files.find(machine, values["f"]) if "f" in values else None
    for line in files.content(entry).decode("utf-8", "replace").splitlines() if entry else ():
        key, equals, value = line.strip().partition("=")
        if equals and not key.startswith("#"):
            found[key.strip().lower()] = value.strip()
    return found


def _bits(machine: Machine, wish: _Wish) -> ComponentBits:
    bits = machine.context.declarations.component(wish.owner, wish.component)
    assert bits is not None, f"{wish.owner} declares no component {wish.component}"
    return bits


def _remove(machine: Machine, wish: _Wish, said: list[str]) -> int:
    component = machine.components().get(wish.component)
    if component is None:
        said.append("Nothing that can be uninstalled is installed on this computer.")
        return FAILED
    found = databases.of_component(machine, component)
    if found is not None and wish.bits.keys.get("retain_database") and not wish.wants("retain_database"):
        databases.drop(found[0], found[1].name)
        said.append(f"The database {found[1].name} was removed.")
    bits = _bits(machine, wish)
    values = components.place_of(machine, component, wish.build).values
    components.take_away(machine, component)
    for one in bits.registry:
        registry.remove(machine, components.fill(one.key, values), one.view)
    product = next((one for one in machine.all(Product) if wish.component in one.features), None)
    if product is not None:
        installer.unregister(machine, product, machine.context.declarations.package(product.package))
        machine.did("software", f"{wish.component} {product.version} removed by its setup")
    said.append("Uninstallation completed.")
    return 0


def _install(machine: Machine, wish: _Wish, said: list[str], entry: Entry) -> int:
    bits = _bits(machine, wish)
    package = machine.context.declarations.package(f"{wish.owner}/{bits.package}")
    if machine.components().get(wish.component) is not None:
        said.append("It is installed on this computer already; uninstall it first.")
        return FAILED
    lacking = software.missing(machine, package.requires)
    if lacking is not None:
        said.append(f"A prerequisite is missing: {lacking}.")
        return FAILED
    account = wish.account or "LocalSystem"
    if account.lower() not in LOCAL_SYSTEM and machine.context.account(account) is None:
        said.append(f"The account {account} is not known.")
        return FAILED
    component = _component(machine, wish, bits, account)
    if bits.database is not None and not _database(machine, wish, bits, component, said):
        return FAILED
    machine.put(component.name, component)
    components.lay(machine, components.place_of(machine, component, wish.build), None, _plant(machine))
    reference = f"{wish.owner}/{bits.package}"
    product = Product(
        code=installer.code_of(reference, package),
        package=reference,
        version=wish.build,
        base=wish.build,
        cached=installer.cache(machine, entry),
        features=(component.name,),
        folder=component.folder,
    )
    installer.register(machine, product, package, paths.parent(entry.path))
    machine.did("software", f"{package.title} {wish.build} installed")
    for one in bits.services:
        made = machine.get(Service, one.name)
        if made is not None and one.running:
            services.start(machine, made)
    said.append("Installation completed.")
    return 0


def _component(machine: Machine, wish: _Wish, bits: ComponentBits, account: str) -> Component:
    made = Component(wish.owner, wish.component, "", bits.folder, account=account if bits.services else "")
    if bits.database is None:
        return made
    instance = wish.answer("instance")
    plain = instance.upper() in ("", "MSSQLSERVER")
    server = wish.answer("server") or machine.name
    return replace(
        made,
        database=wish.answer("database") or bits.database.name,
        server=server if plain else f"{server}\\{instance}",
        container=wish.answer("container"),
    )


def _database(machine: Machine, wish: _Wish, bits: ComponentBits, component: Component, said: list[str]) -> bool:
    """Open or make the database and bring it along."""
    assert bits.database is not None
    server = databases.connect(machine, component.server)
    if server is None:
        said.append(f"The server {component.server} does not answer.")
        return False
    needed = floor(bits.database.schemas, wish.build, 0)
    there = databases.find(server, component.database)
    if wish.wants("new_database"):
        if there is not None:
            said.append(f"The database {component.database} exists already.")
            return False
        guid = str(uuid.uuid5(uuid.NAMESPACE_URL, f"handrail:twin:new/{machine.name}/{component.database}"))
        made = Database(component.database, server.instance.name, schema=needed, guid=guid)
        databases.put(server, made)
        machine.did("database", f"database {made.name} made anew")
        return True
    if there is None or there.state != "ONLINE":
        said.append(f"The database {component.database} on {component.server} cannot be opened.")
        return False
    oldest = floor(bits.database.oldest, wish.build, 0)
    newest = max(needed, floor(bits.database.newest, wish.build, needed))
    if there.schema > newest or there.schema < oldest:
        said.append(
            f"The database can not be upgraded: it has version {there.schema}, this setup knows {oldest} to {newest}."
        )
        return False
    if there.schema < needed:
        databases.put(server, replace(there, schema=needed))
        machine.did("database", f"database {there.name} upgraded to schema {needed}")
    if there.key_set:
        _open_keys(machine, component, there, said)
    return True


def _open_keys(machine: Machine, component: Component, database: Database, said: list[str]) -> None:
    """Open the key set of the database as the account that setup runs under; or make a new one, with which nothing that
    was encrypted before can be read."""
    if component.container:
        own = keys.in_container(machine, component.container, database.key_set)
    else:
        own = machine.get(KeySet, component.account)
        own = own if own is not None and own.machine == machine.system.machine else None
    if own is not None and own.id == database.key_set and keys.may_open(own.account, machine.user):
        if component.container:
            keys.put_into_container(machine, component.container, replace(own, account=component.account))
        return
    fresh = str(uuid.uuid5(uuid.UUID(database.guid), f"new key set of {component.account} on {machine.name}"))
    if component.container:
        keys.put_into_container(machine, component.container, KeySet(component.account, fresh, ""))
    else:
        machine.put(component.account, KeySet(component.account, fresh, machine.system.machine))
    machine.did("keys", f"new key set made for {component.account}")
    said.append("Warning: encrypted data in the database cannot be decrypted and has to be entered again.")


def _plant(machine: Machine) -> components.Replace:
    def replace_file(new: Entry) -> bool:
        files.plant(machine, new)
        return True

    return replace_file
