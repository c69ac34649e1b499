"""Detached commands on Windows: a folder that says what happened, and a scheduled task that makes it happen.

    JOB\\job.cmd    what the task runs
    JOB\\running    a folder that it makes first: who finds it there already goes away again, so nothing runs twice
    JOB\\out.txt    what the command printed, standard error included; there from the moment it began
    JOB\\exit.txt   its exit code, renamed into place after its end

All of it is for the system and administrators alone. The task runs as SYSTEM with highest rights: outside the memory
quota of a remote shell, with a logon session that Windows Installer accepts, and undisturbed when our line or we
ourselves go down. SYSTEM is the machine's account on the network; where a command needs another there
(`connect.jobs: user`), the task runs as that one. The task is deleted once its end was read; the folder stays and is
the receipt, until `prune`.

Windows Server 2003 knows no tasks as XML: there the task is made with what its schtasks can say, without highest rights
(it has none) and with the time limit that it has by itself (72 hours).
"""

from __future__ import annotations

import asyncio
import base64
import csv
import hashlib
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from html import escape
from typing import Protocol, runtime_checkable

from handrail.errors import BadInput, FileMissing, HostError, HostUnreachable
from handrail.hosts import powershell, windows_files, windows_line
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

OUTPUT_LIMIT = windows_files.PART
"""Bytes of a job's output that we fetch, from its end."""

_TASK = """<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo><Description>{about}</Description></RegistrationInfo>
  <Triggers />
  <Principals><Principal id="Author">{principal}<RunLevel>HighestAvailable</RunLevel></Principal></Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <AllowStartOnDemand>true</AllowStartOnDemand>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <Priority>5</Priority>
  </Settings>
  <Actions Context="Author"><Exec><Command>{command}</Command></Exec></Actions>
</Task>
"""
# Left to themselves, tasks do not start on battery, are stopped after 72 hours, and have their disk traffic throttled.


@dataclass(frozen=True, slots=True)
class JobAccount:
    """Whom jobs of a host run as instead of SYSTEM. The account needs the right to log on as a batch job."""

    user: str
    password: str = field(repr=False)


@runtime_checkable
class HasJobAccount(Protocol):
    """A host that says whom its jobs run as; None is SYSTEM."""

    def job_account(self) -> JobAccount | None: ...


def safe_name(name: str, longest: int = 100) -> str:
    """A receipt's name as one path component: readable, and different for different names."""
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return re.sub(r"[^A-Za-z0-9._]+", "-", name)[-longest:].strip("-.") + "-" + digest


def folder(job: str) -> str:
    return JOBS + "\\" + safe_name(job)


def task(job: str) -> str:
    return _task_of(safe_name(job))


def _task_of(folder_name: str) -> str:
    # Not in a folder of tasks: Windows Server 2003 has none.
    return "Handrail-" + folder_name


def script(job: str, command: Command) -> bytes:
    """The text of job.cmd. BadInput when it cannot be said in a batch file, or would show a secret."""
    if any(secret and secret in one for secret in command.secrets for one in (*command.argv, command.cwd or "")):
        raise BadInput(f"{command.argv[0]} cannot run as a job with a secret on its command line.")
    line = windows_line.for_batch(command.argv)
    if re.search(r"\.(bat|cmd)$", command.argv[0], re.IGNORECASE):
        if re.search(r"[%^]", line):
            raise BadInput(f"{command.argv[0]} is a batch file; % and ^ cannot be handed to it.")
        line = "call " + line  # otherwise ours would end with it
    here = folder(job)
    out = f'> "{here}\\out.txt" 2>&1'
    if command.cwd:
        line = f'cd /d "{_in_batch(command.cwd)}" {out} && {line}'
    lines = [
        "@echo off",
        f'mkdir "{here}\\running" 2> nul',
        "if errorlevel 1 exit /b",
        *([f'call "{here}\\env.cmd"', f'del /q "{here}\\env.cmd"'] if command.env else []),
        f"{line} {out}" + (f' < "{here}\\in.bin"' if command.stdin else " < nul"),
        # With no blank before the arrow, cmd takes a one-digit code for the number of a handle and writes nothing.
        f'echo %ERRORLEVEL% > "{here}\\exit.tmp"',
        *([f'del /q "{here}\\in.bin"'] if command.stdin else []),
        f'move /y "{here}\\exit.tmp" "{here}\\exit.txt" > nul',
    ]
    return _batch(lines)


