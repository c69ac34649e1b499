"""The journal of a rehearsal, kept in memory: the same chains and the same refusals as the one on disk.

Nothing in it is left to chance: ids of runs are counted, commits are made at once and in the order in which they come.
A fork shares every event with its origin, and neither sees what the other appends.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from handrail.errors import StoreLocked, Tampered, UnknownName
from handrail.model.journal import RUN_LANE, Entry, Event
from handrail.running.chain import Head, check, digest, extend, head_of, seal
from handrail.running.clock import Clock, stamp
from handrail.running.protocol import Item, RunRow, Watch
from handrail.running.redaction import Redact, keep, plain


@dataclass(slots=True)
class _Run:
    """All of one run. `row` and `document` are None for what is no run, such as approvals."""

    row: RunRow | None = None
    document: str | None = None
    events: list[Event] = field(default_factory=list)
    heads: dict[str, Head] = field(default_factory=dict)

    def fork(self) -> _Run:
        return _Run(self.row, self.document, self.events.copy(), self.heads.copy())


class MemoryJournal:
    """See `running.protocol.AnyJournal`."""

    def __init__(self, clock: Clock, redact: Redact = keep, watch: Watch | None = None) -> None:
        self.clock = clock
        self._redact = redact
        self._watch = watch or (lambda _: None)
        self._runs: dict[str, _Run] = {}

    def fork(self, clock: Clock | None = None, watch: Watch | None = None) -> MemoryJournal:
        """The same journal at the same moment; what is appended to one is not in the other. `watch` is of the new one
        only."""
        copy = type(self)(clock or self.clock, self._redact, watch)
        copy._runs = {name: run.fork() for name, run in self._runs.items()}
        return copy

    def close(self) -> None:
        """Nothing is held."""

    # -- runs ---------------------------------------------------------------------------------------------------

    def create(
        self, estate: str, plan: str, document: str, target: str, who: str, data: Mapping[str, Any] | None = None
    ) -> str:
        now = self.clock.now()
        at = stamp(now)
        told = {"plan": plan, "estate": estate, "target": target, "who": who, "document": digest(document)}
        name = f"rehearsal-{now:%Y%m%d}-{sum(1 for one in self._runs.values() if one.row) + 1}"
        made = extend(Head(), name, RUN_LANE, 1, at, Entry("created", data=self._plain({**(data or {}), **told})))
        self._commit(name, [made], _Run(RunRow(name, plan, estate, target, at, who), document))
        return name

    def runs(self) -> list[RunRow]:
        return [run.row for run in self._runs.values() if run.row is not None]

    def row(self, run: str) -> RunRow:
        found = self._runs.get(run, _Run()).row
        if found is None:
            raise UnknownName("run", run, [row.run for row in self.runs()])
        return found

    def document(self, run: str) -> str:
        self.row(run)
        document = self._runs[run].document or ""
        if digest(document) != self._runs[run].events[0].entry.data.get("document"):
            raise Tampered(f"The plan stored for run {run} is not the one that it began with.")
        return document

    # -- events -------------------------------------------------------------------------------------------------

    def read(self, run: str) -> list[Event]:
        found = self._runs.get(run, _Run())
        # Nobody can have changed an event that never left this process; what can be wrong is which ones are there.
        check(run, found.events, found.heads, hashed=False)
        return found.events.copy()

    def has_steps(self, run: str) -> bool:
        return any(event.entry.step is not None for event in self._runs.get(run, _Run()).events)

    def tail(self, run: str, lane: str, behind: Head) -> list[Event]:
        known = self._runs.get(run, _Run())
        found: list[Event] = []
        if known.heads.get(lane, Head()) == behind:
            return found
        for event in reversed(known.events):
            if event.lane == lane:
                if event.sequence <= behind.sequence:
                    break
                found.append(event)
        found.reverse()
        for event in found:
            if (event.sequence, event.previous) != (behind.sequence + 1, behind.hash):
                raise Tampered(f"The journal of run {run} does not hold together in lane {lane}.")
            behind = head_of(event)
        return found

    def add(self, run: str, lane: str, entry: Entry) -> Event:
        known = self._runs.get(run, _Run())
        made = extend(
            known.heads.get(lane, Head()),
            run,
            lane,
            len(known.events) + 1,
            stamp(self.clock.now()),
            replace(entry, data=self._plain(entry.data)),
        )
        self._commit(run, [made])
        return made

    def take(self, run: str, wanted: Sequence[str], data: Mapping[str, Any]) -> tuple[dict[str, Head], list[Event]]:
        known = self._runs.get(run, _Run())
        at, entry = stamp(self.clock.now()), Entry("taken", data=self._plain(data))
        taken = []
        for position, lane in enumerate(wanted, start=len(known.events) + 1):
            head = known.heads.get(lane, Head())
            taken.append(extend(replace(head, epoch=head.epoch + 1), run, lane, position, at, entry))
        self._commit(run, taken)
        return {event.lane: head_of(event) for event in taken}, taken

    async def append(self, run: str, heads: Mapping[str, Head], items: Iterable[Item]) -> list[Event]:
        return self.append_now(run, heads, items)

    def append_now(self, run: str, heads: Mapping[str, Head], items: Iterable[Item]) -> list[Event]:
        """As `append`, without a loop."""
        known = self._runs.get(run, _Run())
        at = stamp(self.clock.now())
        ends: dict[str, Head] = {}
        made: list[Event] = []
        for position, (lane, entry) in enumerate(items, start=len(known.events) + 1):
            data = {**entry.data, "heads": seal({**known.heads, **ends})} if entry.kind == "sealed" else entry.data
            event = extend(ends.get(lane, heads[lane]), run, lane, position, at, replace(entry, data=self._plain(data)))
            ends[lane] = head_of(event)
            made.append(event)
        self._refuse_old(run, known.heads, {lane: heads[lane] for lane in ends})
        self._commit(run, made)
        return made

    # -- within -------------------------------------------------------------------------------------------------

    def _plain(self, data: Mapping[str, Any]) -> dict[str, Any]:
        made: dict[str, Any] = plain(data, self._redact)
        return made

    def _refuse_old(self, run: str, now: Mapping[str, Head], held: Mapping[str, Head]) -> None:
        """Lanes must still end where their writer left them."""
        if any(now.get(lane) != head for lane, head in held.items()):
            raise StoreLocked(
                f"Another process has taken run {run} over; this one has stopped.", "Follow it with `handrail status`."
            )

    def _commit(self, name: str, made: Sequence[Event], run: _Run | None = None) -> None:
        self._watch("before")
        known = self._runs.setdefault(name, run or _Run())
        known.events += made
        for event in made:
            known.heads[event.lane] = head_of(event)
        self._watch("after")


class ReachedJournal:
    """A journal as somebody reaches it who may fail at writing: what is read is read through."""

    def __init__(self, journal: MemoryJournal) -> None:
        self._journal = journal
        self.clock = journal.clock

    def create(
        self, estate: str, plan: str, document: str, target: str, who: str, data: Mapping[str, Any] | None = None
    ) -> str:
        return self._journal.create(estate, plan, document, target, who, data)

    def runs(self) -> list[RunRow]:
        return self._journal.runs()

    def row(self, run: str) -> RunRow:
        return self._journal.row(run)

    def document(self, run: str) -> str:
        return self._journal.document(run)

    def read(self, run: str) -> list[Event]:
        return self._journal.read(run)

    def has_steps(self, run: str) -> bool:
        return self._journal.has_steps(run)

    def tail(self, run: str, lane: str, behind: Head) -> list[Event]:
        return self._journal.tail(run, lane, behind)
