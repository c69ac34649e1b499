"""Wine as a place for cases: the lab's machine, over whichever road `host` takes to it."""

from __future__ import annotations

import asyncio
import shutil
import struct
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from tests.lab.wine.build import WINE
from tests.lab.wine.packages import NEW, OLD, SYNC
from tests.support import wine
from tests.support.conformance.case import State
from tests.support.conformance.files import HERE
from tests.support.conformance.installer import FOLDER, MARK, MEDIA, PACKAGE, PATCH, WRONG
from tests.support.wine import WineMachine

from handrail.hosts.protocol import Command, Exited, Host

_FIXED_INFO = struct.pack("<I", 0xFEEF04BD)
"""What the version of a program file begins with."""


class OnWine:
    wine = True

    def __init__(self, name: str, machine: WineMachine, connect: Callable[[], Host], bits: int = 32) -> None:
        self.name = name
        self.bits = bits
        self._machine = machine
        self._connect = connect
        self.host = connect()

    async def fresh(self, state: State) -> None:
        self._lay_out_media()
        await self.without_runtime(False)
        await self._do("msiexec", "/x", SYNC.code, "/qn", codes=(0, 1605))
        shutil.rmtree(self._machine.path(FOLDER), ignore_errors=True)
        shutil.rmtree(self._machine.path(HERE), ignore_errors=True)
        self._machine.path(HERE).mkdir()
        for cached in self._machine.path(r"C:\windows\Installer").glob("*.ms?"):
            cached.unlink()
        if state != "absent":
            await self._do("msiexec", "/i", PACKAGE, "/qn")
        if state == "sp3":
            await self._do("msiexec", "/p", PATCH, "REINSTALL=ALL", "REINSTALLMODE=emus", "/qn")

    def _lay_out_media(self) -> None:
        for name, build in (("SP2", OLD), ("SP3", NEW)):
            self._machine.bring(wine.package(SYNC.id, build), rf"{MEDIA}\{name}")
        self._machine.bring(wine.patch(SYNC.id), PATCH)
        self._machine.bring(wine.patch(SYNC.id, wrong=True), WRONG)

    async def _do(self, *argv: str, codes: tuple[int, ...] = (0,)) -> None:
        outcome = await self.host.execute(Command(argv))
        assert isinstance(outcome, Exited) and outcome.code in [one & ((1 << self.bits) - 1) for one in codes], (
            argv,
            outcome,
        )

    async def restart(self) -> None:
        await self.host.close()
        await asyncio.to_thread(self._machine.restart)
        self.host = self._connect()

    async def version_in(self, path: str) -> str:
        data = self._machine.path(path).read_bytes()
        at = data.index(_FIXED_INFO)
        high, low = struct.unpack_from("<II", data, at + 8)
        return f"{high >> 16}.{high & 0xFFFF}.{low >> 16}.{low & 0xFFFF}"

    @asynccontextmanager
    async def held(self, path: str) -> AsyncIterator[None]:
        holder = await asyncio.create_subprocess_exec(
            WINE, "hold", path, "60", env=self._machine.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert holder.stdout is not None
        try:
            assert (await holder.stdout.readline()).strip() == b"holding"
            yield
        finally:
            holder.kill()
            await holder.wait()

    async def without_runtime(self, missing: bool) -> None:
        if missing:
            await self._do("reg", "add", MARK, "/v", "PrereqMissing", "/d", "1", "/f")
        else:
            await self._do("reg", "delete", MARK, "/v", "PrereqMissing", "/f", codes=(0, 1))
