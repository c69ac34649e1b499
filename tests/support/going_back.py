"""Nobody's product on a counting host: steps that can be undone, backups that can be restored, steps that destroy.

A host's values are its assets: `wreck` sets one of them to something else, `save` secures one under its receipt,
`prove` reads what was secured, `put` puts it back.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, ClassVar

from tests.support import counting
from tests.support.counting import ACTIONS as PLAIN
from tests.support.counting import OURS, Check, Hold, Note, Set, machine

from handrail.actions.parameters import parameters_of
from handrail.actions.protocol import ActFailed, Action, Evidence, Observation, Receipt
from handrail.documents.plan import freeze
from handrail.hosts.protocol import Host
from handrail.model.estate import Estate
from handrail.model.plan import Fact, Hop, Plan, Step, WayBack
from handrail.model.signature import Kind, Signature
from handrail.running.journal import Watch
from handrail.running.session import Session


@dataclass(frozen=True)
class Turn(Set):
    """Set a value, and be able to set it back. It fails for the value that the host `refuses`."""

    async def act(self, host: Host, receipt: Receipt) -> Evidence:
        if self.value == machine(host).get_state().get("refuses"):
            raise ActFailed(f"{self.name} refuses to become {self.value}")
        return await Set.act(self, host, receipt)

    def undo(self, before: Observation) -> Action | None:
        back: Action = replace(self, value=before.evidence.get("was"))  # type: ignore[assignment]
        return back


@dataclass(frozen=True)
class Wreck(Set):
    """Set a value without being able to set it back."""

    destroys: ClassVar[bool] = True


@dataclass(frozen=True)
class Save(Note):
    """Secure a value under the receipt."""

    kind: ClassVar[Kind] = "back-up"
    outputs: ClassVar[tuple[str, ...]] = ("file", "bytes")

    async def observe(self, host: Host, receipt: Receipt) -> Observation:
        left = machine(host).get_state().get(receipt.name)
        if left is None:
            return Observation("not_done", "nothing is secured", {"started": False})
        return Observation("done", "it is secured", outputs={"file": receipt.name, "bytes": 1000})

    async def act(self, host: Host, receipt: Receipt) -> Evidence:
        there = machine(host)
        there.effect(f"save {self.name}")
        there.set(receipt.name, {"value": there.get_state().get(self.name)})
        return Evidence(exit=0)

    def restore(self, made: Mapping[str, Any]) -> tuple[Action, ...]:
        put: Any = Put(self.name, str(made["file"]))
        return (put,)


@dataclass(frozen=True)
class ProveSaved(Check):
    """Read what was secured."""

    kind: ClassVar[Kind] = "prove"
    lasting: ClassVar[bool] = False
    outputs: ClassVar[tuple[str, ...]] = ()

    file: str = ""

    async def observe(self, host: Host, receipt: Receipt) -> Observation:
        held = machine(host).get_state().get(self.file)
        if not isinstance(held, dict):
            return Observation("not_done", f"{self.file} cannot be read")
        return Observation("done", f"{self.file} is right")


@dataclass(frozen=True)
class Put(Set):
    """Put back what was secured."""

    destroys: ClassVar[bool] = True

    value: Any = ""

    async def observe(self, host: Host, receipt: Receipt) -> Observation:
        state = machine(host).get_state()
        held = state.get(self.value)
        if isinstance(held, dict) and state.get(self.name) == held["value"]:
            return Observation("done", f"{self.name} is as it was secured")
        return Observation("not_done", f"{self.name} is not as it was secured")

    async def act(self, host: Host, receipt: Receipt) -> Evidence:
        there = machine(host)
        there.effect(f"put {self.name}")
        there.set(self.name, there.get_state()[self.value]["value"])
        return Evidence(exit=0)


@dataclass(frozen=True)
class Seal(Note):
    """Lock what was secured away. What is locked away is opened, used and locked away again."""

    kind: ClassVar[Kind] = "do"

    file: str = ""

    def restore(self, made: Mapping[str, Any]) -> tuple[Action, ...]:
        unseal: Any = Turn(f"{self.name} sealed", False)
        seal: Any = Turn(f"{self.name} sealed", True)
        return (unseal, seal)


ACTIONS: Mapping[str, type[Any]] = {
    **PLAIN,
    "turn": Turn,
    "wreck": Wreck,
    "save": Save,
    "prove": ProveSaved,
    "put": Put,
    "seal": Seal,
    "restore": Hold,
}


def build(uses: str, with_: Mapping[str, Any]) -> Action:
    made: Action = ACTIONS[uses](**with_)
    return made


def described(action: Action) -> tuple[str, dict[str, Any]]:
    name = next(name for name, one in ACTIONS.items() if one is type(action))
    values = {one.name: getattr(action, one.name) for one in fields(action) if getattr(action, one.name) != one.default}  # type: ignore[arg-type]
    return name, values


SIGNATURES: Mapping[str, Signature] = {
    name: Signature(
        name,
        "",
        parameters_of(one),
        one.settles,
        one.kind,
        one.revision,
        reversible=one is Turn,
        repeatable=one.repeatable,
        destroys=one.destroys,
        restores=one in (Save, Seal),
        lasting=one.lasting,
    )
    for name, one in ACTIONS.items()
}


def step(id: str, uses: str, host: str | None = "a", **more: Any) -> Step:
    """A step by its whole id, `it/app@a/2/NAME`."""
    kind = more.pop("kind", ACTIONS[uses].kind)
    return Step(id, id.rpartition("/")[2], id.rsplit("/", 2)[0], host, uses, 1, kind, OURS, takes=60.0, **more)


def hop(host: str = "a", to: str = "2", after: tuple[str, ...] = (), asset: str = "") -> tuple[list[Step], list[Step]]:
    """A hop of the product on a host and its way back: look, note down, stop, save, prove, wreck, start, look."""
    subject, data = f"it/app@{host}", asset or f"it/app@{host}#data"
    at = f"{subject}/{to}"
    back = (f"{at}/back-stop", f"{at}/back-data", f"{at}/back-files")
    way = WayBack("restore", (f"{at}/prove",), back)
    steps = [
        step(f"{at}/build", "check", host, with_={"name": "build", "value": str(int(to) - 1)}, after=after),
        step(f"{at}/stage", "set", host, with_={"name": f"staged-{to}"}, after=(f"{at}/build",)),
        step(f"{at}/stop", "turn", host, with_={"name": "runs", "value": False}, after=(f"{at}/stage",),
             way_back=WayBack("undo"), downtime=True),
        step(f"{at}/save", "save", host, with_={"name": "data"}, after=(f"{at}/stop",), protects=(data,)),
        step(f"{at}/prove", "prove", host, with_={"name": "data", "file": {"late": f"{at}/save.file"}},
             after=(f"{at}/save",), protects=(data,), proves=(data, f"{subject}#files")),
        step(f"{at}/wreck", "wreck", host, with_={"name": "data", "value": f"data of {to}"}, after=(f"{at}/prove",),
             changes=(data,), way_back=way, leaves=(Fact(f"{subject}.build", to),)),
        step(f"{at}/files", "wreck", host, with_={"name": "build", "value": to}, after=(f"{at}/wreck",),
             changes=(f"{subject}#files",), way_back=way),
        step(f"{at}/start", "turn", host, with_={"name": "runs", "value": True}, after=(f"{at}/files",),
             way_back=WayBack("undo")),
        step(f"{at}/look", "check", host, with_={"name": "runs"}, after=(f"{at}/start",)),
    ]  # fmt: skip
    rear = [
        step(back[0], "turn", host, with_={"name": "runs", "value": False}),
        step(back[1], "restore", host, with_={"asset": data}, after=(back[0],), changes=(data,)),
        step(back[2], "wreck", host, with_={"name": "build", "value": str(int(to) - 1)}, after=(back[1],),
             changes=(f"{subject}#files",)),
    ]  # fmt: skip
    return steps, rear


def plan(*hops: tuple[list[Step], list[Step]], **more: Any) -> Plan:
    steps = [one for each, _ in hops for one in each]
    back = [one for _, each in hops for one in each]
    made = dict.fromkeys((one.installation, one.id.rsplit("/", 2)[1]) for one in steps)
    told = tuple(
        Hop(subject, str(int(to) - 1), to, "in-place", "It is so.", OURS) for subject, to in made if to.isdigit()
    )
    return freeze(Plan("", Estate("contoso"), {"it": "2"}, (), (), told, tuple(steps), back=tuple(back), **more))


START: Mapping[str, Any] = {"runs": True, "data": "data of 1", "build": "1"}


def opening(
    home: Path, watch: Watch | None = None, *, play: bool = True, **more: Any
) -> AbstractContextManager[Session]:
    """A session whose both targets are the folder `home/hosts`; its hosts begin as START."""
    told = {"build": build, "signatures": SIGNATURES, "describe": described, **more}
    return counting.opening(home, watch, play=play, start=START, **told)
