"""`handrail rehearse`: exit codes, formats, one case alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.command import handrail
from tests.support.rehearsals import MILL, VALLEY, id_of

from handrail.documents.plan import read_plan, write_plan


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("plan")
    assert handrail("plan", VALLEY, "--guides", MILL, "-o", home / "mill.plan", home=home).code == 0
    return home / "mill.plan"


def test_all_pass(plan: Path) -> None:
    said = handrail("rehearse", plan, "--guides", MILL, "--faults", "lost-done", home=plan.parent)

    assert (said.code, said.err) == (0, "")
    assert "passed, none failed." in said.out


def test_json_has_nothing_else_on_standard_output(plan: Path) -> None:
    said = handrail("rehearse", plan, "--guides", MILL, "--faults", "lost-done", "--format", "json", home=plan.parent)

    assert said.json["schema"] == "handrail/rehearsal/v1"
    assert (said.json["failed"], said.json["passed"]) == (0, len(said.json["cases"]))


def test_one_case_is_told_as_a_story(plan: Path) -> None:
    said = handrail("rehearse", plan, "--guides", MILL, "--case", "patch:killed-after-effect", home=plan.parent)

    assert said.code == 0
    assert f"{id_of('patch')}: we are killed when it has taken effect, then resume" in said.out
    assert "the process is gone" in said.out


def test_a_page_is_written_to_a_file(plan: Path, tmp_path: Path) -> None:
    page = tmp_path / "rehearsal.html"
    arguments = ("rehearse", plan, "--guides", MILL, "--faults", "restarts", "--format", "html", "-o", page)
    said = handrail(*arguments, home=plan.parent)

    assert said.out == f"Written to {page}\n"
    assert page.read_text().startswith("<!DOCTYPE html>")


@pytest.mark.parametrize(
    "more", [("--faults", "no-such"), ("--faults", ","), ("--case", "patch"), ("--case", "nowhere:lost-done")]
)
def test_what_there_is_not_is_bad_usage(plan: Path, more: tuple[str, str]) -> None:
    said = handrail("rehearse", plan, "--guides", MILL, *more, home=plan.parent)

    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("handrail: ")


@pytest.mark.parametrize("more", [("--faults", "restarts"), ("--seeds", "2")])
def test_a_plan_that_was_made_with_other_actions_is_refused(plan: Path, tmp_path: Path, more: tuple[str, str]) -> None:
    """It could not be run; what its rehearsal shows would be about something else."""
    known = read_plan(plan)
    other = tmp_path / "other.plan"
    write_plan(replace(known, steps=tuple(replace(one, revision=one.revision + 1) for one in known.steps)), other)
    said = handrail("rehearse", other, "--guides", MILL, *more, home=plan.parent)

    assert (said.code, said.out) == (2, "")
    assert "The plan was made with revision 2 of" in said.err


@pytest.mark.parametrize("more", [("--faults", "restarts"), ("--seeds", "2")])
@pytest.mark.parametrize("name", ["", "no-such-folder/page"])
def test_that_nothing_can_be_written_shows_before_the_work(
    plan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: tuple[str, str], name: str
) -> None:
    def working(*_: object, **__: object) -> None:
        raise AssertionError("it began")

    monkeypatch.setattr("handrail.rehearsing.matrix.prepare", working)
    monkeypatch.setattr("handrail.cli.seeds.travel", working)
    said = handrail("rehearse", plan, "--guides", MILL, *more, "-o", tmp_path / name, home=plan.parent)

    assert (said.code, said.out) == (2, "")
    assert "The rehearsal cannot be written" in said.err
