"""What people do: carry out instructions, answer a question. And the step that does nothing, where others meet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from handrail.actions.base import Base, Check, settled
from handrail.actions.product import stands_at
from handrail.actions.protocol import ActFailed, Evidence, Observation, Receipt
from handrail.hosts.protocol import Host
from handrail.model.signature import Kind, Settles
from handrail.probing.reg_text import product

EVERYWHERE = ("windows", "linux")

UNTIL = {
    "type": "object",
    "properties": {
        "product": {"type": "string"},
        "builds": {"type": "array", "items": {"type": "string"}, "minItems": 1},
        "file": {"type": "string"},
    },
    "required": ["product", "builds"],
    "additionalProperties": False,
}


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
    """Something that a person does: exact instructions, and the values to type.

    `until` names what shows that it was done: a product of Windows Installer at one of these builds, by its list entry
    and by its file. Without it, people's word is all there is.
    """

    kind: ClassVar[Kind] = "person"

    instructions: tuple[str, ...]
    values: Mapping[str, Any] = field(default_factory=dict)
    until: Mapping[str, Any] | None = field(default=None, metadata={"schema": UNTIL})

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        if self.until is None:
            return Observation("unknown", "only a person can say whether this was done")
        name, builds = str(self.until["product"]), [str(one) for one in self.until["builds"]]
        found = await product(host, name)
        if found is None:
            return Observation("not_done", f"no product on {host.name} fits {name!r}")
        stands = await stands_at(host, found, builds, self.until.get("file"))
        wanted = "" if stands else f", not {' or '.join(builds)}, or its file is not"
        return settled(stands, f"{found.name} is at {found.version}{wanted}", {"build": found.version})


@dataclass(frozen=True, slots=True)
class Hold(_Person):
    """Wait for a person's yes or no. `by`: whose yes it takes; that of `anyone`, of `another` than who started the run,
    or of `two` people. A no is anybody's."""

    kind: ClassVar[Kind] = "hold"

    question: str
    by: Literal["anyone", "another", "two"] = "anyone"


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
