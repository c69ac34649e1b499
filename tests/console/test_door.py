"""Who gets in, who may do what, and that nobody is made to do what they did not want."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest
from starlette.routing import BaseRoute, Mount, Route
from tests.support.console import BASE, PASSWORD, Site, site

from handrail.console.app import create_app
from handrail.console.context import LOCAL_NAMES, Proxy, Settings
from handrail.console.guarding import OPEN, SITTING, VISIT, csrf_of
from handrail.console.limits import Buckets, Limits
from handrail.console.signing_in import ours
from handrail.console.sittings import IDLE

NEW = "grüne Wiesen am Fluss"
PROXY = Proxy("x-remote-user", (ip_network("10.0.0.5/32"), ip_network("fd00::/8")))


class Clock:
    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


def paths_of(made: Site) -> list[tuple[str, str]]:
    """Method and path of every route, with something in the place of what is looked up."""
    return [
        (method, re.sub(r"\{[^}]*\}", "x", route.path))
        for route in routes_of(made.app.routes)
        for method in sorted(route.methods or ())
    ]


def routes_of(given: Iterable[BaseRoute]) -> Iterator[Route]:
    for one in given:
        if isinstance(one, Route):
            yield one
        elif not isinstance(one, Mount):  # a router that was included, as newer versions of FastAPI keep it
            yield from routes_of(one.original_router.routes)  # type: ignore[attr-defined]


# -- nobody without signing in ----------------------------------------------------------------------------------


def test_every_route_but_four_needs_somebody_who_signed_in(console: Site) -> None:
    stranger = console.browser()
    paths = paths_of(console)
    assert len(paths) > 20
    for method, path in paths:
        if path in OPEN:
            continue
        answer = stranger.request(method, path)
        if path.startswith("/api/"):
            assert answer.status_code == 401 and answer.headers["www-authenticate"].startswith("Bearer"), path
        else:
            assert answer.status_code == 303 and answer.headers["location"].startswith("/sign-in"), (method, path)


def test_what_does_not_exist_looks_like_what_does(shared: Site) -> None:
    answer = shared.browser().get("/no/such/page")

    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=%2Fno%2Fsuch%2Fpage")


def test_parts_of_pages_and_live_pages_say_so_too(shared: Site) -> None:
    part = shared.browser().get("/runs", headers={"HX-Request": "true"})
    live = shared.browser().get("/runs/x/live", headers={"Accept": "text/event-stream"})

    assert (part.status_code, part.headers["hx-redirect"]) == (401, "/sign-in?next=%2Fruns")
    assert live.status_code == 401


def test_whoever_signs_in_lands_where_they_wanted_to(console: Site) -> None:
    console.browser("viewer")
    browser = console.browser()
    browser.get("/sign-in?next=/accounts%3Fa=1")
    browser.learn()
    answer = browser.submit("/sign-in", name="viewer", password=PASSWORD, next="/account?a=1")

    assert (answer.status_code, answer.headers["location"]) == (303, "/account?a=1")


@pytest.mark.parametrize(
    "next",
    ["//evil.example", "https://evil.example", "/\\evil.example", "\\\\evil", "javascript:alert(1)", "/a\r\nX: y", ""],
)
def test_signing_in_leads_to_no_other_site(next: str) -> None:
    assert ours(next) == "/"


# -- signing in -------------------------------------------------------------------------------------------------


def test_a_wrong_password_and_a_wrong_name_look_the_same(console: Site) -> None:
    console.browser("viewer")
    wrong, nobody = (
        console.signing_in("viewer", "wrong password here"),
        console.signing_in("nobody", "wrong password here"),
    )

    assert wrong.answer.status_code == nobody.answer.status_code == 403
    assert wrong.answer.text.replace("viewer", "").replace(wrong.csrf, "") == nobody.answer.text.replace(
        "nobody", ""
    ).replace(nobody.csrf, "")
    said = [(line["what"], line["who"]) for line in console.log()]
    assert said == [("sign-in-failed", "viewer"), ("sign-in-failed", "nobody")]
    assert "wrong password" not in console.console.log.path.read_text()


def test_signing_in_makes_a_new_sitting_whatever_cookie_came_along(console: Site) -> None:
    console.browser("viewer")
    planted = "A" * 43
    browser = console.browser()
    browser.cookies.set(SITTING, planted)
    browser.get("/sign-in")
    browser.learn()
    browser.csrf = csrf_of(browser.cookies[VISIT])
    answer = browser.submit("/sign-in", name="viewer", password=PASSWORD)
    set_cookie = next(one for one in answer.headers.get_list("set-cookie") if one.startswith(SITTING))

    assert planted not in set_cookie and "HttpOnly" in set_cookie and "SameSite=Lax" in set_cookie
    again = console.signing_in("viewer")
    assert again.cookies[SITTING] not in set_cookie


def test_after_signing_out_the_cookie_opens_nothing(console: Site) -> None:
    browser = (
        console.signing_in("operator") if console.console.accounts.find("operator") else console.browser("operator")
    )
    secret = browser.cookies[SITTING]
    assert browser.get("/account").status_code == 200
    answer = browser.submit("/sign-out")

    assert answer.status_code == 303 and any("Max-Age=0" in one for one in answer.headers.get_list("set-cookie"))
    thief = console.browser()
    thief.cookies.set(SITTING, secret)
    assert thief.get("/account").status_code == 303


def test_a_new_password_or_being_disabled_ends_every_other_sitting(console: Site) -> None:
    here, there = console.browser("operator"), console.browser("operator")
    changed = here.submit("/account/password", old=PASSWORD, new=NEW)
    here.learn()

    assert changed.status_code == 303
    assert here.get("/account").status_code == 200 and there.get("/account").status_code == 303
    console.console.accounts.set_enabled("operator", False)
    assert here.get("/account").status_code == 303
    assert console.signing_in("operator", NEW).answer.status_code == 403


def test_a_new_password_needs_the_old_one(console: Site) -> None:
    browser = console.browser("operator")

    assert browser.submit("/account/password", old="some other password", new=NEW).status_code == 403
    assert browser.submit("/account/password", old=PASSWORD, new="short").status_code == 422
    assert browser.submit("/account/password", old=PASSWORD, new="passwordpassword").status_code == 422
    assert console.console.accounts.check("operator", PASSWORD) is not None


def test_whoever_signs_in_is_told_of_the_last_time_and_of_a_new_password(tmp_path: Path) -> None:
    clock = Clock()
    with site(tmp_path / "home", clock=clock) as console:
        console.console.accounts.add("anna", PASSWORD, [])
        console.signing_in("anna", address="192.0.2.7")
        clock.now += 3600
        console.console.accounts.set_password("anna", NEW)
        browser = console.signing_in("anna", NEW)
        shown = browser.get("/account").text

    assert "You last signed in at 2023-11-14 22:13 UTC from 192.0.2.7." in shown
    assert "Your password was changed at 2023-11-14 23:13 UTC." in shown


def test_a_sitting_that_nobody_uses_ends(tmp_path: Path) -> None:
    clock = Clock()
    with site(tmp_path / "home", clock=clock) as console:
        browser = console.browser("viewer")
        assert browser.get("/account").status_code == 200
        clock.now += IDLE + 60
        assert browser.get("/account").status_code == 303


# -- tries ------------------------------------------------------------------------------------------------------


def test_guessing_from_one_address_is_slowed_down_and_locks_nobody_out(console: Site) -> None:
    console.browser("viewer")
    codes = [console.signing_in("viewer", f"a wrong guess {n}", address="203.0.113.9").answer for n in range(7)]

    assert [one.status_code for one in codes] == [403] * 5 + [429] * 2
    assert int(codes[-1].headers["retry-after"]) <= 61
    assert console.signing_in("viewer", PASSWORD, address="203.0.113.9").answer.status_code == 429
    assert console.signing_in("viewer", PASSWORD, address="192.0.2.1").answer.status_code == 303


def test_guessing_many_names_from_one_address_is_slowed_down(console: Site) -> None:
    codes = [console.signing_in(f"name{n}", "some wrong guess", address="203.0.113.9").answer for n in range(25)]

    assert [one.status_code for one in codes] == [403] * 20 + [429] * 5


def test_guessing_from_everywhere_does_not_lock_out_who_was_here_before(console: Site) -> None:
    console.browser("viewer", address="192.0.2.1")
    codes = [
        console.signing_in("viewer", "a wrong guess", address=f"203.0.113.{n}").answer.status_code for n in range(40)
    ]

    assert codes == [403] * 30 + [429] * 10
    assert console.signing_in("viewer", PASSWORD, address="198.51.100.1").answer.status_code == 429
    assert console.signing_in("viewer", PASSWORD, address="192.0.2.1").answer.status_code == 303


def test_tries_that_were_right_do_not_count(console: Site) -> None:
    console.browser("viewer")

    assert {console.signing_in("viewer").answer.status_code for _ in range(25)} == {303}


def test_one_sitting_cannot_ask_without_end(console: Site) -> None:
    limits = Limits(requests=Buckets(10, 60.0))
    app = create_app(replace(console.console, limits=limits))
    made = Site(app, replace(console.console, limits=limits), console.home)
    browser = made.browser("viewer")
    codes = [browser.get("/account").status_code for _ in range(12)]

    assert codes == [200] * 10 + [429] * 2
    assert made.browser("viewer").get("/account").status_code == 200


# -- the first account ------------------------------------------------------------------------------------------


@pytest.fixture
def new(tmp_path: Path) -> Iterator[Site]:
    with site(tmp_path / "home", new=True) as made:
        yield made


def fill_in(new: Site, **fields: str) -> tuple[int, str]:
    browser = new.browser()
    browser.get("/set-up")
    browser.learn()
    answer = browser.submit(
        "/set-up", **{"name": "anna", "password": PASSWORD, "code": new.console.set_up.code, **fields}
    )
    return answer.status_code, answer.text


def test_the_first_account_is_made_with_the_code_of_the_terminal_and_may_do_everything(new: Site) -> None:
    assert new.browser().get("/sign-in").headers["location"] == "/set-up"
    assert fill_in(new, code="AAAAA-AAAAA-AAAAA-AAAAA")[0] == 403
    assert fill_in(new, password="handrailhandrail")[0] == 422
    assert fill_in(new)[0] == 303

    account = new.console.accounts.get("anna")
    assert account.roles == {"viewer", "operator", "approver", "administrator"}
    assert new.browser().get("/set-up").headers["location"] == "/sign-in"
    assert fill_in(new, name="eve")[0] == 303 and new.console.accounts.find("eve") is None


def test_there_are_no_accounts_that_nobody_made(new: Site) -> None:
    assert new.console.accounts.all() == []


def test_an_account_of_the_command_line_closes_the_set_up(new: Site) -> None:
    new.console.accounts.add("bert", None, [])

    assert new.browser().get("/sign-in").status_code == 200
    assert new.browser().get("/set-up").headers["location"] == "/sign-in"


def test_a_code_of_an_administrator_sets_a_password(console: Site) -> None:
    code = console.console.accounts.add("bert", None, ["operator"]) and console.console.accounts.invite("bert")
    browser = console.browser()
    browser.get("/password")
    browser.learn()

    assert browser.submit("/password", name="bert", code="wrong", password=NEW).status_code == 403
    assert browser.submit("/password", name="bert", code=code, password="short").status_code == 422
    assert browser.submit("/password", name="bert", code=code, password=NEW).status_code == 303
    assert console.signing_in("bert", NEW).answer.status_code == 303


# -- roles ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["viewer", "operator", "approver"])
def test_only_administrators_see_and_change_accounts(role: str, console: Site) -> None:
    browser = console.browser(role)

    assert browser.get("/accounts").status_code == 403
    assert browser.submit("/accounts", name="eve", role="administrator").status_code == 403
    assert browser.submit(f"/accounts/{role}/roles", role="administrator").status_code == 403
    assert console.console.accounts.get(role).roles == {"viewer", role}
    assert [line["what"] for line in console.log()] == ["not-allowed"] * 3
    assert "/accounts" not in browser.get("/account").text


def test_roles_count_from_the_next_request_on(console: Site) -> None:
    browser = console.browser("administrator")
    console.console.accounts.add("other", PASSWORD, ["administrator"])
    assert browser.get("/accounts").status_code == 200
    console.console.accounts.set_roles("administrator", [])

    assert browser.get("/accounts").status_code == 403


# -- forgery ----------------------------------------------------------------------------------------------------


def test_every_form_needs_the_token_of_its_own_page(console: Site) -> None:
    browser = console.browser("administrator")
    own = {"Origin": BASE, "Sec-Fetch-Site": "same-origin"}
    other = console.browser("viewer").csrf
    for method, path in paths_of(console):
        if method in ("GET", "HEAD", "OPTIONS"):
            continue
        for data in ({}, {"csrf": ""}, {"csrf": "x" * 64}, {"csrf": other}):
            answer = browser.request(method, path, data=data, headers=own)
            assert answer.status_code == 403, (method, path, data)
    assert {line["what"] for line in console.log()} == {"forged"}


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Origin": "https://127.0.0.1:8417"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": BASE},
    ],
)
def test_what_another_site_sends_is_refused_even_with_the_token(headers: dict[str, str], shared: Site) -> None:
    browser = shared.browser("administrator")
    answer = browser.post("/accounts", data={"csrf": browser.csrf, "name": "eve"}, headers=headers)

    assert answer.status_code == 403 and shared.console.accounts.find("eve") is None


def test_signing_in_cannot_be_forged_either(console: Site) -> None:
    console.browser("viewer")
    answer = console.browser().post("/sign-in", data={"name": "viewer", "password": PASSWORD})

    assert answer.status_code == 403 and SITTING not in str(answer.headers)


def test_no_other_site_may_read_what_is_answered(shared: Site) -> None:
    answer = shared.browser("viewer").get("/account", headers={"Origin": "https://evil.example"})

    assert not [name for name in answer.headers if name.startswith("access-control-")]


# -- tokens -----------------------------------------------------------------------------------------------------


def test_a_token_opens_the_api_and_nothing_else(console: Site) -> None:
    browser = console.browser("viewer")
    shown = browser.submit("/account/tokens", label="nightly", days="30").text
    found = re.search(r"handrail_[\w-]{43}", shown)
    assert found
    bearer = {"Authorization": f"Bearer {found[0]}"}
    program = console.browser()

    assert program.get("/api/openapi.json", headers=bearer).status_code == 200
    assert program.get("/account", headers=bearer).status_code == 303
    assert found[0] not in browser.get("/account").text
    assert program.get("/api/openapi.json", headers={"Authorization": f"Bearer {found[0]}x"}).status_code == 401
    assert program.get("/api/openapi.json", headers={"Authorization": "Basic dmlld2VyOng="}).status_code == 401


# -- the proxy --------------------------------------------------------------------------------------------------


@pytest.fixture
def proxied(tmp_path: Path) -> Iterator[Site]:
    settings = Settings(LOCAL_NAMES | {"upgrade.example.com"}, True, "https://upgrade.example.com", PROXY)
    with site(tmp_path / "home", settings=settings) as made:
        made.console.accounts.add("CONTOSO\\anna", None, ["administrator"])
        yield made


def test_a_trusted_proxy_says_who_it_is(proxied: Site) -> None:
    browser = proxied.browser(address="10.0.0.5")
    shown = browser.get("/account", headers={"X-Remote-User": "contoso\\ANNA"})

    assert shown.status_code == 200 and "CONTOSO\\anna" in shown.text
    assert "Sign out" not in shown.text


def test_the_header_of_anybody_else_is_ignored_and_said(proxied: Site) -> None:
    answer = proxied.browser(address="10.0.0.6").get("/account", headers={"X-Remote-User": "CONTOSO\\anna"})

    assert answer.status_code == 303
    assert [(line["what"], line["from"]) for line in proxied.log()][:1] == [("header-ignored", "10.0.0.6")]


@pytest.mark.parametrize("named", [["eve"], ["CONTOSO\\anna", "eve"], [""]])
def test_somebody_without_an_account_is_refused_even_through_the_proxy(named: list[str], proxied: Site) -> None:
    answer = proxied.browser(address="10.0.0.5").get("/account", headers=[("X-Remote-User", one) for one in named])

    assert answer.status_code == 403 and "no account" in answer.text
    assert proxied.log()[-1]["what"] == "no-account"


def test_somebody_who_is_disabled_is_refused_even_through_the_proxy(proxied: Site) -> None:
    proxied.console.accounts.add("bert", None, [])
    proxied.console.accounts.set_enabled("bert", False)

    assert proxied.browser(address="10.0.0.5").get("/", headers={"X-Remote-User": "bert"}).status_code == 403


def test_forms_are_checked_behind_a_proxy_too(proxied: Site) -> None:
    browser = proxied.browser(address="10.0.0.5")
    who = {"X-Remote-User": "CONTOSO\\anna", "X-Forwarded-For": "6.6.6.6, 192.0.2.44"}
    browser.get("/accounts", headers=who)
    browser.learn()
    own = {**who, "Origin": "https://upgrade.example.com"}

    assert browser.post("/accounts", data={"name": "bert"}, headers=own).status_code == 403
    answer = browser.post("/accounts", data={"name": "bert", "csrf": browser.csrf}, headers=own)
    assert answer.status_code == 200
    assert (proxied.log()[-1]["what"], proxied.log()[-1]["from"]) == ("account-added", "192.0.2.44")


def test_a_password_still_signs_in_beside_the_proxy(proxied: Site) -> None:
    proxied.console.accounts.add("bert", PASSWORD, [])
    browser = proxied.signing_in("bert")

    assert browser.answer.status_code == 303
    for one in browser.answer.headers.get_list("set-cookie"):
        assert one.startswith("__Host-") and "Secure" in one and "Path=/" in one and "Domain" not in one


# -- the name ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "evil.example:8417", "", "[::2]", "localhost.x"]
)
def test_the_console_answers_to_its_own_names_only(host: str, shared: Site) -> None:
    answer = shared.browser("viewer").get("/", headers={"Host": host})

    assert answer.status_code == 421 and "location" not in answer.headers


@pytest.mark.parametrize("host", ["localhost:8417", "127.0.0.1", "[::1]:8417", "LOCALHOST."])
def test_it_does_answer_to_those(host: str, shared: Site) -> None:
    assert shared.browser("viewer").get("/account", headers={"Host": host}).status_code == 200


def test_a_certificate_for_many_names_stands_for_one_more_label(tmp_path: Path) -> None:
    with site(tmp_path / "home", settings=Settings(LOCAL_NAMES | {"*.example.com"}, True)) as made:
        browser = made.browser("viewer")

        assert browser.get("/account", headers={"Host": "console.example.com"}).status_code == 200
        assert browser.get("/account", headers={"Host": "a.b.example.com"}).status_code == 421
        assert browser.get("/account", headers={"Host": "example.com"}).status_code == 421
