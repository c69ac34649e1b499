"""The second factor: what its codes are, who needs one, and that a password alone opens nothing."""

from __future__ import annotations

import base64
import re
import sqlite3
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

import pytest
from tests.console.test_door import NEW, Clock, paths_of
from tests.support.command import handrail
from tests.support.console import CHEAP, PASSWORD, SECRET, Browser, Site, site, with_factor

from handrail.console.accounts import HALFWAY as HALFWAY_LASTS
from handrail.console.accounts import RECOVERY_CODES, Accounts
from handrail.console.context import LOCAL_NAMES, Proxy, Settings
from handrail.console.database import _TABLES, REVISION, open_database
from handrail.console.guarding import HALFWAY, OPEN, SECOND_FACTOR, SITTING
from handrail.console.making import opened_accounts
from handrail.console.second_factor import accepted_step, code_at, grouped, link, new_secret, step_at
from handrail.console.sittings import Sittings
from handrail.errors import BadInput
from handrail.running.home import Home

CODE = r"(?:[A-Z0-9]{5}-){3}[A-Z0-9]{5}"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def timed(tmp_path: Path, clock: Clock) -> Iterator[Site]:
    """A console with a clock of its own, and anna, an administrator with the secret `SECRET`."""
    with site(tmp_path / "home", clock=clock) as made:
        accounts = made.console.accounts
        with_factor(accounts, accounts.add("anna", PASSWORD, ["administrator", "approver"]))
        yield made


def shown(clock: Clock, steps: int = 0, secret: str = SECRET) -> str:
    """What the app shows, or did or will some steps away."""
    return code_at(secret, step_at(clock.now) + steps)


def halfway(made: Site, name: str = "anna", address: str = "127.0.0.1") -> Browser:
    """A browser in which the right password was typed."""
    browser = made.signing_in(name, address=address)
    assert browser.answer.headers["location"].startswith("/sign-in/code"), browser.answer.headers
    return browser


def finish(browser: Browser, code: str, next: str = "/") -> int:
    answer = browser.submit("/sign-in/code", code=code, next=next)
    browser.answer = answer
    if answer.status_code == 303:
        browser.learn()
    return answer.status_code


def offered(browser: Browser) -> str:
    """The secret that the page for setting up shows."""
    found = re.search(r'aria-label="The secret">([A-Z2-7 ]+)<', browser.get(f"{SECOND_FACTOR}/new").text)
    assert found
    return found[1].replace(" ", "")


# -- codes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_codes_are_those_of_the_standard(seconds: int, code: str) -> None:
    """RFC 6238, appendix B, SHA-1; six digits are the last six of eight."""
    secret = base64.b32encode(b"12345678901234567890").decode()

    assert code_at(secret, step_at(seconds), digits=8) == code
    assert code_at(secret, step_at(seconds)) == code[2:]
    assert accepted_step(secret, f"{code[2:5]} {code[5:]}", seconds) == seconds // 30


def test_a_code_counts_one_step_early_or_late_and_never_again() -> None:
    now, step = 1_700_000_000.0, step_at(1_700_000_000.0)
    for away, taken in ((-2, False), (-1, True), (0, True), (1, True), (2, False)):
        assert (accepted_step(SECRET, code_at(SECRET, step + away), now) == step + away) is taken, away

    assert accepted_step(SECRET, code_at(SECRET, step), now, last=step) is None
    assert accepted_step(SECRET, code_at(SECRET, step - 1), now, last=step) is None
    assert accepted_step(SECRET, code_at(SECRET, step + 1), now, last=step) == step + 1


@pytest.mark.parametrize("code", ["", "12345", "1234567", "\u0661" * 6, "abcdef", "\ud800", "0" * 5000])
def test_what_is_no_code_is_none(code: str) -> None:
    assert accepted_step(SECRET, code, 1_700_000_000.0) is None


def test_secrets_are_long_enough_and_can_be_typed_or_followed() -> None:
    one, other = new_secret(), new_secret()

    assert one != other and len(base64.b32decode(one)) == 20
    assert grouped(one).replace(" ", "") == one and max(map(len, grouped(one).split())) == 4
    assert link(SECRET, "CONTOSO\\ann a") == (
        f"otpauth://totp/Handrail:CONTOSO%5Cann%20a?secret={SECRET}&issuer=Handrail&algorithm=SHA1&digits=6&period=30"
    )


