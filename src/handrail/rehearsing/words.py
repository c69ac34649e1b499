"""Entries that are told apart by the one word that they all have: `{host: sync01, mount: PATH}`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from handrail.documents.read import BROKEN, Keys, Reading, describe, fields_of


def worded(reading: Reading, classes: Mapping[str, type[Any]], entry: Any, keys: Keys) -> Any:
    """`entry` as an instance of the class of the first of these words that it has; BROKEN after noting why not."""
    if not isinstance(entry, Mapping):
        reading.mistake(keys, f"Each entry is a mapping, not {describe(entry)}.", f"It has one of: {_listed(classes)}.")
        return BROKEN
    word = next((word for word in classes if word in entry), None)
    if word is not None:
        return reading.record(classes[word], entry, keys)
    beside = {name for one in classes.values() for name in fields_of(one)}
    strange = [name for name in entry if name not in beside]
    for name in strange:
        reading.unknown_key((*keys, name), name, [*classes, *beside])
    if not strange:
        reading.mistake(keys, "Nothing here says what is meant.", f"Give one of: {_listed(classes)}.")
    return BROKEN


def _listed(words: Mapping[str, Any]) -> str:
    return ", ".join(words)
