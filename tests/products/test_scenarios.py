"""Every shipped guide shows what it promises: its scenarios pass, on the twin, and leave no demand uncovered."""

from __future__ import annotations

from functools import cache

import pytest

from handrail.actions import signatures
from handrail.guides.catalogue import SHIPPED, Catalogue, load
from handrail.rehearsing.guide_tests import choose
from handrail.rehearsing.trial import attempt
from handrail.reporting.guide_tests import renderings

FILES = sorted(SHIPPED.glob("*/scenarios/**/*.yaml"))
GUIDES = sorted({path.relative_to(SHIPPED).parts[0] for path in FILES})


@cache
def catalogue() -> Catalogue:
    return load(signatures=signatures())


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SHIPPED).with_suffix("")))
def test_scenario(path: object) -> None:
    (chosen,) = choose([str(path)], catalogue())
    trial = attempt(chosen.files[0], catalogue(), renderings())
    told = [f"{one.place}: {one.message}" for one in trial.differences] + [str(one) for one in trial.mistakes]

    assert not told, "\n".join(told)
    assert set(trial.covers) <= set(chosen.guide.guide.demands)


@pytest.mark.parametrize("name", GUIDES)
def test_every_demand_is_covered_by_a_scenario(name: str) -> None:
    demands = catalogue().of(name).guide.demands
    covered = {id for path in FILES if path.parts[-3] == name for id in covers_of(str(path))}

    assert demands
    assert not set(demands) - covered


@cache
def covers_of(path: str) -> tuple[str, ...]:
    from handrail.documents.tree import load as load_tree
    from handrail.rehearsing.scenario import read_scenario

    return read_scenario(load_tree(path)).covers
