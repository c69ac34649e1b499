"""How a large run stands, counted in its store: without reading its plan, or what every event says.

A plan of a hundred thousand steps takes longer to read than anybody waits for an answer. So a large run journals once,
when it begins, what its plan consists of (`contents_of`): which installations have which steps, in which waves. With
that, the latest event of each step tells how the run stands. The chains of the journal are not checked here; whoever
carries the run on checks them, and so does everything that acts on them.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

import sqlalchemy as sa

from handrail.model.journal import ESTATE_LANE, PEOPLE_LANE, RUN_LANE, RunState, StepState
from handrail.model.plan import Plan, Step
from handrail.running.journal import Journal
from handrail.running.protocol import LARGE
from handrail.running.schema import events

HOST = "\ufffc"
"""Stands for the name of an installation's own host."""

MOST = 50
"""Steps of one kind of trouble whose reasons are looked up."""

LATEST = 5
"""Steps that ended last, which are told by name."""

Busy = Literal["begun", "waiting", "in-doubt", "failed"]
BUSY: tuple[Busy, ...] = ("begun", "waiting", "in-doubt", "failed")

_STATES: Mapping[str, StepState] = {
    "begun": "begun",
    "done": "done",
    "skipped": "skipped",
    "failed": "failed",
    "in-doubt": "in-doubt",
    "asked": "waiting",
    "agreed": "waiting",
    "answered": "begun",
}
_KINDS = tuple(_STATES)
_STATE_OF = tuple(_STATES.values())


@dataclass(frozen=True, slots=True)
class Standing:
    """One step, as it stands. `alike`: what it is called, free of its host; `question`: what a hold asks."""

    id: str
    title: str
    alike: str
    host: str | None
    kind: str
    state: StepState
    because: str = ""
    question: str = ""


@dataclass(frozen=True, slots=True)
class WaveStanding:
    """How many installations of a wave are through, at work, failed and still to come."""

    name: str
    through: int = 0
    at_work: int = 0
    failed: int = 0
    to_come: int = 0


@dataclass(frozen=True, slots=True)
class RunStanding:
    """`counts`: steps by state. `busy`: those that are begun, wait, are in doubt or have failed, in that order.
    `failed_hosts`, `hosts`, `limit`: of the fleet, when the plan has one."""

    run: str
    plan: str
    estate: str
    state: RunState
    counts: Mapping[StepState, int]
    waves: tuple[WaveStanding, ...] = ()
    busy: tuple[Standing, ...] = ()
    latest: tuple[Standing, ...] = ()
    hosts: int = 0
    failed_hosts: int = 0
    limit: int | None = None


def contents_of(plan: Plan) -> dict[str, Any] | None:
    """What is journaled of a large plan; None of one that is not, or that takes another run back."""
    if len(plan.steps) <= LARGE or plan.goes_back is not None:
        return None
    own: dict[str, list[Step]] = {}
    for step in plan.steps:
        own.setdefault(step.installation, []).append(step)
    shapes: dict[tuple[tuple[Any, ...], ...], int] = {}
    members = []
    for installation, steps in own.items():
        host = installation.rpartition("@")[2] if "@" in installation else ""
        rows = tuple(_row(installation, host, step) for step in steps)
        members.append([installation, host, shapes.setdefault(rows, len(shapes))])
    numbers = {member[0]: number for number, member in enumerate(members)}
    fleet = plan.fleet
    waves = [[one.name, [numbers[name] for name in one.installations]] for one in fleet.waves] if fleet else []
    return {
        "shapes": [[list(row) for row in rows] for rows in shapes],
        "members": members,
        "waves": waves,
        "fleet": {"hosts": list(fleet.hosts), "limit": fleet.limit} if fleet else None,
    }


def _row(installation: str, host: str, step: Step) -> tuple[Any, ...]:
    def free(text: str) -> str:
        return text.replace(host, HOST) if host else text

    name = free(step.id.removeprefix(installation)) if step.id.startswith(f"{installation}/") else f"={free(step.id)}"
    remedies = json.dumps(
        [[one.error, one.retries, [free(name) for name in one.steps]] for one in step.remedies], ensure_ascii=False
    )
    question = free(str(step.with_.get("question", ""))) if step.kind == "hold" else ""
    return name, free(step.title), None if step.host is None else free(step.host), step.kind, remedies, question


@dataclass(frozen=True, slots=True)
class _Known:
    """A step, as what was journaled of the plan has it."""

    id: str
    title: str
    alike: str
    host: str | None
    kind: str
    remedies: str
    question: str

    def standing(self, state: StepState, because: str = "") -> Standing:
        return Standing(self.id, self.title, self.alike, self.host, self.kind, state, because, self.question)


