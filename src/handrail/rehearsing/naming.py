"""How scenarios name steps: an id, the end of one, or a pattern with `*`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache

from handrail.errors import suggestion


def meant(pattern: str, ids: Iterable[str]) -> list[str]:
    """The ids that a name means, in their order. Without `*` it is a whole id, or whole parts of its end."""
    if "*" in pattern:
        fits = _pattern(pattern)
        return [id for id in ids if fits.fullmatch(id)]
    return [id for id in ids if id == pattern or id.endswith(f"/{pattern}")]


@cache
def _pattern(pattern: str) -> re.Pattern[str]:
    parts = ".*".join(re.escape(part) for part in pattern.split("*"))
    return re.compile(rf"(?:.*/)?{parts}")


def nothing(pattern: str, ids: Sequence[str], what: str = "step") -> str:
    """Why a name that means nothing here may have been meant otherwise."""
    if "*" in pattern:
        return f"No {what} fits {pattern!r}."
    near = suggestion(pattern, ids) if ids else ""
    if not near.startswith("Did"):
        ends = {id.rpartition("/")[2] for id in ids}
        near = suggestion(pattern.rpartition("/")[2], ends)
    near = near if near.startswith("Did") else ""
    return f"No {what} is called {pattern!r}." + (f" {near}" if near else "")
