"""One host of the twin as the tools see it: its things within one draft of changes, in one logon session.

Tools and mechanisms know this and nothing of storage, journals or other processes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TypeVar

from handrail.twin import paths
from handrail.twin.declarations import Declarations
from handrail.twin.state import Draft
from handrail.twin.things import ESTATE, SYSTEM, Account, Component, Service, SqlInstance, System

T = TypeVar("T")
Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Note:
    """What a mechanism says that it changed; becomes a row of the effect log."""

    host: str
    kind: str
    what: str
    job: str | None = None


@dataclass(slots=True)
class Context:
    """What all machines share while one command is carried out. `hosts` maps short names, in lower case, to names."""

    draft: Draft
    clock: Clock
    declarations: Declarations
    hosts: Mapping[str, str]
    notes: list[Note] = field(default_factory=list)

    def now(self) -> datetime:
        return self.clock().astimezone(UTC)

    def account(self, name: str) -> Account | None:
        found: Account | None = self.draft.get(ESTATE, "account", name.lower())
        return found


def short_names(hosts: Iterable[str]) -> dict[str, str]:
    return {name.split(".")[0].lower(): name for name in hosts}


@dataclass(slots=True)
class Machine:
    """`session` is the logon session; `cwd` where relative paths start; `job` the folder of the detached job we run in;
    `env` the variables of a batch file; `left` says that it was left by `exit`."""

    context: Context
    name: str
    session: str
    user: str = "SYSTEM"
    cwd: str = "C:\\Windows\\System32"
    stdin: bytes = b""
    job: str | None = None
    env: dict[str, str] = field(default_factory=dict)
    left: bool = False

    def get(self, kind: type[T], name: str) -> T | None:
        found: T | None = self.context.draft.get(self.name, kind.__name__.lower(), name.lower())
        return found

    def all(self, kind: type[T]) -> list[T]:
        """By name."""
        return [value for _, value in self.context.draft.items(self.name, kind.__name__.lower())]

    def put(self, name: str, value: object) -> None:
        self.context.draft.put(self.name, type(value).__name__.lower(), name.lower(), value)

    def drop(self, kind: type[T], name: str) -> None:
        self.context.draft.drop(self.name, kind.__name__.lower(), name.lower())

    def did(self, kind: str, what: str) -> None:
        """Say what was changed; one sentence, the same whenever the same is done."""
        self.context.notes.append(Note(self.name, kind, what, self.job))

    @property
    def system(self) -> System:
        found = self.get(System, "system")
        assert found is not None, f"the twin was raised without a system on {self.name}"
        return found

    def stamp(self) -> str:
        """Now, to the second, as text that sorts."""
        return self.context.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def other(self, host: str) -> Machine | None:
        """Another host of the estate by its short or full name, as its operating system sees it."""
        wanted = host.split(".")[0].lower()
        if wanted in (".", "", "localhost", "(local)", self.name.split(".")[0].lower()):
            return self
        name = self.context.hosts.get(wanted)
        return Machine(self.context, name, SYSTEM, job=self.job) if name is not None else None

    def as_system(self) -> Machine:
        """The same host in the operating system's own session."""
        return replace(self, session=SYSTEM, user="SYSTEM", env={}, stdin=b"")

    def as_logon(self) -> str:
        """The id of our logon session, made now if we have none: a session counts once it leaves something behind."""
        if self.session:
            return self.session
        system = self.system
        self.session = f"{system.boots}.{system.sessions + 1}"
        self.put("system", replace(system, sessions=system.sessions + 1))
        return self.session

    def path(self, text: str) -> str:
        """A path as given on a command line, made absolute."""
        return paths.clean(text, self.cwd)

    def components(self) -> Mapping[str, Component]:
        return {one.name: one for one in self.all(Component)}

    def service(self, name: str) -> Service | None:
        """By its name, or by its display name as `net` also takes it."""
        found = self.get(Service, name)
        return found or next((one for one in self.all(Service) if one.display.lower() == name.lower()), None)

    def sql(self, instance: str) -> SqlInstance | None:
        return self.get(SqlInstance, instance or "mssqlserver")
