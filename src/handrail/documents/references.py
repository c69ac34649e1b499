"""Whether everything that an estate names is there, and everything that is there is named."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from handrail.documents.read import Keys, Reading
from handrail.errors import suggestion
from handrail.model.estate import Estate
from handrail.model.reference import HOW, is_reference

ADVISED = 20
"""Mistakes up to which the nearest known name is looked for: among ten thousand of them that takes long."""


def check_references(estate: Estate, reading: Reading) -> None:
    """Note every name that nothing has, and every host that nothing uses."""
    _Check(estate, reading).all()


class _Check:
    def __init__(self, estate: Estate, reading: Reading) -> None:
        self.estate = estate
        self.reading = reading
        self.used: set[str] = set()

    def all(self) -> None:
        estate = self.estate
        self._secrets()
        for id, database in estate.databases.items():
            self._host(("databases", id, "host"), database.host)
        for id, medium in estate.media.items():
            self._host(("media", id, "host"), medium.host)
        for id, deployment in estate.deployments.items():
            for number, one in enumerate(deployment.installations):
                place: Keys = ("deployments", id, "installations", number)
                self._host((*place, "host"), one.host)
                self._name((*place, "database"), one.database, "The database", estate.databases)
                self._name((*place, "account"), one.account, "The account", estate.accounts)
        self._aims()
        for name in estate.hosts:
            if name not in self.used:
                self.reading.mistake(
                    ("hosts", name),
                    f"No installation, database, medium or aim names the host {name!r}.",
                    "Remove it, or correct the name where it should be used.",
                    at_key=True,
                )

    def _secrets(self) -> None:
        """An estate is handed on, planned with and approved: it refers to secrets. What stands there instead is not
        repeated, for it may be one."""
        places: list[tuple[Keys, str | None]] = []
        for name, host in self.estate.hosts.items():
            if host.connect is not None:
                places.append((("hosts", name, "connect", "password"), host.connect.password))
                places.append((("hosts", name, "connect", "passphrase"), host.connect.passphrase))
        places += [(("accounts", id, "password"), one.password) for id, one in self.estate.accounts.items()]
        for keys, value in places:
            if value is not None and not is_reference(value):
                self.reading.mistake(keys, f"{keys[-1]!r} must refer to a secret, which must not stand here.", HOW)

    def _aims(self) -> None:
        estate = self.estate
        for id, aim in estate.aim.items():
            deployment = estate.deployments.get(id)
            if deployment is None:
                self._unknown(("aim", id), "The deployment", id, estate.deployments)
                continue
            known = dict.fromkeys(one.id for one in deployment.installations)
            for name, target in aim.installations.items():
                place: Keys = ("aim", id, "installations", name)
                if name not in known:
                    self._unknown(place, "The installation", name, known)
                self._host((*place, "host"), target.host)
                self._name((*place, "account"), target.account, "The account", estate.accounts)
                self._name((*place, "setup_account"), target.setup_account, "The account", estate.accounts)
            databases = aim.facts.get("databases")
            for name, move in databases.items() if isinstance(databases, Mapping) else ():
                if name not in estate.databases:
                    self._unknown(("aim", id, "databases", name), "The database", name, estate.databases)
                if isinstance(move, Mapping) and isinstance(move.get("host"), str):
                    self._host(("aim", id, "databases", name, "host"), move["host"])

    def _host(self, keys: Keys, name: str | None) -> None:
        if name is not None:
            self.used.add(name)
            self._name(keys, name, "The host", self.estate.hosts)

    def _name(self, keys: Keys, name: str | None, what: str, known: Mapping[str, Any]) -> None:
        if name is not None and name not in known:
            self._unknown(keys, what, name, known)

    def _unknown(self, keys: Keys, what: str, name: str, known: Mapping[str, Any]) -> None:
        advice = "Correct the name, or add it."
        if len(self.reading.mistakes) < ADVISED:
            advice = suggestion(name, known) or "The estate has none; add it."
        self.reading.mistake(keys, f"{what} {name!r} is not in this estate.", advice)
