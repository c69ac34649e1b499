"""What a plan asks of the way to each of its hosts: read from its steps, before any host is asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from handrail.model.estate import Host
from handrail.model.plan import Plan, Step

SPOOL = "/var/tmp"
"""Where jobs on Linux keep what they print (hosts/detached.py)."""

_CLUSTERS = ("data", "old_data")
_PROGRAMS = ("bin", "old_bin", "new_bin")


@dataclass(frozen=True, slots=True)
class Wants:
    """By step ids: `shares` are paths on other machines, `servers` other machines that are asked from this one,
    `installers` what runs as SYSTEM beside a database elsewhere (its host), `letters` values beyond ASCII,
    `accounts` those that tasks are to run as. `folders`: what for a Linux path is needed: jobs, backup, data, program.
    """

    reboots: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    shares: Mapping[str, str] = field(default_factory=dict)
    servers: Mapping[str, str] = field(default_factory=dict)
    installers: Mapping[str, str] = field(default_factory=dict)
    letters: Mapping[str, str] = field(default_factory=dict)
    accounts: tuple[str, ...] = ()
    folders: Mapping[str, str] = field(default_factory=dict)


def wants_of(plan: Plan) -> dict[str, Wants]:
    """By host, of every host that a step is carried out on."""
    steps: dict[str, list[Step]] = {}
    for step in plan.steps:
        if step.host is not None:
            steps.setdefault(step.host, []).append(step)
    estate = plan.estate
    homes = {
        one.subject: estate.databases[one.database].host
        for deployment in estate.deployments.values()
        for one in deployment.installations
        if one.database is not None and one.database in estate.databases
    }
    return {host: _of(host, found, estate.hosts.get(host), homes) for host, found in steps.items()}


def bare(host: Host) -> Wants:
    """Of a host that no plan speaks of yet."""
    return Wants(accounts=accounts_of(host)) if is_windows(host) else Wants(folders={SPOOL: "jobs"})


def accounts_of(host: Host) -> tuple[str, ...]:
    """The accounts that tasks on the host are to run as."""
    connect = host.connect
    return (connect.user,) if connect is not None and connect.jobs == "user" and connect.user else ()


def is_windows(host: Host) -> bool:
    """As its estate says, or as it is reached."""
    return host.is_windows or (host.os is None and host.connect is not None and host.connect.via == "winrm")


def _of(host: str, steps: list[Step], known: Host | None, homes: Mapping[str, str]) -> Wants:
    """`homes`: by installation, the host of its database."""
    windows = known is None or is_windows(known)
    shares, servers, installers, letters = {}, {}, {}, {}
    accounts = accounts_of(known) if known is not None else ()
    folders: dict[str, str] = {} if windows else {SPOOL: "jobs"}
    for step in steps:
        for name, value in _texts(step.with_):
            if value.startswith("\\\\") and not value.startswith(("\\\\.\\", "\\\\?\\")):
                shares[step.id] = value
            if name == "server" and not _same_machine(value, host):
                servers[step.id] = value
            if windows and name not in ("question", "instructions") and not value.isascii():
                letters[step.id] = value
            if not windows:
                _folder(folders, step, name, value)
        home = homes.get(step.installation, host)
        if (
            windows
            and not accounts
            and step.uses.startswith("installer.")
            and step.kind == "do"
            and not _same_machine(home, host)
        ):
            installers[step.id] = home
    return Wants(
        reboots=tuple(one.id for one in steps if one.kind == "reboot"),
        people=tuple(one.id for one in steps if one.kind == "person"),
        shares=shares,
        servers=servers,
        installers=installers,
        letters=letters,
        accounts=accounts,
        folders=folders,
    )


def _folder(folders: dict[str, str], step: Step, name: str, value: str) -> None:
    if not value.startswith("/"):
        return
    if name == "to" and step.kind == "back-up":
        folders.setdefault(value, "backup")
    elif name in _CLUSTERS:
        folders.setdefault(value, "data")
    elif name in _PROGRAMS:
        folders.setdefault(value, "program")


def _texts(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, Mapping):
        if set(value) != {"late"}:
            for key, one in value.items():
                yield from _texts(one, str(key))
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one, name)


def _same_machine(server: str, host: str) -> bool:
    """`server` may name an instance or a port behind the machine."""
    machine = server.partition("\\")[0].partition(",")[0].partition(":")[0].casefold()
    own = host.casefold()
    return (
        machine in ("", ".", "(local)", "localhost", "127.0.0.1", own)
        or machine.partition(".")[0] == own.partition(".")[0]
    )
