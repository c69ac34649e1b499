"""Files that people write (estates, guides, scenarios), from the very dataclasses that they are read into."""

from __future__ import annotations

import dataclasses
import re
import types
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Literal, Union, get_args, get_origin

from handrail.documents.read import fields_of
from handrail.guides.variables import SCOPES, TYPES
from handrail.model import estate, guide
from handrail.rehearsing import scenario
from handrail.rehearsing.plants import WORDS as PLANTS
from handrail.rehearsing.truths import WORDS as TRUTHS
from handrail_docs.writing import anchor, code, codes, explained, page, prose, table

_SIMPLE: Mapping[Any, str] = {str: "text", bool: "true or false", int: "whole number", float: "number", Any: "anything"}
_FROM_KEYS: Mapping[type[Any], frozenset[str]] = {
    estate.Host: frozenset({"name"}),
    estate.Database: frozenset({"id"}),
    estate.Account: frozenset({"id"}),
    estate.Medium: frozenset({"id"}),
    estate.Deployment: frozenset({"id"}),
    estate.Installation: frozenset({"deployment"}),
    estate.Aim: frozenset({"deployment"}),
}
"""Fields that are no keys of a file: the key that leads to the record gives them."""
_SPELT: Mapping[type[Any], str] = {estate.Acceptance: "text: `RULE`, or `RULE@SUBJECT`"}
"""Records that files spell in a shorter way."""


def estate_page() -> str:
    """Estate files. Mapping keys give ids and names, so those fields are no keys of their own."""
    shown = [one for one in _reached(estate.Estate) if one is not estate.Estate]
    return page(
        "Estate file",
        "An estate file says what you have and where it shall go. It begins with `handrail: estate/v1`. A key that is "
        "not known is a mistake, with a suggestion. What is left out is **unknown**, not absent: say `null` where "
        "there is none. [`handrail discover`](../discover.md) writes such a file from live hosts.",
        "Which facts there are (`facts:` of a host, a database, an installation …) is for guides to say: see the page "
        "of each guide. A fact may also stand directly beside the other keys.",
        "## The file",
        *_told(estate.Estate),
        *(part for kind in shown for part in _section(kind, _FROM_KEYS.get(kind, ()))),
    )


def guide_page() -> str:
    """Guide files."""
    kinds = [one for one in _reached(guide.Guide) if one is not guide.Guide]
    return page(
        "Guide file",
        "[How to write a guide](../how-to-write-a-guide.md) builds one from beginning to end; this page lists every "
        "key. "
        "`handrail guide schema` prints the same as JSON Schema, for editors that complete and underline.",
        f"Facts are declared under the scopes {codes(SCOPES)}, with the types {codes(TYPES)}.",
        "## The file",
        *_told(guide.Guide, ("digest",), {"name": "guide"}),
        *(part for kind in kinds for part in _section(kind)),
    )


def scenario_page() -> str:
    """Scenario files, with the words of what is planted and of what must be so."""
    return page(
        "Scenario file",
        "[Scenarios](../scenarios.md) tells how they are written and tried; this page lists every key. "
        "`handrail guide schema scenario` prints the same as JSON Schema.",
        *(part for kind in _reached(scenario.Written) for part in _section(kind)),
        "## What is planted",
        "Entries of `plant`: what is wrong in the twin's world. Each is told by the one key that its heading names.",
        *_worded(PLANTS),
        "## What must be so",
        "Entries of `twin`: what holds on the twin afterwards. Each is told by the one key that its heading names.",
        *_worded(TRUTHS),
    )


def _worded(words: Mapping[str, type[Any]]) -> Iterator[str]:
    for word, kind in words.items():
        yield f"### {word}"
        yield from _told(kind)


def _section(kind: type[Any], drop: Collection[str] = ()) -> Iterator[str]:
    yield f"## {_title(kind)}"
    yield from _told(kind, drop)


def _told(kind: type[Any], drop: Collection[str] = (), rename: Mapping[str, str] | None = None) -> Iterator[str]:
    """What a record says of itself, then its keys; not what Python writes where it says nothing."""
    text = "" if (kind.__doc__ or "").startswith(f"{kind.__name__}(") else kind.__doc__ or ""
    fields = {name: field for name, field in fields_of(kind).items() if name not in drop}
    general, meanings = explained(text, fields)
    defaults = {one.name.rstrip("_"): one for one in dataclasses.fields(kind)}
    yield prose(general)
    yield table(
        ("key", "takes", "what it is", "required", "otherwise"),
        (
            (
                code((rename or {}).get(name, name)),
                _typed(field.kind),
                meanings.get(name, ""),
                "yes" if field.required else "",
                _default(defaults[name]),
            )
            for name, field in fields.items()
        ),
    )


def _title(kind: type[Any]) -> str:
    """`StepTemplate` in words."""
    return re.sub(r"(?<!^)(?=[A-Z])", " ", kind.__name__).capitalize()


def _default(field: dataclasses.Field[Any]) -> str:
    if field.default is dataclasses.MISSING or field.default in (None, "", (), False):
        return ""
    return code(field.default)


def _typed(kind: Any) -> str:
    """A type in words, records with a link to their section."""
    origin, arguments = get_origin(kind), get_args(kind)
    if kind in _SIMPLE:
        return _SIMPLE[kind]
    if kind in _SPELT:
        return _SPELT[kind]
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return f"[{_title(kind).lower()}](#{anchor(_title(kind))})"
    if origin is Literal:
        return " or ".join(code(one) for one in arguments)
    if origin in (Union, types.UnionType):
        return " or ".join(_typed(one) for one in arguments if one is not type(None))
    if origin is tuple:
        return f"list of: {_typed(arguments[0])}"
    return f"mapping of names to: {_typed(arguments[1])}" if len(arguments) > 1 else "anything"


def _reached(kind: type[Any], seen: Collection[type[Any]] = ()) -> list[type[Any]]:
    """A record, then those that its keys take, in the order in which they are met."""
    found = [kind]
    for field in fields_of(kind).values():
        for one in _records_in(field.kind):
            if one not in found and one not in seen:
                found += [inner for inner in _reached(one, [*seen, *found]) if inner not in found]
    return found


def _records_in(kind: Any) -> Iterator[type[Any]]:
    if isinstance(kind, type) and dataclasses.is_dataclass(kind) and kind not in _SPELT:
        yield kind
    for argument in get_args(kind):
        yield from _records_in(argument)
