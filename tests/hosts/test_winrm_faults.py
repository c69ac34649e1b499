"""What goes wrong between us and Windows Remote Management: HostUnreachable when nothing was begun, Lost when it may
have been, never an exit code, and one clear sentence; noticed in seconds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support import pki
from tests.support.ssh_peers import relay, silent
from tests.support.winrm import QUICK, host_at
from tests.support.winrm_commands import Asked
from tests.support.winrm_endpoint import (
    ABORTED,
    OPERATION_TIMEOUT,
    QUOTA_SHELLS,
    SHELL_NOT_FOUND,
    Endpoint,
    Fault,
    serving,
)

from handrail.errors import HostUnreachable
from handrail.hosts import winrm_faults, winrm_line
from handrail.hosts.protocol import Command, Exited, Lost, Outcome, TimedOut
from handrail.hosts.winrm import WinrmHost

SAY = Command(("sh", "-c", "echo said"))
SAID = Exited(0, b"said\n")
GONE = Fault(SHELL_NOT_FOUND, "the shell was not found")
FULL = Fault(QUOTA_SHELLS, "This user is allowed a maximum number of 5 concurrent shells.")
TOO_MANY = Fault(winrm_faults.QUOTA_OPERATIONS, "The maximum number of concurrent operations has been exceeded.")
DENIED = Fault(5, "Access is denied.")
SLOW = Fault(OPERATION_TIMEOUT, "The operation did not complete within the time specified.")
CLOSED = Fault(ABORTED, "The I/O operation has been aborted.")


@pytest.fixture
def endpoint(tmp_path: Path) -> Iterator[Endpoint]:
    made = Endpoint("basic", papers=pki.make(tmp_path))
    with serving(made):
        yield made


def on(endpoint: Endpoint, ask: Callable[[WinrmHost], Awaitable[None]], **more: Any) -> None:
    async def go() -> None:
        async with host_at(endpoint, **more) as host:
            await ask(host)

    asyncio.run(go())


@pytest.mark.parametrize("used", [False, True])
@pytest.mark.parametrize(
    ("action", "what", "comes", "says"),
    [
        ("Create", "drop", "unreachable", "the line was dropped"),
        ("Create", "half", "unreachable", "the line was dropped"),
        ("Create", DENIED, "unreachable", "access is denied"),
        ("Create", FULL, "unreachable", "quota of shells is used up"),
        ("Create", SLOW, "unreachable", "does not answer"),
        ("Command", "drop", "lost", "the line was dropped"),
        ("Command", "half", "lost", "the line was dropped"),
        ("Command", "late", "lost", "the line was dropped"),
        ("Command", SLOW, "lost", "fell silent"),
        ("Command", CLOSED, "lost", "was closed"),
        ("Command", DENIED, "unreachable", "access is denied"),
        ("Command", GONE, "said", ""),
        ("Command", TOO_MANY, "said", ""),
        ("Receive", "drop", "lost", "the line was dropped"),
        ("Receive", "half", "lost", "the line was dropped"),
        ("Receive", "late", "lost", "the line was dropped"),
        ("Receive", GONE, "lost", "its shell is gone"),
        ("Receive", CLOSED, "lost", "was closed"),
        ("Receive", SLOW, "said", ""),
        ("Signal", "drop", "said", ""),
    ],
)
def test_every_mishap_has_one_meaning(
    endpoint: Endpoint, action: str, what: object, comes: str, says: str, used: bool
) -> None:
    """On a new line, and on one that was used before; the next command then finds its way again."""

    async def ask(host: WinrmHost) -> None:
        if used and action != "Create":
            assert await host.execute(SAY) == SAID
        begun = len(endpoint.lines)
        for _ in range(9 if what is FULL else 1):
            endpoint.fails(action, what)  # type: ignore[arg-type]
        if comes == "unreachable":
            with pytest.raises(HostUnreachable, match=says) as caught:
                await host.execute(SAY)
            assert caught.value.advice
            assert len(endpoint.lines) == begun
        else:
            outcome = await host.execute(SAY)
            if comes == "lost":
                assert isinstance(outcome, Lost) and says in outcome.because
            else:
                assert outcome == SAID
            assert len(endpoint.lines) <= begun + 1, "a command is never sent twice"
        endpoint.mishaps.clear()
        assert await host.execute(SAY) == SAID

    on(endpoint, ask)


@pytest.mark.parametrize(("action", "comes"), [("Create", HostUnreachable), ("Command", Lost), ("Receive", Lost)])
def test_a_host_that_falls_silent_is_noticed_in_seconds(endpoint: Endpoint, action: str, comes: type) -> None:
    """Even when the command may take hours."""

    async def ask(host: WinrmHost) -> None:
        assert await host.execute(SAY) == SAID
        if action == "Create":
            endpoint.restart()
        endpoint.fails(action, "silent")
        begun = time.monotonic()
        outcome: object
        try:
            outcome = await host.execute(Command(("sleep", "3600"), timeout=7200))
        except HostUnreachable as error:
            outcome = error
        assert isinstance(outcome, comes)
        assert time.monotonic() - begun < 4

    on(endpoint, ask, patience=QUICK)


def test_a_port_that_never_says_anything_is_noticed_in_seconds() -> None:
    with silent() as port:
        begun = time.monotonic()
        with pytest.raises(HostUnreachable, match="does not answer"):
            on(Endpoint(port=port), lambda host: _ask(host), patience=QUICK)
        assert time.monotonic() - begun < 4


async def _ask(host: WinrmHost) -> None:
    await host.execute(SAY)


def test_a_restart_of_the_service_between_two_commands_goes_unnoticed(endpoint: Endpoint) -> None:
    async def ask(host: WinrmHost) -> None:
        for _ in range(3):
            assert await host.execute(SAY) == SAID
            endpoint.restart()

    on(endpoint, ask)


def test_a_line_that_was_idle_is_looked_at_before_a_command_is_trusted_to_it(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is dropped then costs nothing: no command was on it. The shell is found again on a new line."""
    monkeypatch.setattr(winrm_line, "STALE", 0.0)

    async def ask(host: WinrmHost) -> None:
        assert await host.execute(SAY) == SAID
        endpoint.fails("Get", "drop")
        assert await host.execute(SAY) == SAID
        assert await host.execute(SAY) == SAID
        assert endpoint.asked("Get") >= 2

    on(endpoint, ask)


