"""What would be otherwise if the estate were: as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from handrail.documents.plan import finding_to_json
from handrail.model.plan import Hop, Step
from handrail.planning.what_if import WhatIf
from handrail.reporting.findings import finding_blocks
from handrail.reporting.page import Block, Heading, Item, Items, Page, Paragraph

SHOWN = 40
_VERDICTS = {
    "clear": "Then nothing would stand in the way.",
    "risky": "Then nothing would forbid it, but there would be risks.",
    "blocked": "Then it would be blocked: there would be no plan.",
}


def what_if_page(found: WhatIf, changes: Mapping[str, str]) -> Page:
    yield Heading("If " + ", and ".join(f"{path} were {value}" for path, value in changes.items()), 1)
    if found.is_same:
        yield Paragraph("Nothing would be otherwise: no finding, no hop and no step.")
        return
    yield Paragraph(_VERDICTS[found.verdict])
    if found.said:
        yield Heading("What would be said then")
        yield from finding_blocks(found.said, 3)
    if found.unsaid:
        yield Heading("What would be said no more")
        yield from finding_blocks(found.unsaid, 3)
    if found.hops or found.gone:
        yield Heading("Hops")
        yield Items((*_hops(found.hops, "+"), *_hops(found.gone, "-")))
    yield from _steps("Steps that would come", found.come, "+")
    yield from _steps("Steps that would go", found.go, "-")


def what_if_document(found: WhatIf, changes: Mapping[str, str]) -> dict[str, Any]:
    return {
        "schema": "handrail/what-if/v1",
        "if": dict(changes),
        "verdict": found.verdict,
        "said": [finding_to_json(one) for one in found.said],
        "unsaid": [finding_to_json(one) for one in found.unsaid],
        "hops": {"come": [_hop(one) for one in found.hops], "go": [_hop(one) for one in found.gone]},
        "steps": {"come": [one.id for one in found.come], "go": [one.id for one in found.go]},
    }


def _hops(hops: Sequence[Hop], mark: str) -> Iterator[Item]:
    for hop in hops:
        yield Item(f"{hop.installation}: {hop.from_} to {hop.to} by {hop.method}", mark)


def _steps(title: str, steps: Sequence[Step], mark: str) -> Iterator[Block]:
    if not steps:
        return
    yield Heading(title)
    yield Items(tuple(Item(f"{step.title} ({step.id})", mark) for step in steps[:SHOWN]))
    if len(steps) > SHOWN:
        yield Paragraph(f"And {len(steps) - SHOWN} more; --format json has all.")


def _hop(hop: Hop) -> dict[str, str]:
    return {"installation": hop.installation, "from": hop.from_, "to": hop.to, "method": hop.method}