# -- signing in -------------------------------------------------------------------------------------------------


def test_a_password_alone_opens_nothing_but_the_question_for_the_code(timed: Site) -> None:
    browser = halfway(timed)
    assert SITTING not in browser.cookies and HALFWAY in browser.cookies
    for method, path in paths_of(timed):
        if path not in OPEN:
            answer = browser.request(method, path)
            assert answer.status_code in (303, 401), (method, path)
            assert path.startswith("/api/") or answer.headers["location"].startswith("/sign-in")

    browser.cookies.set(SITTING, browser.cookies[HALFWAY], domain="127.0.0.1")
    assert browser.get("/account").status_code == 303
    assert "signed-in" not in {line["what"] for line in timed.log()}


def test_the_code_of_the_app_signs_in_and_leads_to_where_one_wanted(timed: Site, clock: Clock) -> None:
    browser = timed.browser()
    browser.get("/sign-in?next=/plans")
    browser.learn()
    to = browser.submit("/sign-in", name="anna", password=PASSWORD, next="/plans").headers["location"]
    assert to == "/sign-in/code?next=%2Fplans" and 'value="/plans"' in browser.get(to).text
    cookie = browser.cookies[HALFWAY]

    assert finish(browser, shown(clock), "/plans") == 303
    assert browser.answer.headers["location"] == "/plans" and cookie not in str(browser.answer.headers)
    assert browser.get("/accounts").status_code == 200
    assert finish(halfway(timed), "x", "//evil.example") == 403
    clock.now += 30
    other = halfway(timed)
    assert finish(other, shown(clock), "//evil.example") == 303 and other.answer.headers["location"] == "/"


def test_no_code_is_taken_twice(timed: Site, clock: Clock) -> None:
    first, second = halfway(timed), halfway(timed)
    code = shown(clock)

    assert finish(first, code) == 303
    assert finish(second, code) == 403 and "used already" in second.answer.text
    assert finish(second, shown(clock, -1)) == 403  # an older one, seen over a shoulder
    clock.now += 30
    assert finish(second, shown(clock)) == 303
    assert [line["what"] for line in timed.log()] == ["signed-in", *["second-factor-refused"] * 2, "signed-in"]
    assert code not in timed.console.log.path.read_text()


def test_being_halfway_is_bound_to_the_browser_and_ends_after_five_minutes(timed: Site, clock: Clock) -> None:
    browser, other = halfway(timed), timed.browser()
    other.get("/sign-in")
    other.learn()
    assert finish(other, shown(clock)) == 303 and SITTING not in other.cookies
    assert other.get("/sign-in/code").headers["location"] == "/sign-in"

    clock.now += HALFWAY_LASTS
    assert browser.get("/sign-in/code").headers["location"] == "/sign-in"
    assert finish(browser, shown(clock)) == 303 and SITTING not in browser.cookies
    assert browser.answer.headers["location"] == "/sign-in"


def test_being_halfway_counts_once(timed: Site, clock: Clock) -> None:
    browser = halfway(timed)
    secret = browser.cookies[HALFWAY]
    assert finish(browser, shown(clock)) == 303
    clock.now += 30

    assert timed.console.accounts.prove(secret, shown(clock)) is None


@pytest.mark.parametrize("act", ["password", "disabled", "code"])
def test_being_halfway_ends_with_the_password_that_led_there(act: str, timed: Site, clock: Clock) -> None:
    browser, accounts = halfway(timed), timed.console.accounts
    accounts.add("bert", PASSWORD, ["administrator"])
    if act == "password":
        accounts.set_password("anna", NEW)
    elif act == "disabled":
        accounts.set_enabled("anna", False)
    else:
        accounts.invite("anna")

    assert finish(browser, shown(clock)) == 303 and SITTING not in browser.cookies


def test_guessing_codes_is_slowed_down_as_guessing_passwords_is(timed: Site, clock: Clock) -> None:
    browser = halfway(timed, address="203.0.113.9")
    codes = [finish(browser, "000000") for _ in range(7)]

    assert codes == [403] * 5 + [429] * 2 and int(browser.answer.headers["retry-after"]) <= 61
    assert finish(browser, shown(clock)) == 429
    assert timed.signing_in("anna", address="203.0.113.9").answer.status_code == 429
    assert finish(halfway(timed, address="192.0.2.1"), shown(clock)) == 303


