"""Restarts of a machine: told to, or by itself; up again, and ready to be asked.

That it was restarted is proved by its boot id, which is journaled before and differs after. That it answers again says
little: services come up for a while, and an update may send it down once more. So it is asked until it says that it is
ready; whether the product works is for the product's own checks, which come last.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from handrail.actions.base import Undetermined
from handrail.actions.exit_codes import installer as meaning
from handrail.actions.protocol import Receipt
from handrail.errors import HostError, NotRehearsed
from handrail.hosts import powershell
from handrail.hosts.protocol import Exited, Host
from handrail.probing.shell import decoded, execute, run

PATIENCE = 1800
"""Seconds that a machine gets for going down and coming up again."""

GRACE = 300
"""Seconds after an exit code that announces a restart in which the machine has to go down."""

SETTLING = 300
"""Seconds for which services that are still starting are waited for; then they are named, and it goes on."""

NO_SUCH_PROGRAM = (127, 9009)

# Linux: `systemctl is-system-running` waits for nothing; without systemd a machine that answers is ready.
_STATE = "if [ -d /run/systemd/system ]; then systemctl is-system-running; else echo running; fi"


def boot_before(receipt: Receipt) -> str | None:
    """The boot id that was journaled: in the observation's evidence, or in the whole observation."""
    inner = receipt.before.get("evidence")
    found = receipt.before.get("boot_id") or (inner.get("boot_id") if isinstance(inner, Mapping) else None)
    return str(found) if found else None


async def up_again(host: Host, before: str, patience: float = PATIENCE) -> str:
    """The new boot id. `Undetermined` when it stays the old one, or nobody answers, for `patience` seconds."""
    clock = asyncio.get_running_loop().time
    end, pause, silent = clock() + patience, 0.05, False
    while True:
        now = await _boot_id(host)
        if now is not None and now != before:
            return now
        silent = silent or now is None
        if clock() >= end:
            raise Undetermined(_not_back(host, patience, silent and now is None))
        await asyncio.sleep(pause)
        pause = min(pause * 2, 12.0)


def _not_back(host: Host, patience: float, silent: bool) -> str:
    if silent:
        return (
            f"{host.name} went down and did not come up again within {patience:g} seconds: look at its console; "
            "it may ask something, or install updates. Go on when it is up"
        )
    return (
        f"{host.name} did not come up again within {patience:g} seconds: it answers, and never went down. Something "
        "keeps it from restarting: look at its console"
    )


async def by_itself(host: Host, before: str | None, grace: float = GRACE, patience: float = PATIENCE) -> bool:
    """Whether the machine, which announced that it restarts by itself, did so; waits until it is up and ready again.

    False when it stays up for `grace` seconds: then a step has to restart it. `Undetermined` when it does not come up.
    `before`: its boot id before that; without one, that it went silent has to do.
    """
    clock = asyncio.get_running_loop().time
    began, pause, silent = clock(), 0.05, False
    while True:
        now = await _boot_id(host)
        if now is not None and (now != before if before else silent):
            await ready(host, patience)
            return True
        silent = silent or now is None
        passed = clock() - began
        if now is not None and passed >= grace:
            return False
        if now is None and passed >= patience:
            raise Undetermined(_not_back(host, patience, True))
        await asyncio.sleep(pause)
        pause = min(pause * 2, 12.0)


async def after_installer(host: Host, receipt: Receipt, code: int) -> None:
    """What an installer's exit code demands before anything else is asked of the host: 1641 says that it goes down."""
    if meaning(code).kind == "restarting":
        await by_itself(host, boot_before(receipt))


async def is_due(host: Host, receipt: Receipt, code: int | None) -> bool:
    """Whether the machine has still to be restarted after an installer ended with `code`."""
    kind = meaning(code).kind if code is not None else "ok"
    if kind == "restarting" and (before := boot_before(receipt)) is not None:
        return await host.boot_id() == before
    return kind in ("restart", "restarting")


async def boot_evidence(host: Host, receipt: Receipt) -> dict[str, Any]:
    """For what is journaled before an installer begins: only so can a restart by itself be told afterwards."""
    return {"boot_id": boot_before(receipt) or await host.boot_id()}


async def ready(host: Host, patience: float = PATIENCE) -> str:
    """Waits until a machine that was restarted is ready. The text names what was still starting when we went on.

    `Undetermined` when it says for `patience` seconds that it is not ready, or nothing at all.
    """
    clock = asyncio.get_running_loop().time
    began, pause, quiet = clock(), 0.5, 0
    while True:
        busy, must = await _busy(host)
        passed = clock() - began
        quiet = 0 if busy else quiet + 1
        # Seen twice, because between two services that start by themselves there are moments in which none does.
        if quiet == 2:
            return ""
        if busy and not must and passed >= SETTLING:
            return busy
        if passed >= patience:
            raise Undetermined(f"{host.name} was restarted and is not ready after {patience:g} seconds: {busy}")
        await asyncio.sleep(pause)
        pause = min(pause * 2, 10.0)


async def _busy(host: Host) -> tuple[str, bool]:
    """What the machine is still about, empty when nothing; and whether that has to end before we go on."""
    try:
        return await (_busy_windows(host) if host.windows else _busy_linux(host))
    except NotRehearsed:
        raise
    except (HostError, Undetermined) as silence:
        return str(silence), True


async def _busy_windows(host: Host) -> tuple[str, bool]:
    answer = await execute(host, powershell.command("readiness", timeout=120))
    lines = [line.strip() for line in decoded(answer.out).splitlines()]
    if answer.code in NO_SUCH_PROGRAM:
        return "", False  # no PowerShell: that it answers has to do
    if answer.code != 0 or "ready" not in lines:
        return f"it does not say how it stands (exit code {answer.code})", True
    if "servicing=1" in lines or "setup=1" in lines:
        return "Windows is still installing updates, and may restart once more", True
    pending = [line.removeprefix("pending=") for line in lines if line.startswith("pending=")]
    return (f"{', '.join(pending[:5])} still starting" if pending else ""), False


async def _busy_linux(host: Host) -> tuple[str, bool]:
    answer: Exited = await run(host, "sh", "-c", _STATE)
    state = answer.text.strip()
    # degraded: some unit failed; which one matters, the product's own checks tell.
    if state in ("running", "degraded"):
        return "", False
    return f"systemd says {state or 'nothing'}", state != "starting"


async def _boot_id(host: Host) -> str | None:
    """None when the host does not say."""
    try:
        return await host.boot_id()
    except NotRehearsed:
        raise
    except HostError:
        return None
