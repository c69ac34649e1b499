"""One process of a rehearsal that carries a run on, from when it takes the lanes over until it ends or is struck dead.

The runner, its scheduler, carrier and actions are those of production. What it speaks to is pretended: a twin, a
journal in memory, a virtual clock. Between them and the runner stands a `Strike`, which sees every commit and every
call to a host, and may make of it whatever a fault is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from handrail.actions import build as build_action
from handrail.actions.protocol import Action, Evidence, Observation, Receipt
from handrail.errors import HandrailError, HostUnreachable, StoreError, StoreLocked
from handrail.hosts.protocol import Command, Host, Lost, Outcome
from handrail.model.journal import Entry, Event, RunStatus
from handrail.model.plan import Plan, Step
from handrail.rehearsing import virtual_time
from handrail.rehearsing.memory import MemoryJournal, ReachedJournal
from handrail.rehearsing.staging import WHO, SameSecrets
from handrail.rehearsing.virtual_time import VirtualClock
from handrail.running.carrying import Build
from handrail.running.chain import Head
from handrail.running.protocol import Item
from handrail.running.runner import Runner, Settings
from handrail.running.scheduler import Schedule
from handrail.running.status import schedule_of
from handrail.twin.host import LinuxTwinHost, TwinHost
from handrail.twin.world import Twin

Phase = Literal["observe", "act"]


class Killed(BaseException):
    """The process is gone, in the middle of whatever it did. No `except Exception` of the runner may hear of it."""


class Reached(BaseException):
    """All is as it should be: there is nothing more to see, and the process is let go."""


class Gone(StoreError):
    """What waits for a commit of a process that is gone hears this; nobody is left to hear more."""


@dataclass(slots=True)
class Stage:
    """A run at one moment: its twin, its journal, its time. `build`: makes its actions."""

    plan: Plan
    run: str
    twin: Twin
    journal: MemoryJournal
    clock: VirtualClock
    build: Build = build_action
    secrets: SameSecrets = field(default_factory=SameSecrets)
    known: Schedule | None = None
    """How the run stands, as the process that wrote last had it; None when it has to be read from the journal."""

    def fork(self) -> Stage:
        """The same moment, going on by itself."""
        clock = self.clock.fork()
        return Stage(
            self.plan,
            self.run,
            self.twin.fork(clock),
            self.journal.fork(clock),
            clock,
            self.build,
            self.secrets,
            self.known,
        )

    def schedule(self) -> Schedule:
        """Not to be told anything by the caller."""
        if self.known is None:
            self.known = schedule_of(self.journal, self.run, self.plan)
        return self.known

    def status(self) -> RunStatus:
        return self.schedule().status(self.run, self.plan.digest)

    def passes(self, seconds: float) -> None:
        self.clock.passed += seconds


@dataclass(frozen=True, slots=True)
class Call:
    """Something that an action asks of a host: the `number`-th (from 1) while it observes or acts for this attempt.
    `command` is None for what is no command, such as reading a file."""

    step: str
    attempt: int
    phase: Phase
    number: int
    host: str
    verb: str
    what: str
    command: Command | None
    make: Callable[[Host], Awaitable[Any]]


class Strike:
    """What comes between a process and its world. This one lets everything pass."""

    def before(self, life: Life, entry: Entry) -> None:
        """About to be committed."""

    def after(self, life: Life, entry: Entry) -> None:
        """Just committed."""

    async def call(self, life: Life, call: Call) -> Any:
        return await life.perform(call)

    def played(self, life: Life, step: Step) -> None:
        """A person has done what the step asks for; the answer is not written yet."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a process ended. `killed`; `reached`: what was waited for has come; `refused`: another one has taken its
    lanes; `stuck`: it would never have ended, and why; or `ended`: nothing was left that it could do."""

    kind: Literal["ended", "killed", "reached", "refused", "stuck"]
    because: str = ""


Until = Callable[[Stage, Event, Schedule], bool]
"""Told of every commit; true lets the process go."""


class Life:
    """One process. `at` is what its one busy step does now."""

    def __init__(self, stage: Stage, strike: Strike | None = None, until: Until | None = None) -> None:
        self.stage = stage
        self.strike = strike or Strike()
        self.dead = False
        self.at: tuple[str, int, Phase] = ("", 0, "observe")
        self._until = until
        self._count = 0
        self._lines: dict[str, _Line] = {}
        self._silent: dict[str, float] = {}

    def kill(self) -> None:
        self.dead = True
        raise Killed

    def alive(self) -> None:
        if self.dead:
            raise Killed

    def silence(self, host: str, seconds: float) -> None:
        """From now on the host answers to nothing, for so long."""
        self._silent[host] = self.stage.clock.passed + seconds

    async def perform(self, call: Call, twin: Twin | None = None) -> Any:
        """Have the call made: on our twin, or in the same session on a fork of it."""
        session = self._lines[call.host].session
        if twin is not None and isinstance(session, TwinHost):
            return await call.make(session.on(twin))
        return await call.make(session)

    async def carry_out(self) -> Ending:
        """Go on with the run until nothing more can be done, or something else ends it."""
        stage = self.stage
        stage.known = None
        runner = Runner(
            _Pen(self, stage.journal),
            stage.run,
            stage.plan,
            hosts=self._host,
            build=self._build,
            secrets=stage.secrets,
            who=WHO,
            clock=stage.clock,
            people=self._play,
            progress=self._seen,
            settings=Settings(parallel=1, in_order=True),
        )
        try:
            await runner.carry_out()
            stage.known = runner.schedule
        except (Killed, Gone):
            return Ending("killed")
        except Reached:
            stage.known = runner.schedule
            return Ending("reached")
        except StoreLocked as error:
            return Ending("refused", str(error))
        finally:
            # Whoever is gone has lost its line; the host ends the sessions.
            for line in self._lines.values():
                await line.session.close()
        return Ending("ended")

    # -- what the runner is given -------------------------------------------------------------------------------

    def _host(self, name: str) -> Host:
        if name not in self._lines:
            self._lines[name] = _Line(self, self.stage.twin.host(name))
        return self._lines[name]

    def _build(self, uses: str, with_: Mapping[str, Any]) -> Action:
        return _Told(self.stage.build(uses, with_), self)  # type: ignore[return-value]  # it has what the action has

    async def _play(self, step: Step) -> str | None:
        self.alive()
        if step.kind == "hold":
            return "yes"
        answer = "done"
        if all(effect.command != f"person: {step.id}" for effect in self.stage.twin.effects()):
            answer = self.stage.twin.play(step)
        self.strike.played(self, step)
        return answer

    def _seen(self, event: Event, schedule: Schedule) -> None:
        if self._until is not None and self._until(self.stage, event, schedule):
            self.dead = True
            raise Reached

    @contextmanager
    def told(self, receipt: Receipt, phase: Phase) -> Iterator[None]:
        was, counted = self.at, self._count
        self.at, self._count = (receipt.step, receipt.attempt, phase), 0
        try:
            yield
        finally:
            self.at, self._count = was, counted

    async def asked(
        self, host: str, verb: str, what: str, command: Command | None, make: Callable[[Host], Awaitable[Any]]
    ) -> Any:
        self.alive()
        if self._silent.get(host, -1.0) > self.stage.clock.passed:
            return silent(host, verb)
        self._count += 1
        step, attempt, phase = self.at
        result = await self.strike.call(self, Call(step, attempt, phase, self._count, host, verb, what, command, make))
        self.alive()
        return result


def silent(host: str, verb: str) -> Outcome:
    """No answer: a command is lost, anything else fails for want of a line."""
    if verb == "execute":
        return Lost("the line was lost")
    raise HostUnreachable(f"{host} does not answer.", "Ask again: handrail resume.")


class _Line:
    """A connection as a process sees it: each call passes by the strike."""

    def __init__(self, life: Life, session: TwinHost | LinuxTwinHost) -> None:
        self._life = life
        self.session = session
        self.name = session.name
        self.windows = session.windows

    async def execute(self, command: Command) -> Outcome:
        what = " ".join(command.argv)
        result: Outcome = await self._life.asked(self.name, "execute", what, command, lambda on: on.execute(command))
        return result

    async def read(self, path: str) -> bytes:
        result: bytes = await self._life.asked(self.name, "read", path, None, lambda on: on.read(path))
        return result

    async def write(self, path: str, data: bytes) -> None:
        await self._life.asked(self.name, "write", path, None, lambda on: on.write(path, data))

    async def put(self, source: Path, path: str) -> None:
        await self._life.asked(self.name, "put", path, None, lambda on: on.put(source, path))

    async def get(self, path: str, target: Path) -> None:
        await self._life.asked(self.name, "get", path, None, lambda on: on.get(path, target))

    async def boot_id(self) -> str:
        result: str = await self._life.asked(self.name, "boot_id", "", None, lambda on: on.boot_id())
        return result

    async def close(self) -> None:
        """Ends with the process."""


class _Told:
    """An action that says when it observes and when it acts."""

    def __init__(self, action: Action, life: Life) -> None:
        self._action = action
        self._life = life

    def __getattr__(self, name: str) -> Any:
        return getattr(self._action, name)

    async def observe(self, host: Host, receipt: Receipt) -> Observation:
        with self._life.told(receipt, "observe"):
            return await self._action.observe(host, receipt)

    async def act(self, host: Host, receipt: Receipt) -> Evidence:
        with self._life.told(receipt, "act"):
            return await self._action.act(host, receipt)


class _Pen(ReachedJournal):
    """The journal as a process sees it: of one that is gone nothing is written any more."""

    def __init__(self, life: Life, journal: MemoryJournal) -> None:
        super().__init__(journal)
        self._life = life

    def add(self, run: str, lane: str, entry: Entry) -> Event:
        self._life.alive()
        return self._journal.add(run, lane, entry)

    def take(self, run: str, wanted: Sequence[str], data: Mapping[str, Any]) -> tuple[dict[str, Head], list[Event]]:
        self._life.alive()
        return self._journal.take(run, wanted, data)

    async def append(self, run: str, heads: Mapping[str, Head], items: Iterable[Item]) -> list[Event]:
        listed = list(items)
        try:
            self._life.alive()
            for _, entry in listed:
                self._life.strike.before(self._life, entry)
            made = await self._journal.append(run, heads, listed)
            for _, entry in listed:
                self._life.strike.after(self._life, entry)
        except Killed:
            raise Gone("The process is gone.") from None
        return made


def live(stage: Stage, strike: Strike | None = None, until: Until | None = None) -> Ending:
    """Let a process carry the run on, in virtual time."""
    life = Life(stage, strike, until)

    async def alone() -> Ending:
        # What a killed process leaves behind in tasks is nobody's business.
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        return await life.carry_out()

    try:
        return virtual_time.run(alone(), stage.clock)
    except (virtual_time.Stuck, virtual_time.Endless) as error:
        return Ending("stuck", error.message)
    except HandrailError as error:
        return Ending("stuck", str(error))
