"""What all actions have in common: defaults, and that silence is never success.

A subclass is a frozen dataclass; its fields are its parameters. It says in `look` how its condition is observed and in
`do` how it is brought about. Whatever could not be determined there (`Undetermined`, a host that does not answer)
becomes an `unknown` observation or `InDoubt` here, in one place.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from handrail.actions.protocol import ActFailed, Action, Evidence, InDoubt, Observation, Receipt
from handrail.errors import HostError, HostUnreachable, NotRehearsed
from handrail.hosts.protocol import Host
from handrail.model.signature import Kind, Settles
from handrail.probing.shell import Undetermined

__all__ = ["Base", "Check", "Undetermined", "settled"]


def settled(
    holds: bool, because: str, evidence: Mapping[str, Any] | None = None, outputs: Mapping[str, Any] | None = None
) -> Observation:
    return Observation("done" if holds else "not_done", because, evidence or {}, outputs or {})


class Base:
    """Defaults: a state that is brought about on Windows, passing, without a way to undo it."""

    __slots__ = ()

    settles: ClassVar[Settles] = "state"
    kind: ClassVar[Kind] = "do"
    revision: ClassVar[int] = 1
    destroys: ClassVar[bool] = False
    installs: ClassVar[bool] = False
    repeatable: ClassVar[bool] = False
    afresh: ClassVar[bool] = False
    """Of a receipt action that starts no job: what was begun and is not done is made as an attempt of its own, with
    files of its own. Whoever began it may have lost the lane and yet have its command under way; what that still writes
    must not come upon what was noted since."""
    lasting: ClassVar[bool] = False
    outputs: ClassVar[tuple[str, ...]] = ()
    platforms: ClassVar[tuple[str, ...]] = ("windows",)

    async def observe(self, host: Host, receipt: Receipt) -> Observation:
        try:
            return await self.look(host, receipt)
        except NotRehearsed:
            raise
        except (Undetermined, HostError) as silence:
            return Observation("unknown", str(silence))

    async def act(self, host: Host, receipt: Receipt) -> Evidence:
        try:
            return await self.do(host, receipt)
        except NotRehearsed:
            raise
        except (Undetermined, HostUnreachable) as silence:
            raise InDoubt(str(silence)) from silence
        except HostError as refused:
            raise ActFailed(str(refused)) from refused

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        """Read-only. May raise `Undetermined`."""
        raise NotImplementedError

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        """May raise `ActFailed` (it did not work, and why) and `Undetermined` (we do not know)."""
        raise NotImplementedError

    def undo(self, before: Observation) -> Action | None:
        """The action that brings back what `before` saw; None when there is nothing to undo."""
        return None

    def concerns(self) -> str:
        """What it is about, where its parameters do not say so by themselves (a service's name does)."""
        return ""

    def restore(self, made: Mapping[str, Any]) -> tuple[Action, ...]:
        """Of a backup: the actions that put back what it secured, in order, into an emptied place. `made` are the
        outputs that it journaled."""
        return ()


class Check(Base):
    """Looks and changes nothing. A check whose condition does not hold fails its step."""

    __slots__ = ()

    kind: ClassVar[Kind] = "check"

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        return Evidence(details={"acted": False})
