"""Waiting for what an earlier run left behind at work."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import ClassVar

from handrail.actions.base import Check, Undetermined
from handrail.actions.protocol import Observation, Receipt
from handrail.hosts import detached
from handrail.hosts.protocol import Host

HOURS = 3600


@dataclass(frozen=True, slots=True)
class JobEnded(Check):
    """Wait until a long command that a run had started is no longer at work, whatever came of it."""

    platforms: ClassVar[tuple[str, ...]] = ("windows", "linux")

    job: str
    patience: int = 4 * HOURS

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        clock = asyncio.get_running_loop().time
        end, pause = clock() + self.patience, 0.5
        while True:
            state = await detached.poll(host, self.job)
            if state.state != "running":
                return Observation("done", f"nothing of {self.job} is at work ({state.state})", {"state": state.state})
            if clock() >= end:
                raise Undetermined(f"{self.job} is still at work on {host.name}; see what it waits for, or end it")
            await asyncio.sleep(pause)
            pause = min(pause * 2, 30.0)
