"""`handrail rehearse --seeds`: what it asks for, what it says, and how it ends."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.command import assert_clean, handrail
from tests.support.simulating import bakery

from handrail.documents.plan import write_plan
from handrail.guides.catalogue import SHIPPED


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small one of a shipped guide."""
    home = tmp_path_factory.mktemp("plan")
    estate = SHIPPED / "miis" / "estates" / "contoso.yaml"
    assert handrail("plan", estate, "-o", home / "x.plan", home=home).code == 0
    return home / "x.plan"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--seeds", 0), "asks for nothing"),
        (("--seeds", 3, "--only", "1"), "about one seed"),
        (("--only", "1"), "about one seed"),
        (("--seed", 3, "--only", "one"), "no list of numbers"),
        (("--seeds", 3, "--format", "html"), "text or JSON"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(tmp_path: Path, options: tuple[object, ...], says: str) -> None:
    write_plan(bakery(), tmp_path / "x.plan")
    said = handrail("rehearse", tmp_path / "x.plan", *options, home=tmp_path)

    assert (said.code, said.out) == (2, "")
    assert says in said.err
    assert_clean(said)


def test_seeds_are_counted_and_each_has_its_case(plan: Path) -> None:
    said = handrail("rehearse", plan, "--seeds", 3, "--seed", 4, "--format", "json", home=plan.parent)

    assert [case["seed"] for case in said.json["cases"]] == [4, 5, 6]
    assert said.json["schema"] == "handrail/rehearsal/v1"
    assert said.code == (1 if said.json["failed"] else 0)


def test_one_seed_is_told_as_a_story_with_what_shows_it_again(plan: Path) -> None:
    said = handrail("rehearse", plan, "--seed", 2, home=plan.parent)

    assert "worker 1 takes rehearsal" in said.out
    assert f"handrail rehearse {plan} --seed 2" in " ".join(said.out.split())
    assert_clean(said)
