"""A run as it stands, as it happens, and as it is looked at later."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.support.plans import ID, sample_plan, status_of

from handrail.model.journal import Entry, Event
from handrail.reporting.run import Going, outcome_page, run_page
from handrail.reporting.story import line_of
from handrail.reporting.text import render
from handrail.reporting.verification import verification_page
from handrail.running.verify import Check, Verification

PLAN = sample_plan()


def standing(state: str, going: Going | None = None, **states: str) -> str:
    return "\n".join(render(run_page(status_of(PLAN, state, **states), PLAN, going or Going())))


def test_a_hold_shows_its_question_and_the_commands_that_answer_it() -> None:
    shown = standing("waiting", look="waiting")

    assert "Go on?" in shown
    assert f"handrail answer contoso-1 {ID}/look yes   # go on" in shown
    assert f"handrail answer contoso-1 {ID}/look no    # halt here" in shown
    assert "handrail resume contoso-1" in shown


def test_a_persons_step_shows_what_to_do_and_what_to_type() -> None:
    shown = standing("waiting", wizard="waiting")

    assert "1.  Choose Next." in shown and "sql01" in shown
    assert f"handrail answer contoso-1 {ID}/wizard done" in shown


def test_who_decides_about_a_file_is_told_which_where_the_proposal_lies_and_what_is_asked() -> None:
    """What was late when the plan was made is known by now: people need the very path."""
    late = {"proposal": {"late": f"{ID}/patch.proposal"}, "questions": {"late": f"{ID}/patch.questions"}}
    steps = tuple(
        replace(one, uses="config.decide", with_={"file": r"D:\App\app.config", **late})
        if one.id == f"{ID}/wizard"
        else one
        for one in PLAN.steps
    )
    plan, found = replace(PLAN, steps=steps), {"proposal": r"D:\Kept\app.config", "questions": ["Which port?"]}
    status = status_of(PLAN, "waiting", wizard="waiting")
    told = tuple(replace(one, outputs=found) if one.id == f"{ID}/patch" else one for one in status.steps)

    shown = "\n".join(render(run_page(replace(status, steps=told), plan, Going())))

    assert r"D:\App\app.config" in shown and r"D:\Kept\app.config" in shown and "Which port?" in shown
    assert "late" not in shown


def test_a_step_in_doubt_asks_whether_it_happened() -> None:
    shown = standing("in-doubt", patch="in-doubt")

    assert "Install the patch: did it happen? because of this" in shown
    assert f"{ID}/patch done   # it happened" in shown and f"{ID}/patch no     # it did not" in shown


def test_the_commands_carry_the_store_and_what_resuming_needs() -> None:
    shown = standing("waiting", Going(" --store /s.db", " --ask"), look="waiting")

    assert f"{ID}/look yes --store /s.db" in shown
    assert "handrail resume contoso-1 --store /s.db --ask" in shown


@pytest.mark.parametrize(
    ("state", "command"), [("failed", "resume"), ("running", "resume"), ("succeeded", "verify"), ("waiting", "resume")]
)
def test_it_says_what_to_do_next(state: str, command: str) -> None:
    hold = "waiting" if state == "waiting" else "pending"

    assert f"handrail {command} contoso-1" in standing(state, look=hold)


def test_a_failed_step_shows_why() -> None:
    shown = "\n".join(render(outcome_page(status_of(PLAN, "failed", patch="failed"), PLAN)))

    assert "failed  sync01: Install the patch" in shown and "because of this" in shown


def event(kind: str, step: str = "patch", attempt: int = 1, **data: Any) -> Event:
    entry = Entry(kind, f"{ID}/{step}", attempt, data)  # type: ignore[arg-type]
    return Event("contoso-1", "sync01", 1, 1, "2026-12-05T22:00:00.000Z", entry, "", "")


@pytest.mark.parametrize(
    ("happened", "word", "expected"),
    [
        (event("begun"), "begun", "Install the patch"),
        (event("begun", attempt=2), "begun", "Install the patch (attempt 2)"),
        (event("done"), "done", "Install the patch"),
        (event("done", already=True), "done", "it was so already"),
        (event("done", settled=True), "done", "had happened before the interruption"),
        (event("done", said="exit code 1603"), "done", "although: exit code 1603"),
        (event("failed", because="no room", error="disk-full"), "failed", "[disk-full]: no room"),
        (event("skipped", because="not needed"), "skipped", "not needed"),
        (event("in-doubt", because="the line was lost"), "in doubt", "the line was lost"),
        (event("asked"), "waiting", "Install the patch"),
        (event("answered", answer="yes", who="anna", note="go"), "answered", "yes, says anna (go)"),
    ],
)
def test_every_event_that_matters_has_a_line(happened: Event, word: str, expected: str) -> None:
    line = line_of(happened, PLAN.steps[4])

    assert line is not None
    assert line.word == word and expected in line.text and line.host == "sync01"


@pytest.mark.parametrize("kind", ["created", "taken", "sealed", "ended", "verified"])
def test_bookkeeping_is_not_told(kind: str) -> None:
    assert line_of(event(kind), None) is None


def test_what_does_not_hold_comes_first() -> None:
    checks = (Check(f"{ID}/stop", "holds"), Check(f"{ID}/patch", "broken", "it is at 4.6"))
    shown = "\n".join(render(verification_page(Verification("contoso-1", checks), PLAN)))

    assert shown.index("it is at 4.6") < shown.index("Stop the service")
    assert "1 thing does not hold" in shown


def test_all_well_is_said_in_a_word() -> None:
    checks = (Check(f"{ID}/stop", "holds"),)

    assert "Everything holds." in "\n".join(render(verification_page(Verification("contoso-1", checks), PLAN)))


def test_a_run_that_no_process_carries_on_is_called_interrupted() -> None:
    page = "\n".join(render(run_page(status_of(PLAN, "running"), PLAN, carried=False)))

    assert "Interrupted: no process carries it on." in page
