"""`handrail report`: writes evidence, checks it, makes the key that signs it."""

from __future__ import annotations

import json
import shutil
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.command import Said, assert_clean, handrail
from tests.support.counting import plan, step
from tests.support.evidence import carried, lines_of, put, rewrite, written

from handrail.reporting.evidence_files import HTML, JSON, SIGNATURE


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    where = tmp_path_factory.mktemp("run")
    with carried(where, plan(step("one"), step("two", host="b"))) as (_, run):
        pass
    yield where / "home", run


@pytest.fixture
def home(origin: tuple[Path, str], tmp_path: Path) -> Path:
    return Path(shutil.copytree(origin[0], tmp_path / "home"))


@pytest.fixture
def run(origin: tuple[Path, str]) -> str:
    return origin[1]


def said(*arguments: object, home: Path) -> Said:
    found = handrail("report", *arguments, home=home)
    assert_clean(found)
    return found


def test_it_writes_both_files_and_says_where_and_how_to_check_them(home: Path, run: str, tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "report"

    wrote = said(run, "-o", folder, home=home)

    assert wrote.code == 0
    assert str(folder / HTML) in wrote.out and f"handrail report --check {folder}" in wrote.out
    assert sorted(path.name for path in folder.iterdir()) == [HTML, JSON]
    assert said("--check", folder, home=tmp_path / "elsewhere").code == 0


def test_json_goes_to_standard_output_alone(home: Path, tmp_path: Path) -> None:
    wrote = said("-o", tmp_path / "report", "--format", "json", home=home).json
    checked = said("--check", tmp_path / "report", "--format", "json", home=home).json

    assert wrote["schema"] == "handrail/report/v1" and wrote["state"] == "succeeded" and wrote["signed_by"] is None
    assert [one["name"] for one in wrote["files"]] == [HTML, JSON]
    assert checked["schema"] == "handrail/evidence-check/v1" and checked["holds"] and not checked["signed"]
    assert (checked["run"], checked["state"]) == (wrote["run"], "succeeded")


def test_what_was_changed_ends_with_1_and_says_what(home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "report"
    said("-o", folder, home=home)
    lines = lines_of(folder)
    put(folder, [line.replace(b'"eve"', b'"bob"') for line in lines])

    found = handrail("report", "--check", folder, home=home)

    assert found.code == 1
    assert "It does not hold. Do not rely on it." in found.out


def test_beside_the_store_what_was_rewritten_without_a_signature_is_found(home: Path, run: str, tmp_path: Path) -> None:
    folder, short = tmp_path / "report", tmp_path / "short"
    said(run, "-o", folder, home=home)
    rewrite(folder, short, most=6)
    rewrite(folder, tmp_path / "other", change=lambda event: replace(event, at=event.at.replace("2026", "2025")))

    same = said(run, "--check", folder, home=home)
    assert same.code == 0 and "store: The store has the same" in same.out
    assert "came since" in said(run, "--check", short, home=home).out
    assert said("--check", tmp_path / "other", home=home).code == 0
    found = handrail("report", run, "--check", tmp_path / "other", home=home)
    assert found.code == 1 and "The store has something else in lane" in found.out


def test_evidence_of_another_run_is_not_of_this_one(home: Path, run: str, tmp_path: Path) -> None:
    with carried(tmp_path, plan(step("one"))) as (session, other):
        written(session, other, tmp_path / "report")

    found = handrail("report", run, "--check", tmp_path / "report", home=home)

    assert found.code == 1 and f"It is not of run {run}. It says: {other}." in " ".join(found.out.split())


def test_with_a_key_configured_it_is_signed_and_the_key_is_in_no_output(home: Path, tmp_path: Path) -> None:
    key, folder = tmp_path / "evidence key", tmp_path / "report"
    made = said("--make-key", key, home=home)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    (line,) = [line.strip() for line in made.out.splitlines() if line.strip().startswith("evidence: ")]
    (home / "config.yaml").write_text(line + "\n", "utf-8")
    (home / "config.yaml").chmod(0o600)

    wrote = said("-o", folder, home=home)

    assert "Signed with SHA256:" in wrote.out and (folder / SIGNATURE).exists()
    public = (tmp_path / "evidence key.pub").read_text("utf-8")
    assert public.split()[1] in made.out
    assert said("--check", folder, "--key", tmp_path / "evidence key.pub", home=home).code == 0
    assert said("--check", folder, "--key", public.strip(), home=home).code == 0
    written = b"".join(path.read_bytes() for path in folder.iterdir())
    secret = key.read_text("utf-8").strip().removeprefix("ed25519:")
    assert secret.encode() not in written and secret not in made.out + wrote.out

    other = tmp_path / "other"
    said("--make-key", other, home=home)
    assert handrail("report", "--check", folder, "--key", f"{other}.pub", home=home).code == 1
    refused = said("--make-key", other, home=home)
    assert refused.code == 2 and "There is a file already" in refused.err


def test_a_report_without_a_key_takes_an_older_signature_away(home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "report"
    folder.mkdir()
    (folder / SIGNATURE).write_text("of something else")

    said("-o", folder, home=home)

    assert not (folder / SIGNATURE).exists() and said("--check", folder, home=home).code == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "Nothing says what is to be done"),
        (("-o", "x", "--check", "x"), "-o and --check do not go together"),
        (("run-1", "--make-key", "x"), "--make-key is about no run"),
        (("--check", "x", "--rehearsal", "y"), "--rehearsal is for -o"),
        (("--check", "x", "--store", "y"), "--store is for comparing with a run"),
        (("-o", "x", "--key", "y"), "--key is for --check"),
        (("no-such-run", "-o", "x"), "not known"),
        (("--check", "nowhere"), "no evidence here"),
        (("--check", "."), "no evidence here"),
        (("-o", "x", "--rehearsal", "nowhere"), "does not exist"),
        (("-o", "/dev/null/x"), "cannot be made"),
        (("-o", ""), "-o is empty"),
        (("--make-key", "/nowhere/key"), "cannot be written"),
    ],
)
def test_bad_usage_is_one_sentence(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], says: str
) -> None:
    monkeypatch.chdir(tmp_path)

    found = said(*arguments, home=home)

    assert found.code == 2 and says in found.err


def test_the_evidence_of_another_run_is_not_replaced_and_that_of_the_same_is(home: Path, tmp_path: Path) -> None:
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    theirs.mkdir()
    (theirs / JSON).write_text('{"run":{"run":"another"}}')
    refused = said("-o", theirs, home=home)

    assert refused.code == 2 and "the evidence of another run" in refused.err
    assert [one.name for one in theirs.iterdir()] == [JSON] and "another" in (theirs / JSON).read_text()
    assert [said("-o", ours, home=home).code for _ in range(2)] == [0, 0]


@pytest.mark.parametrize("key", ["ed25519:AAAA", "env:NOT_SET", "file:/nowhere"])
def test_a_key_that_cannot_be_used_is_refused_and_never_shown(home: Path, tmp_path: Path, key: str) -> None:
    (home / "config.yaml").write_text(json.dumps({"evidence": {"key": key}}))
    (home / "config.yaml").chmod(0o600)

    found = said("-o", tmp_path / "report", home=home)

    assert found.code == 2 and not (tmp_path / "report" / JSON).exists()
    assert not key.startswith("ed25519") or key not in found.err
