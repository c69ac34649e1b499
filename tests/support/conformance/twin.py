"""The twin as a place for cases: a host without any product, and the media of Lab Server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.support.conformance.case import State

from handrail.documents.estate import read_estate
from handrail.hosts.protocol import Command, Exited, Host
from handrail.twin.declarations import read_declarations
from handrail.twin.mechanisms import booting, files, software
from handrail.twin.raising import raise_in_memory
from handrail.twin.things import Entry, Process, Software
from handrail.twin.world import Twin

HOST = "lab01"
_HERE = Path(__file__).parent


class OnTwin:
    name = "the twin"
    wine = False

    def __init__(self) -> None:
        declared = read_declarations({"lab-server": _HERE / "lab-server.yaml"})
        self._raised = raise_in_memory(read_estate(_HERE / "lab-estate.yaml").estate, declared)
        self._open(self._raised.fork())

    def _open(self, twin: Twin) -> None:
        self._twin = twin
        self.host: Host = twin.host(HOST)

    async def fresh(self, state: State) -> None:
        self._open(self._raised.fork())
        await self._do("cmd", "/c", "mkdir", r"C:\conform")
        if state != "absent":
            await self._do("msiexec", "/i", r"C:\lab-media\SP2\lab.msi", "/qn")
        if state == "sp3":
            patch = ("REINSTALL=ALL", "REINSTALLMODE=emus")
            await self._do("msiexec", "/p", r"C:\lab-media\SP3.msp", *patch, "/qn")

    async def _do(self, *argv: str) -> None:
        outcome = await self.host.execute(Command(argv))
        assert isinstance(outcome, Exited) and outcome.code == 0, (argv, outcome)

    async def restart(self) -> None:
        self._twin.transact(HOST, "restart", lambda machine: booting.restart(machine))

    async def version_in(self, path: str) -> str:
        entry = files.find(self._twin.machine(HOST), path)
        assert isinstance(entry, Entry)
        return entry.version

    @asynccontextmanager
    async def held(self, path: str) -> AsyncIterator[None]:
        self._twin.transact(HOST, "open", lambda machine: machine.put("reader", Process("reader", (path,))))
        try:
            yield
        finally:
            self._twin.transact(HOST, "close", lambda machine: machine.drop(Process, "reader"))

    async def without_runtime(self, missing: bool) -> None:
        if missing:
            self._twin.transact(HOST, "remove", lambda machine: machine.drop(Software, "lab-runtime"))
        else:
            self._twin.transact(HOST, "install", lambda machine: software.lay(machine, "lab-runtime", "1.0"))
