"""The pages about accounts: one's own, and those of others for administrators."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest
from tests.support.console import CHEAP, PASSWORD, Site

from handrail.console.accounts import key_of

NEW = "grüne Wiesen am Fluss"


def test_an_administrator_gives_a_code_that_is_shown_once(console: Site) -> None:
    browser = console.browser("administrator")
    answer = browser.submit("/accounts", name="CONTOSO\\berta", role="operator")
    code = re.findall(r"(?:[A-Z0-9]{5}-){3}[A-Z0-9]{5}", answer.text)[0]

    assert answer.status_code == 200 and code not in str(answer.headers) + str(answer.url)
    assert code not in browser.get("/accounts/CONTOSO%5Cberta").text
    assert code not in console.console.log.path.read_text()
    assert console.console.accounts.accept("contoso\\berta", code, NEW) is not None
    account = console.console.accounts.get("CONTOSO\\berta")
    assert account.roles == {"viewer", "operator"} and account.has_password


def test_an_administrator_changes_roles_disables_and_signs_out(console: Site) -> None:
    browser, other = console.browser("administrator"), console.browser("operator")
    console.console.accounts.add("eve", PASSWORD, [])
    place = "/accounts/operator"

    answer = browser.submit(f"{place}/roles", role="approver")
    assert answer.status_code == 303 and "are changed" in browser.get(place).text
    assert console.console.accounts.get("operator").roles == {"viewer", "approver"}
    assert browser.submit(f"{place}/end").status_code == 303
    assert other.get("/account").status_code == 303
    assert browser.submit(f"{place}/enabled", enabled="no").status_code == 303
    assert not console.console.accounts.get("operator").enabled and "disabled" in browser.get("/accounts").text
    assert browser.submit(f"{place}/enabled", enabled="yes").status_code == 303
    assert console.console.accounts.get("operator").enabled
    assert browser.submit(f"{place}/code").status_code == 200
    assert console.console.accounts.check("operator", PASSWORD) is None
    said = [(line["what"], line["who"], line.get("account")) for line in console.log()]
    assert said == [
        (what, "administrator", "operator")
        for what in ("roles-changed", "sittings-ended", "disabled", "enabled", "password-reset")
    ]


def test_what_cannot_be_done_to_an_account_is_said_on_its_page(console: Site) -> None:
    browser = console.browser("administrator")

    assert "last administrator" in browser.submit("/accounts/administrator/roles").text
    assert "last administrator" in browser.submit("/accounts/administrator/enabled", enabled="no").text
    assert "already" in browser.submit("/accounts", name="Administrator").text
    assert browser.submit("/accounts", name="a", role="king").status_code == 422
    assert browser.get("/accounts/nobody").status_code == 404
    assert browser.submit("/accounts/nobody/roles").status_code == 404


@pytest.mark.parametrize("name", ["ねこ", "Jürgen", "CONTOSO\\ann-marie", "o.hara@example.com", "Ольга"])
def test_names_of_all_scripts_are_shown_as_they_are(name: str, console: Site) -> None:
    browser = console.browser("administrator")
    assert browser.submit("/accounts", name=name).status_code == 200

    assert f">{name}</a>" in browser.get("/accounts").text
    assert f"<h1>{name}</h1>" in browser.get(f"/accounts/{quote(name, safe='')}").text
    who = console.browser("viewer", name=name)
    assert f"<h1>{name}</h1>" in who.get("/account").text


def test_whoever_signs_in_with_a_password_that_is_guessed_first_must_set_another(console: Site) -> None:
    """As one may be that was set before the list of them grew."""
    console.console.accounts.add("anna", PASSWORD, ["operator"])
    database = console.console.accounts._database
    database.do("UPDATE accounts SET password = ? WHERE key = ?", CHEAP.hash("passwordpassword"), key_of("anna"))
    browser = console.signing_in("anna", "passwordpassword")
    code = re.findall(r'value="((?:[A-Z0-9]{5}-){3}[A-Z0-9]{5})"', browser.answer.text)

    assert browser.answer.status_code == 403 and "Set another." in browser.answer.text
    assert browser.get("/account").status_code == 303
    assert console.signing_in("anna", "passwordpassword").answer.status_code == 403
    assert browser.submit("/password", name="anna", code=code[0], password=NEW).status_code == 303
    assert browser.get("/account").status_code == 200


def test_ones_own_page_shows_what_is_kept(console: Site) -> None:
    browser = console.browser("approver", address="192.0.2.17")
    browser.submit("/account/tokens", label="nightly", days="7")
    shown = browser.get("/account").text

    for one in ("approver, viewer", "192.0.2.17", "nightly", "Account made", "Password set"):
        assert one in shown


def test_one_ends_all_sittings_but_this_one(console: Site) -> None:
    here, there = console.browser("viewer"), console.browser("viewer")

    assert here.submit("/account/sittings/end").status_code == 303
    assert here.get("/account").status_code == 200 and there.get("/account").status_code == 303


def test_nobody_drops_the_token_of_somebody_else(console: Site) -> None:
    owner, other = console.browser("operator"), console.browser("administrator")
    owner.submit("/account/tokens", label="mine", days="7")
    (token,) = console.console.accounts.tokens("operator")

    assert other.submit(f"/account/tokens/{token.id}/drop").status_code == 404
    assert console.console.accounts.tokens("operator") == [token]
    assert owner.submit(f"/account/tokens/{token.id}/drop").status_code == 303
    assert console.console.accounts.tokens("operator") == []


def test_fields_say_to_password_managers_what_they_are(console: Site) -> None:
    browser = console.browser("viewer")
    for path, wanted in (
        ("/sign-in", {"username", "current-password"}),
        ("/password", {"username", "one-time-code", "new-password"}),
        ("/account", {"username", "current-password", "new-password"}),
    ):
        shown = (console.browser() if path != "/account" else browser).get(path).text
        assert wanted <= set(re.findall(r'autocomplete="([\w-]+)"', shown))
        assert 'autocomplete="off"' not in shown and "onpaste" not in shown


def test_what_was_said_is_shown_once(console: Site) -> None:
    browser = console.browser("viewer")
    browser.submit("/account/sittings/end")

    assert "You are signed out everywhere else." in browser.get("/account").text
    assert "You are signed out everywhere else." not in browser.get("/account").text
