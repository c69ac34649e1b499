"""A connection to a host of the twin: what `hosts.protocol.Host` asks for, and nothing more.

One connection is one logon session. Faults are put in between here, by wrapping: the tools below never fail on purpose.
"""

from __future__ import annotations

import functools
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from handrail.errors import FileMissing, HostError, NotRehearsed
from handrail.hosts import powershell
from handrail.hosts.protocol import Command, Exited, Outcome
from handrail.twin import paths
from handrail.twin.machine import Machine
from handrail.twin.mechanisms import booting, drives, files
from handrail.twin.tools import dispatch

if TYPE_CHECKING:
    from handrail.twin.world import Twin

T = TypeVar("T")


class TwinHost:
    """A Windows host of the twin. Unknown commands raise NotRehearsed and change nothing."""

    windows = True

    def __init__(self, twin: Twin, name: str, user: str) -> None:
        self.name = name
        self._twin = twin
        self._user = user
        self._session = ""

    def on(self, twin: Twin) -> TwinHost:
        """The same logon session on another twin, a fork of ours."""
        other = TwinHost(twin, self.name, self._user)
        other._session = self._session
        return other

    async def execute(self, command: Command) -> Outcome:
        def work(machine: Machine) -> Exited:
            machine.stdin = command.stdin
            machine.env = dict(command.env)
            if command.cwd:
                machine.cwd = paths.clean(command.cwd)
            reply = dispatch.run(machine, command.argv)
            return Exited(reply.code, reply.out.encode(), reply.err.encode())

        return self._do(shown(command), work)

    async def read(self, path: str) -> bytes:
        def work(machine: Machine) -> bytes:
            entry = files.find(machine, path)
            if entry is None or entry.folder:
                raise FileMissing(f"{self.name} has no file {path}.")
            return files.content(entry)

        return self._do(f"read {path}", work)

    async def write(self, path: str, data: bytes) -> None:
        def work(machine: Machine) -> None:
            whole = machine.path(path)
            if files.find(machine, paths.parent(whole)) is None:
                files.make_folder(machine, paths.parent(whole))
            if not files.writable(machine, whole):
                raise HostError(f"{path} cannot be written on {self.name}.", "Look at the drive and its free space.")
            if files.write(machine, whole, files.of_bytes(whole, data, machine.stamp())):
                machine.did("file", f"file {whole} written")

        self._do(f"write {path}", work)

    async def put(self, source: Path, path: str) -> None:
        await self.write(path, source.read_bytes())

    async def get(self, path: str, target: Path) -> None:
        target.write_bytes(await self.read(path))

    async def boot_id(self) -> str:
        return self._do("boot id", booting.boot_id)

    async def close(self) -> None:
        """Ends the logon session; the drives that it mapped go with it."""
        if self._session:
            self._do("log off", drives.end_session)
            self._session = ""

    def _do(self, command: str, work: Callable[[Machine], T]) -> T:
        def in_session(machine: Machine) -> tuple[T, str]:
            boots = machine.system.boots
            session = self._session if self._session.startswith(f"{boots}.") else ""
            machine.session, machine.user = session, self._user
            result = work(machine)
            return result, machine.session if machine.system.boots == boots else ""

        result, self._session = self._twin.transact(self.name, command, in_session)
        return result


class LinuxTwinHost:
    """A host that runs no Windows. The twin models none of its tools, so everything about it is not rehearsed."""

    windows = False

    def __init__(self, name: str) -> None:
        self.name = name

    async def execute(self, command: Command) -> Outcome:
        raise self._not_rehearsed(command.argv[0])

    async def read(self, path: str) -> bytes:
        raise self._not_rehearsed(f"reading {path}")

    async def write(self, path: str, data: bytes) -> None:  # noqa: ARG002
        raise self._not_rehearsed(f"writing {path}")

    async def put(self, source: Path, path: str) -> None:  # noqa: ARG002
        raise self._not_rehearsed(f"writing {path}")

    async def get(self, path: str, target: Path) -> None:  # noqa: ARG002
        raise self._not_rehearsed(f"reading {path}")

    async def boot_id(self) -> str:
        raise self._not_rehearsed("its boot id")

    async def close(self) -> None:
        return None

    def _not_rehearsed(self, what: str) -> NotRehearsed:
        return NotRehearsed(
            f"{self.name} does not run Windows, and the twin models no other system: {what}.",
            "It was not carried out; rehearse this on a lab host.",
        )


def shown(command: Command) -> str:
    """The command line as the effect log shows it: without secrets, reviewed scripts by their name."""
    return _shown(command.argv, command.secrets)


@functools.lru_cache(maxsize=1 << 12)
def _shown(argv: tuple[str, ...], secrets: tuple[str, ...]) -> str:
    known = powershell.recognise(argv)
    text = subprocess.list2cmdline(("powershell", known[0], *known[1]) if known else argv)
    for secret in secrets:
        text = text.replace(secret, "***") if secret else text
    return text
