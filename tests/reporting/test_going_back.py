"""The way back as people see it: in the plan, in the runbook, of each step."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.support.plans import ID, sample_plan, step

from handrail.model.plan import GoesBack, Plan, WayBack
from handrail.planning.explain import explain
from handrail.reporting import markdown, text
from handrail.reporting.explanation import explanation_document, explanation_page
from handrail.reporting.plan import plan_page
from handrail.reporting.runbook import runbook_page


def backed() -> Plan:
    """The sample plan, with a written way back of its patch."""
    plan = sample_plan()
    stop = step("back-stop", "Stop it once more", with_={"name": "SyncService"}, way_back=WayBack("undo"))
    data = step(
        "back-data",
        "Put the database back",
        "restore",
        kind="check",
        host="sql01",
        with_={"asset": "database"},
        changes=("database",),
        after=(stop.id,),
        takes=240.0,
    )
    install = step(
        "back-install",
        "Install 4.6.673.0 again",
        "person.do",
        kind="person",
        with_={"instructions": ["Run setup."], "values": {"Server": "sql01"}},
        after=(data.id,),
        takes=600.0,
    )
    back = (stop, data, install)
    backup = replace(plan.steps[2], protects=("database",))
    patch = replace(plan.steps[4], way_back=replace(plan.steps[4].way_back, by=tuple(one.id for one in back)))
    return replace(plan, steps=(*plan.steps[:2], backup, plan.steps[3], patch, *plan.steps[5:]), back=back)


def shown(plan: Plan) -> str:
    return " ".join(" ".join(text.render(plan_page(plan))).split())


def book(plan: Plan) -> str:
    return "\n".join(markdown.render(runbook_page(plan)))


def why(plan: Plan, name: str | None) -> str:
    return " ".join(" ".join(text.render(explanation_page(explain(plan, name), plan))).split())


@pytest.mark.parametrize(
    "expected",
    [
        "identity/sync@sync01, from 2016-sp3 back to 4.6.673.0: 3 steps",
        "once begun step 5 (Install the patch)",
        "takes about 15 min",
        "puts back database",
        "from step 4 (Prove the backup)",
        "1. Stop it once more 2. Put the database back 3. Install 4.6.673.0 again",
        "handrail rollback RUN",
        "Going back just before it takes about 17 min.",
    ],
)
def test_the_plan_says(expected: str) -> None:
    assert expected in shown(backed())


def test_without_a_point_of_no_return_the_plan_says_so_and_what_going_back_from_its_end_costs() -> None:
    plan = replace(backed(), point_of_no_return=None)
    assert "Point of no return: none." in shown(plan)
    assert "Going back from its end takes about" in shown(plan)


def test_a_plan_that_is_itself_a_way_back_offers_no_other() -> None:
    said = shown(replace(backed(), goes_back=GoesBack("r-1", "sha256:0")))
    assert "itself a way back" in said and "handrail rollback" not in said


def test_the_runbook_tells_every_step_of_the_way_back_by_hand() -> None:
    told = book(backed()).split("## Getting back by hand")[1]
    assert "### Back from step 5: Install the patch (identity/sync@sync01, about 15 min)" in told
    places = [told.index(one) for one in ("sc stop SyncService", "what step 3 (", "Run setup.", "| Server | sql01 |")]
    assert places == sorted(places)
    assert "sc start SyncService" in told[places[-1] :]
    assert "See that it runs as before, at 4.6.673.0." in told
    assert "- **way back:** by 3 steps of its own, about 15 min, from step 4 (Prove the backup)" in book(backed())


def test_what_the_way_back_starts_itself_is_not_started_twice() -> None:
    plan = backed()
    start = step("back-start", "Start it", "service.start", with_={"name": "SyncService"}, after=(plan.back[-1].id,))
    patch = plan.steps[4]
    way = replace(patch.way_back, by=(*patch.way_back.by, start.id))
    steps = (*plan.steps[:4], replace(patch, way_back=way), *plan.steps[5:])
    told = book(replace(plan, steps=steps, back=(*plan.back, start))).split("## Getting back by hand")[1]
    assert told.count("sc start SyncService") == 1


def test_a_step_says_what_takes_it_back_how_long_that_takes_and_with_which_command() -> None:
    said = why(backed(), f"{ID}/patch")
    assert "3 steps of its own, about 15 min, with what step 4 (Prove the backup) proved, bring back database" in said
    assert "3. Install 4.6.673.0 again" in said
    assert "It comes before the point of no return, which is step 7 (Go through the wizard)." in said
    assert "handrail rollback RUN" in said


def test_the_point_of_no_return_says_that_it_is_it() -> None:
    said = why(backed(), f"{ID}/wizard")
    assert "It is the point of no return" in said
    assert "Going back just before this step takes about 17 min. It puts back database." in said


def test_a_step_of_the_way_back_can_be_asked_about_too() -> None:
    said = why(backed(), "back-data")
    assert "A step of the way back: Put the database back" in said
    assert f"which a rollback takes once {ID}/patch has begun" in said


def test_the_explanation_as_data_names_the_steps_and_the_cost() -> None:
    document = explanation_document(explain(backed(), f"{ID}/patch"))
    assert [one["id"] for one in document["back"]] == [f"{ID}/back-stop", f"{ID}/back-data", f"{ID}/back-install"]
    assert document["going_back"] == {
        "command": "handrail rollback RUN",
        "seconds": 60.0,
        "undone": 1,
        "back": 0,
        "restores": [],
    }
    whole = explanation_document(explain(backed()))
    assert whole["going_back"]["restores"] == ["database"]
