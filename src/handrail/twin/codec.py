"""Frozen dataclasses to plain JSON data and back; for data that we wrote ourselves."""

from __future__ import annotations

import dataclasses
import functools
import types
import typing
from collections.abc import Hashable, Mapping
from typing import Any, TypeVar

T = TypeVar("T")


def encode(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: encode(getattr(value, field.name))
            for field in dataclasses.fields(value)
            if not _is_default(field, getattr(value, field.name))
        }
    if isinstance(value, Mapping):
        return {str(key): encode(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [encode(one) for one in value]
    return value


def _is_default(field: dataclasses.Field[Any], value: Any) -> bool:
    if field.default is not dataclasses.MISSING:
        return bool(field.default == value)
    if field.default_factory is not dataclasses.MISSING:
        return bool(field.default_factory() == value)
    return False


def decode(cls: type[T], data: Mapping[str, Any]) -> T:
    """Data as `encode` wrote it. KeyError, TypeError or ValueError when it is not."""
    hints: dict[str, Any] = _hints(typing.cast(Hashable, cls))
    return cls(**{name: _value(hints[name], one) for name, one in data.items()})


@functools.cache
def _hints(cls: Hashable) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def _value(hint: Any, data: Any) -> Any:
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        if data is None:
            return None
        options = [one for one in typing.get_args(hint) if one is not type(None)]
        return _value(options[0], data) if len(options) == 1 else plain(data)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return decode(hint, data)
    if origin is tuple:
        kinds = typing.get_args(hint)
        inner = kinds if Ellipsis not in kinds else (kinds[0],) * len(data)
        return tuple(_value(kind, one) for kind, one in zip(inner, data, strict=True))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        kind = typing.get_args(hint)[1]
        return {key: _value(kind, one) for key, one in data.items()}
    return plain(data)


def plain(data: Any) -> Any:
    """Lists become tuples, so that equal things compare equal whichever way they came."""
    if isinstance(data, (list, tuple)):
        return tuple(plain(one) for one in data)
    if isinstance(data, Mapping):
        return {str(key): plain(one) for key, one in data.items()}
    return data
