"""Estates and what MIM's guide makes of them, as `scenarios.yaml` says."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from handrail.assessing.assess import assess
from handrail.assessing.roads import find_roads
from handrail.documents.estate import estate_document
from handrail.documents.tree import load as load_tree
from handrail.documents.tree import tree_of
from handrail.guides.catalogue import SHIPPED, Catalogue, load
from handrail.guides.facts import check_estate
from handrail.model.estate import Estate
from handrail.model.finding import Finding

SCENARIOS: dict[str, dict[str, Any]] = load_tree(Path(__file__).parent / "scenarios.yaml").data
WINDOW = "mim/sp3/maintenance-window"


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load()


def change(data: Any, path: str, value: Any) -> None:
    """Set what the keys in `path` lead to; None takes it away."""
    *way, last = (int(key) if key.isdigit() else key for key in path.split())
    for key in way:
        data = data[key] if isinstance(key, int) else data.setdefault(key, {})
    if value is None:
        data.pop(last, None)
    elif isinstance(data, list) and last == len(data):
        data.append(value)
    else:
        data[last] = value


def estate_of(scenario: dict[str, Any], catalogue: Catalogue) -> Estate:
    data = copy.deepcopy(load_tree(SHIPPED / "mim" / "estates" / f"{scenario['estate']}.yaml").data)
    before = SCENARIOS[scenario["like"]] if "like" in scenario else {}
    for path, value in {**before.get("change", {}), **scenario.get("change", {})}.items():
        change(data, path, value)
    return check_estate(estate_document(tree_of(data, "the scenario's estate")), catalogue)


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
