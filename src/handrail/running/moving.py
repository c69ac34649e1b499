"""Runs are moved to another store, whole, and go on there.

Three commits, in this order, so that a run can go on in at most one place at every moment:

1. In the target: plan, events and lanes as they are, but no row in `runs`. What has no row is no run: nobody sees it,
   nobody can carry it on. It is read again, and every chain checked, before anything else happens.
2. In the source: `moved`, behind which nothing is appended any more (`whereabouts.py`).
3. In the target: that event, `arrived` behind it, and the row.

Killed before 2, the run goes on where it was, and what lies in the target is replaced when it is moved again. Killed
between 2 and 3 it goes on nowhere until it is moved again, which makes up for 3. Its journal is one history: that of
the source is the beginning of that of the target. So a run can be moved back: what has come since is appended.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import Literal

import sqlalchemy as sa

from handrail.errors import BadInput, StoreError, StoreLocked
from handrail.model.journal import PEOPLE_LANE, RUN_LANE, Entry, Event
from handrail.running.chain import Chains, Head, extend
from handrail.running.checking import BATCH, check_run, events_of, heads_of
from handrail.running.clock import stamp
from handrail.running.journal import Journal
from handrail.running.people import APPROVALS, all_approvals
from handrail.running.protocol import Watch
from handrail.running.schema import events, lanes, plans, runs
from handrail.running.twin_copies import Twins, copy_twin
from handrail.running.whereabouts import departure_of, refuse_departed

How = Literal["moves", "completes", "there", "gone", "differs"]
"""What there is to do about a run: all; only the last commit; nothing, it arrived; nothing, it went elsewhere. Or it
cannot be moved, for the one there is another one, or could go on there."""


@dataclass(frozen=True, slots=True)
class Side:
    """A store, and where the twins of its runs are. `shared`: workers carry its runs out."""

    journal: Journal
    twins: Twins
    shared: bool

    @property
    def name(self) -> str:
        return self.journal.store.name


@dataclass(frozen=True, slots=True)
class Moved:
    """A run, how many events of it there are, and what was done: `moved`, or nothing, for it `was there` already or
    `is elsewhere`. `to` is where it is now."""

    run: str
    events: int
    did: Literal["moved", "was there", "is elsewhere"]
    to: str


def move_runs(
    source: Side,
    target: Side,
    names: Sequence[str],
    who: str,
    told: Callable[[Moved], None] = lambda _: None,
    watch: Watch = lambda _: None,
) -> int:
    """Move the runs `names` (all, without any), with the runs that take them back or that they take back; how many
    approvals of plans went with them. `told` hears of each when it has arrived. `watch`: before and after every commit.

    Errors: UnknownName; StoreLocked (a run is being carried on); BadInput (a run is there and is another one, or went
    elsewhere); Tampered; StoreError. Nothing is moved when one of them cannot be; what an error or a kill left undone,
    the same call completes.
    """
    if _is_same(source.name, target.name):
        raise BadInput(f"The store {source.name} is the one that the runs are in.", "Name another one.")
    groups = groups_of(source.journal, names)
    moving = _Moving(source, target, who, watch)
    looked = [moving.look(group, named=bool(names)) for group in groups]
    for group, hows in zip(groups, looked, strict=True):
        for one in moving.move(group, hows):
            told(one)
    wanted = {source.journal.row(run).plan for group in groups for run in group} if names else None
    return moving.bring_approvals(wanted)


def groups_of(journal: Journal, names: Sequence[str]) -> list[list[str]]:
    """The runs that are moved, all of them without `names`. A run and those that take it back, or were to, are one
    group: each looks into the others' journals. UnknownName when there is no such run."""
    wanted = {journal.row(name).run for name in names}
    groups: dict[str, list[str]] = {}
    for row in journal.runs():
        groups.setdefault(str(journal.created(row.run).get("goes_back") or row.run), []).append(row.run)
    return [group for group in groups.values() if not names or wanted & set(group)]


