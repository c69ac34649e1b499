"""Whether a product's own faces answer: its web portal, its service."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from handrail.actions import receipts
from handrail.actions.base import Base, Check, Undetermined, settled
from handrail.actions.protocol import ActFailed, Evidence, Observation, Receipt
from handrail.errors import BadInput
from handrail.hosts import powershell
from handrail.hosts.protocol import Host
from handrail.model.signature import Settles
from handrail.probing.shell import complaint, execute, said


@dataclass(frozen=True, slots=True)
class PortalAnswers(Check):
    """Check that a web address answers, as the account that we use on the host."""

    lasting: ClassVar[bool] = True
    outputs: ClassVar[tuple[str, ...]] = ("status",)

    url: str

    def __post_init__(self) -> None:
        if not self.url.startswith(("http://", "https://")):
            raise BadInput(f"portal.answers: {self.url!r} is no web address.", "It begins with https:// or http://.")

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        answer = await execute(host, powershell.command("web-status", self.url))
        text = answer.text.strip()
        if answer.code != 0:
            return Observation("not_done", f"{self.url} does not answer: {complaint(answer)}", {"url": self.url})
        if not (text.isascii() and text.isdigit() and len(text) == 3):
            raise Undetermined(f"what {self.url} answered is not understood: {text[:80]!r}")
        evidence = {"url": self.url, "status": int(text)}
        return settled(200 <= int(text) < 400, f"{self.url} answers {text}", evidence, {"status": int(text)})


@dataclass(frozen=True, slots=True)
class ObjectUpdate(Base):
    """Write an attribute of a test object through a service, read it back, and write the old one again."""

    settles: ClassVar[Settles] = "receipt"
    repeatable: ClassVar[bool] = True

    address: str
    object: str

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        if await receipts.found(host, receipt) is None:
            return Observation("not_done", "this attempt has not updated the object")
        return Observation("done", f"{self.object} was updated through {self.address}", {"object": self.object})

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        answer = await execute(host, powershell.command("object-update", self.address, self.object))
        evidence = Evidence(exit=answer.code, log=said(answer))
        if answer.code == powershell.ABSENT:
            raise ActFailed(f"there is no object {self.object} at {self.address}", evidence)
        if answer.code != 0 or answer.text.strip() != "updated":
            raise ActFailed(f"{self.object} could not be updated: {complaint(answer)}", evidence)
        await receipts.leave(host, receipt, {"object": self.object})
        return evidence
