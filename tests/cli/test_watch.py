"""`handrail status --watch`: a run followed from another process, until it ends or waits; the run does not mind."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.command import ESTATES, assert_clean, handrail, start

from handrail.documents.plan import freeze, read_plan, write_plan


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("plan") / "upgrade.plan"
    assert handrail("plan", ESTATES / "contoso.yaml", "-o", path, home=path.parent).code == 0
    return path


def begun(plan: Path, home: Path, steps: int, then: signal.Signals) -> tuple[subprocess.Popen[bytes], str]:
    """A run in a process that is sent a signal as soon as so many steps have ended; its id."""
    process = start("run", plan, "--twin", home=home, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    run, ended = "", 0
    for line in process.stdout:
        run = run or line.decode().split()[1].rstrip(",")
        ended += b" done " in line
        if ended >= steps:
            break
    process.send_signal(then)
    return process, run


@pytest.fixture(scope="module")
def waiting(plan: Path) -> Path:
    """A home whose run waits for a person."""
    home = plan.parent / "waiting"
    assert handrail("run", plan, "--twin", "--ask", home=home).code == 4
    return home


@pytest.mark.slow
def test_each_change_is_a_line_until_the_run_has_ended(plan: Path, tmp_path: Path) -> None:
    """The run stands still while the watcher comes, and goes on under its eyes."""
    runner, run = begun(plan, tmp_path, 20, signal.SIGSTOP)
    watcher = start("status", run, "--watch", "--format", "json", home=tmp_path)
    try:
        assert watcher.stdout is not None and runner.stdout is not None
        first = json.loads(watcher.stdout.readline())
        runner.send_signal(signal.SIGCONT)
        assert runner.stdout.read() and runner.wait(60) == 0
        out, err = watcher.communicate(timeout=60)
    finally:
        for one in (runner, watcher):
            one.kill()
    lines = [first, *(json.loads(line) for line in out.splitlines())]

    assert err == b"" and watcher.returncode == 0
    assert first["schema"] == "handrail/change/v1" and first["state"] == "running" and "change" not in first
    assert {line["run"] for line in lines} == {run}
    assert [line["state"] for line in lines[-1:]] == ["succeeded"]
    assert set(lines[-1]["steps"]) == {"done", "skipped"}
    assert sum(lines[-1]["steps"].values()) == len(read_plan(str(plan)).steps)
    done = [line["change"]["step"] for line in lines[1:] if line["change"]["kind"] == "done"]
    assert len(done) == len(set(done)) and len(done) + first["steps"]["done"] == lines[-1]["steps"]["done"]


@pytest.mark.slow
def test_whoever_watches_an_interrupted_run_is_told_and_may_leave(plan: Path, tmp_path: Path) -> None:
    runner, run = begun(plan, tmp_path, 5, signal.SIGKILL)
    runner.communicate(timeout=60)
    watcher = start("status", "--watch", home=tmp_path)
    assert watcher.stderr is not None
    told = watcher.stderr.readline().decode()
    watcher.send_signal(signal.SIGINT)
    out, err = watcher.communicate(timeout=60)

    assert told == f"handrail: No process carries the run on now. Go on with: handrail resume {run}\n"
    assert out.decode().startswith(f"Run {run} of contoso.")
    assert err.decode() == f"handrail: Watched no longer. Run {run} does not mind, and goes on as it did.\n"
    assert watcher.returncode == 1


@pytest.mark.slow
def test_a_reader_that_goes_away_ends_the_watching(plan: Path, tmp_path: Path) -> None:
    runner, run = begun(plan, tmp_path, 5, signal.SIGSTOP)
    watcher = start("status", run, "--watch", "--format", "json", home=tmp_path)
    try:
        assert watcher.stdout is not None and watcher.stderr is not None
        assert watcher.stdout.readline()
        watcher.stdout.close()
        runner.send_signal(signal.SIGCONT)
        assert watcher.wait(60) == 0
        assert watcher.stderr.read() == b""
    finally:
        runner.kill()
        watcher.kill()
        runner.communicate(timeout=60)


def test_watching_a_run_that_waits_ends_at_once_with_its_question(waiting: Path) -> None:
    said = handrail("status", "--watch", home=waiting)
    assert_clean(said)
    assert said.code == 4
    assert "Waiting for a person." in said.out and "handrail answer" in said.out
    line = handrail("status", "--watch", "--format", "json", home=waiting)
    assert line.code == 4 and line.json["state"] == "waiting"


def test_watching_what_is_not_there_is_refused(tmp_path: Path, waiting: Path) -> None:
    assert handrail("status", "--watch", home=tmp_path).code == 2
    said = handrail("status", "nosuch", "--watch", home=waiting)
    assert_clean(said)
    assert said.code == 2


@pytest.mark.slow
def test_on_a_terminal_it_draws_over_its_own_lines_and_leaves_the_status(plan: Path, tmp_path: Path) -> None:
    import fcntl
    import pty
    import struct
    import termios

    runner, run = begun(plan, tmp_path, 30, signal.SIGSTOP)
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 40, 0, 0))
    watcher = start("status", run, "--watch", home=tmp_path, stdout=theirs, environment={"TERM": "xterm"})
    os.close(theirs)
    shown = b""
    try:
        deadline = time.monotonic() + 60
        while b"119 steps" not in shown and time.monotonic() < deadline:
            shown += os.read(ours, 65536)
        runner.send_signal(signal.SIGCONT)
        while True:
            try:
                shown += os.read(ours, 65536)
            except OSError:
                break
        assert watcher.wait(60) == 0
    finally:
        os.close(ours)
        runner.kill()
        watcher.kill()
        runner.communicate(timeout=60)
    text = re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b"", shown).decode()
    assert "of 119 steps" in text
    assert text.count("Succeeded.") == 1


def test_a_sample_without_steps_has_nothing_to_watch(plan: Path, tmp_path: Path) -> None:
    """It has succeeded as soon as it has begun."""
    made = read_plan(str(plan))
    path = tmp_path / "empty.plan"
    write_plan(freeze(replace(made, steps=(), back=(), hops=(), downtime={}, point_of_no_return=None)), path)
    handrail("run", path, "--twin", home=tmp_path)
    assert handrail("status", "--watch", "--format", "json", home=tmp_path).json["state"] == "succeeded"
