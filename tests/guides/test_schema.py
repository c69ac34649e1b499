"""The JSON Schema for editors says what the reader says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.support.guides import GUIDE, SIGNATURES

from handrail.documents.tree import parse
from handrail.guides.schema import schema

SCHEMA = schema(SIGNATURES)


def allows(node: dict[str, Any], value: Any) -> bool:
    """A small checker: enough of JSON Schema for what our schema uses, but for patterns."""
    if "$ref" in node:
        return allows(SCHEMA["$defs"][node["$ref"].rsplit("/", 1)[1]], value)
    if "anyOf" in node and not any(allows(one, value) for one in node["anyOf"]):
        return False
    if "enum" in node and value not in node["enum"]:
        return False
    if "const" in node and value != node["const"]:
        return False
    kinds: dict[str, Any] = {
        "object": dict,
        "array": list,
        "string": str,
        "boolean": bool,
        "integer": int,
        "number": (int, float),
    }
    if node.get("type") == "null" and value is not None:
        return False
    if node.get("type") in kinds and not isinstance(value, kinds[node["type"]]):
        return False
    if isinstance(value, list) and not all(allows(node.get("items", {}), one) for one in value):
        return False
    if isinstance(value, dict):
        known = node.get("properties", {})
        if any(name not in value for name in node.get("required", ())):
            return False
        for name, entry in value.items():
            rest = node.get("additionalProperties", {})
            if name in known:
                if not allows(known[name], entry):
                    return False
            elif rest is False or not allows(rest if isinstance(rest, dict) else {}, entry):
                return False
        if any(name not in node["propertyNames"]["enum"] for name in (value if "propertyNames" in node else ())):
            return False
    return all(not allows(one["if"], value) or allows(one["then"], value) for one in node.get("allOf", ()))


def test_it_is_json_and_allows_a_guide_without_mistakes() -> None:
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA
    assert allows(SCHEMA, parse(GUIDE, "g").data)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("title: Shop\n", "titel: Shop\n"),
        ("times: 1", "tims: 1"),
        ("times: 1", "times: [often]"),
        ('instructions: ["Insert it"]', "instructions: 3"),
        ("versioning: windows", "versioning: odd"),
        ("type: number", "type: nmber"),
        ("downtime: begins", "downtime: starts"),
        ('with: {name: "{{item}}"}', "with: {}"),
        ("  host:\n    age", "  hots:\n    age"),
    ],
)
def test_it_refuses_mistakes_of_spelling(before: str, after: str) -> None:
    assert before in GUIDE
    assert not allows(SCHEMA, parse(GUIDE.replace(before, after, 1), "g").data)
