"""The flat facts of an installation at a point of its road: `host.os`, `installation.build`, `media.patch`, ...

A fact that is not stated has no entry: it is unknown. None is known absence. Facts lie in layers, one for each first
part of a name, so that installations on one host or in one deployment share what is equal.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Protocol

from handrail.errors import UnknownName
from handrail.model.estate import Account, Aim, Database, Deployment, Estate, Host, Installation, Medium
from handrail.model.guide import Component, FactType, Guide

Layer = Mapping[str, Any]

MISSING = object()

# What the engine derives or names by itself: nothing that could drift.
DERIVED: Mapping[str, frozenset[str]] = {
    "installation": frozenset(
        (
            *("id", "subject", "component", "moves", "beside", "setup_account"),
            *("sequence", "overtaken_by", "overtakes", "sequenced_with"),
        )
    ),
    "host": frozenset(("name", "new", "windows")),
    "present": frozenset(("name", "new", "windows")),
    "database": frozenset(("id",)),
    "account": frozenset(("id",)),
    "present_account": frozenset(("id",)),
    "setup_account": frozenset(("id",)),
}
_AIM = ("prefer", "revision", "refresh", "window", "library_share")
_DATABASE = ("id", "name", "engine", "version", "host", "instance")


class Facts:
    """A flat mapping of dotted names, made of layers. Never changed once made: the `with_...` methods give new ones."""

    __slots__ = ("addresses", "layers")

    def __init__(self, layers: dict[str, Layer], addresses: dict[str, str]) -> None:
        self.layers = layers
        self.addresses = addresses

    def get(self, name: str, default: Any = None) -> Any:
        prefix, _, key = name.partition(".")
        layer = self.layers.get(prefix)
        return default if layer is None else layer.get(key, default)

    def chosen(self, names: Iterable[str]) -> dict[str, Any]:
        """Those of `names` that are known."""
        found = {}
        for name in names:
            value = self.get(name, MISSING)
            if value is not MISSING:
                found[name] = value
        return found

    def with_layer(self, prefix: str, layer: Layer) -> Facts:
        return Facts({**self.layers, prefix: layer}, self.addresses)

    def with_layers(self, layers: Mapping[str, Layer]) -> Facts:
        return Facts({**self.layers, **layers}, self.addresses)

    def with_fact(self, name: str, value: Any) -> Facts:
        """`value` MISSING makes the fact unknown. What the target host has, the present one has where they are one."""
        prefix, _, key = name.partition(".")
        layers = dict(self.layers)
        same = self.addresses.get(prefix)
        twins = [one for one in layers if one == prefix or (same is not None and self.addresses.get(one) == same)]
        for one in twins or [prefix]:
            layer = dict(layers.get(one, {}))
            layer.pop(key, None)
            if value is not MISSING:
                layer[key] = value
            layers[one] = layer
        return Facts(layers, self.addresses)

    def address(self, name: str) -> str:
        """Where a fact stands: `host:sync01.os`, `identity/sync@sync01.build`; the bare name where it has none."""
        prefix, _, key = name.partition(".")
        base = self.addresses.get(prefix)
        return name if base is None else f"{base}.{key}"

    def names(self) -> Iterator[str]:
        for prefix, layer in self.layers.items():
            yield from (f"{prefix}.{key}" if key else prefix for key in layer)


class Kept:
    """Equal containers become one object, so that `id` tells whether two are equal."""

    def __init__(self) -> None:
        self._known: dict[str, Any] = {}

    def __call__(self, value: Any) -> Any:
        if not isinstance(value, (list, tuple, Mapping)):
            return value
        return self._known.setdefault(json.dumps(value, sort_keys=True, default=str), value)


class HasGuide(Protocol):
    """What is needed of a compiled guide here."""

    @property
    def guide(self) -> Guide: ...

    def release_of(self, build: str) -> str | None: ...

    def releases_of(self, build: str) -> tuple[str, ...]: ...


def medium_layer(medium: Medium) -> dict[str, Any]:
    """What a guide can read of a medium: `file` and `folder` are the parts of its path, in the path's own manner."""
    cut = max(medium.path.rfind("\\"), medium.path.rfind("/"))
    return {
        "id": medium.id,
        "path": medium.path,
        "file": medium.path[cut + 1 :],
        "folder": medium.path[: max(cut, 0)] or medium.path[: cut + 1],
        "build": medium.build,
        "kind": medium.kind,
        "host": medium.host,
        "label": medium.label,
        "sha256": medium.sha256,
        "release": medium.release,
        "component": medium.component,
        "architecture": medium.architecture,
        "language": medium.language,
    }


