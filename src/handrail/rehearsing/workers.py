"""Workers of a simulated run: each a real runner, on a journal and hosts that fail it as a seed demands.

A dead worker does nothing any more: whatever of it comes to a host or the journal afterwards is cancelled there. One
that stands still stays where it is, and goes on later as if nothing had been.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NoReturn, Protocol, TypeVar

from handrail.errors import HostUnreachable, StoreLocked, StoreUnwritable
from handrail.hosts.protocol import Command, Exited, Host, Lost, Outcome, TimedOut
from handrail.model.journal import Entry, Event
from handrail.model.plan import Step
from handrail.rehearsing.memory import MemoryJournal, ReachedJournal
from handrail.rehearsing.mishaps import WAYS, Mishap
from handrail.rehearsing.upset import Upset
from handrail.running.chain import Head
from handrail.running.protocol import Item
from handrail.twin.host import TwinHost, shown
from handrail.twin.mechanisms import booting
from handrail.twin.world import Twin

T = TypeVar("T")
Call = Literal["take-over", "turn-back"]

_UNTRUE = ("succeeds-undone", "fails-done")
_UNDONE = ("restarts", "lost-undone", "times-out-undone")

RESTART = 180.0
"""Seconds for which a host answers to nobody while it restarts."""


class Calls(Protocol):
    """Who looks after the workers."""

    def call(self, what: Call, worker: Worker) -> None: ...


class Worker:
    def __init__(self, number: int, upset: Upset, twin: Twin, journal: MemoryJournal, calls: Calls) -> None:
        self.number = number
        self.upset = upset
        self.twin = twin
        self.alive = True
        self.task: asyncio.Task[Any] | None = None
        self.journal = WorkersJournal(self, journal)
        self._calls = calls
        self._awake = asyncio.Event()
        self._awake.set()
        self._hosts: dict[str, WorkersHost] = {}
        self._closing: set[asyncio.Task[None]] = set()

    @property
    def stands_still(self) -> bool:
        return not self._awake.is_set()

    def host(self, name: str) -> Host:
        if name not in self._hosts:
            self._hosts[name] = WorkersHost(self, self.twin.host(name))
        return self._hosts[name]

    async def play(self, step: Step) -> str:
        """People say yes, and do what they are asked to, once."""
        await asyncio.sleep(self.upset.latency("people"))
        await self.gate()
        if step.kind == "hold":
            return "yes"
        if all(effect.command != f"person: {step.id}" for effect in self.twin.effects()):
            return self.twin.play(step)
        return "done"

    async def gate(self) -> None:
        """Where a worker that stands still waits, and a dead one ends."""
        await self._awake.wait()
        if not self.alive:
            raise asyncio.CancelledError

    def die(self) -> NoReturn:
        self.end()
        raise asyncio.CancelledError

    def end(self) -> None:
        """Its lines break, and with each the logon session on the host."""
        self.alive = False
        self._awake.set()
        if self.task is not None:
            self.task.cancel()
        for host in self._hosts.values():
            self._closing.add(asyncio.get_running_loop().create_task(host.end_session()))

    def stand_still(self, seconds: float) -> None:
        self._awake.clear()
        asyncio.get_running_loop().call_later(seconds, self._wake)
        self._calls.call("take-over", self)

    def _wake(self) -> None:
        if self.alive and self.stands_still:
            self.upset.tell(f"worker {self.number} goes on")
        self._awake.set()

    def suffers(self, mishap: Mishap, where: str) -> None:
        self.upset.tell(f"worker {self.number} {WAYS[mishap.way].says} ({where})")

    def call(self, what: Call) -> None:
        self._calls.call(what, self)


class WorkersJournal(ReachedJournal):
    """The one journal, as one worker reaches it."""

    def __init__(self, worker: Worker, journal: MemoryJournal) -> None:
        super().__init__(journal)
        self._worker = worker

    def add(self, run: str, lane: str, entry: Entry) -> Event:
        made = self._write(f"{entry.kind} of {entry.step}", lambda: [self._journal.add(run, lane, entry)])
        self._worker.upset.noted(made[0])
        return made[0]

    def take(self, run: str, wanted: Sequence[str], data: Mapping[str, Any]) -> tuple[dict[str, Head], list[Event]]:
        heads: dict[str, Head] = {}

        def work() -> list[Event]:
            found, taken = self._journal.take(run, wanted, data)
            heads.update(found)
            self._worker.upset.took(self._worker.number, taken)
            return taken

        made = self._write("taking the lanes over", work)
        return heads, made

    async def append(self, run: str, heads: Mapping[str, Head], items: Iterable[Item]) -> list[Event]:
        worker, several = self._worker, list(items)
        await asyncio.sleep(worker.upset.latency("journal"))
        await worker.gate()
        mishap = self._before(_named(several))
        await worker.gate()
        made = self._journal.append_now(run, heads, several)
        worker.upset.wrote(worker.number, made)
        self._after(mishap, _named(several))
        await worker.gate()
        return made

    def _write(self, what: str, work: Callable[[], list[Event]]) -> list[Event]:
        mishap = self._before(what)
        made = work()
        self._after(mishap, what)
        return made

    def _before(self, what: str) -> Mishap | None:
        worker = self._worker
        mishap = worker.upset.next("write")
        if mishap is None:
            return None
        if mishap.way not in ("killed-after-write", "paused-after-write"):
            worker.suffers(mishap, what)
        match mishap.way:
            case "killed-before-write":
                worker.die()
            case "paused-before-write":
                worker.stand_still(mishap.seconds)
            case "second-worker":
                worker.call("take-over")
            case "turned-back":
                worker.call("turn-back")
                worker.die()
            case "store-full":
                raise StoreUnwritable("The store cannot grow: the disk is full.")
        return mishap

    def _after(self, mishap: Mishap | None, what: str) -> None:
        if mishap is not None and mishap.way == "killed-after-write":
            self._worker.suffers(mishap, what)
            self._worker.die()
        if mishap is not None and mishap.way == "paused-after-write":
            self._worker.suffers(mishap, what)
            self._worker.stand_still(mishap.seconds)


def _named(items: Sequence[Item]) -> str:
    return ", ".join(f"{entry.kind} of {entry.step}" if entry.step else entry.kind for _, entry in items)


class WorkersHost:
    """A line of one worker to a host of the twin. What is lost on it, or said untruly, is so for this worker alone;
    silence and restarts are everybody's."""

    def __init__(self, worker: Worker, host: Host) -> None:
        self.name = host.name
        self.windows = host.windows
        self._worker = worker
        self._host = host

    async def execute(self, command: Command) -> Outcome:
        async def work(mishap: Mishap | None) -> Outcome:
            if mishap is not None and mishap.way == "succeeds-undone":
                return Exited(0)
            outcome = await self._host.execute(command)
            if mishap is not None and mishap.way == "fails-done":
                return Exited(1)
            return outcome

        def lost(mishap: Mishap | None) -> Outcome:
            if mishap is not None and mishap.way.startswith("times-out"):
                return TimedOut(command.timeout)
            return Lost("the line was lost")

        return await self._through(shown(command), work, lost, command)

    async def read(self, path: str) -> bytes:
        return await self._plainly(f"reading {path}", lambda: self._host.read(path))

    async def write(self, path: str, data: bytes) -> None:
        await self._plainly(f"writing {path}", lambda: self._host.write(path, data))

    async def put(self, source: Path, path: str) -> None:
        await self._plainly(f"writing {path}", lambda: self._host.put(source, path))

    async def get(self, path: str, target: Path) -> None:
        await self._plainly(f"reading {path}", lambda: self._host.get(path, target))

    async def boot_id(self) -> str:
        return await self._plainly("its boot id", self._host.boot_id)

    async def close(self) -> None:
        await self._host.close()

    async def end_session(self) -> None:
        await self._host.close()

    async def _plainly(self, what: str, ask: Callable[[], Awaitable[T]]) -> T:
        async def work(mishap: Mishap | None) -> T:  # noqa: ARG001
            return await ask()

        def lost(mishap: Mishap | None) -> T:  # noqa: ARG001
            raise HostUnreachable(f"{self.name} cannot be reached: the line was lost.")

        return await self._through(what, work, lost, None)

    async def _through(
        self,
        what: str,
        work: Callable[[Mishap | None], Awaitable[T]],
        lost: Callable[[Mishap | None], T],
        command: Command | None,
    ) -> T:
        worker = self._worker
        if worker.stands_still:
            # It would ask the journal whose the lane is when it goes on, and not before: another has taken it by then.
            await worker.gate()
            raise StoreLocked(f"Another process has taken {self.name} over; this one has stopped.")
        await asyncio.sleep(worker.upset.latency(self.name))
        # What is under way reaches its host, also when its worker stands still by then.
        if not worker.alive:
            raise asyncio.CancelledError
        mishap = worker.upset.next("command", lambda one: one.way not in _UNTRUE or self._changes(command))
        if mishap is not None:
            worker.suffers(mishap, f"{self.name}: {what}")
            match mishap.way:
                case "killed-before-command":
                    worker.die()
                case "silent":
                    worker.upset.silence(self.name, mishap.seconds)
                case "restarts":
                    worker.twin.transact(self.name, "it restarts", booting.restart)
                    worker.upset.silence(self.name, RESTART)
            if mishap.way in _UNDONE:
                return lost(mishap)
        if worker.upset.is_silent(self.name):
            return lost(None)
        answer = await work(mishap)
        if mishap is not None:
            if mishap.way == "killed-after-command":
                worker.die()
            if mishap.way in ("lost-done", "times-out-done"):
                return lost(mishap)
        await worker.gate()
        return answer

    def _changes(self, command: Command | None) -> bool:
        """Whether the command changes anything, seen on a fork: an untruth about anything else would be no fault of
        the command."""
        if command is None or not isinstance(self._host, TwinHost):
            return False
        fork = self._worker.twin.fork()
        before = len(fork.effects())
        trying = self._host.on(fork).execute(command)
        try:
            trying.send(None)
        except StopIteration:
            return len(fork.effects()) > before
        except Exception:
            return False
        finally:
            trying.close()
        return False
