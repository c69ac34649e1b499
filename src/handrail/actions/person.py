"""What people do: carry out instructions, answer a question. And the step that does nothing, where others meet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from handrail.actions.base import Base, Check
from handrail.actions.protocol import ActFailed, Evidence, Observation, Receipt
from handrail.hosts.protocol import Host
from handrail.model.signature import Kind, Settles

EVERYWHERE = ("windows", "linux")


class _Person(Base):
    __slots__ = ()

    settles: ClassVar[Settles] = "person"
    platforms: ClassVar[tuple[str, ...]] = EVERYWHERE

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        return Observation("unknown", "only a person can say whether this was done")

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        raise ActFailed("this is for a person to do")


@dataclass(frozen=True, slots=True)
class PersonDoes(_Person):
    """Something that a person does: exact instructions, and the values to type."""

    kind: ClassVar[Kind] = "person"

    instructions: tuple[str, ...]
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Hold(_Person):
    """Wait for a person's yes or no."""

    kind: ClassVar[Kind] = "hold"

    question: str


@dataclass(frozen=True, slots=True)
class Barrier(Check):
    """Nothing: a place where steps of several hosts meet before others go on."""

    platforms: ClassVar[tuple[str, ...]] = EVERYWHERE

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        return Observation("done", "all that had to come before has ended")


@dataclass(frozen=True, slots=True)
class Restore(Check):
    """Put back one asset from its restore point. It stands in the back of a plan for whatever its backups say that
    does it; a rollback puts those steps in its place."""

    platforms: ClassVar[tuple[str, ...]] = EVERYWHERE

    asset: str

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        return Observation("unknown", f"{self.asset} is put back by a rollback, from the restore point of a run")
