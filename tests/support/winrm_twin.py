"""The Windows hosts of a twin behind Windows Remote Management: the real road, and a pretend Windows at its end."""

from __future__ import annotations

import asyncio
import base64
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from tests.support.winrm_commands import Asked
from tests.support.winrm_endpoint import Endpoint

from handrail.errors import HostError
from handrail.hosts import powershell
from handrail.hosts.protocol import Command, Exited
from handrail.model.estate import Connect, Estate
from handrail.twin.host import TwinHost
from handrail.twin.world import Twin

RESTARTING = 0.2
"""Seconds from the command that restarts a machine to the loss of its shells."""


@dataclass
class Behind:
    """One host. A remote shell is a logon session of its own. `unknown` is what the twin did not know."""

    twin: Twin
    name: str
    sessions: dict[str, TwinHost] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    endpoint: Endpoint | None = None

    async def run(self, asked: Asked) -> Exited:
        known = powershell.recognise(asked.argv)
        if known is not None and known[0] == "pull-url":
            return await self._pulled(asked, *known[1])
        session = self._session(asked.shell)
        before = self._boots()
        try:
            command = Command(asked.argv, asked.stdin, asked.env, asked.cwd)
            outcome = await session.execute(command)
        except HostError as error:
            self.unknown.append(f"{asked.argv}: {error}")
            return Exited(9009, b"", str(error).encode())
        assert isinstance(outcome, Exited)
        if self._boots() != before and self.endpoint is not None:
            asyncio.get_running_loop().call_later(RESTARTING, self.endpoint.restart)
        return outcome

    async def _pulled(self, asked: Asked, url: str, part: str) -> Exited:
        """The twin has no network, so we fetch for it."""

        def fetch() -> bytes:
            with urllib.request.urlopen(url, timeout=10) as answer:
                data: bytes = answer.read()
                return data

        try:
            data = await asyncio.to_thread(fetch)
        except OSError as error:
            return Exited(1, b"", f'Exception calling "DownloadFile": {error}'.encode())
        feeding = powershell.command("write-part", part, "0", stdin=base64.b64encode(data))
        return await self.run(replace(asked, argv=feeding.argv, stdin=feeding.stdin))

    def ended(self, shell: str) -> None:
        session = self.sessions.pop(shell, None)
        if session is not None:
            _finish(session)

    def _session(self, shell: str) -> TwinHost:
        if shell not in self.sessions:
            host = self.twin.host(self.name)
            assert isinstance(host, TwinHost)
            self.sessions[shell] = host
        return self.sessions[shell]

    def _boots(self) -> int:
        return self.twin.machine(self.name).system.boots


def behind(twin: Twin, names: Iterable[str]) -> dict[str, Endpoint]:
    """An endpoint for each of these hosts of the twin."""
    found = {}
    for name in names:
        one = Behind(twin, name)
        one.endpoint = found[name] = Endpoint(runner=one.run, ended=one.ended)
    return found


def reached(estate: Estate, endpoints: dict[str, Endpoint]) -> Estate:
    """The estate with these hosts reached through their endpoints."""
    hosts = {
        name: replace(
            host,
            connect=Connect(
                "winrm",
                address="127.0.0.1",
                port=endpoints[name].port,
                user=endpoints[name].user,
                password="env:LAB",
                auth="ntlm",
                tls=False,
            ),
        )
        if name in endpoints
        else host
        for name, host in estate.hosts.items()
    }
    return replace(estate, hosts=hosts)


def _finish(session: TwinHost) -> None:
    try:
        session.close().send(None)
    except StopIteration:
        return
    raise AssertionError("the twin waited for something")