def test_a_code_cannot_be_sent_from_another_site(timed: Site, clock: Clock) -> None:
    browser = halfway(timed)

    assert browser.post("/sign-in/code", data={"code": shown(clock)}).status_code == 403
    assert browser.get("/account").status_code == 303


def test_a_recovery_code_counts_once_in_place_of_the_app(timed: Site, clock: Clock) -> None:
    accounts = timed.console.accounts
    codes = accounts.set_factor("anna", SECRET, shown(clock))
    assert codes is not None and len(set(codes)) == RECOVERY_CODES
    first, second = halfway(timed), halfway(timed)

    assert finish(first, codes[3].lower().replace("-", " ")) == 303
    assert "9 are left" in first.get("/account").text and accounts.recoveries_left("anna") == 9
    assert finish(second, codes[3]) == 403
    line = next(line for line in timed.log() if line["what"] == "recovery-code-used")
    assert (line["who"], line["left"]) == ("anna", 9)


def test_a_code_for_a_password_leads_no_way_around_the_second_factor(timed: Site) -> None:
    """Whoever guesses a common password is made to set another: that must not be the way in."""
    database = timed.console.accounts._database
    database.do("UPDATE accounts SET password = ?", CHEAP.hash("passwordpassword"))
    browser = timed.signing_in("anna", "passwordpassword")
    code = re.findall(rf'value="({CODE})"', browser.answer.text)[0]
    answer = browser.submit("/password", name="anna", code=code, password=NEW)

    assert answer.headers["location"].startswith("/sign-in/code") and SITTING not in browser.cookies
    assert timed.console.accounts.get("anna").factor


def test_a_sitting_without_the_code_is_none_once_the_account_has_a_second_factor(timed: Site) -> None:
    """As one would be that began in the very moment in which the second factor was set up."""
    account = timed.console.accounts.get("anna")
    browser = timed.browser()
    browser.cookies.set(SITTING, timed.console.sittings.begin(account, "127.0.0.1"), domain="127.0.0.1")

    assert browser.get("/account").headers["location"].startswith("/sign-in")


# -- who needs one ----------------------------------------------------------------------------------------------


def test_an_administrator_without_one_is_led_to_it_before_anything_administrative_opens(
    timed: Site, clock: Clock
) -> None:
    timed.console.accounts.add("bert", PASSWORD, ["administrator"])
    browser = timed.signing_in("bert")
    assert browser.answer.headers["location"] == SECOND_FACTOR
    assert browser.get(SECOND_FACTOR).headers["location"] == f"{SECOND_FACTOR}/new"
    closed = [(method, path) for method, path in paths_of(timed) if path.startswith("/accounts")]
    assert len(closed) >= 7
    for method, path in closed:
        if method == "GET":
            assert browser.get(path).headers["location"] == SECOND_FACTOR
        else:
            answer = browser.submit(path, name="eve", role="administrator")
            assert answer.status_code == 403 and "needs a second factor" in answer.text, path
    assert timed.console.accounts.find("eve") is None
    assert 'href="/accounts"' not in browser.get("/account").text
    assert {line["what"] for line in timed.log()} == {"signed-in", "second-factor-missing"}

    secret = offered(browser)
    assert browser.submit(SECOND_FACTOR, code=shown(clock, 0, secret), password=PASSWORD).status_code == 200
    browser.learn()
    assert browser.get("/accounts").status_code == 200


def test_the_first_account_is_led_to_it_too(tmp_path: Path) -> None:
    with site(tmp_path / "home", new=True) as made:
        browser = made.browser()
        browser.get("/set-up")
        browser.learn()
        answer = browser.submit("/set-up", name="anna", password=PASSWORD, code=made.console.set_up.code)
        browser.learn()

        assert answer.headers["location"] == SECOND_FACTOR
        assert browser.get("/accounts").headers["location"] == SECOND_FACTOR


def test_whoever_becomes_an_administrator_needs_one_from_the_next_request_on(timed: Site) -> None:
    browser = timed.browser("operator")
    timed.console.accounts.set_roles("operator", ["administrator"])

    assert browser.get("/accounts").headers["location"] == SECOND_FACTOR
    assert browser.get("/runs").status_code == 200