def variables(command: Command) -> bytes:
    """The text of env.cmd, which job.cmd deletes as soon as it has read it. BadInput for what cannot be said there."""
    for name, value in command.env.items():
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_()]*", name) or re.search(r'["\r\n\0]', value):
            raise BadInput(f"{name} cannot be put into the environment of a Windows command.")
    return _batch(["@echo off", *(f'set "{name}={_in_batch(value)}"' for name, value in command.env.items())])


def task_xml(job: str, account: JobAccount | None = None) -> str:
    """The task as Windows Vista and later read it."""
    principal = "<UserId>S-1-5-18</UserId>"
    if account is not None:
        principal = f"<UserId>{escape(account.user, quote=False)}</UserId><LogonType>Password</LogonType>"
    command = escape(folder(job) + "\\job.cmd", quote=False)
    return _TASK.format(about=escape(f"Handrail: {job}", quote=False), principal=principal, command=command)


async def start_or_attach(host: Host, job: str, command: Command) -> None:
    """Start `command` as `job`, unless it was started already. Raises HostUnreachable when the host fell silent (asking
    again is safe) and HostError when Windows refused."""
    text = script(job, command)
    given = {"env.cmd": variables(command) if command.env else b"", "in.bin": command.stdin}
    here = folder(job)
    await _own_folders(host)
    made = await _execute(host, "cmd", "/c", "mkdir", here)
    if made.code != 0 and await _started_by_another(host, job):
        return
    await host.write(here + "\\job.cmd", text)
    try:
        for name, data in given.items():
            if data:
                await host.write(f"{here}\\{name}", data)
        await _create_task(host, job)
        await _schtasks(host, "/run", "/tn", task(job))
    except HostError as error:
        if not isinstance(error, HostUnreachable):
            for name in (one for one, data in given.items() if data):
                await _execute(host, "cmd", "/c", "del", "/q", f"{here}\\{name}")
        raise


async def poll(host: Host, job: str) -> JobState:
    """How the job stands; its output once it has ended. Raises HostUnreachable when the host did not answer, and
    HostError when its task could not begin."""
    ended = await _ended(host, job)
    if ended is None:
        result = await _last_result(host, job)
        if result in (RUNNING_NOW, QUEUED):
            return JobState("running")
        begun = (await _execute(host, "cmd", "/c", "dir", "/b", folder(job) + "\\running")).code == 0
        if not begun and result in (None, NOT_YET_RUN):
            return JobState("absent")
        ended = await _ended(host, job)
        if ended is None and not begun:
            # Once the task is gone too, the job counts as never started, and may be.
            await _execute(host, "schtasks", "/delete", "/tn", task(job), "/f")
            raise _never_begun(host, job, result or 0)
        ended = ended or JobState("dead_unknown", out=await output(host, job))
    await _execute(host, "schtasks", "/delete", "/tn", task(job), "/f")
    return ended


async def output(host: Host, job: str, offset: int | None = None) -> bytes:
    """What the job printed: from `offset` on as much as one command carries, or (None) the end of it."""
    try:
        part = await output_part(host, job, offset or 0, OUTPUT_LIMIT)
        if offset is None and part.size > OUTPUT_LIMIT:
            part = await output_part(host, job, part.size - OUTPUT_LIMIT, OUTPUT_LIMIT)
    except FileMissing:
        return b""
    return part.data


async def output_part(
    host: Host, job: str, offset: int, most: int, within: float = windows_files.WITHIN
) -> windows_files.Part:
    """At most `most` bytes of what the job has printed so far. FileMissing when it has not begun."""
    return await windows_files.read_part(host, folder(job) + "\\out.txt", offset, most, within)


def asks_for_output(words: Sequence[str]) -> bool:
    """Whether a reviewed script, by its name and arguments, reads what a job has printed."""
    if len(words) != 4 or words[0] != "read-part":
        return False
    return words[1].startswith(JOBS) and words[1].endswith("\\out.txt")


def is_about_a_job(words: Sequence[str]) -> bool:
    """Whether a command line, or a script with its arguments, only looks after a job: its folder, its task."""
    return any(one.startswith((JOBS, "Handrail-")) for one in words[1:])


async def prune(host: Host, keep: Collection[str], older_than: float) -> list[str]:
    """Delete the folders and tasks of jobs that ended and were not touched for `older_than` seconds, except those of
    the jobs in `keep`. The names of the folders that went."""
    answer = await host.execute(powershell.command("list-jobs", JOBS))
    if not isinstance(answer, Exited):
        raise HostUnreachable(f"{host.name} did not answer when its old jobs were to be listed.")
    kept = {safe_name(one) for one in keep}
    gone = []
    for line in answer.text.lstrip("\ufeff").splitlines() if answer.code == 0 else ():
        found = re.fullmatch(r"(-?[0-9]{1,12})\|([01])\|([A-Za-z0-9._-]+)", line.strip())
        if found and found[2] == "1" and int(found[1]) >= older_than and found[3] not in kept:
            await _execute(host, "schtasks", "/delete", "/tn", _task_of(found[3]), "/f")
            await _execute(host, "cmd", "/c", "rmdir", "/s", "/q", f"{JOBS}\\{found[3]}")
            gone.append(found[3])
    return gone


