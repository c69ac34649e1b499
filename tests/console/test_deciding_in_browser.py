"""Two people at two desks answer a hold, and somebody reads the matrix: in a real browser, before a real server."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Browser, Page, expect
from tests.support.browser import Server, chromium, serving, signed_in
from tests.support.console import CHEAP
from tests.support.on_twin import plan_file
from tests.support.rehearsals import rehearsed

from handrail.console.making import opened_accounts
from handrail.documents.plan import read_plan
from handrail.guides.catalogue import SHIPPED
from handrail.rehearsing.results import to_json
from handrail.running.home import Home
from handrail.running.session import open_session

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("deciding")
    served = folder / "served"
    served.mkdir()
    estate = (SHIPPED / "mim" / "estates" / "sp2-latest.yaml").read_text()
    (served / "night.yaml").write_text(f"{estate}\nholds: another\n")
    plan_file(served / "night.yaml", served / "night.plan")
    (served / "tried.json").write_text(json.dumps(to_json(rehearsed(faults="killed-after-intent,restarts"))))
    return folder


@pytest.fixture(scope="module")
def run(folder: Path) -> str:
    """A run on the twin that anna started, and that waits at its first hold: real people are asked."""
    with open_session(Home(folder / "home"), ask=True) as session:
        run = session.start(read_plan(folder / "served" / "night.plan"), "anna", target="twin")
        assert asyncio.run(session.carry_out(run, "anna")).status.state == "waiting"
    return run


@pytest.fixture(scope="module")
def server(folder: Path, run: str) -> Iterator[Server]:
    with serving(folder / "home", folder / "served") as running:
        yield running


@pytest.fixture(scope="module")
def browser(server: Server) -> Iterator[Browser]:  # after what runs loops of its own
    with chromium() as running:
        yield running


def is_narrow_enough(page: Page) -> bool:
    """Within five seconds: while a page is being laid out it may be wider."""
    for _ in range(50):
        if page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"):
            return True
        page.wait_for_timeout(100)
    return False


def test_who_started_the_run_is_refused_and_another_answers_from_their_own_desk(
    browser: Browser, server: Server, run: str
) -> None:
    anna = signed_in(browser, server, "operator", name="anna")
    bea = signed_in(browser, server, "approver", name="bea", viewport={"width": 390, "height": 844})
    anna.goto(f"{server.url}/runs/{run}")
    expect(anna.get_by_text("anna started this run, so somebody else has to say yes.")).to_be_visible()
    expect(anna.get_by_role("button", name="Yes: go on")).to_have_count(0)

    bea.goto(f"{server.url}/runs/{run}")
    assert is_narrow_enough(bea)
    expect(bea.get_by_text("Somebody other than anna, who started the run, has to say yes.")).to_be_visible()
    bea.get_by_label("Note for the journal").fill("nobody works with it")
    bea.get_by_label("Note for the journal").press("Enter")
    bea.wait_for_timeout(300)
    expect(bea.get_by_role("button", name="Yes: go on")).to_be_visible()  # Enter in a field decides nothing
    bea.get_by_role("button", name="Yes: go on").press("Enter")
    expect(bea.get_by_text("You answered yes. No process carries the run on now: resume it.")).to_be_visible()

    anna.goto(f"{server.url}/runs/{run}/journal?kind=answered")
    expect(anna.get_by_text("yes, bea; nobody works with it")).to_be_visible()


def test_a_viewer_sees_the_question_and_no_button(browser: Browser, server: Server, run: str) -> None:
    page = signed_in(browser, server, "viewer")
    page.goto(f"{server.url}/runs/{run}")

    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator("main form[method=post]")).to_have_count(0)


@pytest.mark.parametrize(
    "more",
    [{}, {"viewport": {"width": 390, "height": 844}}, {"java_script_enabled": False}],
    ids=["wide", "narrow", "without-script"],
)
def test_the_matrix_is_read_down_to_a_case(browser: Browser, server: Server, more: dict[str, Any]) -> None:
    page = signed_in(browser, server, "viewer", **more)
    page.goto(f"{server.url}/rehearsals")
    page.locator('main a[href^="/rehearsals/"]').first.click()
    expect(page.get_by_role("columnheader", name="restarts").first).to_be_visible()
    row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name="patch")).first
    row.get_by_role("link", name="passed").first.click()

    expect(page.get_by_text("--case flour/stone@brook/2/patch:")).to_be_visible()
    expect(page.get_by_role("heading", name="Then it was taken back")).to_be_visible()
    if "java_script_enabled" not in more:
        assert is_narrow_enough(page)


def test_the_console_is_killed_and_the_run_that_it_began_goes_on(folder: Path, tmp_path: Path) -> None:
    """By a program, with a token; on a home of its own."""
    with opened_accounts(Home(tmp_path), CHEAP) as (accounts, _):
        accounts.add("robot", None, ["operator"])
        token = accounts.new_token("robot", "tests")
    digest = read_plan(folder / "served" / "night.plan").digest
    with serving(tmp_path, folder / "served", people=False) as server:
        answer = httpx2.post(
            f"{server.url}/api/v1/plans/{digest}/runs",
            json={"target": "twin"},
            headers={"Authorization": f"Bearer {token}"},
        )
        assert answer.status_code == 201, answer.text
        server.process.kill()
        server.process.wait()
    begun = answer.json()["run"]
    with open_session(Home(tmp_path)) as session:
        end = time.monotonic() + 60
        while session.status(begun).state != "succeeded":
            assert time.monotonic() < end, session.status(begun)
            time.sleep(0.2)
        assert session.journal.row(begun).who == "robot"
