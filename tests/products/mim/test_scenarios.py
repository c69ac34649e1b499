"""Estates and what MIM's guide makes of them, as `scenarios.yaml` says."""

from __future__ import annotations

import pytest
from tests.support.mim import SCENARIOS, estate_of

from handrail.assessing.assess import assess
from handrail.assessing.roads import find_roads
from handrail.guides.catalogue import Catalogue, load
from handrail.model.estate import Estate
from handrail.model.finding import Finding

WINDOW = "mim/sp3/maintenance-window"


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load()


def written(finding: Finding) -> str:
    return f"{finding.level}{'?' if finding.unknown else ''} {finding.rule} {finding.subject}"


def hops_of(estate: Estate, catalogue: Catalogue) -> list[str]:
    return [
        f"{subject} {hop.before} -> {hop.to} {hop.edge.method}"
        for subject, road in find_roads(estate, catalogue).roads.items()
        for hop in road.hops
    ]


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(name: str, catalogue: Catalogue) -> None:
    scenario = SCENARIOS[name]
    estate = estate_of(scenario, catalogue)
    assessment = assess(estate, catalogue)
    found = sorted(written(one) for one in assessment.findings if one.rule != WINDOW)
    if "findings" in scenario:
        assert found == sorted(scenario["findings"])
    assert set(scenario.get("contains", ())) <= set(found)
    assert not {one.rule for one in assessment.findings} & set(scenario.get("lacks", ()))
    assert assessment.verdict == scenario["verdict"]
    if "hops" in scenario:
        assert sorted(hops_of(estate, catalogue)) == sorted(scenario["hops"])


@pytest.mark.parametrize("name", SCENARIOS)
def test_findings_speak_for_themselves(name: str, catalogue: Catalogue) -> None:
    """No hole is left in a text, every finding has advice and a source, and unknown ones say how to settle them."""
    for one in assess(estate_of(SCENARIOS[name], catalogue), catalogue).findings:
        assert one.message and one.source.section and (one.remedy or one.level == "note"), one
        assert "{{" not in one.message + one.remedy
        assert "(unknown)" not in one.message or one.unknown
        assert ".." not in one.message + one.remedy


@pytest.mark.parametrize("name", ["contoso", "portal"])
def test_everybody_is_told_to_book_a_window(name: str, catalogue: Catalogue) -> None:
    estate = estate_of({"estate": name}, catalogue)
    told = {one.subject for one in assess(estate, catalogue).findings if one.rule == WINDOW and one.level == "note"}
    assert told == {one.subject for one in estate.deployments["identity"].installations}
