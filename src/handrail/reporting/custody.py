"""Secrets of a run: what lies sealed and who can open it, and what lies open now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from handrail.model.journal import RunStatus
from handrail.model.plan import Plan, Step
from handrail.reporting import words
from handrail.reporting.page import Block, Heading, Item, Items, Rows
from handrail.restoring.cost import when

_OPENS = ("keys.export", "secret.open")
_CLOSES = ("secret.seal", "secret.shred")


def custody_blocks(status: RunStatus, plan: Plan) -> Iterator[Block]:
    """Nothing when the run has neither sealed nor opened anything."""
    done = {one.id: one for one in status.steps if one.state == "done"}
    outputs = {id: one.outputs for id, one in done.items()}
    sealed: list[Item] = []
    lie_open: dict[tuple[str | None, str], Step] = {}
    for step in plan.steps:
        if step.id not in done:
            continue
        made = outputs[step.id]
        if step.uses in _OPENS and made.get("file"):
            lie_open[step.host, str(made["file"])] = step
        elif step.uses in _CLOSES:
            lie_open.pop((step.host, _file(step, outputs)), None)
        if step.uses == "secret.seal" and made.get("file"):
            rows = (
                ("opens for", words.listed(list(made.get("holders", ())), 12)),
                ("opened and compared", when(done[step.id].ended or "")),
                ("sha256", str(made.get("sha256", ""))),
            )
            sealed.append(Item(f"{step.host}: {made['file']}", "sealed", "good", (Rows(rows),)))
    open_now = [Item(f"{host}: {file}, since {step.title}", "open", "bad") for (host, file), step in lie_open.items()]
    if status.state == "rolled-back":
        open_now = []  # what was opened, the way back has shredded
    if sealed or open_now:
        yield Heading("Secrets at rest")
        yield Items((*open_now, *sealed))


def _file(step: Step, outputs: Mapping[str, Mapping[str, Any]]) -> str:
    """The plain file that a step closes; empty when what names it is not known."""
    given = step.with_.get("file")
    if isinstance(given, Mapping):
        by, _, name = str(given.get("late", "")).rpartition(".")
        return str(outputs.get(by, {}).get(name, ""))
    return str(given or "")
