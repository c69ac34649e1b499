"""One fact of an estate, read again: by which question, and when what is seen counts as the same.

Given the address of a fact, as plans have it (`host:sync01.os`, `identity/sync@sync01.build`), this says how it is
looked at, or why nobody can.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from handrail.hosts.protocol import Host
from handrail.model.estate import Estate, Installation
from handrail.model.guide import Detect
from handrail.model.plan import Recognition
from handrail.model.version import compared
from handrail.probing import clusters, components, media, software, sweep, systems
from handrail.probing.facts import CHOICE, NOT_READ
from handrail.probing.shell import Undetermined

ANEW = ("person.do", "vmm.setup", "installer.install", "installer.uninstall", "sqlserver.restore")
"""Actions that may build an installation anew: account and database are theirs to say from then on."""
ANYTHING = ("*",)

Same = Callable[[Any, Any], bool]


@dataclass(frozen=True, slots=True)
class Again:
    """`read` asks `host`; `same` compares what was planned with what is seen. Once a step of that host (`wide`) or
    installation has begun that uses one of `changed_by`, the run itself may have changed the fact."""

    host: str
    read: Callable[[Host], Awaitable[Any]]
    same: Same
    changed_by: tuple[str, ...] = ()
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Never:
    """Why nobody reads it again. `worth_saying`: a person may want to look at it."""

    because: str
    worth_saying: bool = True


_OWN = Never("the plan says it itself", False)
_MOVES = Never("it changes all the time; the plan looks at it when its turn has come", False)


def again(address: str, estate: Estate, recognition: Recognition) -> Again | Never:
    base, _, key = address.rpartition(".")
    scope, _, name = base.partition(":")
    if scope == "host" and name:
        return _of_host(name, key, estate, recognition)
    if scope == "database" and name:
        return _of_database(name, key, estate, recognition)
    if scope == "account" and name:
        return _of_account(name, key, estate, recognition)
    if scope in ("aim", "deployment", "estate", ""):
        return _OWN
    for deployment in estate.deployments.values():
        for one in deployment.installations:
            if one.subject == base:
                return _of_installation(one, deployment.product, key, recognition)
    return _OWN


def _equal(planned: Any, seen: Any) -> bool:
    return bool(planned == seen)


# -- hosts ----------------------------------------------------------------------------------------------------------


def _of_host(name: str, key: str, estate: Estate, recognition: Recognition) -> Again | Never:
    host = estate.hosts.get(name)
    if host is None:
        return _OWN
    if key == "os":
        return Again(name, systems.os_id, _equal)
    if key == "software":
        known = {one: detect for one, detect in recognition.software.items() if one in host.software}
        if not known or not host.is_windows:
            return Never("no guide says how this software is recognised")
        return Again(name, partial(_software, known), _same_software, ("software.*", "person.do"), wide=True)
    if key == "mounted_media":
        paths = {id: one.path.casefold() for id, one in estate.media.items()}
        changed = ("media.*", "drive.*", "host.reboot", "person.do")
        return Again(name, _images, partial(_same_media, paths), changed, wide=True)
    if key == "service_pack":
        return Again(name, systems.service_pack, _equal, ("person.do",), wide=True)
    if key == "wsman":
        return Again(name, sweep.wsman, _same_quotas, ("wsman.*", "person.do"), wide=True)
    if key == "computer_name":
        return Again(name, sweep.computer_name, lambda one, other: str(one).casefold() == str(other).casefold())
    if key == "system_state_backup_age_days":
        return _MOVES
    if key in ("key_sets", "deleted_profiles"):
        return Never("only the product's own tool tells it, as the service account")
    return Never("no probe reads it")


async def _software(known: Mapping[str, Any], host: Host) -> Mapping[str, Any]:
    return {name: await software.version_of(host, detect) for name, detect in known.items()}


def _same_software(planned: Any, seen: Any) -> bool:
    return isinstance(planned, Mapping) and all(
        _same_version(planned[name], version) for name, version in seen.items() if name in planned
    )


def _same_version(planned: Any, seen: Any) -> bool:
    if planned in (None, False) or seen is False:
        return planned in (None, False) and seen is False
    return str(planned) == str(seen) or compared(str(planned), str(seen)) == 0


async def _images(host: Host) -> list[str]:
    return [one.image or one.label or one.drive for one in await media.mounted(host)]


def _same_media(paths: Mapping[str, str], planned: Any, seen: Any) -> bool:
    return {paths.get(one, one) for one in planned or ()} == {one.casefold() for one in seen}


def _same_quotas(planned: Any, seen: Any) -> bool:
    # What an estate does not state of them was never known.
    return all(seen.get(name) == value for name, value in (planned or {}).items())


# -- databases and accounts -----------------------------------------------------------------------------------------


def _users(estate: Estate, recognition: Recognition, field: str, id: str) -> list[tuple[Installation, Detect]]:
    found = []
    for deployment in estate.deployments.values():
        for one in deployment.installations:
            detect = recognition.components.get(deployment.product, {}).get(one.component)
            if getattr(one, field) == id and detect is not None:
                found.append((one, detect))
    return found


def _of_database(id: str, key: str, estate: Estate, recognition: Recognition) -> Again | Never:
    users = [(one, detect) for one, detect in _users(estate, recognition, "database", id) if detect.database]
    if not users:
        return Never("no component says which database it uses")
    one, detect = users[0]
    used = detect.database
    assert used is not None
    if key == "alias":
        return Never("clients keep aliases to themselves")
    if key == "version":
        return Again(one.host, partial(_server, used), _same_version, ANEW)

    async def read(host: Host) -> Any:
        found = await components.database_of(host, used)
        return {"name": found.name, "instance": found.instance, "host": found.host or one.host}[key]

    if key == "host":
        addresses = {name: host.connect.address for name, host in estate.hosts.items() if host.connect is not None}
        alias = estate.databases[id].facts.get("alias")
        return Again(one.host, read, partial(_same_machine, addresses, alias), ANEW)
    if key in ("name", "instance"):
        return Again(one.host, read, lambda a, b: str(a or "").casefold() == str(b or "").casefold(), ANEW)
    return Never("no probe reads it")


async def _server(used: Any, host: Host) -> str:
    found = await components.database_of(host, used)
    return await sweep.server_version(host, found.server, found.instance)


def _same_machine(addresses: Mapping[str, str | None], alias: Any, planned: Any, seen: Any) -> bool:
    low, name = str(seen).casefold(), str(planned)
    known = {one.casefold() for one in (name, addresses.get(name) or "", str(alias or "")) if one}
    short = {one.partition(".")[0] for one in known if not one[0].isdigit()}
    return low in known or low.partition(".")[0] in short


def _of_account(id: str, key: str, estate: Estate, recognition: Recognition) -> Again | Never:
    if key == "password":
        return _OWN
    users = [(one, detect) for one, detect in _users(estate, recognition, "account", id) if detect.service]
    told = NOT_READ["account"].get(key)
    if told is not None:
        return Never(told.because)
    if not users or key not in ("name", "kind"):
        return Never("no service of the estate runs as that account now")
    one, detect = users[0]
    read = partial(_account, str(detect.service), key)
    return Again(one.host, read, components.is_same_account if key == "name" else _equal, ANEW)


async def _account(service: str, key: str, host: Host) -> str:
    name = await components.account_of(host, service)
    return name if key == "name" else components.kind_of(name)


# -- installations --------------------------------------------------------------------------------------------------


def _of_installation(one: Installation, product: str, key: str, recognition: Recognition) -> Again | Never:
    detect = recognition.components.get(product, {}).get(one.component)
    if detect is None:
        return Never("no guide says how this component is recognised")
    if detect.reads is not None:
        return _of_cluster(one, key)
    if key == "build":
        return Again(one.host, partial(_build, detect), _same_version, ANEW)
    if key == "architecture":
        return Again(one.host, partial(components.architecture_of, detect=detect), _equal, ANEW)
    if key == "language":
        return Again(one.host, partial(components.language_of, detect=detect), _equal, ANEW)
    if key == "language_packs" and detect.language_packs is not None:
        packs = detect.language_packs
        read = partial(components.languages_of, pattern=packs.uninstall, folder=packs.folder)
        return Again(one.host, read, _same_names, ("language_pack.*", *ANEW, "installer.*"))
    if key == "release":
        return _OWN  # it follows from the build
    if key in detect.asks:
        return Again(one.host, partial(_asked, detect, key), _same_names, ANEW)
    told = NOT_READ["installation"].get(key)
    return Never(told.because if told else "no probe reads it", told is None or told.because != CHOICE)


async def _asked(detect: Detect, key: str, host: Host) -> Any:
    return await sweep.ASKED[detect.asks[key]](host, detect)


async def _build(detect: Detect, host: Host) -> str | None:
    return await components.build_of(host, detect)


def _same_names(planned: Any, seen: Any) -> bool:
    return {str(one).casefold() for one in planned or ()} == {str(one).casefold() for one in seen}


def _of_cluster(one: Installation, key: str) -> Again | Never:
    data, bin_ = one.facts.get("data_dir"), one.facts.get("bin_dir")
    if not data or not bin_:
        return Never("the estate does not say where the cluster lies")
    cluster = clusters.Cluster(str(data), str(bin_), True, str(one.facts.get("user") or "postgres"))
    if key in ("size_bytes", "free_bytes"):
        return _MOVES
    if key == "build":
        return Again(one.host, partial(_cluster, cluster, key), _same_version, ANYTHING)
    same: Mapping[str, Same] = {
        "extensions": lambda planned, seen: set(seen) <= set(planned),
        "databases": lambda planned, seen: set(planned) <= set(seen),
        "config_dir": lambda planned, seen: (planned or "") == seen,
        "replication_slots": _same_names,
        "tablespaces": _same_names,
    }
    if key in clusters.FACTS:
        return Again(one.host, partial(_cluster, cluster, key), same.get(key, _equal), ANYTHING)
    told = NOT_READ["installation"].get(key)
    return Never(told.because, False) if told else _OWN


async def _cluster(cluster: clusters.Cluster, key: str, host: Host) -> Any:
    if not host.windows and not cluster.bin:
        raise Undetermined(f"the programs of {cluster.data} are not known")
    return await clusters.fact_of(host, cluster, key)
