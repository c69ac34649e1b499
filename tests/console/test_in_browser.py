"""The console as people meet it: in a real browser, before a real server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser
from tests.support.browser import Server, chromium, serving, signed_in

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("serving") / "home") as running:
        yield running


def test_a_viewer_reads(browser: Browser, server: Server) -> None:
    page = signed_in(browser, server, "viewer")
    page.goto(server.url)

    assert page.title().startswith("Now")
