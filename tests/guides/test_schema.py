"""The JSON Schema for editors says what the reader says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.support.guides import GUIDE, SIGNATURES

from handrail.actions import signatures
from handrail.documents.tree import parse
from handrail.guides.catalogue import SHIPPED
from handrail.guides.schema import schema

SCHEMA = schema(SIGNATURES)


def allows(node: dict[str, Any], value: Any, whole: dict[str, Any] = SCHEMA) -> bool:
    """A small checker: enough of JSON Schema for what our schema uses, but for patterns."""
    if "$ref" in node:
        return allows(whole["$defs"][node["$ref"].rsplit("/", 1)[1]], value, whole)
    if "anyOf" in node and not any(allows(one, value, whole) for one in node["anyOf"]):
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
    if isinstance(value, list) and not all(allows(node.get("items", {}), one, whole) for one in value):
        return False
    if isinstance(value, dict):
        known = node.get("properties", {})
        if any(name not in value for name in node.get("required", ())):
            return False
        for name, entry in value.items():
            rest = node.get("additionalProperties", {})
            if name in known:
                if not allows(known[name], entry, whole):
                    return False
            elif rest is False or not allows(rest if isinstance(rest, dict) else {}, entry, whole):
                return False
        if any(name not in node["propertyNames"]["enum"] for name in (value if "propertyNames" in node else ())):
            return False
    both = node.get("allOf", ())
    return all(not allows(one["if"], value, whole) or allows(one["then"], value, whole) for one in both)


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


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*/guide.yaml")), ids=lambda path: path.parent.name)
def test_editors_take_every_shipped_guide(path: Path) -> None:
    whole = schema(signatures())
    assert allows(whole, parse(path.read_text("utf-8"), path.name).data, whole)
