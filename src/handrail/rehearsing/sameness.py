"""Whether two moments of a rehearsal are the same, but for when things happened and at which attempt.

Left out: times, restarts counted, the event log, sessions, what we keep on a host for ourselves (jobs, receipts, tasks)
and what attempts left behind that were made anew. All else has to be equal.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from handrail.hosts.windows_jobs import JOBS, ROOT, safe_name
from handrail.model.journal import StepStatus
from handrail.twin.codec import encode
from handrail.twin.state import Address, State
from handrail.twin.things import SYSTEM, Drive, Entry, System

OURS = (JOBS.lower() + "\\", ROOT.lower() + "\\receipts\\")
"""Where we keep things on a Windows host for ourselves, in lower case."""

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
        self._run = run.lower()
        self._last = {safe_name(step, 60).lower(): number for step, number in last.items()}
        self._folder = re.compile(
            rf"({re.escape(safe_name(run, 40))}\\+([^\\\"]+?)\\+)(\d+)(?=[\\\"\s']|$)", re.IGNORECASE
        )

    def place(self, path: str) -> str | None:
        """A path in lower case, with any number for the last attempt's; None for what is left out."""
        if path.startswith(OURS):
            return None
        found = self._folder.search(path)
        if found is None:
            # Logs are named after run and attempt; what they say is nobody's asset.
            return None if self._run in path and path.endswith((".txt", ".log")) else path
        if self._last.get(found[2]) != int(found[3]):
            return None
        return self.text(path)

    def text(self, text: str) -> str:
        return _PASSING.sub("<when>", self._folder.sub(r"\1#", text))


def differences(here: State, attempts: Attempts, there: State, attempts_there: Attempts) -> list[Difference]:
    """What is otherwise `here` than `there`; nothing when both are the same."""
    changed = [address for address, _ in here.changes_from(there)]
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
            told[(host, kind, place)] = (canonical(value, attempts), value)
    return told


def canonical(value: Any, attempts: Attempts) -> str:
    """A thing as text that is equal for things that are the same."""
    if isinstance(value, System):
        value = replace(value, boots=0, booted="", sessions=0)
    if isinstance(value, Entry):
        # The content tells; its hash and size follow from it, times in it included.
        inside = value.text is not None or value.raw is not None
        value = replace(value, path="", time="", sha256="" if inside else value.sha256, size=0)
    return attempts.text(json.dumps(encode(value), sort_keys=True))


def outputs(step: StepStatus, attempts: Attempts) -> str:
    """What a step has journaled for others, as text that is equal for attempts that made the same."""
    return attempts.text(json.dumps({**step.outputs, "backup_set": None}, sort_keys=True, default=str))


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
