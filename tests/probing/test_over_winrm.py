"""Preflight, conform and a restart over the real road: Windows Remote Management, and a twin at its end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from tests.support import winrm_twin
from tests.support.scripted_host import receipt
from tests.support.twins import SERVICE, Console, a_twin, an_estate
from tests.support.winrm import CALM
from tests.support.winrm_endpoint import Endpoint, serving

from handrail.actions.host import Reboot
from handrail.assessing.transport_wants import Wants
from handrail.hosts.winrm import WinrmHost
from handrail.probing import transport
from handrail.probing.conform import GENERAL, Question, conform

T = TypeVar("T")


@contextmanager
def windows() -> Iterator[tuple[Console, Endpoint]]:
    """Somebody at the host itself, and the endpoint in front of it."""
    twin = a_twin()
    endpoint = winrm_twin.behind(twin, ["sync01"])["sync01"]
    with serving(endpoint):
        yield Console(twin), endpoint


def over(endpoint: Endpoint, ask: Callable[[WinrmHost], Awaitable[T]]) -> T:
    async def go() -> T:
        connect = winrm_twin.reached(an_estate(), {"sync01": endpoint}).hosts["sync01"].connect
        assert connect is not None
        host = WinrmHost("sync01", connect, lambda _: endpoint.password, patience=CALM)
        try:
            return await ask(host)
        finally:
            await host.close()

    return asyncio.run(go())


def test_a_host_behind_winrm_is_asked_and_what_it_does_not_know_is_named() -> None:
    """The twin models no tokens and no quotas: that is told as unknown, never taken for fine."""
    with windows() as (_, endpoint):
        asked = over(endpoint, lambda host: transport.ask(host, Wants(), via="winrm"))

    assert not asked.trouble
    assert asked.facts["build"] == 17763 and asked.facts["language_mode"] == "FullLanguage"
    assert {"integrity", "scheduler", "shell_memory_mb"} <= set(asked.unread) | {"scheduler"}


def test_a_host_behind_winrm_answers_as_its_twin_does() -> None:
    with windows() as (_, endpoint):
        pretended = Console(a_twin()).host
        state = Question(("sc", "query", SERVICE))
        found = over(endpoint, lambda host: conform(host, pretended, (*GENERAL, state)))

    assert {one.verdict for one in found.compared} == {"same"} and found.bits == 32


def test_a_restart_over_winrm_is_seen_to_the_end() -> None:
    """The shell goes down with the machine; a new boot id and a ready machine prove it."""
    with windows() as (console, endpoint):

        async def story(host: WinrmHost) -> tuple[str, str]:
            before = await Reboot().observe(host, receipt())
            begun = receipt(before={"evidence": dict(before.evidence)})
            await Reboot().act(host, begun)
            return before.state, (await Reboot().observe(host, begun)).state

        assert over(endpoint, story) == ("not_done", "done")
        assert console.machine().system.boots == 2
