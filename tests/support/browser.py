"""A real browser before a real `handrail serve`: both are processes of their own, and nothing is loaded from elsewhere.

    with serving(home, folder) as server, chromium() as browser:
        page = signed_in(browser, server, "viewer")
        page.goto(server.url + "/runs")

Chromium is Debian's; `make ready` installs it. Where it is missing a test fails, it is not skipped.
"""

from __future__ import annotations

import contextlib
import queue
import re
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from tests.support.command import start
from tests.support.console import CHEAP, PASSWORD, with_factor

from handrail.console.guarding import SITTING
from handrail.console.making import opened_accounts
from handrail.running.home import Home

START = 30.0
"""Seconds that the server may take to begin."""
ARGUMENTS = [
    "--no-sandbox",  # tests may run as root
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--no-first-run",
    "--no-pings",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
]


@dataclass
class Server:
    """A running `handrail serve`. `code` is what the first account is made with, when there is none yet."""

    url: str
    home: Path
    process: subprocess.Popen[bytes]
    said: list[str] = field(default_factory=list)

    @property
    def code(self) -> str:
        found = re.search(r"^ +((?:[A-Z0-9]{5}-){3}[A-Z0-9]{5})$", "\n".join(self.said), re.MULTILINE)
        assert found, self.said
        return found[1]

    def sitting(self, role: str, name: str = "") -> str:
        """The secret of a new sitting of somebody with that role; the account is made when there is none."""
        with opened_accounts(Home(self.home), CHEAP) as (accounts, sittings):
            account = accounts.find(name or role) or accounts.add(name or role, PASSWORD, [role])
            account = with_factor(accounts, account)
            return sittings.begin(account, "127.0.0.1", proven=account.factor)


@contextlib.contextmanager
def serving(home: Path, *arguments: object, people: bool = True, **more: Any) -> Iterator[Server]:
    """`handrail serve ARGUMENTS` on a free port, until the end of the block. `people`: there is an administrator
    already, so that nothing has to be set up. `more` goes to Popen."""
    if people:
        with opened_accounts(Home(home), CHEAP) as (accounts, _):
            if not accounts.any():
                accounts.add("administrator", PASSWORD, ["administrator"])
    process = start("serve", *arguments, "--port", 0, home=home, **more)
    try:
        said = _until_ready(process)
        where = next(found[1] for line in said if (found := re.search(r"console is at (\S+)/$", line)))
        yield Server(where, home, process, said)
    finally:
        killed = process.poll() is not None  # by the test itself
        process.send_signal(signal.SIGTERM)
        try:
            process.communicate(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise
        assert killed or process.returncode == 0, "handrail serve did not end as it should"


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """The system's Chromium, headless."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert program, "There is no Chromium here: make ready installs it (scripts/fetch_wine.sh)."
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


def context(
    browser: Browser, server: Server, role: str | None = None, *, name: str = "", **more: Any
) -> BrowserContext:
    """A profile of its own, in which somebody with that role is signed in. `more` goes to Playwright's new_context:
    `viewport={"width": 390, "height": 844}`, `color_scheme="dark"`, `java_script_enabled=False`."""
    made = browser.new_context(**more)
    made.set_default_timeout(15_000)
    if role is not None:
        made.add_cookies([{"name": SITTING, "value": server.sitting(role, name), "url": server.url}])
    return made


def signed_in(browser: Browser, server: Server, role: str, *, name: str = "", **more: Any) -> Page:
    """A page of a new profile in which somebody with that role is signed in."""
    return context(browser, server, role, name=name, **more).new_page()


def _until_ready(process: subprocess.Popen[bytes]) -> list[str]:
    """What it said until it listens."""
    lines: queue.Queue[str | None] = queue.Queue()
    assert process.stdout is not None
    threading.Thread(target=_read, args=(process.stdout, lines), daemon=True).start()
    said: list[str] = []
    while not said or not said[-1].startswith("Stop it with"):
        line = lines.get(timeout=START)
        if line is None:
            assert process.stderr is not None
            raise AssertionError(f"It has ended. It said: {said} {process.stderr.read().decode('utf-8', 'replace')}")
        said.append(line)
    return said


def _read(stream: IO[bytes], lines: queue.Queue[str | None]) -> None:
    for line in stream:
        lines.put(line.decode("utf-8", "replace").rstrip("\n"))
    lines.put(None)
