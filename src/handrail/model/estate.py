"""An estate: hosts, databases, accounts, media and deployments, with what is known about them.

A fact that is absent is *unknown*; a fact that is None is known to be absent. Which facts there are and of which type
is for guides to say. Mappings keep the order of the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Facts = Mapping[str, Any]


Via = Literal["local", "ssh", "winrm"]
Auth = Literal["basic", "certificate", "ntlm", "kerberos", "negotiate", "credssp"]


@dataclass(frozen=True, slots=True)
class Connect:
    """How a host is reached. Paths are files of the machine that Handrail runs on.

    `via` says how: this very machine, or over SSH or WinRM. `address` is a name or an IP address (the host's name when
    it is not said); `port` is that of the service; `user` is whom we come as. `password` and `passphrase` are
    references (`keyring:SERVICE/USER`, `env:NAME`, `file:PATH`, `exec:NAME`), never secrets.

    SSH: `key` is a private key (an agent is asked too, unless `agent` is false); `jump` names hosts of the estate, or
    `user@address:port`, that the line goes through, the first first; `known_hosts` is a file other than the usual one;
    `host_key` is the one fingerprint (`SHA256:...`) that is accepted.

    WinRM: `auth` is how we prove who we are (`negotiate` when it is not said); `tls` is false only where messages are
    sealed by ntlm, kerberos or credssp; `ca` is the authority that the host's certificate must come from;
    `certificate` is ours, to go with `key`; `tls_floor` is the oldest protocol accepted (`1.2` when it is not said).
    `jobs` says whom long commands run as: the system (when it is not said), or `user`, whose password the host's task
    scheduler then keeps for as long as they run; needed where a command must get on to another machine.

    Both: `sessions` is how many commands may run there at once.
    """

    via: Via = "local"
    address: str | None = None
    port: int | None = None
    user: str | None = None
    password: str | None = None
    key: str | None = None
    passphrase: str | None = None
    agent: bool | None = None
    jump: tuple[str, ...] = ()
    known_hosts: str | None = None
    host_key: str | None = None
    auth: Auth | None = None
    tls: bool | None = None
    ca: str | None = None
    certificate: str | None = None
    tls_floor: Literal["1.0", "1.1", "1.2", "1.3"] | None = None
    sessions: int | None = None
    jobs: Literal["system", "user"] | None = None


@dataclass(frozen=True, slots=True)
class Host:
    """A machine. `os` is such as `windows-server-2019`, `windows-10` or `debian-12`. `software` names what requirements
    ask for, each with its version; `null` or `false` says that it is not there. `labels` are for rollouts and windows;
    `zone` says which workers reach it."""

    name: str
    os: str | None = None
    software: Facts = field(default_factory=dict)
    connect: Connect | None = None
    facts: Facts = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    zone: str | None = None

    @property
    def is_windows(self) -> bool:
        return (self.os or "").startswith("windows")


@dataclass(frozen=True, slots=True)
class Database:
    """`engine` is such as `sqlserver`; `host` is where its server runs; `instance` is that server's name where it has
    one; `name` is what the database is called there; `version` is that of the server."""

    id: str
    engine: str
    host: str
    name: str
    version: str | None = None
    instance: str | None = None
    facts: Facts = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Account:
    """`kind` is domain, gmsa, local-system or local; `name` is what it is called there; `password` is a reference."""

    id: str
    name: str
    kind: str | None = None
    password: str | None = None
    facts: Facts = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Medium:
    """`kind` is iso, zip, folder, msi, msp or exe; `host` is where `path` lies, every host where it is not said.
    `build` is what the file itself says, `label` that of an image; `sha256` is compared where steps copy it."""

    id: str
    product: str
    kind: str
    path: str
    release: str | None = None
    component: str | None = None
    build: str | None = None
    sha256: str | None = None
    host: str | None = None
    label: str | None = None
    architecture: str | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Installation:
    """One component on one host, as it is now. `id` is `component@host`, unique in its deployment."""

    deployment: str
    component: str
    host: str
    build: str | None = None
    release: str | None = None
    database: str | None = None
    account: str | None = None
    facts: Facts = field(default_factory=dict)

    @property
    def id(self) -> str:
        return f"{self.component}@{self.host}"

    @property
    def subject(self) -> str:
        return f"{self.deployment}/{self.component}@{self.host}"


@dataclass(frozen=True, slots=True)
class Deployment:
    """One product as it is installed here."""

    id: str
    product: str
    installations: tuple[Installation, ...] = ()
    facts: Facts = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class InstallationAim:
    """What an installation shall have afterwards where that differs from now."""

    host: str | None = None
    account: str | None = None
    setup_account: str | None = None


@dataclass(frozen=True, slots=True)
class Aim:
    """The release that a deployment shall reach; `facts` are the other keys of the aim (window, revision, ...)."""

    deployment: str
    to: str
    prefer: str | None = None
    installations: Mapping[str, InstallationAim] = field(default_factory=dict)
    facts: Facts = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Acceptance:
    """A rule accepted by name, for one subject, or for all where none is named."""

    rule: str
    subject: str | None = None


Whose = Literal["anyone", "another", "two"]
"""Whose yes a hold needs: anyone's, that of somebody other than who started the run, that of two people."""

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


@dataclass(frozen=True, slots=True)
class Wave:
    """Hosts that go together. `where`: labels that they have. Of those that no wave before took it takes `size`, or
    `percent` of the whole fleet, or all; with `repeat` as many waves of that as it needs. `one_by_one`: one after the
    other. Before the next wave: `soak`, a time such as `4h` or `2d`, and `hold`, a question to people."""

    name: str
    where: Mapping[str, str] = field(default_factory=dict)
    size: int | None = None
    percent: float | None = None
    repeat: bool = False
    one_by_one: bool = False
    soak: str | None = None
    hold: str | None = None


@dataclass(frozen=True, slots=True)
class Budget:
    """How many hosts may fail in all, or what part of the fleet. One that cannot be reached has failed."""

    hosts: int | None = None
    percent: float | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """When hosts with these labels may be changed: from one time of day (`22:00`) to another, on the given days (that
    on which it begins; all when none are named), in a time zone such as `Europe/Berlin`."""

    from_: str
    to: str
    zone: str
    days: tuple[Day, ...] = ()
    where: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rollout:
    """How a fleet is gone through. `of`: the labels of the hosts that it is about, all when there are none."""

    of: Mapping[str, str] = field(default_factory=dict)
    waves: tuple[Wave, ...] = ()
    budget: Budget | None = None
    windows: tuple[Window, ...] = ()


@dataclass(frozen=True, slots=True)
class Estate:
    """`aim` says where each deployment shall go; `accept` are rules that are accepted by name; `approvers` is how many
    people have to approve a plan; `custodians` may open what is sealed; `rollout` says in which order a fleet is gone
    through; `holds` whose yes each hold takes."""

    name: str
    hosts: Mapping[str, Host] = field(default_factory=dict)
    databases: Mapping[str, Database] = field(default_factory=dict)
    accounts: Mapping[str, Account] = field(default_factory=dict)
    media: Mapping[str, Medium] = field(default_factory=dict)
    deployments: Mapping[str, Deployment] = field(default_factory=dict)
    aim: Mapping[str, Aim] = field(default_factory=dict)
    accept: tuple[Acceptance, ...] = ()
    approvers: int = 0
    custodians: Mapping[str, str] = field(default_factory=dict)
    """People who may open what is sealed: name -> public age key."""
    rollout: Rollout | None = None
    holds: Whose = "anyone"
    """Whose yes every hold of a run needs, whatever else guides demand of single ones."""
