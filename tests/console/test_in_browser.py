"""The console as people meet it: in a real browser, before a real server."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Error, Page, expect
from tests.support.browser import Server, chromium, context, serving, signed_in
from tests.support.console import PASSWORD
from tests.support.desk import held_plan, served
from tests.support.on_twin import opening
from tests.support.rehearsals import mill

from handrail.console.second_factor import code_at, step_at

pytestmark = pytest.mark.real

NARROW = {"width": 390, "height": 844}
WIDE = {"width": 1280, "height": 900}
OPEN_PAGES = ("/sign-in", "/password", "/static/none.css")
"""Those that nobody needs to sign in for."""
START = ("/", "/account", "/accounts", "/accounts/anna", "/no/such/page", "/runs", "/plans", "/estates", "/rehearsals")
"""Where the search for pages begins: from each, links lead to others."""


@dataclass
class Console:
    server: Server
    browser: Browser

    def page(self, role: str = "administrator", **more: Any) -> Page:
        return signed_in(self.browser, self.server, role, **more)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is served. Made before there is a browser: Playwright leaves no room for another event loop."""
    made = tmp_path_factory.mktemp("serving")
    served(made / "served")
    with opening(made / "home") as session:
        session.start(mill(), "ann", target="twin")
    return made


@pytest.fixture(scope="module")
def browser(folder: Path) -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def console(folder: Path, browser: Browser) -> Iterator[Console]:
    with serving(folder / "home", folder / "served") as server:
        server.sitting("viewer", "anna")
        yield Console(server, browser)


# -- the ways of people -----------------------------------------------------------------------------------------


def test_the_first_account_is_made_in_the_browser_and_signs_in_again(browser: Browser, tmp_path: Path) -> None:
    with serving(tmp_path / "home", tmp_path, people=False) as server:
        page = context(browser, server, viewport=NARROW).new_page()
        page.goto(server.url)
        expect(page.get_by_role("heading", name="The first account")).to_be_visible()
        assert_looks_well(page)
        page.get_by_label("Code").fill(server.code.lower().replace("-", " "))
        page.get_by_label("Your name").fill("Anna")
        page.get_by_label("Password", exact=True).fill("handrail1234")
        page.get_by_role("button", name="Make the account").click()
        expect(page.get_by_role("alert")).to_contain_text("guessed first")
        page.get_by_label("Code").fill(server.code)
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Show the password").click()
        assert page.get_by_label("Password", exact=True).get_attribute("type") == "text"
        assert float(page.locator("meter").evaluate("one => one.value")) >= 18
        page.get_by_role("button", name="Make the account").click()
        secret = set_up_second_factor(page)
        expect(page.get_by_role("link", name="Accounts")).to_be_visible()

        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("status")).to_contain_text("signed out")
        page.go_back()
        page.reload()
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        page.get_by_label("Name").fill("anna")
        page.get_by_label("Password", exact=True).fill("not this one here")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("wrong")
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Second factor")).to_be_visible()
        assert_looks_well(page)
        page.goto(server.url + "/accounts")  # a password alone opens nothing
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        page.goto(server.url + "/sign-in/code")
        page.get_by_label("Code").fill("not this one")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("not the code")
        # That of the step after the one in which it was set up: no code is taken twice, and nobody waits here.
        page.get_by_label("Code").fill(code_at(secret, step_at(time.time()) + 1))
        page.keyboard.press("Enter")
        expect(page.get_by_role("status")).to_contain_text("You last signed in")


def set_up_second_factor(page: Page) -> str:
    """As an administrator is led to it: the secret that the app would have."""
    expect(page.get_by_role("heading", name="Set up a second factor")).to_be_visible()
    expect(page.get_by_role("link", name="Accounts")).to_have_count(0)
    assert_looks_well(page)
    secret = page.get_by_label("The secret").inner_text().replace(" ", "")
    link = page.get_by_role("link", name="open it in the app").get_attribute("href")
    assert link is not None and link.startswith("otpauth://totp/Handrail:Anna?secret=" + secret)
    page.get_by_label("Code of the app").fill(code_at(secret, step_at(time.time())))
    page.get_by_label("Your password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Set it up").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    assert len(page.get_by_label("The recovery codes").inner_text().split()) == 10
    assert_looks_well(page)
    page.get_by_role("link", name="I have kept them").click()
    return secret


