"""The event log of Windows, through `wevtutil`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from handrail.actions.base import Check, Undetermined
from handrail.actions.protocol import Observation, Receipt
from handrail.errors import BadInput
from handrail.hosts.protocol import Host
from handrail.probing.shell import complaint, decoded, run

LEVELS = {"critical": 1, "error": 2, "warning": 3}


def query(since: str, providers: tuple[str, ...], level: str) -> str:
    """XPath for events of a level or worse. `since` is ISO 8601 in UTC; providers must not contain quotes."""
    parts = []
    if providers:
        parts.append("Provider[" + " or ".join(f"@Name='{one}'" for one in providers) + "]")
    levels = " or ".join(f"Level={number}" for number in range(1, LEVELS[level] + 1))
    parts.append(f"({levels})")
    if since:
        parts.append(f"TimeCreated[@SystemTime>='{since}']")
    return "*[System[" + " and ".join(parts) + "]]"


@dataclass(frozen=True, slots=True)
class LogClean(Check):
    """Check that an event log holds nothing of a level or worse since a time (by default since this step was begun)."""

    log: str = "Application"
    providers: tuple[str, ...] = ()
    level: Literal["critical", "error", "warning"] = "error"
    since: str | None = None

    def __post_init__(self) -> None:
        for one in self.providers:
            if "'" in one or '"' in one:
                raise BadInput(f"service.log_clean: {one!r} is no name of a provider.")

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        since = _utc(self.since or receipt.since)
        answer = await run(
            host, "wevtutil", "qe", self.log, "/q:" + query(since, self.providers, self.level), "/f:text"
        )
        text = decoded(answer.out).strip()
        if answer.code != 0:
            raise Undetermined(f"the {self.log} log of {host.name} could not be read: {complaint(answer)}")
        count = len(re.findall(r"^Event\[", text, re.MULTILINE))
        evidence = {"log": self.log, "since": since, "events": count, "first": text[:2000]}
        if text:
            return Observation("not_done", f"{count or 'some'} events of level {self.level} since {since}", evidence)
        return Observation("done", f"nothing of level {self.level} since {since}", evidence)


def _utc(moment: str) -> str:
    """As the event log writes it: with Z for UTC."""
    return re.sub(r"\+00:?00$", "Z", moment)
