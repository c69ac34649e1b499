"""From what was read of many hosts to an estate: who uses which database, under which account, as whose component.

Pure. What people have written already keeps its ids. Only facts that the guides of what was found declare go in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from handrail.documents.estate import VERSION
from handrail.documents.read import Keys
from handrail.guides.catalogue import Catalogue, CompiledGuide
from handrail.guides.lines import line_of
from handrail.model.estate import Deployment, Estate, Installation
from handrail.probing.components import is_same_account, kind_of
from handrail.probing.facts import NOT_READ
from handrail.probing.readings import Reading, Unread
from handrail.probing.sweep import HostSheet, Installed

_UNFIT = re.compile(r"[^a-z0-9.-]+")


@dataclass(frozen=True, slots=True)
class Missing:
    """A fact that could not be read: its address, the entry of the file where it belongs, why, and what settles it."""

    address: str
    below: Keys
    unread: Unread


@dataclass(slots=True)
class Draft:
    """An estate file's data; by the keys of every value how it was read, and what is worth a remark there."""

    data: dict[str, Any]
    read: dict[Keys, Reading] = field(default_factory=dict)
    missing: list[Missing] = field(default_factory=list)
    remarks: dict[Keys, list[str]] = field(default_factory=dict)
    programs: dict[str, tuple[str, ...]] = field(default_factory=dict)


def draft(
    name: str,
    sheets: Sequence[HostSheet],
    catalogue: Catalogue,
    hosts: Mapping[str, Any],
    known: Estate | None = None,
    labelled: Mapping[str, Mapping[str, Any]] | None = None,
) -> Draft:
    """The estate that these hosts make. `hosts`: the entries that their names and ways came with (`connect`);
    `labelled`: what else came with them and no probe reads."""
    return _Drafting(name, sheets, catalogue, hosts, known, labelled or {}).all()


_Where = tuple[str, str | None, str]
"""Of a database: its host, its instance, its name without regard to case."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What people have written, by what it is found by: their deployments by guide, their installations by host and
    component, their databases."""

    deployments: Mapping[str, Mapping[str, Deployment]]
    installations: Mapping[tuple[str, str], Sequence[Installation]]
    databases: Mapping[_Where, str]

    @classmethod
    def of(cls, estate: Estate | None, catalogue: Catalogue) -> _Known:
        deployments: dict[str, dict[str, Deployment]] = {}
        installations: dict[tuple[str, str], list[Installation]] = {}
        if estate is None:
            return cls(deployments, installations, {})
        for each in estate.deployments.values():
            compiled = catalogue.named(each.product)
            if compiled is not None:
                deployments.setdefault(compiled.guide.name, {})[each.id] = each
            for one in each.installations:
                installations.setdefault((one.host, one.component), []).append(one)
        databases = {(one.host, one.instance, one.name.casefold()): one.id for one in estate.databases.values()}
        return cls(deployments, installations, databases)


class _Names:
    """What the hosts of an estate go by: their names, in full or short, and the addresses that they are reached at."""

    def __init__(self, known: Iterable[str], ways: Mapping[str, Any]) -> None:
        self._full: dict[str, str] = {}
        self._short: dict[str, str] = {}
        for name in known:
            self.add(name)
        self._addresses: dict[str, str] = {
            str(connect.get("address", "")).casefold(): name for name, connect in ways.items() if connect
        }

    def add(self, name: str) -> None:
        low = name.casefold()
        if low not in self._full:
            self._short[low.partition(".")[0]] = name
        self._full[low] = name

    def find(self, name: str) -> str | None:
        """The host that goes by `name`; None when none does."""
        low = name.casefold()
        return self._full.get(low) or self._addresses.get(low) or self._short.get(low.partition(".")[0])


