"""Detached commands over SSH: they outlive the line and us, show no secret, and what they leave behind goes in time."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.sshd import Sshd, sshd

from handrail.errors import HostUnreachable
from handrail.hosts import detached, janitor
from handrail.hosts.local import PATH, LocalHost
from handrail.hosts.protocol import Command, Exited
from handrail.hosts.ssh import SshHost

SPOOL = Path(f"/var/tmp/handrail-jobs-{os.geteuid()}")
SECRET = "planted-Secret-0815"


@pytest.fixture
def job() -> Iterator[str]:
    name = f"test-{uuid.uuid4().hex}/app/server@here/17/step/1"
    yield name
    shutil.rmtree(SPOOL / detached.folder(name), ignore_errors=True)


def shell(script: str, **more: object) -> Command:
    return Command(("sh", "-c", script), timeout=20, **more)  # type: ignore[arg-type]


async def closing(host: SshHost, work: object) -> object:
    try:
        return await work  # type: ignore[misc]
    finally:
        await host.close()


@pytest.mark.real
def test_a_job_gets_input_and_variables_and_no_process_list_shows_them(server: Sshd, job: str) -> None:
    command = shell(
        "cat; echo $RULE; cat /proc/[0-9]*/cmdline | tr '\\0' ' '; exit 3",
        stdin=f"given {SECRET}\n".encode(),
        env={"RULE": SECRET},
        secrets=(SECRET,),
    )
    host = server.host()
    state = asyncio.run(closing(host, detached.run(host, job, command)))

    assert isinstance(state, detached.JobState)
    assert (state.state, state.code) == ("exited", 3)
    assert state.text.count(SECRET) == 2 and state.text.startswith(f"given {SECRET}\n{SECRET}\n")
    left = b"".join(path.read_bytes() for path in (SPOOL / detached.folder(job)).iterdir() if path.name != "out")
    assert SECRET.encode() not in left


@pytest.mark.real
def test_a_job_outlives_its_line_and_the_sshd(tmp_path: Path, job: str) -> None:
    go = tmp_path / "go"

    async def one(own: Sshd) -> None:
        host = own.host()
        command = shell(f"until [ -e {go} ]; do sleep 0.05; done; echo finished")
        await detached.start_or_attach(host, job, command)
        own.stop()
        with pytest.raises(HostUnreachable):
            await detached.poll(host, job)
        own.start()
        assert (await detached.poll(host, job)).state == "running"
        go.touch()
        state = await detached.run(host, job, shell("echo never"))
        assert (state.code, state.out) == (0, b"finished\n")
        await host.close()

    with sshd(tmp_path / "sshd") as own:
        asyncio.run(one(own))


@pytest.mark.real
def test_a_job_outlives_our_sigkill_and_is_found_again_over_another_line(
    server: Sshd, tmp_path: Path, job: str
) -> None:
    go = tmp_path / "go"
    program = textwrap.dedent(f"""
        import asyncio
        from pathlib import Path
        from handrail.hosts import detached
        from handrail.hosts.protocol import Command
        from tests.support.sshd import Sshd
        host = Sshd(Path({str(server.folder)!r}), {server.port}).host()
        wait = "until [ -e {go} ]; do sleep 0.05; done; echo finished"
        async def main():
            await detached.start_or_attach(host, {job!r}, Command(("sh", "-c", wait)))
            print("started", flush=True)
            await asyncio.sleep(600)
        asyncio.run(main())
    """)
    root = str(Path(__file__).parents[2])
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, cwd=root) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"started\n"
        process.send_signal(signal.SIGKILL)

    async def again() -> detached.JobState:
        host = server.host()
        assert (await detached.poll(host, job)).state == "running"
        go.touch()
        state = await detached.run(host, job, shell("echo never"))
        await host.close()
        return state

    state = asyncio.run(again())
    assert (state.state, state.code, state.out) == ("exited", 0, b"finished\n")


def test_half_an_input_starts_nothing(job: str) -> None:
    """As it arrives when we are killed in the middle of sending it."""
    argv = ("sh", "-c", detached._START, "start", detached.folder(job), job, "10", detached._WRAPPER, "/none", "cat")
    outcome = asyncio.run(LocalHost("here").execute(Command(argv, stdin=b"half")))

    assert isinstance(outcome, Exited) and outcome.code == 74
    assert asyncio.run(detached.poll(LocalHost("here"), job)).state == "absent"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gets a scope of the system")
@pytest.mark.parametrize("refused", [False, True])
def test_where_systemd_runs_a_job_has_a_scope_of_its_own(
    tmp_path: Path, job: str, monkeypatch: pytest.MonkeyPatch, refused: bool
) -> None:
    """With a pretend systemd-run: what it is told, and that one which refuses is done without. The job runs once."""
    pretend = tmp_path / "systemd-run"
    does = "exit 1" if refused else 'while [ "${1#-}" != "$1" ]; do shift; done; exec "$@"'
    pretend.write_text(f'#!/bin/sh\necho "$@" | cut -c1-60 >> {tmp_path}/told\n{does}\n')
    pretend.chmod(0o755)
    monkeypatch.setattr(detached, "SYSTEMD", str(tmp_path))
    command = shell(f"cat; echo x >> {tmp_path}/count", stdin=b"given", env={"PATH": f"{tmp_path}:{PATH}"})
    state = asyncio.run(detached.run(LocalHost("here"), job, command))

    assert (state.code, state.out) == (0, b"given")
    assert (tmp_path / "told").read_text().startswith("--system --scope --quiet --collect setsid sh -c")
    assert (tmp_path / "count").read_text() == "x\n"


# -- the janitor --------------------------------------------------------------------------------------------------


def aged(job: str, days: float) -> Path:
    """The job's folder, as if it had not been touched for so long."""
    folder = SPOOL / detached.folder(job)
    then = time.time() - days * 86400
    for path in (*folder.iterdir(), folder):
        os.utime(path, (then, then))
    return folder


