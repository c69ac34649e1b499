"""Internet Information Services as a whole, through `iisreset`, observed at its publishing service."""

from __future__ import annotations

from dataclasses import dataclass

from handrail.actions.base import Base
from handrail.actions.protocol import ActFailed, Action, Evidence, Observation, Receipt
from handrail.actions.service import PATIENCE, observed, settled
from handrail.hosts.protocol import Host
from handrail.probing.services import ABSENT, state_of
from handrail.probing.shell import MINUTES, run, said

SERVICE = "W3SVC"


async def _reset(host: Host, option: str, wanted: str) -> Evidence:
    answer = await run(host, "iisreset", option, timeout=5 * MINUTES)
    evidence = Evidence(exit=answer.code, log=said(answer))
    if answer.code != 0:
        raise ActFailed(f"iisreset {option} ended with {answer.code}: {said(answer)}", evidence)
    await settled(host, SERVICE, wanted, PATIENCE)
    return evidence


@dataclass(frozen=True, slots=True)
class StopIis(Base):
    """Stop Internet Information Services; a host without them counts as stopped."""

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        state = await state_of(host, SERVICE)
        if state == ABSENT:
            return Observation("done", "IIS is not installed here", {"service": SERVICE, "state": state})
        return observed(SERVICE, state, "STOPPED")

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        return await _reset(host, "/stop", "STOPPED")

    def undo(self, before: Observation) -> Action | None:
        return StartIis() if before.evidence.get("state") in ("RUNNING", "START_PENDING") else None


@dataclass(frozen=True, slots=True)
class StartIis(Base):
    """Start Internet Information Services and wait until web publishing runs."""

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        return observed(SERVICE, await state_of(host, SERVICE), "RUNNING")

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        return await _reset(host, "/start", "RUNNING")

    def undo(self, before: Observation) -> Action | None:
        return StopIis() if before.evidence.get("state") in ("STOPPED", "STOP_PENDING") else None
