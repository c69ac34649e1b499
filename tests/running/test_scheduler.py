from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.counting import plan, step
from tests.support.events import Told

from handrail.errors import BadInput
from handrail.model.journal import EventKind
from handrail.model.plan import Condition, Plan, Remedy, Step
from handrail.running.scheduler import Schedule


def state(run: Told) -> str:
    return run.schedule.state


def told(*steps: Step) -> Told:
    return Told(plan(*steps))


def test_steps_of_one_host_take_turns_in_the_order_of_the_plan() -> None:
    one, two, three = step("one"), step("two"), step("three", host="b")
    run = told(one, two, three)

    assert run.open() == ["begin one", "begin three"]
    run.step("begun", one.id)
    assert run.open() == ["begin three"]
    run.step("done", one.id)
    assert run.open() == ["begin two", "begin three"]


def test_a_step_waits_for_what_it_comes_after_on_other_hosts() -> None:
    one = step("one")
    two = step("two", host="b", after=(one.id,))
    run = told(one, two)

    assert run.open() == ["begin one"]
    run.step("skipped", one.id)
    assert run.open() == ["begin two"]


def test_steps_without_a_host_do_not_wait_for_each_other() -> None:
    one = step("one", "hold", host=None)
    two = step("two", "barrier", host=None, with_={})
    run = told(one, two)

    assert run.open() == ["ask one", "begin two"]


def test_a_move_is_handed_out_once() -> None:
    run = told(step("one"), step("two", host="b"))

    assert [move.step.rpartition("/")[2] for move in run.schedule.take()] == ["one", "two"]
    assert run.schedule.take() == []


def test_a_false_condition_skips_with_the_reason() -> None:
    one = step("one")
    two = step("two", when=(Condition(one.id, output="restart", equals=True),))
    run = told(one, two)
    run.step("done", one.id, outputs={"restart": False})

    (move,) = run.schedule.moves()
    assert move.kind == "skip"
    assert move.because == f"restart of {one.id} is False, not True"


def test_a_condition_is_waited_for_even_on_another_host() -> None:
    one = step("one")
    two = step("two", host="b", when=(Condition(one.id, ended=("done",)),))
    run = told(one, two)

    assert run.open() == ["begin one"]
    run.step("done", one.id)
    assert run.open() == ["begin one", "begin two"][1:]


def mended(retries: int = 1, wait: float = 0.0) -> tuple[Step, Step, Step, Step]:
    patch = step(
        "patch",
        remedies=(
            Remedy("disk", ("it/app@a/2/clean",), retries=retries, wait=wait),
            Remedy("source", ("it/app@b/2/unmount",), retries=1),
        ),
    )
    clean = step("clean", after=(patch.id,), when=(Condition(patch.id, error="disk"),))
    unmount = step("unmount", host="b", after=(patch.id,), when=(Condition(patch.id, error="source"),))
    start = step("start", after=(patch.id, clean.id, unmount.id))
    return patch, clean, unmount, start


def test_a_known_failure_is_mended_and_the_step_tried_again() -> None:
    patch, clean, unmount, start = mended()
    run = told(patch, clean, unmount, start)

    run.step("begun", patch.id)
    run.step("failed", patch.id, error="disk", outputs={"label": "X"})
    assert run.open() == ["begin clean"]
    assert run.schedule.one(patch.id).state == "begun"
    assert run.schedule.outputs(patch.id) == {"label": "X"}
    run.step("done", clean.id)
    assert [(move.step, move.attempt) for move in run.schedule.moves()] == [(patch.id, 2)]
    run.step("begun", patch.id, 2)
    run.step("done", patch.id, 2)
    assert run.open() == ["skip unmount"]
    run.step("skipped", unmount.id)
    assert run.open() == ["begin start"]


def test_remedies_that_were_never_needed_are_skipped() -> None:
    patch, clean, unmount, start = mended()
    run = told(patch, clean, unmount, start)
    run.step("done", patch.id)

    assert run.open() == ["skip clean", "skip unmount"]
    assert run.schedule.moves()[0].because == f"{patch.id} did not fail with disk"


def test_a_remedy_is_used_as_often_as_the_guide_says_and_runs_anew_every_time() -> None:
    patch, clean, unmount, start = mended(retries=2)
    run = told(patch, clean, unmount, start)
    for attempt in (1, 2):
        run.step("begun", patch.id, attempt)
        run.step("failed", patch.id, attempt, error="disk")
        assert run.open() == ["begin clean"]
        assert run.schedule.moves()[0].attempt == attempt
        run.step("begun", clean.id, attempt)
        run.step("done", clean.id, attempt)
    run.step("begun", patch.id, 3)
    run.step("failed", patch.id, 3, error="disk")

    assert run.open() == []
    assert run.schedule.one(patch.id).state == "failed"
    assert state(run) == "failed"