def test_an_administrator_lets_somebody_in_who_then_may_only_look(console: Console) -> None:
    """Without scripts: forms need none."""
    page = console.page(java_script_enabled=False)
    page.goto(console.server.url + "/accounts")
    page.get_by_label("Name").fill("CONTOSO\\berta")
    page.get_by_role("button", name="Make the account").click()
    code = page.locator("pre.once").inner_text()
    page.get_by_role("link", name="To the account").click()
    expect(page.get_by_role("heading", name="CONTOSO\\berta")).to_be_visible()

    other = context(console.browser, console.server, java_script_enabled=False).new_page()
    other.goto(console.server.url + "/password")
    for label, text in (("Name", "contoso\\berta"), ("Code", code), ("New password", PASSWORD)):
        other.get_by_label(label, exact=True).fill(text)
    other.get_by_role("button", name="Set the password and sign in").click()
    expect(other.locator(".who")).to_contain_text("CONTOSO\\berta")
    answer = other.goto(console.server.url + "/accounts")
    assert answer is not None and answer.status == 403
    expect(other.get_by_role("heading")).to_contain_text("needs the role administrator")

    page.get_by_role("button", name="Disable the account").click()
    expect(page.get_by_role("status")).to_contain_text("is disabled")
    other.goto(console.server.url + "/account")
    expect(other.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_viewer_is_refused_what_others_may_do(console: Console) -> None:
    page = console.page("viewer")
    page.goto(f"{console.server.url}/plans/{held_plan().digest}")
    expect(page.get_by_role("button", name=re.compile("approve|start", re.IGNORECASE))).to_have_count(0)
    sent = page.evaluate(
        """async (path) => (await fetch(path, {method: "POST", headers: {
          "X-CSRF-Token": document.querySelector('meta[name="csrf"]').content,
          "Content-Type": "application/x-www-form-urlencoded"}})).status""",
        f"/plans/{held_plan().digest}/approve",
    )

    assert sent == 403


# -- how pages look ---------------------------------------------------------------------------------------------


def kinds_of(console: Console) -> dict[str, str]:
    """One address for each kind of page that an administrator can get to by links: kind -> path."""
    page = console.page(java_script_enabled=False)
    known: dict[str, str] = {}
    queue = [*START]
    while queue:
        path = queue.pop(0)
        kind = kind_of(path)
        if kind in known:
            continue
        try:
            answer = page.goto(console.server.url + path)
        except Error as error:
            assert "Download is starting" in error.message, path
            continue
        assert answer is not None and answer.status < 500, path
        if "text/html" not in answer.headers.get("content-type", ""):
            continue
        known[kind] = path
        for link in page.locator("a[href^='/']").evaluate_all("all => all.map(one => one.getAttribute('href'))"):
            queue.append(urlsplit(link).path)  # noqa: PERF401 - one browser, one page at a time
    return known


def kind_of(path: str) -> str:
    """`/runs/R1/steps/a/b` -> `/runs/*/steps/*`."""
    parts = path.split("/")[1:]
    if len(parts) > 3 and parts[2] == "steps":
        parts = parts[:4]
    return "/" + "/".join("*" if number % 2 else part for number, part in enumerate(parts))


def assert_looks_well(page: Page, *only: str) -> None:
    """No serious or critical finding of axe (by the rules in `only`, or all); nothing scrolls sideways."""
    found = Axe().run(page, options={"resultTypes": ["violations"], **({"runOnly": list(only)} if only else {})})
    grave = [
        (one["id"], [node["html"][:200] for node in one["nodes"][:3]])
        for one in found.response["violations"]
        if one["impact"] in ("serious", "critical")
    ]
    assert not grave, (page.url, grave)
    widths = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert widths[0] <= widths[1], (page.url, widths)


def test_every_page_can_be_read_by_everybody_narrow_and_wide_light_and_dark(console: Console) -> None:
    kinds = kinds_of(console)
    assert {
        "/",
        "/account",
        "/account/*",
        "/account/*/new",
        "/accounts",
        "/accounts/*",
        "/runs/*",
        "/plans/*",
        "/estates/*",
    } <= set(kinds)
    wrong: list[str] = []
    # The other colours are another matter only to contrast.
    for scheme, size, only in (("light", NARROW, ()), ("dark", WIDE, ("color-contrast",))):
        page = console.page(color_scheme=scheme, viewport=size)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda sent: _at_home(sent.url, console.server.url, wrong))
        page.on("console", lambda said: wrong.append(said.text) if "Content Security" in said.text else None)
        for path in kinds.values():
            page.goto(console.server.url + path)
            assert_looks_well(page, *only)
        stranger = context(console.browser, console.server, color_scheme=scheme, viewport=size).new_page()
        for path in OPEN_PAGES:
            stranger.goto(console.server.url + path)
            assert_looks_well(stranger, *only)

    assert not wrong


def _at_home(asked: str, home: str, wrong: list[str]) -> None:
    if not asked.startswith((home, "data:")):
        wrong.append(f"asked for {asked}")


def test_whoever_uses_a_keyboard_can_skip_to_the_page_and_sees_where_they_are(console: Console) -> None:
    page = console.page()
    page.goto(console.server.url + "/account")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    inside = page.evaluate("document.querySelector('main').contains(document.activeElement)")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")

    assert inside and outline == "solid"
