"""`subst`: a drive letter for a folder, in the logon session that asks."""

from __future__ import annotations

import re
from collections.abc import Sequence

from handrail.twin import paths
from handrail.twin.machine import Machine
from handrail.twin.mechanisms import drives, files
from handrail.twin.things import Drive
from handrail.twin.tools.reply import Reply, say


def run(machine: Machine, arguments: Sequence[str]) -> Reply:
    if not arguments:
        return say(0, *(f"{one.letter}\\: => {one.folder}" for one in drives.visible(machine)))
    letter = arguments[0].upper()
    if not re.fullmatch("[A-Z]:", letter) or len(arguments) != 2:
        return say(1, f"Invalid parameter - {arguments[-1]}")
    if arguments[1].lower() == "/d":
        own = machine.get(Drive, f"{machine.session}|{letter}") if machine.session else None
        if own is None:
            return say(1, f"Invalid parameter - {letter}")
        drives.release(machine, own)
        return Reply()
    folder = machine.path(arguments[1])
    if drives.mapped(machine, letter) is not None:
        return say(1, "Drive already SUBSTed")
    if drives.volume(machine, letter) is not None:
        return say(1, f"Invalid parameter - {letter}")
    if not files.is_folder(machine, folder):
        return say(1, f"Path not found - {arguments[1]}")
    drives.substitute(machine, letter, paths.clean(folder))
    return Reply()
