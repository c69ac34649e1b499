"""The published schema knows what the reader takes: all scenarios that can be read keep it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from handrail.documents.tree import load
from handrail.guides.catalogue import SHIPPED
from handrail.rehearsing.schema import scenario_schema

FILES = [
    *(Path(__file__).parent / "bakery" / "scenarios").glob("*.yaml"),
    *SHIPPED.glob("*/scenarios/*.yaml"),
]
SCHEMA = scenario_schema()
TYPES: dict[str, Any] = {"string": str, "boolean": bool, "integer": int, "number": (int, float), "null": type(None)}


def fits(value: Any, schema: dict[str, Any]) -> bool:
    """Enough of JSON Schema for what ours uses."""
    if "$ref" in schema:
        return fits(value, SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]])
    if "anyOf" in schema:
        return any(fits(value, one) for one in schema["anyOf"])
    if "enum" in schema:
        return value in schema["enum"]
    kind = schema.get("type")
    if isinstance(kind, list):
        return any(isinstance(value, TYPES[one]) for one in kind)
    if kind == "array":
        return isinstance(value, list) and all(fits(one, schema["items"]) for one in value)
    if kind == "object":
        more = schema.get("additionalProperties", True)
        known = schema.get("properties", {})
        return (
            isinstance(value, dict)
            and set(schema.get("required", ())) <= set(value)
            and all(
                fits(one, known[name]) if name in known else more is True or (more is not False and fits(one, more))
                for name, one in value.items()
            )
        )
    return kind is None or isinstance(value, TYPES[kind])


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parts[-3]}-{path.stem}")
def test_a_scenario_keeps_the_schema(path: Path) -> None:
    assert fits(load(path).data, SCHEMA)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("covert", ["A1"]),
        ("expect", {"verdict": "fine"}),
        ("run", {"plant": [{"mount": "x"}]}),
        ("run", {"twin": [{"host": "a"}]}),
        ("run", {"twin": [{"effects": "twice"}]}),
    ],
)
def test_a_slip_does_not(key: str, value: Any) -> None:
    whole = {"scenario": "It works", "estate": "x.yaml"}
    assert fits(whole, SCHEMA)
    assert not fits({**whole, key: value}, SCHEMA)
