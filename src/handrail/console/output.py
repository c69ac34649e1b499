"""The end of what a host said while a step is at work, from the transcript that this machine keeps of it.

A run that is carried from elsewhere keeps its transcripts there; then there is nothing to show before a step's end.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

READ = 96 * 1024
"""Bytes that are read of a transcript, from its end."""
LINES = 24
"""Lines of one answer that are shown, the last ones."""
ANSWERS = 6
WIDEST = 240


@dataclass(frozen=True, slots=True)
class Said:
    """What was asked, and how it was answered. `job`: of a command that goes on by itself on the host, this is the
    end of its output so far."""

    at: str
    asked: str
    outcome: str
    lines: tuple[str, ...]
    job: bool = False


def said_since(path: Path, since: str, answers: int = ANSWERS) -> tuple[Said, ...]:
    """The last answers of a host since a moment (ISO 8601, UTC), oldest first. Of a job only what it printed last.
    Nothing when there is no transcript, or it cannot be read."""
    found: list[Said] = []
    for line in _newest_first(path):
        if str(line.get("at", "")) < since:
            break
        one = _said(line)
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


def _said(line: Mapping[str, Any]) -> Said | None:
    if line.get("ask") != "execute":
        return None
    words = [str(one) for one in line.get("argv") or line.get("script") or ()]
    text = _text(line.get("out")) + _text(line.get("err"))
    outcome = str(line.get("outcome", ""))
    if outcome == "exited":
        outcome = "" if line.get("code") == 0 else f"exit code {line.get('code')}"
    elif outcome in ("lost", "timed-out"):
        outcome = f"no answer{': ' + str(line['because']) if line.get('because') else ''}"
    if words[:2] == ["sh", "-c"] and len(words) > 3:
        job = words[3] == "poll"
        state, _, rest = text.partition("\n")
        if job:
            return (
                Said(str(line.get("at", "")), f"a long command: {state}", outcome, _last(rest), True) if rest else None
            )
        words = [f"sh ({words[3]})", *words[4:6]] if words[3] == "start" else words[3:]
    return Said(str(line.get("at", "")), _short(" ".join(words)), outcome, _last(text))


def _text(kept: Any) -> str:
    if not isinstance(kept, Mapping):
        return ""
    if "text" in kept:
        return str(kept["text"])
    return str(kept.get("tail", ""))


def _last(text: str) -> tuple[str, ...]:
    lines = [_short(line.rstrip()) for line in text.splitlines() if line.strip()]
    return tuple(lines[-LINES:])


def _short(text: str) -> str:
    return text if len(text) <= WIDEST else text[: WIDEST - 1] + "…"
