"""Transcripts: everything that is asked is written down, no secret is, and no run stops because of one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.scripted_host import ScriptedHost

from handrail.errors import FileMissing, HostUnreachable
from handrail.hosts import powershell
from handrail.hosts.protocol import Command, Exited, Lost, Outcome, TimedOut
from handrail.running.transcripts import KEPT, MARGIN, TranscribedHost, Transcripts, path_of, read_transcript

SECRET = "hunter2-and-more"


def hide(text: str) -> str:
    return text.replace(SECRET, "***")


def host_of(answer: Outcome, folder: Path, **more: Any) -> tuple[TranscribedHost, Path]:
    transcripts = Transcripts(folder, hide, **more)
    found = transcripts.of(lambda name: ScriptedHost(otherwise=answer, name=name))("sync01")
    assert isinstance(found, TranscribedHost)
    return found, transcripts.path("sync01")


def ask(host: TranscribedHost, *argv: str, **more: Any) -> Outcome:
    return asyncio.run(host.execute(Command(argv, **more)))


def test_a_question_and_its_answer_are_one_line(tmp_path: Path) -> None:
    host, path = host_of(Exited(3, b"out", b"err"), tmp_path)

    assert ask(host, "sc", "query", "a b", cwd="C:\\x", stdin=b"1234", env={"B": "2", "A": "1"}) == Exited(
        3, b"out", b"err"
    )

    (line,) = read_transcript(path)
    assert line["ask"] == "execute" and line["argv"] == ["sc", "query", "a b"] and line["at"]
    assert (line["cwd"], line["stdin"], line["env"]) == ("C:\\x", 4, ["A", "B"])
    assert (line["outcome"], line["code"]) == ("exited", 3)
    assert line["out"]["text"] == "out" and line["out"]["size"] == 3 and len(line["out"]["sha256"]) == 64
    assert line["err"]["text"] == "err" and line["took"] >= 0


def test_a_reviewed_script_is_known_by_its_name(tmp_path: Path) -> None:
    """So that it can be asked again when its text has become another one."""
    host, path = host_of(Exited(0), tmp_path)
    asyncio.run(host.execute(powershell.command("file-version", "C:\\a.exe")))

    assert read_transcript(path)[0]["script"] == ["file-version", "C:\\a.exe"]


@pytest.mark.parametrize(
    ("outcome", "says"),
    [
        (Lost(f"reset {SECRET}"), {"outcome": "lost", "because": "reset ***"}),
        (TimedOut(60), {"outcome": "timed-out", "after": 60}),
    ],
)
def test_what_is_no_exit_code_is_none_here_either(tmp_path: Path, outcome: Outcome, says: dict[str, Any]) -> None:
    host, path = host_of(outcome, tmp_path)

    assert ask(host, "sc") == outcome
    assert says.items() <= read_transcript(path)[0].items()


def test_files_are_told_of_by_name_and_size_alone(tmp_path: Path) -> None:
    host, path = host_of(Exited(0), tmp_path)

    asyncio.run(host.write("C:\\answers.ini", SECRET.encode()))
    assert asyncio.run(host.read("C:\\answers.ini")) == SECRET.encode()
    with pytest.raises(FileMissing):
        asyncio.run(host.read("C:\\none"))
    assert asyncio.run(host.boot_id()) == "boot-1"

    lines = read_transcript(path)
    assert [one["ask"] for one in lines] == ["write", "read", "read", "boot-id"]
    assert [one.get("size") for one in lines] == [16, 16, None, None] and lines[2]["outcome"] == "missing"
    assert SECRET not in path.read_text()


def test_a_host_that_cannot_be_reached_is_written_down_and_raised(tmp_path: Path) -> None:
    class Gone(ScriptedHost):
        async def execute(self, command: Command) -> Outcome:
            raise HostUnreachable(f"no line, {SECRET}")

    transcripts = Transcripts(tmp_path, hide)
    with pytest.raises(HostUnreachable):
        ask(TranscribedHost(Gone(), transcripts), "sc")

    (line,) = read_transcript(transcripts.path("sync01"))
    assert line["outcome"] == "raised" and line["because"] == "HostUnreachable: no line, ***"


# -- secrets ----------------------------------------------------------------------------------------------------------


def test_no_secret_is_written_wherever_it_stood(tmp_path: Path) -> None:
    host, path = host_of(Exited(0, f"a {SECRET} b".encode(), SECRET.encode("utf-16")), tmp_path)

    ask(
        host,
        "tool",
        f"/p:{SECRET}",
        "passed",
        cwd=SECRET,
        stdin=SECRET.encode(),
        env={"P": SECRET},
        secrets=("passed",),
    )

    text = path.read_text()
    assert SECRET not in text and "passed" not in text
    line = read_transcript(path)[0]
    assert line["out"]["text"] == "a *** b" and "sha256" not in line["out"], "a digest of it could be guessed from"
    assert line["err"]["text"] == "***"


@given(before=st.integers(0, 80_000), after=st.integers(0, 80_000))
@settings(max_examples=80, deadline=None)
def test_no_piece_of_a_secret_is_left_where_a_long_output_is_cut(before: int, after: int) -> None:
    """Wherever it lies, whole or across a cut: not even its half."""
    transcripts = Transcripts(Path("unused"), hide)
    data = b"x" * before + SECRET.encode() + b"y" * after

    text = json.dumps(transcripts.output(data, ()))

    assert "hunter2" not in text and "and-more" not in text and "unter" not in text and "mor" not in text


@pytest.mark.parametrize("length", [17_000, 40_000, 49_000, 300_000])
def test_of_a_long_output_both_ends_are_kept(tmp_path: Path, length: int) -> None:
    data = b"first" + b"." * length + b"last"
    kept = Transcripts(tmp_path).output(data, ())

    assert kept["head"].startswith("first") and kept["tail"].endswith("last") and "text" not in kept
    assert len(kept["head"]) == KEPT and len(kept["tail"]) == KEPT and kept["size"] == len(data)
    assert MARGIN > 1000, "longer than any secret"


@pytest.mark.parametrize("data", [b"\xff\xfe\x00\xd8", bytes(range(256)) * 100, b"\0" * 10, "ä".encode("cp437")])
def test_bytes_of_any_kind_can_be_written_down(tmp_path: Path, data: bytes) -> None:
    host, path = host_of(Exited(0, data), tmp_path)

    assert ask(host, "tool") == Exited(0, data)
    assert read_transcript(path)[0]["out"]["size"] == len(data)


# -- disks ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("when", ["os.open", "os.write"])
def test_a_full_disk_ends_the_transcript_and_not_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    host, _ = host_of(Exited(0, b"fine"), tmp_path)
    tried: list[int] = []

    def full(*_: Any) -> int:
        tried.append(1)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(f"handrail.running.transcripts.{when}", full)
    assert ask(host, "one") == Exited(0, b"fine") and ask(host, "two") == Exited(0, b"fine")
    monkeypatch.undo()

    assert len(tried) == 1, "it is not tried again and again"
    assert host._to.trouble == "The transcript of sync01 ends early: No space left on device."


def test_a_folder_that_cannot_be_made_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    host, _ = host_of(Exited(0), tmp_path / "file" / "transcripts")

    assert ask(host, "one") == Exited(0)
    assert "ends early" in host._to.trouble


def test_a_transcript_has_a_bound(tmp_path: Path) -> None:
    host, path = host_of(Exited(0, b"z" * 1000), tmp_path, most=5_000)
    for _ in range(50):
        ask(host, "tool")

    assert path.stat().st_size < 5_100
    assert path.read_text().endswith('{"full": true}\n')
    assert 1 < len(read_transcript(path)) < 10


def test_what_a_crash_left_half_written_is_left_out_and_the_next_line_is_whole(tmp_path: Path) -> None:
    host, path = host_of(Exited(0), tmp_path)
    ask(host, "one")
    with path.open("ab") as file:
        file.write(b'{"ask": "execute", "argv": ["tw')

    again, _ = host_of(Exited(0), tmp_path)
    ask(again, "three")

    assert [one["argv"] for one in read_transcript(path)] == [["one"], ["three"]]


def test_a_transcript_is_its_owners_alone(tmp_path: Path) -> None:
    host, path = host_of(Exited(0), tmp_path / "new")
    ask(host, "one")

    assert path.stat().st_mode & 0o777 == 0o600 and path.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b", "..", "sync01.contoso.com", "ä"])
def test_a_host_of_any_name_has_its_file_in_the_folder(tmp_path: Path, name: str) -> None:
    assert Transcripts(tmp_path).path(name).parent == tmp_path


def test_two_processes_may_write_to_one(tmp_path: Path) -> None:
    one, path = host_of(Exited(0), tmp_path)
    other, _ = host_of(Exited(0), tmp_path)
    for ask_one in [one, other] * 20:
        ask(ask_one, "tool")

    assert len(read_transcript(path)) == 40


def test_no_two_hosts_share_a_file(tmp_path: Path) -> None:
    names = ("sync01", "sync_01", "sÿnc01", "sžnc01", "..", "sync.01", "x" * 300, "x" * 301)

    paths = [path_of(tmp_path, name) for name in names]

    assert len(set(paths)) == len(names) and paths[0].name == "sync01.jsonl"
    assert all(one.parent == tmp_path and len(one.name) < 200 for one in paths)


# -- runs -------------------------------------------------------------------------------------------------------------


def test_a_run_leaves_a_transcript_of_each_host(a_run: Callable[[], tuple[Path, str]]) -> None:
    home, run = a_run()

    found = sorted(path.name for path in (home / "runs" / run / "transcripts").iterdir())
    assert found == ["brook.jsonl"]
    lines = read_transcript(home / "runs" / run / "transcripts" / "brook.jsonl")
    assert any(one["ask"] == "execute" and one["outcome"] == "exited" for one in lines)


@pytest.fixture
def a_run(tmp_path: Path) -> Callable[[], tuple[Path, str]]:
    """A small run on the twin, by the command line."""
    from tests.support.command import handrail

    def carry() -> tuple[Path, str]:
        guides = Path(__file__).parents[1] / "rehearsing" / "mill"
        plan = tmp_path / "mill.plan"
        made = handrail("plan", guides / "estates" / "valley.yaml", "--guides", guides, "-o", plan, home=tmp_path)
        assert made.code == 0, made.err + made.out
        said = handrail("run", plan, "--twin", "--guides", guides, "--format", "json", home=tmp_path)
        assert said.code == 0, said.err + said.out
        return tmp_path, str(said.json["run"])

    return carry