def test_an_unknown_failure_ends_the_step_and_stops_only_what_comes_after_it() -> None:
    one, two, other = step("one"), step("two"), step("other", host="b")
    run = told(one, two, other)
    run.step("failed", one.id)

    assert run.open() == ["begin other"]
    assert state(run) == "running"
    run.step("done", other.id)
    assert state(run) == "failed"


def test_a_retry_waits_as_long_as_the_guide_says() -> None:
    patch, clean, unmount, start = mended(wait=90)
    run = told(patch, clean, unmount, start)
    run.step("failed", patch.id, error="disk")
    run.step("done", clean.id)

    (move,) = run.schedule.moves()
    assert move.not_before == "2026-11-20T22:01:32.000000Z"
    assert state(run) == "running"


def test_a_resume_settles_what_was_begun_and_tries_again_what_failed() -> None:
    one, two = step("one"), step("two", host="b")
    run = told(one, two)
    run.step("begun", one.id)
    run.step("failed", two.id)
    run.take_over()

    assert run.open() == ["settle one", "begin two"]
    assert run.schedule.moves()[1].attempt == 2


def test_a_resume_does_not_give_a_mended_step_more_retries() -> None:
    patch, clean, unmount, start = mended()
    run = told(patch, clean, unmount, start)
    run.step("failed", patch.id, error="disk")
    run.take_over()
    run.step("done", clean.id)
    run.step("failed", patch.id, 2, error="disk")

    assert run.schedule.one(patch.id).state == "failed"


def test_a_hold_answered_no_halts_everything_until_the_run_is_resumed() -> None:
    hold = step("hold", "hold", host=None)
    one, two, other = step("one", after=(hold.id,)), step("two", host="b"), step("other", host="b")
    run = told(hold, one, two, other)
    run.step("asked", hold.id)
    run.step("begun", two.id)
    run.answer(hold.id, "no")
    assert [(move.kind, move.answer) for move in run.schedule.moves()] == [("answer", "no")]
    run.step("failed", hold.id, halt=True)
    run.step("done", two.id)

    assert run.open() == []
    assert state(run) == "failed"
    run.take_over()
    assert run.open() == ["ask hold", "begin other"]


def test_an_answer_to_an_earlier_question_does_not_count() -> None:
    person = step("person", "person.do")
    run = told(person)
    run.step("asked", person.id)
    first = run.schedule.question(person.id)
    run.step("asked", person.id, because="it is not done yet")
    run.answer(person.id, "done", asked=first)

    assert run.open() == []
    assert run.schedule.waiting() == [person.id]
    run.answer(person.id, "done")
    assert run.open() == ["answer person"]
    assert run.schedule.waiting() == []


@pytest.mark.parametrize(("said", "move"), [("done", "answer one"), ("no", "begin one")])
def test_a_step_in_doubt_asks_a_person(said: str, move: str) -> None:
    one = step("one")
    run = told(one)
    run.step("begun", one.id)
    run.step("in-doubt", one.id)
    assert run.open() == []
    assert state(run) == "in-doubt"

    run.answer(one.id, said)
    assert run.open() == [move]
    assert state(run) == "running"


def lasting_stop() -> tuple[Told, list[Step]]:
    """A stop that has to last until the start; between them a patch, after them a check."""
    stop = step("stop", until="it/app@a/2/start")
    rest = [step(name) for name in ("patch", "start", "check")]
    return told(stop, *rest), [stop, *rest]


def test_whoever_takes_over_looks_first_at_what_has_to_last() -> None:
    run, (stop, *_) = lasting_stop()
    run.step("done", stop.id)
    assert run.open() == ["begin patch"]
    run.take_over()
    assert run.open() == ["look stop"]
    run.schedule.looked(stop.id)
    assert run.open() == ["begin patch"]


def test_what_was_ended_since_is_not_looked_at_again() -> None:
    """That it was looked at, and held, is in no journal; that the lane went on is."""
    run, (stop, patch, start, _) = lasting_stop()
    run.step("done", stop.id)
    run.take_over()
    for one in (patch, start):
        run.step("begun", one.id)
        run.step("done", one.id)
    run.take_over()

    assert run.open() == ["begin check"]
    assert [move.kind for move in run.again().moves()] == ["begin"]


def test_what_is_in_doubt_is_looked_at_again_by_whoever_takes_over_unless_somebody_answered() -> None:
    """Its host may only have been silent; and what people said counts more than another look."""
    one = step("one")
    run = told(one)
    run.step("begun", one.id)
    run.step("in-doubt", one.id)
    run.take_over()
    assert run.open() == ["settle one"]

    run.step("in-doubt", one.id)
    assert (run.open(), state(run)) == ([], "in-doubt")
    run.answer(one.id, "done")
    run.take_over()
    assert run.open() == ["answer one"]


