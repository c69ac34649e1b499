"""The lab itself: what every test on Wine leans on. Nothing here is about Windows, and little about Handrail."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import asyncssh
import pytest
from tests.lab.wine import build
from tests.lab.wine.packages import OLD, SYNC
from tests.support import wine
from tests.support.wine import WineMachine

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def machine() -> Iterator[WineMachine]:
    with wine.machine() as one:
        yield one


@contextlib.asynccontextmanager
async def connected(machine: WineMachine) -> AsyncIterator[asyncssh.SSHClientConnection]:
    line = machine.open_line()
    async with asyncssh.connect(
        "127.0.0.1", line.port, username=line.user, client_keys=[str(line.key)], known_hosts=str(line.known_hosts)
    ) as connection:
        yield connection


def test_every_empty_stub_of_wine_fails_and_is_found_out(machine: WineMachine) -> None:
    """Wine's own would end with 0 and do nothing."""
    lines = [f"{one} /handrail-lab" for one in (*build.STUBS, "powershell", "schtasks", "robocopy", "wmic", "wevtutil")]
    lines += ["sqlcmd -Q SELECT", "sc sdshow", "shutdown /s"]
    joined = " & ".join(f"{one} || echo refused" for one in lines)
    try:
        assert machine.run(joined).out.count("refused") == len(lines)
        assert len(machine.refused) == len(lines)
    finally:
        machine.path(r"C:\lab\refused.txt").unlink()


def test_a_test_that_meets_an_empty_stub_fails() -> None:
    with pytest.raises(AssertionError, match="findstr"), wine.machine(ssh=False) as one:
        one.run("findstr x y")
    with wine.machine(ssh=False, excused=["findstr"]) as one:
        one.run("findstr x y")


def test_exit_codes_have_32_bits_but_over_ssh_8(machine: WineMachine) -> None:
    assert machine.run("exit /b 1603").code == 1603
    assert machine.run("exit /b -1073741510").code == -1073741510

    async def over_ssh() -> int | None:
        async with connected(machine) as connection:
            return (await connection.run("exit /b 1603")).exit_status

    assert asyncio.run(over_ssh()) == 1603 & 0xFF


def test_a_line_reaches_cmd_with_its_quotes(machine: WineMachine) -> None:
    assert machine.must('echo "a b" & dir "C:\\Program Files" > nul').strip() == '"a b"'


def test_a_task_runs_on_when_its_line_has_ended(machine: WineMachine) -> None:
    """And a line ends though what it started goes on."""
    waits = ":again\r\nping -n 2 127.0.0.1 > nul\r\nif not exist C:\\go.txt goto again\r\n"
    machine.write(r"C:\job.cmd", f"@echo off\r\n{waits}echo done > C:\\job.txt\r\nexit /b 1612\r\n")

    async def over_ssh() -> None:
        async with connected(machine) as connection:
            for line in (
                r"schtasks /create /tn lab\job /tr C:\job.cmd /sc once /st 00:00 /f",
                r"schtasks /run /tn lab\job",
            ):
                assert (await connection.run(line)).exit_status == 0

    asyncio.run(over_ssh())
    query = r"schtasks /query /tn lab\job /fo csv /v /nh"
    assert '"Running"' in machine.must(query)
    assert not machine.path(r"C:\job.txt").exists()
    machine.write(r"C:\go.txt", "")
    _until(lambda: '"1612"' in machine.must(query))
    assert machine.read(r"C:\job.txt").strip() == b"done"


def test_a_task_that_is_ended_takes_what_it_started_along(machine: WineMachine) -> None:
    machine.write(r"C:\long.cmd", "@echo off\r\nhold C:\\lab\\boots.txt 60\r\n")
    machine.must(r"schtasks /create /tn lab\long /tr C:\long.cmd /sc once /st 00:00 /f & schtasks /run /tn lab\long")
    _until(lambda: _runs(machine, "hold"))
    machine.must(r"schtasks /end /tn lab\long")
    _until(lambda: not _runs(machine, "hold"))
    assert '"267014"' in machine.must(r"schtasks /query /tn lab\long /fo csv /v /nh")


