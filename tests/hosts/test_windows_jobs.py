"""Detached commands on Windows: begun once, found again, and their end told truly."""

from __future__ import annotations

import asyncio
import base64
import itertools
import xml.etree.ElementTree as ET
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support import virtual_time
from tests.support.scripted_host import ScriptedHost

from handrail.errors import BadInput, HostError, HostUnreachable
from handrail.hosts import detached, powershell, windows_jobs, windows_line, windows_tail
from handrail.hosts.opening import open_host
from handrail.hosts.protocol import Command, Exited, Lost
from handrail.model.estate import Connect
from handrail.model.estate import Host as EstateHost
from handrail.running.quiet import QuietHost

JOB = "20261120-1/identity/sync@sync01/2016-sp3/patch/1"
HERE = windows_jobs.folder(JOB)
TASK = windows_jobs.task(JOB)
QUERY = f"schtasks /query /tn {TASK} /fo csv /v /nh"
CREATE = f"schtasks /create /tn {TASK} /xml {HERE}\\task.xml /f"
CREATE_2003 = f"schtasks /create /tn {TASK} /tr {HERE}\\job.cmd /sc once /st 00:00:00 /ru SYSTEM"
RUN = f"schtasks /run /tn {TASK}"
DELETE = f"schtasks /delete /tn {TASK} /f"
MKDIR = f"cmd /c mkdir {HERE}"
PATCH = Command(("msiexec", "/p", "E:\\Sync Service\\a.msp", "REINSTALL=ALL", "/qn"), cwd="E:\\Sync Service")


def status(result: int) -> str:
    return f'"SYNC01","\\{TASK}","N/A","Ready","Interactive/Background","11/20/2026 22:00:00","{result}","N/A"\n'


def test_job_cmd_is_what_windows_needs() -> None:
    out = f'> "{HERE}\\out.txt" 2>&1'
    assert windows_jobs.script(JOB, PATCH).decode().split("\r\n") == [
        "@echo off",
        f'mkdir "{HERE}\\running" 2> nul',
        "if errorlevel 1 exit /b",
        f'cd /d "E:\\Sync Service" {out} && msiexec /p "E:\\Sync Service\\a.msp" REINSTALL=ALL /qn {out} < nul',
        f'echo %ERRORLEVEL% > "{HERE}\\exit.tmp"',
        f'move /y "{HERE}\\exit.tmp" "{HERE}\\exit.txt" > nul',
        "",
    ]


def test_the_task_waits_for_nothing_and_is_stopped_by_nothing() -> None:
    """Left to itself a task does not start on battery, is stopped after 72 hours, and goes slowly to the disk."""
    task = ET.fromstring(windows_jobs.task_xml("a & <b>").replace(' encoding="UTF-16"', ""))
    said = {one.tag.rpartition("}")[2]: one.text for one in task.iter()}

    assert said["UserId"] == "S-1-5-18" and said["RunLevel"] == "HighestAvailable"
    assert said["DisallowStartIfOnBatteries"] == said["StopIfGoingOnBatteries"] == "false"
    assert said["ExecutionTimeLimit"] == "PT0S" and said["Priority"] == "5"
    assert said["MultipleInstancesPolicy"] == "IgnoreNew"
    assert said["Description"] == "Handrail: a & <b>"
    assert said["Command"] == windows_jobs.folder("a & <b>") + "\\job.cmd"


def test_a_batch_file_is_called_so_that_ours_goes_on_after_it() -> None:
    assert b'\r\ncall "C:\\a b\\x.cmd" /q > ' in windows_jobs.script(JOB, Command(("C:\\a b\\x.cmd", "/q")))
    with pytest.raises(BadInput):
        windows_jobs.script(JOB, Command(("C:\\x.bat", "50%")))


