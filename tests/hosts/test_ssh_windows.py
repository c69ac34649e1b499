"""A Windows reached over SSH: what goes over the line, and what an answer means. The peer is a pretend one; what a real
Windows does with such a line is said by the conformance suite on Wine and by nobody else here."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncssh
import pytest
from asyncssh.packet import UInt32
from tests.support.ssh_peers import peer
from tests.support.sshd import QUICK, Sshd

from handrail.errors import BadInput, FileMissing
from handrail.hosts.protocol import Command, Exited, Lost, TimedOut
from handrail.hosts.ssh import SshHost
from handrail.hosts.ssh_files import sftp_path
from handrail.hosts.ssh_way import way_to
from handrail.hosts.ssh_windows import line_of
from handrail.model.estate import Connect
from handrail.model.estate import Host as EstateHost

Process = asyncssh.SSHServerProcess[bytes]


@pytest.mark.parametrize(
    ("command", "line"),
    [
        (Command(("sc", "query", "a b")), 'sc query "a b"'),
        (Command(("sc", "query"), cwd="C:\\a b"), 'cd /d "C:\\a b" && sc query'),
        (Command(("sc", "query"), env={"A": "b c"}), 'set "A=b c" && sc query'),
    ],
)
def test_a_command_is_one_line_for_cmd(command: Command, line: str) -> None:
    assert line_of(command) == line


@pytest.mark.parametrize(
    "command",
    [
        Command(("x",), env={"A": "hunter2!"}, secrets=("hunter2!",)),
        Command(("x",), env={"A": "100%"}),
        Command(("x",), env={"A&B": "x"}),
        Command(("x\n",)),
    ],
)
def test_what_would_show_a_secret_or_be_read_otherwise_is_refused(command: Command) -> None:
    with pytest.raises(BadInput):
        line_of(command)


@pytest.mark.parametrize(
    ("path", "there"), [("C:\\a\\b.txt", "/C:/a/b.txt"), ("c:/a", "/c:/a"), ("relative\\b", "relative/b")]
)
def test_paths_are_spelled_as_the_file_server_wants_them(path: str, there: str) -> None:
    assert sftp_path(path, windows=True) == there
    assert sftp_path("/a\\b", windows=False) == "/a\\b"
    with pytest.raises(BadInput, match="share"):
        sftp_path("\\\\server\\share\\x", windows=True)


def on_a_peer(
    tmp_path: Path, handler: Callable[[Process], Awaitable[None] | None], ask: Callable[[SshHost], Awaitable[None]]
) -> None:
    async def run() -> None:
        async with peer(tmp_path, handler=handler) as port:
            connect = Connect(
                via="ssh", address="127.0.0.1", port=port, user="upgrade", password="env:P", agent=False,
                known_hosts=str(tmp_path / "known_hosts"),
            )  # fmt: skip
            hosts = {"sync01": EstateHost("sync01", os="windows-server-2022", connect=connect)}
            host = SshHost("sync01", way_to("sync01", hosts), lambda _: "open sesame", windows=True, patience=QUICK)
            try:
                await ask(host)
            finally:
                await host.close()

    asyncio.run(run())


@pytest.mark.real
def test_an_exit_code_has_thirty_two_bits_and_output_may_be_anything(tmp_path: Path) -> None:
    seen: list[str] = []

    async def handler(process: Process) -> None:
        seen.append(process.command or "")
        given = await process.stdin.read()
        process.stdout.write(b"\xff\x00" + given)
        process.stderr.write(b"err")
        # A server of asyncssh would cut the code down to eight bits, as its client does.
        process.channel._send_request(b"exit-status", UInt32(0xC0000005))
        process.close()

    async def ask(host: SshHost) -> None:
        command = Command(("setup.exe", "/x", "a&b"), stdin=b"given", timeout=10)
        assert await host.execute(command) == Exited(0xC0000005, b"\xff\x00given", b"err")

    on_a_peer(tmp_path, handler, ask)
    assert seen == ['setup.exe /x "a&b"']


@pytest.mark.real
def test_an_end_without_an_exit_code_is_lost(tmp_path: Path) -> None:
    def handler(process: Process) -> None:
        process.stdout.write(b"half")
        process.close()

    async def ask(host: SshHost) -> None:
        assert isinstance(await host.execute(Command(("x",), timeout=10)), Lost)

    on_a_peer(tmp_path, handler, ask)


@pytest.mark.real
def test_a_command_that_hangs_is_told_to_end(tmp_path: Path) -> None:
    told: list[str] = []

    async def handler(process: Process) -> None:
        try:
            await process.stdin.read()
            await asyncio.sleep(60)
        except (asyncssh.TerminalSizeChanged, asyncssh.SignalReceived) as signal:
            told.append(str(getattr(signal, "signal", signal)))
            raise

    async def ask(host: SshHost) -> None:
        assert await host.execute(Command(("x",), timeout=0.3)) == TimedOut(0.3)
        await asyncio.sleep(0.1)

    on_a_peer(tmp_path, handler, ask)


@pytest.mark.real
def test_files_are_whole_without_any_tool_on_the_host(server: Sshd, tmp_path: Path) -> None:
    """Over the file server of a real sshd alone: brought, read back, compared, renamed."""

    async def ask() -> None:
        hosts = {"w": EstateHost("w", os="windows-server-2022", connect=server.connect())}
        host = SshHost("w", way_to("w", hosts), lambda _: "", windows=True, patience=QUICK)
        path = str(tmp_path / "new folder" / "file")
        for data in (b"one" * 100_000, b"two"):
            await host.write(path, data)
            assert await host.read(path) == data
        await host.get(path, tmp_path / "copy")
        assert (tmp_path / "copy").read_bytes() == b"two"
        assert [one.name for one in (tmp_path / "new folder").iterdir()] == ["file"]
        with pytest.raises(FileMissing):
            await host.read(path + ".none")
        with pytest.raises(FileMissing):
            await host.execute(Command(("x",), cwd=str(tmp_path / "gone")))
        await host.close()

    asyncio.run(ask())