def _is_same(one: str, other: str) -> bool:
    paths = Path(one), Path(other)
    return one == other or (all(path.exists() for path in paths) and paths[0].samefile(paths[1]))


class _Moving:
    def __init__(self, source: Side, target: Side, who: str, watch: Watch) -> None:
        self._source = source
        self._target = target
        self._who = who
        self._watch = watch

    # -- before anything is changed -----------------------------------------------------------------------------

    def look(self, group: Sequence[str], *, named: bool) -> dict[str, How]:
        """What there is to do about each run of a group. Every chain of it is checked."""
        hows: dict[str, How] = {}
        with self._source.journal.store.read() as here, self._target.journal.store.read() as there:
            for run in group:
                check_run(here, run)
                hows[run] = how_of(run, here, there)
                if hows[run] == "gone" and named:
                    refuse_departed(departure_of(here, run), run)
                if hows[run] == "differs":
                    raise self._differs(run, common(run, here, there))
                if hows[run] == "moves":
                    self._refuse_carried(self._source, here, run)
                    self._refuse_carried(self._target, there, run)
        return hows

    def _differs(self, run: str, same: int) -> BadInput:
        return BadInput(
            f"Run {run} is in {self._target.name} already, and is not the same: only the first {same:,} of its events "
            "are.",
            "Find out in which of the two stores it went on; nothing is moved.",
        )

    def _refuse_carried(self, side: Side, connection: sa.Connection, run: str) -> None:
        lanes_at_work = side.journal.store.at_work(connection, run)
        if lanes_at_work:
            more = f" and {len(lanes_at_work) - 3} more" if len(lanes_at_work) > 3 else ""
            raise StoreLocked(
                f"Workers are at run {run} now, in {side.name}: on {', '.join(lanes_at_work[:3])}{more}.",
                "Stop them first, politely (SIGTERM); one that was killed counts as gone after a minute.",
            )
        if side.journal.store.is_held(run):
            with side.journal.store.hold(run, f"Run {run}"):  # says by whom; or he has just ended
                return

    # -- moving -------------------------------------------------------------------------------------------------

    def move(self, group: Sequence[str], hows: dict[str, How]) -> list[Moved]:
        """Carry out what `look` found there is to do."""
        moving = [run for run in group if hows[run] == "moves"]
        coming = [run for run in group if hows[run] in ("moves", "completes")]
        counts: dict[str, int] = {}
        if moving:
            with ExitStack() as stack:
                for run in moving:
                    stack.enter_context(self._source.journal.store.hold(run, f"Run {run}"))
                    if self._could_go_on_there(run):
                        stack.enter_context(self._target.journal.store.hold(run, f"Run {run}"))
                ends = self._stage(moving)
                for run in moving:
                    self._bring_twin(run)
                self._verify(ends)
                self._mark(ends)
                counts = self._arrive_or_say(coming)
        elif coming:
            counts = self._arrive_or_say(coming)
        return [self._told(run, hows[run], counts[run] if run in coming else 0) for run in group]

    def _could_go_on_there(self, run: str) -> bool:
        """Whether the target has a copy that nobody told where the run is."""
        with self._target.journal.store.read() as there:
            is_listed = there.scalar(sa.select(runs.c.run).where(runs.c.run == run)) is not None
            return is_listed and departure_of(there, run) is None

    def _told(self, run: str, how: How, count: int) -> Moved:
        if how in ("moves", "completes"):
            return Moved(run, count, "moved", self._target.name)
        with self._source.journal.store.read() as here:
            departure = departure_of(here, run)
            number = self._source.journal.end_of(here, run)
        to = departure.to if departure is not None else self._target.name
        return Moved(run, number, "was there" if how == "there" else "is elsewhere", to)

    def _stage(self, moving: Sequence[str]) -> dict[str, int]:
        """The first commit: everything but the rows; the last position of each run."""
        store = self._target.journal.store
        ends = {}
        with store.write(*moving) as there, self._source.journal.store.read() as here:
            for run in moving:
                if how_of(run, here, there) != "moves":
                    raise self._differs(run, common(run, here, there))
                ends[run] = self._copy(run, here, there)
            self._watch("before")
        self._watch("after")
        return ends

    def _copy(self, run: str, here: sa.Connection, there: sa.Connection) -> int:
        end, same = self._target.journal.end_of(there, run), common(run, here, there)
        there.execute(runs.delete().where(runs.c.run == run))
        if same < end:  # left behind by a move that was never completed, before the run went on where it was
            there.execute(events.delete().where(events.c.run == run))
            same = 0
        plan = here.scalar(sa.select(runs.c.plan).where(runs.c.run == run))
        if there.scalar(sa.select(plans.c.digest).where(plans.c.digest == plan)) is None:
            row = here.execute(sa.select(plans).where(plans.c.digest == plan)).one()
            there.execute(plans.insert(), dict(row._mapping))
        return copy_events(run, here, there, same)

    def _bring_twin(self, run: str) -> None:
        row = self._source.journal.row(run)
        if row.target == "twin" and self._source.journal.created(run).get("goes_back") is None:
            copy_twin(run, self._source.twins, self._target.twins)

    def _verify(self, ends: dict[str, int]) -> None:
        """Read again what the target has now."""
        with self._target.journal.store.read() as there:
            for run, end in ends.items():
                if check_run(there, run) != end:
                    raise StoreError(f"Not all of run {run} came to {self._target.name}.", "Look at that store.")

    def _mark(self, ends: dict[str, int]) -> None:
        """The second commit: the runs go on here no more."""
        journal = self._source.journal
        with journal.store.write(*ends) as here:
            for run, end in ends.items():
                self._refuse_carried_by_workers(here, run, end)
                made = self._farewell(here, run, end)
                journal.insert(here, run, made)
                journal.store.hush(here, run)
            self._watch("before")
        self._watch("after")

    def _refuse_carried_by_workers(self, here: sa.Connection, run: str, end: int) -> None:
        if self._source.journal.end_of(here, run) != end or self._source.journal.store.at_work(here, run):
            raise StoreLocked(
                f"Run {run} went on while it was copied; nothing was moved.", "Stop its workers and try again."
            )

    def _farewell(self, here: sa.Connection, run: str, end: int) -> list[Event]:
        """What the source journals last. On a shared store all lanes are taken over first: a worker that was suspended,
        and that nobody has heard of for long, finds when it wakes up that it has lost them."""
        journal = self._source.journal
        at = stamp(journal.clock.now())
        heads = heads_of(here, run)
        made: list[Event] = []
        if self._source.shared and not has_ended(here, run):
            fence = Entry("taken", data=journal.plain({"who": self._who, "retry": False, "because": "moved"}))
            for lane, head in sorted(heads.items()):
                if lane not in (RUN_LANE, PEOPLE_LANE) and head.epoch:
                    raised = replace(head, epoch=head.epoch + 1)
                    made.append(extend(raised, run, lane, end + len(made) + 1, at, fence))
        moved = Entry("moved", data=journal.plain({"to": self._target.name, "who": self._who}))
        people = heads.get(PEOPLE_LANE, Head())
        return [*made, extend(people, run, PEOPLE_LANE, end + len(made) + 1, at, moved)]

    def _arrive_or_say(self, coming: Sequence[str]) -> dict[str, int]:
        try:
            return self._arrive(coming)
        except StoreError as error:
            raise type(error)(
                f"{error.message} Run {coming[0]} has left {self._source.name} and has not arrived yet: it goes on "
                "nowhere until it has.",
                "Then give the same command again.",
            ) from error

    def _arrive(self, coming: Sequence[str]) -> dict[str, int]:
        """The third commit: the runs are there; how many events each has."""
        journal = self._target.journal
        counts = {}
        with journal.store.write(*coming) as there, self._source.journal.store.read() as here:
            for run in coming:
                end = journal.end_of(there, run)
                chains = Chains(run, heads_of(there, run), end)
                for event in events_of(here, run, end):
                    chains.take(event)
                copy_events(run, here, there, end)
                data = {
                    "from": self._source.name,
                    "who": self._who,
                    "dispatch": "workers" if self._target.shared else "process",
                }
                arrived = extend(
                    chains.heads[PEOPLE_LANE],
                    run,
                    PEOPLE_LANE,
                    chains.position + 1,
                    stamp(journal.clock.now()),
                    Entry("arrived", data=journal.plain(data)),
                )
                journal.insert(there, run, [arrived])
                row = here.execute(sa.select(runs).where(runs.c.run == run)).one()
                there.execute(runs.insert(), dict(row._mapping))
                counts[run] = arrived.position
            self._watch("before")
        self._watch("after")
        return counts

    # -- approvals ----------------------------------------------------------------------------------------------

    def bring_approvals(self, wanted: set[str] | None) -> int:
        """Have the target know who approved the plans `wanted` (all, when None), when, and where; how many were new.
        They stand there in a chain of their own, so that they are written anew, each with the hash of the first."""
        known = {(one.plan, one.who) for one in all_approvals(self._target.journal)}
        number = 0
        for event in self._source.journal.read(APPROVALS):
            data = event.entry.data
            if (wanted is None or event.lane in wanted) and (event.lane, str(data.get("who"))) not in known:
                first = {"at": event.at, "from": self._source.name, "hash": event.hash}
                entry = Entry("approved", data={**first, **data})
                self._target.journal.add(APPROVALS, event.lane, entry)
                number += 1
        return number


