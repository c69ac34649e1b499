"""A console on a temporary home, and people who are signed in to it."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from argon2 import PasswordHasher
from fastapi import FastAPI
from starlette.testclient import TestClient

from handrail.console.accounts import Account, Accounts
from handrail.console.app import create_app
from handrail.console.context import Console, Settings
from handrail.console.guarding import SITTING, VISIT, csrf_of
from handrail.console.making import opened_console
from handrail.console.second_factor import code_at, step_at
from handrail.running.home import Home
from handrail.running.session import open_session

BASE = "http://127.0.0.1:8417"
PASSWORD = "vier blaue Boote segeln"
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""Hashes that cost nothing: tests of what they cost name their own."""
ADDRESS = "127.0.0.1"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
"""Of the authenticator app of every administrator."""


def with_factor(accounts: Accounts, account: Account) -> Account:
    """The account, with a second factor when it is an administrator's. The code that the app shows now is unused."""
    if "administrator" in account.roles and not account.factor:
        before = step_at(accounts._clock()) - 1
        assert accounts.set_factor(account.name, SECRET, code_at(SECRET, before)) is not None
    return accounts.get(account.name)


class Browser(TestClient):
    """Somebody's browser: keeps cookies, follows nothing by itself, and sends the token with forms (`submit`)."""

    csrf = ""
    answer: httpx2.Response

    def learn(self) -> None:
        """Take the token for forms from the cookie that it goes with."""
        known = {name.removeprefix("__Host-"): value for name, value in self.cookies.items()}
        self.csrf = csrf_of(known.get(SITTING) or known.get(VISIT, ""))

    def submit(self, path: str, **fields: Any) -> httpx2.Response:
        """Send a form of one of our own pages."""
        data = {"csrf": self.csrf, **fields}
        headers = {"Origin": str(self.base_url).rstrip("/"), "Sec-Fetch-Site": "same-origin"}
        answer: httpx2.Response = self.post(path, data=data, headers=headers)
        return answer


@dataclass
class Site:
    """The application, what it is made of, and its people: each role has one, named after it."""

    app: FastAPI
    console: Console
    home: Home
    made: list[Browser] = field(default_factory=list)

    def browser(self, role: str | None = None, *, name: str = "", address: str = ADDRESS) -> Browser:
        """A browser in which somebody with that role is signed in, administrators with a second factor; nobody
        without a role."""
        base = BASE.replace("http:", "https:") if self.console.settings.secure else BASE
        browser = Browser(
            self.app, base_url=base, raise_server_exceptions=False, follow_redirects=False, client=(address, 50000)
        )
        if role is not None:
            account = self.console.accounts.find(name or role) or self.console.accounts.add(
                name or role, PASSWORD, [role]
            )
            account = with_factor(self.console.accounts, account)
            secret = self.console.sittings.begin(account, address, proven=account.factor)
            browser.cookies.set(self.console.settings.cookie(SITTING), secret, domain="127.0.0.1")
            browser.csrf = csrf_of(secret)
        self.made.append(browser)
        return browser

    def signing_in(self, name: str, password: str = PASSWORD, *, address: str = ADDRESS) -> Browser:
        """A browser in which somebody filled the sign-in form in; its `answer` is what came back."""
        browser = self.browser(address=address)
        browser.get("/sign-in")
        browser.learn()
        browser.answer = browser.submit("/sign-in", name=name, password=password)
        browser.learn()
        return browser

    def log(self) -> list[dict[str, Any]]:
        """What the console's own log says."""
        path = self.console.log.path
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@contextlib.contextmanager
def site(
    home: Path,
    *,
    settings: Settings | None = None,
    folders: tuple[Path, ...] = (),
    clock: Callable[[], float] = time.time,
    new: bool = False,
    **more: Any,
) -> Iterator[Site]:
    """A console on `home`. `new`: its first account is still to be made. `more` goes to `open_session`."""
    with (
        open_session(Home(home), **more) as session,
        opened_console(session, settings, folders=folders, hasher=CHEAP, clock=clock) as console,
    ):
        if not new:
            console.set_up.close()
        yield Site(create_app(console), console, Home(home))
