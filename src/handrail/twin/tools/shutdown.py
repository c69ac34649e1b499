"""`shutdown /r`: the machine restarts. `/a` has nothing left to stop, since a restart here happens at once."""

from __future__ import annotations

from collections.abc import Sequence

from handrail.twin.machine import Machine
from handrail.twin.mechanisms import booting
from handrail.twin.tools.options import not_rehearsed, split
from handrail.twin.tools.reply import Reply, complain

_NOT_SHUTTING_DOWN = 1116


def run(machine: Machine, arguments: Sequence[str]) -> Reply:
    words, options = split("shutdown", arguments, flags=("r", "f", "a"), takes=("t", "c", "d", "m"))
    if words or "m" in options:
        raise not_rehearsed("shutdown", arguments)
    if "a" in options:
        text = "Unable to abort the system shutdown because no shutdown was in progress.(1116)"
        return complain(_NOT_SHUTTING_DOWN, text)
    if "r" not in options:
        raise not_rehearsed("shutdown", arguments)
    booting.restart(machine, options.get("c", ""))
    return Reply()
