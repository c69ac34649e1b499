"""Reading hosts whole, many at a time: what runs there, what is installed, and every fact that its guides ask for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from handrail.errors import HandrailError, HostError, HostUnreachable
from handrail.guides.lines import line_of
from handrail.hosts.opening import Resolve, open_host
from handrail.hosts.protocol import Host
from handrail.model import estate
from handrail.model.detection import Detect, DetectSoftware
from handrail.probing import backups, clusters, components, media, quotas, software, systems, vmm
from handrail.probing.readings import Now, Sheet, Unread, Witness, utc_now
from handrail.probing.shell import Undetermined

if TYPE_CHECKING:
    from handrail.guides.catalogue import Catalogue

AT_A_TIME = 16
"""Hosts that are read at a time."""

SETTLE_KEYS = "miiskmu.exe /c {KEY-SET} /u:ACCOUNT *"


@dataclass(slots=True)
class Installed:
    """A component that was found on a host. `cluster`: where a PostgreSQL one lies."""

    guide: str
    component: str
    detect: Detect
    sheet: Sheet
    cluster: clusters.Cluster | None = None


@dataclass(slots=True)
class HostSheet:
    """`media` are in its drives; `programs` are folders of PostgreSQL programs."""

    name: str
    windows: bool
    sheet: Sheet = field(default_factory=Sheet)
    software: Sheet = field(default_factory=Sheet)
    installed: list[Installed] = field(default_factory=list)
    media: list[media.Mounted] | None = None
    programs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Left:
    """A host that could not be read at all, and why."""

    name: str
    because: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """What guides say can be found: their components, the software that they name, the facts of hosts that they ask for
    (by guide)."""

    components: tuple[tuple[str, str, Detect], ...]
    software: Mapping[str, DetectSoftware]
    host_facts: Mapping[str, frozenset[str]]


def wanted(catalogue: Catalogue) -> Wanted:
    known = []
    named: dict[str, DetectSoftware] = {}
    facts: dict[str, frozenset[str]] = {}
    for name, compiled in catalogue.guides.items():
        guide = compiled.guide
        known += [(name, id, one.detect) for id, one in guide.components.items() if one.detect is not None]
        named |= guide.software
        line = line_of(catalogue, name)
        facts[name] = frozenset(fact for one in line.guides for fact in one.guide.facts.get("host", {}))
    return Wanted(tuple(known), named, facts)


Open = Callable[[str], Awaitable[Host]]


async def sweep(
    names: Sequence[str],
    open_: Open,
    want: Wanted,
    *,
    now: Now = utc_now,
    told: Callable[[str], None] | None = None,
    estate: estate.Estate | None = None,
) -> tuple[list[HostSheet], list[Left]]:
    """Read all hosts. One that cannot be reached is left out, with the reason; the others go on. `told` hears of every
    host that is done. `estate`: what is known already, such as the folders that people have chosen."""
    gate = asyncio.Semaphore(AT_A_TIME)

    async def one(name: str) -> HostSheet | Left:
        async with gate:
            found = await _one(name, open_, want, now, estate)
        if told is not None:
            told(name)
        return found

    found = await asyncio.gather(*map(one, names))
    return [one for one in found if isinstance(one, HostSheet)], [one for one in found if isinstance(one, Left)]


async def _one(name: str, open_: Open, want: Wanted, now: Now, known: estate.Estate | None) -> HostSheet | Left:
    host: Host | None = None
    try:
        host = await open_(name)
        return await read_host(Witness(host, now), want, known)
    except HandrailError as error:
        return Left(name, str(error))
    finally:
        if host is not None:
            await host.close()


async def open_unknown(name: str, hosts: Mapping[str, estate.Host], resolve: Resolve) -> Host:
    """Open a host of which perhaps nobody has said what it runs: over SSH it may be either, so both are tried."""
    known = hosts.get(name)
    connect = known.connect if known is not None else None
    if known is None or known.os is not None or connect is None or connect.via != "ssh":
        return open_host(name, hosts, resolve)
    first: HandrailError | None = None
    for system, windows in (("linux", False), ("windows", True)):
        host = open_host(name, {**hosts, name: replace(known, os=system)}, resolve)
        try:
            if await systems.is_windows(host) is windows:
                return host
        except HostError as error:
            first = first or error
        await host.close()
    raise first or HostUnreachable(f"{name} answers neither as Linux nor as Windows.", "State its `os`.")


async def read_host(witness: Witness, want: Wanted, known: estate.Estate | None = None) -> HostSheet:
    """Everything about one host. HostUnreachable when it does not answer."""
    found = HostSheet(witness.name, witness.windows)
    await witness.into(found.sheet, "os", partial(systems.os_id, witness))
    if witness.windows:
        await _windows(witness, found, want)
    else:
        await _linux(witness, found, want, known)
    return found


async def _windows(witness: Witness, found: HostSheet, want: Wanted) -> None:
    found.sheet.remarks += await _system_remarks(witness)
    for name, named in want.software.items():
        await witness.into(found.software, name, partial(software.version_of, witness, named))
    for guide, component, detect in want.components:
        if detect.reads is not None:
            continue
        here = await witness.probe(partial(components.is_there, witness, detect))
        if isinstance(here, Unread):
            # The list of products is one for all components: what is wrong with it is said once.
            found.sheet.unread.setdefault("products", here)
        elif here.value:
            found.installed.append(Installed(guide, component, detect, await _component(witness, detect)))
    here_ask = {one.guide for one in found.installed}
    for name in sorted({fact for guide in here_ask for fact in want.host_facts[guide]} | {"service_pack"}):
        reader = HOST_FACTS.get(name)
        if reader is not None:
            value = await witness.into(found.sheet, name, partial(reader, witness))
            if name == "mounted_media" and value is not None:
                found.media = value


async def _system_remarks(witness: Witness) -> list[str]:
    said = []
    for key, name, shows in (
        (systems.CURRENT_VERSION, "ProductName", "{}"),
        (systems.CURRENT_VERSION, "CurrentBuildNumber", "build {}"),
        (r"HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\Environment", "PROCESSOR_ARCHITECTURE", "{}"),
        (r"HKLM\SYSTEM\CurrentControlSet\Control\Nls\Language", "InstallLanguage", "language {}"),
        (r"HKLM\SYSTEM\CurrentControlSet\Services\Tcpip\Parameters", "Domain", "domain {}"),
    ):
        text = await witness.perhaps(partial(systems.text_at, witness, key, name))
        if text:
            said.append(shows.format(text))
    return [", ".join(said)] if said else []


async def _component(witness: Witness, detect: Detect) -> Sheet:
    sheet = Sheet()
    into = partial(witness.into, sheet)
    await into("build", partial(components.build_of, witness, detect))
    if detect.releases:
        await into("release", partial(components.release_of, witness, detect))
    await into("architecture", partial(components.architecture_of, witness, detect))
    await into("language", partial(components.language_of, witness, detect))
    if detect.service is not None:
        await into("account", partial(components.account_of, witness, detect.service))
    if detect.database is not None:
        used = await into("database", partial(components.database_of, witness, detect.database))
        if used is not None:
            behind = await witness.perhaps(partial(components.alias_of, witness, used.server))
            if behind:
                await into("alias", partial(components.alias_of, witness, used.server))
            await into("server_version", partial(server_version, witness, used.server, used.instance))
    if detect.language_packs is not None:
        packs = detect.language_packs
        await into("language_packs", partial(components.languages_of, witness, packs.uninstall, packs.folder))
    if detect.key_set and detect.service is not None:
        settle = f"{SETTLE_KEYS} (as the service account, on {witness.name})"
        await into("key_set", partial(_has_keys, witness, detect.service), settle)
    for fact, prober in detect.asks.items():
        await into(fact, partial(ASKED[prober], witness, detect))
    settings = await witness.perhaps(partial(components.settings_of, witness, detect))
    sheet.remarks += [f"{name}: {value}" for name, value in (settings or {}).items()]
    patches = await witness.perhaps(partial(components.patches_of, witness, detect))
    sheet.remarks += [f"patch: {one}" for one in patches or ()]
    hashes = await witness.perhaps(partial(components.configuration_of, witness, detect))
    sheet.remarks += [f"{name}: sha256 {one}" for name, one in (hashes or {}).items()]
    return sheet


ASKED: Mapping[str, Callable[[Host, Detect], Awaitable[Any]]] = {"vmm-library-servers": vmm.library_servers}
"""What the tools of products tell, by the names under which guides ask for it."""


async def _has_keys(host: Host, service: str) -> bool:
    """Whether the key set of its account is here and usable: without it the service does not start."""
    if not await components.runs(host, service):
        raise Undetermined(f"{service} on {host.name} does not run, so it does not show whether its keys are usable")
    return True


async def server_version(host: Host, server: str, instance: str | None) -> str:
    """The version of the SQL Server that a component uses, as that server answers."""
    from handrail.probing.sql_text import rows_in, sql

    address = server if not instance or "\\" in server else f"{server}\\{instance}"
    answer = await sql(host, address or ".", "SELECT SERVERPROPERTY('ProductVersion')", within=60.0)
    rows = rows_in(answer.text)
    cells = [one for row in rows[:1] for one in row.values()] or answer.text.split()
    found = next((one for one in cells if one.count(".") >= 2 and one.replace(".", "").isdigit()), None)
    if answer.code != 0 or found is None:
        raise Undetermined(f"{address} did not tell its version")
    return found


async def system_state_age(host: Host, now: datetime | None = None) -> float:
    """Days since the newest backup of the system state."""
    found = [one.made for one in await backups.listed(host) if one.system_state]
    if not found:
        raise Undetermined(f"no backup of {host.name} holds its system state")
    return round(((now or utc_now()) - max(found)).total_seconds() / 86400, 1)


async def wsman(host: Host) -> Mapping[str, int]:
    seen = await quotas.quotas(host)
    return {
        "max_concurrent_operations_per_user": seen["MaxConcurrentOperationsPerUser"],
        "max_connections": seen["MaxConnections"],
    }


async def computer_name(host: Host) -> str:
    name = await systems.text_at(
        host, r"HKLM\SYSTEM\CurrentControlSet\Control\ComputerName\ComputerName", "ComputerName"
    )
    if name is None:
        raise Undetermined(f"{host.name} does not say what it is called in its domain")
    return name


HOST_FACTS: Mapping[str, Callable[[Host], Awaitable[Any]]] = {
    "service_pack": systems.service_pack,
    "mounted_media": media.mounted,
    "system_state_backup_age_days": system_state_age,
    "wsman": wsman,
    "computer_name": computer_name,
}
"""Facts of Windows hosts, and how each is read."""


async def _linux(witness: Witness, found: HostSheet, want: Wanted, known: estate.Estate | None) -> None:
    reads = [(guide, component, detect) for guide, component, detect in want.components if detect.reads is not None]
    for guide, component, detect in reads:
        there = await witness.into(found.sheet, "clusters", partial(clusters.find, witness))
        if there is None:
            return
        found.programs = there.programs
        if there.hidden:
            because = f"servers run on {witness.name} that our account may not look into"
            found.sheet.unread["servers of another account"] = Unread(because, "connect as the account they run as")
        for cluster in there.clusters:
            sheet = await clusters.read(witness, cluster)
            await _chosen(witness, sheet, cluster, known)
            found.installed.append(Installed(guide, component, detect, sheet, cluster))


async def _chosen(witness: Witness, sheet: Sheet, cluster: clusters.Cluster, known: estate.Estate | None) -> None:
    """What can be read only once people have said where the new cluster goes and out of which medium it comes."""
    stated = next(
        (
            one.facts
            for deployment in (known.deployments.values() if known else ())
            for one in deployment.installations
            if one.host == witness.name and one.facts.get("data_dir") == cluster.data
        ),
        None,
    )
    folders = [str(stated[name]) for name in ("new_data_dir", "backup_dir") if stated and stated.get(name)]
    settle = "df -B1 --output=avail NEW_DATA_DIR BACKUP_DIR"
    if folders:
        await witness.into(sheet, "free_bytes", partial(clusters.room_in, witness, *folders), settle)
    else:
        because = "it depends on where the new cluster and the backup go, which is yours to say"
        sheet.unread["free_bytes"] = Unread(because, settle)
    bins = [f"{one.path}/bin" for one in _media_for(known, witness.name)]
    settle = 'ls "$(NEW_BIN/pg_config --sharedir)"/extension/*.control'
    if len(bins) == 1:
        await witness.into(sheet, "target_extensions", partial(clusters.extensions_in, witness, bins[0]), settle)
    else:
        because = "it depends on the medium of the new version, which is yours to name"
        sheet.unread["target_extensions"] = Unread(because, settle)


def _media_for(known: estate.Estate | None, host: str) -> list[estate.Medium]:
    return [
        one
        for one in (known.media.values() if known else ())
        if one.kind == "folder" and one.path.startswith("/") and one.host in (None, host)
    ]
