"""The folders that are served: known by content, read when asked for, never by a path from a request."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from tests.support.counting import plan, step
from tests.support.rehearsals import VALLEY, mill, rehearsed

from handrail.console import documents
from handrail.console.documents import Documents
from handrail.documents.plan import write_plan
from handrail.errors import BadInput, Tampered, UnknownName
from handrail.rehearsing.results import to_json


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now

    def later(self) -> None:
        self.now += documents.FRESH


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def served(tmp_path: Path, clock: Clock) -> Documents:
    (tmp_path / "nights").mkdir()
    write_plan(mill(), tmp_path / "nights" / "friday.json")
    (tmp_path / "valley.txt").write_bytes(VALLEY.read_bytes())
    (tmp_path / "tried").write_text(json.dumps(to_json(rehearsed(faults="killed-after-intent")), indent=2))
    (tmp_path / "notes.md").write_text("# handrail: estate/v1 is what estates begin with\n")
    (tmp_path / "empty").write_bytes(b"")
    return Documents([tmp_path], clock)


def test_files_are_known_by_what_they_hold_whatever_they_are_called(served: Documents) -> None:
    assert [(one.name, one.file, one.id) for one in served.of("plan")] == [
        ("valley", "nights/friday.json", mill().digest)
    ]
    assert [(one.name, one.file, one.id) for one in served.of("estate")] == [("valley", "valley.txt", "valley")]
    assert [(one.name, one.file, one.digest) for one in served.of("rehearsal")] == [("valley", "tried", mill().digest)]
    assert served.broken() == ()


def test_what_is_asked_for_is_read_whole(served: Documents) -> None:
    tried = served.rehearsal(served.of("rehearsal")[0].id)

    assert served.plan(mill().digest) == mill()
    assert served.estate("valley").estate.name == "valley"
    assert tried.cases == rehearsed(faults="killed-after-intent").cases


def test_without_folders_there_is_nothing() -> None:
    nothing = Documents()

    assert nothing.of("plan") == ()
    with pytest.raises(UnknownName, match="sha256:0"):
        nothing.plan("sha256:0")


@pytest.mark.parametrize("id", ["../secret", "/etc/passwd", "nights/friday.json", "valley.txt", "..", "", "\0"])
def test_a_path_is_no_name(served: Documents, id: str) -> None:
    for kind in ("plan", "estate", "rehearsal"):
        with pytest.raises(UnknownName):
            served.find(kind, id)


def test_links_and_what_is_hidden_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "served").mkdir()
    (tmp_path / "other").mkdir()
    write_plan(mill(), tmp_path / "other" / "x.plan")
    (tmp_path / "served" / "link.plan").symlink_to(tmp_path / "other" / "x.plan")
    (tmp_path / "served" / "folder").symlink_to(tmp_path / "other")
    (tmp_path / "served" / ".hidden").mkdir()
    write_plan(mill(), tmp_path / "served" / ".hidden" / "x.plan")
    os.mkfifo(tmp_path / "served" / "pipe")

    assert Documents([tmp_path / "served"]).of("plan") == ()


def test_a_home_and_other_databases_are_never_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Closing a database's file anywhere in the process takes SQLite's locks on it away."""
    home = tmp_path / "home"
    (home / "console" / "plans").mkdir(parents=True)
    (home / "store.db").write_bytes(b"")
    (home / "console" / "accounts.db").write_bytes(b"")
    write_plan(mill(), home / "console" / "plans" / "back.plan")
    for name in ("other.db", "other.db-wal", "x.sqlite3-shm", "X.SQLITE"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "seen").write_bytes(b"no document of ours")
    opened: list[str] = []
    true = documents._recognise

    def recognise(shown: str, path: Path, size: int, changed: float) -> Any:
        opened.append(shown)
        return true(shown, path, size, changed)

    monkeypatch.setattr(documents, "_recognise", recognise)

    assert Documents([tmp_path]).of("plan") == ()
    assert opened == ["seen"]
    assert len(Documents([home / "console" / "plans"]).of("plan")) == 1


def test_a_broken_file_is_listed_with_its_sentence_and_place(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("handrail: estate/v1\nname: bad\nhosts:\n  a: {oss: x}\n  b: [\n")
    (tmp_path / "cut.plan").write_text('{\n "schema": "handrail/plan/v1",\n "digest": ')
    (tmp_path / "odd.json").write_text('{"schema": "handrail/rehearsal/v1", "plan": "x", "cases": [{"step": 1}]}')
    served = Documents([tmp_path])

    said = {one.file: one.trouble for one in served.broken()}
    assert said["bad.yaml"].startswith("bad.yaml:6:1: ") or said["bad.yaml"].startswith("bad.yaml:5:")
    assert said["cut.plan"].startswith("cut.plan:3:12: This is not a plan file: it is not JSON.")
    assert said["odd.json"].startswith("odd.json: This is not a rehearsal: ")
    assert str(tmp_path) not in "".join(said.values())
    assert served.of("estate") == served.of("plan") == served.of("rehearsal") == ()


def test_a_plan_that_was_changed_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is too large to be read for the list is refused when it is opened."""
    write_plan(mill(), tmp_path / "x.plan")
    (tmp_path / "x.plan").write_text((tmp_path / "x.plan").read_text().replace("Stop the mill", "Burn the mill"))

    assert "does not match" in Documents([tmp_path]).broken()[0].trouble
    monkeypatch.setattr(documents, "SMALL", 100)
    with pytest.raises(Tampered):
        Documents([tmp_path]).plan(mill().digest)


def test_a_file_is_read_once_for_its_size_and_time(
    served: Documents, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    whole = documents._whole

    def counted(found: documents.Found) -> object:
        read.append(found.file)
        return whole(found)

    monkeypatch.setattr(documents, "_whole", counted)
    for _ in range(3):
        served.plan(mill().digest)
        clock.later()
    assert read.count("nights/friday.json") == 2  # for the list, and when it was asked for

    other = plan(step("one"))
    write_plan(other, tmp_path / "nights" / "friday.json")
    clock.later()
    assert served.plan(other.digest) == other
    with pytest.raises(UnknownName):
        served.plan(mill().digest)


def test_estates_of_the_same_name_are_told_apart(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_bytes(VALLEY.read_bytes())

    assert [(one.id, one.file) for one in Documents([tmp_path]).of("estate")] == [
        ("valley", "a.yaml"),
        ("valley-2", "b.yaml"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "{",
        '{"schema": "handrail/rehearsal/v2", "cases": []}',
        '{"schema": "handrail/rehearsal/v1", "plan": "x"}',
        '{"schema": "handrail/rehearsal/v1", "plan": "x", "cases": 3}',
        '{"schema": "handrail/rehearsal/v1", "plan": "x", "cases": [{"step": "s", "fault": "f", "then": "x", '
        '"result": "pass"}]}',
        "[" * 100_000,
    ],
)
def test_what_is_no_rehearsal_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(BadInput):
        documents.rehearsal_of_text(text.encode(), "tried.json")
