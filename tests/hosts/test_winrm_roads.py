"""Windows Remote Management by every way to prove who we are, and what becomes of a command on it."""

from __future__ import annotations

import asyncio
import ssl
import time
import tracemalloc
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.hosts import contract
from tests.hosts.contract import Posix, Where
from tests.support import pki, winrm_commands
from tests.support.pki import Papers
from tests.support.winrm import CALM, connect_to, host_at
from tests.support.winrm_commands import Asked
from tests.support.winrm_endpoint import Endpoint, serving

from handrail.errors import BadInput, HostUnreachable
from handrail.hosts import clixml
from handrail.hosts.opening import open_host
from handrail.hosts.protocol import Command, Exited, TimedOut
from handrail.hosts.winrm import WinrmHost
from handrail.hosts.winrm_line import signed
from handrail.model.estate import Connect
from handrail.model.estate import Host as EstateHost

SAY = Command(("sh", "-c", 'printf "out & %s" "$FOO"; echo err >&2; exit 7'), env={"FOO": "b^ar %PATH%"})


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    return pki.make(tmp_path_factory.mktemp("papers"))


@pytest.fixture(scope="module")
def roads(papers: Papers) -> Iterator[dict[str, Endpoint]]:
    made = {
        "ntlm, sealed": Endpoint("ntlm"),
        "ntlm over TLS": Endpoint("ntlm", papers=papers),
        "basic over TLS": Endpoint("basic", papers=papers),
        "certificate": Endpoint("certificate", papers=papers),
        "credssp, sealed": Endpoint("credssp"),
        "credssp over TLS": Endpoint("credssp", papers=papers),
    }
    with serving(*made.values()):
        yield made


ROADS = ("ntlm, sealed", "ntlm over TLS", "basic over TLS", "certificate", "credssp, sealed", "credssp over TLS")


@pytest.mark.parametrize("road", ROADS)
def test_a_command_goes_and_its_end_comes_back(roads: dict[str, Endpoint], road: str) -> None:
    async def ask() -> None:
        async with host_at(roads[road]) as host:
            for _ in range(2):
                assert await host.execute(SAY) == Exited(7, b"out & b^ar %PATH%", b"err\n")

    asyncio.run(ask())
    assert roads[road].shells == {}, "we leave no shell behind"


def test_negotiate_is_what_we_do_when_nothing_is_said(roads: dict[str, Endpoint]) -> None:
    async def ask() -> None:
        async with host_at(roads["ntlm, sealed"], auth=None) as host:
            assert isinstance(await host.execute(SAY), Exited)

    asyncio.run(ask())


@pytest.mark.parametrize("road", ["basic over TLS", "ntlm, sealed", "credssp over TLS"])
def test_a_password_may_have_any_letter(papers: Papers, road: str) -> None:
    auth: Any = road.split()[0].strip(",")
    endpoint = Endpoint(auth, password="pa€wörd-Ж", papers=papers if "TLS" in road else None)

    async def ask() -> None:
        async with host_at(endpoint) as host:
            assert isinstance(await host.execute(SAY), Exited)

    with serving(endpoint):
        asyncio.run(ask())


def refusal(endpoint: Endpoint, secret: str | None = None, **more: Any) -> HostUnreachable:
    async def ask() -> None:
        async with host_at(endpoint, password=secret, **more) as host:
            await host.execute(SAY)

    begun = len(endpoint.lines)
    with pytest.raises(HostUnreachable) as caught:
        asyncio.run(ask())
    assert len(endpoint.lines) == begun, "nothing was begun"
    return caught.value


@pytest.mark.parametrize("road", ["ntlm, sealed", "ntlm over TLS", "basic over TLS", "credssp over TLS"])
def test_a_wrong_password_is_told_and_not_shown(roads: dict[str, Endpoint], road: str) -> None:
    error = refusal(roads[road], secret="wrong-horse")

    assert "the password is wrong" in error.message and "connect.password" in error.advice
    assert "wrong-horse" not in str(error)


def test_a_certificate_from_a_stranger_is_told(roads: dict[str, Endpoint], papers: Papers) -> None:
    assert "nobody whom we trust" in refusal(roads["basic over TLS"], ca=str(papers.stranger)).message
    assert "connect.ca" in refusal(roads["basic over TLS"], ca=None).advice


