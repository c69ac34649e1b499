"""What the runner does with steps, on a host that counts effects."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from tests.support import counting, virtual_time
from tests.support.counting import QUICK, CountingHost, effects, plan, step

from handrail.actions.parameters import parameters_of
from handrail.actions.protocol import Observation, Receipt
from handrail.errors import BadInput, Blocked, StoreLocked, StoreUnwritable, UnknownName
from handrail.hosts.protocol import Host
from handrail.model.journal import Event
from handrail.model.plan import Condition, Plan, Remedy
from handrail.running.chain import Head
from handrail.running.journal import Journal
from handrail.running.runner import Outcome, Settings
from handrail.running.scheduler import Schedule
from handrail.running.session import Session


class Home:
    """One home, in which one plan is carried out; every call is a process of its own, so to say."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def effects(self) -> Mapping[str, int]:
        return effects(self.path / "hosts")

    def host(self, name: str = "a") -> CountingHost:
        (self.path / "hosts").mkdir(parents=True, exist_ok=True)
        return CountingHost(name, self.path / "hosts")

    def open(self, **more: Any) -> AbstractContextManager[Session]:
        return counting.opening(self.path, **more)

    def run(self, made: Plan, settings: Settings = QUICK, *, target: str = "twin", play: bool = True) -> Outcome:
        with self.open(play=play) as session:
            run = session.start(made, "eve", target=target)
            return asyncio.run(session.carry_out(run, "eve", settings=settings))

    def resume(self, settings: Settings = QUICK, *, play: bool = True) -> Outcome:
        with self.open(play=play) as session:
            return asyncio.run(session.carry_out(session.find(), "eve", settings=settings))

    def answer(self, name: str, said: str) -> None:
        with self.open() as session:
            session.answer(session.find(), name, said, "adam", "because")

    @property
    def events(self) -> list[Event]:
        with self.open() as session:
            return session.events(session.find())

    def event(self, kind: str, name: str) -> Mapping[str, Any]:
        found = [one.entry for one in self.events if one.entry.kind == kind and (one.entry.step or "").endswith(name)]
        return found[-1].data


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def states(outcome: Outcome) -> dict[str, str]:
    return {one.id.rpartition("/")[2]: one.state for one in outcome.status.steps}


def test_a_plan_is_carried_out_and_every_step_is_recorded(home: Home) -> None:
    outcome = home.run(plan(step("one"), step("two"), step("three", host="b")))

    assert outcome.exit_code == 0
    assert outcome.status.state == "succeeded"
    assert home.effects == {"a set one": 1, "a set two": 1, "b set three": 1}
    kinds = [event.entry.kind for event in home.events]
    assert kinds[0] == "created" and kinds[-2:] == ["ended", "sealed"]
    assert all(one.begun and one.ended and one.begun <= one.ended for one in outcome.status.steps)


def test_what_is_so_already_is_not_done_again(home: Home) -> None:
    home.host().set("one", True)

    outcome = home.run(plan(step("one")))

    assert outcome.exit_code == 0
    assert home.effects == {}
    assert home.event("done", "one")["already"] is True


def test_a_run_that_has_ended_is_not_touched_by_a_resume(home: Home) -> None:
    home.run(plan(step("one")))
    before = home.events

    assert home.resume().exit_code == 0
    assert home.events == before


def test_intent_is_on_disk_before_the_effect_and_the_outcome_after_it(home: Home) -> None:
    seen: list[tuple[str, bool]] = []

    def progress(event: Event, schedule: Schedule) -> None:
        if event.entry.kind in ("begun", "done"):
            seen.append((event.entry.kind, bool(home.effects)))

    with home.open() as session:
        run = session.start(plan(step("one")), "eve", target="twin")
        asyncio.run(session.carry_out(run, "eve", progress=progress, settings=QUICK))

    assert seen == [("begun", False), ("done", True)]


def test_a_command_that_says_0_and_did_nothing_has_failed(home: Home) -> None:
    outcome = home.run(plan(step("one", with_={"name": "one", "lies": True}), step("two")))

    assert outcome.exit_code == 1
    assert states(outcome) == {"one": "failed", "two": "pending"}
    assert home.effects == {}


