"""The plan of a mill, small enough to be broken in every way in a second."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

from handrail.actions import build as build_action
from handrail.actions import signatures
from handrail.documents.estate import estate_document
from handrail.documents.tree import load as load_tree
from handrail.documents.tree import tree_of
from handrail.guides.catalogue import load
from handrail.guides.facts import check_estate
from handrail.model.plan import Plan
from handrail.planning.plan import make_plan
from handrail.rehearsing.cases import Judge
from handrail.rehearsing.faults import chosen
from handrail.rehearsing.journey import Journey, stage_of, travel
from handrail.rehearsing.matrix import Matrix, prepare, rehearsal_of, try_all
from handrail.rehearsing.memory import MemoryJournal
from handrail.rehearsing.results import Rehearsal
from handrail.restoring.rollback import NoWayBack, make_rollback
from handrail.running.carrying import Build
from handrail.twin.things import Service
from handrail.twin.world import Twin

MILL = Path(__file__).parents[1] / "rehearsing" / "mill"
VALLEY = MILL / "estates" / "valley.yaml"
TWIN: Mapping[str, Path] = {"mill": MILL / "twin.yaml"}
STONE = "flour/stone@brook"

MakeBack = Callable[..., Plan | NoWayBack]


def plan_of(change: Callable[[Any], None] = lambda data: None) -> Plan:
    """The mill's plan for an estate that `change` has changed."""
    catalogue = load([MILL], signatures=signatures())
    data = load_tree(VALLEY, "The estate").data
    change(data)
    estate = check_estate(estate_document(tree_of(data, str(VALLEY))), catalogue)
    plan = make_plan(estate, catalogue, signatures())
    assert isinstance(plan, Plan), plan.findings
    return plan


@cache
def mill() -> Plan:
    return plan_of()


@cache
def journey() -> Journey:
    return travel(stage_of(mill(), TWIN))


def id_of(name: str) -> str:
    return f"{STONE}/2/{name}"


def matrix_of(
    plan: Plan | None = None,
    faults: str = "all",
    *,
    build: Build = build_action,
    journal: type[MemoryJournal] = MemoryJournal,
    make_back: MakeBack = make_rollback,
    twin: Mapping[str, Path] = TWIN,
) -> Matrix:
    judge: Any = partial(Judge, make_back=make_back)
    return prepare(plan or mill(), twin, chosen(faults), build=build, journal=journal, judge=judge)


def rehearsed(plan: Plan | None = None, faults: str = "all", **more: Any) -> Rehearsal:
    matrix = matrix_of(plan, faults, **more)
    return rehearsal_of(matrix, try_all(matrix, 1))


def failed(rehearsal: Rehearsal) -> list[str]:
    return [f"{one.name} then {one.then}: {one.because}" for one in rehearsal.cases if one.result == "fail"]


def service(twin: Twin) -> str:
    found = twin.machine("brook").get(Service, "Mill")
    assert found is not None
    return found.state
