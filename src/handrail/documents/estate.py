"""The estate file: hosts, databases, accounts, media, deployments and the aim, as people write them.

Ids come from mapping keys. A fact may stand under `facts` or directly beside the other keys; which direct keys are
facts is for guides to say, so unknown ones are kept aside in `EstateDocument.extra` for `guides.facts.check_estate`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from handrail.documents.read import BROKEN, Keys, Reading, fields_of
from handrail.documents.records import record_to_json
from handrail.documents.references import check_references
from handrail.documents.rollout import mistakes_of
from handrail.documents.tree import Tree, load, tree_of
from handrail.errors import BadInput
from handrail.model.estate import (
    Acceptance,
    Account,
    Aim,
    Connect,
    Database,
    Deployment,
    Estate,
    Host,
    Installation,
    InstallationAim,
    Medium,
    Rollout,
    Whose,
)

VERSION = "estate/v1"
LAST_PORT = 65535
_TOP = (
    "handrail",
    "name",
    "hosts",
    "databases",
    "accounts",
    "media",
    "deployments",
    "aim",
    "accept",
    "approvers",
    "custodians",
    "rollout",
    "holds",
)
_AIM = ("to", "prefer", "installations", "facts")


@dataclass(frozen=True)
class EstateDocument:
    """An estate and where everything in it stands. `extra`: direct keys that only a guide can know, by their path."""

    estate: Estate
    tree: Tree
    extra: Mapping[Keys, Any] = field(default_factory=dict)


def read_estate(path: Path | str, *, whole: bool = True) -> EstateDocument:
    """The estate file at `path`. BadDocument with every mistake that can be seen without a guide. One that is not
    `whole` yet may name what is not there, and hold what nothing names."""
    return estate_document(load(path, "The estate file"), whole=whole)


def estate_document(tree: Tree, *, whole: bool = True) -> EstateDocument:
    """The estate in a tree. BadDocument with every mistake that can be seen without a guide."""
    reading = _EstateReading(tree, whole)
    estate = reading.estate()
    reading.finish()
    assert estate is not None
    return EstateDocument(estate, tree, reading.extra)


def read_hosts(path: Path | str) -> tuple[str | None, Mapping[str, Host], Tree]:
    """The name and the hosts of an estate file that may hold nothing else yet. BadDocument for a mistake in them."""
    tree = load(path, "The list of hosts")
    if not isinstance(tree.data, dict):
        raise BadInput("A list of hosts in YAML is a mapping with the key 'hosts'.", "", tree.place())
    reading = _EstateReading(tree)
    hosts = reading.hosts()
    reading.finish()
    name = tree.data.get("name")
    return (name if isinstance(name, str) else None), hosts, tree


def estate_from_json(data: Any, name: str = "The plan's estate") -> Estate:
    """The estate that `estate_to_json` wrote. BadDocument when it is not one; BadInput when it says more than that."""
    found = estate_document(tree_of(data, name))
    for keys in found.extra:
        if keys[0] != "aim":  # those are among its facts; others would quietly be lost
            raise BadInput(
                f"{name} says {'.'.join(map(str, keys))}, which this Handrail does not know.",
                "A newer one made it: use that one, or make the plan anew.",
            )
    return found.estate


class _EstateReading(Reading):
    def __init__(self, tree: Tree, whole: bool = True) -> None:
        super().__init__(tree)
        self.whole = whole
        self.extra: dict[Keys, Any] = {}

    def estate(self) -> Estate | None:
        data = self.tree.data
        if not isinstance(data, dict):
            self.mistake((), "An estate file is a mapping with the keys handrail, name, hosts, deployments, …")
            return None
        self._check_version(data)
        for key in data:
            if key not in _TOP:
                self.unknown_key((key,), key, _TOP)
        deployments = self._section("deployments", self._deployment)
        estate = Estate(
            name=self._required_text(data, "name"),
            hosts=self.hosts(),
            databases=self._section(
                "databases", lambda id, value, keys: self._entry(Database, value, keys, {"id": id})
            ),
            accounts=self._section("accounts", lambda id, value, keys: self._entry(Account, value, keys, {"id": id})),
            media=self._section("media", lambda id, value, keys: self.record(Medium, value, keys, {"id": id})),
            deployments=deployments,
            aim=self._section("aim", self._aim),
            accept=self._accept(data.get("accept")),
            approvers=self._approvers(data.get("approvers")),
            custodians=self._section("custodians", self._custodian),
            rollout=self._rollout(data.get("rollout")),
            holds=self._holds(data.get("holds")),
        )
        if self.whole and not self.mistakes:
            # References into sections that could not be read would only repeat the mistakes.
            check_references(estate, self)
        return estate

    def hosts(self) -> dict[str, Host]:
        found = self._section("hosts", lambda id, value, keys: self._entry(Host, value, keys, {"name": id}))
        for id, host in found.items():
            check_connect(host.connect, self, ("hosts", id, "connect"))
        return found

    def _check_version(self, data: Mapping[str, Any]) -> None:
        version = data.get("handrail")
        if version == VERSION:
            return
        if version is None:
            self.mistake((), "The key 'handrail' is missing.", f"Begin the file with `handrail: {VERSION}`.")
        elif isinstance(version, str) and version.startswith("estate/v"):
            self.mistake(
                ("handrail",), f"This file is {version!r}; this program reads {VERSION!r}.", "Use a newer one."
            )
        else:
            self.mistake(("handrail",), f"'handrail' must be {VERSION!r}; this is no estate file.", "Check the path.")

    def _required_text(self, data: Mapping[str, Any], key: str) -> str:
        if key not in data:
            self.mistake((), f"The document lacks the key {key!r}.", "Add it.")
            return ""
        value = self.read(str, data[key], (key,))
        return "" if value is BROKEN else str(value)

    def _section(self, name: str, reader: Any) -> dict[str, Any]:
        data = self.tree.data.get(name)
        if data is None:
            return {}
        if not isinstance(data, dict):
            self.mistake((name,), f"{name!r} must be a mapping of names.", "Write each entry under its own name.")
            return {}
        found = {}
        for id, value in data.items():
            if not id or "/" in id or "@" in id or any(character.isspace() for character in id):
                self.mistake((name, id), f"The name {id!r} is empty or holds '/', '@' or a space.", "Use another name.")
            entry = reader(id, value, (name, id))
            if entry is not BROKEN:
                found[id] = entry
        return found

    def _entry(self, cls: type[Any], value: Any, keys: Keys, given: Mapping[str, Any]) -> Any:
        """A record whose unknown keys may be facts that a guide declares."""
        if value is None and cls is Host:
            value = {}
        if not isinstance(value, dict):
            return self.record(cls, value, keys, given)
        known = {name for name, one in fields_of(cls).items() if one.field not in given}
        for key in value:
            if key not in known:
                self.extra[(*keys, key)] = value[key]
        plain = {key: entry for key, entry in value.items() if key in known}
        return self.record(cls, plain, keys, given)

    def _deployment(self, id: str, value: Any, keys: Keys) -> Any:
        if not isinstance(value, dict):
            self.mistake(keys, f"{id!r} must be a mapping with product and installations.")
            return BROKEN
        installations = value.get("installations")
        if installations is not None and not isinstance(installations, list):
            self.mistake((*keys, "installations"), "'installations' must be a list.", "Begin each entry with a dash.")
            installations = []
        read = []
        seen: set[str] = set()
        for number, entry in enumerate(installations or []):
            place = (*keys, "installations", number)
            one = self._entry(Installation, entry, place, {"deployment": id})
            if one is BROKEN:
                continue
            if one.id in seen:
                self.mistake(place, f"{one.id} stands here a second time.", "One component is on one host once.")
            seen.add(one.id)
            read.append(one)
        rest = {key: entry for key, entry in value.items() if key != "installations"}
        return self._entry(Deployment, rest, keys, {"id": id, "installations": tuple(read)})

    def _aim(self, id: str, value: Any, keys: Keys) -> Any:
        if isinstance(value, str):
            value = {"to": value}
        if not isinstance(value, dict):
            self.mistake(keys, f"The aim of {id!r} must be a release or a mapping with 'to'.")
            return BROKEN
        facts = {key: entry for key, entry in value.items() if key not in _AIM}
        for key in facts:
            self.extra[(*keys, key)] = facts[key]
        plain = {key: entry for key, entry in value.items() if key in _AIM}
        aim = self.record(Aim, plain, keys, {"deployment": id})
        if aim is BROKEN:
            return BROKEN
        return Aim(aim.deployment, aim.to, aim.prefer, aim.installations, {**aim.facts, **facts})

    def _accept(self, value: Any) -> tuple[Acceptance, ...]:
        entries = self.read(tuple[str, ...], value, ("accept",))
        return () if entries is BROKEN else tuple(acceptance(entry) for entry in entries)

    def _approvers(self, value: Any) -> int:
        count = 0 if value is None else self.read(int, value, ("approvers",))
        if count is BROKEN:
            return 0
        if not 0 <= count <= 20:
            self.mistake(("approvers",), f"'approvers' must be between 0 and 20, not {count}.")
        return int(count)

    def _holds(self, value: Any) -> Whose:
        said = "anyone" if value is None else self.read(Whose, value, ("holds",))
        return "anyone" if said is BROKEN else cast(Whose, said)

    def _custodian(self, name: str, value: Any, keys: Keys) -> Any:
        """A public age key. What is no such key is not repeated: it may be a secret one."""
        import pyrage

        text = self.read(str, value, keys)
        if text is BROKEN:
            return BROKEN
        if text.strip().upper().startswith("AGE-SECRET-KEY"):
            self.mistake(
                keys,
                f"The key of custodian {name!r} is a secret one. It is no longer secret: it stands in this file.",
                "Make a new one with age-keygen and write its public key here, which begins with age1.",
            )
            return BROKEN
        try:
            pyrage.x25519.Recipient.from_str(text)
        except pyrage.RecipientError:
            self.mistake(
                keys,
                f"The key of custodian {name!r} is no public age key.",
                "It begins with age1; age-keygen prints it when it makes a key, age-keygen -y later.",
            )
            return BROKEN
        return text

    def _rollout(self, value: Any) -> Rollout | None:
        if value is None:
            return None
        rollout = self.record(Rollout, value, ("rollout",))
        if rollout is BROKEN:
            return None
        for keys, message, advice in mistakes_of(rollout):
            self.mistake(("rollout", *keys), message, advice)
        return cast(Rollout, rollout)


def check_connect(connect: Connect | None, reading: Reading, keys: Keys) -> None:
    """Note the numbers that cannot be meant: a port beyond the last one would be taken for another one."""
    if connect is None:
        return
    if connect.port is not None and not 1 <= connect.port <= LAST_PORT:
        reading.mistake((*keys, "port"), f"'port' must be between 1 and {LAST_PORT}, not {connect.port}.")
    if connect.sessions is not None and connect.sessions < 1:
        reading.mistake((*keys, "sessions"), f"'sessions' must be at least 1, not {connect.sessions}.")


def acceptance(text: str) -> Acceptance:
    """`RULE` or `RULE@SUBJECT`; the subject may hold an @ itself (`identity/sync@sync01`)."""
    rule, _, subject = text.partition("@")
    return Acceptance(rule, subject or None)


def estate_to_json(estate: Estate) -> dict[str, Any]:
    """The estate in the spelling of the estate file, as plain data."""
    document: dict[str, Any] = {"handrail": VERSION, "name": estate.name}
    for name in ("hosts", "databases", "accounts", "media"):
        section = getattr(estate, name)
        if section:
            document[name] = {
                id: _plain_record(entry, skip=("id", "name") if name == "hosts" else ("id",))
                for id, entry in section.items()
            }
    if estate.deployments:
        document["deployments"] = {id: _deployment_json(one) for id, one in estate.deployments.items()}
    if estate.aim:
        document["aim"] = {id: _aim_json(aim) for id, aim in estate.aim.items()}
    if estate.accept:
        document["accept"] = [f"{one.rule}@{one.subject}" if one.subject else one.rule for one in estate.accept]
    if estate.approvers:
        document["approvers"] = estate.approvers
    if estate.holds != "anyone":
        document["holds"] = estate.holds
    if estate.custodians:
        document["custodians"] = dict(estate.custodians)
    if estate.rollout:
        document["rollout"] = record_to_json(estate.rollout)
    return document


def _plain_record(entry: Any, skip: tuple[str, ...]) -> dict[str, Any]:
    plain = {}
    for name, one in fields_of(type(entry)).items():
        value = getattr(entry, one.field)
        if name in skip or value is None or value == {} or value == ():
            continue
        plain[name] = _plain_record(value, ()) if hasattr(value, "__dataclass_fields__") else value
    return plain


def _deployment_json(deployment: Deployment) -> dict[str, Any]:
    document: dict[str, Any] = {"product": deployment.product}
    if deployment.facts:
        document["facts"] = dict(deployment.facts)
    document["installations"] = [_plain_record(one, ("deployment",)) for one in deployment.installations]
    return document


def _aim_json(aim: Aim) -> dict[str, Any]:
    document: dict[str, Any] = {"to": aim.to}
    if aim.prefer:
        document["prefer"] = aim.prefer
    if aim.installations:
        document["installations"] = {id: _plain_record(one, ()) for id, one in aim.installations.items()}
    if aim.facts:
        document["facts"] = dict(aim.facts)
    return document


__all__ = [
    "EstateDocument",
    "InstallationAim",
    "acceptance",
    "estate_document",
    "estate_from_json",
    "estate_to_json",
    "read_estate",
    "read_hosts",
]
