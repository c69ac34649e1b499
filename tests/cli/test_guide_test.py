"""`guide test`: scenarios pass or fail with reasons, demands are covered or not, and exit codes say which."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path

import pytest
from tests.support.command import assert_clean, handrail

BAKERY = Path(__file__).parents[1] / "rehearsing" / "bakery"


@pytest.fixture
def bakery(tmp_path: Path) -> Path:
    return Path(shutil.copytree(BAKERY, tmp_path / "bakery"))


def edit(file: Path, before: str, after: str) -> None:
    text = file.read_text()
    assert before in text
    file.write_text(text.replace(before, after, 1))


def test_all_pass_and_every_demand_is_shown(bakery: Path) -> None:
    said = handrail("guide", "test", bakery, home=bakery)

    assert (said.code, said.err) == (0, "")
    assert "pass  The oven is patched and warm again (warm)" in said.out
    assert "server  The server is new enough. Shown by 'An old server is refused'." in said.out
    assert "2 scenarios, none failed; every demand is shown." in said.out


def test_what_differs_is_told_with_its_place(bakery: Path) -> None:
    file = bakery / "scenarios" / "patched.yaml"
    edit(file, "build: 2.0.0.0}", "build: 3.0.0.0}")
    said = handrail("guide", "test", bakery, home=bakery)

    assert said.code == 1
    assert "FAIL  The oven is patched" in said.out
    assert f"{file}:17:7: Expected oven on house at 3.0.0.0, got 2.0.0.0." in " ".join(said.out.split())
    assert "The oven works again afterwards. No scenario shows it." in " ".join(said.out.split())
    assert_clean(said)


def test_a_demand_without_a_scenario_fails(bakery: Path) -> None:
    (bakery / "scenarios" / "too-old.yaml").unlink()
    said = handrail("guide", "test", bakery, home=bakery)

    assert said.code == 1
    assert "1 demand without one: bakery server" in said.err


def test_a_guide_without_scenarios_has_shown_nothing(bakery: Path) -> None:
    shutil.rmtree(bakery / "scenarios")
    said = handrail("guide", "test", bakery, home=bakery)

    assert said.code == 1
    assert "bakery has no scenarios." in said.out


def test_one_scenario_alone_says_nothing_of_other_demands(bakery: Path) -> None:
    said = handrail("guide", "test", bakery / "scenarios" / "too-old.yaml", home=bakery)

    assert said.code == 0
    assert "demand" not in said.out


def test_a_scenario_that_cannot_be_read_is_bad_input_and_the_others_are_tried(bakery: Path) -> None:
    file = bakery / "scenarios" / "patched.yaml"
    edit(file, "verdict: clear", "verdikt: clear")
    said = handrail("guide", "test", bakery, home=bakery)

    assert said.code == 2
    assert f"{file}:5:3: The key 'verdikt' is not known here. Did you mean 'verdict'?" in said.err
    assert "pass  An old server is refused" in said.out


def test_a_demand_that_the_guide_does_not_list_is_bad_input(bakery: Path) -> None:
    edit(bakery / "scenarios" / "patched.yaml", "covers: [warm]", "covers: [wram]")
    said = handrail("guide", "test", bakery, home=bakery)

    assert said.code == 2
    assert "The guide bakery lists no demand 'wram'. Did you mean 'warm'?" in said.err


def test_json_says_it_all(bakery: Path) -> None:
    edit(bakery / "scenarios" / "patched.yaml", "build: 2.0.0.0}", "build: 3.0.0.0}")
    said = handrail("guide", "test", bakery, "--format", "json", home=bakery)

    assert said.code == 1
    document = said.json
    assert document["schema"] == "handrail/guide-test/v1"
    assert (document["passed"], document["failed"], document["uncovered"]) == (1, 1, 1)
    (guide,) = document["guides"]
    first, second = guide["scenarios"]
    assert (first["result"], first["ran"], second["result"], second["ran"]) == ("fail", True, "pass", False)
    assert first["differences"][0]["line"] == 17
    assert [one["shown"] for one in guide["demands"]] == [False, True]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("bakerie", "The guide or folder 'bakerie' is not known."),
        ("empty", "There is no guide.yaml and no scenario in this folder."),
        ("alone.yaml", "No guide stands above this scenario."),
    ],
)
def test_a_name_that_means_nothing_is_bad_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "alone.yaml").write_text("scenario: x\n")
    found = handrail("guide", "test", name, home=tmp_path)

    assert found.code == 2
    assert said in found.err
    assert_clean(found)


def test_guides_of_an_author_are_known_by_name_too(bakery: Path) -> None:
    assert handrail("guide", "test", "bakery", "--guides", bakery, home=bakery).code == 0


def test_the_plan_of_every_scenario_is_rehearsed_once(tmp_path: Path) -> None:
    asked = ("guide", "test", "miis", "--only", "same-server,old-key-tool,back-half-way", "--rehearse")
    said = handrail(*asked, "--faults", "killed-after-effect,restarts", home=tmp_path)

    assert (said.code, said.err) == (0, "")
    assert "pass  miis/back-half-way (and same-server: the same plan): 32 steps; " in said.out
    assert "2 plans rehearsed, none failed." in said.out

    told = json.loads(handrail(*asked, "--faults", "disk-full", "--seeds", "2", "--format", "json", home=tmp_path).out)
    found = told["rehearsal"]
    assert [one["scenarios"] for one in found["plans"]] == [
        ["miis/back-half-way", "miis/same-server"],
        ["miis/old-key-tool"],
    ]
    assert all(one["passed"] == one["cases"] > 5 and one["seeds"]["passed"] == 2 for one in found["plans"])
    assert found["totals"]["passed"] == sum(one["cases"] for one in found["plans"])


def test_a_rehearsal_that_fails_names_what_shows_it_again(bakery: Path) -> None:
    """The bakery puts copies back and nothing else; Windows Installer still says that the oven is patched."""
    said = handrail("guide", "test", bakery, "--rehearse", "--faults", "killed-after-effect", home=bakery)

    assert said.code == 1
    assert "the build of oven on house is 2.0.0.0, and was 1.0.0.0" in " ".join(said.out.split())
    assert "handrail: 1 plan rehearsed, 1 failed: bakery/patched." in said.err
    again = next(line for line in said.out.splitlines() if "--case" in line)
    story = handrail(*shlex.split(again)[1:], home=bakery)
    assert story.code == 1 and "killed after: " in story.out and "taken back by" in story.out


def test_scenarios_can_be_chosen_by_name(bakery: Path) -> None:
    said = handrail("guide", "test", bakery, "--only", "pached", home=bakery)
    assert said.code == 2 and "No scenario is called 'pached'. Did you mean 'bakery/patched'?" in said.err

    said = handrail("guide", "test", bakery, "--only", "bakery/too-*", "--rehearse", home=bakery)
    assert said.code == 0 and "0 plans rehearsed, none failed." in said.out

    said = handrail("guide", "test", bakery, "--case", "patch:restarts", home=bakery)
    assert said.code == 2 and "--case is about one scenario." in said.err


@pytest.mark.parametrize("option", [("--faults", "all"), ("--seeds", "3")])
def test_faults_and_seeds_are_about_rehearsing(bakery: Path, option: tuple[str, str]) -> None:
    said = handrail("guide", "test", bakery, *option, home=bakery)
    assert said.code == 2 and "Give them with --rehearse." in said.err
