"""Every shipped guide shows what it promises: its scenarios pass, on the twin, and leave no demand uncovered."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from tests.support.shipped import shipped

from handrail.assessing.assess import assess
from handrail.documents.estate import acceptance
from handrail.documents.tree import load as load_tree
from handrail.guides.catalogue import SHIPPED, Catalogue
from handrail.rehearsing.guide_tests import choose
from handrail.rehearsing.scenario import read_scenario
from handrail.rehearsing.trial import attempt, estate_of
from handrail.reporting.guide_tests import renderings

FILES = sorted(SHIPPED.glob("*/scenarios/**/*.yaml"))
GUIDES = sorted({path.relative_to(SHIPPED).parts[0] for path in FILES})


@cache
def catalogue() -> Catalogue:
    return shipped()


@pytest.mark.slow
@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SHIPPED).with_suffix("")))
def test_scenario(path: Path) -> None:
    (chosen,) = choose([str(path)], catalogue())
    trial = attempt(chosen.files[0], catalogue(), renderings())
    told = [f"{one.place}: {one.message}" for one in trial.differences] + [str(one) for one in trial.mistakes]

    assert not told, "\n".join(told)
    assert set(trial.covers) <= set(chosen.guide.guide.demands)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SHIPPED).with_suffix("")))
def test_findings_speak_for_themselves(path: Path) -> None:
    """No hole is left in a text, every finding has advice and a source, and unknown ones say how to settle them."""
    scenario = read_scenario(load_tree(path))
    accept = [acceptance(one) for one in scenario.accept]
    found = assess(estate_of(scenario, catalogue()), catalogue(), to=scenario.to, accept=accept)
    for one in found.findings:
        assert one.message and one.source.section and (one.remedy or one.level == "note"), one
        assert "{{" not in one.message + one.remedy, one
        assert "(unknown)" not in one.message or one.unknown, one
        assert ".." not in one.message + one.remedy, one


@pytest.mark.parametrize("name", GUIDES)
def test_every_demand_is_covered_by_a_scenario(name: str) -> None:
    demands = catalogue().of(name).guide.demands
    covered = {id for path in FILES if path.parts[-3] == name for id in read_scenario(load_tree(path)).covers}

    assert demands
    assert not set(demands) - covered


DOCUMENTS = {"A": 10, "B": 10, "C": 20, "D": 10, "X": 10, "F": 7}
"""The documents that the shipped guides come from, and what runs through all of them: how many demands each has."""


@pytest.mark.parametrize("document", DOCUMENTS)
def test_no_demand_of_a_document_is_forgotten(document: str) -> None:
    wanted = {f"{document}{number}" for number in range(1, DOCUMENTS[document] + 1)}
    listed = {id for compiled in catalogue().guides.values() for id in compiled.guide.demands}

    assert not wanted - listed
