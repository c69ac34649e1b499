"""`explain --if` says what would be otherwise, and nothing where nothing would."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.command import Said, handrail

from handrail.guides.catalogue import SHIPPED

ESTATE = SHIPPED / "mim" / "estates" / "contoso.yaml"


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("what-if") / "upgrade.plan"
    assert handrail("plan", ESTATE, "-o", path, home=path.parent).code == 0
    return path


def ask(plan: Path, *arguments: object) -> Said:
    return handrail("explain", plan, *arguments, home=plan.parent)


def test_a_change_that_forbids_the_plan_is_told_with_the_finding(plan: Path) -> None:
    said = ask(plan, "--if", "hosts.sync01.os=windows-server-2025", "--format", "json")
    assert said.code == 0, said.err
    assert said.json["verdict"] == "blocked"
    assert {one["subject"] for one in said.json["said"]} == {"host:sync01"}


def test_a_change_that_changes_nothing_is_told_so(plan: Path) -> None:
    said = ask(plan, "--if", "name=another", "--format", "text")
    assert said.code == 0, said.err
    assert "Nothing would be otherwise" in said.out


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("nonsense", "says nothing"),
        ("hosts.synk01.os=x", "Did you mean 'sync01'"),
        ("name=[", "--if:1:"),
        ("hosts.sync01.os=[1]", "must be text"),
    ],
)
def test_a_change_that_makes_no_sense_is_refused_in_one_sentence(plan: Path, change: str, says: str) -> None:
    said = ask(plan, "--if", change)
    assert said.code == 2
    assert says in said.err
    assert "Traceback" not in said.err
