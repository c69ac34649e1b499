"""What is left of a command that was broken off: it is carried out on a fork, and a part of what changed there is kept.

What Windows carries out as one transaction (an installation, a service, a registry value, a database's schema) is there
or is not. Copies, exports and backups are not: some of their files are whole, one is cut off, the others are missing. A
restore that was broken off leaves a database that nobody can open.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

from handrail.hosts.windows_jobs import JOBS
from handrail.rehearsing.life import Call, Life
from handrail.rehearsing.sameness import OURS
from handrail.twin.mechanisms import files
from handrail.twin.state import Address
from handrail.twin.things import Database, Entry, Event, System, Task
from handrail.twin.tools.batch import KILLED

Keep = Literal["nothing", "half"]
Change = tuple[Address, Any]

INCOMPLETE = "*** INCOMPLETE ***"
"""What SQL Server calls such a backup."""

BROKEN_OFF = "broken off by the rehearsal"
"""The command that a fault shows in the twin's effect log."""


@dataclass(frozen=True, slots=True)
class Foretold:
    """What a call would have answered and changed."""

    answer: Any
    changes: tuple[Change, ...]
    ours: tuple[Change, ...]
    """Of its changes those to what we keep on the host: the job that it runs in."""


async def foretell(life: Life, call: Call) -> Foretold:
    """Have the call made on a fork."""
    fork = life.stage.twin.fork(life.stage.clock.fork())
    answer = await life.perform(call, fork)
    made = fork.state.changes_from(life.stage.twin.state)
    ours = tuple(one for one in made if _is_ours(one))
    return Foretold(answer, tuple(one for one in made if not _is_ours(one)), ours)


def _is_ours(change: Change) -> bool:
    (_, kind, name), value = change
    return kind in ("task", "event") or isinstance(value, Task | Event) or (kind == "entry" and name.startswith(OURS))


def apply(life: Life, host: str, changes: Iterable[Change]) -> None:
    """Make these changes, and no others."""
    listed = list(changes)

    def work(machine: Any) -> None:
        for address, value in listed:
            machine.context.draft.put(*address, value)

    life.stage.twin.transact(host, BROKEN_OFF, work)


def broken_off(foretold: Foretold, keep: Keep) -> list[Change]:
    """What is there of it after it was broken off."""
    return list(_half(foretold.changes)) if keep == "half" else []


def _half(changes: tuple[Change, ...]) -> tuple[Change, ...]:
    made = sorted(((address, value) for address, value in changes if isinstance(value, Entry)), key=lambda one: one[0])
    if any(kind == "restored" for (_, kind, _), _ in changes):
        return tuple((address, _restoring(value)) for address, value in changes if isinstance(value, Database))
    if any(kind not in ("entry", "system") for (_, kind, _), _ in changes):
        return ()
    whole = [one for one in made if not one[1].folder]
    if not whole:
        return ()
    middle = len(whole) // 2
    folders = [one for one in made if one[1].folder]
    address, last = whole[middle]
    return (*folders, *whole[:middle], (address, cut(last)))


def _restoring(database: Database) -> Database:
    return replace(database, state="RESTORING", schema=0, tables={}, key_set="")


def cut(entry: Entry) -> Entry:
    """The file with its end missing; SQL Server knows a backup that was never finished from its header."""
    if "backup" in entry.holds:
        held = entry.holds["backup"]
        unfinished = {**held, "header": {**held["header"], "BackupName": INCOMPLETE}}
        entry = files.made(entry.path, {"backup": unfinished}, entry.time)
    data = files.content(entry)[: max(len(files.content(entry)) // 2, 1)]
    return _spoilt(entry, data)


def damaged(entry: Entry) -> Entry:
    """The file with other bytes in its middle, as a failing disk leaves it."""
    data = bytearray(files.content(entry) or b"?")
    at = len(data) // 2
    data[at : at + 8] = hashlib.sha256(bytes(data)).digest()[:8]
    return _spoilt(entry, bytes(data))


def _spoilt(entry: Entry, data: bytes) -> Entry:
    """Other bytes in a file that was good for something: its hash tells that it is not any more."""
    held = {**entry.holds, "stated": entry.sha256} if entry.holds else {}
    return files.of_bytes(entry.path, data, entry.time, version=entry.version, holds=held)


def job_of(foretold: Foretold) -> str | None:
    """The folder of the detached job that the call runs, in lower case."""
    for (_, kind, name), _ in foretold.ours:
        if kind == "entry" and name.startswith(JOBS.lower()) and name.endswith("\\out.txt"):
            return name.rpartition("\\")[0]
    return None


def job_killed(foretold: Foretold) -> list[Change]:
    """The job's own files as they are when it, or the machine, was killed: it had begun to print, and left no code."""
    kept: list[Change] = []
    for (host, kind, name), value in foretold.ours:
        if isinstance(value, Task):
            kept.append(((host, kind, name), replace(value, result=KILLED)))
        elif isinstance(value, Entry) and name.endswith("\\out.txt"):
            kept.append(((host, kind, name), files.of_bytes(value.path, b"", value.time)))
        elif isinstance(value, Entry) and name.endswith("\\running"):
            kept.append(((host, kind, name), value))
    return kept


def job_ended(foretold: Foretold, code: int, says: str | None = None) -> list[Change]:
    """The job's own files with another exit code, and if given with another text."""
    kept: list[Change] = []
    for (host, kind, name), value in foretold.ours:
        if isinstance(value, Entry) and name.endswith("\\exit.txt"):
            kept.append(((host, kind, name), files.of_bytes(value.path, f"{code} \r\n".encode(), value.time)))
        elif isinstance(value, Entry) and name.endswith("\\out.txt") and says is not None:
            kept.append(((host, kind, name), files.of_bytes(value.path, says.encode(), value.time)))
        else:
            kept.append(((host, kind, name), value))
    return kept


def no_session(changes: Iterable[Change]) -> list[Change]:
    """Without the count of sessions, which nobody made."""
    return [one for one in changes if not isinstance(one[1], System)]
