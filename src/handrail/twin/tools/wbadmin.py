"""`wbadmin`: Windows Server Backup, as far as the system state goes. A host on which nobody installed it has none."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from handrail.twin.machine import Machine
from handrail.twin.things import SystemBackup
from handrail.twin.tools.options import not_rehearsed
from handrail.twin.tools.reply import Reply, say

_HEAD = ("wbadmin 1.0 - Backup command-line tool", "(C) Copyright Microsoft Corporation. All rights reserved.", "")
_SHOWN = "%m/%d/%Y %I:%M %p"
_NAMED = "%m/%d/%Y-%H:%M"


def run(machine: Machine, arguments: Sequence[str]) -> Reply:
    words = [one.lower() for one in arguments]
    if words == ["get", "versions"]:
        return _versions(machine)
    if words[:2] == ["start", "systemstatebackup"] and "-quiet" in words:
        return _start(machine, next((one[14:] for one in arguments if one.lower().startswith("-backuptarget:")), ""))
    raise not_rehearsed("wbadmin", arguments)


def state(machine: Machine, age_days: object) -> None:
    """As an estate states it: its newest backup is so many days old; no number, and there is none."""
    if isinstance(age_days, (int, float)) and not isinstance(age_days, bool):
        made = machine.context.now() - timedelta(days=float(age_days))
        machine.put("000001", SystemBackup(made.strftime(_NAMED), "E:"))


def _versions(machine: Machine) -> Reply:
    listed = machine.all(SystemBackup)
    if not listed:
        return say(-3, *_HEAD, "ERROR - No backup was found.")
    lines = []
    for one in listed:
        lines += [
            f"Backup time: {one.identifier[:10]} {one.identifier[11:]}",
            f"Backup target: Fixed Disk labeled Backup({one.target})",
            f"Version identifier: {one.identifier}",
            "Can recover: Volume(s), File(s), Application(s), System State",
            "",
        ]
    return say(0, *_HEAD, *lines)


def _start(machine: Machine, target: str) -> Reply:
    if not target:
        return say(-1, *_HEAD, "ERROR - Command syntax incorrect.")
    made = machine.context.now()
    number = len(machine.all(SystemBackup)) + 1
    machine.put(f"{number:06}", SystemBackup(made.strftime(_NAMED), target))
    machine.did("backup", f"system state backed up to {target}")
    return say(0, *_HEAD, f"The backup of the system state successfully completed [{made.strftime(_SHOWN)}].")
