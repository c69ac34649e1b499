"""A run on the twin, followed in a real browser to its end; its pages without scripts, narrow and in the dark."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from tests.support.browser import Server, chromium, serving, signed_in
from tests.support.command import start
from tests.support.on_twin import opening, plan_file
from tests.support.shipped import shipped

from handrail.model.plan import Plan

pytestmark = pytest.mark.real
NORTHWIND = Path(shipped().guides["mim"].folder) / "estates" / "northwind-mim.yaml"


@dataclass
class Night:
    """A console, and a run of the plan on the twin that nobody carries on yet."""

    server: Server
    browser: Browser
    home: Path
    plan: Plan
    run: str

    def page(self, **more: Any) -> Page:
        return signed_in(self.browser, self.server, "viewer", **more)

    def paths(self) -> list[str]:
        step = self.plan.steps[-1].id
        return [
            "/runs",
            f"/runs/{self.run}",
            f"/runs/{self.run}/hosts",
            f"/runs/{self.run}/steps/{step}",
            f"/plans/{self.plan.digest}",
            f"/plans/{self.plan.digest}/steps/{step}",
        ]


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    folder = tmp_path_factory.mktemp("watching")
    home = folder / "home"
    plan = plan_file(NORTHWIND, folder / "northwind.plan")
    with opening(home) as session:
        run = session.start(plan, "ann", target="twin")
    with serving(home, folder) as server, chromium() as browser:
        yield Night(server, browser, home, plan, run)


def test_a_run_is_followed_to_its_end_without_reading_the_page_again(night: Night) -> None:
    page = night.page()
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(f"{night.server.url}/runs/{night.run}")
    expect(page.locator(".live-sign")).to_contain_text("Live.")
    expect(page.locator('[data-part="standing"]')).to_contain_text("Interrupted")
    page.locator("#lane-1 summary").click()
    page.evaluate("window.here = 'still'")

    process = start("resume", night.run, home=night.home)
    try:
        expect(page.locator('[data-part="standing"]')).to_contain_text("Succeeded.", timeout=60_000)
    finally:
        process.communicate(timeout=60)

    assert page.evaluate("window.here") == "still"
    assert page.locator("#lane-1").get_attribute("open") is not None
    drawn = page.locator("svg [data-n]").evaluate_all("all => all.map(one => one.getAttribute('class'))")
    assert drawn and all("s-done" in one or "s-skipped" in one for one in drawn)
    listed = page.locator("#lane-1 .st").all_inner_texts()
    assert listed and set(listed) <= {"done", "skipped"}
    expect(page.locator('[data-part="story"]')).to_contain_text("done")
    expect(page.locator('[data-part="back"]')).to_contain_text("Going back takes about", timeout=90_000)
    assert not wrong


def test_pages_can_be_read_without_scripts(night: Night) -> None:
    page = night.page(java_script_enabled=False)
    for path in night.paths():
        answer = page.goto(night.server.url + path)
        assert answer is not None and answer.ok, path
    page.goto(f"{night.server.url}/runs/{night.run}")
    page.locator("#lane-1 summary").click()
    page.get_by_role("link", name=night.plan.steps[0].title).first.click()

    assert page.title().startswith(night.plan.steps[0].title)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_scrolls_sideways_on_a_narrow_screen_and_everybody_can_read_it(night: Night, scheme: str) -> None:
    page = night.page(viewport={"width": 390, "height": 844}, color_scheme=scheme)
    for path in night.paths() if scheme == "light" else night.paths()[1::3]:
        page.goto(night.server.url + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
        found = Axe().run(page).response["violations"]
        grave = [(one["id"], [node["html"][:160] for node in one["nodes"][:2]]) for one in found if _is_grave(one)]
        assert not grave, (path, grave)


def _is_grave(violation: dict[str, Any]) -> bool:
    return violation["impact"] in ("serious", "critical")


def test_every_step_is_reached_with_the_keyboard(night: Night) -> None:
    page = night.page()
    answer = page.goto(f"{night.server.url}/plans/{night.plan.digest}")
    assert answer is not None and "Plan for" in page.title(), (page.url, page.content()[-1500:], page.context.cookies())
    page.locator(".lane-box").focus()
    before = page.evaluate("document.querySelector('.lane-box').scrollLeft")
    page.keyboard.press("ArrowRight")
    page.wait_for_function(f"document.querySelector('.lane-box').scrollLeft >= {before}")
    page.locator(".lane-list summary").first.focus()
    links = page.locator(".lane-list a")
    if page.locator(".lane-list details").first.get_attribute("open") is None:
        page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.href") == links.first.evaluate("one => one.href")
    page.keyboard.press("Enter")
    page.wait_for_url("**/steps/**")
    expect(page.locator("h1")).to_contain_text(night.plan.steps[0].title)
