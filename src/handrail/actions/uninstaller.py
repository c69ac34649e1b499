"""Removing a product that Windows Installer installed, and seeing that what has to stay has stayed.

Its databases are no part of a package: whether they are still there and hold what they held, the actions for their
server say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from handrail.actions import files
from handrail.actions.base import Undetermined
from handrail.actions.installer import LONGEST, InstallerJob
from handrail.actions.jobs import ended
from handrail.actions.product import stands_at
from handrail.actions.protocol import ActFailed, Evidence, Observation, Receipt
from handrail.hosts.protocol import Command, Host
from handrail.probing.reg_text import product


def removal(code: str, log: str) -> Command:
    """What removes the product of that code, without asking and without a restart."""
    argv = ("msiexec", "/x", code, "REBOOT=ReallySuppress", "/qn", "/norestart", "/l*v", log)
    return Command(argv, timeout=LONGEST)


@dataclass(frozen=True, slots=True)
class Uninstall(InstallerJob):
    """Uninstall a product until neither its list entry nor its file (if one is named) is there; what `keeps` names has
    to stay.

    Something in `keeps` that is gone before it begins makes it refuse to begin. Where list and file say that it stands
    at a build in `unless`, it is left alone: on a way back, nothing had come of what was to change it.
    """

    product: str
    log: str
    file: str | None = None
    keeps: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        job = await ended(host, receipt, Command(("msiexec",), timeout=LONGEST))
        outputs = self._outputs(receipt, job.code if job else None)
        found = await product(host, self.product)
        left = self.file is not None and await files.is_there(host, self.file)
        lost = [one for one in self.keeps if not await files.is_there(host, one)]
        evidence: dict[str, Any] = {
            "product": found.name if found else None,
            "file": self.file,
            "file_is_there": left,
            "lost": lost,
            "exit": outputs["exit"],
        }
        if found is not None and await stands_at(host, found, self.unless, self.file):
            return Observation("done", f"{found.name} is at {found.version} and stays", evidence, outputs)
        if found is not None:
            return Observation("not_done", f"{found.name} is installed on {host.name}", evidence, outputs)
        if left:
            # Not listed and still there: the list may have been read in one of two views only.
            raise Undetermined(f"no product on {host.name} fits {self.product!r}, and {self.file} is there")
        if lost:
            return Observation("not_done", f"gone, though it had to stay: {files.some(lost)}", evidence, outputs)
        return Observation("done", f"nothing that fits {self.product!r} is installed on {host.name}", evidence, outputs)

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        found = await product(host, self.product)
        if found is None:
            raise ActFailed(f"no product on {host.name} fits {self.product!r}: there is nothing to uninstall")
        lost = [one for one in self.keeps if not await files.is_there(host, one)]
        if lost:
            raise ActFailed(f"not begun, for what has to stay is gone already: {files.some(lost)}")
        if not found.code.startswith("{"):
            raise ActFailed(
                f"{found.name} was not installed by Windows Installer", Evidence(details={"key": found.code})
            )
        return await self.carried_out(host, receipt, removal(found.code, self.log_of(receipt)))
