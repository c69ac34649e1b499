"""What an action is: observe, act, undo.

How an action is settled is part of what it is (`Signature.settles`):
  state    observing answers whether it is needed, whether it happened and whether it worked;
  receipt  the target's own record for this run, step and attempt answers;
  person   an answer, followed by an observation where one is possible.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol, Self

from handrail.errors import BadInput, CannotOpen
from handrail.hosts.protocol import Host
from handrail.model.signature import Kind, Settles


@dataclass(frozen=True, slots=True)
class Observation:
    """`unknown` says in `because` what could not be determined. `outputs` are what later steps may read."""

    state: Literal["done", "not_done", "unknown"]
    because: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What acting showed. It proves nothing: the observation afterwards does. `log` is searched for known errors.
    `seen` is that observation, where the very command that acted looked again afterwards."""

    exit: int | None = None
    log: str = ""
    outputs: Mapping[str, Any] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)
    seen: Observation | None = None


class ActFailed(Exception):
    """Acting did not work, and this says how. The observation afterwards still decides."""

    def __init__(self, because: str, evidence: Evidence | None = None) -> None:
        super().__init__(because)
        self.because = because
        self.evidence = evidence or Evidence()


class InDoubt(Exception):
    """Acting ended without our knowing whether it took effect (a lost line, a time-out)."""


class Secrets(Protocol):
    def resolve(self, reference: str) -> str:
        """The secret behind `env:NAME`, `file:PATH`, ... Raises BadInput when there is none."""
        ...

    def seal(self, data: bytes) -> bytes:
        """`data` as an age file that every holder can open. Raises BadInput when there is no identity to seal for."""
        raise BadInput("Nothing can be sealed here.")

    def unseal(self, data: bytes) -> bytes:
        """What was sealed. Raises CannotOpen when it is damaged or sealed for others."""
        raise CannotOpen("Nothing can be opened here.")

    def holders(self) -> Mapping[str, str]:
        """Everybody who can open what is sealed, with their public keys."""
        return {}


@dataclass(frozen=True, slots=True)
class Receipt:
    """Names one attempt at one step; detached commands and receipt actions record themselves under it on the target.

    `boot_id` is what was journaled before a reboot. `since` is when the step was begun (ISO 8601, UTC).
    """

    run: str
    step: str
    attempt: int
    secrets: Secrets
    since: str = ""
    before: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.run}/{self.step}/{self.attempt}"


class Action(Protocol):
    """A frozen dataclass whose fields are its parameters. Its first docstring line is what guide authors read."""

    settles: ClassVar[Settles]
    kind: ClassVar[Kind]
    revision: ClassVar[int]
    destroys: ClassVar[bool]
    installs: ClassVar[bool]
    repeatable: ClassVar[bool]
    afresh: ClassVar[bool]
    lasting: ClassVar[bool]
    outputs: ClassVar[tuple[str, ...]]
    platforms: ClassVar[tuple[str, ...]]

    async def observe(self, host: Host, receipt: Receipt) -> Observation: ...

    async def act(self, host: Host, receipt: Receipt) -> Evidence: ...

    def undo(self, before: Observation) -> Self | Action | None: ...

    def restore(self, made: Mapping[str, Any]) -> tuple[Action, ...]: ...
