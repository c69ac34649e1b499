"""A run whose Windows hosts are those of a twin, each reached over Windows Remote Management; people are played."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from tests.support import winrm_twin
from tests.support.winrm import CALM
from tests.support.winrm_endpoint import Endpoint

from handrail.actions.protocol import Secrets
from handrail.hosts.protocol import Host
from handrail.hosts.winrm import WinrmHost
from handrail.model.plan import Plan, Step
from handrail.running.targets import PretendSecrets
from handrail.twin.world import Twin


class OverWinrm:
    """A target as `TwinHosts` is one, but for the road."""

    plays = True

    def __init__(
        self, plan: Plan, twin: Twin, endpoints: Mapping[str, Endpoint], loop: asyncio.AbstractEventLoop
    ) -> None:
        self._twin = twin
        self._loop = loop
        self._secrets = PretendSecrets()
        reached = winrm_twin.reached(plan.estate, dict(endpoints))
        self._hosts: dict[str, Host] = {}
        for name, endpoint in endpoints.items():
            known = reached.hosts[name]
            assert known.connect is not None
            self._hosts[name] = WinrmHost(name, known.connect, _knowing(endpoint.password), known.os, CALM)

    def host(self, name: str) -> Host:
        return self._hosts[name]

    async def play(self, step: Step) -> str | None:
        """What a person does takes effect in the twin's own loop, as all that happens to it."""
        if step.kind == "hold":
            return "yes"

        async def played() -> str:
            return self._twin.play(step)

        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(played(), self._loop))

    def secrets(self, real: Secrets) -> Secrets:
        return self._secrets

    async def close(self) -> None:
        await asyncio.gather(*(one.close() for one in self._hosts.values()))


def _knowing(secret: str) -> Callable[[str], str]:
    return lambda _: secret
