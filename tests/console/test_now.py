"""The first page: what needs a person stands first, and nothing that goes on by itself does."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from tests.support.console import Site, site
from tests.support.counting import QUICK, build, opening, plan, signatures, step

from handrail.documents.plan import freeze, write_plan
from handrail.model.journal import Entry

EVIL = "<script>alert(1)</script>"


def test_where_nothing_was_run_nothing_needs_anybody(console: Site) -> None:
    page = console.browser("viewer").get("/")

    assert "Nothing is under way." in page.text and "Start with a plan" in page.text


def test_what_is_asked_stands_first_and_is_text_whatever_it_says(tmp_path: Path) -> None:
    hold = step("sure", "hold", None, with_={"question": f"Is it night? {EVIL}"})
    walk = step("walk", "person.do", "w", with_={})
    asking = plan(step("one"), hold, walk, step("torn", host="t", after=(hold.id,)))
    through = plan(step("two"))
    with opening(tmp_path, play=False) as session:
        for made in (asking, through):
            run = session.start(made, "ann", target="hosts")
            asyncio.run(session.carry_out(run, "ann", settings=QUICK))
            if made is asking:
                torn = [
                    Entry("begun", made.steps[3].id, 1),
                    Entry("in-doubt", made.steps[3].id, 1, {"because": "It is gone."}),
                ]
                heads, _ = session.journal.take(run, ["t"], {"who": "ann"})
                asyncio.run(session.journal.append(run, heads, [("t", entry) for entry in torn]))
        opener = session.openers["hosts"]
        with site(
            tmp_path / "home", openers={"hosts": opener, "twin": opener}, build=build, signatures=signatures()
        ) as one:
            page = one.browser("viewer").get("/").text
    needing, _, newest = page.partition("The newest runs")

    assert "Is it night? &lt;script&gt;" in needing and EVIL not in page
    assert "walk <" in needing and "torn: did it happen? It is gone." in needing
    assert run not in needing and run in newest


def test_what_is_on_hosts_stands_before_what_is_on_twins_and_what_failed_is_said(tmp_path: Path) -> None:
    broken = plan(step("torn", "stubborn", "b", with_={"name": "torn", "needs": "disk", "log": "no disk"}))
    with opening(tmp_path, play=False) as session:
        opener = session.openers["hosts"]
        for made, target in ((broken, "hosts"), (broken, "twin")):
            run = session.start(made, "ann", target=target)
            asyncio.run(session.carry_out(run, "ann", settings=QUICK))
        session.start(plan(step("later", host="c")), "ann", target="hosts")  # nobody carries it on
        with site(
            tmp_path / "home", openers={"hosts": opener, "twin": opener}, build=build, signatures=signatures()
        ) as one:
            runs = [row.run for row in session.runs()]
            page = one.browser("viewer").get("/").text.partition("The newest runs")[0]

    places = [page.index(f'id="wants-{run}"') for run in runs]
    assert places[0] < places[2] < places[1]
    assert "torn: it ended with 1603" in page and "interrupted" in page and "Nobody carries it on." in page


def test_a_plan_that_lacks_approvals_is_named_until_it_has_them(tmp_path: Path) -> None:
    made = plan(step("one"))
    made = freeze(replace(made, estate=replace(made.estate, approvers=1)))
    folder = tmp_path / "desk"
    folder.mkdir()
    write_plan(made, folder / "upgrade.plan")
    with site(tmp_path / "home", folders=(folder,)) as one:
        browser = one.browser("viewer")
        before = browser.get("/").text
        one.console.session.approve(made, "ann")
        after = browser.get("/").text

    assert "To be approved" in before and "0 of 1 approval given" in before
    assert "To be approved" not in after
