"""The machine itself: which Windows it runs, and restarting it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from handrail.actions.base import Base, Check, Undetermined
from handrail.actions.protocol import ActFailed, Evidence, Observation, Receipt
from handrail.errors import HostUnreachable
from handrail.hosts.protocol import Host
from handrail.model.signature import Kind
from handrail.probing.shell import run, said
from handrail.probing.systems import windows_of


@dataclass(frozen=True, slots=True)
class OsSupported(Check):
    """Check that the host runs one of the given versions of Windows."""

    lasting: ClassVar[bool] = True
    outputs: ClassVar[tuple[str, ...]] = ("os", "build")

    in_: tuple[str, ...]

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        name, build = await windows_of(host)
        seen = {"os": name, "build": build}
        if name is None:
            raise Undetermined(f"{host.name} runs build {build} of Windows, which is none that we know")
        if name in self.in_:
            return Observation("done", f"{host.name} runs {name}", seen, seen)
        return Observation("not_done", f"{host.name} runs {name}, not {' or '.join(self.in_)}", seen, seen)


SHUTTING_DOWN, SHUTDOWN_SCHEDULED = 1115, 1190


@dataclass(frozen=True, slots=True)
class Reboot(Base):
    """Restart the machine and wait until it has come up again, which a changed boot id proves.

    The boot id that was journaled before is what makes this a state: restarted since then, or not yet.
    """

    kind: ClassVar[Kind] = "reboot"
    outputs: ClassVar[tuple[str, ...]] = ("boot_id",)

    patience: int = 1800

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        now = await host.boot_id()
        before = _boot_id(receipt.before)
        seen = {"boot_id": now}
        if before is None:
            return Observation("not_done", f"{host.name} was not restarted by this step", seen, seen)
        if now != before:
            return Observation("done", f"{host.name} was restarted", seen, seen)
        return Observation("not_done", f"{host.name} is still up since before this step", seen, seen)

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        before = _boot_id(receipt.before) or await host.boot_id()
        code: int | None = None
        try:
            answer = await run(host, "shutdown", "/r", "/t", "2", "/f")
            if answer.code == SHUTDOWN_SCHEDULED:
                await run(host, "shutdown", "/a")
                answer = await run(host, "shutdown", "/r", "/t", "2", "/f")
            code = answer.code
            if code not in (0, SHUTTING_DOWN):
                raise ActFailed(f"{host.name} refused to restart: {said(answer)}", Evidence(exit=code))
        except (Undetermined, HostUnreachable):
            # The line may go down together with the machine: the boot id tells.
            pass
        return Evidence(exit=code, outputs={"boot_id": await self._up_again(host, before)})

    async def _up_again(self, host: Host, before: str) -> str:
        clock = asyncio.get_running_loop().time
        end, pause = clock() + self.patience, 0.05
        while True:
            try:
                now = await host.boot_id()
                if now != before:
                    return now
            except HostUnreachable:
                pass
            if clock() >= end:
                raise Undetermined(f"{host.name} did not come up again within {self.patience} seconds")
            await asyncio.sleep(pause)
            pause = min(pause * 2, 12.0)


def _boot_id(before: Mapping[str, Any]) -> str | None:
    """From what was journaled: the observation's evidence, or the whole observation."""
    inner = before.get("evidence")
    found = before.get("boot_id") or (inner.get("boot_id") if isinstance(inner, Mapping) else None)
    return str(found) if found else None