@pytest.mark.parametrize(
    ("argument", "written"),
    [
        ("/qn", "/qn"),
        ("C:\\a b\\c.msi", '"C:\\a b\\c.msi"'),
        ("INSTALLDIR=C:\\a b", 'INSTALLDIR="C:\\a b"'),
        ("EMPTY=", 'EMPTY=""'),
        ("a&b", '"a&b"'),
        ("100%", "100%%"),
        ("", '""'),
        ("E:", "E:"),
    ],
)
def test_arguments_reach_the_program_as_they_were_meant(argument: str, written: str) -> None:
    assert windows_line.for_batch(("x", argument)) == "x " + written


@pytest.mark.parametrize("argument", ['a"b', "a\nb", "a\rb"])
def test_what_a_command_line_cannot_hold_is_refused(argument: str) -> None:
    with pytest.raises(BadInput):
        windows_line.for_batch(("x", argument))


@pytest.mark.parametrize(
    "command",
    [
        Command(("x", "-p", "hunter2"), secrets=("hunter2",)),
        Command(("x", "PASSWORD=hunter2"), secrets=("hunter2",)),
        Command(("x",), env={"A": 'b"c'}),
        Command(("x",), env={"A": "b\nc"}),
        Command(("x",), env={"A&B": "c"}),
    ],
)
def test_what_would_show_a_secret_or_break_out_is_refused(command: Command) -> None:
    with pytest.raises(BadInput):
        windows_jobs.script(JOB, command)
        windows_jobs.variables(command)


def test_input_and_variables_of_a_job_go_through_files_that_it_deletes() -> None:
    command = Command(("x",), stdin=b"hunter2", env={"PGPASSWORD": "50%hunter2"}, secrets=("hunter2", "50%hunter2"))
    host = ScriptedHost({MKDIR: 0, CREATE: 0, RUN: 0})

    virtual_time.run(windows_jobs.start_or_attach(host, JOB, command))

    assert b"hunter2" not in host.files[f"{HERE}\\job.cmd"]
    assert host.files[f"{HERE}\\in.bin"] == b"hunter2"
    assert host.files[f"{HERE}\\env.cmd"] == b'@echo off\r\nset "PGPASSWORD=50%%hunter2"\r\n'
    lines = host.files[f"{HERE}\\job.cmd"].decode().splitlines()
    assert lines[3:6] == [
        f'call "{HERE}\\env.cmd"',
        f'del /q "{HERE}\\env.cmd"',
        f'x > "{HERE}\\out.txt" 2>&1 < "{HERE}\\in.bin"',
    ]
    assert f'del /q "{HERE}\\in.bin"' in lines


def test_secrets_do_not_stay_behind_when_the_task_is_refused() -> None:
    command = Command(("x",), env={"A": "hunter2"}, secrets=("hunter2",))
    gone = f"cmd /c del /q {HERE}\\env.cmd"
    host = ScriptedHost({MKDIR: 0, CREATE: 1, CREATE_2003: Exited(1, b"", b"Access is denied."), gone: 0})

    with pytest.raises(HostError, match="refused"):
        virtual_time.run(windows_jobs.start_or_attach(host, JOB, command))

    assert host.commands[-1] == gone


def test_windows_server_2003_gets_the_task_that_its_schtasks_can_make() -> None:
    host = ScriptedHost({MKDIR: 0, CREATE: 1, CREATE_2003: 0, RUN: 0})

    virtual_time.run(windows_jobs.start_or_attach(host, JOB, PATCH))

    assert host.commands == [MKDIR, CREATE, CREATE_2003, RUN]


def test_a_folder_of_somebody_else_is_not_used() -> None:
    """Whoever made it could have put jobs into it that would run as the system, or look as if they had run."""
    own = f"script own-folders {windows_jobs.ROOT} {windows_jobs.JOBS}"
    host = ScriptedHost({own: Exited(5, f"{windows_jobs.ROOT}|S-1-5-21-1\r\n".encode())})

    with pytest.raises(HostError, match="belongs to somebody else"):
        virtual_time.run(windows_jobs.start_or_attach(host, JOB, PATCH))

    assert host.commands == [own] and not host.files


