"""What every answer carries, and what bad input comes to: nothing."""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from tests.console.test_door import paths_of
from tests.support.console import Browser, Site, site

from handrail.console import bodies
from handrail.console.context import LOCAL_NAMES, Settings
from handrail.console.guarding import SITTING
from handrail.console.headers import ALWAYS
from handrail.errors import BadInput, Blocked, StoreLocked, StoreUnreachable, UnknownName

SCRIPT = "<script>alert(1)</script>"
SECRET = "Tr0ub4dor&3\"'<"


def with_route(made: Site, path: str, answer: Any) -> None:
    made.app.router.routes.insert(0, Route(path, answer, methods=["GET", "POST"]))


# -- headers ----------------------------------------------------------------------------------------------------


def test_every_answer_carries_the_headers_that_keep_it_safe(console: Site) -> None:
    async def broken(request: Request) -> Response:
        raise RuntimeError("boom")

    with_route(console, "/broken", broken)
    browser, stranger = console.browser("viewer"), console.browser()
    answers = {
        "page": browser.get("/account"),
        "sign-in": stranger.get("/sign-in"),
        "to sign in": stranger.get("/"),
        "not found": browser.get("/no/such"),
        "not allowed": browser.get("/accounts"),
        "method": browser.request("DELETE", "/account", headers={"X-CSRF-Token": browser.csrf}),
        "forged": browser.post("/account/tokens"),
        "broken": browser.get("/broken"),
        "wrong name": browser.get("/", headers={"Host": "evil.example"}),
        "too large": browser.post("/account/tokens", content=b"x" * (bodies.BODY + 1)),
        "api": browser.get("/api/openapi.json"),
        "api, not found": browser.get("/api/none"),
        "api, stranger": stranger.get("/api/openapi.json"),
        "style": stranger.get("/static/handrail.css"),
        "no such file": stranger.get("/static/none.css"),
    }
    for name, answer in answers.items():
        for header, value in ALWAYS.items():
            assert answer.headers.get(header) == value, (name, header)
        assert "server" not in answer.headers and "x-powered-by" not in answer.headers, name
        assert "strict-transport-security" not in answer.headers, name  # plain http, on loopback
        if "file" not in name and name != "style":
            assert answer.headers["cache-control"] == "no-store", name
        if answer.content:
            assert re.search(r"charset=utf-8|application/([\w]+\+)?json", answer.headers["content-type"]), name
    codes = [answer.status_code for answer in answers.values()]
    assert codes == [200, 200, 303, 404, 403, 405, 403, 500, 421, 413, 200, 404, 401, 200, 404]
    for name in ("api", "api, not found", "api, stranger"):
        assert answers[name].headers["content-disposition"] == 'attachment; filename="api.json"'


def test_the_policy_lets_nothing_in_from_elsewhere_and_nothing_inline() -> None:
    policy = ALWAYS["Content-Security-Policy"]

    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "base-uri 'none'" in policy
    assert "unsafe" not in policy and "http" not in policy and "*" not in policy


def test_with_tls_browsers_are_told_to_come_that_way_only(tmp_path: Path) -> None:
    with site(tmp_path / "home", settings=Settings(LOCAL_NAMES, True)) as made:
        for path in ("/sign-in", "/static/handrail.css", "/api/none"):
            sent = made.browser().get(path).headers["strict-transport-security"]
            assert int(re.findall(r"max-age=(\d+)", sent)[0]) >= 15_724_800 and "includeSubDomains" in sent


def test_pages_hold_nothing_inline_and_nothing_from_elsewhere() -> None:
    folder = Path(bodies.__file__).parent
    for path in [*folder.rglob("*.html"), *folder.glob("static/*.css"), *folder.glob("static/[!h]*.js")]:
        source = path.read_text("utf-8").replace("shape|safe", "")  # a constant of its own template
        assert not re.search(r"\sstyle=|\son[a-z]+=|javascript:|<style|@import|\|\s*safe\b", source), path
        assert not re.search(r"<script(?![^>]*\bsrc=)", source), path
        assert not re.search(r"(src|href|action|url\()\s*=?\s*[\"']?(https?:)?//", source), path


# -- errors -----------------------------------------------------------------------------------------------------


