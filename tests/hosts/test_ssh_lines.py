"""Lines that fail: cut at any byte, frozen, killed. What is said is true, nothing is half, and nothing hangs."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.ssh_peers import Relay, relay
from tests.support.sshd import QUICK, Sshd, sshd

from handrail.errors import FileMissing, HostError, HostUnreachable
from handrail.hosts.protocol import Command, Exited, Lost, TimedOut
from handrail.hosts.ssh import SshHost

pytestmark = pytest.mark.real
MEGABYTE = 1024 * 1024


def shell(script: str, timeout: float = 30.0, **more: object) -> Command:
    return Command(("sh", "-c", script), timeout=timeout, **more)  # type: ignore[arg-type]


async def until(holds: Callable[[], bool]) -> None:
    for _ in range(500):
        if holds():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it never came to hold")


async def sweep(
    server: Sshd,
    tmp_path: Path,
    budgets: Callable[[int], list[int]],
    one: Callable[[SshHost, Relay, int], Awaitable[None]],
) -> None:
    """`one` for each budget, on a line that stands and is cut when so many bytes have passed. The budgets are made from
    how many it takes."""
    async with relay(server.port) as between:
        known = tmp_path / "known_hosts"
        known.write_text(server.known_hosts.read_text().replace(str(server.port), str(between.listening)))
        host = server.host(port=between.listening, known_hosts=str(known))
        await host.execute(Command(("true",)))
        await host.read("/proc/version")
        between.arm(10**9)
        await one(host, between, 10**9)
        for budget in budgets(between.took):
            between.arm(None)
            await host.execute(Command(("true",)))
            await host.read("/proc/version")
            between.arm(budget)
            async with asyncio.timeout(20):
                await one(host, between, budget)
            between.arm(None)
        await host.close()


def test_a_command_whose_line_is_cut_at_any_byte_is_never_a_success_it_was_not(server: Sshd, tmp_path: Path) -> None:
    """Its traces: none when nothing was begun, one when it ended, none or one when it is lost; never two. And input is
    given to it whole or not at all."""
    seen: set[str] = set()

    async def one(host: SshHost, between: Relay, budget: int) -> None:
        trace, copy = tmp_path / f"trace{budget}", tmp_path / f"copy{budget}"
        data = bytes(range(256)) * 3
        command = shell(f"cat > {copy}.new; mv {copy}.new {copy}; echo x >> {trace}; printf whole", stdin=data)
        try:
            outcome = await host.execute(command)
        except HostUnreachable:
            outcome = None
        between.took = between.passed
        between.arm(None)
        again = await host.execute(Command(("true",)))  # after which nothing of it runs any more
        assert again == Exited(0)
        traces = trace.read_text() if trace.exists() else ""
        if isinstance(outcome, Exited):
            assert (outcome, traces) == (Exited(0, b"whole"), "x\n")
        elif outcome is None:
            assert traces == ""
        else:
            assert isinstance(outcome, Lost) and traces in ("", "x\n")
        assert not copy.exists() or copy.read_bytes() == data
        seen.add(type(outcome).__name__ + str(len(traces)))

    asyncio.run(
        sweep(
            server, tmp_path, lambda took: [0, 40, *range(100, took, took // 8), took - 160, took - 100, took - 40], one
        )
    )
    assert {"Lost0", "Lost2", "Exited2"} <= seen, "the sweep has missed a case"


@pytest.mark.parametrize("how", ["write", "put"])
def test_a_file_whose_line_is_cut_at_any_byte_is_the_old_one_or_the_new_one(
    server: Sshd, tmp_path: Path, how: str
) -> None:
    """Never half of it, and nothing is left beside it once the host was reached again."""
    seen: set[tuple[bool, bool]] = set()
    old, new = b"old " * 1000, os.urandom(40_000)
    (tmp_path / "source").write_bytes(new)

    async def one(host: SshHost, between: Relay, budget: int) -> None:
        folder = Path(tempfile.mkdtemp(dir=tmp_path))
        target = folder / "file"
        target.write_bytes(old)
        said = True
        try:
            if how == "write":
                await host.write(str(target), new)
            else:
                await host.put(tmp_path / "source", str(target))
        except HostUnreachable:
            said = False
        between.took = between.passed
        between.arm(None)
        await host.execute(Command(("true",)))
        content = target.read_bytes()
        assert content in (old, new), "half a file was taken for a whole one"
        assert content == new or not said, "success was invented"
        await host.read(str(target))
        assert [path.name for path in folder.iterdir()] == ["file"]
        seen.add((said, content == new))

    size = len(new)

    def budgets(took: int) -> list[int]:
        late = [*range(size, took, (took - size) // 8), took - 60]
        return [60, 300, size // 2, *late] if how == "write" else [300, size // 2, *late[::3]]

    asyncio.run(sweep(server, tmp_path, budgets, one))
    assert {(False, False), (True, True)} <= seen


def test_a_fetched_file_whose_line_is_cut_is_not_there(server: Sshd, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(os.urandom(MEGABYTE))

    async def one(host: SshHost, between: Relay, budget: int) -> None:
        target = tmp_path / f"target{budget}"
        if budget == 10**9:
            await host.get(str(source), target)
            between.took = between.passed
            return
        with pytest.raises(HostUnreachable):
            await host.get(str(source), target)
        assert [path for path in tmp_path.iterdir() if path.name.startswith(target.name)] == []

    asyncio.run(sweep(server, tmp_path, lambda took: [0, 300, took // 2, took - 2000], one))


def test_an_sshd_killed_in_the_middle_of_a_command_loses_it_and_the_command_is_ended(tmp_path: Path) -> None:
    """No exit code is made up, what was printed is no answer, and what is asked next meets nothing that still runs."""

    async def one(own: Sshd) -> None:
        host = own.host()
        await host.execute(Command(("true",)))
        asking = asyncio.create_task(host.execute(shell(f"echo $$ > {tmp_path}/pid; echo half; sleep 600", 600)))
        await until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text() != "")
        own.signal_lines(signal.SIGKILL)
        assert isinstance(await asyncio.wait_for(asking, 10), Lost)
        number = int((tmp_path / "pid").read_text())
        assert Path(f"/proc/{number}").exists(), "a lost line alone ends nothing"
        assert await host.execute(Command(("test", "-e", f"/proc/{number}"))) == Exited(1)
        await host.close()

    with sshd(tmp_path / "sshd") as own:
        asyncio.run(one(own))


def test_a_frozen_host_is_noticed_by_its_missing_signs_of_life(tmp_path: Path) -> None:
    async def one(own: Sshd) -> None:
        host = own.host()
        await host.execute(Command(("true",)))
        asking = asyncio.create_task(host.execute(shell("sleep 600", 600)))
        reading = asyncio.create_task(host.read("/dev/zero"))
        await asyncio.sleep(0.2)
        own.signal_lines(signal.SIGSTOP)
        begun = time.monotonic()
        assert isinstance(await asyncio.wait_for(asking, 20), Lost)
        with pytest.raises(HostUnreachable):
            await reading
        assert time.monotonic() - begun < 15
        own.signal_lines(signal.SIGKILL)
        await host.close()

    with sshd(tmp_path / "sshd") as own:
        asyncio.run(one(own))


def test_a_command_that_could_not_be_told_to_end_is_lost_not_timed_out(tmp_path: Path) -> None:
    async def one(own: Sshd) -> None:
        host = own.host(patience=replace(QUICK, connect=2.0))
        await host.execute(Command(("true",)))
        asking = asyncio.create_task(host.execute(shell("sleep 600", 0.5)))
        await asyncio.sleep(0.2)
        assert own.process is not None
        own.process.send_signal(signal.SIGSTOP)
        own.signal_lines(signal.SIGSTOP)
        assert isinstance(await asyncio.wait_for(asking, 30), Lost)
        own.signal_lines(signal.SIGKILL)
        await host.close()

    with sshd(tmp_path / "sshd") as own:
        asyncio.run(one(own))


def test_a_host_that_is_gone_begins_nothing(tmp_path: Path) -> None:
    """HostUnreachable, not Lost: the step may be made anew."""

    async def one(own: Sshd) -> None:
        host = own.host()
        await host.execute(Command(("true",)))
        own.stop()
        await asyncio.sleep(0.1)
        with pytest.raises(HostUnreachable, match="refuses the connection"):
            await host.execute(Command(("true",)))
        own.start()
        assert await host.execute(Command(("true",))) == Exited(0)
        await host.close()

    with sshd(tmp_path / "sshd") as own:
        asyncio.run(one(own))


@pytest.mark.parametrize("most", [1, 3])
def test_fewer_sessions_than_we_would_take_are_enough(tmp_path: Path, most: int) -> None:
    """With MaxSessions 1 commands, files and the end of a command that hangs have to share."""

    async def one(own: Sshd) -> None:
        host = own.host()
        answers = await asyncio.gather(*(host.execute(shell(f"sleep 0.02; echo {n}")) for n in range(8)))
        assert [one.text for one in answers if isinstance(one, Exited)] == [f"{n}\n" for n in range(8)]
        await host.write(str(tmp_path / "file"), b"x")
        assert await host.read(str(tmp_path / "file")) == b"x"
        assert isinstance(await host.execute(shell("sleep 600", 0.3)), TimedOut)
        assert await host.execute(Command(("true",))) == Exited(0)
        await host.close()

    with sshd(tmp_path / "sshd", MaxSessions=most) as own:
        asyncio.run(one(own))


def test_a_hundred_megabytes_of_output_take_no_memory(server: Sshd) -> None:
    import resource

    async def one() -> None:
        host = server.host()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        outcome = await host.execute(
            Command(("head", "-c", str(100 * MEGABYTE), "/dev/zero"), timeout=60, most=MEGABYTE)
        )
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        assert isinstance(outcome, Exited)
        assert (len(outcome.out), outcome.cut) == (MEGABYTE, 99 * MEGABYTE)
        assert (after - before) * 1024 < 40 * MEGABYTE
        await host.close()

    asyncio.run(one())


def test_a_full_disk_is_said_and_leaves_the_old_file(tmp_path: Path) -> None:
    """The file server may write files of 64 KiB at most here, as on a disk that is full."""

    async def one(own: Sshd) -> None:
        host, target = own.host(), tmp_path / "file"
        target.write_bytes(b"old")
        with pytest.raises(HostError, match="file could not be written: ") as caught:
            await host.write(str(target), b"n" * 200_000)
        assert not isinstance(caught.value, HostUnreachable | FileMissing)
        assert target.read_bytes() == b"old"
        assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "limited", "sshd"]
        await host.close()

    limited = tmp_path / "limited"
    limited.write_text("#!/bin/sh\ntrap '' XFSZ\nulimit -f 64\nexec /usr/lib/openssh/sftp-server\n")
    limited.chmod(0o755)
    with sshd(tmp_path / "sshd", Subsystem=f"sftp {limited}") as own:
        asyncio.run(one(own))


def test_two_event_loops_do_not_share_a_line(server: Sshd) -> None:
    """A line belongs to the loop in which it was opened; another loop opens its own."""
    host = server.host()

    for _ in range(2):
        assert asyncio.run(host.execute(Command(("true",)))) == Exited(0)
