"""Backups of a Windows host's system state, as Windows Server Backup lists them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from handrail.hosts.protocol import Host
from handrail.probing.shell import MINUTES, Undetermined, decoded, run, said

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


async def listed(host: Host) -> list[Version]:
    """All backups. Raises `Undetermined` when none is named, or it cannot be told what they can recover."""
    answer = await run(host, "wbadmin", "get", "versions", timeout=10 * MINUTES)
    found = versions_in(decoded(answer.out)) if answer.code == 0 else []
    if not found:
        raise Undetermined(
            f"wbadmin on {host.name} names no backup (it ended with {answer.code}: {said(answer)}); if another "
            "program backs up the system state, look there"
        )
    if all(one.system_state is None for one in found):
        raise Undetermined(f"what the backups of {host.name} can recover is not understood: wbadmin get versions")
    return found
