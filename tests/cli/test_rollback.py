"""`handrail rollback` from end to end on the twin, and every way in which it can be asked for in vain."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from tests.support.command import ESTATES, Said, assert_clean, handrail

from handrail.documents.plan import read_plan
from handrail.guides.catalogue import SHIPPED


def run_of(said: Said) -> str:
    found = re.search(r"^Run ([\w-]+)", said.out + said.err, re.MULTILINE)
    assert found, said
    return found[1]


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A home with a run that has prepared something and waits at its first hold."""
    home = tmp_path_factory.mktemp("asked")
    assert handrail("plan", ESTATES / "contoso.yaml", "-o", home / "upgrade.plan", home=home).code == 0
    said = handrail("run", home / "upgrade.plan", "--twin", "--ask", home=home)
    assert said.code == 4
    return home, run_of(said)


@pytest.fixture
def waiting(asked: tuple[Path, str], tmp_path: Path) -> tuple[Path, str]:
    """The same, in a home that may be used up."""
    shutil.copytree(asked[0], tmp_path / "home")
    return tmp_path / "home", asked[1]


@pytest.fixture(scope="module")
def taken_back(asked: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """The home, its run, and the run that has taken it back."""
    home, run = tmp_path_factory.mktemp("taken-back") / "home", asked[1]
    shutil.copytree(asked[0], home)
    assert handrail("rollback", run, "-o", home / "back.plan", home=home).code == 0
    said = handrail("run", home / "back.plan", home=home)
    assert said.code == 0, said
    return home, run, run_of(said)


def test_before_it_starts_a_run_says_what_would_take_it_back(asked: tuple[Path, str], tmp_path: Path) -> None:
    said = handrail("run", asked[0] / "upgrade.plan", "--twin", "--ask", home=tmp_path)

    assert said.out.splitlines()[1] == f"To go back: handrail rollback {run_of(said)}"


def test_status_says_what_going_back_costs_and_how_it_is_done(asked: tuple[Path, str]) -> None:
    home, run = asked
    said = handrail("status", run, home=home)
    document = handrail("status", run, "--format", "json", home=home).json

    assert "Going back takes about" in said.out and f"handrail rollback {run} -o back.plan" in said.out
    assert document["going_back"]["possible"] and document["going_back"]["steps"] >= 1


def test_the_way_back_is_shown_written_and_the_same_in_every_format(waiting: tuple[Path, str]) -> None:
    home, run = waiting
    text = handrail("rollback", run, "-o", home / "back.plan", home=home)
    document = handrail("rollback", run, "--format", "json", home=home).json
    runbook = handrail("rollback", run, "--format", "markdown", home=home)

    assert text.code == runbook.code == 0 and text.err == runbook.err == ""
    assert f"This plan takes run {run} back." in text.out and "handrail run " in text.out
    assert document == json.loads((home / "back.plan").read_bytes())
    assert document["goes_back"] == {"run": run, "plan": read_plan(home / "upgrade.plan").digest}
    assert document["digest"] in runbook.out
    assert max(map(len, text.out.splitlines()[:-1])) <= 80


def test_a_way_back_is_explained_as_one(waiting: tuple[Path, str]) -> None:
    home, run = waiting
    handrail("rollback", run, "-o", home / "back.plan", home=home)
    for arguments in (["1"], []):
        said = handrail("explain", home / "back.plan", *arguments, home=home)
        assert said.code == 0 and "itself a way back" in said.out
        assert "handrail rollback RUN" not in said.out


def test_without_a_file_nothing_is_written_and_the_command_that_would_is_shown(asked: tuple[Path, str]) -> None:
    home, run = asked
    said = handrail("rollback", run, home=home)

    assert said.code == 0 and said.out.rstrip().endswith(f"handrail rollback {run} -o back.plan")


def test_a_way_back_runs_like_any_plan_on_the_twin_of_its_run(taken_back: tuple[Path, str, str]) -> None:
    home, run, back = taken_back
    document = handrail("status", run, "--format", "json", home=home).json

    assert document["state"] == "rolled-back" and document["taken_back_by"] == back
    assert handrail("status", back, "--format", "json", home=home).json["goes_back"] == run
    assert "Rolled back." in handrail("status", run, home=home).out
    assert [path.name for path in (home / "twins").iterdir()] == [run], "a way back has no twin of its own"
    assert handrail("verify", back, home=home).code == 0


def test_the_list_of_runs_says_which_were_taken_back(taken_back: tuple[Path, str, str]) -> None:
    home, run, back = taken_back
    said = handrail("status", home=home)

    assert re.search(rf"{run} .*{back}", said.out)


@pytest.mark.parametrize(
    "command",
    [
        ["resume", "RUN"],
        ["rollback", "RUN"],
        ["verify", "RUN"],
        ["answer", "RUN", "ready", "yes"],
        ["run", "back.plan"],
    ],
    ids=lambda command: command[0],
)
def test_what_was_taken_back_is_over(taken_back: tuple[Path, str, str], command: list[str]) -> None:
    home, run, back = taken_back
    arguments = [run if one == "RUN" else home / one if one == "back.plan" else one for one in command]
    said = handrail(*arguments, home=home)

    assert said.code == 2 and said.out == ""
    assert said.err.startswith(f"handrail: Run {run} was taken back by run {back}")


def test_a_way_back_is_not_taken_back_but_brought_to_its_end(taken_back: tuple[Path, str, str]) -> None:
    home, run, back = taken_back
    said = handrail("rollback", back, home=home)

    assert said.code == 2 and f"is itself the way back of run {run}" in said.err and "resume" in said.err


def test_a_way_back_that_the_run_has_overtaken_is_computed_anew(waiting: tuple[Path, str]) -> None:
    home, run = waiting
    handrail("rollback", run, "-o", home / "back.plan", home=home)
    step = next(
        one["id"]
        for one in handrail("status", run, "--format", "json", home=home).json["steps"]
        if one["state"] == "waiting"
    )
    handrail("answer", run, step, "yes", home=home)
    handrail("resume", run, "--ask", home=home)
    said = handrail("run", home / "back.plan", home=home)

    assert said.code == 2 and f"handrail rollback {run} -o PLAN" in said.err


def test_a_run_that_has_changed_nothing_needs_no_way_back(asked: tuple[Path, str], tmp_path: Path) -> None:
    from handrail.running.home import Home
    from handrail.running.session import open_session

    with open_session(Home(tmp_path)) as session:
        run = session.start(read_plan(asked[0] / "upgrade.plan"), "tester", target="twin")
    said = handrail("rollback", run, home=tmp_path)

    assert said.code == 2 and "has changed nothing" in said.err


def test_beyond_the_point_of_no_return_it_says_so_and_ends_with_3(tmp_path: Path) -> None:
    estate = SHIPPED / "vmm" / "estates" / "fabric.yaml"
    assert handrail("plan", estate, "-o", tmp_path / "plan", home=tmp_path).code == 0
    run = run_of(handrail("run", tmp_path / "plan", "--twin", home=tmp_path))
    text = handrail("rollback", run, "-o", tmp_path / "back", home=tmp_path)
    document = handrail("rollback", run, "--format", "json", home=tmp_path)

    assert text.code == document.code == 3 and not (tmp_path / "back").exists()
    assert "No way back" in text.out and "handrail/rollback/no-way-back" in text.out
    assert {one["rule"] for one in document.json["findings"]} == {"handrail/rollback/no-way-back"}
    assert document.json["verdict"] == "blocked"
    assert "There is no way back any more" in handrail("status", run, home=tmp_path).out


@pytest.mark.parametrize("run", ["nonsense", "", "../../etc", "ü" * 300])
def test_a_run_that_there_is_not_is_one_clear_sentence(asked: tuple[Path, str], run: str) -> None:
    said = handrail("rollback", run, home=asked[0])

    assert_clean(said)
    assert said.code == 2 and said.out == ""


def test_without_a_store_there_is_nothing_to_take_back(tmp_path: Path) -> None:
    said = handrail("rollback", "any", home=tmp_path)

    assert_clean(said)
    assert said.code == 2 and list(tmp_path.iterdir()) == []


def test_a_way_back_that_was_changed_is_refused(waiting: tuple[Path, str]) -> None:
    home, run = waiting
    file = home / "back.plan"
    handrail("rollback", run, "-o", file, home=home)
    file.write_text(file.read_text("utf-8").replace('"lasting": true', '"lasting": false'), "utf-8")
    said = handrail("run", file, home=home)

    assert said.code == 2 and "does not match its digest" in said.err


def test_a_way_back_made_by_hand_is_refused(waiting: tuple[Path, str]) -> None:
    """A plan with a right digest that nobody computed from the run."""
    from dataclasses import replace

    from handrail.documents.plan import write_plan

    home, run = waiting
    handrail("rollback", run, "-o", home / "back.plan", home=home)
    made = read_plan(home / "back.plan")
    write_plan(replace(made, steps=made.steps[1:], findings=()), home / "other.plan")
    said = handrail("run", home / "other.plan", home=home)

    assert said.code == 2 and said.out == ""


def test_in_another_store_the_run_is_not_known(waiting: tuple[Path, str], tmp_path: Path) -> None:
    home, run = waiting
    handrail("rollback", run, "-o", home / "back.plan", home=home)
    said = handrail("run", home / "back.plan", home=tmp_path / "elsewhere")

    assert said.code == 2 and run in said.err


def test_a_place_where_nothing_can_be_written_is_told(asked: tuple[Path, str], tmp_path: Path) -> None:
    home, run = asked
    said = handrail("rollback", run, "-o", tmp_path / "no" / "such" / "folder", home=home)

    assert_clean(said)
    assert said.code == 2
