"""The journal: what was meant, what came of it, in the order in which it was committed.

Each lane is a hash chain. The one runner of a run writes through a `Writer` (`writer.py`), which takes lanes over and
raises their epochs; everybody else (answers, approvals, verifications) adds single entries with `Journal.add`. All
reading checks the chains.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from handrail.errors import StoreLocked, Tampered, UnknownName
from handrail.model.journal import PEOPLE_LANE, RUN_LANE, Entry, Event
from handrail.running.chain import Head, check, digest, extend, hash_of, head_of, seal
from handrail.running.clock import Clock, SystemClock, stamp
from handrail.running.protocol import Bell, Item, RunRow, Watch
from handrail.running.redaction import Redact, keep, plain
from handrail.running.rows import FIELDS, check_row, event_of, row_of
from handrail.running.schema import events, lanes, plans, runs
from handrail.running.store import Store, open_store
from handrail.running.whereabouts import Departure, departure_of, departures, dispatch_of, refuse_departed

__all__ = ["Item", "Journal", "RunRow", "Watch", "open_journal"]

SWIFT = 0.005
"""Seconds that commits may take to be made in the loop's own thread. To hand one to another thread, with which it then
shares the interpreter, and to hear of it takes as long as a commit to a fast disk takes three times."""
FORGETS = 0.99
"""With every commit that another thread makes, so much is left of what was seen of the disk: after some it is tried
again. What such a commit takes says little about the disk where the loop has much to do."""

_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"  # without those that people misread


def open_journal(
    url: str,
    *,
    clock: Clock | None = None,
    redact: Redact = keep,
    watch: Watch | None = None,
    make: bool = True,
    busy: float = 10.0,
) -> Journal:
    """Open the journal in the store at `url`. Errors as `open_store`."""
    return Journal(open_store(url, make=make, busy=busy), clock or SystemClock(), redact, watch)


class Journal:
    def __init__(self, store: Store, clock: Clock, redact: Redact = keep, watch: Watch | None = None) -> None:
        self.store = store
        self.clock = clock
        self._redact = redact
        self._watch = watch or (lambda _: None)
        # One thread for what runners append where that is not swift: commits are in order by nature.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal")
        self._takes = 0.0  # seconds of a commit in the loop's own thread, lately

    def close(self) -> None:
        self._thread.shutdown()
        self.store.close()

    # -- runs ---------------------------------------------------------------------------------------------------

    def create(
        self,
        estate: str,
        plan: str,
        document: str,
        target: str,
        who: str,
        data: Mapping[str, Any] | None = None,
        contents: Mapping[str, Any] | None = None,
    ) -> str:
        """Begin a run of the plan with digest `plan` and JSON `document`; its id, which is new and readable.
        `contents`: what the plan consists of, journaled second."""
        now = self.clock.now()
        at = stamp(now)
        created = Entry(
            "created",
            data=self.plain(
                {
                    **(data or {}),
                    "plan": plan,
                    "estate": estate,
                    "target": target,
                    "who": who,
                    "document": digest(document),
                }
            ),
        )
        stem = f"{_slug(estate)}-{now:%Y%m%d}-"
        with self.store.write(stem) as connection:
            taken = connection.scalar(sa.select(sa.func.count()).where(runs.c.run.startswith(stem, autoescape=True)))
            # The tail differs between stores too: receipts on the targets are named after the run.
            run = f"{stem}{(taken or 0) + 1}-{''.join(secrets.choice(_LETTERS) for _ in range(5))}"
            if connection.scalar(sa.select(plans.c.digest).where(plans.c.digest == plan)) is None:
                connection.execute(plans.insert(), {"digest": plan, "document": document})
            connection.execute(
                runs.insert(),
                {"run": run, "plan": plan, "estate": estate, "target": target, "created": at, "who": who},
            )
            made = [extend(Head(), run, RUN_LANE, 1, at, created)]
            if contents is not None:
                outlined = Entry("outlined", data=self.plain(contents))
                made.append(extend(head_of(made[0]), run, RUN_LANE, 2, at, outlined))
            self.insert(connection, run, made)
            self._watch("before")
        self._watch("after")
        return run

    def runs(self) -> list[RunRow]:
        """All runs, oldest first."""
        with self.store.read() as connection:
            rows = connection.execute(sa.select(runs).order_by(runs.c.created, runs.c.run)).all()
        return [RunRow(*row) for row in rows]

    def row(self, run: str) -> RunRow:
        """UnknownName when there is no such run."""
        with self.store.read() as connection:
            row = connection.execute(sa.select(runs).where(runs.c.run == run)).one_or_none()
            if row is None:
                raise UnknownName("run", run, connection.scalars(sa.select(runs.c.run)))
        return RunRow(*row)

    def created(self, run: str) -> Mapping[str, Any]:
        """What was journaled when the run began; its chain is not checked."""
        with self.store.read() as connection:
            first = connection.execute(sa.select(*FIELDS).where(events.c.run == run, events.c.position == 1)).first()
        return event_of(first).entry.data if first is not None else {}

    def document(self, run: str) -> str:
        """The JSON of the plan that `run` carries out, as it was when the run began. Tampered when it is not."""
        row = self.row(run)
        with self.store.read() as connection:
            document = connection.scalar(sa.select(plans.c.document).where(plans.c.digest == row.plan))
            first = connection.execute(sa.select(*FIELDS).where(events.c.run == run, events.c.position == 1)).first()
        if document is None or first is None or digest(document) != event_of(first).entry.data.get("document"):
            raise Tampered(f"The plan stored for run {run} is not the one that it began with.")
        return str(document)

    # -- events -------------------------------------------------------------------------------------------------

    def read(self, run: str) -> list[Event]:
        """All events of a run in the order of their commits, every chain checked. Tampered when one does not hold."""
        with self.store.read() as connection:
            rows = connection.execute(sa.select(*FIELDS).where(events.c.run == run).order_by(events.c.position)).all()
            heads = {
                lane: Head(sequence, epoch, tip)
                for lane, sequence, epoch, tip in connection.execute(
                    sa.select(lanes.c.lane, lanes.c.sequence, lanes.c.epoch, lanes.c.hash).where(lanes.c.run == run)
                )
            }
            row = connection.execute(sa.select(runs).where(runs.c.run == run)).one_or_none()
        found = [event_of(row) for row in rows]
        check(run, found, heads)
        if row is not None:
            check_row(RunRow(*row), found[0] if found else None)
        return found

    def unended(self) -> list[str]:
        """The runs that were handed over to workers and have not ended, oldest first. One that came from another store,
        or went to one, has to be handed over anew."""
        end, other, move = events.alias("end"), events.alias("other"), events.alias("move")
        ended = (
            sa.select(sa.func.max(end.c.position))
            .where(end.c.run == runs.c.run, end.c.lane == RUN_LANE, end.c.kind == "ended")
            .scalar_subquery()
            .correlate(runs)
        )
        last_move = (
            sa.select(sa.func.coalesce(sa.func.max(move.c.position), 0))
            .where(move.c.run == runs.c.run, move.c.lane == PEOPLE_LANE, move.c.kind.in_(("moved", "arrived")))
            .scalar_subquery()
            .correlate(runs)
        )
        of_run = sa.select(other.c.run).where(other.c.run == runs.c.run).correlate(runs)
        handed = of_run.where(other.c.lane == PEOPLE_LANE, other.c.kind == "handed-over", other.c.position > last_move)
        again = of_run.where(other.c.position > ended, other.c.kind.in_(("taken", "handed-over")))
        query = sa.select(runs.c.run).where(handed.exists(), sa.or_(ended.is_(None), again.exists()))
        with self.store.read() as connection:
            return list(connection.scalars(query.order_by(runs.c.created)))

    def has_steps(self, run: str) -> bool:
        """Whether anything was journaled about any step of the run."""
        query = sa.select(events.c.position).where(events.c.run == run, events.c.step.is_not(None)).limit(1)
        with self.store.read() as connection:
            return connection.scalar(query) is not None

    def taken_back(self) -> dict[str, str]:
        """Of all runs those that were taken back, each with the run that did it."""
        query = sa.select(events.c.run, events.c.data).where(events.c.kind == "taken-back")
        with self.store.read() as connection:
            return {run: str(json.loads(data)["by"]) for run, data in connection.execute(query)}

    def departure(self, run: str) -> Departure | None:
        """Where the run went, to another store; None when it is here."""
        with self.store.read() as connection:
            return departure_of(connection, run)

    def departures(self) -> dict[str, Departure]:
        """Of all runs those that went to other stores."""
        with self.store.read() as connection:
            return departures(connection)

    def dispatch(self, run: str) -> str | None:
        """`workers` when workers carry the run out."""
        with self.store.read() as connection:
            arrived = dispatch_of(connection, run)
        return arrived or self.created(run).get("dispatch")

    def tail(self, run: str, lane: str, behind: Head) -> list[Event]:
        """The events of one lane behind its head `behind`, checked as far as they go."""
        if not self.store.may_go_on(run, lane, behind.sequence):
            return []
        with self.store.read() as connection:
            rows = connection.execute(_TAIL, {"of": run, "on": lane, "behind": behind.sequence}).all()
        found = [event_of(row) for row in rows]
        for event in found:
            behind = replace(behind, epoch=max(event.epoch, behind.epoch))
            if extend(behind, run, lane, event.position, event.at, event.entry).hash != event.hash:
                raise Tampered(f"The journal of run {run} does not hold together in lane {lane}.")
            behind = head_of(event)
        return found

    def since(self, run: str, position: int, *, settled: bool = False) -> list[Event]:
        """The events of all lanes behind a position, in the order of their commits. Whoever follows a run keeps
        its `chain.Chains` and takes each event with them. `settled`: what is being committed is waited for."""
        query = sa.select(*FIELDS).where(events.c.run == run, events.c.position > position).order_by(events.c.position)
        with self.store.write(run) if settled else self.store.read() as connection:
            return [event_of(row) for row in connection.execute(query)]

    def of_step(self, run: str, step: str) -> list[Event]:
        """The events about one step. Each is as it was hashed; whether chains hold together, others have checked."""
        query = sa.select(*FIELDS).where(events.c.run == run, events.c.step == step).order_by(events.c.position)
        return self._single(run, query)

    def some(self, run: str, after: int, number: int, *, lane: str = "", step: str = "", kind: str = "") -> list[Event]:
        """The first `number` events behind the position `after`, of one lane, step or kind where one is named; checked
        as in `of_step`."""
        query = sa.select(*FIELDS).where(events.c.run == run, events.c.position > after)
        for column, value in ((events.c.lane, lane), (events.c.step, step), (events.c.kind, kind)):
            query = query.where(column == value) if value else query
        return self._single(run, query.order_by(events.c.position).limit(number))

    def latest(self, run: str, number: int) -> list[Event]:
        """The last events of a run, newest first; checked as in `of_step`."""
        query = sa.select(*FIELDS).where(events.c.run == run).order_by(events.c.position.desc()).limit(number)
        return self._single(run, query)

    def _single(self, run: str, query: sa.Select[Any]) -> list[Event]:
        with self.store.read() as connection:
            found = [event_of(row) for row in connection.execute(query)]
        for event in found:
            if event.hash != hash_of(event):
                raise Tampered(f"Event {event.position} of run {run} is not as it was written.")
        return found

    def ring(self, run: str, bells: Sequence[Bell]) -> None:
        """Ring doorbells without journaling anything."""
        with self.store.write(run) as connection:
            self.store.ring(connection, run, bells)

    def epochs(self, run: str, wanted: Sequence[str]) -> dict[str, int]:
        """The epochs of lanes, as they are now."""
        with self.store.read() as connection:
            return {lane: head.epoch for lane, head in self.heads_of(connection, run, wanted).items()}

    def add(self, run: str, lane: str, entry: Entry, ring: Sequence[Bell] = ()) -> Event:
        """Append one entry from beside the runner, to a lane that the runner does not write (PEOPLE_LANE). BadInput
        when the run went to another store."""
        with self.store.write(run) as connection:
            refuse_departed(departure_of(connection, run), run)
            head = self.heads_of(connection, run, [lane]).get(lane, Head())
            event = extend(
                head,
                run,
                lane,
                self.end_of(connection, run) + 1,
                stamp(self.clock.now()),
                replace(entry, data=self.plain(entry.data)),
            )
            self.insert(connection, run, [event])
            self.store.ring(connection, run, ring)
            self._watch("before")
        self._watch("after")
        return event

    def take(self, run: str, wanted: Sequence[str], data: Mapping[str, Any]) -> tuple[dict[str, Head], list[Event]]:
        """Take lanes over: raises their epochs, so that older writers are refused. For `Writer`. BadInput when the run
        went to another store."""
        at = stamp(self.clock.now())
        entry = Entry("taken", data=self.plain(data))
        with self.store.write(run) as connection:
            refuse_departed(departure_of(connection, run), run)
            heads = self.heads_of(connection, run, wanted)
            position = self.end_of(connection, run)
            taken = []
            for count, lane in enumerate(wanted, start=1):
                head = heads.get(lane, Head())
                raised = replace(head, epoch=head.epoch + 1)
                taken.append(extend(raised, run, lane, position + count, at, entry))
            self.insert(connection, run, taken)
            self._watch("before")
        self._watch("after")
        return {event.lane: head_of(event) for event in taken}, taken

    async def append(
        self, run: str, heads: Mapping[str, Head], items: Iterable[Item], ring: Sequence[Bell] = ()
    ) -> list[Event]:
        """Append to lanes whose heads the caller holds, in one commit; back when it is made. Lanes that `heads` does
        not name belong to nobody: their ends are where the store has them. StoreLocked when a lane was taken over."""
        if not (self.store.is_near and self._takes < SWIFT):
            self._takes *= FORGETS
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._thread, self._append, run, heads, items, ring)
        began = time.perf_counter()
        try:
            return self._append(run, heads, items, ring)
        finally:  # also when another process held the store for so long that we gave up
            self._takes += (time.perf_counter() - began - self._takes) / 8

    def _append(
        self, run: str, heads: Mapping[str, Head], items: Iterable[Item], ring: Sequence[Bell] = ()
    ) -> list[Event]:
        at = stamp(self.clock.now())
        ends: dict[str, Head] = {}
        made: list[Event] = []
        with self.store.write(run) as connection:
            position = self.end_of(connection, run)
            free: dict[str, Head] = {}
            for count, (lane, entry) in enumerate(items, start=1):
                if lane not in heads and lane not in free:
                    free[lane] = self.heads_of(connection, run, [lane]).get(lane, Head())
                if entry.kind == "sealed":
                    all_heads = {**self.heads_of(connection, run), **ends}
                    entry = replace(entry, data={**entry.data, "heads": seal(all_heads)})
                event = extend(
                    ends[lane] if lane in ends else heads[lane] if lane in heads else free[lane],
                    run,
                    lane,
                    position + count,
                    at,
                    replace(entry, data=self.plain(entry.data)),
                )
                ends[lane] = head_of(event)
                made.append(event)
            self._advance(connection, run, heads, {lane: end for lane, end in ends.items() if lane in heads})
            self.store.say(connection, _INSERT, [row_of(event) for event in made])
            self._put_heads(connection, run, {lane: ends[lane] for lane in free})
            self.store.ring(connection, run, ring)
            self._watch("before")
        self._watch("after")
        return made

    def conclude(self, run: str, position: int, state: str) -> bool:
        """Journal that the run has ended so, unless anything was journaled behind `position`: whoever that was will."""
        with self.store.write(run) as connection:
            if self.end_of(connection, run) != position or departure_of(connection, run) is not None:
                return False
            heads = self.heads_of(connection, run)
            at = stamp(self.clock.now())
            ended = extend(heads[RUN_LANE], run, RUN_LANE, position + 1, at, Entry("ended", data={"state": state}))
            heads[RUN_LANE] = head_of(ended)
            sealed = Entry("sealed", data={"heads": seal(heads)})
            self.insert(connection, run, [ended, extend(heads[RUN_LANE], run, RUN_LANE, position + 2, at, sealed)])
            self._watch("before")
        self._watch("after")
        return True

    # -- inside a transaction -----------------------------------------------------------------------------------

    def plain(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """As it is journaled: plain JSON, without secrets."""
        made: dict[str, Any] = plain(data, self._redact)
        return made

    def end_of(self, connection: sa.Connection, run: str) -> int:
        """The position of the last event of a run; 0 when there is none."""
        return self.store.ask(connection, _END, {"of": run}) or 0

    def heads_of(self, connection: sa.Connection, run: str, wanted: Sequence[str] | None = None) -> dict[str, Head]:
        query = sa.select(lanes.c.lane, lanes.c.sequence, lanes.c.epoch, lanes.c.hash).where(lanes.c.run == run)
        if wanted is not None and len(wanted) < 100:
            query = query.where(lanes.c.lane.in_(wanted))
        return {lane: Head(sequence, epoch, tip) for lane, sequence, epoch, tip in connection.execute(query)}

    def insert(self, connection: sa.Connection, run: str, made: Sequence[Event]) -> None:
        """Insert events of lanes that we read in this very transaction."""
        self.store.say(connection, _INSERT, [row_of(event) for event in made])
        self._put_heads(connection, run, {event.lane: head_of(event) for event in made})

    def _put_heads(self, connection: sa.Connection, run: str, ends: Mapping[str, Head]) -> None:
        if not ends:
            return
        connection.execute(
            sa.text(
                "INSERT INTO lanes (run, lane, epoch, sequence, hash) VALUES (:run, :lane, :epoch, :sequence, :hash) "
                "ON CONFLICT (run, lane) DO UPDATE "
                "SET epoch = excluded.epoch, sequence = excluded.sequence, hash = excluded.hash"
            ),
            [
                {"run": run, "lane": lane, "epoch": head.epoch, "sequence": head.sequence, "hash": head.hash}
                for lane, head in ends.items()
            ],
        )

    def _advance(
        self, connection: sa.Connection, run: str, heads: Mapping[str, Head], ends: Mapping[str, Head]
    ) -> None:
        """Move the heads of lanes on, if they still stand where the writer left them."""
        if not ends:
            return
        moved = self.store.say(
            connection,
            _ADVANCE,
            [
                {
                    "of_run": run,
                    "of_lane": lane,
                    "of_epoch": heads[lane].epoch,
                    "of_sequence": heads[lane].sequence,
                    "to_sequence": end.sequence,
                    "to_hash": end.hash,
                }
                for lane, end in ends.items()
            ],
        )
        if moved != len(ends):
            raise StoreLocked(
                f"Another process has taken run {run} over; this one has stopped.", "Follow it with `handrail status`."
            )


_END = sa.select(sa.func.max(events.c.position)).where(events.c.run == sa.bindparam("of"))
_INSERT = events.insert()

_TAIL = (
    sa.select(*FIELDS)
    .where(
        events.c.run == sa.bindparam("of"),
        events.c.lane == sa.bindparam("on"),
        events.c.sequence > sa.bindparam("behind"),
    )
    .order_by(events.c.sequence)
)
"""Asked before everything that a host is asked: putting it together anew would take longer than its answer."""

_ADVANCE = (
    lanes.update()
    .where(
        lanes.c.run == sa.bindparam("of_run"),
        lanes.c.lane == sa.bindparam("of_lane"),
        lanes.c.epoch == sa.bindparam("of_epoch"),
        lanes.c.sequence == sa.bindparam("of_sequence"),
    )
    .values(sequence=sa.bindparam("to_sequence"), hash=sa.bindparam("to_hash"))
)


def events_between(journal: Journal, run: str, after: int, until: int) -> list[Event]:
    """The events behind position `after` up to `until`, in the order of their commits; nothing is checked."""
    query = (
        sa.select(*FIELDS)
        .where(events.c.run == run, events.c.position > after, events.c.position <= until)
        .order_by(events.c.position)
    )
    with journal.store.read() as connection:
        return [event_of(row) for row in connection.execute(query)]


def _slug(name: str) -> str:
    made = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in name.lower())
    return "-".join(part for part in made.split("-") if part)[:24].strip("-") or "run"
