"""Backups of the system state, made by whoever is in charge of the host: is there one, and how old is it?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from handrail.actions.base import Check
from handrail.actions.protocol import Observation, Receipt
from handrail.hosts.protocol import Host
from handrail.probing.backups import listed


@dataclass(frozen=True, slots=True)
class SystemState(Check):
    """Check that the newest backup of the host's system state is younger than so many hours."""

    outputs: ClassVar[tuple[str, ...]] = ("identifier", "made_at", "age_hours")

    hours: int = 168

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        found = await listed(host)
        fit = [one for one in found if one.system_state]
        if not fit:
            return Observation("not_done", f"no backup of {host.name} holds its system state", {"backups": len(found)})
        newest = max(fit, key=lambda one: one.made)
        age = _moment(receipt.since) - newest.made
        outputs: dict[str, Any] = {
            "identifier": newest.identifier,
            "made_at": newest.made.isoformat(),
            "age_hours": int(age / timedelta(hours=1)),
        }
        because = f"the newest system state backup of {host.name} is {outputs['age_hours']} hours old"
        holds = age < timedelta(hours=self.hours)
        return Observation("done" if holds else "not_done", because, outputs, outputs)


def _moment(since: str) -> datetime:
    try:
        return datetime.fromisoformat(since)
    except ValueError:
        return datetime.now(UTC)
