"""Values that are known only during a run: `{"late": "STEP.output"}`, read from the journal when the step begins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from handrail.actions.redacting import has_hidden
from handrail.running.scheduler import Schedule


class LateMissing(Exception):
    """The step that should have given the value did not. The text says which."""


def resolve(values: Mapping[str, Any], schedule: Schedule) -> tuple[dict[str, Any], dict[str, Any]]:
    """The values with every late one filled in; and the late ones alone, by reference. Raises LateMissing."""
    found: dict[str, Any] = {}
    return {name: _fill(value, schedule, found) for name, value in values.items()}, found


def _fill(value: Any, schedule: Schedule, found: dict[str, Any]) -> Any:
    if isinstance(value, Mapping):
        if set(value) == {"late"} and isinstance(value["late"], str):
            return _read(value["late"], schedule, found)
        return {name: _fill(one, schedule, found) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_fill(one, schedule, found) for one in value]
    return value


def _read(reference: str, schedule: Schedule, found: dict[str, Any]) -> Any:
    # Builds and host names have dots too: the output is what stands behind the last one.
    step, _, output = reference.rpartition(".")
    try:
        found[reference] = schedule.outputs(step)[output]
    except KeyError:
        raise LateMissing(f"{step or reference} gave no {output}, which this step needs.") from None
    if has_hidden(found[reference]):
        raise LateMissing(
            f"A secret stands in the {output} that {step} gave, so the journal has it only in part."
            " Change that secret, or what it stands in."
        )
    return found[reference]
