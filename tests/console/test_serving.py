"""The server itself: TLS or loopback, and patience with nobody. Real sockets, in this process."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import re
import socket
import ssl
import stat
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from tests.support.command import handrail
from tests.support.console import PASSWORD, Site, site
from tests.support.pki import Papers, make

from handrail.console import serving
from handrail.console.context import Settings
from handrail.console.guarding import SITTING
from handrail.console.making import opened_accounts
from handrail.errors import BadInput
from handrail.running.home import Home


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    return make(tmp_path_factory.mktemp("papers"))


@contextlib.contextmanager
def listening(made: Site, certificate: Path | None = None, key: Path | None = None) -> Iterator[int]:
    """The site behind a socket; its port."""
    bound = serving.bind("127.0.0.1", 0)
    server = serving.server_of(made.app, str(certificate) if certificate else None, str(key) if key else None)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + 10
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    assert server.started
    try:
        yield bound.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(10)
        bound.close()
        assert not thread.is_alive()


# -- what is refused before anything listens --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--host", "0.0.0.0"], "does not listen on 0.0.0.0 without TLS"),
        (["--host", "192.0.2.1"], "does not listen on 192.0.2.1 without TLS"),
        (["--host", "::"], "without TLS"),
        (["--certificate", "x.pem"], "TLS needs both"),
        (["--certificate", "none.pem", "--key", "none.key"], "none.pem cannot be read"),
        (["--public-url", "http://upgrade.example.com"], "must begin with https"),
        (["--public-url", "upgrade.example.com"], "is not how people would reach"),
        (["--public-url", "https://a b"], "is not how people would reach"),
        (["--public-url", "https://upgrade.example.com/console"], "is not how people would reach"),
        (["--proxy-header", "X-Remote-User"], "only believed when it comes from the proxy"),
        (["--proxy-from", "10.0.0.0/8"], "only believed when it comes from the proxy"),
        (["--proxy-header", "X-Remote-User", "--proxy-from", "10.0.0.300"], "is no network"),
        (["--proxy-header", "X-Remote-User", "--proxy-from", "10.0.0.1/8"], "is no network"),
        (["nowhere"], "does not exist"),
        (["--port", "70000"], "less than or equal to 65535. See"),
    ],
)
def test_what_would_not_be_safe_is_refused_in_one_sentence(tmp_path: Path, options: list[str], said: str) -> None:
    answer = handrail("serve", *options, home=tmp_path)

    assert answer.code == 2 and said in answer.err and len(answer.err.splitlines()) == 1
    assert not (tmp_path / "console").exists()


def test_a_key_that_does_not_fit_is_refused(papers: Papers, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"cannot be used: the key is not that of the certificate\."):
        serving.settings_of("0.0.0.0", str(papers.server), str(papers.client_key))
    with pytest.raises(BadInput, match=r"The key .*none\.key cannot be read: No such file"):
        serving.settings_of("0.0.0.0", str(papers.server), str(tmp_path / "none.key"))
    junk = tmp_path / "junk.pem"
    junk.write_text("-----BEGIN CERTIFICATE-----\nbm9uZQ==\n-----END CERTIFICATE-----\n")
    with pytest.raises(BadInput, match="not a certificate"):
        serving.settings_of("0.0.0.0", str(junk), str(papers.server_key))


def test_a_port_that_is_taken_is_said() -> None:
    with serving.bind("127.0.0.1", 0) as taken, pytest.raises(BadInput, match=r"Address already in use\. "):
        serving.bind("127.0.0.1", taken.getsockname()[1])


def test_the_names_of_a_certificate_are_those_of_the_console(papers: Papers) -> None:
    found = serving.settings_of("0.0.0.0", str(papers.server), str(papers.server_key))

    assert found.secure and "127.0.0.1" in found.hosts and "0.0.0.0" not in found.hosts
    assert found.cookie(SITTING) == f"__Host-{SITTING}"


def test_the_address_that_is_printed_is_one_that_works(papers: Papers) -> None:
    open_to_all = Settings(frozenset({"localhost", "*.example.com", "console.example.com"}), True)

    assert serving.address(open_to_all, "0.0.0.0", 8417) == "https://console.example.com:8417"
    assert serving.address(Settings(frozenset({"localhost"}), True), "::", 1) == "https://localhost:1"
    assert serving.address(Settings(), "::1", 8417) == "http://[::1]:8417"


def test_without_its_packages_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handrail.cli.serving.find_spec", lambda name: None if name == "fastapi" else object())
    for arguments in (["serve"], ["account", "list"]):
        said = handrail(*arguments, home=tmp_path)
        assert said.code == 2 and "(fastapi)" in said.err and "pip install 'handrail[console]'" in said.err


def test_behind_a_proxy_cookies_are_for_https_only() -> None:
    found = serving.settings_of(
        "127.0.0.1", None, None, "https://Upgrade.Example.com:443/", "X-Remote-User", ["127.0.0.1/32"]
    )

    assert found.secure and found.origin == "https://upgrade.example.com" and "upgrade.example.com" in found.hosts
    assert found.proxy is not None and found.proxy.header == "x-remote-user"


# -- TLS --------------------------------------------------------------------------------------------------------


def test_tls_is_1_2_at_least_and_cookies_are_bound_to_it(papers: Papers, tmp_path: Path) -> None:
    settings = serving.settings_of("127.0.0.1", str(papers.server), str(papers.server_key))
    with site(tmp_path / "home", settings=settings) as made, listening(made, papers.server, papers.server_key) as port:
        trusting = ssl.create_default_context(cafile=str(papers.ca))
        connection = http.client.HTTPSConnection("127.0.0.1", port, context=trusting, timeout=10)
        connection.request("GET", "/sign-in")
        answer = connection.getresponse()
        cookies = answer.headers.get_all("set-cookie") or []
        assert answer.status == 200 and answer.headers["strict-transport-security"]
        assert cookies and all(one.startswith("__Host-") and "; Secure" in one for one in cookies)
        assert isinstance(connection.sock, ssl.SSLSocket) and connection.sock.version() in ("TLSv1.2", "TLSv1.3")
        connection.close()

        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.load_verify_locations(str(papers.ca))
        with pytest.warns(DeprecationWarning):
            old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
        old.set_ciphers("DEFAULT:@SECLEVEL=0")
        with (
            socket.create_connection(("127.0.0.1", port), 10) as raw,
            pytest.raises((ssl.SSLError, ConnectionError)),
            old.wrap_socket(raw, server_hostname="127.0.0.1"),
        ):
            pass

        with socket.create_connection(("127.0.0.1", port), 10) as raw:
            raw.sendall(b"GET /sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert not raw.recv(100).startswith(b"HTTP/1.1 2")


def test_only_strong_ciphers_are_offered(papers: Papers) -> None:
    context = serving.tls_context(str(papers.server), str(papers.server_key))
    offered = {str(one["name"]) for one in context.get_ciphers()}

    assert offered and not [one for one in offered if re.search("NULL|anon|RC4|DES|MD5|EXP|SEED|IDEA|CAMELLIA", one)]
    assert all("GCM" in one or "CHACHA20" in one or "ECDHE" in one or "DHE" in one for one in offered)
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


# -- patience ---------------------------------------------------------------------------------------------------


def test_a_connection_on_which_nothing_is_asked_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "PATIENCE", 0.2)
    with site(tmp_path / "home") as made, listening(made) as port:
        for begun in (b"", b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "):
            with socket.create_connection(("127.0.0.1", port), 10) as raw:
                raw.sendall(begun)
                assert raw.recv(100) == b""


def test_what_is_no_http_breaks_nothing(tmp_path: Path) -> None:
    with site(tmp_path / "home") as made, listening(made) as port:
        for garbage in (
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 40,
            b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            b"POST /sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            b"GET http://evil.example/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
            b"GET /\xff\xfe HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        ):
            with socket.create_connection(("127.0.0.1", port), 10) as raw:
                raw.sendall(garbage + b"\r\n\r\n")
                raw.shutdown(socket.SHUT_WR)
                answer = b"".join(iter(lambda raw=raw: raw.recv(65536), b""))  # type: ignore[misc]
                assert b"HTTP/1.1 2" not in answer and b"HTTP/1.1 5" not in answer, garbage[:60]
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", "/sign-in")
        assert connection.getresponse().status == 200
        connection.close()


def test_live_pages_do_not_keep_the_console_from_ending(tmp_path: Path) -> None:
    async def live(request: Request) -> Response:
        async def events() -> AsyncIterator[str]:
            while True:
                yield ": still here\n\n"
                await asyncio.sleep(0.05)

        return StreamingResponse(events(), media_type="text/event-stream")

    with site(tmp_path / "home") as made:
        made.app.router.routes.insert(0, Route("/live", live))
        secret = made.console.sittings.begin(made.console.accounts.add("anna", PASSWORD, []), "127.0.0.1")
        with listening(made) as port, socket.create_connection(("127.0.0.1", port), 10) as raw:
            asked = f"GET /live HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {SITTING}={secret}\r\n\r\n"
            raw.sendall(asked.encode())
            assert b"200 OK" in raw.recv(1000)
            begun = time.monotonic()
        assert time.monotonic() - begun < 8


# -- accounts on the command line -------------------------------------------------------------------------------


def test_the_owner_of_the_machine_looks_after_accounts(tmp_path: Path) -> None:
    added = handrail("account", "add", "anna", "--role", "administrator", home=tmp_path)
    code = added.out.splitlines()[-1].strip()
    with opened_accounts(Home(tmp_path)) as (accounts, _):
        assert accounts.accept("anna", code, PASSWORD) is not None

    assert "anna has an account: administrator, viewer." in added.out
    assert stat.S_IMODE((tmp_path / "console" / "accounts.db").stat().st_mode) == 0o600
    assert handrail("account", "add", "bert", home=tmp_path).code == 0
    assert handrail("account", "roles", "bert", "--role", "operator", home=tmp_path).out == "bert: operator, viewer.\n"
    assert handrail("account", "disable", "bert", home=tmp_path).code == 0
    listed = handrail("account", "list", home=tmp_path).out
    assert listed == "anna  administrator, viewer\nbert  operator, viewer  (disabled)\n"
    known = handrail("account", "list", "--format", "json", home=tmp_path).json
    assert [(one["name"], one["enabled"], one["password"]) for one in known["accounts"]] == [
        ("anna", True, True),
        ("bert", False, False),
    ]
    assert handrail("account", "disable", "bert", "--undo", home=tmp_path).out == "bert may sign in again.\n"
    assert "does not count any more" in handrail("account", "password", "anna", home=tmp_path).out
    with opened_accounts(Home(tmp_path)) as (accounts, _):
        assert accounts.check("anna", PASSWORD) is None
    log = (tmp_path / "console" / "security.log").read_text()
    assert log.count('"account-added"') == 2 and '"password-reset"' in log and code not in log


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["add", "a b"], "cannot be the name"),
        (["add", "anna", "--role", "aprover"], "Did you mean 'approver'?"),
        (["disable", "nobody"], "not known"),
        (["roles", "anna"], "not known"),
    ],
)
def test_a_mistake_about_accounts_is_explained(tmp_path: Path, arguments: list[str], said: str) -> None:
    answer = handrail("account", *arguments, home=tmp_path)

    assert answer.code == 2 and said in answer.err


def test_settings_have_names_for_loopback_only_by_default() -> None:
    assert Settings().hosts == {"localhost", "127.0.0.1", "::1"} and not Settings().secure
