"""Backups taken and used on a twin, as the runner does it: looked at, begun with what was seen, acted, looked at."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from tests.support import virtual_time
from tests.support.acting import NoSecrets
from tests.support.twins import SERVICE, Console, a_twin

from handrail.actions import build
from handrail.actions.protocol import ActFailed, Action, InDoubt, Observation, Receipt
from handrail.errors import HostUnreachable
from handrail.hosts.protocol import Command, Lost, Outcome
from handrail.twin.host import TwinHost
from handrail.twin.mechanisms import files
from handrail.twin.things import Entry
from handrail.twin.world import Twin

T = TypeVar("T")


def a_receipt(step: str, before: Observation | None = None, attempt: int = 1) -> Receipt:
    seen = {"state": before.state, "evidence": before.evidence} if before else {}
    return Receipt("run-1", step, attempt, NoSecrets(), "2026-11-20T22:00:00Z", seen)


class Site:
    """A twin whose Synchronization Service is stopped, and one of its hosts."""

    def __init__(self, host: str = "sync01", twin: Twin | None = None) -> None:
        self.twin = twin or a_twin()
        self.name = host
        self.console = Console(self.twin, host)
        Console(self.twin)("sc", "stop", SERVICE)

    def look(self, action: Action, step: str = "step", before: Observation | None = None) -> Observation:
        return virtual_time.run(action.observe(self.console.host, a_receipt(step, before)))

    def act(self, action: Action, step: str = "step", before: Observation | None = None) -> None:
        virtual_time.run(action.act(self.console.host, a_receipt(step, before)))

    def do(self, action: Action, step: str = "step") -> Observation:
        before = self.look(action, step)
        assert before.state == "not_done", before
        self.act(action, step, before)
        return self.look(action, step, before)

    def done(self, uses: str, with_: Mapping[str, Any], step: str) -> tuple[Action, Observation]:
        action = build(uses, with_)
        seen = self.do(action, step)
        assert seen.state == "done", seen
        return action, seen

    # -- the world, behind the back of every action -------------------------------------------------------------

    def file(self, path: str) -> Entry | None:
        return self.twin.machine(self.name).get(Entry, path)

    def put(self, path: str, text: str, read_only: bool = False) -> None:
        def work(machine: Any) -> None:
            entry = replace(files.of_bytes(path, text.encode(), machine.stamp()), read_only=read_only)
            files.plant(machine, entry)

        self.twin.transact(self.name, "somebody", work)

    def lose(self, path: str) -> None:
        self.twin.transact(self.name, "somebody", lambda machine: machine.drop(Entry, path))

    def content(self, folder: str) -> dict[str, str]:
        """Every file below a folder and its hash."""
        machine = self.twin.machine(self.name)
        return {one.path.lower(): one.sha256 for one in files.below(machine, folder) if not one.folder}


class CutHost:
    """A host whose line breaks at its operation number `at`: `before` it is done, or `after`. Then it stays silent,
    as it is to a program that was killed."""

    def __init__(self, host: TwinHost, at: int, when: str) -> None:
        self._host, self._at, self._when = host, at, when
        self.name, self.windows = host.name, host.windows
        self.operations = 0
        self.broken = False

    async def _do(self, work: Callable[[], Awaitable[T]]) -> T:
        self.operations += 1
        if self.broken or (self.operations == self._at and self._when == "before"):
            self.broken = True
            raise HostUnreachable(f"{self.name} does not answer.")
        done = await work()
        if self.operations == self._at:
            self.broken = True
            raise HostUnreachable(f"{self.name} does not answer.")
        return done

    async def execute(self, command: Command) -> Outcome:
        try:
            return await self._do(lambda: self._host.execute(command))
        except HostUnreachable as gone:
            return Lost(str(gone))

    async def read(self, path: str) -> bytes:
        return await self._do(lambda: self._host.read(path))

    async def write(self, path: str, data: bytes) -> None:
        await self._do(lambda: self._host.write(path, data))

    async def put(self, source: Path, path: str) -> None:
        await self._do(lambda: self._host.put(source, path))

    async def get(self, path: str, target: Path) -> None:
        await self._do(lambda: self._host.get(path, target))

    async def boot_id(self) -> str:
        return await self._do(self._host.boot_id)

    async def close(self) -> None:
        await self._host.close()


def cut_anywhere(prepare: Callable[[], tuple[Site, Action]], most: int = 80) -> Iterator[tuple[str, Site]]:
    """For every operation of acting, lost before it and after it: the site, once the action was settled and gone on
    with as a resumed run does it."""
    for when in ("before", "after"):
        for at in range(1, most):
            site, action = prepare()
            before = site.look(action)
            assert before.state == "not_done", before
            host = CutHost(site.console.host, at, when)
            with suppress(InDoubt, ActFailed):
                virtual_time.run(action.act(host, a_receipt("step", before)))
            again = site.look(action, "step", before)
            assert again.state in ("done", "not_done"), again
            if again.state == "not_done":
                site.act(action, "step", before)
            after = site.look(action, "step", before)
            assert after.state == "done", (when, at, after)
            yield f"{when} {at}", site
            if not host.broken:
                break
        else:
            raise AssertionError("acting never came to its end")
