"""A hold may need the yes of another than who started the run, or of two people; a no is anybody's."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support import counting
from tests.support.counting import QUICK, plan, step
from tests.support.events import Told
from tests.support.rehearsals import TWIN, failed, plan_of, rehearsed

from handrail.actions import build as build_action
from handrail.actions import signatures
from handrail.documents.estate import estate_from_json, estate_to_json
from handrail.documents.plan import plan_from_json, plan_to_json
from handrail.errors import BadDocument, BadInput
from handrail.model.estate import Estate, Whose
from handrail.model.journal import PEOPLE_LANE, Entry, RunStatus
from handrail.model.plan import Plan, Step
from handrail.rehearsing.journey import stage_of, travel
from handrail.rehearsing.simulation import ground, simulate
from handrail.reporting import text
from handrail.reporting.run import run_page
from handrail.restoring.proving import hold as hold_before_going_back
from handrail.running.holds import Demand, demand_named, demand_of
from handrail.running.session import Session
from handrail.running.status import status_to_json

HOLD = "it/app@-/2/hold"


def held(by: str | None = None, holds: Whose = "anyone") -> Plan:
    hold = step("hold", "hold", host=None, with_={"question": "Go on?", **({"by": by} if by else {})})
    return plan(hold, step("one", after=(hold.id,)), holds=holds)


class Run:
    """One run, started by adam on hosts where nobody plays people."""

    def __init__(self, session: Session, made: Plan) -> None:
        self.session = session
        self.id = session.start(made, "adam", target="twin")
        self.carry()

    def carry(self) -> RunStatus:
        """Whoever carries it on counts for nothing."""
        return asyncio.run(self.session.carry_out(self.id, "eve", settings=QUICK)).status

    def say(self, who: str, said: str = "yes") -> str:
        return self.session.answer(self.id, "hold", said, who, "because").entry.kind

    @property
    def hold(self) -> Any:
        found = self.session.status(self.id)
        return next(one for one in found.steps if one.id == HOLD)

    @property
    def page(self) -> str:
        plan_ = self.session.plan(self.id)
        return "\n".join(text.render(run_page(self.session.status(self.id), plan_), width=200, colour=False))


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    with counting.opening(tmp_path, play=False) as opened:
        yield opened


# -- another ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("made", [held("another"), held(holds="another")], ids=["guide", "estate"])
def test_who_started_the_run_cannot_say_yes_and_another_can(session: Session, made: Plan) -> None:
    run = Run(session, made)
    assert "Somebody other than adam, who started the run, has to say yes." in run.page
    with pytest.raises(BadInput, match="hold: adam started this run, so somebody else has to say yes"):
        run.say("adam")
    assert run.hold.state == "waiting"

    assert run.say("bea") == "answered"
    assert run.carry().state == "succeeded"


def test_who_carries_the_run_on_may_say_yes_if_somebody_else_started_it(session: Session) -> None:
    run = Run(session, held("another"))

    assert run.say("eve") == "answered"
    assert run.carry().state == "succeeded"


def test_the_same_name_in_other_letters_is_the_same_person(session: Session) -> None:
    run = Run(session, held("another"))

    with pytest.raises(BadInput, match="started this run"):
        run.say("ADAM ")


@pytest.mark.parametrize("by", ["another", "two"])
def test_a_no_is_anybodys_and_halts_at_once(session: Session, by: str) -> None:
    run = Run(session, held(by))
    if by == "two":
        run.say("bea")

    assert run.say("adam", "no") == "answered"
    assert (run.carry().state, run.hold.state) == ("failed", "failed")


# -- two ----------------------------------------------------------------------------------------------------------


def test_the_first_of_two_is_journaled_as_agreed_and_the_second_answers(session: Session) -> None:
    run = Run(session, held("two"))
    assert "Two people have to say yes." in run.page
    assert run.say("bea") == "agreed"
    assert (run.hold.state, run.hold.agreed, run.hold.demands) == ("waiting", ("bea",), ("two",))
    assert "bea said yes; somebody else has to say it too." in run.page
    assert run.carry().state == "waiting"

    with pytest.raises(BadInput, match="bea has said yes already, so somebody else has to say it too"):
        run.say("bea")
    assert run.say("adam") == "answered"
    assert run.carry().state == "succeeded"

    said = [(one.entry.kind, one.entry.data["who"]) for one in session.events(run.id) if one.lane == PEOPLE_LANE]
    assert said == [("agreed", "bea"), ("answered", "adam")]


def test_the_status_document_says_whose_yes_is_needed_and_who_gave_it(session: Session) -> None:
    run = Run(session, held("two", "another"))
    run.say("bea")

    document = status_to_json(session.status(run.id))
    hold = next(one for one in document["steps"] if one["id"] == HOLD)
    assert (document["started_by"], hold["by"], hold["agreed"]) == ("adam", ["another", "two"], ["bea"])
    assert "bea said yes; somebody else has to say it too, but not adam, who started the run." in run.page


def test_guide_and_estate_both_count(session: Session) -> None:
    run = Run(session, held("two", "another"))

    with pytest.raises(BadInput, match="adam started this run"):
        run.say("adam")
    run.say("bea")
    with pytest.raises(BadInput, match="adam started this run"):
        run.say("adam")
    run.say("cleo")
    assert run.carry().state == "succeeded"


def test_a_question_put_anew_needs_both_anew(session: Session) -> None:
    run = Run(session, held("two"))
    run.say("bea")
    run.say("bea", "no")
    assert run.carry().state == "failed"
    assert run.carry().state == "waiting"

    assert run.hold.agreed == ()
    assert run.say("bea") == "agreed"
    assert run.say("cleo") == "answered"
    assert run.carry().state == "succeeded"


def test_two_who_say_yes_at_the_same_moment_are_two() -> None:
    """Both may have been told that they were the first: their events stand one behind the other."""
    told = Told(held("two"))
    told.step("asked", HOLD)
    asked = told.schedule.question(HOLD)
    for who in ("bea", "bea", "cleo"):
        assert told.again().question(HOLD) == asked
        told.tell(PEOPLE_LANE, Entry("agreed", HOLD, data={"answer": "yes", "who": who, "asked": asked}))

    assert told.again().question(HOLD) is None
    assert told.open() == ["answer hold"]


PEOPLE = ("adam", "bea", "cleo")


@given(
    by=st.sampled_from(["anyone", "another", "two"]),
    holds=st.sampled_from(["anyone", "another", "two"]),
    said=st.lists(st.tuples(st.sampled_from(PEOPLE), st.sampled_from(["yes", "yes", "no"])), max_size=6),
)
def test_whatever_is_said_by_whom_it_goes_on_when_enough_said_yes(
    by: str, holds: Whose, said: Sequence[tuple[str, str]]
) -> None:
    demand = demand_of(held(by, holds).steps[0], Estate("contoso", holds=holds))
    agreed: list[str] = []
    for who, word in said:
        if word == "no":
            break
        if demand.refuses(who, "adam", agreed) is None:
            agreed.append(who)
        if demand.met(agreed):
            break

    assert len(agreed) == len(set(agreed))
    assert "another" not in (by, holds) or "adam" not in agreed
    before = [who for who, word in said[: next((n for n, one in enumerate(said) if one[1] == "no"), len(said))]]
    able = {who for who in before if who != "adam" or "another" not in (by, holds)}
    assert demand.met(agreed) == (len(able) >= (2 if "two" in (by, holds) else 1))
    assert demand_named(demand.names) == demand


# -- where it is written ------------------------------------------------------------------------------------------


def test_an_estate_that_demands_nothing_reads_and_hashes_as_before() -> None:
    made = held()

    assert "holds" not in estate_to_json(made.estate)
    assert plan_from_json(plan_to_json(held(holds="two"))).estate.holds == "two"
    assert held(holds="two").digest != made.digest


def test_an_estate_that_demands_what_nobody_knows_is_refused() -> None:
    with pytest.raises(BadDocument, match="holds"):
        estate_from_json({"handrail": "estate/v1", "name": "contoso", "hosts": {}, "holds": "three"})


def test_a_plan_that_demands_what_nobody_knows_is_refused(session: Session) -> None:
    with pytest.raises(BadInput, match="is to be answered by 'three'"):
        session.start(held("three"), "adam", target="twin")


def test_the_hold_before_a_way_back_counts_too() -> None:
    back: Step = hold_before_going_back("Go back?", (), None)

    assert demand_of(back, Estate("contoso", holds="two")) == Demand(people=2)


def test_the_action_knows_whose_yes_a_guide_may_demand() -> None:
    assert signatures()["hold"].revision == 1
    build_action("hold", {"question": "Go on?", "by": "two"})
    with pytest.raises(BadInput):
        build_action("hold", {"question": "Go on?", "by": "three"})


# -- played people ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("starter", ["adam", "played"])
@pytest.mark.parametrize(("by", "kinds"), [("another", ["answered"]), ("two", ["agreed", "answered"])])
def test_played_people_play_as_different_people(tmp_path: Path, starter: str, by: str, kinds: Sequence[str]) -> None:
    with counting.opening(tmp_path, play=True) as session:
        run = session.start(held(by), starter, target="twin")
        assert asyncio.run(session.carry_out(run, "eve", settings=QUICK)).status.state == "succeeded"
        said = [one.entry for one in session.events(run) if one.lane == PEOPLE_LANE]

    who = [one.data["who"] for one in said]
    assert [one.kind for one in said] == kinds
    assert len(set(who)) == len(who)
    assert by == "two" or starter not in who


def demanding(holds: str) -> Plan:
    def change(data: Any) -> None:
        data["holds"] = holds

    return plan_of(change)


def test_a_plan_whose_holds_need_two_passes_its_rehearsal_there_and_back() -> None:
    found = rehearsed(demanding("two"), faults="killed-after-intent,killed-before-outcome")

    assert failed(found) == []
    assert len(found.cases) > 20


def test_played_people_go_on_where_the_first_of_them_was_killed(tmp_path: Path) -> None:
    with counting.opening(tmp_path, play=False) as session:
        run = Run(session, held("two"))
        assert run.say("played") == "agreed"
    with counting.opening(tmp_path, play=True) as session:
        asyncio.run(session.carry_out(run.id, "eve", settings=QUICK))
        said = [(one.entry.kind, one.entry.data["who"]) for one in session.events(run.id) if one.lane == PEOPLE_LANE]

    assert said == [("agreed", "played"), ("answered", "another, played")]


def test_workers_carry_on_a_run_whose_holds_need_two() -> None:
    on = ground(travel(stage_of(demanding("two"), TWIN)))

    for seed in range(3):
        ending = simulate(on, seed)
        assert ending.result != "fail", ending
