"""Detached commands on Windows: begun once, found again, and their end told truly."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support import virtual_time
from tests.support.scripted_host import ScriptedHost

from handrail.errors import BadInput, HostError, HostUnreachable
from handrail.hosts import detached, windows_jobs, windows_line
from handrail.hosts.protocol import Command, Exited, Lost

JOB = "20261120-1/identity/sync@sync01/2016-sp3/patch/1"
HERE = windows_jobs.folder(JOB)
TASK = windows_jobs.task(JOB)
QUERY = f"schtasks /query /tn {TASK} /fo csv /v /nh"
CREATE = f"schtasks /create /tn {TASK} /tr {HERE}\\job.cmd /sc once /st 00:00 /ru SYSTEM /rl HIGHEST /f"
RUN = f"schtasks /run /tn {TASK}"
DELETE = f"schtasks /delete /tn {TASK} /f"
MKDIR = f"cmd /c mkdir {HERE}"
PATCH = Command(("msiexec", "/p", "E:\\Sync Service\\a.msp", "REINSTALL=ALL", "/qn"), cwd="E:\\Sync Service")


def status(result: int) -> str:
    return f'"SYNC01","\\{TASK}","N/A","Ready","Interactive/Background","11/20/2026 22:00:00","{result}","N/A"\n'


def test_job_cmd_is_what_windows_needs() -> None:
    assert windows_jobs.script(JOB, PATCH).decode().split("\r\n") == [
        "@echo off",
        'cd /d "E:\\Sync Service"',
        f'msiexec /p "E:\\Sync Service\\a.msp" REINSTALL=ALL /qn > "{HERE}\\out.txt" 2>&1',
        f'echo %ERRORLEVEL% > "{HERE}\\exit.tmp"',
        f'move /y "{HERE}\\exit.tmp" "{HERE}\\exit.txt" > nul',
        "",
    ]


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
    [Command(("x",), secrets=("hunter2",)), Command(("x",), stdin=b"hunter2"), Command(("x",), env={"A": "b"})],
)
def test_a_secret_never_gets_into_job_cmd(command: Command) -> None:
    with pytest.raises(BadInput):
        windows_jobs.script(JOB, command)


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
        (status(0), {"out.txt": b""}, "dead_unknown"),
        (status(-1073741510), {"out.txt": b""}, "dead_unknown"),
        (1, {"out.txt": b""}, "dead_unknown"),
        (status(1), {}, "dead_unknown"),
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

    refused = ScriptedHost({MKDIR: 0, CREATE: Exited(1, b"", b"ERROR: Access is denied.")})
    with pytest.raises(HostError, match="Access is denied"):
        virtual_time.run(windows_jobs.start_or_attach(refused, JOB, PATCH))