class AsSomebody(ScriptedHost):
    def job_account(self) -> windows_jobs.JobAccount:
        return windows_jobs.JobAccount("CONTOSO\\upgrade", "hunter2")


def test_the_password_of_a_named_account_stands_in_no_command_and_no_file() -> None:
    register = f"script register-task {TASK} CONTOSO\\upgrade"
    host = AsSomebody({MKDIR: 0, register: 0, RUN: 0})

    virtual_time.run(windows_jobs.start_or_attach(QuietHost(host, lambda _: False), JOB, PATCH))

    assert host.commands == [MKDIR, register, RUN], "the account is found behind what a host is wrapped in, too"
    xml, password = (base64.b64decode(one).decode() for one in host.stdin[-1].splitlines()[:2])
    assert "<UserId>CONTOSO\\upgrade</UserId><LogonType>Password</LogonType>" in xml and password == "hunter2"
    assert not any(b"hunter2" in one for one in host.files.values())


@pytest.mark.parametrize("via", ["ssh", "winrm"])
def test_the_estate_says_whom_jobs_run_as(via: Literal["ssh", "winrm"]) -> None:
    def account(**more: Any) -> windows_jobs.JobAccount | None:
        connect = Connect(via, user="upgrade", password="env:P", **more)
        host = open_host(
            "sync01", {"sync01": EstateHost("sync01", os="windows-server-2022", connect=connect)}, str.upper
        )
        assert isinstance(host, windows_jobs.HasJobAccount)
        return host.job_account()

    assert account() is account(jobs="system") is None
    assert account(jobs="user") == windows_jobs.JobAccount("upgrade", "ENV:P")
    assert "ENV:P" not in repr(account(jobs="user"))
    with pytest.raises(BadInput, match="`jobs: user` needs"):
        open_host("a", {"a": EstateHost("a", connect=Connect(via, user="upgrade", key="k", jobs="user"))}, str)


def test_an_account_that_may_not_log_on_is_told_and_the_job_counts_as_never_started() -> None:
    host = ScriptedHost({QUERY: [status(-2147023570), 1], DELETE: 0})

    with pytest.raises(HostError, match="0x8007052E"):
        virtual_time.run(windows_jobs.poll(host, JOB))

    assert virtual_time.run(windows_jobs.poll(host, JOB)).state == "absent"


def test_old_jobs_are_cleared_away_and_those_that_are_kept_or_running_stay() -> None:
    names = [windows_jobs.safe_name(one) for one in ("old", "kept", "young", "running")]
    listed = "".join(
        f"{age}|{ended}|{name}\n" for name, age, ended in zip(names, (90, 90, 10, 90), (1, 1, 1, 0), strict=True)
    )
    gone = f"cmd /c rmdir /s /q {windows_jobs.JOBS}\\{names[0]}"
    task = f"schtasks /delete /tn Handrail-{names[0]} /f"
    host = ScriptedHost({f"script list-jobs {windows_jobs.JOBS}": listed, gone: 0, task: 1})

    assert virtual_time.run(windows_jobs.prune(host, ["kept"], 60)) == names[:1]
    assert host.commands[1:] == [task, gone]


def test_a_path_beyond_ascii_is_announced_to_cmd() -> None:
    text = windows_jobs.script(JOB, Command(("C:\\Größe\\setup.exe",)))

    assert text.startswith(b"@echo off & chcp 65001 > nul\r\n")
    assert "C:\\Größe\\setup.exe".encode() in text


@given(st.text(min_size=1, max_size=300), st.text(min_size=1, max_size=300))
def test_different_jobs_have_different_safe_names(one: str, other: str) -> None:
    name = windows_jobs.safe_name(one)

    assert (name == windows_jobs.safe_name(other)) == (one == other)
    assert len(name) <= 120 and not set(name) & set('\\/:*?"<>| ')