def test_what_fails_says_nothing_of_the_program_and_is_logged(console: Site) -> None:
    hidden = "postgresql://handrail:geheim@db01/handrail"

    async def broken(request: Request) -> Response:
        password = "hunter2 in a variable"
        raise RuntimeError(f"cannot reach {hidden} " + password[:0])

    for path in ("/broken", "/api/broken"):
        with_route(console, path, broken)
        answer = console.browser("viewer").get(path)
        assert answer.status_code == 500
        assert not re.search(r"geheim|RuntimeError|Traceback|\.py|line \d", answer.text)
    line = console.log()[-1]
    assert (line["what"], line["who"], line["path"]) == ("failed", "viewer", "/api/broken")
    assert line["error"].startswith("RuntimeError: cannot reach") and any("broken" in one for one in line["where"])
    assert "hunter2" not in console.console.log.path.read_text()


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (UnknownName("run", "r1", ["r2"]), 404, "r1"),
        (BadInput("That is <wrong>.", "Do this."), 400, "That is &lt;wrong&gt;."),
        (Blocked("Approvals are missing."), 409, "Approvals are missing."),
        (StoreLocked("It is being carried on."), 409, "It is being carried on."),
        (StoreUnreachable("The store at db01:5432 does not answer."), 503, "Try again in a while."),
    ],
)
def test_what_people_can_mend_is_said(error: Exception, status: int, said: str, console: Site) -> None:
    async def refusing(request: Request) -> Response:
        raise error

    with_route(console, "/refusing", refusing)
    answer = console.browser("viewer").get("/refusing")

    assert answer.status_code == status and said in answer.text
    assert "db01" not in answer.text


def test_every_refusal_is_logged_with_who_when_and_what(console: Site) -> None:
    browser = console.browser("viewer", address="192.0.2.3")
    browser.get("/accounts")
    browser.post("/account/tokens", data={"label": "x"})
    browser.get("/", headers={"Host": "evil.example"})
    console.browser(address="192.0.2.4").post("/runs/x/answer")
    said = [(line["what"], line["who"], line["from"], line["status"]) for line in console.log()]

    assert said == [
        ("not-allowed", "viewer", "192.0.2.3", 403),
        ("forged", "viewer", "192.0.2.3", 403),
        ("refused", "", "192.0.2.3", 421),
        ("not-signed-in", "", "192.0.2.4", 303),
    ]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["at"]) for line in console.log())


def test_refusals_cannot_fill_the_disk(console: Site) -> None:
    browser = console.browser()
    begun = time.monotonic()
    for _ in range(150):
        browser.get("/", headers={"Host": "evil.example"})

    assert len(console.log()) <= 121 + 2 * (time.monotonic() - begun)  # two more in each second


# -- secrets ----------------------------------------------------------------------------------------------------


def test_a_secret_is_hidden_in_pages_in_json_and_in_what_is_live(console: Site) -> None:
    console.console.session.secrets.redactor.hide(SECRET)

    async def live(request: Request) -> Response:
        async def events() -> AsyncIterator[str]:
            yield "data: begun\n\n"
            yield f"data: {SECRET}\n\n"

        return StreamingResponse(events(), media_type="text/event-stream")

    async def told(request: Request) -> Response:
        return JSONResponse({"output": f"the password is {SECRET}."})

    async def wrong(request: Request) -> Response:
        raise BadInput(f"The password {SECRET} does not fit.")

    for path, answer in (("/live", live), ("/api/told", told), ("/wrong", wrong)):
        with_route(console, path, answer)
        found = console.browser("viewer").get(path)
        assert "Tr0ub4dor" not in found.text and "***" in found.text, path
        assert "content-length" not in found.headers or int(found.headers["content-length"]) == len(found.content)
    assert "Tr0ub4dor" not in console.console.log.path.read_text()


# -- bodies -----------------------------------------------------------------------------------------------------


def test_a_body_that_is_too_large_is_refused_also_when_it_does_not_say_so(console: Site) -> None:
    def chunks(count: int) -> Iterator[bytes]:
        for _ in range(count):
            yield b"x" * 65536

    browser, stranger = console.browser("operator"), console.browser()
    for sender, count in ((browser, 20), (stranger, 1)):
        said = sender.post("/sign-in", content=b"x" * (count * 65536))
        unsaid = sender.post("/sign-in", content=chunks(count))
        assert (said.status_code, unsaid.status_code) == (413, 413)
    assert stranger.post("/sign-in", headers={"Content-Length": "-5"}, content=b"").status_code == 400


def scope_of(method: str) -> dict[str, Any]:
    return {"type": "http", "path": "/api/x", "method": method, "headers": [], "query_string": b"", "server": ("x", 80)}


