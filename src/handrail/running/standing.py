"""How a large run stands, counted in its store: without reading its plan, or what every event says.

A plan of a hundred thousand steps takes longer to read than anybody waits for an answer. So a large run journals once,
when it begins, what its plan consists of (`contents_of`): which installations have which steps, in which waves. With
that, the latest event of each step tells how the run stands. The chains of the journal are not checked here; whoever
carries the run on checks them, and so does everything that acts on them.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
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
    """A step, as what was journaled of the plan has it. `member`: of which installation."""

    member: int
    id: str
    title: str
    alike: str
    host: str | None
    kind: str
    remedies: str
    question: str

    def standing(self, state: StepState, because: str = "") -> Standing:
        return Standing(self.id, self.title, self.alike, self.host, self.kind, state, because, self.question)


def _known(contents: Mapping[str, Any]) -> Iterator[_Known]:
    for number, (installation, host, shape) in enumerate(contents["members"]):
        for name, title, where, kind, remedies, question in contents["shapes"][shape]:
            own = name.replace(HOST, host)
            id_ = own[1:] if own.startswith("=") else f"{installation}{own}"
            on = where.replace(HOST, host) if where is not None else None
            titled = title.replace(HOST, host)
            yield _Known(
                number, id_, titled, title, on, kind, remedies.replace(HOST, host), question.replace(HOST, host)
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
        latest = {
            step: (int(packed) >> 4, _KINDS[int(packed) & 15]) for step, packed in connection.execute(_latest(run))
        }
        failures = _Failures(connection, run)
        states: dict[str, StepState] = {}
        known = list(_known(contents))
        for one in known:
            position, kind = latest.get(one.id, (0, ""))
            states[one.id] = failures.state_of(one, position) if kind == "failed" else _STATES.get(kind, "pending")
        for helper, position in failures.called:
            if latest.get(helper, (0, ""))[0] < position:
                states[helper] = "pending"  # once more
        counts = Counter(states.values())
        state = _state_of(_ended_as(connection, run), counts)
        busy = _busy(connection, run, known, states, latest)
        news = _news(connection, run, {one.id: one for one in known})
    fleet = contents["fleet"] or {"hosts": [], "limit": None}
    failed = {one.host for one in busy if one.state == "failed"} & set(fleet["hosts"])
    return RunStanding(
        run,
        row.plan,
        row.estate,
        state,
        counts,
        tuple(_waves(contents, known, states)),
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

    def state_of(self, step: _Known, position: int) -> StepState:
        retried = self._retried.get(step.host or ESTATE_LANE, 0)
        since = [error for at, error in self._failed[step.id] if at > retried]
        remedies = json.loads(step.remedies) if since else []
        remedy = next((one for one in remedies if one[0] == since[-1]), None)
        if remedy is not None and since.count(since[-1]) <= remedy[1]:
            self.called += [(name, position) for name in remedy[2]]
            return "begun"  # being mended
        return "pending" if position < retried else "failed"


def _ended_as(connection: sa.Connection, run: str) -> RunState | None:
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
    connection: sa.Connection,
    run: str,
    known: Iterable[_Known],
    states: Mapping[str, StepState],
    latest: Mapping[str, tuple[int, str]],
) -> list[Standing]:
    found: dict[StepState, list[_Known]] = {}
    for one in known:
        if states[one.id] in BUSY:
            found.setdefault(states[one.id], []).append(one)
    shown: list[Standing] = []
    for state in BUSY:
        of_state = found.get(state, [])
        why = _reasons(connection, run, [latest[one.id][0] for one in of_state[:MOST]]) if state != "begun" else {}
        shown += [one.standing(state, why.get(latest[one.id][0], "")) for one in of_state]
    return shown


def _reasons(connection: sa.Connection, run: str, positions: list[int]) -> dict[int, str]:
    if not positions:
        return {}
    query = sa.select(events.c.position, events.c.data).where(events.c.run == run, events.c.position.in_(positions))
    return {at: str(json.loads(data).get("because", "")) for at, data in connection.execute(query)}


def _news(connection: sa.Connection, run: str, known: Mapping[str, _Known]) -> list[Standing]:
    """The steps that ended last, the oldest of them first."""
    query = (
        sa.select(events.c.step, events.c.kind)
        .where(events.c.run == run, events.c.kind.in_(("done", "skipped")), events.c.step.is_not(None))
        .order_by(events.c.position.desc())
        .limit(LATEST)
    )
    found = [(known[step], kind) for step, kind in connection.execute(query) if step in known]
    return [one.standing(cast(StepState, kind)) for one, kind in reversed(found)]


def _waves(
    contents: Mapping[str, Any], known: Iterable[_Known], states: Mapping[str, StepState]
) -> Iterator[WaveStanding]:
    of_member: dict[int, set[StepState]] = {}
    for one in known:
        of_member.setdefault(one.member, set()).add(states[one.id])
    for name, members in contents["waves"]:
        counts = Counter(wave_state(of_member.get(number, set())) for number in members)
        yield WaveStanding(name, counts["through"], counts["at work"], counts["failed"], counts["to come"])


def wave_state(states: set[StepState]) -> str:
    """Where an installation is whose steps are in these states."""
    if "failed" in states:
        return "failed"
    if states <= {"done", "skipped"}:
        return "through"
    return "to come" if states == {"pending"} else "at work"