def test_an_administrator_cannot_turn_it_off_and_others_can(timed: Site, clock: Clock) -> None:
    accounts = timed.console.accounts
    boss = timed.browser("administrator", name="anna")
    assert boss.submit(f"{SECOND_FACTOR}/off", password=PASSWORD).status_code == 409
    with pytest.raises(BadInput, match="needs a second factor"):
        accounts.drop_factor("anna")
    browser, elsewhere = timed.browser("operator"), timed.browser("operator")
    secret = offered(browser)
    assert browser.submit(SECOND_FACTOR, code=shown(clock, 0, secret), password=PASSWORD).status_code == 200
    browser.learn()
    assert elsewhere.get("/account").status_code == 303
    clock.now += 60
    there = halfway(timed, "operator")
    assert finish(there, shown(clock, 0, secret)) == 303

    assert browser.submit(f"{SECOND_FACTOR}/off", password="not my password").status_code == 403
    assert browser.submit(f"{SECOND_FACTOR}/off", password=PASSWORD).status_code == 303
    browser.learn()
    assert browser.get("/account").status_code == 200 and there.get("/account").status_code == 303
    assert timed.signing_in("operator").answer.headers["location"] == "/"
    assert "second-factor-dropped" in {line["what"] for line in timed.log()}


def test_a_token_of_an_administrator_does_nothing_administrative(timed: Site) -> None:
    """The API has no accounts in it, and pages take no token."""
    bearer = {"Authorization": f"Bearer {timed.console.accounts.new_token('anna', 'x')}"}
    program = timed.browser()

    assert program.get("/api/openapi.json", headers=bearer).status_code == 200
    assert not [path for _, path in paths_of(timed) if path.startswith("/api/") and "account" in path]
    for method, path in paths_of(timed):
        if path.startswith("/account"):
            answer = program.request(method, path, headers=bearer)
            assert answer.headers["location"].startswith("/sign-in"), path


def test_who_comes_through_a_proxy_has_shown_it_there(tmp_path: Path) -> None:
    proxy = Proxy("x-remote-user", (ip_network("10.0.0.5/32"),))
    settings = Settings(LOCAL_NAMES, True, "https://upgrade.example.com", proxy)
    with site(tmp_path / "home", settings=settings) as made:
        made.console.accounts.add("anna", None, ["administrator"])
        browser, who = made.browser(address="10.0.0.5"), {"X-Remote-User": "anna"}

        assert browser.get("/accounts", headers=who).status_code == 200
        assert browser.get(SECOND_FACTOR, headers=who).status_code == 403
        assert "second-factor" not in browser.get("/account", headers=who).text


# -- setting up -------------------------------------------------------------------------------------------------


def test_setting_up_needs_the_password_and_a_right_code_and_ends_other_sittings(timed: Site, clock: Clock) -> None:
    browser, other = timed.browser("viewer"), timed.browser("viewer")
    secret = offered(browser)
    assert offered(browser) == secret and offered(other) != secret
    assert f"secret={secret}&amp;issuer=Handrail" in browser.get(f"{SECOND_FACTOR}/new").text

    assert browser.submit(SECOND_FACTOR, code=shown(clock, 0, secret), password="not my password").status_code == 403
    assert browser.submit(SECOND_FACTOR, code="000000", password=PASSWORD).status_code == 422
    assert browser.submit(SECOND_FACTOR, code=shown(clock, 3, secret), password=PASSWORD).status_code == 422
    assert not timed.console.accounts.get("viewer").factor
    old = browser.cookies[SITTING]
    answer = browser.submit(SECOND_FACTOR, code=shown(clock, 0, secret), password=PASSWORD)
    browser.learn()

    assert answer.status_code == 200 and browser.cookies[SITTING] != old
    assert f'value="{browser.csrf}"' in answer.text  # of the new sitting: its forms work
    assert other.get("/account").status_code == 303 and browser.get("/account").status_code == 200
    assert finish(halfway(timed, "viewer"), shown(clock, 0, secret)) == 403  # that code was used
    assert finish(halfway(timed, "viewer"), shown(clock, 1, secret)) == 303
    words = [line["what"] for line in timed.log()]
    assert words[:4] == ["password-refused", *["second-factor-refused"] * 2, "second-factor-set"]


