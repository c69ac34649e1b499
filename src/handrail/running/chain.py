"""The hash chain of a lane: how an event is hashed, and how a chain is checked. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from handrail.errors import Tampered
from handrail.model.journal import Entry, Event

GENESIS = "0" * 64
ADVICE = "Do not go on with this run; take the store from a backup and find out who changed it."


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a lane's chain: its last event's sequence, epoch and hash."""

    sequence: int = 0
    epoch: int = 0
    hash: str = GENESIS


def canonical(value: Any) -> str:
    """JSON with one spelling only: sorted keys, no spaces, ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def hash_of(event: Event) -> str:
    """Covers every field but the hash itself."""
    entry = event.entry
    return digest(
        canonical(
            [
                event.run,
                event.lane,
                event.sequence,
                event.epoch,
                event.position,
                event.at,
                entry.kind,
                entry.step,
                entry.attempt,
                dict(entry.data),
                event.previous,
            ]
        )
    )


def extend(head: Head, run: str, lane: str, position: int, at: str, entry: Entry) -> Event:
    """The event that `entry` becomes behind `head`. `entry.data` must be plain JSON already."""
    bare = Event(run, lane, head.sequence + 1, head.epoch, at, entry, head.hash, "", position)
    return replace(bare, hash=hash_of(bare))


def head_of(event: Event) -> Head:
    return Head(event.sequence, event.epoch, event.hash)


def seal(heads: Mapping[str, Head]) -> str:
    """One hash over the heads of all lanes."""
    return digest(canonical([[lane, head.sequence, head.hash] for lane, head in sorted(heads.items())]))


def check(
    run: str,
    events: Iterable[Event],
    heads: Mapping[str, Head] | None = None,
    *,
    hashed: bool = True,
) -> dict[str, Head]:
    """The heads after `events`, which are all of a run in the order of their positions. Tampered if anything is off:
    a hash, a gap, an epoch that goes back, a seal, or (when given) the heads as the store has them.

    `hashed`: compute every hash again. Without, each event is believed to be the one that was hashed."""
    chains = Chains(run, hashed=hashed)
    for event in events:
        chains.take(event)
    if heads is not None and dict(heads) != chains.heads:
        raise Tampered(f"The journal of run {run} does not end where its lanes say: events are missing.", ADVICE)
    return chains.heads


class Chains:
    """The chains of a run as far as they were followed: `heads` by lane, `position` of the last event. Whoever follows
    a run that grows keeps one. `behind`, `position`: it goes on from there; what is before was checked."""

    def __init__(
        self, run: str, behind: Mapping[str, Head] | None = None, position: int = 0, *, hashed: bool = True
    ) -> None:
        self.heads: dict[str, Head] = dict(behind or {})
        self.position = position
        self._run = run
        self._hashed = hashed

    def take(self, event: Event) -> None:
        """Follow the next event. Tampered when it does not fit what was before it."""
        position = self.position + 1
        last = self.heads.get(event.lane, Head())
        whole = (
            event.run == self._run
            and event.position == position
            and event.sequence == last.sequence + 1
            and event.previous == last.hash
            and event.epoch >= last.epoch
            and (not self._hashed or event.hash == hash_of(event))
        )
        if not whole:
            raise Tampered(
                f"The journal of run {self._run} does not hold together at event {position} (lane {event.lane}, "
                f"number {event.sequence}): it was changed, or events are missing.",
                ADVICE,
            )
        if event.entry.kind == "sealed" and event.entry.data.get("heads") != seal(self.heads):
            raise Tampered(
                f"The seal at event {position} of run {self._run} does not fit the events before it.", ADVICE
            )
        self.heads[event.lane] = head_of(event)
        self.position = position
