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
from handrail.model.detection import Detect
from handrail.model.estate import Estate, Installation
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


class Ways:
    """How the facts of one estate are looked at again. Made once for a plan: for every database of ten thousand hosts
    nobody should have to go through all installations."""

    def __init__(self, estate: Estate, recognition: Recognition) -> None:
        self._estate = estate
        self._recognition = recognition
        self._installations: dict[str, tuple[Installation, Detect | None]] = {}
        self._users: dict[tuple[str, str], list[tuple[Installation, Detect]]] = {}
        for deployment in estate.deployments.values():
            detects = recognition.components.get(deployment.product, {})
            for one in deployment.installations:
                detect = detects.get(one.component)
                self._installations.setdefault(one.subject, (one, detect))
                for kind, id in (("database", one.database), ("account", one.account)):
                    if id is not None and detect is not None:
                        self._users.setdefault((kind, id), []).append((one, detect))
        self._paths = {id: one.path.casefold() for id, one in estate.media.items()}
        self._addresses = {name: one.connect.address for name, one in estate.hosts.items() if one.connect is not None}

    def to(self, address: str) -> Again | Never:
        """How the fact at an address is looked at again, or why it is not."""
        base, _, key = address.rpartition(".")
        scope, _, name = base.partition(":")
        if scope == "host" and name:
            return self._to_host(name, key)
        if scope == "database" and name:
            return self._to_database(name, key)
        if scope == "account" and name:
            return self._to_account(name, key)
        if base in self._installations:
            return _of_installation(*self._installations[base], key)
        return _OWN

    def _to_host(self, name: str, key: str) -> Again | Never:
        host = self._estate.hosts.get(name)
        if host is None:
            return _OWN
        if key == "os":
            return Again(name, systems.os_id, _equal)
        if key == "software":
            known = {one: detect for one, detect in self._recognition.software.items() if one in host.software}
            if not known or not host.is_windows:
                return Never("no guide says how this software is recognised")
            return Again(name, partial(_software, known), _same_software, ("software.*", "person.do"), wide=True)
        if key == "mounted_media":
            changed = ("media.*", "drive.*", "host.reboot", "person.do")
            return Again(name, _images, partial(_same_media, self._paths), changed, wide=True)
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

    def _to_database(self, id: str, key: str) -> Again | Never:
        users = [(one, detect.database) for one, detect in self._users.get(("database", id), ()) if detect.database]
        if not users:
            return Never("no component says which database it uses")
        one, used = users[0]
        if key == "alias":
            return Never("clients keep aliases to themselves")
        if key == "version":
            return Again(one.host, partial(_server, used), _same_version, ANEW)

        async def read(host: Host) -> Any:
            found = await components.database_of(host, used)
            return {"name": found.name, "instance": found.instance, "host": found.host or one.host}[key]

        if key == "host":
            alias = self._estate.databases[id].facts.get("alias")
            return Again(one.host, read, partial(_same_machine, self._addresses, alias), ANEW)
        if key in ("name", "instance"):
            return Again(one.host, read, lambda a, b: str(a or "").casefold() == str(b or "").casefold(), ANEW)
        return Never("no probe reads it")

    def _to_account(self, id: str, key: str) -> Again | Never:
        if key == "password":
            return _OWN
        users = [(one, detect.service) for one, detect in self._users.get(("account", id), ()) if detect.service]
        told = NOT_READ["account"].get(key)
        if told is not None:
            return Never(told.because)
        if not users or key not in ("name", "kind"):
            return Never("no service of the estate runs as that account now")
        one, service = users[0]
        read = partial(_account, service, key)
        return Again(one.host, read, components.is_same_account if key == "name" else _equal, ANEW)


def _equal(planned: Any, seen: Any) -> bool:
    return bool(planned == seen)


# -- hosts ----------------------------------------------------------------------------------------------------------


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


async def _server(used: Any, host: Host) -> str:
    found = await components.database_of(host, used)
    return await sweep.server_version(host, found.server, found.instance)


def _same_machine(addresses: Mapping[str, str | None], alias: Any, planned: Any, seen: Any) -> bool:
    low, name = str(seen).casefold(), str(planned)
    known = {one.casefold() for one in (name, addresses.get(name) or "", str(alias or "")) if one}
    short = {one.partition(".")[0] for one in known if not one[0].isdigit()}
    return low in known or low.partition(".")[0] in short


async def _account(service: str, key: str, host: Host) -> str:
    name = await components.account_of(host, service)
    return name if key == "name" else components.kind_of(name)


# -- installations --------------------------------------------------------------------------------------------------


def _of_installation(one: Installation, detect: Detect | None, key: str) -> Again | Never:
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
