"""Batch files, line by line. A restart ends the file where it stands."""

from __future__ import annotations

from handrail.twin import paths
from handrail.twin.machine import Machine
from handrail.twin.mechanisms import files
from handrail.twin.tools import cmd, commandline
from handrail.twin.tools.reply import Reply

KILLED = 1073807364
"""The result of a task whose machine went down under it."""


def run_file(machine: Machine, path: str) -> Reply:
    """The batch file at `path`, in `machine`'s session."""
    entry = files.find(machine, paths.clean(path))
    if entry is None or entry.folder:
        return Reply(2, "", "The system cannot find the file specified.\r\n")
    code = 0
    out = err = ""
    for line in files.content(entry).decode("utf-8", "replace").splitlines():
        machine.env["ERRORLEVEL"] = str(code)
        text = commandline.expand(line.strip().removeprefix("@"), machine.env)
        if not text or text.startswith(("::", ":")):
            continue
        boots = machine.system.boots
        reply = cmd.run_line(machine, text)
        code, out, err = reply.code, out + reply.out, err + reply.err
        if machine.system.boots != boots:
            return Reply(KILLED, out, err)
        if machine.left:
            machine.left = False
            break
    return Reply(code, out, err)
