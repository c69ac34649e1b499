"""The machine itself: which Windows it runs, and restarting it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import ClassVar

from handrail.actions import restarts
from handrail.actions.base import Base, Check, Undetermined
from handrail.actions.protocol import ActFailed, Evidence, Observation, Receipt
from handrail.errors import HostUnreachable
from handrail.hosts.protocol import Host
from handrail.model.signature import Kind
from handrail.probing.shell import complaint, run
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

# Root, or who may become root without a password.
_RESTART = """
if [ "$(id -u)" = 0 ]; then as=; else as="sudo -n"; fi
if [ -d /run/systemd/system ]; then $as systemctl reboot; else $as shutdown -r now; fi
"""


@dataclass(frozen=True, slots=True)
class Reboot(Base):
    """Restart the machine and wait until it has come up again, which a changed boot id proves, and is ready.

    The boot id that was journaled before is what makes this a state: restarted since then, or not yet.
    """

    kind: ClassVar[Kind] = "reboot"
    outputs: ClassVar[tuple[str, ...]] = ("boot_id",)
    platforms: ClassVar[tuple[str, ...]] = ("windows", "linux")

    patience: int = restarts.PATIENCE

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        now = await host.boot_id()
        before = restarts.boot_before(receipt)
        seen = {"boot_id": now}
        if before is None:
            return Observation("not_done", f"{host.name} was not restarted by this step", seen, seen)
        if now == before:
            return Observation("not_done", f"{host.name} is still up since before this step", seen, seen)
        late = await restarts.ready(host, self.patience)
        seen = {"boot_id": await host.boot_id()}  # an update may have sent it down once more
        because = f"{host.name} was restarted" + (f"; after a while {late}" if late else "")
        return Observation("done", because, seen, seen)

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        before = restarts.boot_before(receipt) or await host.boot_id()
        code: int | None = None
        # The line may go down together with the machine: the boot id tells.
        with contextlib.suppress(Undetermined, HostUnreachable):
            code = await (self._windows(host) if host.windows else self._linux(host))
        return Evidence(exit=code, outputs={"boot_id": await restarts.up_again(host, before, self.patience)})

    async def _windows(self, host: Host) -> int:
        command = ("shutdown", "/r", "/t", "2", "/f")
        answer = await run(host, *command)
        if answer.code == SHUTDOWN_SCHEDULED:
            # Somebody else's may be hours away.
            await run(host, "shutdown", "/a")
            answer = await run(host, *command)
        if answer.code not in (0, SHUTTING_DOWN):
            raise ActFailed(f"{host.name} refused to restart: {complaint(answer)}", Evidence(exit=answer.code))
        return answer.code

    async def _linux(self, host: Host) -> int:
        answer = await run(host, "sh", "-c", _RESTART)
        # Ended by a signal, it was ended by the very restart.
        if answer.code != 0 and answer.code < 128:
            raise ActFailed(f"{host.name} refused to restart: {complaint(answer)}", Evidence(exit=answer.code))
        return answer.code
