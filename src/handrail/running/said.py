"""What a host said, as people are shown it: made of a line of its transcript, where every secret is hidden already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from handrail.hosts import windows_jobs

LINES = 24
"""Lines of one answer that are shown, the last ones."""
WIDEST = 240

AT_WORK = "a long command: running"


@dataclass(frozen=True, slots=True)
class Said:
    """What was asked, and how it was answered. `job`: of a command that goes on by itself on the host, this is the
    end of its output so far."""

    at: str
    asked: str
    outcome: str
    lines: tuple[str, ...]
    job: bool = False


def said(line: Mapping[str, Any]) -> Said | None:
    """None of what tells people nothing: files that were written, how a job stands that has printed nothing."""
    if line.get("ask") != "execute":
        return None
    words = _words(line)
    text = _text(line.get("out")) + _text(line.get("err"))
    at, outcome = str(line.get("at", "")), str(line.get("outcome", ""))
    if outcome == "exited":
        outcome = "" if line.get("code") == 0 else f"exit code {line.get('code')}"
    elif outcome in ("lost", "timed-out"):
        outcome = f"no answer{': ' + str(line['because']) if line.get('because') else ''}"
    if windows_jobs.asks_for_output(words):
        return (
            Said(at, AT_WORK if line.get("at_work") else "a long command", outcome, _last(text), True) if text else None
        )
    if windows_jobs.is_about_a_job(words):
        return None
    if words[:2] == ["sh", "-c"] and len(words) > 3:
        if words[3] == "poll":
            state, rest = _state(line)
            return Said(at, f"a long command: {state}", outcome, _last(rest), True) if rest else None
        words = [f"sh ({words[3]})", *words[4:6]] if words[3] == "start" else words[3:]
    return Said(at, _short(" ".join(words)), outcome, _last(text))


def at_work(line: Mapping[str, Any]) -> Said | None:
    """What a command has printed that goes on by itself on the host; None of all other lines."""
    return said(line) if line.get("at_work") else None


def _words(line: Mapping[str, Any]) -> Sequence[str]:
    return [str(one) for one in line.get("argv") or line.get("script") or ()]


def _state(line: Mapping[str, Any]) -> tuple[str, str]:
    """Of a question after a job on Linux: how it stands, and the end of its output."""
    kept = line.get("out")
    if not isinstance(kept, Mapping) or "text" in kept:
        state, _, rest = _text(kept).partition("\n")
        return state, rest
    return "running" if line.get("at_work") else str(kept.get("head", "")).partition("\n")[0], _text(kept)


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