def test_the_janitor_takes_what_is_old_and_over_and_nothing_else() -> None:
    """Not what runs, not what is young, and nothing of a run that may still ask after it."""
    tag = uuid.uuid4().hex
    host = LocalHost("here")

    def ended(name: str, days: float) -> Path:
        asyncio.run(detached.run(host, f"{tag}-{name}/step/1", shell("true")))
        return aged(f"{tag}-{name}/step/1", days)

    old, young, needed = ended("old", 100), ended("young", 1), ended("needed", 100)
    killed, running = f"{tag}-killed/step/1", f"{tag}-running/step/1"
    for name in (killed, running):
        asyncio.run(detached.start_or_attach(host, name, shell("sleep 600")))
    numbers = {name: int((SPOOL / detached.folder(name) / "pid").read_text().split()[0]) for name in (killed, running)}
    os.killpg(numbers[killed], signal.SIGKILL)
    folders = {name: aged(name, 100) for name in (killed, running)}
    try:
        gone = asyncio.run(janitor.sweep(host, [f"{tag}-needed"], [], 90))
        assert {old.name, folders[killed].name} <= set(gone)
        left = [one.exists() for one in (old, young, needed, folders[killed], folders[running])]
        assert left == [False, True, True, False, True]
    finally:
        os.killpg(numbers[running], signal.SIGKILL)
        for one in (young, needed, folders[running]):
            shutil.rmtree(one, ignore_errors=True)


def test_where_there_never_was_a_job_nothing_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = tmp_path / "spool"
    monkeypatch.setattr(detached, "_PRUNE", detached._PRUNE.replace("/var/tmp/handrail-jobs-$(id -u)", str(spool)))

    assert asyncio.run(janitor.sweep(LocalHost("here"), [], [])) == []
    assert not spool.exists()
