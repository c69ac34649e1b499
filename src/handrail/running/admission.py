"""What is looked at before a plan may run: that it is the one that was approved, and that no other run of it is under
way."""

from __future__ import annotations

from collections.abc import Mapping

from handrail.errors import BadInput
from handrail.model.journal import RUN_LANE
from handrail.model.plan import Plan
from handrail.model.signature import Signature
from handrail.running.protocol import AnyJournal
from handrail.running.whereabouts import departure_in, refuse_departed


def check_revisions(plan: Plan, signatures: Mapping[str, Signature]) -> None:
    """A plan runs with the very actions that it was made and approved with. BadInput when it cannot."""
    for uses, revision in dict.fromkeys((step.uses, step.revision) for step in plan.steps):
        known = signatures.get(uses)
        if known is None:
            raise BadInput(
                f"The plan uses the action {uses}, which this Handrail does not have: another one made it.",
                "Finish the run with the Handrail that began it, or make the plan anew.",
            )
        if known.revision != revision:
            raise BadInput(
                f"The plan was made with revision {revision} of {uses}, and this Handrail has {known.revision}.",
                "Finish the run with the Handrail that began it, or make the plan anew.",
            )
    for step in plan.steps:
        if more := step.with_.keys() - signatures[step.uses].parameters.keys():
            raise BadInput(
                f"{step.id} gives {step.uses} {min(more)!r}, which it does not take in this Handrail: another one made "
                "the plan.",
                "Finish the run with the Handrail that began it, or make the plan anew.",
            )


def refuse_second(journal: AnyJournal, plan: Plan) -> None:
    """Two runs of one plan on the same hosts would not know of each other. BadInput when there is one already."""
    for row in journal.runs():
        if row.plan == plan.digest and row.target == "hosts":
            found = journal.read(row.run)
            kinds = [event.entry.kind for event in found if event.lane == RUN_LANE]
            ended = "ended" in kinds and "taken" not in kinds[kinds.index("ended") :]
            if not ended and not any(event.entry.kind == "taken-back" for event in found):
                refuse_departed(departure_in(found), row.run)
                raise BadInput(
                    f"Run {row.run} of this plan has not ended.", f"Go on with it: handrail resume {row.run}."
                )
