"""Whether two moments of a rehearsal are the same, but for when things happened and at which attempt.

Left out: times, restarts counted, the event log, sessions, what we keep on a host for ourselves (jobs, receipts, tasks)
and what attempts left behind that were made anew. All else has to be equal.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Any

from handrail.hosts.windows_jobs import JOBS, ROOT, safe_name
from handrail.model.journal import StepStatus
from handrail.twin.codec import encode
from handrail.twin.state import Address, State
from handrail.twin.things import SYSTEM, Database, Drive, Entry, System

OURS = (JOBS.lower() + "\\", ROOT.lower() + "\\receipts\\")
"""Where we keep things on a Windows host for ourselves, in lower case."""

_OBJECT, _END = "<cs-object ", "</cs-objects>"
_LOGS = ("runs",)
"""Tables in which a product logs what was asked of it: an import that is made again is in there again."""

_NEVER_THE_SAME = {"backup_set": None, "sha256": None}
"""Outputs that are new with every attempt; what they are about is compared for itself."""

_SCRATCH = "c:\\config.msi"
"""Where Windows Installer keeps what a restart has yet to replace."""

_KINDS_LEFT_OUT = ("event", "task", "restored")
_PASSING = re.compile(
    r"20\d\d-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?"
    r"|\b20\d{12}(?:\.\d+)?(?:[+-]\d{3})?\b"
    r"|\b20\d{6}\b"
    r"|\b\d\d/\d\d/20\d\d(?: \d\d:\d\d:\d\d [AP]M)?"
    r"|BackupSetGUID[\\\": ]+[0-9A-F-]{36}"
)
"""Times as texts, in the ways in which tools write them; and the ids that SQL Server gives to backups."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Something on a host that is otherwise. `here` and `there` are its values, None where there is none."""

    host: str
    kind: str
    name: str
    here: Any
    there: Any

    def __str__(self) -> str:
        where = f" on {self.host}" if self.host else ""
        shown = getattr(self.here or self.there, "path", None) or self.name
        if self.there is None:
            return f"{self.kind} {shown}{where} should not be there"
        if self.here is None:
            return f"{self.kind} {shown}{where} is not there"
        return f"{self.kind} {shown}{where} is otherwise: {_otherwise(self.here, self.there)}"


class Attempts:
    """Names that attempts gave to what they made: `RUN\\STEP\\NUMBER`, in which the number of the last one is any."""

    def __init__(self, run: str, last: Mapping[str, int]) -> None:
        self._run = run
        self._last = {_named(step): number for step, number in last.items()}

    def place(self, path: str) -> str | None:
        """A path in lower case, with any number for the last attempt's; None for what is left out."""
        if f"{path}\\".startswith((*OURS, _SCRATCH)):
            return None
        maker = _maker(self._run, path)
        if maker is None:
            # Logs are named after run and attempt; what they say is nobody's asset.
            return None if self._run.lower() in path and path.endswith((".txt", ".log")) else path
        step, number = maker
        return self.text(path) if self._last.get(step) == number else None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Attempts) and (self._run, self._last) == (other._run, other._last)

    __hash__ = None  # type: ignore[assignment]

    def own(self, address: Address) -> bool:
        """Whether the name is one that an attempt gave."""
        return address[1] == "entry" and _maker(self._run, address[2]) is not None

    def named_otherwise(self, address: Address, others: Attempts) -> bool:
        """Whether the name is one that an attempt gave, at a step whose last attempt has another number there."""
        maker = _maker(self._run, address[2]) if address[1] == "entry" else None
        return maker is not None and (
            self._run != others._run or self._last.get(maker[0]) != others._last.get(maker[0])
        )

    def text(self, text: str) -> str:
        return _timeless(self._run, text)


@cache
def _folder(run: str) -> re.Pattern[str]:
    return re.compile(rf"({re.escape(safe_name(run, 40))}\\+([^\\\"]+?)\\+)(\d+)(?=[\\\"\s']|$)", re.IGNORECASE)