def test_a_job_is_started_once_and_its_exit_code_is_its_own() -> None:
    line = 'msiexec /p "E:\\Sync Service\\a.msp" REINSTALL=ALL /qn'
    host = ScriptedHost(jobs={line: Exited(1603, b"out")})

    first = virtual_time.run(detached.run(host, JOB, PATCH))
    again = virtual_time.run(detached.poll(host, JOB))

    assert first == again
    assert (first.state, first.code, first.out) == ("exited", 1603, b"out")
    assert host.commands.count("job: " + line) == 1
    assert host.commands[:3] == [MKDIR, CREATE, RUN]


def test_of_a_long_output_the_end_is_fetched() -> None:
    text = b"x" * windows_jobs.OUTPUT_LIMIT + b"the end"
    host = ScriptedHost({DELETE: 0}, {f"{HERE}\\exit.txt": b"0", f"{HERE}\\out.txt": text})

    assert virtual_time.run(detached.poll(host, JOB)).out == text[-windows_jobs.OUTPUT_LIMIT :]
    assert virtual_time.run(windows_jobs.output(host, JOB, len(text) - 3)) == b"end"


def working(grown: bytes, seconds: int) -> tuple[ScriptedHost, list[float]]:
    """A host on which the job is at work for so long and prints `grown` every second; when its output was looked at."""
    host = ScriptedHost({MKDIR: 1, QUERY: status(windows_jobs.RUNNING_NOW), DELETE: 0})
    real, looked = host.execute, list[float]()

    async def execute(command: Command) -> Any:
        now = asyncio.get_running_loop().time()
        host.files[f"{HERE}\\out.txt"] = b"begun\n" + grown * int(now)
        if now >= seconds:
            host.files[f"{HERE}\\exit.txt"] = b"0"
        known = powershell.recognise(command.argv)
        if known and windows_tail.is_look((known[0], *known[1])):
            looked.append(now)
        return await real(command)

    host.execute = execute  # type: ignore[method-assign]
    return host, looked


def test_what_prints_is_read_while_it_is_at_work_and_what_does_not_more_and_more_seldom() -> None:
    for grown, most, fewest in ((b"line\n", 23, 14), (b"", 6, 3)):
        host, looked = working(grown, 95)
        state = virtual_time.run(detached.run(host, JOB, PATCH, 600))

        assert (state.state, state.code) == ("exited", 0) and state.out == b"begun\n" + grown * 95
        assert fewest <= len(looked) <= most
        assert looked[0] >= windows_tail.SOON, "most commands have ended by then"


def test_a_command_that_ends_soon_is_not_looked_at_in_between() -> None:
    host, looked = working(b"line\n", 3)

    assert virtual_time.run(detached.run(host, JOB, PATCH)).state == "exited"
    assert not looked


def test_of_what_prints_much_the_end_is_read_and_enough_before_it() -> None:
    host, looked = working(b"x" * 99 + b"\n", 95)
    host.files["much"] = b""
    parts: list[tuple[int, int]] = []
    real = windows_jobs.output_part

    async def output_part(*arguments: Any) -> Any:
        part = await real(*arguments)
        parts.append((arguments[2], part.size))
        return part

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(windows_jobs, "output_part", output_part)
        patched.setattr(windows_tail, "BEFORE", 500)
        patched.setattr(windows_tail, "MOST", 1000)
        virtual_time.run(detached.run(host, JOB, PATCH, 600))

    between = parts[: len(looked)]
    assert all(size - offset <= 1000 for (offset, size) in between[1:])
    assert all(then[0] <= before[1] - 500 for before, then in itertools.pairwise(between))


def test_a_look_that_fails_changes_nothing_about_the_job() -> None:
    host, _ = working(b"line\n", 20)
    real = host.execute

    async def execute(command: Command) -> Any:
        known = powershell.recognise(command.argv)
        if known and windows_tail.is_look((known[0], *known[1])):
            return Lost("gone")
        return await real(command)

    host.execute = execute  # type: ignore[method-assign]

    assert virtual_time.run(detached.run(host, JOB, PATCH)).code == 0