async def _own_folders(host: Host) -> None:
    answer = await host.execute(powershell.command("own-folders", ROOT, JOBS, timeout=60.0))
    if not isinstance(answer, Exited):
        raise HostUnreachable(f"{host.name} did not answer when {JOBS} was to be made.", windows_files.AGAIN)
    if answer.code == powershell.FOREIGN:
        which = answer.text.strip().partition("|")[0] or ROOT
        raise HostError(
            f"{host.name}: {which} belongs to somebody else, or leads elsewhere.",
            "What runs there runs as the system. Look who made it, and delete it.",
        )
    if answer.code != 0:
        because = " ".join(answer.error_text.split())[:300] or f"exit code {answer.code}"
        raise HostError(f"{host.name}: {JOBS} could not be made for administrators alone: {because}.", _ADMINISTRATOR)


_ADMINISTRATOR = "The account that Handrail uses there must be a local administrator."


async def _create_task(host: Host, job: str) -> None:
    account = _account_of(host)
    if account is not None:
        fed = b"\r\n".join(base64.b64encode(one.encode()) for one in (task_xml(job, account), account.password, ""))
        command = powershell.command("register-task", task(job), account.user, timeout=60.0, stdin=fed)
        command = replace(command, secrets=(account.password,))
        answer = await host.execute(command)
        if not isinstance(answer, Exited):
            raise HostUnreachable(f"{host.name} did not answer when a task was to be made.", windows_files.AGAIN)
        if answer.code != 0:
            because = " ".join(answer.error_text.split())[:300] or f"exit code {answer.code}"
            raise HostError(
                f"{host.name}: a task for {account.user} was refused: {because}.",
                f"Look at its password, and whether {account.user} may log on as a batch job there.",
            )
        return
    here = folder(job)
    await host.write(here + "\\task.xml", task_xml(job).encode("utf-16"))
    made = await _execute(host, "schtasks", "/create", "/tn", task(job), "/xml", here + "\\task.xml", "/f")
    if made.code != 0:
        old = ("/tr", here + "\\job.cmd", "/sc", "once", "/st", "00:00:00", "/ru", "SYSTEM")
        tried = await _execute(host, "schtasks", "/create", "/tn", task(job), *old)
        if tried.code != 0:
            raise _refused(host, "/create", made)


def _account_of(host: Host) -> JobAccount | None:
    """Hosts are wrapped on their way to a step; what they wrap they call `behind`."""
    one: object = host
    while one is not None and not isinstance(one, HasJobAccount):
        one = getattr(one, "behind", None)
    return one.job_account() if one is not None else None


async def _ended(host: Host, job: str) -> JobState | None:
    code = await _execute(host, "cmd", "/c", "type", folder(job) + "\\exit.txt")
    if code.code != 0:
        return None
    out = await output(host, job)
    text = code.text.strip()
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


def _never_begun(host: Host, job: str, result: int) -> HostError:
    return HostError(
        f"{host.name}: the task {task(job)} ended with {result} (0x{result % 2**32:08X}) before its command began.",
        "Look at its history in the task scheduler; an account needs the right to log on as a batch job.",
    )


async def _schtasks(host: Host, *arguments: str) -> None:
    answer = await _execute(host, "schtasks", *arguments)
    if answer.code != 0:
        raise _refused(host, arguments[0], answer)


def _refused(host: Host, what: str, answer: Exited) -> HostError:
    because = " ".join((answer.text + " " + answer.error_text).split()) or f"exit code {answer.code}"
    return HostError(f"{host.name}: schtasks {what} was refused: {because}.", _ADMINISTRATOR)


async def _execute(host: Host, *argv: str) -> Exited:
    outcome = await host.execute(Command(argv, timeout=60.0))
    if not isinstance(outcome, Exited):
        raise HostUnreachable(f"{host.name} did not answer to {argv[0]}.", windows_files.AGAIN)
    return outcome


def _in_batch(text: str) -> str:
    return text.replace("%", "%%")


def _batch(lines: list[str]) -> bytes:
    if not all(one.isascii() for one in lines):
        lines = ["@echo off & chcp 65001 > nul", *lines[1:]]
    return "".join(one + "\r\n" for one in lines).encode()