def test_files_come_and_go_over_sftp_as_on_windows(machine: WineMachine) -> None:
    """Paths in any case, mapped drives too; a plain rename replaces nothing."""
    machine.must(r"mkdir C:\Media\Sub & subst M: C:\media")

    async def over_sftp() -> None:
        async with connected(machine) as connection, connection.start_sftp_client() as sftp:
            assert str(await sftp.realpath(".")).startswith("/C:/users/")
            async with sftp.open("/c:/MEDIA/sub/a.bin", "wb") as file:
                await file.write(b"x" * 300_000)
            assert (await sftp.stat("/M:/SUB/A.BIN")).size == 300_000
            async with sftp.open("/C:/media/b.bin", "wb") as file:
                await file.write(b"y")
            with pytest.raises(asyncssh.SFTPError):
                await sftp.rename("/C:/media/b.bin", "/C:/media/sub/a.bin")
            await sftp.posix_rename("/C:/media/b.bin", "/C:/media/sub/a.bin")
            assert await sftp.listdir("/C:/media/sub") == ["a.bin"]
            with pytest.raises(asyncssh.SFTPNoSuchFile):
                await sftp.stat("/Q:/nothing")

    asyncio.run(over_sftp())
    assert machine.must(r"type M:\Sub\a.bin") == "y"


def test_a_machine_restarts_when_it_is_told_to(machine: WineMachine) -> None:
    """Lines break, mapped drives are gone, the boot time is another one, the disk is the same."""
    asked = "wmic os get LastBootUpTime /value"
    before = machine.must(asked)
    machine.must(r"subst N: C:\windows")
    machine.must("shutdown /r /t 0")
    _until(lambda: machine.line is not None and machine.run(asked).out not in ("", before), 60)
    assert machine.run(r"dir N:\ ").code != 0
    assert "N:" not in machine.must("subst")


def test_packages_of_the_lab_are_what_they_say(machine: WineMachine) -> None:
    """Installed, patched and removed by Wine's Windows Installer; what counts is the file, not the exit code."""
    program = "C:\\Program Files\\" + "\\".join(SYNC.path) + "\\" + SYNC.programs[0]
    machine.bring(wine.package("sync"), r"C:\src")
    machine.bring(wine.patch("sync"), r"C:\good.msp")
    machine.bring(wine.patch("sync", wrong=True), r"C:\wrong.msp")
    patch = "msiexec /p C:\\{}.msp REINSTALL=ALL REINSTALLMODE=emus /qn"
    assert machine.run(patch.format("good")).code == 1605
    machine.must(rf'msiexec /i "C:\src\{SYNC.package}" /qn')
    assert machine.must(f'"{program}" version').strip() == OLD
    # Windows would end with 1642.
    assert machine.run(patch.format("wrong")).code == 0
    assert machine.must(f'"{program}" version').strip() == OLD
    machine.must(patch.format("good"))
    assert machine.must(f'"{program}" version').strip() != OLD
    machine.must(f"msiexec /x {SYNC.code} /qn")
    assert not machine.path(program).exists()


def test_no_copy_of_the_machine_changes_another(machine: WineMachine) -> None:
    """They share Wine's own files; nothing of the machine was written into the one they were copied from."""
    source = wine.base() / "prefix"
    shared = list((source / "drive_c" / "windows" / "system32").glob("*.dll"))[:50]
    assert all(one.samefile(machine.prefix / one.relative_to(source)) for one in shared)
    assert not _paths(source) & {"lab", "Media", "src", "good.msp"}


def _paths(prefix: Path) -> set[str]:
    return {one.name for one in (prefix / "drive_c").iterdir()}


def _runs(machine: WineMachine, program: str) -> bool:
    for one in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            name = (one / "comm").read_text().strip().removesuffix(".exe")
            if name == program and str(machine.prefix) in (one / "environ").read_text():
                return True
    return False


def _until(happens: Callable[[], bool], within: float = 30.0) -> None:
    end = time.monotonic() + within
    while not happens():
        assert time.monotonic() < end
        time.sleep(0.1)
