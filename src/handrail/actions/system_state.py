"""Backups of the system state, made by whoever is in charge of the host: is there one, and how old is it?"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from handrail.actions.base import Check, Undetermined
from handrail.actions.protocol import Observation, Receipt
from handrail.hosts.protocol import Host
from handrail.probing.shell import MINUTES, decoded, run, said

_IDENTIFIER = re.compile(r"\b(\d{2}/\d{2}/\d{4}-\d{2}:\d{2})\b")
_STATE, _LABEL = "system state", "can recover"


@dataclass(frozen=True, slots=True)
class Version:
    """One backup: when it was made (UTC), by its identifier, which is never translated, and whether it can bring back
    the system state (None: it says so in a language that we do not read)."""

    identifier: str
    made: datetime
    system_state: bool | None


def versions_in(text: str) -> list[Version]:
    """What `wbadmin get versions` listed."""
    found = []
    for block in re.split(r"\r?\n[ \t]*\r?\n", text):
        named = _IDENTIFIER.search(block)
        if named:
            try:
                made = datetime.strptime(named[1], "%m/%d/%Y-%H:%M").replace(tzinfo=UTC)
            except ValueError:
                continue
            low = block.casefold()
            has = True if _STATE in low else (False if _LABEL in low else None)
            found.append(Version(named[1], made, has))
    return found


@dataclass(frozen=True, slots=True)
class SystemState(Check):
    """Check that the newest backup of the host's system state is younger than so many hours."""

    outputs: ClassVar[tuple[str, ...]] = ("identifier", "made_at", "age_hours")

    hours: int = 168

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        answer = await run(host, "wbadmin", "get", "versions", timeout=10 * MINUTES)
        listed = versions_in(decoded(answer.out)) if answer.code == 0 else []
        if not listed:
            raise Undetermined(
                f"wbadmin on {host.name} names no backup (it ended with {answer.code}: {said(answer)}); if another "
                "program backs up the system state, look there"
            )
        if all(one.system_state is None for one in listed):
            raise Undetermined(f"what the backups of {host.name} can recover is not understood: wbadmin get versions")
        fit = [one for one in listed if one.system_state]
        if not fit:
            return Observation("not_done", f"no backup of {host.name} holds its system state", {"backups": len(listed)})
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