# -- comparing and copying -------------------------------------------------------------------------------------------


def how_of(run: str, here: sa.Connection, there: sa.Connection) -> How:
    """What there is to do about a run of the store `here`."""
    ends = [
        one.scalar(sa.select(sa.func.max(events.c.position)).where(events.c.run == run)) or 0 for one in (here, there)
    ]
    same = common(run, here, there)
    is_listed = there.scalar(sa.select(runs.c.run).where(runs.c.run == run)) is not None
    if departure_of(here, run) is not None:
        if is_listed and same == ends[0] < ends[1] and departure_of(there, run) is None:
            return "there"
        return "completes" if not is_listed and 0 < same == ends[1] else "gone"
    if not is_listed or (same == ends[1] and (departure_of(there, run) is not None or same == ends[0])):
        return "moves"
    return "differs"


def common(run: str, here: sa.Connection, there: sa.Connection) -> int:
    """How many of the first events of a run are the same in both stores."""
    query = sa.select(events.c.hash).where(events.c.run == run).order_by(events.c.position)
    mine, theirs = (one.scalars(query.execution_options(yield_per=BATCH)) for one in (here, there))
    same = 0
    for one, other in zip_longest(mine, theirs):
        if one != other:
            break
        same += 1
    mine.close()
    theirs.close()
    return same


def copy_events(run: str, here: sa.Connection, there: sa.Connection, behind: int) -> int:
    """Copy the events behind a position, row by row, and the ends of all lanes; the last position."""
    query = sa.select(events).where(events.c.run == run, events.c.position > behind).order_by(events.c.position)
    rows = here.execute(query.execution_options(yield_per=BATCH))
    for some in rows.partitions(BATCH):
        there.execute(events.insert(), [dict(row._mapping) for row in some])
        behind = some[-1].position
    there.execute(lanes.delete().where(lanes.c.run == run))
    for ends in here.execute(sa.select(lanes).where(lanes.c.run == run)).partitions(BATCH):
        there.execute(lanes.insert(), [dict(row._mapping) for row in ends])
    return behind


def has_ended(connection: sa.Connection, run: str) -> bool:
    """Whether the run has ended, and was not taken up again since."""

    def last(*kinds: str) -> int:
        query = sa.select(sa.func.max(events.c.position)).where(events.c.run == run, events.c.kind.in_(kinds))
        return connection.scalar(query) or 0

    return last("ended") > last("taken", "handed-over")