def test_another_one_takes_the_place_of_the_first(timed: Site, clock: Clock) -> None:
    browser = timed.browser("administrator", name="anna")
    codes = timed.console.accounts.recoveries_left("anna")
    secret = offered(browser)
    assert browser.submit(SECOND_FACTOR, code=shown(clock), password=PASSWORD).status_code == 422  # of the old one
    assert browser.submit(SECOND_FACTOR, code=shown(clock, 0, secret), password=PASSWORD).status_code == 200
    browser.learn()
    clock.now += 60

    assert finish(halfway(timed), shown(clock)) == 403
    assert finish(halfway(timed), shown(clock, 0, secret)) == 303
    assert offered(browser) != secret and timed.console.accounts.recoveries_left("anna") == codes


def test_recovery_codes_are_shown_once_and_kept_as_hashes(timed: Site, clock: Clock, tmp_path: Path) -> None:
    browser = timed.browser("viewer")
    secret = offered(browser)
    answer = browser.submit(SECOND_FACTOR, code=shown(clock, 0, secret), password=PASSWORD)
    codes = re.findall(CODE, answer.text)
    browser.learn()
    timed.console.accounts._database.do("PRAGMA wal_checkpoint(TRUNCATE)")
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())

    assert len(codes) == 10 and secret not in answer.text and answer.headers["cache-control"] == "no-store"
    for one in codes:
        assert one not in browser.get(SECOND_FACTOR).text + browser.get("/account").text
        assert one.encode() not in kept and one.replace("-", "").encode() not in kept
    assert secret not in timed.console.log.path.read_text()


def test_a_new_code_for_an_account_resets_its_second_factor_with_the_password(timed: Site, tmp_path: Path) -> None:
    boss = timed.browser("administrator")
    code = re.findall(CODE, boss.submit("/accounts/anna/code").text)[0]
    account = timed.console.accounts.get("anna")
    assert not account.factor and timed.console.accounts.recoveries_left("anna") == 0
    browser = timed.browser()
    browser.get("/password")
    browser.learn()

    assert browser.submit("/password", name="anna", code=code, password=NEW).headers["location"] == SECOND_FACTOR


def test_the_owner_of_the_machine_resets_it(tmp_path: Path) -> None:
    with opened_accounts(Home(tmp_path), CHEAP) as (accounts, _):
        with_factor(accounts, accounts.add("anna", PASSWORD, ["administrator"]))
    said = handrail("account", "password", "anna", home=tmp_path).out

    assert "second factor" in said
    with opened_accounts(Home(tmp_path), CHEAP) as (accounts, _):
        assert not accounts.get("anna").factor


def test_whoever_signs_in_is_told_that_the_second_factor_was_changed(timed: Site, clock: Clock) -> None:
    assert finish(halfway(timed), shown(clock)) == 303
    clock.now += 3600
    assert timed.console.accounts.set_factor("anna", SECRET, shown(clock, -1)) is not None
    browser = halfway(timed)
    assert finish(browser, shown(clock)) == 303

    assert "Your second factor was changed at 2023-11-14 23:13 UTC." in browser.get("/account").text


# -- the file ---------------------------------------------------------------------------------------------------


def test_a_file_of_an_older_version_is_carried_over_and_its_administrators_need_one(tmp_path: Path) -> None:
    path = tmp_path / "home" / "console" / "accounts.db"
    path.parent.mkdir(parents=True)
    with sqlite3.connect(path) as raw:
        raw.executescript(_TABLES)
        raw.execute(
            "INSERT INTO accounts VALUES ('anna', 'anna', ?, 'viewer administrator', 1, 1, 1, NULL, NULL)",
            (CHEAP.hash(PASSWORD),),
        )
        raw.execute("PRAGMA user_version=1")
    raw.close()
    for _ in range(2):
        with open_database(path) as database:
            row = database.one("PRAGMA user_version")
            assert row is not None and row[0] == REVISION
            account = Accounts(database, CHEAP).get("anna")
            assert not account.factor and Sittings(database).begin(account, "::1")
    with site(tmp_path / "home") as made:
        assert made.signing_in("anna").answer.headers["location"] == SECOND_FACTOR
