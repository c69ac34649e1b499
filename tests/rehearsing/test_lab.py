"""A map leads a plan to lab hosts: what it may change, what it must say, and what it is refused for."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.shipped import shipped

from handrail.actions.catalogue import signatures
from handrail.documents.estate import read_estate
from handrail.errors import BadDocument, BadInput
from handrail.guides.catalogue import SHIPPED, Catalogue
from handrail.guides.facts import check_estate
from handrail.model.plan import Plan
from handrail.planning.plan import make_plan
from handrail.rehearsing.lab import Lab, lab_plan, preparing_plan, read_lab

MAP = """
handrail: lab/v1
hosts:
  db01: {connect: {via: local, user: lab}}
change:
  deployments.shop.installations."server@db01".facts.data_dir: /lab/15
  deployments.shop.installations."server@db01".facts.new_data_dir: /lab/17
prepare:
  - {restore: "shop/server@db01#cluster", made: {folder: /srv/backup/night}}
  - {host: db01, uses: postgresql.start, with: {bin: /usr/pgsql-15/bin, data: /lab/15}}
"""


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return shipped()


@pytest.fixture(scope="module")
def plan(catalogue: Catalogue) -> Plan:
    document = read_estate(SHIPPED / "postgresql" / "estates" / "shop.yaml")
    made = make_plan(check_estate(document, catalogue), catalogue, signatures())
    assert isinstance(made, Plan)
    return made


def lab_of(text: str, folder: Path) -> Lab:
    path = folder / "lab.yaml"
    path.write_text(text)
    return read_lab(path)


def test_the_lab_s_plan_has_the_same_steps_at_the_lab_s_places(
    plan: Plan, catalogue: Catalogue, tmp_path: Path
) -> None:
    made = lab_plan(plan, lab_of(MAP, tmp_path), catalogue)
    assert [step.id for step in made.steps] == [step.id for step in plan.steps]
    assert made.digest != plan.digest
    places = {step.with_["data"] for step in made.steps if "data" in step.with_}
    assert places == {"/lab/15", "/lab/17"}
    host = made.estate.hosts["db01"]
    assert host.connect is not None
    assert host.connect.user == "lab"


def test_preparing_puts_assets_back_as_their_backups_say_and_then_does_what_the_map_names(
    plan: Plan, catalogue: Catalogue, tmp_path: Path
) -> None:
    lab = lab_of(MAP, tmp_path)
    made = preparing_plan(lab_plan(plan, lab, catalogue), lab)
    assert made is not None
    restore, start = made.steps
    assert (restore.uses, restore.with_["folder"], restore.with_["data"]) == (
        "postgresql.restore",
        "/srv/backup/night",
        "/lab/15",
    )
    assert (start.uses, start.after) == ("postgresql.start", (restore.id,))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("  db01: {connect", "  db02: {connect", "does not say how db01 is reached"),
        ("user: lab", "user: postgres", "leads to the real db01"),
        ("/lab/15\n  dep", "/lab/15\n  aim.shop.prefer: link\n  dep", "the plan would be another one"),
        ("postgresql.start", "postgresql.strat", "'postgresql.strat' is not known"),
        ("#cluster", "#clutser", "asset 'shop/server@db01#clutser' is not known"),
        ("folder: /srv", "place: /srv", "lacks 'folder'"),
        ("data: /lab/15}}", "dato: /lab/15}}", "'dato' is not known"),
    ],
)  # fmt: skip
def test_a_map_that_does_not_fit_the_plan_is_refused_in_one_sentence(
    plan: Plan, catalogue: Catalogue, tmp_path: Path, old: str, new: str, says: str
) -> None:
    assert old in MAP
    lab = lab_of(MAP.replace(old, new), tmp_path)
    with pytest.raises(BadInput) as refused:
        preparing_plan(lab_plan(plan, lab, catalogue), lab)
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("lab/v1", "lab/v9", "lab.yaml:2:11"),
        ("hosts:", "host:", "lab.yaml:3:1"),
        ("  - {host: db01, uses", "  - {uses", "names a host and an action"),
    ],
)
def test_a_mistake_in_a_map_has_its_place(tmp_path: Path, old: str, new: str, says: str) -> None:
    with pytest.raises(BadDocument) as refused:
        lab_of(MAP.replace(old, new), tmp_path)
    assert says in str(refused.value)
