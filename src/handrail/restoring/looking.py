"""What comes after a rollback: the plan's own checks that held before anything was touched, and those of what was put
back, made again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import replace
from typing import Any

from handrail.model.plan import Fact, Hop, Plan, Step, WayBack
from handrail.restoring.late import fill, references
from handrail.restoring.records import Record, Records
from handrail.restoring.undoing import Knowledge


def checks(
    plan: Plan,
    records: Records,
    knowledge: Knowledge,
    first: Mapping[str, Hop],
    put_back: frozenset[str],
) -> Iterator[Step]:
    """Checks without what they come after. `first`: of each installation that is put back, the hop that it goes back
    before. `put_back`: the assets that are."""
    touched = _first_touched(plan, records)
    backups = [step for step in plan.steps if step.kind == "back-up" and put_back.intersection(step.protects)]
    seen: set[str] = set()
    for at, step in enumerate(plan.steps):
        record = records.get(step.id, Record())
        if step.kind != "check" or step.host is None or step.when or record.state == "failed":
            continue
        if step.installation not in first or knowledge.signatures[step.uses].settles != "state":
            continue
        place = touched[step.installation]
        known = _known(plan, step, records, place)
        if known is None:
            continue
        with_ = fill(step.with_, known)
        held = at < place and record.state == "done" and (step.lasting or _names(with_, first[step.installation].from_))
        late = {reference.rpartition(".")[0] for reference in references(step.with_)}
        concerns = step.lasting and _concerns(step, with_, backups, late)
        key = repr((step.host, step.uses, with_))
        if (held or concerns) and key not in seen:
            seen.add(key)
            prefix, _, name = step.id.rpartition("/")
            build = Fact(f"{step.installation}.build", first[step.installation].from_)
            yield replace(
                step,
                id=f"{prefix}/look-{name}",
                with_=with_,
                after=(),
                because=(),
                rests_on=(),
                leaves=(build,) if _names(with_, build.value) else (),
                remedies=(),
                lasting=True,
                downtime=False,
                way_back=WayBack("undo"),
            )


def _first_touched(plan: Plan, records: Records) -> dict[str, int]:
    """The place of the first step of each installation that may have changed anything."""
    found: dict[str, int] = {}
    for at, step in enumerate(plan.steps):
        if step.kind in ("do", "person", "reboot") and records.get(step.id, Record()).touched:
            found.setdefault(step.installation, at)
    return found


def _known(plan: Plan, step: Step, records: Records, place: int) -> dict[str, Any] | None:
    """The late values of a check, when all of them were taken before anything was touched; None otherwise."""
    known = {}
    before = {one.id for one in plan.steps[:place]} if any(references(step.with_)) else set()
    for reference in references(step.with_):
        name, _, output = reference.rpartition(".")
        outputs = records.get(name, Record()).outputs
        if name not in before or output not in outputs:
            return None
        known[reference] = outputs[output]
    return known


def _names(with_: Mapping[str, Any], build: Any) -> bool:
    return any(value == build for value in with_.values())


def _concerns(step: Step, with_: Mapping[str, Any], backups: Sequence[Step], late: Set[str]) -> bool:
    """Whether a check speaks of nothing else than what a backup secured."""
    told = {name: value for name, value in step.with_.items() if not any(references(value))}
    if not told or len(told) + len(late) < len(with_):
        return False
    return any(
        one.host == step.host and all(one.with_.get(name) == value for name, value in told.items()) for one in backups
    )
