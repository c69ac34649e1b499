"""Plans whose runs are simulated: a small one, and the sample of SP3."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from tests.support.shipped import shipped

from handrail.actions import build as build_action
from handrail.actions import signatures
from handrail.documents.estate import read_estate
from handrail.guides.catalogue import SHIPPED, load
from handrail.guides.facts import check_estate
from handrail.model.plan import Plan
from handrail.planning.plan import make_plan
from handrail.rehearsing.journey import stage_of, travel
from handrail.rehearsing.memory import MemoryJournal
from handrail.rehearsing.mishaps import Mishap, drawn
from handrail.rehearsing.simulation import Ground, ground
from handrail.running.carrying import Build

BAKERY = Path(__file__).parent.parent / "rehearsing" / "bakery"
TWIN = {"bakery": BAKERY / "twin.yaml"}


@cache
def bakery() -> Plan:
    """Eight steps on one host: a hold, a backup, a patch, a person."""
    catalogue = load([BAKERY], signatures=signatures())
    plan = make_plan(check_estate(read_estate(BAKERY / "estates" / "village.yaml"), catalogue), catalogue, signatures())
    assert isinstance(plan, Plan), plan.findings
    return plan


def bakery_ground(journal: type[MemoryJournal] = MemoryJournal, build: Build = build_action) -> Ground:
    return ground(travel(stage_of(bakery(), TWIN, build, journal)))


@cache
def sp3() -> Plan:
    catalogue = shipped()
    estate = check_estate(read_estate(SHIPPED / "mim" / "estates" / "contoso.yaml"), catalogue)
    plan = make_plan(estate, catalogue, signatures())
    assert isinstance(plan, Plan), plan.findings
    return plan


def sp3_ground(build: Build = build_action) -> Ground:
    return ground(travel(stage_of(sp3(), {"mim": SHIPPED / "mim" / "twin.yaml"}, build)))


def without(on: Ground, seed: int, *ways: str) -> tuple[Mishap, ...]:
    """What goes wrong in the run of a seed, but for these ways."""
    return tuple(one for one in drawn(seed, on.size) if one.way not in ways)
