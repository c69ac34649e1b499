"""What every rehearsal is carried out with in place of a session: a journal in memory, secrets that are none."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from handrail.actions.protocol import Secrets
from handrail.documents.plan import plan_to_json
from handrail.errors import CannotOpen
from handrail.model.plan import Plan
from handrail.rehearsing.memory import MemoryJournal
from handrail.running.chain import canonical
from handrail.running.targets import pretended

WHO = "rehearsal"


def document_of(plan: Plan) -> str:
    """The plan as a journal keeps it; to be made once for many rehearsals."""
    return canonical(plan_to_json(plan))


def begin(journal: MemoryJournal, plan: Plan, document: str | None = None) -> str:
    """Begin a run of the plan on its twin; its id."""
    text = document if document is not None else document_of(plan)
    return journal.create(plan.estate.name, plan.digest, text, "twin", WHO, {"approvals": []})


@dataclass(frozen=True, slots=True)
class SameSecrets(Secrets):
    """Where equal rehearsals must be equal to the last byte: sealing is only pretended, because real sealing gives
    other bytes every time. What was not sealed here does not open."""

    name: str = WHO

    def resolve(self, reference: str) -> str:
        return pretended(reference)

    def seal(self, data: bytes) -> bytes:
        return self._mark(data) + data[::-1]

    def unseal(self, data: bytes) -> bytes:
        opened = data[64:][::-1]
        if data[:64] != self._mark(opened):
            raise CannotOpen("It was not sealed in this rehearsal, or it is damaged.")
        return opened

    def holders(self) -> Mapping[str, str]:
        return {self.name: "no key: this is a rehearsal"}

    def _mark(self, data: bytes) -> bytes:
        return hashlib.sha256(self.name.encode() + data).hexdigest().encode()
