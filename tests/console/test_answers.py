"""People answer in the console: who may, what is said, and what happens when somebody was faster."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from tests.support.console import Site
from tests.support.counting import plan, step
from tests.support.desk import carry_on, desk, held_plan, launched, waiting_run

from handrail.model.journal import PEOPLE_LANE

TWO, WALK, ANOTHER = (f"it/app@-/2/{name}" for name in ("two", "walk", "another"))


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Site]:
    with desk(tmp_path) as site:
        yield site


def asked(made: Site, run: str, step: str) -> int:
    found = made.console.session.schedule(run).question(step)
    assert found is not None
    return found


def said(made: Site, run: str) -> list[tuple[str, str, str]]:
    events = made.console.session.events(run)
    return [
        (one.entry.kind, one.entry.data["who"], one.entry.data.get("note", ""))
        for one in events
        if one.lane == PEOPLE_LANE
    ]


def test_a_hold_is_shown_with_its_question_whose_yes_it_needs_and_every_answer(made: Site) -> None:
    run = waiting_run(made)
    page = made.browser("approver").get(f"/runs/{run}").text

    assert "May &lt;b&gt;it&lt;/b&gt; stop?" in page
    assert "Two people have to say yes." in page
    assert 'name="answer" value="yes"' in page
    assert 'name="answer" value="no"' in page
    assert "<b>it</b>" not in page


def test_two_people_say_yes_and_the_same_one_twice_is_refused(made: Site) -> None:
    run = waiting_run(made)
    anna, bea = made.browser("approver", name="anna"), made.browser("operator", name="bea")
    form = {"step": TWO, "answer": "yes", "note": "as agreed", "asked": asked(made, run, TWO)}

    first = anna.submit(f"/runs/{run}/answer", **form)
    assert (first.status_code, first.headers["location"]) == (303, f"/runs/{run}")
    shown = anna.get(f"/runs/{run}").text
    assert "anna said yes; somebody else has to say it too." in shown
    assert "anna has said yes already" in shown
    assert 'name="answer" value="yes"' not in shown
    again = anna.submit(f"/runs/{run}/answer", **form)
    assert again.status_code == 400
    assert "anna has said yes already, so somebody else has to say it too." in again.text

    assert bea.submit(f"/runs/{run}/answer", **form).status_code == 303
    assert said(made, run) == [("agreed", "anna", "as agreed"), ("answered", "bea", "as agreed")]


def test_who_started_the_run_cannot_answer_a_hold_for_another(made: Site) -> None:
    run = waiting_run(made, who="bea")
    bea, anna = made.browser("operator", name="bea"), made.browser("approver", name="anna")
    for browser in (bea, anna):
        browser.submit(f"/runs/{run}/answer", step=TWO, answer="yes")
    carry_on(made, run)
    bea.submit(f"/runs/{run}/answer", step=WALK, answer="done")
    carry_on(made, run)

    refused = bea.submit(f"/runs/{run}/answer", step=ANOTHER, answer="yes")
    assert refused.status_code == 400
    assert "bea started this run, so somebody else has to say yes." in refused.text
    assert anna.submit(f"/runs/{run}/answer", step=ANOTHER, answer="yes").status_code == 303
    assert carry_on(made, run) == "succeeded"


def test_viewers_answer_nothing_and_approvers_only_holds(made: Site) -> None:
    run = waiting_run(made)
    viewer, anna = made.browser("viewer"), made.browser("approver", name="anna")
    assert "To answer takes the role operator or approver." in viewer.get(f"/runs/{run}").text
    assert viewer.submit(f"/runs/{run}/answer", step=TWO, answer="yes").status_code == 403
    for who in ("anna", "bea"):
        made.console.session.answer(run, TWO, "yes", who)
    carry_on(made, run)

    assert "To answer takes the role operator." in anna.get(f"/runs/{run}").text
    assert anna.submit(f"/runs/{run}/answer", step=WALK, answer="done").status_code == 403
    assert made.browser("operator").submit(f"/runs/{run}/answer", step=WALK, answer="done").status_code == 303


def test_many_questions_come_page_by_page(made: Site) -> None:
    session = made.console.session
    many = [step(f"sure{number:02}", "hold", host=None) for number in range(30)]
    run = session.start(plan(*many), "adam", target="twin")
    assert carry_on(made, run) == "waiting"
    operator = made.browser("operator")

    pages = [operator.get(f"/runs/{run}/answers", params={"page": number}).text for number in (1, 2, 3, 99)]
    assert [page.count('name="step"') for page in pages] == [12, 12, 6, 6]
    assert "Page 1 of 3, 30 questions" in operator.get(f"/runs/{run}").text
    assert all(any(f'value="{one.id}"' in page for page in pages) for one in many)


def test_whoever_comes_too_late_is_told_who_answered(made: Site) -> None:
    run = waiting_run(made)
    question = asked(made, run, TWO)
    made.console.session.answer(run, TWO, "no", "cleo")

    late = made.browser("operator").submit(f"/runs/{run}/answer", step=TWO, answer="yes", asked=question)
    assert late.status_code == 409
    assert "cleo answered no at" in late.text
    assert carry_on(made, run) == "failed"
    assert carry_on(made, run) == "waiting"  # asked anew: the old form is about another question
    old = made.browser("operator").submit(f"/runs/{run}/answer", step=TWO, answer="yes", asked=question)
    assert old.status_code == 409
    assert said(made, run) == [("answered", "cleo", "")]


UNFIT: Sequence[tuple[dict[str, str], int]] = (
    ({"step": TWO, "answer": "done"}, 400),
    ({"step": TWO, "answer": "maybe"}, 404),
    ({"step": "nothing", "answer": "yes"}, 404),
    ({"step": "it/app@a/2/one", "answer": "yes"}, 409),
    ({"step": TWO}, 422),
    ({"answer": "yes"}, 422),
    ({"step": TWO, "answer": "yes", "asked": "x"}, 422),
    ({"step": TWO, "answer": "yes", "note": "x" * 2001}, 422),
)


def test_an_answer_that_does_not_fit_is_refused_and_changes_nothing(made: Site) -> None:
    run = waiting_run(made)
    for fields, status in UNFIT:
        assert made.browser("operator").submit(f"/runs/{run}/answer", **fields).status_code == status, fields
    assert said(made, run) == []


def test_a_form_from_elsewhere_answers_nothing(made: Site) -> None:
    run = waiting_run(made)
    browser = made.browser("operator")

    assert browser.post(f"/runs/{run}/answer", data={"step": TWO, "answer": "yes"}).status_code == 403
    assert said(made, run) == []


def test_resuming_is_journaled_with_who_and_launches_a_process(made: Site) -> None:
    run = waiting_run(made)
    operator = made.browser("operator")

    assert "Resume the run" in operator.get(f"/runs/{run}").text
    assert "Resume the run" not in made.browser("viewer").get(f"/runs/{run}").text
    assert made.browser("approver").submit(f"/runs/{run}/resume").status_code == 403
    assert operator.submit(f"/runs/{run}/resume").status_code == 303
    assert launched(made) == [run]
    assert said(made, run) == [("resumed", "operator", "")]


def test_a_run_that_was_begun_here_goes_on_when_it_was_answered_and_no_other(made: Site) -> None:
    operator, anna = made.browser("operator", name="bea"), made.browser("approver", name="anna")
    ours = operator.submit(f"/plans/{held_plan().digest}/start", on="twin").headers["location"].rpartition("/")[2]
    carry_on(made, ours)
    others = waiting_run(made)
    for run in (ours, others):
        anna.submit(f"/runs/{run}/answer", step=TWO, answer="yes")
        assert launched(made) == [ours]  # one of two moves nothing
    operator.submit(f"/runs/{others}/answer", step=TWO, answer="yes")
    assert "No process carries the run on now: resume it." in operator.get(f"/runs/{others}").text
    operator.submit(f"/runs/{ours}/answer", step=TWO, answer="yes")
    assert "You answered yes. The run goes on." in operator.get(f"/runs/{ours}").text
    assert launched(made) == [ours, ours]


def test_stopping_what_others_started_is_refused_kindly(made: Site) -> None:
    run = waiting_run(made)

    refused = made.browser("operator").submit(f"/runs/{run}/stop")
    assert refused.status_code == 400
    assert "No process that was started here carries run" in refused.text


def test_a_run_that_nobody_knows_is_not_found(made: Site) -> None:
    operator = made.browser("operator")

    for act in ("answer", "resume", "stop", "rollback"):
        assert operator.submit(f"/runs/nothing/{act}", step=TWO, answer="yes").status_code == 404
    assert operator.get("/runs/nothing/answers").status_code == 404