class _Count:
    """The steps of a run, gone through once: how many are in which state, and what is to be shown of them. `again` are
    the steps of remedies that are to run once more, `named` further steps to be shown."""

    def __init__(
        self,
        contents: Mapping[str, Any],
        latest: Mapping[str, int],
        failures: _Failures,
        named: frozenset[str],
        again: frozenset[str] = frozenset(),
    ) -> None:
        self.states: dict[StepState, int] = {}
        self.members: list[set[StepState]] = []
        self.busy: list[tuple[_Known, StepState]] = []
        self.named: dict[str, _Known] = {}
        shapes = contents["shapes"]
        for installation, host, shape in contents["members"]:
            found: set[StepState] = set()
            for row in shapes[shape]:
                own = row[0].replace(HOST, host)
                name = own[1:] if own[0] == "=" else installation + own
                packed = latest.get(name)
                state: StepState = "pending" if packed is None or name in again else _STATE_OF[packed & 15]
                if state in BUSY:
                    one = _known(name, host, row)
                    if state == "failed":
                        state = failures.state_of(one, packed or 0)
                    if state != "pending":
                        self.busy.append((one, state))
                elif name in named:
                    self.named[name] = _known(name, host, row)
                self.states[state] = self.states.get(state, 0) + 1
                found.add(state)
            self.members.append(found)


def _known(name: str, host: str, row: Sequence[Any]) -> _Known:
    _, title, where, kind, remedies, question = row
    on = where.replace(HOST, host) if where is not None else None
    return _Known(
        name, title.replace(HOST, host), title, on, kind, remedies.replace(HOST, host), question.replace(HOST, host)
    )


def standing_of(journal: Journal, run: str) -> RunStanding | None:
    """How a large run stands. None when nothing was journaled for this (it is none, or an older Handrail began it), or
    when its whole journal has to be asked: another run takes it back, or what it rests on has changed. UnknownName when
    there is no such run."""
    row = journal.row(run)
    with journal.store.read() as connection:
        special = [connection.scalar(_of_lane(run, PEOPLE_LANE, kind)) for kind in ("going-back", "drifted")]
        if any(special):
            return None
        text = connection.scalar(
            sa.select(events.c.data).where(events.c.run == run, events.c.position == 2, events.c.kind == "outlined")
        )
        if text is None:
            return None
        contents = json.loads(text)
        latest: dict[str, int] = {step: packed for step, packed in connection.execute(_latest(run))}  # noqa: C416
        failures = _Failures(connection, run)
        ended = _ended_last(connection, run)
        count = _Count(contents, latest, failures, frozenset(step for step, _ in ended))
        again = frozenset(name for name, at in failures.called if latest.get(name, 0) >> 4 < at)
        if again:
            count = _Count(contents, latest, failures, frozenset(step for step, _ in ended), again)
        state = _state_of(ended_as(connection, run), count.states)
        busy = _busy(connection, run, count.busy, latest)
    news = [count.named[step].standing(cast(StepState, kind)) for step, kind in ended if step in count.named]
    fleet = contents["fleet"] or {"hosts": [], "limit": None}
    failed = {one.host for one in busy if one.state == "failed"} & set(fleet["hosts"])
    return RunStanding(
        run,
        row.plan,
        row.estate,
        state,
        count.states,
        tuple(_waves(contents, count.members)),
        tuple(busy),
        tuple(news),
        len(fleet["hosts"]),
        len(failed),
        fleet["limit"],
    )


def _of_lane(run: str, lane: str, kind: str) -> sa.Select[tuple[Any]]:
    return sa.select(sa.func.max(events.c.position)).where(
        events.c.run == run, events.c.lane == lane, events.c.kind == kind
    )


def _latest(run: str) -> sa.Select[tuple[Any, Any]]:
    """For each step the position of its latest event, and which of `_KINDS` that is, in one number: one pass over the
    events, whatever the database."""
    which = sa.case({kind: number for number, kind in enumerate(_KINDS)}, value=events.c.kind)
    packed = sa.cast(events.c.position, sa.BigInteger) * 16 + which
    return (
        sa.select(events.c.step, sa.func.max(packed))
        .where(events.c.run == run, events.c.step.is_not(None), events.c.kind.in_(_KINDS))
        .group_by(events.c.step)
    )


