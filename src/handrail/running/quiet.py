"""No secret on a command line: every account of a host can read what is on it, and hosts keep records of it.

Actions hand secrets over on standard input, or in a file that its owner alone can read. This stands behind them: a
command line in which a known secret stands, in whatever form, is not sent.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from handrail.errors import HostError
from handrail.hosts.protocol import Command, Host, Outcome

Finds = Callable[[str], bool]


class QuietHost:
    """A host that is sent no command line in which `finds` finds something."""

    def __init__(self, host: Host, finds: Finds) -> None:
        self.name = host.name
        self.windows = host.windows
        self.behind = host
        self._finds = finds

    async def execute(self, command: Command) -> Outcome:
        if self._finds("\n".join(command.argv)):
            raise HostError(
                f"{self.name}: the command line of {command.argv[0]} would show a secret in the list of processes.",
                "It was not sent. Give this step another secret, or let a person do it.",
            )
        return await self.behind.execute(command)

    async def read(self, path: str) -> bytes:
        return await self.behind.read(path)

    async def write(self, path: str, data: bytes) -> None:
        await self.behind.write(path, data)

    async def put(self, source: Path, path: str) -> None:
        await self.behind.put(source, path)

    async def get(self, path: str, target: Path) -> None:
        await self.behind.get(path, target)

    async def boot_id(self) -> str:
        return await self.behind.boot_id()

    async def close(self) -> None:
        await self.behind.close()