def test_a_command_that_says_1603_and_did_it_is_done(home: Home) -> None:
    outcome = home.run(plan(step("one", with_={"name": "one", "claims": 1603})))

    assert states(outcome) == {"one": "done"}
    assert home.event("done", "one")["said"] == "it ended with 1603"
    assert home.effects == {"a set one": 1}


def test_a_command_that_says_1603_and_did_nothing_has_failed(home: Home) -> None:
    outcome = home.run(plan(step("one", with_={"name": "one", "claims": 1603, "lies": True})))

    assert states(outcome) == {"one": "failed"}
    assert home.event("failed", "one")["exit"] == 1603


@pytest.mark.parametrize("after", [True, False])
def test_a_lost_line_is_settled_by_observing(home: Home, after: bool) -> None:
    """Lost before it took effect: made again. Lost after: not made again."""
    outcome = home.run(plan(step("one", with_={"name": "one", "lost": 1, "lost_after": after})))

    assert states(outcome) == {"one": "done"}
    assert home.effects == {"a set one": 1}
    assert outcome.status.steps[0].attempts == (1 if after else 2)


def test_a_line_that_is_lost_again_and_again_fails(home: Home) -> None:
    outcome = home.run(plan(step("one", with_={"name": "one", "lost": 99})))

    assert states(outcome) == {"one": "failed"}
    assert outcome.status.steps[0].attempts == 3


def test_a_host_that_is_silent_before_anything_began_fails_the_step(home: Home) -> None:
    home.host().set("silent", True)

    outcome = home.run(plan(step("one")))

    assert states(outcome) == {"one": "failed"}
    assert home.event("failed", "one")["because"] == "a is silent"


def test_a_failed_step_is_tried_again_by_a_resume(home: Home) -> None:
    home.host().set("silent", True)
    home.run(plan(step("one")))
    home.host().set("silent", False)

    assert states(home.resume()) == {"one": "done"}


def test_an_unreadable_receipt_of_something_begun_asks_a_person(home: Home) -> None:
    made = plan(step("one", "once", with_={"name": "one", "blind": True}), step("two"))

    outcome = home.run(made)
    assert (outcome.exit_code, states(outcome)) == (5, {"one": "in-doubt", "two": "pending"})
    home.answer("one", "done")
    assert states(home.resume()) == {"one": "done", "two": "done"}
    assert home.effects == {"a note one": 1, "a set two": 1}


def test_what_a_person_says_did_not_happen_is_done_anew(home: Home) -> None:
    home.run(plan(step("one", "once", with_={"name": "one", "blind": True})))
    home.host().set("blind", False)
    home.answer("it/app@a/2/one", "no")

    outcome = home.resume()
    assert outcome.exit_code == 5  # its receipt is unreadable this time too
    assert outcome.status.steps[0].attempts == 2


def test_a_known_error_is_mended_as_the_plan_says_and_what_the_log_names_is_used(home: Home) -> None:
    one = step(
        "one",
        "stubborn",
        with_={"name": "one", "needs": "fix"},
        remedies=(Remedy("insert-disk", ("it/app@a/2/mend",), log=r"Insert disk: (?P<label>\S+)"),),
    )
    mend = step(
        "mend",
        with_={"name": "fix", "value": {"late": f"{one.id}.label"}},
        after=(one.id,),
        when=(Condition(one.id, error="insert-disk"),),
    )

    outcome = home.run(plan(one, mend))

    assert states(outcome) == {"one": "done", "mend": "done"}
    assert home.host().get_state()["fix"] == "LABEL_X"
    assert home.event("failed", "one")["error"] == "insert-disk"


def test_a_mend_that_does_not_help_is_not_repeated(home: Home) -> None:
    one = step(
        "one",
        "stubborn",
        with_={"name": "one", "needs": "fix", "uses_up": 5},
        remedies=(Remedy("known", (mend_id := "it/app@a/2/mend",), exit=(1603,)),),
    )
    mend = step("mend", with_={"name": "fix"}, after=(one.id,), when=(Condition(one.id, error="known"),))

    outcome = home.run(plan(one, mend))

    assert mend.id == mend_id
    assert states(outcome) == {"one": "failed", "mend": "done"}
    assert outcome.status.steps[0].attempts == 2