def test_a_windows_that_does_not_know_the_question_keeps_its_shell(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(winrm_line, "STALE", 0.0)
    endpoint.old = True

    async def ask(host: WinrmHost) -> None:
        for _ in range(3):
            assert await host.execute(SAY) == SAID
        assert endpoint.asked("Create") == 1

    on(endpoint, ask)


@pytest.mark.parametrize("auth", ["ntlm", "basic"])
def test_a_connection_that_was_closed_is_never_made_anew_under_a_command(auth: str, tmp_path: Path) -> None:
    """The server hangs up while nothing is asked: the command goes out once, on a new session, into the same shell."""

    async def run(asked: Asked) -> Exited:
        return SAID

    papers = pki.make(tmp_path) if auth == "basic" else None
    endpoint = Endpoint(auth, papers=papers, runner=run)  # type: ignore[arg-type]

    async def go() -> None:
        async with relay(endpoint.port) as between, host_at(endpoint, port=between.listening) as host:
            for _ in range(3):
                assert await host.execute(SAY) == SAID
                between.cut()
                await asyncio.sleep(0.05)

    with serving(endpoint):
        asyncio.run(go())
    assert len(endpoint.lines) == 3
    assert endpoint.asked("Create") == 1


def test_a_host_with_few_places_is_waited_for(endpoint: Endpoint) -> None:
    """Two shells at most, four commands at once: the others wait for a place."""
    endpoint.most_shells = 2

    async def ask(host: WinrmHost) -> None:
        outcomes = await asyncio.gather(*(host.execute(SAY) for _ in range(4)), return_exceptions=True)
        assert sum(one == SAID for one in outcomes) >= 2
        assert all(one == SAID or isinstance(one, HostUnreachable) for one in outcomes)

    on(endpoint, ask)


@pytest.mark.parametrize("auth", ["ntlm", "basic"])
def test_a_line_cut_at_any_byte_never_looks_like_success(auth: str, tmp_path: Path) -> None:
    """After each number of bytes, in either direction: what is told as begun may have been, what is told as not begun
    was not, and an exit code comes only with all of the output."""
    counted = 0

    async def run(asked: Asked) -> Exited:
        nonlocal counted
        counted += 1
        return Exited(3, b"line\r\n" * 300)

    papers = pki.make(tmp_path) if auth == "basic" else None
    endpoint = Endpoint(auth, papers=papers, runner=run)  # type: ignore[arg-type]
    seen: set[type] = set()

    async def go() -> None:
        async with relay(endpoint.port) as between:
            async with host_at(endpoint, port=between.listening) as host:
                await host.execute(SAY)
            whole, at = between.passed, 0
            while at < whole:
                before = counted
                between.arm(at)
                async with host_at(endpoint, port=between.listening) as host:
                    try:
                        outcome: Outcome | None = await host.execute(SAY)
                    except HostUnreachable:
                        outcome = None
                between.arm(None)
                if outcome is None:
                    assert counted == before, f"cut at {at}: told as not begun, and it was"
                elif isinstance(outcome, Exited):
                    assert outcome == Exited(3, b"line\r\n" * 300), f"cut at {at}"
                else:
                    assert isinstance(outcome, Lost) and outcome.because
                seen.add(type(outcome))
                at += max(1, whole // 30)

    with serving(endpoint):
        asyncio.run(go())
    assert seen == {type(None), Lost, Exited}


def test_our_own_end_leaves_the_command_to_itself_and_a_time_out_that_is_not_heard_is_not_called_one(
    endpoint: Endpoint,
) -> None:
    async def ask(host: WinrmHost) -> None:
        endpoint.fails("Signal", "drop")
        outcome = await host.execute(Command(("sleep", "20"), timeout=0.5))
        assert isinstance(outcome, Lost) and "time was up" in outcome.because
        assert not isinstance(outcome, TimedOut)

    on(endpoint, ask, patience=QUICK)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("SpnegoError (1): Major (851968): gss_init: Clock skew too great", "clock"),
        ("Server not found in Kerberos database", "knows no such host"),
        ("Cannot find KDC for realm 'CONTOSO.COM'", "no domain controller"),
        ("Preauthentication failed", "the password is wrong"),
        ("Decrypt integrity check failed -1765328353", "the password is wrong"),
        ("No module named 'gssapi'", "Kerberos cannot be spoken here"),
    ],
)
def test_what_kerberos_says_is_told_in_plain_words(text: str, says: str) -> None:
    because, advice = winrm_faults.reason(OSError(text))

    assert says in because and advice
