"""The page of evidence in a real browser: from a file, narrow, dark, on paper; it asks nobody for anything."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser
from tests.support.browser import chromium
from tests.support.evidence import carried, eventful, written

from handrail.reporting.evidence_files import HTML

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("shown")
    with carried(folder, eventful()) as (session, run):
        yield (written(session, run, folder / "report") / HTML).as_uri()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.mark.parametrize(("scheme", "rules"), [("light", ()), ("dark", ("color-contrast",))])
def test_everybody_can_read_it_narrow_and_it_loads_nothing(
    page_file: str, browser: Browser, scheme: Any, rules: tuple[str, ...]
) -> None:
    """The other colours are another matter only to contrast."""
    page = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme=scheme).new_page()
    asked: list[str] = []
    wrong: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: wrong.append(message.text))

    page.goto(page_file)

    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert asked == [page_file] and not wrong
    only = {"runOnly": list(rules)} if rules else {}
    page = browser_page(browser, page_file, scheme)
    found = Axe().run(page, options={"resultTypes": ["violations"], **only}).response["violations"]
    grave = [(one["id"], one["nodes"][0]["html"][:200]) for one in found if one["impact"] in ("serious", "critical")]
    assert not grave


def browser_page(browser: Browser, file: str, scheme: Any) -> Any:
    """With its policy lifted, for axe is a script."""
    page = browser.new_context(bypass_csp=True, viewport={"width": 390, "height": 844}, color_scheme=scheme).new_page()
    page.goto(file)
    return page


def test_on_paper_outputs_are_printed_also_where_their_reader_had_closed_them(page_file: str, browser: Browser) -> None:
    page = browser.new_context(bypass_csp=True).new_page()
    page.goto(page_file)
    output = page.locator("details pre").first
    page.locator("details summary").first.click()
    assert not output.is_visible()

    page.emulate_media(media="print")

    assert output.evaluate("one => one.getBoundingClientRect().height") > 10
    assert page.pdf(format="A4").startswith(b"%PDF")


def test_a_policy_stands_over_it_that_lets_no_script_run(page_file: str, tmp_path: Path, browser: Browser) -> None:
    """Even if something got through that ought to have been escaped."""
    file = tmp_path / HTML
    with urlopen(page_file) as told:
        text = told.read().decode()
    file.write_text(text.replace("<main>", "<main><script>document.title = 'ran'</script>"), "utf-8")
    page = browser.new_context().new_page()
    page.goto(file.as_uri())

    assert page.title().startswith("Evidence of run")