def test_a_plan_that_names_missing_steps_or_is_out_of_order_is_refused() -> None:
    one = step("one", after=("it/app@a/2/nowhere",))
    with pytest.raises(BadInput, match="nowhere"):
        Schedule(plan(one))
    late = step("late")
    with pytest.raises(BadInput, match="stands before"):
        Schedule(plan(step("early", after=(late.id,)), late))
    with pytest.raises(BadInput, match="same id"):
        Schedule(plan(late, late))


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Steps on a few hosts after random earlier ones, some with conditions, remedies and people."""
    steps: list[Step] = []
    helpers: set[str] = set()
    for number in range(draw(st.integers(1, 9))):
        names = [one.id for one in steps]
        host = draw(st.sampled_from(["a", "b", None]))
        after = tuple(draw(st.lists(st.sampled_from(names), unique=True, max_size=3))) if names else ()
        uses = draw(st.sampled_from(["set", "set", "hold", "person.do"]))
        uses = "barrier" if host is None and uses == "set" else uses
        when: tuple[Condition, ...] = ()
        conditional, value = draw(st.booleans()), draw(st.booleans())
        if after and conditional:
            when = (Condition(after[0], output="value", equals=value),)
        name = f"s{number}"
        made = step(name, uses, host=host, after=after, when=when, **({"with_": {}} if uses == "barrier" else {}))
        if uses == "set" and draw(st.integers(0, 2)) == 0:
            place = draw(st.sampled_from(["a", "b"]))
            help_ = step(f"{name}-help", host=place, after=(made.id,), when=(Condition(made.id, error="known"),))
            remedy = Remedy("known", (help_.id,), retries=draw(st.integers(1, 2)))
            made = step(name, host=host, after=after, when=when, remedies=(remedy,))
            helpers.add(help_.id)
            steps += [made, help_]
        else:
            steps.append(made)
    return plan(*steps)


@settings(max_examples=60, deadline=None)
@given(made=plans(), data=st.data())
def test_whatever_happens_the_rules_hold_and_the_run_ends(made: Plan, data: st.DataObject) -> None:
    """Random plans, outcomes, answers and deaths. Never is a step begun before what it comes after ended well, nor two
    at a time on one host; a new process comes to the same moves; and every run comes to its end."""
    run = Told(made)
    owners = {name: one.id for one in made.steps for remedy in one.remedies for name in remedy.steps}
    at_work: set[str] = set()
    deaths = 0

    def well(name: str) -> bool:
        return run.schedule.one(name).state in ("done", "skipped")

    for _ in range(400):
        moves = run.schedule.moves()
        if not moves:
            waiting = run.schedule.waiting()
            if not waiting:
                break
            name = waiting[0]
            kind = run.schedule.step(name).kind
            run.answer(name, data.draw(st.sampled_from(["yes", "no"] if kind == "hold" else ["done", "no"])))
            continue
        if deaths < 3 and data.draw(st.integers(0, 15)) == 0:
            deaths += 1
            run.take_over()
            again = run.again()
            assert again.moves() == run.schedule.moves()
            assert again.status("run", "") == run.schedule.status("run", "")
            at_work.clear()
            continue
        move = data.draw(st.sampled_from(moves))
        one = run.schedule.step(move.step)
        needed = {*one.after, *(condition.step for condition in one.when)} - {owners.get(one.id, "")}
        assert all(well(name) for name in needed)
        if one.id in owners and move.kind == "begin":
            assert not well(owners[one.id])
        if move.kind == "skip":
            run.step("skipped", one.id, 0, because=move.because)
        elif move.kind == "ask":
            run.step("asked", one.id, move.attempt)
        elif move.kind == "answer":
            done = move.answer in ("yes", "done")
            run.step("done" if done else "failed", one.id, move.attempt, halt=not done and one.kind == "hold")
        elif one.id not in at_work and move.kind == "begin" and data.draw(st.booleans()):
            run.step("begun", one.id, move.attempt)
            assert run.schedule.one(one.id).attempts == move.attempt
            others = (run.schedule.step(other.step) for other in run.schedule.moves() if other.kind != "skip")
            assert one.host is None or one.host not in [other.host for other in others]
            outcome = data.draw(st.sampled_from(["done", "done", "failed", "known", "in-doubt", "die"]))
            if outcome == "die":
                at_work.add(one.id)
            elif outcome in ("failed", "known"):
                run.step("failed", one.id, move.attempt, error="known" if outcome == "known" else None)
            else:
                ended: EventKind = "done" if outcome == "done" else "in-doubt"
                run.step(ended, one.id, move.attempt, outputs={"value": data.draw(st.booleans())})
        else:
            run.step("done", one.id, move.attempt, outputs={"value": data.draw(st.booleans())})
    else:
        pytest.fail("the run does not end")

    states = {one.id: one.state for one in run.schedule.status("run", "").steps}
    if not at_work:
        assert state(run) in ("succeeded", "failed")
        assert (state(run) == "succeeded") == (set(states.values()) <= {"done", "skipped"})
    if "failed" not in states.values() and not at_work:
        assert state(run) == "succeeded"
