"""What expressions may name: the facts that a guide declares and those that are always there.

A type is text, number, whole, yes-no, version, list, map or any; with `?` after it the value may be null, which means
known to be absent. What hangs on a database or an account may always be null, because there may be none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from handrail.model.guide import FactType, Guide

TYPES = ("text", "number", "whole", "yes-no", "version", "list", "map", "any")
SCOPES = ("aim", "deployment", "installation", "host", "database", "account")
IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
# Words that CEL keeps for itself; as part of a name they are a syntax error or a trap.
RESERVED = frozenset({"in", "true", "false", "null"})
MEDIUM_KEYS = (
    "id",
    "path",
    "file",
    "folder",
    "build",
    "kind",
    "host",
    "label",
    "sha256",
    "release",
    "component",
    "architecture",
    "language",
)

_HOST = {
    "name": "text",
    "os": "text",
    "software": "map",
    "new": "yes-no",
    "zone": "text?",
    "windows": "yes-no",
    "labels": "map",
}
_ACCOUNT = {"id": "text?", "name": "text?", "kind": "text?", "password": "text?"}
BUILT_IN: Mapping[str, Mapping[str, str]] = {
    "estate": {"name": "text"},
    "aim": {
        "release": "text",
        "build": "version?",
        "prefer": "text?",
        "revision": "text?",
        "refresh": "list?",
        "window": "any",
        "library_share": "text?",
    },
    "deployment": {"id": "text", "hosts": "map", "aimed_hosts": "map"},
    "installation": {
        "id": "text",
        "subject": "text",
        "component": "text",
        "build": "version",
        "release": "text?",
        "moves": "yes-no",
        "setup_account": "text?",
        "beside": "list",
        "sequence": "list",
        "overtaken_by": "list",
        "overtakes": "list",
        "sequenced_with": "list",
    },
    "host": _HOST,
    "present": _HOST,
    "database": {
        "id": "text?",
        "name": "text?",
        "engine": "text?",
        "version": "version?",
        "host": "text?",
        "instance": "text?",
    },
    "account": _ACCOUNT,
    "present_account": _ACCOUNT,
    "setup_account": _ACCOUNT,
    "hop": {
        "from": "version",
        "from_release": "text?",
        "from_base": "version?",
        "to": "text",
        "build": "version?",
        "method": "text",
        "release": "text?",
        "revision": "text?",
    },
    "component": {"id": "text", "title": "text"},
    "a": {"component": "text", "host": "text", "release": "text?", "build": "version"},
    "b": {"component": "text", "host": "text", "release": "text?", "build": "version"},
}
# Where the facts of a scope can be read.
READ_AS: Mapping[str, tuple[str, ...]] = {
    "host": ("host", "present"),
    "account": ("account", "present_account", "setup_account"),
}
_MAY_BE_ABSENT = frozenset({"database", "account", "present_account", "setup_account"})


def spelled(fact: FactType, scope: str = "") -> str:
    """The type of a declared fact, as it is read under `scope`."""
    kind = fact.type if fact.type in TYPES else "any"
    return kind + "?" if fact.nullable or scope in _MAY_BE_ABSENT else kind


def variables(guide: Guide) -> dict[str, str]:
    """Everything that expressions of this guide may name, with its type."""
    found = {f"{scope}.{name}": kind for scope, names in BUILT_IN.items() for name, kind in names.items()}
    for scope, facts in guide.facts.items():
        for read_as in READ_AS.get(scope, (scope,)):
            found.update({f"{read_as}.{name}": spelled(fact, read_as) for name, fact in facts.items()})
    for component in guide.components.values():
        for name, value in component.values.items():
            kind, before = _type_of(value), found.get(f"component.{name}")
            found[f"component.{name}"] = kind if before in (None, kind) else "any"
    needs = [need for edge in guide.edges for need in edge.media]
    needs += [need for rule in guide.requirements if rule.mend for need in rule.mend.media]
    needs += [need for procedure in guide.procedures.values() for need in procedure.media]
    found.update({f"media.{need}": "map" for need in needs})
    found["item"] = "any"
    return {name: kind for name, kind in found.items() if can_be_named(name)}


def defaults(guide: Guide) -> dict[str, Any]:
    """What facts mean that an estate does not state, by the names under which they are read."""
    return {
        f"{read_as}.{name}": fact.default
        for scope, facts in guide.facts.items()
        for read_as in READ_AS.get(scope, (scope,))
        for name, fact in facts.items()
        if fact.default is not None
    }


def can_be_named(name: str) -> bool:
    """Whether CEL can read this dotted name as a name."""
    return all(IDENTIFIER.match(part) and part not in RESERVED for part in name.split("."))


def _type_of(value: Any) -> str:
    if isinstance(value, bool):
        return "yes-no"
    if isinstance(value, str):
        return "text"
    if isinstance(value, int):
        return "whole"
    if isinstance(value, list | tuple):
        return "list"
    return "map" if isinstance(value, Mapping) else "any"
