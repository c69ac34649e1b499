"""What is wrong in the twin's world: planted before a run, or right after an attempt at a step has begun.

Each is a state that a host can be in, in the words of its mechanism. With `at` it is planted when that step's attempt
(the first, if `attempt` does not say) has been journaled as begun and before anything is done, or when a person has
been asked; without, from the start.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeVar

from handrail.errors import BadInput, suggestion
from handrail.twin import paths
from handrail.twin.codec import plain
from handrail.twin.machine import Machine
from handrail.twin.mechanisms import (
    components,
    databases,
    drives,
    files,
    installer,
    keys,
    registry,
    services,
    software,
    spaces,
)
from handrail.twin.things import ESTATE, Account, Busy, Database, Entry, KeySet, Process, Product, Service, Volume
from handrail.twin.world import Twin

BEFOREHAND = "beforehand"
"""The command that plants show in the twin's effect log; what they did is no effect of the run."""

P = TypeVar("P", bound="Plant")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plant:
    at: str | None = None
    attempt: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _OnHost(Plant):
    host: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount(_OnHost):
    """Somebody mounts the image at this path."""

    mount: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Eject(_OnHost):
    """Somebody takes out what is mounted from this image; `all` for everything."""

    eject: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Occupy(_OnHost):
    """Somebody, so called, holds Windows Installer: another installation gets 1618. For so many seconds, or until it
    is freed."""

    busy: str
    seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Free(_OnHost):
    """What is held is let go: `free: installer`."""

    free: Literal["installer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SetService(_OnHost):
    service: str
    state: Literal["running", "stopped", "disabled", "absent"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SetRegistry(_OnHost):
    """Values of a key, made if need be; null takes a value away; `absent` the whole key. A whole number becomes a
    REG_DWORD."""

    registry: str
    values: Mapping[str, Any] = field(default_factory=dict)
    absent: bool = False
    view: int = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class SetLabel(_OnHost):
    """Windows Installer remembers that a component came from a disk of this label, and will ask for it."""

    label: str
    component: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetBuild(_OnHost):
    """The build that is really installed, whatever the estate states."""

    build: str
    component: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetFile(_OnHost):
    """A file with this content, or none (or no folder)."""

    file: str
    text: str = ""
    absent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SetProgram(_OnHost):
    """Somebody left this program open; it holds files (patterns)."""

    program: str
    holds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SetSoftware(_OnHost):
    """The version that is really there."""

    software: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetDatabase(_OnHost):
    """A database, by its name on that server."""

    database: str
    state: Literal["online", "offline", "suspect", "absent"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SetTable(_OnHost):
    """Content of a table of a database on that server. Where the table lists its rows, those that `where` fits get
    these values, or are gone if none are given. Where it only counts them there are so many `rows` now, of other
    content."""

    table: str
    of: str
    rows: int | None = None
    where: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetObject(_OnHost):
    """An object in a management agent's connector space, in the database `of` on that server: it has these attributes
    (null takes one away) and is made if need be; or it is `absent`."""

    space: str
    of: str
    object: str
    values: Mapping[str, Any] = field(default_factory=dict)
    absent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SetKeys(_OnHost):
    """The key set in an account's profile on that host, or in a container of the directory: it is gone."""

    keys: str
    state: Literal["absent"] = "absent"


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAccount(Plant):
    """An account, by its name in the directory."""

    account: str
    enabled: bool = True
    password: str | None = None


WORDS: Mapping[str, type[Plant]] = {
    "mount": Mount,
    "eject": Eject,
    "busy": Occupy,
    "free": Free,
    "service": SetService,
    "registry": SetRegistry,
    "label": SetLabel,
    "build": SetBuild,
    "file": SetFile,
    "program": SetProgram,
    "software": SetSoftware,
    "database": SetDatabase,
    "table": SetTable,
    "space": SetObject,
    "keys": SetKeys,
    "account": SetAccount,
}


def plant_on(twin: Twin, plant: Plant) -> None:
    """Have it so on the twin. BadInput when the estate has no such host, or nothing there that could be changed so."""
    name = plant.host if isinstance(plant, _OnHost) else twin.hosts[0]
    if name not in twin.hosts:
        raise BadInput(f"The estate has no host {name!r}.", suggestion(name, twin.hosts))
    twin.transact(name, BEFOREHAND, lambda machine: _ACTS[type(plant)](machine, plant))


def _mount(machine: Machine, plant: Mount) -> None:
    if drives.mount(machine, plant.mount) is None:
        raise BadInput(f"{machine.name} has no image {plant.mount}.", "Name the path of an iso of the estate.")


def _eject(machine: Machine, plant: Eject) -> None:
    for one in machine.all(Volume):
        if one.image and (plant.eject == "all" or one.image.lower() == plant.eject.lower()):
            drives.dismount(machine, one)


def _occupy(machine: Machine, plant: Occupy) -> None:
    until = None
    if plant.seconds is not None:
        from datetime import timedelta

        until = (machine.context.now() + timedelta(seconds=plant.seconds)).isoformat()
    machine.put("installer", Busy(plant.busy, until))


def _free(machine: Machine, plant: Free) -> None:
    machine.drop(Busy, plant.free)


def _service(machine: Machine, plant: SetService) -> None:
    found = machine.get(Service, plant.service)
    if found is None:
        names = [one.name for one in machine.all(Service)]
        raise BadInput(f"{machine.name} has no service {plant.service!r}.", suggestion(plant.service, names))
    if plant.state == "running":
        services.start(machine, found)
    elif plant.state == "absent":
        machine.drop(Service, found.name)
    else:
        start = "disabled" if plant.state == "disabled" else found.start
        machine.put(found.name, replace(found, state="STOPPED", start=start))


def _registry(machine: Machine, plant: SetRegistry) -> None:
    if registry.full(plant.registry) is None:
        raise BadInput(f"{plant.registry!r} is no registry key.", "Begin with HKLM, HKCU, HKCR, HKU or HKCC.")
    if plant.absent:
        registry.remove(machine, plant.registry, plant.view)
        return
    written = {
        name: registry.number(one) if isinstance(one, int) and not isinstance(one, bool) else registry.text(str(one))
        for name, one in plant.values.items()
        if one is not None
    }
    registry.write(machine, plant.registry, written, plant.view)
    for name in plant.values.keys() - written.keys():
        key = registry.find(machine, plant.registry, plant.view)
        if key is not None:
            registry.remove_value(machine, key, name)


def _product(machine: Machine, component: str) -> Product:
    found = next((one for one in machine.all(Product) if component in one.features), None)
    if found is None:
        there = [name for one in machine.all(Product) for name in one.features]
        raise BadInput(f"{component!r} is not installed on {machine.name}.", suggestion(component, there))
    return found


def _label(machine: Machine, plant: SetLabel) -> None:
    code = installer.packed(_product(machine, plant.component).code)
    key = rf"{installer.PRODUCTS}\{code}\SourceList\Media"
    registry.write(machine, key, {"1": registry.text(f"{plant.label};Disk 1")})


def _build(machine: Machine, plant: SetBuild) -> None:
    product = _product(machine, plant.component)
    bits = machine.context.declarations.package(product.package)
    installer.reregister(machine, replace(product, version=plant.build), bits)
    component = machine.components()[plant.component]

    def put(new: Entry) -> bool:
        files.plant(machine, new)
        return True

    components.lay(machine, components.place_of(machine, component, plant.build), product.version, put)


def _file(machine: Machine, plant: SetFile) -> None:
    path = paths.clean(plant.file)
    found = files.find(machine, path)
    if plant.absent:
        if found is not None:
            files.delete(machine, found)
        return
    files.plant(machine, files.of_bytes(path, plant.text.encode(), machine.stamp()))


def _program(machine: Machine, plant: SetProgram) -> None:
    machine.put(plant.program, Process(plant.program, plant.holds))


def _software(machine: Machine, plant: SetSoftware) -> None:
    software.lay(machine, plant.software, plant.version)


def _databases(machine: Machine, name: str) -> list[Database]:
    found = [one for one in machine.all(Database) if one.name.lower() == name.lower()]
    if not found:
        names = [one.name for one in machine.all(Database)]
        raise BadInput(f"{machine.name} has no database {name!r}.", suggestion(name, names))
    return found


def _put(machine: Machine, database: Database) -> None:
    machine.put(f"{database.instance}|{database.name}", database)


def _database(machine: Machine, plant: SetDatabase) -> None:
    for one in _databases(machine, plant.database):
        if plant.state == "absent":
            machine.drop(Database, f"{one.instance}|{one.name}")
        else:
            _put(machine, replace(one, state=plant.state.upper()))


def _table(machine: Machine, plant: SetTable) -> None:
    for one in _databases(machine, plant.of):
        if plant.table not in one.tables:
            raise BadInput(f"{one.name} has no table {plant.table!r}.", suggestion(plant.table, one.tables))
        changed = databases.with_rows(one, plant.table, plant.rows, plain(plant.where), plain(plant.values))
        if changed is None:
            listed = isinstance(one.tables[plant.table].get("rows"), tuple)
            how = "lists its rows, and none is like this" if listed else "only counts its rows"
            advice = "Say `where`, with values that a row has." if listed else "Say how many `rows` there are now."
            raise BadInput(f"The table {plant.table} of {one.name} {how}.", advice)
        _put(machine, changed)


def _object(machine: Machine, plant: SetObject) -> None:
    for one in _databases(machine, plant.of):
        agents = spaces.agents(one)
        if plant.space not in agents:
            raise BadInput(f"{one.name} has no management agent {plant.space!r}.", suggestion(plant.space, agents))
        if not plant.absent:
            _put(machine, spaces.changed(one, plant.space, plant.object, plain(plant.values)))
            continue
        names = [str(row["dn"]) for row in spaces.held(one) if row.get("agent") == plant.space]
        if plant.object not in names:
            there = f"{plant.space} has no object {plant.object!r}"
            raise BadInput(f"The connector space of {there}.", suggestion(plant.object, names))
        _put(machine, spaces.without(one, plant.space, plant.object))


def _keys(machine: Machine, plant: SetKeys) -> None:
    if keys.in_container(machine, plant.keys) is not None:
        keys.drop_container(machine, plant.keys)
        return
    if machine.get(KeySet, plant.keys) is None:
        names = [one.account for one in machine.all(KeySet)]
        raise BadInput(f"{plant.keys!r} has no key set on {machine.name}.", suggestion(plant.keys, names))
    machine.drop(KeySet, plant.keys)


def _account(machine: Machine, plant: SetAccount) -> None:
    found = machine.context.account(plant.account)
    if found is None:
        raise BadInput(f"The estate has no account {plant.account!r}.", "Write its name as the estate does.")
    new = replace(found, enabled=plant.enabled, password=plant.password)
    machine.context.draft.put(ESTATE, Account.__name__.lower(), plant.account.lower(), new)


_ACTS: Mapping[type[Plant], Callable[[Machine, Any], None]] = {
    Mount: _mount,
    Eject: _eject,
    Occupy: _occupy,
    Free: _free,
    SetService: _service,
    SetRegistry: _registry,
    SetLabel: _label,
    SetBuild: _build,
    SetFile: _file,
    SetProgram: _program,
    SetSoftware: _software,
    SetDatabase: _database,
    SetTable: _table,
    SetObject: _object,
    SetKeys: _keys,
    SetAccount: _account,
}
