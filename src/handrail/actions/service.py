"""Services, through `sc`."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import ClassVar

from handrail.actions.base import Base, Check
from handrail.actions.exit_codes import service as meaning
from handrail.actions.protocol import ActFailed, Action, Evidence, Observation, Receipt
from handrail.hosts.protocol import Host
from handrail.probing.services import ABSENT, state_of
from handrail.probing.shell import run, said

NOT_STARTED, IS_RUNNING = 1062, 1056
PATIENCE = 300
"""Seconds that a service gets for coming up or going down."""


async def settled(host: Host, name: str, wanted: str, patience: float) -> str:
    """Its state once it is the wanted one or is no longer on its way there."""
    clock = asyncio.get_running_loop().time
    end, pause = clock() + patience, 0.05
    while True:
        state = await state_of(host, name)
        if state == wanted or not state.endswith("_PENDING") or clock() >= end:
            return state
        await asyncio.sleep(pause)
        pause = min(pause * 2, 5.0)


def observed(name: str, state: str, wanted: str) -> Observation:
    evidence = {"service": name, "state": state}
    if state == wanted:
        return Observation("done", f"{name} is {state}", evidence)
    if state == ABSENT:
        return Observation("not_done", f"there is no service {name}", evidence)
    return Observation("not_done", f"{name} is {state}", evidence)


@dataclass(frozen=True, slots=True)
class StopService(Base):
    """Stop a service and wait until the service manager says that it has stopped.

    `if_there`: where there is no such service, nothing has to be stopped. A way back says so, because it may begin
    after the programs were removed.
    """

    name: str
    patience: int = PATIENCE
    if_there: bool = False

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        state = await state_of(host, self.name)
        seen = observed(self.name, state, "STOPPED")
        return replace(seen, state="done") if self.if_there and state == ABSENT else seen

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        answer = await run(host, "sc", "stop", self.name)
        evidence = Evidence(exit=answer.code, log=said(answer))
        if answer.code not in (0, NOT_STARTED):
            raise ActFailed(f"{self.name} could not be stopped: {meaning(answer.code)}", evidence)
        await settled(host, self.name, "STOPPED", self.patience)
        return evidence

    def undo(self, before: Observation) -> Action | None:
        if before.evidence.get("state") in ("RUNNING", "START_PENDING"):
            return StartService(self.name, self.patience)
        return None


@dataclass(frozen=True, slots=True)
class StartService(Base):
    """Start a service and wait until the service manager says that it runs."""

    outputs: ClassVar[tuple[str, ...]] = ("began",)

    name: str
    patience: int = PATIENCE

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        seen = observed(self.name, await state_of(host, self.name), "RUNNING")
        return Observation(seen.state, seen.because, seen.evidence, {"began": receipt.since})

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        answer = await run(host, "sc", "start", self.name)
        evidence = Evidence(exit=answer.code, log=said(answer), outputs={"began": receipt.since})
        if answer.code not in (0, IS_RUNNING):
            raise ActFailed(f"{self.name} could not be started: {meaning(answer.code)}", evidence)
        await settled(host, self.name, "RUNNING", self.patience)
        return evidence

    def undo(self, before: Observation) -> Action | None:
        if before.evidence.get("state") in ("STOPPED", "STOP_PENDING"):
            return StopService(self.name, self.patience)
        return None


@dataclass(frozen=True, slots=True)
class ServiceRunning(Check):
    """Check that a service runs."""

    lasting: ClassVar[bool] = True

    name: str

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        return observed(self.name, await state_of(host, self.name), "RUNNING")
