"""What a pretend estate is made of: plain frozen values, one class per kind of thing.

A value is never changed in place: whoever changes something puts a new value. Sequences are tuples and mappings are
treated as constant, so that worlds can share them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ESTATE = ""
"""The host name under which things stand that belong to no single host (accounts)."""

SYSTEM = "SYSTEM"
"""The logon session of the operating system; what it maps is visible in every session."""

LOCAL_SYSTEM = ("localsystem", "nt authority\\system", "system")


@dataclass(frozen=True, slots=True)
class System:
    """The operating system of a host. `boots` counts; `booted` is ISO 8601 in UTC; `sessions` counts the logon
    sessions that ever left something behind."""

    os: str
    build: str = ""
    product: str = ""
    version: str = ""
    installation_type: str = "Server"
    machine: str = ""
    boots: int = 1
    booted: str = ""
    sessions: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or folder. `text` or `raw` (base64) is the content; `sha256` is what hashing it yields (a medium's is the
    one that the estate states). `holds` says what the file is good for: a package, a patch, an image, a backup."""

    path: str
    folder: bool = False
    text: str | None = None
    raw: str | None = None
    size: int = 0
    sha256: str = ""
    time: str = ""
    version: str = ""
    read_only: bool = False
    holds: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Volume:
    """`kind` is fixed or cdrom; `image` is the file that a mounted volume comes from. `free` is in bytes; what is
    written takes nothing of it, but a full volume takes nothing more."""

    letter: str
    label: str = ""
    kind: str = "fixed"
    image: str = ""
    free: int = 64_000_000_000


@dataclass(frozen=True, slots=True)
class Drive:
    """A letter that SUBST made, in one logon session."""

    session: str
    letter: str
    folder: str


@dataclass(frozen=True, slots=True)
class Key:
    """A registry key by its physical path; `values` maps a name to (type, data)."""

    path: str
    values: Mapping[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Service:
    """`holds` are patterns of the files that it keeps open while it runs. `database` and `keys` name what it cannot
    start without: a component of the same host whose database and key set it uses."""

    name: str
    display: str
    state: str = "STOPPED"
    start: str = "auto"
    account: str = "LocalSystem"
    binary: str = ""
    depends: tuple[str, ...] = ()
    holds: tuple[str, ...] = ()
    component: str = ""
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Process:
    """A program somebody left open; it holds files as a service does and ends with its session."""

    name: str
    holds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Product:
    """A product registered with Windows Installer. `package` is PRODUCT/PACKAGE of its declaration, `cached` the local
    copy of its package, `features` the components that are installed."""

    code: str
    package: str
    version: str
    base: str
    cached: str
    features: tuple[str, ...] = ()
    patches: tuple[str, ...] = ()
    folder: str = ""


@dataclass(frozen=True, slots=True)
class Busy:
    """Somebody holds the installer's mutex; a second installation gets 1618. `until` (ISO 8601) None: until freed."""

    by: str
    until: str | None = None


@dataclass(frozen=True, slots=True)
class Component:
    """One component of a product on this host: where its database is, which account runs it. `container` is where in
    the directory its keys lie; empty when they are in the account's profile. `locales`: of a language pack, the
    languages that were chosen."""

    product: str
    name: str
    deployment: str
    folder: str
    account: str = ""
    database: str = ""
    server: str = ""
    container: str = ""
    locales: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Software:
    """Something that other products ask for (a runtime, a driver), at a version."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Task:
    name: str
    command: str
    user: str
    result: int = 267011
    runs: int = 0


@dataclass(frozen=True, slots=True)
class Event:
    """`level` is 1 critical, 2 error, 3 warning, 4 information."""

    log: str
    time: str
    provider: str
    id: int
    level: int
    message: str


@dataclass(frozen=True, slots=True)
class SqlInstance:
    """`name` is empty for the default instance; `service` is its Windows service."""

    name: str
    version: str
    service: str


@dataclass(frozen=True, slots=True)
class Database:
    """`tables` maps a name to {rows, digest} or {rows: [{...}]}. `key_set` is what its secrets are encrypted under.
    `access` is who may come in; `files` where it lies, if not in the usual place."""

    name: str
    instance: str = ""
    state: str = "ONLINE"
    schema: int = 0
    tables: Mapping[str, Any] = field(default_factory=dict)
    key_set: str = ""
    guid: str = ""
    access: str = "MULTI_USER"
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Restored:
    """What a server keeps in msdb of a restore: into which database, and of which backup. `number` counts."""

    number: int
    instance: str
    database: str
    backup_set: str
    finished: str


@dataclass(frozen=True, slots=True)
class SystemBackup:
    """A backup of the system state. `identifier` is when it was made (UTC), as Windows Server Backup spells it."""

    identifier: str
    target: str


@dataclass(frozen=True, slots=True)
class KeySet:
    """Usable only on the machine and by the account profile it was made for. One without a machine lies in a container
    of the directory: usable from everywhere, and `account` owns it."""

    account: str
    id: str
    machine: str


@dataclass(frozen=True, slots=True)
class Account:
    """`password` None: any is taken, since the estate holds no secrets."""

    name: str
    kind: str = "domain"
    enabled: bool = True
    password: str | None = None


KINDS: Mapping[str, type] = {
    one.__name__.lower(): one
    for one in (
        System, Entry, Volume, Drive, Key, Service, Process, Product, Busy, Component, Software, Task, Event,
        SqlInstance, Database, Restored, KeySet, Account,
        SystemBackup,
    )
}  # fmt: skip
