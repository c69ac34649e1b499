"""What the page of a run says besides its steps: when, whether it may go on, and whether there is a way back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.console.test_runs import EVIL, stubborn, text_of, visited
from tests.support.console import Site
from tests.support.counting import plan, step

from handrail.documents.plan import freeze
from handrail.model.journal import PEOPLE_LANE, Entry
from handrail.running.session import Session


@pytest.fixture
def stood(tmp_path: Path) -> Iterator[tuple[Site, Session, str]]:
    with visited(tmp_path, stubborn()) as made:
        yield made


def test_times_are_everybodys_wherever_the_console_runs(
    stood: tuple[Site, Session, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    console, session, run = stood
    last = next(one for one in reversed(session.events(run)) if one.entry.kind == "asked")
    with monkeypatch.context() as place:
        place.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        story = console.browser("viewer").get(f"/runs/{run}").text.partition('data-part="story"')[2]
    time.tzset()

    assert f">{last.at[11:19]} UTC<" in story


def test_what_has_changed_since_the_plan_was_made_is_told_on_the_page(stood: tuple[Site, Session, str]) -> None:
    console, session, run = stood
    fact = {"fact": f"host:c.os {EVIL}", "planned": "debian-11", "seen": "debian-12", "host": "c"}
    drift = {"changed": [{**fact, "commands": ["cat /etc/os-release"], "steps": ["last"]}], "silent": []}
    session.journal.add(run, PEOPLE_LANE, Entry("drifted", data={"who": "ann", **drift}))
    page = console.browser("viewer").get(f"/runs/{run}").text

    assert "planned debian-11, seen debian-12" in page and "cat /etc/os-release" in page
    assert EVIL not in page


def test_whether_the_point_of_no_return_was_passed_stands_with_the_way_back(tmp_path: Path) -> None:
    one = step("one")
    ask = step("sure", "hold", None, with_={"question": "Is it night?"})
    last = step("last", host="c", after=(ask.id,))
    behind, ahead = (
        freeze(replace(plan(one, ask, last), point_of_no_return=point.id, aim={"it": point.id}))
        for point in (one, last)
    )
    with visited(tmp_path, behind) as (console, session, run):
        other = session.start(ahead, "ann", target="hosts")
        pages = [text_of(console.browser("viewer").get(f"/runs/{each}").text) for each in (run, other)]

    assert "The point of no return was passed at" in pages[0] and "still to come" not in pages[0]
    assert "The point of no return is still to come: step 3, last" in pages[1]


def test_a_run_that_a_process_was_just_started_for_is_not_called_interrupted(stood: tuple[Site, Session, str]) -> None:
    console, session, _ = stood
    run = session.start(plan(step("later", host="e")), "ann", target="twin")
    browser = console.browser("viewer")
    before = browser.get(f"/runs/{run}").text
    console.app.state.looking.following.ours = lambda name: name == run
    after = browser.get(f"/runs/{run}").text

    assert "Interrupted" in before and "Interrupted" not in after and "Running." in after
