"""The JSON Schema of a guide file, for editors that complete and underline.

Made from the same dataclasses that the reader reads, so the two cannot drift apart; the actions' parameters come from
their signatures. It knows spelling and types; meaning is for `lint`.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from typing import Any, Literal, Union, get_args, get_origin

from handrail.documents.read import fields_of
from handrail.guides.expansion import INCLUDE
from handrail.guides.parts import PARTS
from handrail.guides.variables import SCOPES, TYPES
from handrail.model.guide import Edge, FactType, From, Guide, Procedure, StepTemplate
from handrail.model.signature import Signature
from handrail.model.version import SCHEMES

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_SIMPLE: Mapping[Any, str] = {str: "string", bool: "boolean", int: "integer", float: "number"}
_LATE = {
    "type": "object",
    "properties": {"late": {"type": "string", "pattern": r"^[a-z0-9-]+\.\w+$"}},
    "required": ["late"],
    "additionalProperties": False,
    "description": "An output of an earlier step, read when this one begins: STEP.output",
}
_TEMPLATE = {"type": "string", "pattern": r"\{\{"}


def schema(signatures: Mapping[str, Signature]) -> dict[str, Any]:
    """The schema of guide files, with the parameters of these actions."""
    return _Schema(signatures).whole()


def record_schema(cls: type[Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """The schema of any dataclass that `documents.read` reads; what it and its parts are goes to `definitions`."""
    maker = _Schema({})
    maker.definitions = definitions
    return maker.record(cls)


class _Schema:
    def __init__(self, signatures: Mapping[str, Signature]) -> None:
        self.signatures = signatures
        self.definitions: dict[str, Any] = {}

    def whole(self) -> dict[str, Any]:
        properties: dict[str, Any] = {"guide": {"type": "string", "description": "The guide's name."}}
        properties[PARTS] = {"type": "array", "items": {"type": "string"}, "description": "Files that hold the rest."}
        properties |= {
            name: self._of(field.kind) for name, field in fields_of(Guide).items() if name not in ("name", "digest")
        }
        properties["versioning"] = {"enum": list(SCHEMES)}
        properties["facts"] = {
            "type": "object",
            "propertyNames": {"enum": list(SCOPES)},
            "additionalProperties": {"type": "object", "additionalProperties": self._of(FactType)},
        }
        required = ["guide"] + [name for name, field in fields_of(Guide).items() if field.required and name != "name"]
        return {
            "$schema": DIALECT,
            "title": "Handrail guide",
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": False,
            "$defs": self.definitions,
        }

    def _of(self, kind: Any) -> dict[str, Any]:
        origin, arguments = get_origin(kind), get_args(kind)
        if kind is Any:
            return {}
        if kind in _SIMPLE:
            return {"type": _SIMPLE[kind]}
        if isinstance(kind, type) and dataclasses.is_dataclass(kind):
            return self.record(kind)
        if origin is Literal:
            return {"enum": list(arguments)}
        if origin in (Union, types.UnionType):
            rest = [self._of(one) for one in arguments if one is not type(None)]
            return {"anyOf": [*rest, {"type": "null"}]} if type(None) in arguments else {"anyOf": rest}
        if origin is tuple:
            entry = self._of(arguments[0])
            return {"anyOf": [{"type": "array", "items": entry}, entry]}
        return {"type": "object", "additionalProperties": self._of(arguments[1])}

    def record(self, cls: type[Any]) -> dict[str, Any]:
        name = cls.__name__
        reference = {"$ref": f"#/$defs/{name}"}
        if name in self.definitions:
            return reference
        self.definitions[name] = {}  # a step holds steps: the name must stand before its content
        fields = fields_of(cls)
        body: dict[str, Any] = {
            "type": "object",
            "description": _summary(cls),
            "properties": {spelled: self._of(field.kind) for spelled, field in fields.items()},
            "required": [spelled for spelled, field in fields.items() if field.required],
            "additionalProperties": False,
        }
        self.definitions[name] = self._adapted(cls, body)
        return reference

    def _adapted(self, cls: type[Any], body: dict[str, Any]) -> dict[str, Any]:
        """The shorter spellings that the reader allows, and what the types alone do not say."""
        if cls is From:
            return {"anyOf": [{"type": "string", "description": "an exact build"}, body]}
        if cls is Procedure:
            return {"anyOf": [body, {"type": "array", "items": self._of(StepTemplate)}]}
        if cls is Edge:
            body["required"].remove("id")
            body["properties"]["component"] = self._of(tuple[str, ...])
        if cls is FactType:
            body["properties"]["type"] = {"enum": list(TYPES)}
        if cls is StepTemplate:
            names = [*self.signatures, *(name for name in ("hold", "barrier") if name not in self.signatures)]
            body["properties"]["uses"] = {"anyOf": [{"enum": sorted(names)}, {"pattern": f"^{INCLUDE}"}]}
            body["allOf"] = [self._action(one) for one in self.signatures.values()]
        return body

    def _action(self, signature: Signature) -> dict[str, Any]:
        parameters = {name: _or_later(one.schema) for name, one in signature.parameters.items()}
        required = [name for name, parameter in signature.parameters.items() if parameter.required]
        with_: dict[str, Any] = {
            "type": "object",
            "description": signature.summary,
            "properties": parameters,
            "additionalProperties": False,
        }
        then: dict[str, Any] = {"properties": {"with": with_}}
        if required:
            with_["required"] = required
            then["required"] = ["with"]
        return {"if": {"properties": {"uses": {"const": signature.name}}, "required": ["uses"]}, "then": then}


def _or_later(plain: Mapping[str, Any]) -> dict[str, Any]:
    """A parameter's schema, where any value in it may also be a text with expressions or an output of another step."""
    inner = dict(plain)
    for key in ("items", "additionalProperties"):
        if isinstance(inner.get(key), Mapping):
            inner[key] = _or_later(inner[key])
    if isinstance(inner.get("properties"), Mapping):
        inner["properties"] = {name: _or_later(one) for name, one in inner["properties"].items()}
    return {"anyOf": [inner, _TEMPLATE, _LATE]} if inner else {}


def _summary(cls: type[Any]) -> str:
    """The first sentence of a dataclass's documentation, if it has one of its own."""
    text = (cls.__doc__ or "").strip()
    return "" if text.startswith(f"{cls.__name__}(") else " ".join(text.split("\n\n")[0].split())