def test_the_next_attempt_waits_as_long_as_the_loop_says_whatever_the_date_says(home: Home) -> None:
    """Somebody may set the date back meanwhile; in a rehearsal no time passes that a date would show."""
    one = step(
        "one",
        "stubborn",
        with_={"name": "one", "needs": "fix"},
        remedies=(Remedy("known", ("it/app@a/2/mend",), exit=(1603,), wait=3600),),
    )
    mend = step("mend", with_={"name": "fix"}, after=(one.id,), when=(Condition(one.id, error="known"),))

    async def begin(session: Session) -> tuple[Outcome, float]:
        run = session.start(plan(one, mend), "eve", target="twin")
        outcome = await session.carry_out(run, "eve", settings=QUICK)
        return outcome, asyncio.get_running_loop().time()

    with home.open() as session:
        outcome, passed = virtual_time.run(begin(session))

    assert (outcome.exit_code, states(outcome)) == (0, {"one": "done", "mend": "done"})
    assert passed >= 3599


def test_a_late_value_that_was_not_given_fails_the_step_that_needs_it(home: Home) -> None:
    one = step("one")
    two = step("two", with_={"name": "two", "value": {"late": f"{one.id}.nothing"}}, after=(one.id,))

    assert states(home.run(plan(one, two))) == {"one": "done", "two": "failed"}
    assert "gave no nothing" in home.event("failed", "two")["because"]


def test_a_fault_in_one_action_does_not_take_other_hosts_down(home: Home) -> None:
    outcome = home.run(plan(step("one", with_={"claims": 1}), step("two", host="b")))

    assert states(outcome) == {"one": "failed", "two": "done"}


def test_a_hold_stops_the_run_with_4_and_yes_lets_it_go_on(home: Home) -> None:
    hold = step("hold", "hold", host=None, with_={"question": "Go on?"})
    made = plan(hold, step("one", after=(hold.id,)))

    outcome = home.run(made, play=False)
    assert (outcome.exit_code, states(outcome)) == (4, {"hold": "waiting", "one": "pending"})
    assert home.resume(play=False).exit_code == 4
    home.answer("hold", "yes")
    assert home.resume(play=False).exit_code == 0
    assert [event.entry.kind for event in home.events].count("asked") == 1


def test_a_hold_answered_no_halts_the_run_with_1(home: Home) -> None:
    hold = step("hold", "hold", host=None)
    home.run(plan(hold, step("one", after=(hold.id,))), play=False)
    home.answer("hold", "no")

    outcome = home.resume(play=False)
    assert (outcome.exit_code, states(outcome)) == (1, {"hold": "failed", "one": "pending"})
    assert home.effects == {}


def test_a_persons_step_is_looked_at_before_it_counts(home: Home) -> None:
    made = plan(step("one", "person.do", with_={"name": "one"}))
    home.run(made, play=False)
    home.answer("one", "done")
    outcome = home.resume(play=False)
    assert states(outcome) == {"one": "waiting"}
    assert outcome.status.steps[0].because == "it is not done yet: one is None"

    home.host().set("one", True)
    home.answer("one", "done")
    assert states(home.resume(play=False)) == {"one": "done"}


def test_an_answer_to_an_older_question_is_refused(home: Home) -> None:
    """Whoever saw a question, and answers when the step has asked again meanwhile, has not seen why."""
    home.run(plan(step("one", "person.do", with_={"name": "one"})), play=False)
    first = next(event.position for event in home.events if event.entry.kind == "asked")
    home.answer("one", "done")
    home.resume(play=False)

    with home.open() as session, pytest.raises(BadInput, match="asks something else by now"):
        session.answer(session.find(), "one", "done", "adam", asked=first)
    home.answer("one", "done")


def test_a_persons_step_that_is_done_already_asks_nobody(home: Home) -> None:
    home.host().set("one", True)

    assert states(home.run(plan(step("one", "person.do", with_={"name": "one"})), play=False)) == {"one": "done"}