def test_a_certificate_for_another_name_is_told(roads: dict[str, Endpoint]) -> None:
    assert "made out to another name" in refusal(roads["basic over TLS"], address="localhost").message


def test_what_is_no_TLS_at_all_is_told(roads: dict[str, Endpoint], papers: Papers) -> None:
    error = refusal(roads["ntlm, sealed"], tls=True, ca=str(papers.ca))

    assert "speaks no TLS that we accept" in error.message


def test_TLS_below_the_floor_is_refused(papers: Papers, roads: dict[str, Endpoint]) -> None:
    """At a server that stops at 1.2."""

    class Old(Endpoint):
        def tls(self) -> ssl.SSLContext | None:
            context = super().tls()
            assert context
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            return context

    old = Old("basic", papers=papers)
    with serving(old):
        assert "tls_floor" in refusal(old, tls_floor="1.3").advice

        async def ask() -> None:
            async with host_at(old, tls_floor="1.0") as host:
                assert isinstance(await host.execute(SAY), Exited)

        asyncio.run(ask())


def test_nobody_there_and_no_such_name_are_told_apart(roads: dict[str, Endpoint]) -> None:
    assert "nothing listens there" in refusal(roads["ntlm, sealed"], port=1).message
    assert "no such name" in refusal(roads["ntlm, sealed"], address="sync01.invalid").message


