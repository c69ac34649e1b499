"""The JSON Schema of a scenario file, for editors; made from the records that the reader reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from handrail.guides.schema import DIALECT, record_schema
from handrail.rehearsing.plants import WORDS as PLANTS
from handrail.rehearsing.scenario import Expectation, Rollback, Run, Written
from handrail.rehearsing.truths import WORDS as TRUTHS


def scenario_schema() -> dict[str, Any]:
    """What `handrail guide schema scenario` prints."""
    definitions: dict[str, Any] = {}
    reference = record_schema(Written, definitions)
    for cls in (Run, Rollback):
        run = definitions[cls.__name__]["properties"]
        run["plant"] = _worded(PLANTS, definitions)
        run["twin"] = _worded(TRUTHS, definitions)
    nowhere = {"type": ["string", "null"]}
    definitions[Expectation.__name__]["properties"]["point_of_no_return"] = nowhere
    return {"$schema": DIALECT, "title": "Handrail scenario", **reference, "$defs": definitions}


def _worded(classes: Mapping[str, type[Any]], definitions: dict[str, Any]) -> dict[str, Any]:
    """Each word has an entry of its own; it is told by the key that is the word."""
    entries = [record_schema(cls, definitions) for cls in classes.values()]
    for word, cls in classes.items():
        required = definitions[cls.__name__]["required"]
        if word not in required:
            required.append(word)
    return {"type": "array", "items": {"anyOf": entries}}