@pytest.mark.parametrize(
    ("uses", "said"), [("hold", "done"), ("person.do", "yes"), ("hold", "maybe"), ("person.do", "")]
)
def test_an_answer_that_does_not_fit_is_refused(home: Home, uses: str, said: str) -> None:
    home.run(plan(step("one", uses, host=None)), play=False)

    with pytest.raises(BadInput):
        home.answer("one", said)


def test_a_step_that_does_not_wait_cannot_be_answered(home: Home) -> None:
    home.run(plan(step("one", "hold", host=None), step("two")), play=False)

    with pytest.raises(BadInput, match="does not wait for an answer: it is done"):
        home.answer("it/app@a/2/two", "yes")
    home.answer("one", "yes")
    with pytest.raises(BadInput, match="does not wait"):
        home.answer("it/app@-/2/one", "yes")
    with pytest.raises(UnknownName):
        home.answer("nothing", "yes")


def test_a_waiting_run_takes_an_answer_up_from_another_process(home: Home) -> None:
    """The runner stays and looks for answers; what does not depend on them goes on meanwhile."""
    hold = step("hold", "hold", host=None)
    made = plan(hold, step("one", after=(hold.id,)), step("two", host="b"))

    async def both() -> Outcome:
        with home.open(play=False) as session:
            run = session.start(made, "eve", target="twin")
            going = asyncio.create_task(session.carry_out(run, "eve", settings=replace(QUICK, wait_for_people=None)))
            for _ in range(500):
                await asyncio.sleep(0.01)
                if home.effects == {"b set two": 1} and session.schedule(run).waiting():
                    break
            await asyncio.to_thread(home.answer, "hold", "yes")
            return await going

    assert asyncio.run(both()).exit_code == 0
    assert home.effects == {"a set one": 1, "b set two": 1}