@lru_cache(maxsize=100_000)
def _maker(run: str, path: str) -> tuple[str, int] | None:
    """The step that gave a path its name, as names have it, and at which attempt."""
    found = _folder(run).search(path)
    return (found[2].lower(), int(found[3])) if found else None


@lru_cache(maxsize=20_000)
def _named(step: str) -> str:
    return safe_name(step, 60).lower()


@lru_cache(maxsize=20_000)
def _timeless(run: str, text: str) -> str:
    return _PASSING.sub("<when>", _folder(run).sub(r"\1#", text))


def differences(here: State, attempts: Attempts, there: State, attempts_there: Attempts) -> list[Difference]:
    """What is otherwise `here` than `there`; nothing when both are the same."""
    changed = [address for address, _ in here.changes_from(there)]
    if attempts != attempts_there:
        # What one attempt made here may stand, under the same name, for what another one made there.
        everything = (address for one in (here, there) for address, _ in one.everything())
        both = dict.fromkeys(address for address in everything if attempts.named_otherwise(address, attempts_there))
        changed = [*(one for one in changed if one not in both), *both]
    ours, theirs = _told(here, changed, attempts), _told(there, changed, attempts_there)
    found = []
    for key in sorted(ours.keys() | theirs.keys()):
        left, right = ours.get(key), theirs.get(key)
        if left is None or right is None or left[0] != right[0]:
            found.append(Difference(*key, left[1] if left else None, right[1] if right else None))
    return found


def _told(state: State, addresses: Iterable[Address], attempts: Attempts) -> dict[Address, tuple[str, Any]]:
    told = {}
    for host, kind, name in addresses:
        value = state.table(host, kind).get(name)
        if value is None or kind in _KINDS_LEFT_OUT or (isinstance(value, Drive) and value.session != SYSTEM):
            continue
        place = attempts.place(name) if kind == "entry" else name
        if place is not None:
            told[(host, kind, place)] = (canonical(value, attempts, attempts.own((host, kind, name))), value)
    return told


def canonical(value: Any, attempts: Attempts, own: bool = False) -> str:
    """A thing as text that is equal for things that are the same. `own`: a file that an attempt made for itself."""
    if isinstance(value, System):
        value = replace(value, boots=0, booted="", sessions=0)
    if isinstance(value, Entry):
        # The content tells; its hash and size follow from it, times in it included.
        inside = value.text is not None or value.raw is not None
        value = replace(value, path="", time="", sha256="" if inside else value.sha256, size=0)
        if value.raw is not None and own:
            value = replace(value, raw="")  # encrypted, it is never twice the same
        if value.text is not None and _OBJECT in value.text:
            value = replace(
                value, text="".join(sorted(value.text.replace(_END, "").split(_OBJECT)))
            )  # exported in any order
    if isinstance(value, Database):
        value = replace(value, tables={name: one for name, one in value.tables.items() if name not in _LOGS})
    return attempts.text(json.dumps(encode(value), sort_keys=True))


def outputs(step: StepStatus, attempts: Attempts) -> str:
    """What a step has journaled for others, as text that is equal for attempts that made the same."""
    return attempts.text(json.dumps({**step.outputs, **_NEVER_THE_SAME}, sort_keys=True, default=str))


def last_attempts(steps: Iterable[StepStatus]) -> dict[str, int]:
    return {step.id: step.attempts for step in steps}


def _otherwise(here: Any, there: Any) -> str:
    one, other = encode(here), encode(there)
    if not isinstance(one, dict) or not isinstance(other, dict):
        return f"{one}, not {other}"
    names = [name for name in {**other, **one} if one.get(name) != other.get(name)]
    return "; ".join(f"{name} {_short(one.get(name))}, not {_short(other.get(name))}" for name in names)


def _short(value: Any) -> str:
    text = " ".join(json.dumps(value).split())
    return text if len(text) <= 120 else text[:119] + "…"
