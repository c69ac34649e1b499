"""The end of what a host said while a step is at work: from the transcript that this machine keeps of it, or, where
workers carry the run, from what they tell their store of it.

A run that a process on another machine carries keeps its transcripts there: it shows nothing before a step's end.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from handrail.console.following import Follower
from handrail.running.clock import stamp
from handrail.running.said import Said, said
from handrail.running.session import Session
from handrail.running.tails import tail
from handrail.running.transcripts import path_of

READ = 96 * 1024
"""Bytes that are read of a transcript, from its end."""
ANSWERS = 6


def said_of(session: Session, follower: Follower, host: str | None, since: datetime) -> tuple[Said, ...]:
    """What a host of the run has said since a moment, as far as it can be known here; nothing of no host."""
    run, moment = follower.row.run, stamp(since)
    if host is None:
        return ()
    if follower.for_workers:
        return tail(session.journal.store, run, host, moment)
    return said_since(path_of(session.home.transcripts(run), host), moment)


def said_since(path: Path, since: str, answers: int = ANSWERS) -> tuple[Said, ...]:
    """The last answers of a host since a moment (ISO 8601, UTC), oldest first. Of a job only what it printed last.
    Nothing when there is no transcript, or it cannot be read."""
    found: list[Said] = []
    for line in _newest_first(path):
        if str(line.get("at", "")) < since:
            break
        one = said(line)
        if one is None or (one.job and any(other.job for other in found)):
            continue
        found.append(one)
        if len(found) == answers:
            break
    return tuple(reversed(found))


def _newest_first(path: Path) -> Iterator[Mapping[str, Any]]:
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - READ))
            data = file.read(READ)
    except OSError:
        return
    lines = data.split(b"\n")
    for raw in reversed(lines if size <= READ else lines[1:]):
        try:
            line = json.loads(raw)
        except ValueError:
            continue  # half a line: it is being written, or its writer died
        if isinstance(line, dict) and "ask" in line:
            yield line
