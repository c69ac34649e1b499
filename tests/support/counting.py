"""A pretend host on a folder, and small actions on it whose every effect is counted in a file.

FOLDER/effects     one line per effect, appended: the ground truth of what took effect how often
FOLDER/HOST.json   what is set on a host
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from handrail.actions.parameters import parameters_of
from handrail.actions.protocol import ActFailed, Action, Evidence, InDoubt, Observation, Receipt, Secrets
from handrail.documents.plan import freeze
from handrail.errors import HostUnreachable
from handrail.hosts.protocol import Command, Host, Outcome
from handrail.model.estate import Estate, Whose
from handrail.model.finding import Citation
from handrail.model.plan import Plan, Step
from handrail.model.signature import Kind, Settles, Signature
from handrail.running.carrying import Patience
from handrail.running.fencing import FencedHost
from handrail.running.home import Home
from handrail.running.journal import Watch
from handrail.running.quiet import QuietHost
from handrail.running.runner import Settings
from handrail.running.session import Session, open_session
from handrail.running.transcripts import TranscribedHost

OURS = Citation("ours", "tests")
QUICK = Settings(poll=0.02, patience=Patience(pauses=(0.0,)))


class CountingHost:
    """Answers no commands: the actions here read and write its folder themselves."""

    windows = False

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = folder

    def get_state(self) -> dict[str, Any]:
        path = self.folder / f"{self.name}.json"
        state: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
        return state

    def set(self, name: str, value: Any) -> None:
        path = self.folder / f"{self.name}.json"
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps({**self.get_state(), name: value}))
        fresh.replace(path)

    def effect(self, what: str) -> None:
        with (self.folder / "effects").open("a", encoding="utf-8") as file:
            file.write(f"{self.name} {what}\n")
            file.flush()
            os.fsync(file.fileno())

    async def execute(self, command: Command) -> Outcome:
        raise NotImplementedError

    async def read(self, path: str) -> bytes:
        raise NotImplementedError

    async def write(self, path: str, data: bytes) -> None:
        raise NotImplementedError

    async def put(self, source: Path, path: str) -> None:
        raise NotImplementedError

    async def get(self, path: str, target: Path) -> None:
        raise NotImplementedError

    async def boot_id(self) -> str:
        return str(self.get_state().get("boots", 0))

    async def close(self) -> None:
        pass


def effects(folder: Path) -> Counter[str]:
    """What took effect, and how often."""
    path = folder / "effects"
    return Counter(path.read_text().splitlines()) if path.exists() else Counter()


class _Counted:
    settles: ClassVar[Settles] = "state"
    kind: ClassVar[Kind] = "do"
    revision: ClassVar[int] = 1
    destroys: ClassVar[bool] = False
    repeatable: ClassVar[bool] = False
    afresh: ClassVar[bool] = False
    lasting: ClassVar[bool] = False
    outputs: ClassVar[tuple[str, ...]] = ()
    platforms: ClassVar[tuple[str, ...]] = ("linux",)

    def undo(self, before: Observation) -> Action | None:
        return None


def machine(host: Host) -> CountingHost:
    """The counting host itself, fenced or not."""
    behind = host
    while isinstance(behind, FencedHost | QuietHost | TranscribedHost):
        behind = behind.behind
    assert isinstance(behind, CountingHost)
    return behind


@dataclass(frozen=True)
class Set(_Counted):
    """Set a value. `code` is what it claims (1 is a failure); `lies`: it claims so without having done it. `lost`: how
    often the line is lost after it took effect (`late`) or before it did."""

    name: str
    value: Any = True
    claims: int = 0
    lies: bool = False
    lost: int = 0
    lost_after: bool = False

    async def observe(self, host: Host, receipt: Receipt) -> Observation:
        state = machine(host).get_state()
        if state.get("silent"):
            raise HostUnreachable(f"{host.name} is silent")
        if self.name in state and state[self.name] == self.value:
            return Observation("done", f"{self.name} is set", outputs={"value": self.value})
        return Observation("not_done", f"{self.name} is {state.get(self.name)!r}", {"was": state.get(self.name)})

    async def act(self, host: Host, receipt: Receipt) -> Evidence:
        there = machine(host)
        if receipt.attempt <= self.lost and not self.lost_after:
            raise InDoubt("the line was lost")
        if not self.lies:
            there.effect(f"set {self.name}")
            there.set(self.name, self.value)
        if receipt.attempt <= self.lost:
            raise InDoubt("the line was lost")
        if self.claims:
            raise ActFailed(f"it ended with {self.claims}", Evidence(exit=self.claims))
        return Evidence(exit=0)


@dataclass(frozen=True)
class Note(_Counted):
    """Leave a receipt, as a backup does; it may be repeated."""

    settles: ClassVar[Settles] = "receipt"
    repeatable: ClassVar[bool] = True
    outputs: ClassVar[tuple[str, ...]] = ("file",)

    name: str

    async def observe(self, host: Host, receipt: Receipt) -> Observation:
        left = machine(host).get_state().get(receipt.name)
        if left is None:
            return Observation("not_done", "there is no receipt", {"started": False})
        return Observation("done", "its receipt is there", outputs={"file": left})

    async def act(self, host: Host, receipt: Receipt) -> Evidence:
        there = machine(host)
        there.effect(f"note {self.name}")
        there.set(receipt.name, f"{self.name}-{receipt.attempt}")
        return Evidence(exit=0)


@dataclass(frozen=True)
class Once(Note):
    """Leave a receipt that must not be left twice. `blind`: its receipt cannot be read."""

    repeatable: ClassVar[bool] = False

    blind: bool = False

    async def observe(self, host: Host, receipt: Receipt) -> Observation:
        if self.blind and machine(host).get_state().get("blind"):
            return Observation("unknown", "the receipt cannot be read")
        return await Note.observe(self, host, receipt)

    async def act(self, host: Host, receipt: Receipt) -> Evidence:
        if self.blind:
            machine(host).set("blind", True)
        return await Note.act(self, host, receipt)


@dataclass(frozen=True)
class Stubborn(_Counted):
    """Set a value, which fails with `log` as long as `needs` is not set; `uses_up`: and then unsets it again."""

    name: str
    needs: str
    log: str = "Insert disk: LABEL_X"
    uses_up: int = 0

    async def observe(self, host: Host, receipt: Receipt) -> Observation:
        done = machine(host).get_state().get(self.name)
        return Observation("done" if done else "not_done", f"{self.name}: {done}")

    async def act(self, host: Host, receipt: Receipt) -> Evidence:
        there = machine(host)
        state = there.get_state()
        if state.get(self.needs) is None or state.get("used", 0) < self.uses_up:
            there.set("used", state.get("used", 0) + 1)
            there.set(self.needs, None)
            raise ActFailed("it ended with 1603", Evidence(exit=1603, log=self.log))
        there.effect(f"set {self.name}")
        there.set(self.name, True)
        return Evidence(exit=0)


@dataclass(frozen=True)
class Check(_Counted):
    """Whether a value is set; an output says what it is."""

    kind: ClassVar[Kind] = "check"
    lasting: ClassVar[bool] = True
    outputs: ClassVar[tuple[str, ...]] = ("value",)

    name: str
    value: Any = True

    async def observe(self, host: Host, receipt: Receipt) -> Observation:
        found = machine(host).get_state().get(self.name)
        state = "done" if found == self.value else "not_done"
        return Observation(state, f"{self.name} is {found!r}", outputs={"value": found})  # type: ignore[arg-type]

    async def act(self, host: Host, receipt: Receipt) -> Evidence:
        raise NotImplementedError


@dataclass(frozen=True)
class Person(_Counted):
    """Something that a person does; it can be seen when `name` is given."""

    settles: ClassVar[Settles] = "person"
    kind: ClassVar[Kind] = "person"

    name: str = ""

    async def observe(self, host: Host, receipt: Receipt) -> Observation:
        if not self.name:
            return Observation("unknown", "nobody can see it")
        return await Set(self.name).observe(host, receipt)

    async def act(self, host: Host, receipt: Receipt) -> Evidence:
        raise NotImplementedError


@dataclass(frozen=True)
class Hold(Person):
    kind: ClassVar[Kind] = "hold"

    question: str = ""
    by: str = "anyone"


@dataclass(frozen=True)
class Barrier(Check):
    name: str = ""


@dataclass(frozen=True)
class Secret(Set):
    """Resolves a secret and says it everywhere it can."""

    reference: str = ""

    async def act(self, host: Host, receipt: Receipt) -> Evidence:
        value = receipt.secrets.resolve(self.reference)
        await Set.act(self, host, receipt)
        return Evidence(exit=0, log=f"password={value}", outputs={"said": value}, details={value: value})


ACTIONS: Mapping[str, type[Any]] = {
    "set": Set,
    "note": Note,
    "once": Once,
    "stubborn": Stubborn,
    "check": Check,
    "person.do": Person,
    "hold": Hold,
    "barrier": Barrier,
    "secret": Secret,
}


def build(uses: str, with_: Mapping[str, Any]) -> Action:
    made: Action = ACTIONS[uses](**with_)
    return made


def signatures() -> Mapping[str, Signature]:
    return {
        name: Signature(name, "", parameters_of(one), one.settles, one.kind, one.revision, repeatable=one.repeatable)
        for name, one in ACTIONS.items()
    }


def step(name: str, uses: str = "set", host: str | None = "a", **more: Any) -> Step:
    """A step named `name` that by default sets a value of that name."""
    with_ = more.pop("with_", {} if uses in ("hold", "barrier", "person.do") else {"name": name})
    kind = more.pop("kind", ACTIONS[uses].kind)
    lasting = more.pop("lasting", ACTIONS[uses].lasting)
    place = "-" if host is None else host
    return Step(
        f"it/app@{place}/2/{name}", name, f"it/app@{place}", host, uses, 1, kind, OURS, with_, lasting=lasting, **more
    )


def plan(*steps: Step, approvers: int = 0, holds: Whose = "anyone") -> Plan:
    estate = Estate("contoso", approvers=approvers, holds=holds)
    return freeze(Plan("", estate, {"it": "2"}, (), (), (), steps))


class Folder:
    """The target: hosts that all live in one folder. People are played when `play`."""

    def __init__(self, folder: Path, play: bool) -> None:
        self._folder = folder
        self.plays = play
        folder.mkdir(parents=True, exist_ok=True)

    def host(self, name: str) -> Host:
        return CountingHost(name, self._folder)

    async def play(self, step: Step) -> str | None:
        if not self.plays:
            return None
        return "yes" if step.kind == "hold" else "done"

    def secrets(self, real: Secrets) -> Secrets:
        return real

    async def close(self) -> None:
        pass


@contextmanager
def opening(
    home: Path,
    watch: Watch | None = None,
    *,
    play: bool = True,
    start: Mapping[str, Any] | None = None,
    **more: Any,
) -> Iterator[Session]:
    """A session whose both targets are the folder `home/hosts`; its hosts begin with the values of `start`."""

    def opener(plan: Plan, folder: Path, new: bool) -> Folder:
        hosts = Folder(home / "hosts", play)
        for name in {step.host for step in plan.steps if step.host}:
            there = CountingHost(name, home / "hosts")
            for key in (start or {}).keys() - there.get_state().keys():
                there.set(key, (start or {})[key])
        return hosts

    with open_session(
        Home(home / "home"),
        watch=watch,
        openers={"hosts": opener, "twin": opener},
        **{"build": build, "signatures": signatures(), **more},
    ) as session:
        yield session
