"""Setup programs of software: an .exe that says what it installs. It needs to be told to ask nothing."""

from __future__ import annotations

from collections.abc import Sequence

from handrail.twin.machine import Machine
from handrail.twin.mechanisms import files, installer, software
from handrail.twin.things import Entry
from handrail.twin.tools.options import not_rehearsed
from handrail.twin.tools.reply import Reply

_QUIET = ("/q", "/quiet", "/qn", "/s", "/silent", "/verysilent", "-q", "-quiet", "--quiet")
_BUSY = 1618


def find(machine: Machine, program: str) -> Entry | None:
    """The setup program at a path."""
    entry = files.find(machine, program)
    return entry if entry is not None and "software" in entry.holds else None


def run(machine: Machine, entry: Entry, arguments: Sequence[str]) -> Reply:
    if not any(one.lower() in _QUIET for one in arguments):
        raise not_rehearsed(f"{entry.path} without a quiet switch, which asks questions,", arguments)
    if installer.busy(machine) is not None:
        return Reply(_BUSY)
    code = software.install(machine, str(entry.holds["software"]), str(entry.holds.get("version", "")))
    return Reply(code)