class FactBook:
    """The facts of every installation of an estate, as one guide types them."""

    def __init__(
        self,
        estate: Estate,
        compiled: HasGuide,
        aims: Mapping[str, Aim],
        kept: Kept | None = None,
        called: Callable[[Installation], str] | None = None,
        sequenced: Callable[[Installation], Mapping[str, list[str]]] | None = None,
    ) -> None:
        """`called`: what the guide calls the component of an installation, where that may be another guide's.
        `sequenced`: where an installation stands in the sequences of products."""
        self._sequenced = sequenced or _in_no_sequence
        self._called = called or _component_of
        self.estate = estate
        self.compiled = compiled
        self.guide = compiled.guide
        self.aims = aims
        self.keep = kept or Kept()
        self._used = {one.host for each in estate.deployments.values() for one in each.installations}
        self._hosts: dict[str, Layer] = {}
        self._components: dict[str, Layer] = {}
        self._deployments: dict[str, dict[str, Layer]] = {}
        self._beside: dict[str, dict[str, list[str]]] = {}
        # A medium tells the build of a release only where the guide does not know that release's builds itself.
        unlisted = {id for id, release in self.guide.releases.items() if not release.builds}
        self._built_from_media: dict[str, str] = {
            medium.build: medium.release
            for medium in sorted(estate.media.values(), key=lambda one: one.id, reverse=True)
            if medium.product == self.guide.name and medium.build and medium.release in unlisted
        }

    def release_of(self, installation: Installation) -> str | None:
        """The release that an installation is at: told by its build, or by a medium of that very build, or stated. What
        is stated also decides between releases that share the build."""
        if installation.build is None or installation.release in self.compiled.releases_of(installation.build):
            return installation.release
        found = self.compiled.release_of(installation.build) or self._built_from_media.get(installation.build)
        stated = self.guide.releases.get(installation.release or "")
        if found is None and stated is not None and not stated.builds:
            # Where the guide lists no builds of a release, what the estate says has to do.
            return installation.release
        return found

    def of(self, installation: Installation) -> Facts:
        """All facts of an installation as it is now, with what its aim says."""
        shared = self.deployment(installation.deployment)
        aim = self.aims[installation.deployment].installations.get(installation.id)
        target = (aim.host if aim else None) or installation.host
        account = (aim.account if aim else None) or installation.account
        setup = aim.setup_account if aim else None
        layers: dict[str, Layer] = {
            **shared,
            "component": self._component(self._called(installation)),
            "installation": self._installation(installation, target),
            "host": self.host(target),
            "present": self.host(installation.host),
            "database": self._database(installation),
        }
        addresses = {
            "installation": installation.subject,
            "host": f"host:{target}",
            "present": f"host:{installation.host}",
            "deployment": f"deployment:{installation.deployment}",
            "aim": f"aim:{installation.deployment}",
            "estate": "estate",
        }
        if installation.database is not None:
            addresses["database"] = f"database:{installation.database}"
        for prefix, id in (("account", account), ("present_account", installation.account), ("setup_account", setup)):
            addresses[prefix] = f"account:{id}" if id else f"{installation.subject}.{prefix}"
            layers[prefix] = self._account(id)
        return Facts(layers, addresses)

    def _setup_account(self, one: Installation) -> str | None:
        """The account that the aim names for running setup; None when it names none."""
        aim = self.aims[one.deployment].installations.get(one.id)
        return aim.setup_account if aim else None

    def of_deployment(self, deployment: str) -> Facts:
        addresses = {"deployment": f"deployment:{deployment}", "aim": f"aim:{deployment}", "estate": "estate"}
        return Facts(dict(self.deployment(deployment)), addresses)

    def deployment(self, id: str) -> dict[str, Layer]:
        if id not in self._deployments:
            one = self.estate.deployments[id]
            aim = self.aims[id]
            self._deployments[id] = {
                "estate": {"name": self.estate.name},
                "aim": self._aim(aim),
                "deployment": self._deployment(one, aim),
            }
        return self._deployments[id]

    def host(self, name: str) -> Layer:
        if name not in self._hosts:
            host = _named(self.estate.hosts, name, "The host")
            self._hosts[name] = self._host(host)
        return self._hosts[name]

    def _host(self, host: Host) -> Layer:
        layer = self._declared("host", host.facts)
        layer |= {
            "name": host.name,
            "software": self.keep(host.software),
            "zone": host.zone,
            "labels": self.keep(host.labels),
        }
        layer["new"] = host.name not in self._used
        if host.os is not None:
            layer |= {"os": host.os, "windows": host.is_windows}
        return layer

    def _component(self, id: str) -> Layer:
        if id not in self._components:
            one: Component = _named(self.guide.components, id, "The component")
            layer = {key: self.keep(value) for key, value in one.values.items()}
            self._components[id] = {**layer, "id": id, "title": one.title}
        return self._components[id]

    def _installation(self, one: Installation, target: str) -> Layer:
        layer = self._declared("installation", one.facts)
        layer |= {
            "id": one.id,
            "subject": one.subject,
            "component": self._called(one),
            "moves": target != one.host,
            "setup_account": self._setup_account(one),
            "beside": self._neighbours(one),
            **{name: self.keep(found) for name, found in self._sequenced(one).items()},
        }
        release = self.release_of(one)
        layer |= {key: value for key, value in (("build", one.build), ("release", release)) if value is not None}
        return layer

    def _neighbours(self, one: Installation) -> list[str]:
        hosts = self._beside.get(one.deployment)
        if hosts is None:
            hosts = self._beside[one.deployment] = {}
            for each in self.estate.deployments[one.deployment].installations:
                hosts.setdefault(each.host, []).append(self._called(each))
        found: list[str] = self.keep(sorted(name for name in hosts[one.host] if name != self._called(one)))
        return found

    def _database(self, one: Installation) -> Layer:
        if one.database is None:
            component = self.guide.components[self._called(one)]
            if any(asset.kind == "database" for asset in component.assets.values()):
                return {}
            return dict.fromkeys((*_DATABASE, *self.guide.facts.get("database", {})))
        database: Database = _named(self.estate.databases, one.database, "The database")
        layer = self._declared("database", database.facts)
        layer |= {"id": database.id, "name": database.name, "engine": database.engine, "host": database.host}
        layer["instance"] = database.instance
        if database.version is not None:
            layer["version"] = database.version
        return layer

    def _account(self, id: str | None) -> Layer:
        if id is None:
            return {}
        account: Account = _named(self.estate.accounts, id, "The account")
        layer = self._declared("account", account.facts)
        layer |= {"id": account.id, "name": account.name, "password": account.password}
        if account.kind is not None:
            layer["kind"] = account.kind
        return layer

    def _aim(self, aim: Aim) -> Layer:
        """What the aim does not say is known: nobody wants it."""
        layer = dict.fromkeys(_AIM) | dict.fromkeys(self.guide.facts.get("aim", {}))
        layer |= self._declared("aim", aim.facts)
        layer["prefer"] = aim.prefer
        layer["release"] = aim.to
        return layer

    def _deployment(self, one: Deployment, aim: Aim) -> Layer:
        hosts: dict[str, set[str]] = {component: set() for component in self.guide.components}
        aimed: dict[str, set[str]] = {component: set() for component in self.guide.components}
        for each in one.installations:
            target = aim.installations.get(each.id)
            called = self._called(each)
            hosts.setdefault(called, set()).add(each.host)
            aimed.setdefault(called, set()).add((target.host if target else None) or each.host)
        layer = self._declared("deployment", one.facts)
        layer["id"] = one.id
        layer["hosts"] = self.keep({key: sorted(hosts[key]) for key in sorted(hosts)})
        layer["aimed_hosts"] = self.keep({key: sorted(aimed[key]) for key in sorted(aimed)})
        return layer

    def _declared(self, scope: str, stated: Mapping[str, Any]) -> dict[str, Any]:
        types: Mapping[str, FactType] = self.guide.facts.get(scope, {})
        layer = {key: self.keep(one.default) for key, one in types.items() if one.default is not None}
        layer |= {key: self.keep(value) for key, value in stated.items()}
        return layer


def _component_of(installation: Installation) -> str:
    return installation.component


_NOWHERE: Mapping[str, list[str]] = {"sequence": [], "overtaken_by": [], "overtakes": [], "sequenced_with": []}


def _in_no_sequence(one: Installation) -> Mapping[str, list[str]]:  # noqa: ARG001
    return _NOWHERE


def _named(known: Mapping[str, Any], name: str, what: str) -> Any:
    try:
        return known[name]
    except KeyError:
        raise UnknownName(what, name, known) from None
