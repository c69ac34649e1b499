from __future__ import annotations

import pytest
from tests.support.fleets import SIGNATURES, catalogue, small

from handrail.errors import BadInput, UnknownName
from handrail.model.plan import Plan
from handrail.planning.explain import PlanExplanation, StepExplanation, explain
from handrail.planning.plan import make_plan

STORE, DESK = "shop/store@a", "shop/desk@b"


@pytest.fixture(scope="module")
def plan() -> Plan:
    found = make_plan(small(), catalogue(), SIGNATURES)
    assert isinstance(found, Plan)
    return found


def of(plan: Plan, step: str) -> StepExplanation:
    found = explain(plan, step)
    assert isinstance(found, StepExplanation)
    return found


def test_the_whole_says_hops_order_and_ways_back(plan: Plan) -> None:
    found = explain(plan)
    assert isinstance(found, PlanExplanation)
    assert len(found.hops) == 3
    assert "The desk asks the store." in {one.reason for one in found.order}
    assert found.point_of_no_return is None
    assert found.seconds == 2 * 600 + 300
    assert [one.id for one in found.errata] == ["e1"]


def test_a_step_says_which_hop_it_is_part_of_and_why_that_method(plan: Plan) -> None:
    found = of(plan, f"{STORE}/2/look")
    assert found.hop is not None
    assert "from 1.5 to 2 by in-place" in found.stands_here[0]


def test_a_step_says_why_it_waits(plan: Plan) -> None:
    assert [one.reason for one in of(plan, f"{DESK}/2/look").because] == ["The desk asks the store."]


def test_a_step_says_its_way_back(plan: Plan) -> None:
    assert "Restoring" in of(plan, f"{STORE}/2/setup-data").way_back
    assert "undoes itself" in of(plan, f"{STORE}/2/stop").way_back
    assert "changes nothing" in of(plan, f"{STORE}/2/look").way_back


def test_a_proof_says_whose_way_back_it_is(plan: Plan) -> None:
    assert any("the way back of" in text for text in of(plan, f"{STORE}/2/save-check").stands_here)


def test_a_remedy_says_when_it_runs(plan: Plan) -> None:
    found = of(plan, f"{STORE}/1.5/apply-no-disk-mend")
    assert any("only if" in text and "no-disk" in text and "once" in text for text in found.stands_here)
    assert found.conditions == (f"{STORE}/1.5/apply failed with no-disk",)


def test_an_ending_that_only_one_step_has_will_do(plan: Plan) -> None:
    assert of(plan, "setup-data").step.id == f"{STORE}/2/setup-data"


def test_an_ending_that_several_have_is_asked_about(plan: Plan) -> None:
    with pytest.raises(BadInput, match="Several steps"):
        explain(plan, "look")


def test_a_step_that_is_not_there_is_refused_with_a_suggestion(plan: Plan) -> None:
    with pytest.raises(UnknownName, match="Did you mean"):
        explain(plan, f"{STORE}/2/lok")
