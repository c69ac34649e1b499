"""`schtasks`: tasks that run a batch file in the operating system's own session, at once and to their end."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from html import unescape

from handrail.twin import paths
from handrail.twin.machine import Machine
from handrail.twin.mechanisms import files
from handrail.twin.things import SYSTEM, Task
from handrail.twin.tools.options import not_rehearsed, split
from handrail.twin.tools.reply import Reply, complain, say

_TAKES = ("tn", "tr", "xml", "sc", "st", "sd", "ru", "rp", "rl", "fo", "mo")
_FLAGS = ("create", "run", "query", "delete", "end", "f", "v", "nh")
_READY = "Ready"


def run(machine: Machine, arguments: Sequence[str]) -> Reply:
    words, options = split("schtasks", arguments, flags=_FLAGS, takes=_TAKES)
    verbs = [one for one in ("create", "run", "query", "delete", "end") if one in options]
    if words or len(verbs) != 1:
        raise not_rehearsed("schtasks", arguments)
    name = options.get("tn", "").strip("\\")
    if verbs == ["create"]:
        return _create(machine, name, options, arguments)
    task = machine.get(Task, name) if name else None
    if verbs == ["query"]:
        return _query(machine, name, task, options, arguments)
    if task is None:
        return complain(1, f'ERROR: The specified task name "{name}" does not exist in the system.')
    if verbs == ["run"]:
        return _run(machine, task)
    if verbs == ["delete"]:
        machine.drop(Task, name)
        machine.did("task", f"task {name} deleted")
        return say(0, f'SUCCESS: The scheduled task "{name}" was successfully deleted.')
    return say(0, f'SUCCESS: The scheduled task "{name}" has been terminated successfully.')


def _create(machine: Machine, name: str, options: dict[str, str], arguments: Sequence[str]) -> Reply:
    if "xml" in options and name:
        return _create_from(machine, name, options, arguments)
    if not name or "tr" not in options or options.get("sc", "").lower() not in ("once", "onstart"):
        raise not_rehearsed("schtasks", arguments)
    user = options.get("ru", machine.user)
    if user.upper() not in (SYSTEM, "NT AUTHORITY\\SYSTEM"):
        raise not_rehearsed("schtasks", arguments)
    if machine.get(Task, name) is not None and "f" not in options:
        return complain(1, f'ERROR: The task "{name}" already exists.')
    register(machine, name, options["tr"], SYSTEM)
    warning = ""
    if options.get("st") in ("00:00", "00:00:00"):
        warning = "WARNING: The task may not run because /ST is earlier than current time.\r\n"
    return Reply(0, f'{warning}SUCCESS: The scheduled task "{name}" has successfully been created.\r\n')


def _create_from(machine: Machine, name: str, options: dict[str, str], arguments: Sequence[str]) -> Reply:
    """A task from a file. Windows reads UTF-16 with a mark; Windows Server 2003 knows no such thing."""
    if machine.system.version.startswith("5."):
        return complain(1, 'ERROR: Invalid argument/option - "/xml".', 'Type "SCHTASKS /CREATE /?" for usage.')
    entry = files.find(machine, options["xml"])
    if entry is None:
        return complain(1, "ERROR: The system cannot find the file specified.")
    text = files.content(entry).decode("utf-16", "replace")
    found = {tag: re.search(rf"<{tag}>([^<]*)</{tag}>", text) for tag in ("Command", "UserId")}
    command, user = found["Command"], found["UserId"]
    if command is None or user is None or user[1] != "S-1-5-18":
        raise not_rehearsed("schtasks", arguments)
    if machine.get(Task, name) is not None and "f" not in options:
        return complain(1, f'ERROR: The task "{name}" already exists.')
    register(machine, name, unescape(command[1]), SYSTEM)
    return say(0, f'SUCCESS: The scheduled task "{name}" has successfully been created.')


def register(machine: Machine, name: str, command: str, user: str) -> None:
    machine.put(name, Task(name, command, user))
    machine.did("task", f"task {name} created")


def _run(machine: Machine, task: Task) -> Reply:
    from handrail.twin.tools import batch

    machine.did("task", f"task {task.name} started")
    inner = machine.as_system()
    inner.user = task.user
    inner.job = paths.parent(paths.clean(task.command))
    result = batch.run_file(inner, task.command)
    machine.put(task.name, replace(task, result=result.code, runs=task.runs + 1))
    return say(0, f'SUCCESS: Attempted to run the scheduled task "{task.name}".')


def _query(machine: Machine, name: str, task: Task | None, options: dict[str, str], arguments: Sequence[str]) -> Reply:
    if name and task is None:
        return complain(1, "ERROR: The system cannot find the file specified.")
    tasks = [task] if task else machine.all(Task)
    form = options.get("fo", "table").lower()
    if form == "csv" and "v" in options:
        header = [] if "nh" in options else [_csv(_COLUMNS)]
        return say(0, *header, *(_csv(_verbose(machine, one)) for one in tasks))
    if form == "csv":
        header = [] if "nh" in options else ['"TaskName","Next Run Time","Status"']
        return say(0, *header, *(_csv(("\\" + one.name, "N/A", _READY)) for one in tasks))
    if form == "list" and "nh" not in options:
        lines = []
        for one in tasks:
            pairs = zip(_COLUMNS, _verbose(machine, one), strict=True)
            lines += ["", *(f"{column + ':':<38}{value}" for column, value in pairs)]
        return say(0, *lines)
    raise not_rehearsed("schtasks", arguments)


_COLUMNS = (
    "HostName", "TaskName", "Next Run Time", "Status", "Logon Mode", "Last Run Time", "Last Result", "Author",
    "Task To Run", "Start In", "Comment", "Scheduled Task State", "Idle Time", "Power Management", "Run As User",
    "Delete Task If Not Rescheduled", "Stop Task If Runs X Hours and X Mins",
)  # fmt: skip


def _verbose(machine: Machine, task: Task) -> tuple[str, ...]:
    last = "11/30/1999 12:00:00 AM" if task.runs == 0 else machine.context.now().strftime("%m/%d/%Y %I:%M:%S %p")
    return (
        machine.name.upper(), "\\" + task.name, "N/A", _READY, "Interactive/Background", last, str(task.result), "N/A",
        task.command, "N/A", "N/A", "Enabled", "Disabled", "Stop On Battery Mode, No Start On Batteries", task.user,
        "Disabled", "72:00:00",
    )  # fmt: skip


def _csv(values: Sequence[str]) -> str:
    return ",".join(f'"{one}"' for one in values)
