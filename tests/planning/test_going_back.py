"""What going back costs, told before it is needed; and the hold before the point of no return."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.support.fleets import GUIDE, SIGNATURES, catalogue, small
from tests.support.plans import step

from handrail.model.estate import Acceptance
from handrail.model.plan import Condition, Plan, Step, WayBack
from handrail.planning.going_back import cost, question, told
from handrail.planning.plan import make_plan

STORE, DESK = "shop/store@a", "shop/desk@b"


def done(id: str, *after: str, takes: float = 0.0, at: str = "x", **more: Any) -> Step:
    made = step(id, id, "test.do", takes=takes, after=after, **more)
    return replace(made, id=id, installation=at)


UNDO = WayBack("undo")


def by(*ids: str, from_: tuple[str, ...] = ()) -> WayBack:
    return WayBack("restore", from_, ids)


def test_what_is_undone_takes_as_long_as_doing_it_did_and_looking_takes_nothing() -> None:
    steps = [done("a", takes=60, way_back=UNDO), done("look", "a", takes=600, kind="check", way_back=UNDO)]
    found = cost(steps, ())
    assert (found.seconds, found.undone, found.back) == (60, 1, 0)


def test_what_was_changed_takes_its_way_back_and_proving_again() -> None:
    steps = [
        done("prove", takes=30, kind="prove", way_back=UNDO),
        done("change", "prove", takes=600, way_back=by("b1", "b2", from_=("prove",))),
    ]
    back = [done("b1", takes=100), replace(done("b2", takes=10, changes=("database:d",)), uses="restore")]
    found = cost(steps, back)
    assert (found.seconds, found.back, found.assets) == (140, 2, ("database:d",))


def test_of_several_hops_of_an_installation_only_the_earliest_is_taken_back_by_its_own() -> None:
    steps = [done("one", way_back=by("b1")), done("two", "one", way_back=by("b2"))]
    assert cost(steps, [done("b1", takes=100), done("b2", takes=1000)]).seconds == 100


def test_hosts_go_back_beside_each_other_unless_one_waited_for_the_other() -> None:
    alone = [done("a", takes=60, way_back=UNDO), done("b", takes=100, at="y", way_back=UNDO)]
    assert cost(alone, ()).seconds == 100
    waited = [alone[0], replace(alone[1], after=("a",))]
    assert cost(waited, ()).seconds == 160


def test_what_only_a_known_error_brings_on_is_not_counted() -> None:
    mend = replace(done("mend", takes=500), when=(Condition("b1", error="oops"),))
    assert cost([done("one", way_back=by("b1", "mend"))], [done("b1", takes=100), mend]).seconds == 100


def test_before_anything_was_done_there_is_nothing_to_take_back() -> None:
    assert cost((), ()).is_nothing
    assert "nothing has to be taken back" in question((), (), "x", "Go")


def test_the_question_says_what_going_back_costs_on_either_side() -> None:
    steps = [
        done("save", takes=120, kind="back-up", protects=("database:d",), way_back=UNDO),
        done("prove", "save", takes=60, kind="prove", proves=("database:d",), way_back=UNDO),
        done("stop", "prove", takes=180, way_back=UNDO),
    ]
    said = question(steps, (), "x", "Convert")
    assert "Before it, going back takes about 3 minutes (1 step is undone)." in said
    assert "After it (Convert, x), no step of this plan takes it back" in said
    assert "to restore database:d by hand, about 2 minutes" in said


def test_durations_are_told_in_words() -> None:
    assert [told(one) for one in (0, 45, 120, 3600, 6000)] == [
        "a few seconds",
        "45 seconds",
        "2 minutes",
        "60 minutes",
        "1 h 40 min",
    ]


UNPROVED = GUIDE.replace("proves: [data]", "says: not proved")


def planned(guide: str, *accept: Acceptance) -> Plan:
    known = catalogue(guide)
    found = make_plan(small(known=known), known, SIGNATURES, to={"shop": "2"}, accept=accept)
    assert isinstance(found, Plan), [str(one) for one in found.findings if one.blocks]
    return found


def test_a_hold_stands_just_before_the_point_of_no_return() -> None:
    plan = planned(UNPROVED, Acceptance("handrail/no-way-back", STORE))
    steps = list(plan.steps)
    at = next(number for number, one in enumerate(steps) if one.id == plan.point_of_no_return)
    hold = steps[at - 1]
    assert (hold.id, hold.uses, hold.kind) == (f"{STORE}/1.5/point-of-no-return", "hold", "hold")
    assert hold.id in steps[at].after and set(hold.after) == set(steps[at].after) - {hold.id}
    assert "Pass the point of no return?" in hold.with_["question"]
    assert hold.downtime


def test_whatever_else_has_no_way_back_waits_for_the_same_answer_on_whatever_host() -> None:
    guide = GUIDE.replace("changes: [files, data], leaves", "no_return: true, changes: [files, data], leaves")
    guide = guide.replace(
        "changes: [files], source: manual#two", "changes: [files], no_return: true, source: manual#two"
    )
    plan = planned(guide)
    holds = [one for one in plan.steps if one.id.endswith("point-of-no-return")]
    gated = [one.id for one in plan.steps if holds[0].id in one.after]
    assert len(holds) == 1
    assert gated == [f"{STORE}/1.5/apply", f"{DESK}/2/setup"]
    assert [one.id for one in plan.steps if one.no_return] == gated
    assert holds[0].with_["question"].endswith("1 more step without a way back may follow.")


def test_what_runs_only_sometimes_has_a_hold_that_is_asked_only_then() -> None:
    guide = GUIDE.replace(
        "changes: [files, data], leaves",
        "no_return: true, when: {step: stop, ended: done}, changes: [files, data], leaves",
    ).replace("changes: [files], source: manual#two", "changes: [files], no_return: true, source: manual#two")
    holds = [one for one in planned(guide).steps if one.id.endswith("point-of-no-return")]
    assert [bool(one.when) for one in holds] == [True, False]


def test_a_plan_whose_steps_all_lead_back_has_no_such_hold() -> None:
    assert not [one for one in planned(GUIDE).steps if one.id.endswith("point-of-no-return")]