def test_a_second_starter_finds_the_first() -> None:
    host = ScriptedHost({MKDIR: 1, QUERY: status(windows_jobs.RUNNING_NOW)})

    virtual_time.run(detached.start_or_attach(host, JOB, PATCH))

    assert RUN not in host.commands


def test_a_starter_that_died_before_the_start_is_taken_over_from() -> None:
    """The folder is there, and after a while there is still no task: nothing was begun, so we begin it."""
    host = ScriptedHost({MKDIR: 1, QUERY: 1, CREATE: 0, RUN: 0})

    virtual_time.run(detached.start_or_attach(host, JOB, PATCH))

    assert host.commands[-2:] == [CREATE, RUN]
    assert f"{HERE}\\job.cmd" in host.files


@pytest.mark.parametrize(
    ("task", "files", "state"),
    [
        (1, {}, "absent"),
        (status(windows_jobs.NOT_YET_RUN), {}, "absent"),
        (status(windows_jobs.RUNNING_NOW), {}, "running"),
        (status(windows_jobs.RUNNING_NOW), {"out.txt": b""}, "running"),
        (status(windows_jobs.QUEUED), {}, "running"),
        (status(0), {"running": b"", "out.txt": b""}, "dead_unknown"),
        (status(-1073741510), {"running": b"", "out.txt": b""}, "dead_unknown"),
        (1, {"running": b"", "out.txt": b""}, "dead_unknown"),
        (status(1), {"running": b""}, "dead_unknown"),
        (status(0), {"exit.txt": b"0\r\n"}, "exited"),
        (1, {"exit.txt": b"3010\r\n", "out.txt": b""}, "exited"),
        (1, {"exit.txt": b"\r\n", "out.txt": b""}, "dead_unknown"),
    ],
)
def test_how_a_job_stands_is_read_from_its_files_and_its_task(
    task: str | int, files: dict[str, bytes], state: str
) -> None:
    host = ScriptedHost({QUERY: task, DELETE: 0}, {f"{HERE}\\{name}": data for name, data in files.items()})

    assert virtual_time.run(detached.poll(host, JOB)).state == state


def test_a_task_is_deleted_only_after_its_end_was_read() -> None:
    running = ScriptedHost({QUERY: status(windows_jobs.RUNNING_NOW)})
    ended = ScriptedHost({DELETE: 0}, {f"{HERE}\\exit.txt": b"0"})

    virtual_time.run(detached.poll(running, JOB))
    virtual_time.run(detached.poll(ended, JOB))

    assert DELETE not in running.commands
    assert DELETE in ended.commands


def test_a_job_that_ends_between_two_looks_is_not_called_dead() -> None:
    """`exit.txt` may come into being after we looked for it and before we asked the scheduler."""
    host = ScriptedHost({DELETE: 0})
    real = host.execute

    async def execute(command: Command) -> Exited:
        if command.argv[1] == "/query":
            host.files[f"{HERE}\\exit.txt"] = b"0"
            return Exited(0, status(0).encode())
        outcome = await real(command)
        assert isinstance(outcome, Exited)
        return outcome

    host.execute = execute  # type: ignore[method-assign]

    assert virtual_time.run(detached.poll(host, JOB)).code == 0


def test_a_silent_host_says_so_and_a_refusal_is_told_apart() -> None:
    with pytest.raises(HostUnreachable):
        virtual_time.run(windows_jobs.start_or_attach(ScriptedHost(otherwise=Lost("gone")), JOB, PATCH))

    refused = ScriptedHost({MKDIR: 0, CREATE: Exited(1, b"", b"ERROR: Access is denied."), CREATE_2003: 1})
    with pytest.raises(HostError, match="Access is denied"):
        virtual_time.run(windows_jobs.start_or_attach(refused, JOB, PATCH))
