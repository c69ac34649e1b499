"""Which tool a command line means."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from handrail.twin import paths
from handrail.twin.machine import Machine
from handrail.twin.tools import (
    certutil,
    cmd,
    declared,
    iisreset,
    msiexec,
    net,
    powershell,
    reg,
    robocopy,
    sc,
    schtasks,
    setup,
    shutdown,
    sqlcmd,
    subst,
    wevtutil,
    wmic,
)
from handrail.twin.tools.options import not_rehearsed
from handrail.twin.tools.reply import Reply

TOOLS: Mapping[str, Callable[[Machine, Sequence[str]], Reply]] = {
    "certutil": certutil.run,
    "cmd": cmd.run,
    "iisreset": iisreset.run,
    "msiexec": msiexec.run,
    "net": net.run,
    "powershell": powershell.run,
    "reg": reg.run,
    "robocopy": robocopy.run,
    "sc": sc.run,
    "schtasks": schtasks.run,
    "shutdown": shutdown.run,
    "sqlcmd": sqlcmd.run,
    "subst": subst.run,
    "wevtutil": wevtutil.run,
    "wmic": wmic.run,
}
_SYSTEM_FOLDERS = ("", "c:\\windows\\system32", "%systemroot%\\system32", "c:\\windows\\system32\\wbem")


def run(machine: Machine, argv: Sequence[str]) -> Reply:
    """Raises NotRehearsed for a command that the twin does not know."""
    program, arguments = argv[0], argv[1:]
    name = paths.name(program.replace("/", "\\")).lower().removesuffix(".exe")
    folder = paths.parent(program.replace("/", "\\")).lower()
    if name in TOOLS and folder in _SYSTEM_FOLDERS:
        return TOOLS[name](machine, arguments)
    tool = declared.find(machine, program)
    if tool is not None:
        return declared.run(machine, tool, program, arguments)
    entry = setup.find(machine, program)
    if entry is not None:
        return setup.run(machine, entry, arguments)
    raise not_rehearsed(program, arguments)