@pytest.mark.parametrize(
    ("connect", "says"),
    [
        (Connect("winrm", user="a", password="env:P", auth="basic", tls=False), "everybody on the way"),
        (Connect("winrm", auth="certificate", tls=False, certificate="c.pem"), "everybody on the way"),
        (Connect("winrm", user="a", auth="ntlm"), "needs `user` and `password`"),
        (Connect("winrm", auth="certificate"), "needs `certificate`"),
        (Connect("winrm", user="a", password="env:P", tls=False, ca="ca.pem"), "mean nothing"),
        (Connect("winrm", auth="kerberos", jobs="user"), "`jobs: user` needs"),
    ],
)
def test_what_cannot_be_or_is_not_safe_is_refused_before_anything_is_asked(connect: Connect, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        open_host("sync01", {"sync01": EstateHost("sync01", connect=connect)}, lambda _: "secret")


def test_opening_a_host_looks_no_secret_up(roads: dict[str, Endpoint]) -> None:
    hosts = {"sync01": EstateHost("sync01", connect=connect_to(roads["ntlm, sealed"]))}

    def never(reference: str) -> str:
        raise AssertionError(reference)

    assert isinstance(open_host("sync01", hosts, never), WinrmHost)


def test_a_paper_that_is_no_PEM_file_is_told(roads: dict[str, Endpoint], tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")

    async def ask() -> None:
        async with host_at(roads["basic over TLS"], ca=str(tmp_path / "ca.pem")) as host:
            await host.execute(SAY)

    with pytest.raises(BadInput, match=r"ca\.pem cannot be used"):
        asyncio.run(ask())


# -- what becomes of a command


RULES = (*contract.RULES, contract.secrets_do_not_show_in_process_lists, contract.a_command_that_is_called_off_is_ended)


@pytest.mark.parametrize("rule", [pytest.param(one, id=one.__name__) for one in RULES])
def test_what_every_host_promises(
    rule: Callable[..., Awaitable[None]], roads: dict[str, Endpoint], tmp_path: Path
) -> None:
    """Files go by the reviewed scripts, which the endpoint does in its own way."""
    for name in ("there", "here"):
        (tmp_path / name).mkdir()
    endpoint = roads["basic over TLS"]
    host = WinrmHost("sync01", connect_to(endpoint), lambda _: endpoint.password, patience=CALM)
    where = Where(str(tmp_path / "there"), Posix(), tmp_path / "there")

    asyncio.run(contract.keep(rule, host, where, tmp_path / "here"))


@pytest.mark.parametrize(("code", "said"), [(0, 0), (3010, 3010), (3221225786, -1073741510), (2**32 - 1, -1)])
def test_exit_codes_have_32_bits_as_windows_shows_them(code: int, said: int) -> None:
    assert signed(code) == said

    async def run(asked: Asked) -> Exited:
        return Exited(code)

    async def ask() -> None:
        async with host_at(endpoint) as host:
            assert await host.execute(Command(("x",))) == Exited(said)

    endpoint = Endpoint(runner=run)
    with serving(endpoint):
        asyncio.run(ask())


def test_much_output_costs_little_memory(roads: dict[str, Endpoint], monkeypatch: pytest.MonkeyPatch) -> None:
    """The endpoint runs in the same process, so its own buffer is made small."""
    monkeypatch.setattr(winrm_commands, "MOST_BUFFERED", 200_000)

    async def ask() -> None:
        async with host_at(roads["basic over TLS"]) as host:
            tracemalloc.start()
            outcome = await host.execute(Command(("sh", "-c", "head -c 6000000 /dev/zero; echo end"), most=100_000))
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        assert isinstance(outcome, Exited)
        assert (len(outcome.out), outcome.out[-4:], outcome.cut) == (100_000, b"end\n", 6_000_004 - 100_000)
        assert peak < 3_000_000

    asyncio.run(ask())


def test_output_in_no_encoding_arrives_as_it_was(roads: dict[str, Endpoint]) -> None:
    async def ask() -> None:
        async with host_at(roads["ntlm, sealed"]) as host:
            outcome = await host.execute(Command(("sh", "-c", r"printf '\377\376\000Gr\201\341e'")))
            assert isinstance(outcome, Exited) and outcome.out == b"\xff\xfe\x00Gr\x81\xe1e"
            assert outcome.text  # replaced, never an error

    asyncio.run(ask())


def test_what_asks_for_input_gets_none_instead_of_waiting(roads: dict[str, Endpoint]) -> None:
    async def ask() -> None:
        async with host_at(roads["ntlm, sealed"]) as host:
            assert await host.execute(Command(("cat",), timeout=5)) == Exited(0)

    asyncio.run(ask())
    assert roads["ntlm, sealed"].lines[-1] == "cat < nul"


@pytest.mark.parametrize("deaf", [False, True])
def test_time_is_up_ends_the_command_even_when_it_does_not_hear(deaf: bool, tmp_path: Path) -> None:
    endpoint = Endpoint(deaf=deaf)
    mark = tmp_path / "mark"

    async def ask() -> None:
        async with host_at(endpoint) as host:
            begun = time.monotonic()
            command = Command(("sh", "-c", f"sleep 1.2; touch {mark}"), timeout=0.5)
            assert await host.execute(command) == TimedOut(0.5)
            assert time.monotonic() - begun < 4
            assert endpoint.shells == {}, "what still runs ends with its shell"
            assert isinstance(await host.execute(SAY), Exited)
        await asyncio.sleep(max(0.0, 1.4 - (time.monotonic() - begun)))
        assert not mark.exists()

    with serving(endpoint):
        asyncio.run(ask())


def test_a_line_that_the_transport_cannot_carry_is_refused(roads: dict[str, Endpoint]) -> None:
    async def ask() -> None:
        async with host_at(roads["ntlm, sealed"]) as host:
            await host.execute(Command(("x", "\x07")))

    with pytest.raises(BadInput, match="cannot carry"):
        asyncio.run(ask())


@pytest.mark.parametrize(
    ("said", "read"),
    [
        (b"plain\r\n", b"plain\r\n"),
        (
            b'#< CLIXML\r\n<Objs Version="1.1.0.1" xmlns="x"><S S="Error">Test-Path : a &lt; b_x000D__x000A_</S>'
            b'<S S="verbose">no</S><Obj S="progress" RefId="0"><MS><S N="x">no</S></MS></Obj></Objs>',
            b"Test-Path : a < b\r\n",
        ),
        (b'before\r\n#< CLIXML\r\n<Objs><S S="Warning">care</S></Objs>after', b"before\r\ncareafter"),
        (b'#< CLIXML\r\n<Objs><S S="Error">cut of', b""),
        (b"#< CLIXML", b""),
    ],
)
def test_errors_of_powershell_become_text(said: bytes, read: bytes) -> None:
    assert clixml.plain(said) == read
