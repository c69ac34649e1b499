"""The twin as a place for cases: a host without any product, and the lab's media."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.lab.wine.packages import NEW, OLD, SYNC
from tests.support.conformance.case import State
from tests.support.conformance.installer import FOLDER, MARK, MEDIA, PACKAGE, PATCH

from handrail.documents.estate import read_estate
from handrail.hosts.protocol import Command, Exited, Host
from handrail.twin.declarations import (
    ComponentBits,
    Declarations,
    MediumBits,
    PackageBits,
    PatchBits,
    ServiceBits,
    SoftwareBits,
    TwinBits,
    Values,
    read_declarations,
)
from handrail.twin.mechanisms import booting, files, software
from handrail.twin.raising import raise_in_memory
from handrail.twin.things import Entry, Process, Software
from handrail.twin.world import Twin

HOST = "lab01"
RUNTIME = "lab-runtime"
_HERE = Path(__file__).parent


def _bits() -> TwinBits:
    """The packages that are built for Wine, as the twin is told of them."""
    service = ServiceBits(
        SYNC.service, SYNC.service_title, SYNC.programs[0], "LocalSystem", "demand", holds=("Bin\\*",), running=False
    )
    texts = {
        name: {"0.0.0.0": old.replace("\n", "\r\n"), NEW: new.replace("\n", "\r\n")}
        for name, (old, new) in SYNC.texts.items()
    }
    component = ComponentBits(
        package="sync",
        folder=FOLDER,
        files=SYNC.programs,
        texts=texts,
        services=(service,),
        registry=(Values(MARK + r"\Products", {SYNC.id: "{build}"}),),
    )
    package = PackageBits(
        SYNC.title, SYNC.package, MEDIA + r"\SP2", code=SYNC.code, bases=(OLD, NEW), requires={RUNTIME: "1.0"}
    )
    return TwinBits(
        "lab",
        packages={"sync": package},
        components={"sync": component},
        patches={
            "sp3": PatchBits("sync", builds=(OLD, NEW), requires={RUNTIME: "1.0"}),
            "other": PatchBits("sync", builds=("4.9.1.0",)),
        },
        media=(
            MediumBits(("msi",), is_={"package": "sync"}),
            MediumBits(("msp",), release=("sp3",), is_={"patch": "sp3"}),
            MediumBits(("msp",), release=("other",), is_={"patch": "other"}),
        ),
        software={RUNTIME: SoftwareBits()},
    )


class OnTwin:
    name = "the twin"
    wine = False
    bits = 32

    def __init__(self) -> None:
        declared = Declarations({"lab": _bits()}, read_declarations({}).windows)
        self._raised = raise_in_memory(read_estate(_HERE / "lab-estate.yaml").estate, declared)
        self._open(self._raised.fork())

    def _open(self, twin: Twin) -> None:
        self._twin = twin
        self.host: Host = twin.host(HOST)

    async def fresh(self, state: State) -> None:
        self._open(self._raised.fork())
        await self._do("cmd", "/c", "mkdir", r"C:\conform")
        if state != "absent":
            await self._do("msiexec", "/i", PACKAGE, "/qn")
        if state == "sp3":
            patch = ("REINSTALL=ALL", "REINSTALLMODE=emus")
            await self._do("msiexec", "/p", PATCH, *patch, "/qn")

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
            self._twin.transact(HOST, "remove", lambda machine: machine.drop(Software, RUNTIME))
        else:
            self._twin.transact(HOST, "install", lambda machine: software.lay(machine, RUNTIME, "1.0"))