class _Drafting:
    def __init__(
        self,
        name: str,
        sheets: Sequence[HostSheet],
        catalogue: Catalogue,
        hosts: Mapping[str, Any],
        known: Estate | None,
        labelled: Mapping[str, Mapping[str, Any]],
    ) -> None:
        self.sheets = sheets
        self.catalogue = catalogue
        self.known = known
        self.data: dict[str, Any] = {"handrail": VERSION, "name": name, "hosts": {}}
        for section in ("databases", "accounts", "deployments"):
            self.data[section] = {}
        self.draft = Draft(self.data)
        self.hosts = hosts
        self.labelled = labelled
        self.facts: dict[str, dict[str, Mapping[str, Any]]] = {}
        self.guides = {one.guide for sheet in sheets for one in sheet.installed}
        lines = [line_of(catalogue, guide) for guide in sorted(self.guides)]
        self.named = {name for line in lines for one in line.guides for name in one.guide.software}
        self.accounts: dict[str, str] = {one.name: id for id, one in known.accounts.items()} if known else {}
        self.of_known = _Known.of(known, catalogue)
        self.names = _Names(known.hosts if known else (), hosts)
        self.databases: dict[_Where, str] = {}
        self.numbers: dict[str, int] = {}

    def all(self) -> Draft:
        for sheet in self.sheets:
            self.data["hosts"][sheet.name] = {}
            self.names.add(sheet.name)
        for sheet in self.sheets:
            keys: dict[str, list[str] | None] = {}
            for one in sheet.installed:
                self._installation(sheet, one, keys)
            self._host(sheet, keys)
        for section in ("databases", "accounts", "deployments"):
            if not self.data[section]:
                del self.data[section]
        return self.draft

    # -- hosts --------------------------------------------------------------------------------------------------

    def _host(self, sheet: HostSheet, keys: Mapping[str, list[str] | None]) -> None:
        place: Keys = ("hosts", sheet.name)
        entry: dict[str, Any] = self.data["hosts"][sheet.name]
        self._put(entry, place, "os", sheet.sheet.readings.get("os"))
        connect = self.hosts.get(sheet.name)
        if connect:
            entry["connect"] = connect
        entry |= self.labelled.get(sheet.name, {})
        software: dict[str, Any] = {}
        for name, reading in sheet.software.readings.items():
            if name in self.named:
                self._put(software, (*place, "software"), name, reading)
        if software:
            entry["software"] = software
        declared = self._declared_on(sheet, "host")
        facts: dict[str, Any] = {}
        for name, reading in sheet.sheet.readings.items():
            if name in declared and name != "mounted_media":
                self._put(facts, (*place, "facts"), name, reading)
        self._media(sheet, facts, declared)
        self._key_sets(sheet, facts, declared, keys)
        if facts:
            entry["facts"] = facts
        for name, unread in sheet.sheet.unread.items():
            if name in declared or name not in ("service_pack",):
                self._miss(f"host:{sheet.name}.{name}", place, unread)
        for name, unread in sheet.software.unread.items():
            if name in self.named:
                self._miss(f"host:{sheet.name}.software.{name}", place, unread)
        if sheet.sheet.remarks:
            self.draft.remarks[place] = list(sheet.sheet.remarks)
        if sheet.programs:
            self.draft.programs[sheet.name] = sheet.programs

    def _media(self, sheet: HostSheet, facts: dict[str, Any], declared: Iterable[str]) -> None:
        reading = sheet.sheet.readings.get("mounted_media")
        if reading is None or "mounted_media" not in declared:
            return
        ids = []
        for one in sheet.media or ():
            id = self._medium(one.image)
            if id is None:
                what = f"{one.label or 'a medium without a label'} ({one.image or 'no image'})"
                because = f"{one.drive} holds {what}, which is no medium of the estate"
                settle = "take it out, or write it under media and discover again with --update"
                self._miss(f"host:{sheet.name}.mounted_media", ("hosts", sheet.name), Unread(because, settle))
                return
            ids.append(id)
        place: Keys = ("hosts", sheet.name, "facts")
        self._put(facts, place, "mounted_media", reading.saying(ids))

    def _medium(self, image: str) -> str | None:
        media = self.known.media.values() if self.known else ()
        return next((one.id for one in media if image and one.path.casefold() == image.casefold()), None)

    def _key_sets(
        self, sheet: HostSheet, facts: dict[str, Any], declared: Iterable[str], keys: Mapping[str, list[str] | None]
    ) -> None:
        """A service that does not start without its key set runs: so the key set is here, and its account's profile."""
        for one in sheet.installed:
            reading = one.sheet.readings.get("key_set")
            if reading is None or keys.get("accounts") is None:
                continue
            place: Keys = ("hosts", sheet.name, "facts")
            if "key_sets" in declared:
                self._put(facts, place, "key_sets", reading.saying(keys["accounts"]))
            if "deleted_profiles" in declared:
                self._put(facts, place, "deleted_profiles", reading.saying([]))

    # -- installations ------------------------------------------------------------------------------------------

    def _installation(self, sheet: HostSheet, one: Installed, keys: dict[str, list[str] | None]) -> None:
        compiled = self.catalogue.of(one.guide)
        deployment = self._deployment(sheet, one, compiled)
        entry: dict[str, Any] = {"component": one.component, "host": sheet.name}
        installations: list[Any] = self.data["deployments"][deployment]["installations"]
        place: Keys = ("deployments", deployment, "installations", len(installations))
        installations.append(entry)
        subject = f"{deployment}/{one.component}@{sheet.name}"
        self._build(one, compiled, entry, place)
        database = one.sheet.readings.get("database")
        if database is not None:
            entry["database"] = self._database(sheet, one, database)
            self.draft.read[(*place, "database")] = database
        account = one.sheet.readings.get("account")
        if account is not None:
            entry["account"] = self._account(account)
            self.draft.read[(*place, "account")] = account
            if one.sheet.value("key_set"):
                keys["accounts"] = [*(keys.get("accounts") or []), entry["account"]]
        declared = self._declared(compiled, "installation")
        facts: dict[str, Any] = {}
        if one.cluster is not None:
            looked = sheet.sheet.readings["clusters"]
            for name, value in (("bin_dir", one.cluster.bin), ("data_dir", one.cluster.data)):
                if value:
                    self._put(facts, (*place, "facts"), name, looked.saying(value))
        for name, reading in one.sheet.readings.items():
            if name in declared:
                self._put(facts, (*place, "facts"), name, reading)
        if facts:
            entry["facts"] = facts
        for name, unread in one.sheet.unread.items():
            scope = f"host:{sheet.name}.key_sets" if name == "key_set" else f"{subject}.{name}"
            if name in declared or name in ("build", "release", "account", "database", "server_version", "key_set"):
                self._miss(scope, place, unread)
        client = compiled.guide.components[one.component].client
        for name, fact in declared.items():
            told = NOT_READ["installation"].get(name)
            if client or told is None or fact.default is not None:
                continue
            if not self._is_stated(deployment, one, sheet, name):
                self._miss(f"{subject}.{name}", place, Unread(told.because, told.settle))
        if one.sheet.remarks:
            self.draft.remarks[place] = list(one.sheet.remarks)

    def _build(self, one: Installed, compiled: CompiledGuide, entry: dict[str, Any], place: Keys) -> None:
        """A release is said only where the build does not tell it, a build only where the guide knows builds."""
        build, release = one.sheet.readings.get("build"), one.sheet.readings.get("release")
        releases = compiled.guide.releases.values()
        knows_builds = any(known.builds or known.series for known in releases)
        told = compiled.releases_of(build.value) if build is not None and build.value else ()
        if release is not None and release.value and ((len(told) > 1 and release.value in told) or not knows_builds):
            self._put(entry, place, "release", release)
        if build is not None and build.value and knows_builds:
            self._put(entry, place, "build", build)

    def _deployment(self, sheet: HostSheet, one: Installed, compiled: CompiledGuide) -> str:
        found = self._known_deployment(sheet, one, compiled)
        if found is None:
            own = one.cluster is not None or one.component in compiled.guide.products
            base = one.component if one.component in compiled.guide.products else compiled.guide.name
            found = base
            if own:
                found = self._unique("deployments", base, "")
        self.data["deployments"].setdefault(found, {"product": compiled.guide.name, "installations": []})
        return found

    def _known_deployment(self, sheet: HostSheet, one: Installed, compiled: CompiledGuide) -> str | None:
        mine = self.of_known.deployments.get(compiled.guide.name, {})
        for there in self.of_known.installations.get((sheet.name, one.component), ()):
            same = one.cluster is None or there.facts.get("data_dir") == one.cluster.data
            if same and there.deployment in mine:
                return there.deployment
        if one.component in compiled.guide.products or one.cluster is not None or len(mine) != 1:
            return None
        return next(iter(mine))

    def _is_stated(self, deployment: str, one: Installed, sheet: HostSheet, name: str) -> bool:
        there = self.of_known.installations.get((sheet.name, one.component), ())
        return any(name in each.facts for each in there if each.deployment == deployment)

    def _database(self, sheet: HostSheet, one: Installed, reading: Reading) -> str:
        used = reading.value
        alias = one.sheet.readings.get("alias")
        machine = used.host if alias is None else alias.value.partition(",")[0].partition("\\")[0]
        host = sheet.name if machine is None else self._machine(machine)
        where = (host, used.instance, used.name.casefold())
        id = self.of_known.databases.get(where) or self.databases.get(where)
        if id is None:
            id = self._unique("databases", f"{one.component}-db", where[0])
        place: Keys = ("databases", id)
        entry: dict[str, Any] = self.data["databases"].setdefault(id, {"engine": "sqlserver"})
        self._put(entry, place, "version", one.sheet.readings.get("server_version"))
        self._put(entry, place, "host", reading.saying(host))
        if used.instance:
            self._put(entry, place, "instance", reading.saying(used.instance))
        self._put(entry, place, "name", reading.saying(used.name))
        self.databases[(host, entry.get("instance"), where[2])] = id
        if alias is not None and "alias" in self._declared(self.catalogue.of(one.guide), "database"):
            named = alias.saying(used.server)
            self._put(entry.setdefault("facts", {}), (*place, "facts"), "alias", named)
        return id

    def _machine(self, machine: str) -> str:
        """The host of the estate that goes by this name; one that was not asked for is added, unread."""
        found = self.names.find(machine)
        if found is not None:
            return found
        name = machine.casefold().partition(".")[0]
        self.data["hosts"][name] = {}
        self.names.add(name)
        because = "it was not among the hosts to be read, and a component uses its databases"
        settle = f"add {name} to the hosts and discover again with --update"
        self._miss(f"host:{name}.os", ("hosts", name), Unread(because, settle))
        return name

    def _account(self, reading: Reading) -> str:
        name = str(reading.value)
        for known, id in self.accounts.items():
            if is_same_account(known, name):
                found = id
                break
        else:
            found = self._unique("accounts", _id(name), "")
            self.accounts[name] = found
        place: Keys = ("accounts", found)
        entry: dict[str, Any] = self.data["accounts"].setdefault(found, {})
        if not entry:
            self._put(entry, place, "name", reading)
            self._put(entry, place, "kind", reading.saying(kind_of(name)))
        return found

    # -- within -------------------------------------------------------------------------------------------------

    def _unique(self, section: str, base: str, more: str) -> str:
        taken: tuple[Mapping[str, Any], ...] = (self.data[section], getattr(self.known, section) if self.known else {})
        if not any(base in one for one in taken):
            return base
        base = f"{base}-{more}" if more else base
        # A name that was taken once stays so: the next number is looked for from there.
        number, found = self.numbers.get(f"{section} {base}", 1), base
        while any(found in one for one in taken):
            number += 1
            found = f"{base}-{number}"
        self.numbers[f"{section} {base}"] = number
        return found

    def _declared(self, compiled: CompiledGuide, scope: str) -> Mapping[str, Any]:
        known = self.facts.setdefault(compiled.guide.name, {})
        if scope not in known:
            found: dict[str, Any] = {}
            for guide in line_of(self.catalogue, compiled.guide.name).guides:
                found |= guide.guide.facts.get(scope, {})
            known[scope] = found
        return known[scope]

    def _declared_on(self, sheet: HostSheet, scope: str) -> set[str]:
        """What guides ask of this host: those of its components; of the whole estate, where it has none."""
        own = {one.guide for one in sheet.installed} or self.guides
        return {name for guide in own for name in self._declared(self.catalogue.of(guide), scope)}

    def _put(self, entry: dict[str, Any], place: Keys, name: str, reading: Reading | None) -> None:
        if reading is not None:
            entry[name] = reading.value
            self.draft.read[(*place, name)] = reading

    def _miss(self, address: str, below: Keys, unread: Unread) -> None:
        self.draft.missing.append(Missing(address, below, unread))


def _id(account: str) -> str:
    name = account.rpartition("\\")[2].partition("@")[0].casefold().rstrip("$")
    return "local-system" if kind_of(account) == "local-system" else _UNFIT.sub("-", name).strip("-.") or "account"
