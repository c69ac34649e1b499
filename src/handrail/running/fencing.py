"""A runner that has lost its lanes must not touch their hosts any more, however late it notices.

It may have stood still between writing what it means to do and doing it (a suspended machine, a long pause of its
storage), while another one took over, did it, and went on. So before everything that is asked of a host the journal is
asked whether the lane is still ours. What remains is the moment between that answer and the host's.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from handrail.hosts.protocol import Command, Host, Outcome

Check = Callable[[], Awaitable[None]]
"""Raises StoreLocked when the lane is not ours any more."""


class FencedHost:
    """A host that is asked nothing unless `check` lets it pass."""

    def __init__(self, host: Host, check: Check) -> None:
        self.name = host.name
        self.windows = host.windows
        self.behind = host
        self._check = check

    async def execute(self, command: Command) -> Outcome:
        await self._check()
        return await self.behind.execute(command)

    async def read(self, path: str) -> bytes:
        await self._check()
        return await self.behind.read(path)

    async def write(self, path: str, data: bytes) -> None:
        await self._check()
        await self.behind.write(path, data)

    async def put(self, source: Path, path: str) -> None:
        await self._check()
        await self.behind.put(source, path)

    async def get(self, path: str, target: Path) -> None:
        await self._check()
        await self.behind.get(path, target)

    async def boot_id(self) -> str:
        await self._check()
        return await self.behind.boot_id()

    async def close(self) -> None:
        await self.behind.close()
