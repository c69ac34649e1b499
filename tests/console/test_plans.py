"""Plans in the console: approved by digest, begun on the twin or on hosts, taken back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.console import Site, site
from tests.support.counting import plan, step
from tests.support.desk import Launched, carry_on, desk, held_plan, launched, waiting_run
from tests.support.rehearsals import MILL, mill

from handrail.console.desk import Desk
from handrail.documents.plan import freeze, write_plan
from handrail.model.plan import GoesBack


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Site]:
    with desk(tmp_path) as site:
        yield site


def approved_plan(made: Site, approvers: int) -> str:
    made_plan = plan(step("one"), approvers=approvers)
    write_plan(made_plan, made.console.folders[0] / "approved.plan")
    return made_plan.digest


def test_the_list_has_served_plans_and_those_of_runs(made: Site) -> None:
    other = plan(step("elsewhere"))
    made.console.session.start(other, "adam", target="twin")
    page = made.browser("viewer").get("/plans").text

    for digest in (held_plan().digest, mill().digest, other.digest):
        assert f"/plans/{digest}" in page
    assert "held.plan" in page


def test_a_way_back_is_called_so_in_the_list(made: Site) -> None:
    back = freeze(replace(plan(step("undo")), goes_back=GoesBack("valley-1", held_plan().digest)))
    write_plan(back, made.console.folders[0] / "back.plan")

    page = made.browser("viewer").get("/plans").text
    assert "takes back valley-1" in page and "it to 2" in page


def test_a_plan_says_what_it_is_and_whom_its_holds_wait_for(made: Site) -> None:
    page = made.browser("viewer").get(f"/plans/{held_plan().digest}").text

    assert held_plan().digest in page
    assert "two people" in page
    assert "a person who did not start the run" in page
    assert "Approving takes the role approver" in page


def test_a_plan_leads_to_its_estate_and_its_rehearsals_or_says_how_to_make_one(made: Site) -> None:
    browser = made.browser("viewer")
    page = browser.get(f"/plans/{mill().digest}").text
    assert 'href="/estates/valley"' in page and 'href="/rehearsals/' in page
    assert "handrail rehearse held.plan" in browser.get(f"/plans/{held_plan().digest}").text


def test_the_plan_of_a_run_has_a_page_though_no_file_is_served(made: Site) -> None:
    other = plan(step("elsewhere"))
    run = made.console.session.start(other, "adam", target="twin")

    assert run in made.browser("viewer").get(f"/plans/{other.digest}").text


def test_a_plan_that_is_not_there_is_not_found(made: Site) -> None:
    browser = made.browser("operator")
    for digest in ("sha256:0", "..%2F..%2Fetc%2Fpasswd", "held.plan", "%00"):
        assert browser.get(f"/plans/{digest}").status_code == 404
        assert browser.submit(f"/plans/{digest}/start", on="twin").status_code == 404
        assert made.browser("approver").submit(f"/plans/{digest}/approve").status_code == 404


def test_approvals_are_counted_and_a_run_on_hosts_waits_for_them(made: Site) -> None:
    digest = approved_plan(made, 2)
    operator = made.browser("operator")
    made.browser("approver", name="anna").submit(f"/plans/{digest}/approve", note="looks right")
    page = operator.get(f"/plans/{digest}").text
    assert "Approved by <strong>anna</strong>" in page
    assert "looks right" in page
    assert "1 is missing" in page

    refused = operator.submit(f"/plans/{digest}/start", on="hosts")
    assert refused.status_code == 409
    assert "demands 2 approvals of a plan, and anna gave one." in refused.text
    assert launched(made) == []

    made.browser("approver", name="bea").submit(f"/plans/{digest}/approve")
    assert made.browser("approver", name="bea").get(f"/plans/{digest}").text.count("You have approved it.") == 1


def test_only_approvers_approve_and_only_operators_start(made: Site) -> None:
    digest = approved_plan(made, 0)
    for role in ("viewer", "operator"):
        assert made.browser(role).submit(f"/plans/{digest}/approve").status_code == 403
    for role in ("viewer", "approver"):
        assert made.browser(role).submit(f"/plans/{digest}/start", on="twin").status_code == 403
    assert launched(made) == []
    assert made.console.session.runs() == []


def test_a_run_on_the_twin_begins_in_the_name_of_who_pressed(made: Site) -> None:
    started = made.browser("operator", name="bea").submit(f"/plans/{held_plan().digest}/start", on="twin")

    (row,) = made.console.session.runs()
    assert (started.status_code, started.headers["location"]) == (303, f"/runs/{row.run}")
    assert (row.who, row.target, row.plan) == ("bea", "twin", held_plan().digest)
    assert launched(made) == [row.run]


def test_what_forbids_a_start_is_said_on_the_page_of_the_plan(made: Site) -> None:
    """An action that this Handrail has in another revision."""
    old = freeze(replace(plan(replace(step("one"), revision=7)), digest=""))
    write_plan(old, made.console.folders[0] / "old.plan")

    refused = made.browser("operator").submit(f"/plans/{old.digest}/start", on="twin")
    assert refused.status_code == 409
    assert "revision" in refused.text
    assert made.console.session.runs() == []


def test_a_run_begins_on_the_twin_or_on_hosts_and_nowhere_else(made: Site) -> None:
    for on in ("lab", "", "production"):
        assert made.browser("operator").submit(f"/plans/{held_plan().digest}/start", on=on).status_code == 422
    assert made.console.session.runs() == []


def test_the_way_back_is_a_plan_with_a_price_and_can_be_started(tmp_path: Path) -> None:
    with site(tmp_path / "home", guides=(MILL,)) as made:
        desk_ = made.app.state.desk = Desk(made.console)
        desk_.launching = Launched(desk_.launching)
        run = made.console.session.start(mill(), "adam", target="twin")
        assert carry_on(made, run) == "succeeded"
        operator = made.browser("operator")
        assert "Make the way back as a plan" in operator.get(f"/runs/{run}").text

        answer = operator.submit(f"/runs/{run}/rollback")
        where = answer.headers["location"]
        page = operator.get(where).text
        assert f'This plan takes run <a href="/runs/{run}">' in page
        assert "Going back takes about" in page
        assert made.console.session.status(run).state == "succeeded"

        assert operator.submit(f"{where}/start", on="hosts").status_code == 303
        (back,) = launched(made)
        assert carry_on(made, back) == "succeeded"
        assert made.console.session.status(run).state == "rolled-back"
        assert "Make the way back as a plan" not in operator.get(f"/runs/{run}").text


def test_nothing_was_changed_so_nothing_can_be_taken_back(made: Site) -> None:
    run = waiting_run(made)

    refused = made.browser("operator").submit(f"/runs/{run}/rollback")
    assert refused.status_code == 400
    assert "has changed nothing that has to be taken back" in refused.text
