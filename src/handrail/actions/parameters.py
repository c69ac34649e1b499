"""Parameters of actions: from the fields of a dataclass to JSON Schema, and from a document's values to fields.

A field may be `str`, `int`, `float`, `bool`, `Any`, `Literal[...]`, `tuple[T, ...]`, `Mapping[str, T]` or `T | None`.
Its metadata may say `secret: True` (the value is a reference such as `env:NAME`) and `schema: {...}` (a narrower
schema than its type gives). In documents a field's trailing underscore is dropped: `in_` is written `in`.
"""

from __future__ import annotations

import functools
import re
import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from typing import Any, Literal, get_args, get_origin, get_type_hints

from handrail.actions.base import Base
from handrail.actions.protocol import Action
from handrail.errors import BadInput, UnknownName
from handrail.model.signature import Parameter, Signature

_SIMPLE: Mapping[type, str] = {str: "string", bool: "boolean", int: "integer", float: "number"}


def spelled(field_name: str) -> str:
    """How a field is written in a document."""
    return field_name.removesuffix("_")


def schema_of(hint: Any) -> dict[str, Any]:
    """The JSON Schema of a field's type. TypeError for a type that no action may use."""
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Any:
        return {}
    if hint in _SIMPLE:
        return {"type": _SIMPLE[hint]}
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin is tuple:
        return {"type": "array", "items": schema_of(arguments[0])}
    if origin is Mapping:
        return {"type": "object", "additionalProperties": schema_of(arguments[1])}
    if origin in (types.UnionType, typing.Union):
        some = [schema_of(one) for one in arguments if one is not type(None)]
        nothing = [{"type": "null"}] if type(None) in arguments else []
        return {"anyOf": [*some, *nothing]}
    raise TypeError(f"{hint!r} is no type for a parameter")


@functools.cache
def _hints(action: type[Action]) -> Mapping[str, Any]:
    return get_type_hints(action)


def parameters_of(action: type[Action]) -> dict[str, Parameter]:
    hints = _hints(action)
    return {spelled(one.name): _parameter(one, hints[one.name]) for one in fields(typing.cast(Any, action))}


def _parameter(one: Field[Any], hint: Any) -> Parameter:
    required = one.default is MISSING and one.default_factory is MISSING
    default = one.default_factory() if one.default_factory is not MISSING else one.default
    return Parameter(
        name=spelled(one.name),
        schema=one.metadata.get("schema") or schema_of(hint),
        required=required,
        secret=bool(one.metadata.get("secret")),
        default=None if required else default,
        secret_keys=tuple(one.metadata.get("secret_keys", ())),
    )


def signature_of(name: str, action: type[Action]) -> Signature:
    """`reversible` and `restores` are read from the class: it has an undo, or a restore, of its own."""
    return Signature(
        name=name,
        summary=_first_sentence(action.__doc__ or ""),
        parameters=parameters_of(action),
        settles=action.settles,
        kind=action.kind,
        revision=action.revision,
        reversible=getattr(action, "undo", Base.undo) is not Base.undo,
        destroys=action.destroys,
        installs=action.installs,
        repeatable=action.repeatable,
        lasting=action.lasting,
        outputs=action.outputs,
        platforms=action.platforms,
        restores=getattr(action, "restore", Base.restore) is not Base.restore,
    )


def _first_sentence(text: str) -> str:
    """It may go over several lines, and ends before a space and a capital or something quoted."""
    paragraph = " ".join(text.strip().partition("\n\n")[0].split())
    return re.split(r"(?<=\.) (?=[A-Z`])", paragraph, maxsplit=1)[0]


def values_of(action: Action) -> dict[str, Any]:
    """The parameters of an action as a document has them; those that have their defaults are left out."""
    found = {}
    for one in fields(typing.cast(Any, action)):
        value = getattr(action, one.name)
        default = one.default_factory() if one.default_factory is not MISSING else one.default
        if value != default:
            found[spelled(one.name)] = list(value) if isinstance(value, tuple) else value
    return found


def build_from(name: str, action: type[Action], values: Mapping[str, Any]) -> Action:
    """BadInput (or UnknownName) names the action and the parameter that is unknown, missing or of a wrong type."""
    hints = _hints(action)
    known = {spelled(one.name): one for one in fields(typing.cast(Any, action))}
    for given in values:
        if given not in known:
            raise UnknownName(f"Parameter of {name}", str(given), known)
    arguments: dict[str, Any] = {}
    for spelling, one in known.items():
        if spelling in values:
            arguments[one.name] = _converted(values[spelling], hints[one.name], f"{name}: {spelling}")
        elif one.default is MISSING and one.default_factory is MISSING:
            raise BadInput(f"{name}: {spelling} is missing.", f"Give it under with: {spelling}: …")
    return typing.cast(Action, typing.cast(Any, action)(**arguments))


def _converted(value: Any, hint: Any, where: str) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Any:
        return value
    if origin in (types.UnionType, typing.Union):
        if value is None and type(None) in arguments:
            return None
        for one in (one for one in arguments if one is not type(None)):
            try:
                return _converted(value, one, where)
            except BadInput as refused:
                last = refused
        raise last
    if origin is Literal:
        if value in arguments:
            return value
        raise UnknownName(where, str(value), map(str, arguments))
    if origin is tuple:
        if isinstance(value, (list, tuple)):
            return tuple(_converted(one, arguments[0], f"{where}[{number}]") for number, one in enumerate(value))
        raise _wrong(where, "a list", value)
    if origin is Mapping:
        if isinstance(value, Mapping):
            return {str(key): _converted(one, arguments[1], f"{where}.{key}") for key, one in value.items()}
        raise _wrong(where, "a mapping", value)
    if hint is float and type(value) is int:
        return float(value)
    if type(value) is hint:
        return value
    raise _wrong(where, {str: "a text", bool: "true or false", int: "a whole number"}.get(hint, "a number"), value)


def _wrong(where: str, wanted: str, value: Any) -> BadInput:
    advice = "Put it between quotes." if wanted == "a text" and isinstance(value, (int, float)) else ""
    return BadInput(f"{where} must be {wanted}, not {value!r}.", advice)
