"""What becomes of customisations: one row for each, in plain data.

A row's `fate` is `carried` (it stands as it was made), `merged` (it and what ships were joined), `dropped` (nothing of
it is left, and why) or `needs-a-person`. Values that may be secrets are never shown in a row, only that they differ.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

FateName = Literal["carried", "merged", "dropped", "needs-a-person"]
FATES: tuple[FateName, ...] = ("needs-a-person", "dropped", "merged", "carried")
"""The worst first."""

_SECRET_NAME = re.compile(r"passw|pwd|secret|token$|apikey|api-key|credential|validationkey|decryptionkey|cipher", re.I)
_SECRET_PART = re.compile(r"(?i)\b(password|pwd|secret|sharedaccesskey|accountkey)(\s*=\s*)([^;\"']+)")
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class Fate:
    """One row. `asset` is what was customised (a file, a resource), `item` the place in it; `was` and `is_now` are
    texts for people, None where there is nothing."""

    asset: str
    item: str
    fate: FateName
    was: str | None = None
    is_now: str | None = None
    because: str = ""
    what_to_do: str = ""

    def to_json(self) -> dict[str, str | None]:
        return {
            "asset": self.asset,
            "item": self.item,
            "fate": self.fate,
            "was": self.was,
            "is_now": self.is_now,
            "because": self.because,
            "what_to_do": self.what_to_do,
        }


def to_json(fates: Iterable[Fate]) -> list[dict[str, str | None]]:
    return [one.to_json() for one in fates]


def from_json(rows: Any) -> tuple[Fate, ...]:
    """The rows of a document; what is no row is left out, so that a newer one can still be shown."""
    found = []
    for row in rows if isinstance(rows, list | tuple) else ():
        if isinstance(row, Mapping) and row.get("fate") in FATES:
            asset, item, because, what = (str(row.get(one) or "") for one in ("asset", "item", "because", "what_to_do"))
            was, now = (None if row.get(one) is None else str(row[one]) for one in ("was", "is_now"))
            found.append(Fate(asset, item, row["fate"], was, now, because, what))
    return tuple(found)


def needs_person(fates: Iterable[Fate]) -> bool:
    return any(one.fate == "needs-a-person" for one in fates)


def questions(fates: Iterable[Fate]) -> list[str]:
    """What a person has to decide, one sentence for each."""
    return [
        f"{one.asset}: {one.item}: {one.because}"
        + (f" Yours: {one.was}." if one.was is not None else "")
        + (f" {one.what_to_do}" if one.what_to_do else "")
        for one in fates
        if one.fate == "needs-a-person"
    ]


def counted(fates: Iterable[Fate]) -> str:
    """`3 carried, 1 merged`; the worst first; `no customisation` for none."""
    numbers: dict[str, int] = {}
    for one in fates:
        numbers[one.fate] = numbers.get(one.fate, 0) + 1
    names = {"needs-a-person": "needing a person"}
    told = [f"{numbers[name]} {names.get(name, name)}" for name in FATES if name in numbers]
    return ", ".join(told) or "no customisation"


def told(name: str, value: str | None) -> str | None:
    """A value as a row may show it. What may be a secret, by its name or by what it holds, becomes a short digest:
    enough to see that two of them differ."""
    if value is None:
        return None
    if _SECRET_NAME.search(name):
        return _hidden(value)
    value = _SECRET_PART.sub(lambda found: found[1] + found[2] + _hidden(found[3]), value)
    return value if len(value) <= _LONGEST else value[:_LONGEST] + "…"


def _hidden(value: str) -> str:
    # Not the digest of the bare value: a short secret could be guessed from that.
    mark = hashlib.blake2b(value.encode(), digest_size=3, person=b"handrail-fates").hexdigest()
    return f"(not shown, {mark})"