def test_while_it_waits_it_looks_for_answers_as_often_as_it_is_told(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And not as often as the processor can, once a look was called off because something else happened."""
    hold = step("hold", "hold", host=None)
    looks = 0
    tail = Journal.tail

    def counted(self: Journal, run: str, lane: str, head: Head) -> list[Event]:
        nonlocal looks
        looks += 1
        return tail(self, run, lane, head)

    monkeypatch.setattr(Journal, "tail", counted)
    settings = Settings(poll=1.0, patience=QUICK.patience, wait_for_people=20)

    async def begin(session: Session) -> Outcome:
        run = session.start(plan(hold, step("two", host="b"), step("three", host="c")), "eve", target="twin")
        return await session.carry_out(run, "eve", settings=settings)

    with home.open(play=False) as session:
        assert virtual_time.run(begin(session)).exit_code == 4
    assert 20 <= looks < 60


def test_a_second_runner_of_the_same_run_is_refused(home: Home) -> None:
    hold = step("hold", "hold", host=None)
    home.run(plan(hold), play=False)

    with home.open(play=False) as session:
        run = session.find()
        with (
            session.journal.store.hold(run, "x"),
            pytest.raises(StoreLocked, match="already being carried out by process"),
        ):
            asyncio.run(session.carry_out(run, "eve", settings=QUICK))


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_stopped_a_run_ends_what_is_at_work_and_can_be_resumed(
    home: Home, name: str, request: pytest.FixtureRequest
) -> None:
    """Also when the terminal is closed that it was begun in."""
    number = getattr(signal, name)
    before = signal.signal(number, signal.SIG_DFL)  # whoever runs the tests under nohup has told us to ignore it
    request.addfinalizer(lambda: signal.signal(number, before))
    made = plan(*(step(f"s{number}") for number in range(5)))
    with home.open() as session:
        run = session.start(made, "eve", target="twin")

        def progress(event: Event, schedule: Schedule) -> None:
            if event.entry.kind == "begun" and event.entry.step == made.steps[1].id:
                os.kill(os.getpid(), number)

        settings = replace(QUICK, signals=True)
        outcome = asyncio.run(session.carry_out(run, "eve", progress=progress, settings=settings))

    assert outcome.stopped
    assert outcome.exit_code == 1
    assert states(outcome) == {"s0": "done", "s1": "done", "s2": "pending", "s3": "pending", "s4": "pending"}
    assert home.resume().exit_code == 0
    assert set(home.effects.values()) == {1}


def test_a_full_disk_ends_the_runner_and_loses_nothing(tmp_path: Path) -> None:
    """The store fails when an outcome is to be written; the next runner settles it."""
    writes = 0

    def watch(moment: str) -> None:
        nonlocal writes
        writes += moment == "before"
        if armed and moment == "before" and writes == 4:
            raise StoreUnwritable("The store cannot grow: the disk is full.")

    home = Home(tmp_path)
    armed = True
    with home.open(watch=watch) as session:
        run = session.start(plan(step("one"), step("two")), "eve", target="twin")
        with pytest.raises(StoreUnwritable):
            asyncio.run(session.carry_out(run, "eve", settings=QUICK))
    armed = False

    assert home.resume().exit_code == 0
    assert home.effects == {"a set one": 1, "a set two": 1}


@pytest.mark.parametrize(("afresh", "attempt"), [(True, 2), (False, 1)])
def test_what_starts_no_job_is_begun_afresh_when_it_was_begun_and_is_not_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, afresh: bool, attempt: int
) -> None:
    """Whoever began it may still be at it: what that one writes lies apart from what is noted from now on."""
    monkeypatch.setattr(counting.Note, "afresh", afresh)
    home, writes = Home(tmp_path), 0

    def watch(moment: str) -> None:
        nonlocal writes
        writes += moment == "after"
        if moment == "after" and writes == 3:  # it is written that the step is begun, and nothing was done yet
            raise StoreUnwritable("The store cannot grow: the disk is full.")

    with home.open(watch=watch) as session:
        run = session.start(plan(step("one", "note")), "eve", target="twin")
        with pytest.raises(StoreUnwritable):
            asyncio.run(session.carry_out(run, "eve", settings=QUICK))
    assert home.effects == {}

    assert home.resume().exit_code == 0
    assert home.event("done", "one")["outputs"] == {"file": f"one-{attempt}"}


def test_a_progress_display_that_breaks_does_not_touch_the_run(home: Home) -> None:
    def progress(event: Event, schedule: Schedule) -> None:
        raise BrokenPipeError

    with home.open() as session:
        run = session.start(plan(step("one")), "eve", target="twin")
        assert asyncio.run(session.carry_out(run, "eve", progress=progress, settings=QUICK)).exit_code == 0


def test_no_more_steps_are_at_work_than_allowed(home: Home) -> None:
    at_work: set[str] = set()
    most = 0

    def progress(event: Event, schedule: Schedule) -> None:
        nonlocal most
        if event.entry.kind == "begun":
            at_work.add(str(event.entry.step))
        elif event.entry.kind == "done":
            at_work.discard(str(event.entry.step))
        most = max(most, len(at_work))

    made = plan(*(step(f"s{number}", host=f"h{number}") for number in range(12)))
    with home.open() as session:
        run = session.start(made, "eve", target="twin")
        asyncio.run(session.carry_out(run, "eve", progress=progress, settings=replace(QUICK, parallel=3)))

    assert most <= 3


@dataclass(frozen=True)
class SlowSet(counting.Set):
    pause: float = 0.0

    async def observe(self, host: Host, receipt: Receipt) -> Observation:
        await asyncio.sleep(self.pause)
        return await counting.Set.observe(self, host, receipt)


@dataclass(frozen=True)
class SlowStubborn(counting.Stubborn):
    pause: float = 0.0

    async def observe(self, host: Host, receipt: Receipt) -> Observation:
        await asyncio.sleep(self.pause)
        return await counting.Stubborn.observe(self, host, receipt)


def test_a_step_that_had_to_wait_for_a_place_and_for_a_second_mend_is_begun_once(home: Home) -> None:
    """It may begin, there is no place, what it needs has to run once more, it may begin again: that is one beginning,
    even when there are two places then."""
    owner = step(
        "owner",
        "stubborn",
        with_={"name": "owner", "needs": "fix", "uses_up": 2, "pause": 10},
        remedies=(Remedy("known", (mend_id := "it/app@a/2/mend",), exit=(1603,), retries=2),),
    )
    mend = step(
        "mend", with_={"name": "fix", "pause": 10}, after=(owner.id,), when=(Condition(owner.id, error="known"),)
    )
    others = [step(f"other-{host}", host=host, with_={"name": "other", "pause": 42.5}) for host in "cd"]
    later = step("later", host="b", with_={"name": "later", "pause": 30}, when=(Condition(mend_id, ended=("done",)),))
    kinds = {"set": SlowSet, "stubborn": SlowStubborn}

    taken = {name: replace(counting.signatures()[name], parameters=parameters_of(one)) for name, one in kinds.items()}
    with home.open(build=lambda uses, with_: kinds[uses](**with_)) as opened:
        session = replace(opened, signatures=taken)
        run = session.start(plan(owner, mend, *others, later), "eve", target="twin")
        outcome = virtual_time.run(session.carry_out(run, "eve", settings=replace(QUICK, parallel=3)))

    assert mend.id == mend_id and outcome.exit_code == 0
    told = [one.entry.kind for one in home.events if one.entry.step == later.id]
    assert told == ["begun", "done"]


def test_secrets_reach_neither_the_journal_nor_any_late_reader(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASSWORD", "correct horse")
    home.run(plan(step("one", "secret", with_={"name": "one", "reference": "env:PASSWORD"})))

    assert home.event("done", "one")["log"] == "password=***"
    stored = b"".join(path.read_bytes() for path in (home.path / "home").rglob("*") if path.is_file())
    assert b"correct horse" not in stored


def test_a_plan_made_with_other_actions_is_refused(home: Home) -> None:
    with home.open() as session:
        with pytest.raises(BadInput, match="revision 2 of set"):
            session.start(plan(replace(step("one"), revision=2)), "eve")
        with pytest.raises(BadInput, match="uses the action sett, which this Handrail does not have"):
            session.start(plan(replace(step("one"), uses="sett")), "eve")
        with pytest.raises(BadInput, match="gives set 'more', which it does not take in this Handrail"):
            session.start(plan(step("one", with_={"name": "one", "more": 1})), "eve")
        assert session.runs() == []


def test_a_run_on_real_hosts_needs_the_approvals_that_its_estate_demands(home: Home) -> None:
    made = plan(step("one"), approvers=2)
    with home.open() as session:
        with pytest.raises(Blocked, match="demands 2 approvals of a plan, and nobody gave one"):
            session.start(made, "eve")
        session.approve(made, "eve")
        session.approve(made, "eve")
        with pytest.raises(Blocked, match="eve"):
            session.start(made, "eve")
        assert [one.who for one in session.approve(made, "adam")] == ["eve", "adam"]
        other = plan(step("two"), approvers=2)
        with pytest.raises(Blocked):
            session.start(other, "eve")
        run = session.start(made, "eve")
        assert [one["who"] for one in session.events(run)[0].entry.data["approvals"]] == ["eve", "adam"]


def test_a_plan_that_is_under_way_on_real_hosts_is_not_begun_twice(home: Home) -> None:
    made = plan(step("one"))
    with home.open() as session:
        run = session.start(made, "eve")
        with pytest.raises(BadInput, match=f"Run {run} of this plan has not ended"):
            session.start(made, "eve")
        digest = made.digest.rpartition(":")[2]
        with session.journal.store.hold(digest, "A run"), pytest.raises(StoreLocked, match="A run of this plan is"):
            session.start(made, "adam")  # at the very moment when another one begins
        asyncio.run(session.carry_out(run, "eve", settings=QUICK))
        session.start(made, "eve")


def test_lanes_that_began_are_finished_before_others_are_opened(home: Home) -> None:
    """Otherwise every host of a large estate would be half-way through at the same time."""
    made = plan(*(step(f"s{number}-{host}", host=host) for host in "abc" for number in range(3)))

    home.run(made, replace(QUICK, parallel=1))

    order = [str(event.entry.step).split("@")[1][0] for event in home.events if event.entry.kind == "done"]
    assert order == list("aaabbbccc")
