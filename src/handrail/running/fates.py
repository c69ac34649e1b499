"""What a run made of customisations, read from what its steps told."""

from __future__ import annotations

from handrail.comparing.fates import Fate, from_json
from handrail.model.journal import RunStatus


def fates_of(status: RunStatus) -> list[tuple[str, Fate]]:
    """What became of customisations, each with the step that says so: the latest of each."""
    found: dict[tuple[str, str, str], tuple[str, Fate]] = {}
    for step in sorted(status.steps, key=lambda one: one.ended or ""):
        if step.state == "done":
            where = step.id.partition("@")[2].partition("/")[0] or step.id
            for fate in from_json(step.outputs.get("fates")):
                found[(where, fate.asset, fate.item)] = (step.id, fate)
    return list(found.values())
