"""A run as it happens: one line for each event that people care about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from handrail.model.journal import Event
from handrail.model.plan import Step
from handrail.reporting.outline import is_remedy
from handrail.reporting.page import Tone
from handrail.running.holds import PLAYED

_WORDS: Mapping[str, tuple[str, Tone]] = {
    "begun": ("begun", "quiet"),
    "done": ("done", "good"),
    "skipped": ("skipped", "quiet"),
    "failed": ("failed", "bad"),
    "in-doubt": ("in doubt", "bad"),
    "asked": ("waiting", "warn"),
    "agreed": ("agreed", "plain"),
    "answered": ("answered", "plain"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """`busy` is the step's title while it is at work on `host`, and None when it no longer is."""

    at: str
    host: str
    word: str
    tone: Tone
    text: str
    busy: bool

    def __str__(self) -> str:
        return f"{self.at}  {self.host}  {self.word}  {self.text}"


def line_of(event: Event, step: Step | None) -> Line | None:
    """What an event says to people; None when it says nothing to them."""
    entry = event.entry
    if entry.kind not in _WORDS or step is None:
        return None
    if entry.kind == "skipped" and is_remedy(step):
        return None  # an error that did not happen is no news
    if entry.kind in ("agreed", "answered") and entry.data.get("who") in PLAYED:
        return None  # nobody was asked
    word, tone = _WORDS[entry.kind]
    told = entry.data
    text = step.title
    if entry.attempt > 1 and entry.kind == "begun":
        text += f" (attempt {entry.attempt})"
    if entry.kind == "done":
        if told.get("already") and step.kind == "do":
            text += " (it was so already)"
        elif told.get("settled"):
            text += " (it had happened before the interruption)"
        if told.get("said"):
            text += f"; although: {told['said']}"
    elif entry.kind in ("agreed", "answered"):
        note = f" ({told['note']})" if told.get("note") else ""
        text += f": {told.get('answer')}, says {told.get('who')}{note}"
    elif told.get("because"):
        error = f" [{told['error']}]" if told.get("error") else ""
        text += f"{error}: {told['because']}"
    return Line(_local(event.at), step.host or "-", word, tone, " ".join(text.split()), entry.kind == "begun")


def _local(at: str) -> str:
    try:
        return f"{datetime.fromisoformat(at.replace('Z', '+00:00')).astimezone():%H:%M:%S}"
    except ValueError:
        return at