def test_a_body_that_never_ends_is_given_up() -> None:
    async def silent() -> dict[str, Any]:
        await asyncio.sleep(60)
        return {}

    async def never(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("it was asked")

    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = scope_of("POST")
    asyncio.run(bodies.Bodies(never, seconds=0.05)(scope, silent, send))

    assert sent[0]["status"] == 408


def test_an_answer_that_never_comes_is_given_up(console: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    async def slow(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await asyncio.sleep(60)

    async def empty() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = scope_of("GET")
    asyncio.run(bodies.Bodies(slow, answer=0.05)(scope, empty, send))

    assert sent[0]["status"] == 503


# -- bad input --------------------------------------------------------------------------------------------------

TRAVERSAL = (
    "../../../../etc/passwd",
    "..%2f..%2f..%2fetc%2fpasswd",
    "%2e%2e/%2e%2e/etc/passwd",
    "....//....//etc/passwd",
    "..\\..\\windows\\win.ini",
    "..%5c..%5cwin.ini",
    "%00",
    "handrail.css%00.html",
    "//etc/passwd",
    "C:%5cWindows",
    "%c0%ae%c0%ae/etc/passwd",
    "x" * 5000,
    "%F0%9F%A6%8A",
    "%ff%fe",
    "a%0d%0aSet-Cookie:%20x=y",
    "%3Cscript%3Ealert(1)%3C/script%3E",
    "';DROP TABLE accounts;--",
    "{{7*7}}",
)


def test_no_path_leads_out_of_the_files_that_pages_need(shared: Site) -> None:
    stranger = shared.browser()
    for one in (*TRAVERSAL, "../app.py", "../templates/frame.html", "", ".", "handrail.css.bak"):
        answer = stranger.get(f"/static/{one}")
        assert answer.status_code in (303, 404), one
        assert "root:" not in answer.text and "FastAPI" not in answer.text and "extends" not in answer.text, one


def test_whatever_stands_in_the_place_of_a_name_is_harmless(shared: Site) -> None:
    browser = shared.browser("administrator")
    known = {path for method, path in paths_of(shared) if method == "GET" and "/x" in path and "live" not in path}
    assert len(known) > 3
    for path in sorted(known):
        before, _, after = path.partition("/x")
        for one in TRAVERSAL:
            answer = browser.get(f"{before}/{one}{after}")
            assert answer.status_code in (303, 307, 400, 404, 405, 422), (path, one, answer.status_code)
            assert SCRIPT not in answer.text and "49" not in re.findall(r"<h1>.*</h1>", answer.text), (path, one)
            assert "root:" not in answer.text and "x=y" not in answer.headers.get("set-cookie", "")
        shared.console.limits.requests._empty_until.clear()


def test_script_in_what_people_type_is_shown_as_text(console: Site) -> None:
    browser = console.browser("administrator")
    for path, fields in (
        ("/accounts", {"name": SCRIPT}),
        ("/account/tokens", {"label": SCRIPT}),
        ("/account/password", {"old": SCRIPT, "new": SCRIPT}),
    ):
        assert SCRIPT not in browser.submit(path, **fields).text
    assert "&lt;script&gt;" in browser.get("/account").text
    stranger = console.browser()
    stranger.get("/sign-in")
    stranger.learn()
    shown = stranger.submit("/sign-in", name=SCRIPT, password="x", next='"><script>').text
    assert "<script>" not in shown and "&lt;script&gt;alert(1)" in shown
    assert SCRIPT not in stranger.get(f"/sign-in?next=/{SCRIPT}").text


@pytest.mark.parametrize(
    "cookie",
    [
        "handrail-sitting=" + "A" * 43,
        "handrail-sitting=",
        "handrail-sitting=../../x; handrail-visit=%00",
        "handrail-sitting=" + "\xff" * 43,
        "=;=;;;===; handrail-sitting",
        'handrail-sitting="A\\"; handrail-said=%ff%fe<script>',
        "handrail-said=" + "%3Cscript%3Ealert(1)%3C/script%3E",
        "x" * 8000,
        "handrail-visit=" + "'; DROP TABLE sittings; --",
    ],
)
def test_a_cookie_that_is_none_of_ours_opens_nothing(cookie: str, shared: Site) -> None:
    browser = shared.browser()
    headers = {b"Cookie": cookie.encode("latin-1")}

    assert browser.get("/account", headers=headers).status_code == 303
    shown = browser.get("/sign-in", headers=headers)
    assert shown.status_code == 200 and "<script>alert" not in shown.text


def test_a_field_that_comes_twice_is_refused(console: Site) -> None:
    browser = console.browser("viewer")
    body = f"csrf={browser.csrf}&label=a&label=b&days=3"
    answer = browser.post(
        "/account/tokens", content=body, headers={"Content-Type": "application/x-www-form-urlencoded"}
    )

    assert answer.status_code == 400 and console.console.accounts.tokens("viewer") == []


def test_fields_that_nobody_asked_for_change_nothing(console: Site) -> None:
    browser = console.browser("viewer")
    browser.submit("/account/tokens", label="a", days="3", roles="administrator", role="administrator", enabled="no")

    assert console.console.accounts.get("viewer").roles == {"viewer"}


@pytest.mark.parametrize("days", ["0", "367", "-1", "1e3", "٣", "99999999999999999999", "nan"])
def test_a_number_that_is_none_is_refused(days: str, console: Site) -> None:
    assert console.browser("viewer").submit("/account/tokens", label="a", days=days).status_code == 400


def test_files_are_not_taken(console: Site) -> None:
    browser = console.browser("viewer")
    answer = browser.post("/account/tokens", files={"label": ("x.exe", b"MZ")}, data={"csrf": browser.csrf})

    assert answer.status_code == 403  # only plain forms carry the token


def test_garbage_is_refused_and_breaks_nothing(shared: Site) -> None:
    browser = shared.browser("administrator")
    form = {"Content-Type": "application/x-www-form-urlencoded", "X-CSRF-Token": browser.csrf}
    for method, path in paths_of(shared):
        if method == "POST" and path not in ("/sign-out", "/account/sittings/end"):
            for body in (b"\xff\xfe\x00%zz=%", b"a=1&" * 600, b"{", b""):
                answer = browser.request(method, path, content=body, headers=form)
                assert answer.status_code < 500, (path, body[:20], answer.text[:300])
            shared.console.limits.requests._empty_until.clear()
            _back(browser, shared)


def _back(browser: Browser, shared: Site) -> None:
    """Signed in again, whatever the form did."""
    secret = shared.console.sittings.begin(shared.console.accounts.get("administrator"), "127.0.0.1", proven=True)
    browser.cookies.set(SITTING, secret, domain="127.0.0.1")
    browser.learn()


def test_methods_that_are_not_in_use_are_refused(shared: Site) -> None:
    browser = shared.browser("viewer")
    for method in ("PUT", "PATCH", "DELETE", "TRACE", "OPTIONS", "CONNECT", "BREW"):
        answer = browser.request(method, "/account", headers={"X-CSRF-Token": browser.csrf})
        assert answer.status_code == 405, method


def test_nothing_is_evaluated_that_was_sent(shared: Site) -> None:
    """No eval in our own code, neither here nor in scripts; htmx is told to do without."""
    folder = Path(bodies.__file__).parent
    for path in [*folder.glob("*.py"), *folder.glob("static/[!h]*.js"), folder / "static" / "handrail.js"]:
        assert not re.search(r"\b(eval|exec|new Function)\s*\(", path.read_text("utf-8")), path
    assert '"allowEval":false' in (folder / "templates" / "frame.html").read_text("utf-8")


def test_documents_and_pages_ask_no_address_that_was_sent() -> None:
    """The console has nothing to ask anybody with but its store; its own sockets only listen."""
    asking = (
        r"^\s*(?:import|from) (urllib\.request|http\.client|httpx2?|requests|aiohttp|socket|ftplib|smtplib|asyncssh)\b"
    )
    folder = Path(bodies.__file__).parent
    found = {path.name for path in folder.glob("*.py") if re.search(asking, path.read_text("utf-8"), re.MULTILINE)}

    assert found <= {"serving.py"}


def test_scripts_keep_nothing_in_the_browser() -> None:
    folder = Path(bodies.__file__).parent / "static"
    for path in folder.glob("*.js"):
        if path.name != "htmx.min.js":
            assert not re.search(r"localStorage|indexedDB|document\.cookie|caches\b", path.read_text("utf-8")), path
    assert '"historyCacheSize":0' in (folder.parent / "templates" / "frame.html").read_text("utf-8")  # of htmx


def test_the_htmx_that_is_served_is_the_one_that_was_looked_at(shared: Site) -> None:
    root = Path(bodies.__file__).parents[3]
    wanted = re.findall(r'^SHA256 = "([0-9a-f]{64})"', (root / "hatch_build.py").read_text("utf-8"), re.MULTILINE)
    answer = shared.browser().get("/static/htmx.min.js")

    assert answer.status_code == 200 and [hashlib.sha256(answer.content).hexdigest()] == wanted
    assert "0BSD" in (root / "NOTICE").read_text("utf-8")


def test_nothing_of_the_framework_is_left_over(shared: Site) -> None:
    browser = shared.browser("viewer")

    assert not shared.app.debug
    for path in ("/docs", "/redoc", "/openapi.json", "/docs/oauth2-redirect", "/debug", "/metrics", "/.git/config"):
        assert browser.get(path).status_code == 404, path
