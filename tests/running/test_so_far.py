"""What a job prints while it is at work: readable, in whole lines, and never with a piece of a secret."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.scripted_host import ScriptedHost

from handrail.hosts import powershell, windows_jobs, windows_tail
from handrail.hosts.protocol import Command, Exited, Outcome
from handrail.running.said import AT_WORK, Said, at_work, said
from handrail.running.transcripts import KEPT, MARGIN, TranscribedHost, Transcripts, read_transcript

SECRET = "hunter2-and-more"
OUT = windows_jobs.folder("run/step/1") + "\\out.txt"


class Printing(ScriptedHost):
    """Linux or Windows: how a job stands that has printed `printed` so far."""

    printed = b""
    state = "running"

    async def execute(self, command: Command) -> Outcome:
        if not self.windows:
            return Exited(0, self.state.encode() + b"\n" + self.printed)
        known = powershell.recognise(command.argv)
        assert known is not None
        part = self.printed[int(known[1][1]) :][: int(known[1][2])]
        head = f"{len(self.printed)}|1|{hashlib.sha256(part).hexdigest()}\n"
        return Exited(0, head.encode() + base64.encodebytes(part))


def poll(offset: int = 0, most: int = windows_tail.MOST) -> dict[bool, Command]:
    """How a job is asked after, by whether it is one on Windows."""
    return {
        True: powershell.command("read-part", OUT, str(offset), str(most)),
        False: Command(("sh", "-c", "...", "poll", "job", "4096")),
    }


def told(host: TranscribedHost, path: Path, command: Command) -> dict[str, Any]:
    asyncio.run(host.execute(command))
    return read_transcript(path)[-1]


def printing(folder: Path, windows: bool) -> tuple[TranscribedHost, Printing, Path]:
    transcripts = Transcripts(folder, lambda text: text.replace(SECRET, "***"))
    host = Printing(windows=windows)
    return TranscribedHost(host, transcripts), host, transcripts.path("sync01")


@pytest.mark.parametrize("windows", [True, False])
def test_what_a_job_has_printed_is_told_in_whole_lines(tmp_path: Path, windows: bool) -> None:
    """A question that waits for an answer ends without a line end: it is told once it stands still."""
    asked, host, path = printing(tmp_path, windows)
    command = poll()[windows]
    seen = []
    for host.printed in (b"on", b"one\ntw", b"one\ntwo\nGo on? ", b"one\ntwo\nGo on? "):
        found = at_work(told(asked, path, command))
        seen.append(found.lines if found is not None else ())

    assert seen == [(), ("one",), ("one", "two"), ("one", "two", "Go on?")]


def test_what_windows_printed_stands_in_the_transcript_as_text(tmp_path: Path) -> None:
    asked, host, path = printing(tmp_path, True)
    host.printed = f"pass {SECRET}\r\n".encode()
    so_far = told(asked, path, poll()[True])
    over = told(asked, path, poll(most=windows_jobs.OUTPUT_LIMIT)[True])

    assert so_far["out"]["text"] == over["out"]["text"] == "pass ***\r\n" and "sha256" not in over["out"]
    assert at_work(so_far) == Said(so_far["at"], AT_WORK, "", ("pass ***",), True) and at_work(over) is None
    assert said(over) == Said(over["at"], "a long command", "", ("pass ***",), True)


@pytest.mark.parametrize("windows", [True, False])
@pytest.mark.parametrize("text", ["Übergang läuft\n", "移行中です\n"])
def test_what_is_not_english_can_be_read_wherever_it_is_cut(tmp_path: Path, windows: bool, text: str) -> None:
    asked, host, path = printing(tmp_path, windows)
    host.printed = text.encode() * 6000
    for cut in range(4):
        found = at_work(told(asked, path, poll(len(host.printed) - MARGIN - KEPT + cut)[windows]))
        assert found is not None and set(found.lines) == {text.strip()}


@given(before=st.integers(0, 3 * KEPT), printed=st.integers(1, len(SECRET) + 2), offset=st.integers(0, 3 * KEPT))
@settings(max_examples=60, deadline=None)
def test_no_piece_of_a_secret_is_told_wherever_a_look_begins_or_ends(before: int, printed: int, offset: int) -> None:
    """`printed` bytes of its line are there so far, and the look begins anywhere."""
    heard: list[Any] = []
    transcripts = Transcripts(
        Path("/dev/null/nowhere"), lambda text: text.replace(SECRET, "***"), heard=lambda _, line: heard.append(line)
    )
    host = Printing()
    asked = TranscribedHost(host, transcripts)
    whole = b"x" * before + b"\n" + SECRET.encode() + b"\n" + b"y" * (KEPT + MARGIN)
    for host.printed in (whole[: before + 1 + printed], whole):
        asyncio.run(asked.execute(poll(min(offset, before + 8))[True]))

    assert len(heard) == 2, "it is heard, though there is no room for it"
    assert not any(piece in str(line["out"]) for line in heard for piece in ("hunt", "ter2", "-and", "more"))


def test_how_a_job_is_looked_after_is_nothing_for_people() -> None:
    for argv in (
        ["cmd", "/c", "type", OUT.replace("out", "exit")],
        ["schtasks", "/query", "/tn", windows_jobs.task("run/step/1")],
    ):
        assert said({"ask": "execute", "argv": argv, "outcome": "exited", "code": 1}) is None


def test_a_look_begins_early_enough_for_what_is_searched() -> None:
    assert windows_tail.BEFORE >= KEPT + MARGIN and windows_tail.MOST != windows_jobs.OUTPUT_LIMIT
