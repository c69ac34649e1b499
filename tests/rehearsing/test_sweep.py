"""Plans of shipped scenarios broken at every step: one or two for each road, with the faults that found most."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from handrail.actions.catalogue import signatures
from handrail.guides import catalogue as guides
from handrail.guides.catalogue import Catalogue
from handrail.rehearsing.faults import chosen
from handrail.rehearsing.sweep import SamePlan, rehearse

FAULTS = chosen("killed-after-effect,restarts")
ROADS: Mapping[str, tuple[str, ...]] = {
    "miis": ("back-from-another-database-server", "old-key-tool"),
    "mim": ("sp2-hotfix-only", "sp2-database-moves", "sp3-portal-moves"),
    "vmm": ("moved-setup-account-other-dkm",),
    "system-center": ("one-alone",),
}


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return guides.load([], signatures=signatures())


def the_plan_of(catalogue: Catalogue, guide: str, scenario: str) -> SamePlan:
    file = catalogue.of(guide).folder / "scenarios" / f"{scenario}.yaml"
    return SamePlan(guide, (str(file),), 0)


@pytest.mark.slow
@pytest.mark.parametrize(("guide", "scenario"), [(guide, one) for guide, several in ROADS.items() for one in several])
def test_every_road_is_broken_at_every_step_and_taken_back(catalogue: Catalogue, guide: str, scenario: str) -> None:
    found = rehearse(the_plan_of(catalogue, guide, scenario), catalogue, FAULTS)

    assert found.passed, [found.unfaulted, found.unknown, [(one.case.name, one.case.because) for one in found.failures]]
    assert found.counts.passed + found.counts.as_planned == found.counts.cases > 40
    assert not found.stops


def test_where_a_plan_is_meant_to_stand_every_case_comes_to_stand_there(catalogue: Catalogue) -> None:
    """The scenario says that this run fails even undisturbed, before anything is removed; it is taken back."""
    found = rehearse(the_plan_of(catalogue, "miis", "profile-deleted"), catalogue, FAULTS)

    assert found.passed and found.counts.passed == found.counts.cases > 5
    assert found.stops.endswith("/agents-before")


@pytest.mark.slow
def test_what_a_scenario_plants_is_there_where_the_plan_needs_it(catalogue: Catalogue) -> None:
    found = rehearse(the_plan_of(catalogue, "mim", "sp2-forms-merged"), catalogue, chosen("disk-full"))

    assert found.passed and not found.stops and found.counts.passed > 10


def test_a_product_without_a_twin_says_where_it_is_rehearsed(catalogue: Catalogue) -> None:
    found = rehearse(the_plan_of(catalogue, "postgresql", "copy"), catalogue, FAULTS)

    assert found.passed and not found.counts.cases
    assert found.untried == "postgresql has no twin: it is rehearsed on lab hosts, with --on."