class _Failures:
    """What failed: it may be tried again since its lane was taken, or be mended this moment by its remedy."""

    def __init__(self, connection: sa.Connection, run: str) -> None:
        failed = sa.select(events.c.step, events.c.position, events.c.data).where(
            events.c.run == run, events.c.kind == "failed"
        )
        self.called: list[tuple[str, int]] = []  # steps of remedies, each with the failure that it is to mend
        self._failed: dict[str, list[tuple[int, str | None]]] = {}
        for step, position, data in connection.execute(failed):
            self._failed.setdefault(step, []).append((position, json.loads(data).get("error")))
        self._retried: dict[str, int] = {}
        if self._failed:
            taken = sa.select(events.c.lane, sa.func.max(events.c.position)).where(
                events.c.run == run, events.c.kind == "taken", events.c.data.not_like('%"retry":false%')
            )
            self._retried = {lane: at for lane, at in connection.execute(taken.group_by(events.c.lane))}  # noqa: C416

    def state_of(self, step: _Known, packed: int) -> StepState:
        position = packed >> 4
        retried = self._retried.get(step.host or ESTATE_LANE, 0)
        since = [error for at, error in self._failed[step.id] if at > retried]
        remedies = json.loads(step.remedies) if since else []
        remedy = next((one for one in remedies if one[0] == since[-1]), None)
        if remedy is not None and since.count(since[-1]) <= remedy[1]:
            self.called += [(name, position) for name in remedy[2]]
            return "begun"  # being mended
        return "pending" if position < retried else "failed"


def ended_as(connection: sa.Connection, run: str) -> RunState | None:
    """How the run has ended; None when it has not, or was taken up again since."""
    at = connection.scalar(_of_lane(run, RUN_LANE, "ended"))
    if at is None:
        return None
    again = sa.select(events.c.position).where(events.c.run == run, events.c.position > at, events.c.kind == "taken")
    if connection.scalar(again.limit(1)) is not None:
        return None
    data = connection.scalar(sa.select(events.c.data).where(events.c.run == run, events.c.position == at))
    return cast(RunState, json.loads(data or "{}").get("state"))


def _state_of(ended: RunState | None, counts: Mapping[StepState, int]) -> RunState:
    """Without the plan nobody knows whether a step could begin. Where nothing is at work, questions count first:
    whatever could begin without them has begun, as long as anybody carries the run on."""
    if ended is not None:
        return ended
    if counts.get("begun"):
        return "running"
    if counts.get("in-doubt"):
        return "in-doubt"
    return "waiting" if counts.get("waiting") else "running"


def _busy(
    connection: sa.Connection, run: str, busy: Iterable[tuple[_Known, StepState]], latest: Mapping[str, int]
) -> list[Standing]:
    shown: list[Standing] = []
    found: dict[StepState, list[_Known]] = {}
    for one, state in busy:
        found.setdefault(state, []).append(one)
    for state in BUSY:
        of_state = found.get(state, [])
        why = _reasons(connection, run, [latest[one.id] >> 4 for one in of_state[:MOST]]) if state != "begun" else {}
        shown += [one.standing(state, why.get(latest[one.id] >> 4, "")) for one in of_state]
    return shown


def _reasons(connection: sa.Connection, run: str, positions: list[int]) -> dict[int, str]:
    if not positions:
        return {}
    query = sa.select(events.c.position, events.c.data).where(events.c.run == run, events.c.position.in_(positions))
    return {at: str(json.loads(data).get("because", "")) for at, data in connection.execute(query)}


def _ended_last(connection: sa.Connection, run: str) -> list[tuple[str, str]]:
    """The steps that ended last, the oldest of them first, each with how it ended."""
    query = (
        sa.select(events.c.step, events.c.kind)
        .where(events.c.run == run, events.c.kind.in_(("done", "skipped")), events.c.step.is_not(None))
        .order_by(events.c.position.desc())
        .limit(LATEST)
    )
    return [(step, kind) for step, kind in reversed(connection.execute(query).all())]


def _waves(contents: Mapping[str, Any], members: Sequence[set[StepState]]) -> Iterator[WaveStanding]:
    for name, numbers in contents["waves"]:
        counts = Counter(wave_state(members[number]) for number in numbers)
        yield WaveStanding(name, counts["through"], counts["at work"], counts["failed"], counts["to come"])


def wave_state(states: set[StepState]) -> str:
    """Where an installation is whose steps are in these states."""
    if "failed" in states:
        return "failed"
    if states <= {"done", "skipped"}:
        return "through"
    return "to come" if states == {"pending"} else "at work"
