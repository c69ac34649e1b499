"""Small words: durations, counts and lists as people say them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from handrail.model.finding import Citation


def duration(seconds: float) -> str:
    """About how long, in at most two units: `40 s`, `12 min`, `2 h 30 min`."""
    whole = round(seconds)
    if whole < 90:
        return f"{whole} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min" if rest else f"{hours} h"


def count(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def listed(names: Sequence[str], limit: int = 6) -> str:
    """`a, b and c`; beyond `limit` names, how many more there are."""
    if len(names) > limit:
        return f"{', '.join(names[:limit])} and {len(names) - limit:,} more"
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)


def source(citation: Citation) -> str:
    """A citation on one line; our own rules say that they are ours."""
    if citation.document == "ours":
        return f"ours: {citation.section}" if citation.section else "ours"
    where = f"{citation.title or citation.document}, {citation.section}" if citation.section else ""
    return (where or citation.title or citation.document) + (f" <{citation.url}>" if citation.url else "")


def value(given: Any) -> str:
    """A parameter's value for people; deeply nested values as JSON."""
    if isinstance(given, str):
        return given
    if given is None:
        return "none"
    if isinstance(given, bool):
        return "yes" if given else "no"
    if isinstance(given, Sequence) and all(isinstance(one, str | int | float) for one in given):
        return ", ".join(str(one) for one in given) or "none"
    if isinstance(given, int | float):
        return str(given)
    if isinstance(given, Mapping) and all(isinstance(one, str | int | float) for one in given.values()):
        return ", ".join(f"{name} {one}" for name, one in given.items()) or "none"
    return json.dumps(given, ensure_ascii=False, default=str)


def asset(address: str) -> str:
    """An asset as people name it: `key-set of identity/sync@sync01`, `database sync-db`."""
    subject, hash_, name = address.partition("#")
    if hash_:
        return f"{name} of {subject}"
    return address.replace(":", " ", 1)
