"""Services of a Windows host: how they stand, and as whom they run."""

from __future__ import annotations

import re
from collections.abc import Mapping

from handrail.hosts.protocol import Host
from handrail.probing.shell import Undetermined, run, said

STATES: Mapping[int, str] = {
    1: "STOPPED",
    2: "START_PENDING",
    3: "STOP_PENDING",
    4: "RUNNING",
    5: "CONTINUE_PENDING",
    6: "PAUSE_PENDING",
    7: "PAUSED",
}
ABSENT = "ABSENT"
NO_SUCH_SERVICE = 1060


def state_in(text: str) -> str | None:
    """The state that `sc query` printed; None when there is none. The words beside the number are never translated,
    the line's label is."""
    for found in re.finditer(r"^[^:\n]*:\s*([1-7])\s+([A-Z_]+)", text, re.MULTILINE):
        if STATES[int(found[1])] == found[2]:
            return found[2]
    return None


async def state_of(host: Host, name: str) -> str:
    """One of STATES, or ABSENT. Raises `Undetermined`."""
    answer = await run(host, "sc", "query", name)
    if answer.code == NO_SUCH_SERVICE:
        return ABSENT
    state = state_in(answer.text) if answer.code == 0 else None
    if state is None:
        raise Undetermined(f"sc query {name} on {host.name} ended with {answer.code}: {said(answer) or 'no text'}")
    return state
