"""Standard output and error: a reader that goes away, a full disk, a terminal that knows little."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.command import ESTATES, assert_clean, handrail, real, start

from handrail.cli.output import Output, fitting

pytestmark = pytest.mark.slow

ESTATE = ESTATES / "contoso-blocked.yaml"
FULL = Path("/dev/full")


def test_json_stands_alone_on_standard_output(tmp_path: Path) -> None:
    said = handrail("assess", ESTATE, "--format", "json", home=tmp_path)

    assert said.json["schema"] == "handrail/assessment/v1"
    assert said.err == "" and said.code == 3


def test_a_reader_that_goes_away_changes_nothing(tmp_path: Path) -> None:
    process = start("assess", ESTATE, home=tmp_path)
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    errors = process.stderr.read()

    assert process.wait(timeout=60) == 3
    assert errors == b""


@pytest.mark.skipif(os.name == "nt", reason="a shell's way to close a stream")
@pytest.mark.parametrize("closing", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_no_problem(tmp_path: Path, closing: str) -> None:
    line = f"{sys.executable} -m handrail.cli.main assess {ESTATE} {closing}"
    ended = subprocess.run(line, shell=True, capture_output=True, env={**os.environ, "HANDRAIL_HOME": str(tmp_path)})

    assert ended.returncode == 3
    assert b"Traceback" not in ended.stderr and ended.stderr == b""


@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full here")
def test_output_that_is_lost_to_a_full_disk_is_a_failure(tmp_path: Path) -> None:
    with FULL.open("wb") as full:
        said = real("guide", "list", home=tmp_path, stdout=full)

    assert said.code == 1
    assert said.err.count("\n") == 1 and "No space left" in said.err


@pytest.mark.parametrize("encoding", ["ascii", "utf-16"])
def test_any_terminal_can_show_it(tmp_path: Path, encoding: str) -> None:
    estate = tmp_path / "estate.yaml"
    estate.write_text("handrail: estate/v1\nname: müller → 日本\nhosts: {hört: {ox: x}}\n", "utf-8")
    for arguments in (["assess", estate], ["assess", tmp_path / "größe→日.yaml"], ["--help"]):
        said = real(*arguments, home=tmp_path, environment={"PYTHONIOENCODING": encoding})
        assert b"Traceback" not in said.err.encode()
        assert said.code in (0, 2)


def test_what_cannot_be_shown_is_written_with_what_can() -> None:
    assert fitting("a → b … “ü” 日", "ascii") == 'a -> b ... "u" \\u65e5'
    assert fitting("ü →", "latin-1") == "ü ->"
    assert fitting("\udc80", "utf-8") == "\\udc80"


def test_json_is_valid_on_any_terminal() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    Output(stream, None).json({"name": "müller → 日本 \udc80"})
    stream.flush()

    assert json.loads(stream.buffer.getvalue()) == {"name": "müller → 日本 \udc80"}


def test_json_steers_no_terminal() -> None:
    told = {"a\x7f": "\x1b[2J \x9b31m \u202e \u2028 müller 日本"}
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    Output(stream, None).json(told)
    stream.flush()
    shown = stream.buffer.getvalue().decode()

    assert json.loads(shown) == told and "müller 日本" in shown
    assert all(line.isprintable() for line in shown.splitlines())


def test_there_is_no_colour_without_a_terminal(tmp_path: Path) -> None:
    assert "\x1b" not in handrail("assess", ESTATE, home=tmp_path).out


@pytest.mark.skipif(os.name == "nt", reason="pseudo-terminals are a thing of POSIX")
@pytest.mark.parametrize(
    ("environment", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)]
)
def test_colour_is_for_terminals_that_want_it(tmp_path: Path, environment: dict[str, str], coloured: bool) -> None:
    import pty

    ours, theirs = pty.openpty()
    environment = {"TERM": "xterm", "NO_COLOR": "", **environment}
    process = start("assess", ESTATE, home=tmp_path, stdout=theirs, environment=environment)
    os.close(theirs)
    shown = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # how Linux says that the other side is closed
            break
        if not piece:
            break
        shown += piece
    os.close(ours)
    process.communicate(timeout=60)

    assert process.returncode == 3
    assert (b"\x1b[" in shown) is coloured


WAITING = """
import sys, time
import handrail.cli.assessing as assessing
from handrail.cli.main import main
assessing.read = lambda *_: (print("ready", flush=True), time.sleep(60))
sys.argv[1:] = ["assess", "x"]
sys.exit(main())
"""


@pytest.mark.skipif(os.name == "nt", reason="signals are a thing of POSIX")
@pytest.mark.parametrize("signal_", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_cleanly(tmp_path: Path, signal_: int) -> None:
    """Also the signal by which a container is stopped: its first process ignores what it does not handle."""
    process = subprocess.Popen(
        [sys.executable, "-c", WAITING],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "HANDRAIL_HOME": str(tmp_path)},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(signal_)
    _, errors = process.communicate(timeout=60)

    assert process.returncode == 1
    assert errors == b"handrail: Interrupted.\n"


def test_nothing_above_leaves_a_mess(tmp_path: Path) -> None:
    assert_clean(handrail("assess", ESTATE, home=tmp_path / "home"))
    assert not (tmp_path / "home").exists(), "assessing writes nothing"
