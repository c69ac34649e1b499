"""Detached commands on Linux: one process for one job, a receipt that tells the truth, also after we were killed."""

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

from handrail.hosts import detached
from handrail.hosts.local import LocalHost
from handrail.hosts.protocol import Command

HOST = LocalHost("here")
SPOOL = Path(f"/var/tmp/handrail-jobs-{os.geteuid()}")


@pytest.fixture
def job() -> Iterator[str]:
    name = f"test-{uuid.uuid4().hex}/app/server@here/17/step/1"
    yield name
    shutil.rmtree(SPOOL / detached.folder(name), ignore_errors=True)


def shell(script: str, stdin: bytes = b"") -> Command:
    return Command(("sh", "-c", script), stdin=stdin, timeout=20)


def test_a_job_ends_with_its_output_and_code(job: str) -> None:
    state = asyncio.run(detached.run(HOST, job, shell("cat; echo err >&2; exit 3", b"given ")))

    assert (state.state, state.code, state.out) == ("exited", 3, b"given err\n")


def test_a_job_that_was_never_started_is_absent(job: str) -> None:
    assert asyncio.run(detached.poll(HOST, job)).state == "absent"


def test_a_second_starter_finds_the_first(job: str, tmp_path: Path) -> None:
    """Ten starters at once: the command runs once."""
    counter = tmp_path / "count"

    async def race() -> list[detached.JobState]:
        command = shell(f"echo x >> {counter}; sleep 0.3; echo done")
        return list(await asyncio.gather(*(detached.run(HOST, job, command) for _ in range(10))))

    states = asyncio.run(race())

    assert counter.read_text() == "x\n"
    assert {(state.state, state.code, state.out) for state in states} == {("exited", 0, b"done\n")}


def test_an_ended_job_is_not_started_again(job: str, tmp_path: Path) -> None:
    counter = tmp_path / "count"
    for _ in range(2):
        asyncio.run(detached.run(HOST, job, shell(f"echo x >> {counter}")))

    assert counter.read_text() == "x\n"


def test_a_job_outlives_our_sigkill_and_is_found_again(job: str, tmp_path: Path) -> None:
    go = tmp_path / "go"
    program = textwrap.dedent(f"""
        import asyncio
        from handrail.hosts import detached
        from handrail.hosts.local import LocalHost
        from handrail.hosts.protocol import Command
        wait = "until [ -e {go} ]; do sleep 0.05; done; echo finished"
        async def main():
            await detached.start_or_attach(LocalHost("here"), {job!r}, Command(("sh", "-c", wait)))
            print("started", flush=True)
            await asyncio.sleep(600)
        asyncio.run(main())
    """)
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"started\n"
        process.send_signal(signal.SIGKILL)
    assert asyncio.run(detached.poll(HOST, job)).state == "running"
    go.touch()
    state = asyncio.run(detached.run(HOST, job, shell("echo never")))

    assert (state.state, state.code, state.out) == ("exited", 0, b"finished\n")


def _wrapper(job: str) -> int:
    return int((SPOOL / detached.folder(job) / "pid").read_text().split()[0])


def test_a_killed_job_without_exit_code_is_unknown(job: str) -> None:
    asyncio.run(detached.start_or_attach(HOST, job, shell("echo half; sleep 600")))
    os.killpg(_wrapper(job), signal.SIGKILL)
    state = asyncio.run(detached.run(HOST, job, shell("never")))

    assert (state.state, state.code) == ("dead_unknown", None)


def test_a_command_that_outlives_its_wrapper_still_runs(job: str) -> None:
    asyncio.run(detached.start_or_attach(HOST, job, shell("echo up; sleep 600; true")))
    while not (SPOOL / detached.folder(job) / "out").read_bytes():
        time.sleep(0.01)  # there is a moment between the job and its command
    os.kill(_wrapper(job), signal.SIGKILL)
    try:
        assert asyncio.run(detached.poll(HOST, job)).state == "running"
    finally:
        os.killpg(_wrapper(job), signal.SIGKILL)


def test_a_reused_process_number_does_not_look_alive(job: str) -> None:
    asyncio.run(detached.start_or_attach(HOST, job, shell("sleep 600")))
    os.killpg(_wrapper(job), signal.SIGKILL)
    pid = SPOOL / detached.folder(job) / "pid"
    _, started, boot = pid.read_text().split()
    pid.write_text(f"{os.getpid()} {started} {boot}\n")

    assert asyncio.run(detached.poll(HOST, job)).state == "dead_unknown"


def test_nothing_survives_a_reboot(job: str) -> None:
    asyncio.run(detached.start_or_attach(HOST, job, shell("sleep 600")))
    pid = SPOOL / detached.folder(job) / "pid"
    number, started, _ = pid.read_text().split()
    try:
        pid.write_text(f"{number} {started} another-boot\n")
        assert asyncio.run(detached.poll(HOST, job)).state == "dead_unknown"
    finally:
        os.killpg(int(number), signal.SIGKILL)


def test_waiting_no_longer_leaves_the_job_running(job: str) -> None:
    state = asyncio.run(detached.run(HOST, job, shell("sleep 600"), patience=0.1))
    os.killpg(_wrapper(job), signal.SIGKILL)

    assert state.state == "running"


def test_standard_input_leaves_no_file_behind(job: str) -> None:
    """Secrets travel on standard input."""
    asyncio.run(detached.run(HOST, job, shell("cat > /dev/null", b"hunter2")))
    left = {path.name: path.read_bytes() for path in (SPOOL / detached.folder(job)).iterdir()}

    assert set(left) == {"name", "pid", "out", "exit"}
    assert not any(b"hunter2" in content for content in left.values())
    assert SPOOL.stat().st_mode & 0o077 == 0


def test_different_jobs_never_share_a_folder() -> None:
    names = ["a/b-c/1", "a-b/c/1", "a/b/c/1", "a@b/c/1", "x" * 300 + "/1", "x" * 300 + "/2", "../up"]

    assert len({detached.folder(name) for name in names}) == len(names)
    assert all("/" not in detached.folder(name) and len(detached.folder(name)) < 200 for name in names)
    assert not any(detached.folder(name).startswith(".") for name in names)
