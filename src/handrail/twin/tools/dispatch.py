"""Which tool a command line means."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from handrail.twin import paths
from handrail.twin.machine import Machine
from handrail.twin.things import SqlInstance
from handrail.twin.tools import (
    answer_setup,
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
    wbadmin,
    wevtutil,
    wmic,
)
from handrail.twin.tools.options import not_rehearsed
from handrail.twin.tools.reply import Reply, complain

TOOLS: Mapping[str, Callable[[Machine, Sequence[str]], Reply]] = {
    "certutil": certutil.run,
    "cmd": cmd.run,
    "iisreset": iisreset.run,
    "msiexec": msiexec.run,
    "net": net.run,
    "osql": sqlcmd.run_osql,
    "powershell": powershell.run,
    "reg": reg.run,
    "robocopy": robocopy.run,
    "sc": sc.run,
    "schtasks": schtasks.run,
    "shutdown": shutdown.run,
    "sqlcmd": sqlcmd.run,
    "subst": subst.run,
    "wbadmin": wbadmin.run,
    "wevtutil": wevtutil.run,
    "wmic": wmic.run,
    "xcopy": robocopy.xcopy,
}
_SINCE_2008 = ("robocopy", "wbadmin", "wevtutil")
"""Tools that came with Windows Server 2008."""
_SYSTEM_FOLDERS = ("", "c:\\windows\\system32", "%systemroot%\\system32", "c:\\windows\\system32\\wbem")


def run(machine: Machine, argv: Sequence[str]) -> Reply:
    """Raises NotRehearsed for a command that the twin does not know."""
    program, arguments = argv[0], argv[1:]
    name = paths.name(program.replace("/", "\\")).lower().removesuffix(".exe")
    folder = paths.parent(program.replace("/", "\\")).lower()
    if name in TOOLS and folder in _SYSTEM_FOLDERS:
        return TOOLS[name](machine, arguments) if _is_there(machine, name) else _unknown(program)
    tool = declared.find(machine, program)
    if tool is not None:
        return declared.run(machine, tool, program, arguments)
    answering = answer_setup.find(machine, program)
    if answering is not None:
        return answer_setup.run(machine, answering, arguments)
    entry = setup.find(machine, program)
    if entry is not None:
        return setup.run(machine, entry, arguments)
    raise not_rehearsed(program, arguments)


def _is_there(machine: Machine, tool: str) -> bool:
    if tool in _SINCE_2008:
        return not machine.system.version.startswith("5.")
    if tool == "sqlcmd":
        # It came with SQL Server 2005: a host with older servers only has osql.
        versions = [one.version for one in machine.all(SqlInstance)]
        return not versions or any(int(one.partition(".")[0] or 0) >= 9 for one in versions)
    return True


def _unknown(program: str) -> Reply:
    return complain(
        1, f"'{program}' is not recognized as an internal or external command,", "operable program or batch file."
    )
