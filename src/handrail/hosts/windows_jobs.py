"""Detached commands on Windows: a folder that says what happened, and a scheduled task that makes it happen.

    JOB\\job.cmd    what the task runs
    JOB\\out.txt    what the command printed, standard error included; there from the moment it began
    JOB\\exit.txt   its exit code, renamed into place after its end

The task runs as SYSTEM with highest rights: outside the memory quota of a remote shell, with a logon session that
Windows Installer accepts, and undisturbed when our line or we ourselves go down. It is deleted once its end was read;
the folder stays and is the receipt.
"""

from __future__ import annotations

import asyncio
import csv
import hashlib
import re

from handrail.errors import BadInput, FileMissing, HostError, HostUnreachable
from handrail.hosts import windows_line
from handrail.hosts.jobs import JobState
from handrail.hosts.protocol import Command, Exited, Host

ROOT = r"C:\ProgramData\Handrail"
JOBS = ROOT + r"\jobs"

NOT_YET_RUN = 267011
"""SCHED_S_TASK_HAS_NOT_RUN: the last result of a task that was never started."""
RUNNING_NOW = 267009
"""SCHED_S_TASK_RUNNING."""
QUEUED = 267045
"""SCHED_S_TASK_QUEUED."""

_LAST_RESULT = 6
"""Its column in `schtasks /query /v /fo csv`. Localised Windows translates column names and keeps their order."""

OTHER_STARTER = 3.0
"""Seconds that a second starter leaves the first between making the folder and starting the task."""


def safe_name(name: str, longest: int = 100) -> str:
    """A receipt's name as one path component: readable, and different for different names."""
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return re.sub(r"[^A-Za-z0-9._]+", "-", name)[-longest:].strip("-.") + "-" + digest


def folder(job: str) -> str:
    return JOBS + "\\" + safe_name(job)


def task(job: str) -> str:
    return "Handrail\\" + safe_name(job)


def script(job: str, command: Command) -> bytes:
    """The text of job.cmd. BadInput when the command needs what a job cannot give: input, secrets, an environment."""
    if command.stdin or command.secrets or command.env:
        raise BadInput(f"{command.argv[0]} cannot run as a job: jobs get no input, secrets or environment.")
    line = windows_line.for_batch(command.argv)
    here = folder(job)
    lines = [
        "@echo off",
        *(['cd /d "' + command.cwd.replace("%", "%%") + '"'] if command.cwd else []),
        f'{line} > "{here}\\out.txt" 2>&1',
        # With no blank before the arrow, cmd takes a one-digit code for the number of a handle and writes nothing.
        f'echo %ERRORLEVEL% > "{here}\\exit.tmp"',
        f'move /y "{here}\\exit.tmp" "{here}\\exit.txt" > nul',
    ]
    if not all(one.isascii() for one in lines):
        lines[0] = "@echo off & chcp 65001 > nul"
    return "".join(one + "\r\n" for one in lines).encode()


async def start_or_attach(host: Host, job: str, command: Command) -> None:
    """Start `command` as `job`, unless it was started already. Raises HostUnreachable when the host fell silent (asking
    again is safe) and HostError when Windows refused."""
    text = script(job, command)
    here = folder(job)
    made = await _execute(host, "cmd", "/c", "mkdir", here)
    if made.code != 0 and await _started_by_another(host, job):
        return
    await host.write(here + "\\job.cmd", text)
    name = task(job)
    create = ("/create", "/tn", name, "/tr", here + "\\job.cmd", "/sc", "once", "/st", "00:00")
    await _schtasks(host, *create, "/ru", "SYSTEM", "/rl", "HIGHEST", "/f")
    await _schtasks(host, "/run", "/tn", name)


async def poll(host: Host, job: str) -> JobState:
    """How the job stands. Raises HostUnreachable when the host did not answer."""
    ended = await _ended(host, job)
    if ended is None:
        result = await _last_result(host, job)
        out = await _read(host, folder(job) + "\\out.txt")
        if result in (RUNNING_NOW, QUEUED):
            return JobState("running", out=out or b"")
        if out is None and result in (None, NOT_YET_RUN):
            return JobState("absent")
        ended = await _ended(host, job) or JobState("dead_unknown", out=out or b"")
    await _execute(host, "schtasks", "/delete", "/tn", task(job), "/f")
    return ended


async def _ended(host: Host, job: str) -> JobState | None:
    code = await _read(host, folder(job) + "\\exit.txt")
    if code is None:
        return None
    out = await _read(host, folder(job) + "\\out.txt") or b""
    text = code.decode("ascii", "replace").strip()
    if not re.fullmatch(r"-?[0-9]{1,10}", text):
        return JobState("dead_unknown", out=out)
    return JobState("exited", int(text), out)


async def _started_by_another(host: Host, job: str) -> bool:
    """The folder was there. Either its task was started, or whoever made it is just about to, or died before."""
    for _ in range(3):
        if (await poll(host, job)).state != "absent":
            return True
        await asyncio.sleep(OTHER_STARTER / 3)
    return False


async def _last_result(host: Host, job: str) -> int | None:
    """None when there is no such task."""
    answer = await _execute(host, "schtasks", "/query", "/tn", task(job), "/fo", "csv", "/v", "/nh")
    if answer.code != 0:
        return None
    for row in csv.reader(answer.text.replace("\0", "").splitlines()):
        if len(row) > _LAST_RESULT and re.fullmatch(r"-?[0-9]{1,10}", row[_LAST_RESULT].strip()):
            return int(row[_LAST_RESULT])
    raise HostError(f"{host.name}: schtasks /query says nothing that is understood about {task(job)}.")


async def _schtasks(host: Host, *arguments: str) -> None:
    answer = await _execute(host, "schtasks", *arguments)
    if answer.code != 0:
        because = " ".join((answer.text + " " + answer.error_text).split()) or f"exit code {answer.code}"
        raise HostError(
            f"{host.name}: schtasks {arguments[0]} was refused: {because}.",
            "The account that Handrail uses there must be a local administrator.",
        )


async def _execute(host: Host, *argv: str) -> Exited:
    outcome = await host.execute(Command(argv, timeout=60.0))
    if not isinstance(outcome, Exited):
        raise HostUnreachable(f"{host.name} did not answer to {argv[0]}.", "Ask again: handrail resume.")
    return outcome


async def _read(host: Host, path: str) -> bytes | None:
    try:
        return await host.read(path)
    except FileMissing:
        return None
