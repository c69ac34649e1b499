"""What may happen next: a pure function of a plan and the events of a run.

A `Schedule` is built from a plan, is told every event in the order of their commits, and says which moves are open. It
never looks at a clock, a host or a file. Every event costs as much as it has neighbours in the plan, so that a run of
many steps stays near-linear as a whole.

The rules:
- A step may begin when every step that it comes after, or whose end its `when` asks for, has ended well (done or
  skipped). Its `when` is decided then: when it is false, the step ends skipped, with the reason.
- The steps of one host are begun strictly in the order of the plan, one at a time. A step without a host belongs to no
  such line.
- A step that fails with an error of one of its remedies, and has retries of it left, is *being mended*: the remedy's
  steps run (again, when it is not the first time), then the step is tried again. It has not ended meanwhile. Remedy
  steps stand outside their host's order; those that were never needed are skipped when the step has ended well.
- A failed step stops what comes after it, and nothing else. A hold that was answered `no` stops everything.
- A tolerant step counts what cannot go on as ended. With a failure budget, a host of the fleet is begun only while all
  that are at work may fail without exceeding it; when it is used up, no further host is begun. A host at work gives its
  place to one that it waits for and that is kept out so, and has to be let in again.
- When a runner takes a lane over, what was begun there and has not ended must be settled, and what failed is tried
  again. Before that, passing states that have to last until a step which has not begun are looked at again: a restart
  may have undone them. Those that still hold leave no trace in the journal.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from handrail.model.journal import ESTATE_LANE, Event, RunState, RunStatus, StepStatus
from handrail.model.plan import Plan, Step
from handrail.running.bonds import bonds_of
from handrail.running.clock import moment, stamp
from handrail.running.holds import Demand, demand_of
from handrail.running.moves import Line, Move, MoveKind, State, against
from handrail.running.risk import Risk


class Schedule:
    """The state of one run. `apply` events in order; `take` yields the moves that opened since it was last asked."""

    def __init__(self, plan: Plan) -> None:
        bonds = bonds_of(plan)
        self._index = bonds.index
        self._before = bonds.before
        self._owners = bonds.owners
        self._dependents = bonds.after
        self._line_of = bonds.line_of
        self._states = [State(step, demand_of(step, plan.estate)) for step in plan.steps]
        self._lines = {name: Line(steps) for name, steps in bonds.lines.items()}
        self._lanes: dict[str, list[int]] = {}
        for number, step in enumerate(plan.steps):
            self._states[number].missing = len(bonds.before[number])
            self._lanes.setdefault(lane_of(step), []).append(number)
        self._risk = Risk.of(plan)
        self._at: str | None = None
        self._admitted: dict[str, None] = {}
        self._open: dict[int, Move] = {}
        self._fresh: set[int] = set()
        self._asking: set[int] = set()
        self._well = 0
        self._halted = False
        self.created: str | None = None
        self.started_by = ""
        self.ended = False
        for line in self._lines:
            self._touch(line)

    # -- asking -------------------------------------------------------------------------------------------------

    @property
    def lanes(self) -> tuple[str, ...]:
        """The lanes of the plan's steps, as the journal names them."""
        return tuple(self._lanes)

    def moves(self) -> list[Move]:
        """All open moves, in the order of the plan."""
        return [self._open[number] for number in sorted(self._open)]

    def take(self) -> list[Move]:
        """The moves that opened since the last call, in the order of the plan."""
        fresh, self._fresh = sorted(self._fresh), set()
        return [self._open[number] for number in fresh if number in self._open]

    def moves_of(self, lane: str) -> list[Move]:
        """The open moves of a lane, in the order of the plan."""
        return [self._open[number] for number in self._lanes.get(lane, ()) if number in self._open]

    def concerned(self, name: str) -> tuple[str, ...]:
        """The lanes in which something may open when the step ends, or fails."""
        number = self._index[name]
        helpers = [self._index[one] for remedy in self._states[number].step.remedies for one in remedy.steps]
        others = (*self._dependents[number], *self._owners.get(number, ()), *helpers)
        return tuple(dict.fromkeys(lane_of(self._states[other].step) for other in others))

    def admitted(self) -> tuple[str, ...]:
        """The lanes that were let begin by something elsewhere, such as a host that is through, since last asked."""
        found, self._admitted = tuple(self._admitted), {}
        return found

    @property
    def spent(self) -> int | None:
        """How many hosts have failed, when that is all that may fail: nothing is begun on further ones."""
        return len(self._risk.lost) if self._risk.spent else None

    def step(self, name: str) -> Step:
        return self._states[self._index[name]].step

    def position(self, name: str) -> int:
        """The place of a step in the plan, from 0."""
        return self._index[name]

    def outputs(self, name: str) -> Mapping[str, Any]:
        """What a step has journaled for later steps to read."""
        return self._states[self._index[name]].outputs

    def intent(self, name: str) -> Event | None:
        """The event that first recorded the intent of the step's latest attempt."""
        return self._states[self._index[name]].intent

    def began(self, name: str) -> str | None:
        """When the step was first begun."""
        return self._states[self._index[name]].begun

    def question(self, name: str) -> int | None:
        """The position of the event that put the question which the step waits with; None when it does not wait."""
        one = self._states[self._index[name]]
        return one.question if one.state in ("waiting", "in-doubt") and one.answer is None else None

    def demand(self, name: str) -> Demand:
        """Whose yes the step needs."""
        return self._states[self._index[name]].demand

    def waiting(self) -> list[str]:
        """The steps that wait for a person, those in doubt included, in the order of the plan."""
        return [self._states[number].step.id for number in sorted(self._asking)]

    def is_open(self, name: str) -> bool:
        """Whether the step's move still stands; a move is withdrawn when a hold halts the run."""
        return self._index[name] in self._open

    def looked(self, name: str) -> None:
        """The passing state of a step was looked at and holds; the lane goes on."""
        number = self._index[name]
        self._open.pop(number, None)
        line = self._lines[self._line_of[number]]
        if number in line.looking:
            line.looking.remove(number)
        if line.current == number:
            line.current = None
        self._touch(self._line_of[number])

    def has_work(self, lane: str, again: bool) -> bool:
        """Whether whoever takes the lane now has something to do there. `again`: what failed is to be tried again."""
        states = [self._states[number] for number in self._lanes.get(lane, ())]
        begun = any(one.state == "begun" and one.mending is None for one in states)
        return begun or bool(self.moves_of(lane)) or (again and any(one.state == "failed" for one in states))

    def is_under_way(self, lane: str) -> bool:
        """Whether something was begun in the lane, whatever came of it."""
        return any(self._states[number].attempts for number in self._lanes.get(lane, ()))

    @property
    def state(self) -> RunState:
        """`running` as long as something is under way, or could be begun without a person."""
        if self._well == len(self._states):
            return "succeeded"
        if self._open or any(one.state == "begun" and one.mending is None for one in self._states):
            return "running"
        states = {one.state for one in self._states if one.answer is None}
        if "in-doubt" in states:
            return "in-doubt"
        return "waiting" if "waiting" in states and "failed" not in states else "failed"

    def status(self, run: str, plan: str) -> RunStatus:
        return RunStatus(run, plan, self.state, tuple(one.status for one in self._states), started_by=self.started_by)

    def one(self, name: str) -> StepStatus:
        return self._states[self._index[name]].status

    # -- being told ---------------------------------------------------------------------------------------------

    def apply(self, event: Event) -> None:
        """Take one event in. Events must come in the order of their commits."""
        entry = event.entry
        self._at = event.at
        if entry.kind == "created":
            self.created = event.at
            self.started_by = str(entry.data.get("who", ""))
        elif entry.kind == "ended":
            self.ended = True
        elif entry.kind == "taken":
            self.ended = False
            self._taken(event)
        elif entry.step is not None and entry.step in self._index:
            number = self._index[entry.step]
            one = self._states[number]
            if entry.kind in ("agreed", "answered"):
                self._answered(number, one, event)
            else:
                self._moved(number, one, event)

    def apply_all(self, events: Iterable[Event]) -> Schedule:
        for event in events:
            self.apply(event)
        return self

    def _moved(self, number: int, one: State, event: Event) -> None:
        """The runner journaled something about a step: its open move is over."""
        entry = event.entry
        kind = entry.kind
        if kind not in ("begun", "done", "skipped", "failed", "in-doubt", "asked"):
            return
        self._open.pop(number, None)
        self._asking.discard(number)
        one.unsettled = False
        one.answer = None
        one.retry_at = None
        one.because = str(entry.data.get("because", ""))
        line = self._lines[self._line_of[number]]
        self._passed(line, number)
        if kind == "begun":
            if one.well:
                self._reopen(number)
            again = one.intent is not None and one.attempts == entry.attempt
            one.intent = one.intent if again else event
            one.begun = one.begun or event.at
            one.attempts = entry.attempt
            one.mending = None
            one.state = "begun"
            line.current = number
            self._risk.begin(self._line_of[number])
            return
        one.outputs.update(entry.data.get("outputs", {}))
        one.attempts = max(one.attempts, entry.attempt)
        if line.current == number:
            line.current = None
        if kind in ("done", "skipped"):
            one.begun = one.begun or (event.at if kind == "done" else None)
            one.ended = event.at
            one.error = None
            one.mending = None
            one.state = "done" if kind == "done" else "skipped"
            self._ended(number)
        elif kind == "failed":
            one.begun = one.begun or event.at
            self._failed(one, event)
        else:
            one.state = "waiting" if kind == "asked" else "in-doubt"
            one.agreed.clear()
            one.begun = one.begun or event.at
            one.question = event.position
            self._asking.add(number)
        self._touch(self._line_of[number])

    def _ended(self, number: int) -> None:
        self._well += 1
        line = self._lines[self._line_of[number]]
        for turns in (line.mending, line.looking):
            if number in turns:
                turns.remove(number)
        for other in self._dependents[number]:
            self._came(other)
        for owner in self._owners.get(number, ()):
            self._touch(self._line_of[owner])
        self._skip_unneeded(number)

    def _came(self, number: int) -> None:
        """One of the things that a step waits for has come."""
        one = self._states[number]
        one.missing -= 1
        if one.missing == 0:
            if one.step.soak and self._at is not None:
                one.retry_at = stamp(moment(self._at) + timedelta(seconds=one.step.soak))
            self._touch(self._line_of[number])

    def _stick(self, number: int, by: int) -> None:
        """A step cannot go on (`by` 1), or may again (-1); so all that comes after it, up to what tolerates it."""
        todo = [number]
        while todo:
            for other in self._dependents[todo.pop()]:
                one = self._states[other]
                if one.step.tolerant:
                    self._admitted[lane_of(one.step)] = None
                    if by > 0:
                        self._came(other)
                    else:
                        self._withdraw(other)
                    continue
                before, one.stuck = one.stuck, one.stuck + by
                if (before == 0 or one.stuck == 0) and not one.well:
                    todo.append(other)

    def _reopen(self, number: int) -> None:
        """A remedy step that ended has to run once more."""
        self._states[number].state = "pending"
        self._well -= 1
        for other in self._dependents[number]:
            self._withdraw(other)

    def _withdraw(self, number: int) -> None:
        """Something that a step waits for has to come once more."""
        self._states[number].missing += 1
        if number in self._open and self._states[number].state == "pending":
            del self._open[number]
            line = self._lines[self._line_of[number]]
            line.current = None if line.current == number else line.current

    def _failed(self, one: State, event: Event) -> None:
        name = event.entry.data.get("error")
        one.error = name
        one.ended = event.at
        remedy = next((each for each in one.step.remedies if each.error == name), None) if name else None
        if name:
            one.failures[name] = one.failures.get(name, 0) + 1
            one.tried[name] = one.tried.get(name, 0) + 1
        if event.entry.data.get("halt"):
            self._halted = True
            self._open = {key: move for key, move in self._open.items() if move.kind == "settle"}
        if remedy is None or one.tried[str(name)] > remedy.retries:
            one.state = "failed"
            number = self._index[one.step.id]
            self._risk.lose(self._line_of[number])
            self._stick(number, 1)
            return
        # It has not ended: to everyone else it is still at work.
        one.state = "begun"
        one.ended = None
        one.mending = remedy
        if remedy.wait:
            one.retry_at = stamp(moment(event.at) + timedelta(seconds=remedy.wait))
        for step in remedy.steps:
            helper = self._index[step]
            if self._states[helper].well:
                self._reopen(helper)
            helpers = self._lines[self._line_of[helper]].mending
            if helper not in helpers:
                helpers.append(helper)
        for step in remedy.steps:
            self._touch(self._line_of[self._index[step]])

    def _skip_unneeded(self, number: int) -> None:
        """The step ended well: its remedies' steps that were never needed need not wait any longer."""
        for remedy in self._states[number].step.remedies:
            for name in remedy.steps:
                helper = self._index[name]
                owners = [self._states[owner] for owner in self._owners[helper]]
                if self._states[helper].well or self._halted or not all(owner.well for owner in owners):
                    continue
                line = self._lines[self._line_of[helper]]
                if helper in line.mending:
                    line.mending.remove(helper)
                step = self._states[number].step.id
                self._offer(helper, Move("skip", name, because=f"{step} did not fail with {remedy.error}"))

    def _answered(self, number: int, one: State, event: Event) -> None:
        data = event.entry.data
        if data.get("asked") != one.question or self.question(one.step.id) is None:
            return  # an answer to an earlier question
        if event.entry.kind == "agreed":
            one.agreed.append(str(data.get("who")))
            if not one.demand.met(one.agreed):
                return
        # Two who said yes at the same moment may both have been told that they were the first.
        one.answer = "yes" if event.entry.kind == "agreed" else str(data.get("answer"))
        self._asking.discard(number)
        self._touch(self._line_of[number])

    def _taken(self, event: Event) -> None:
        for number in self._lanes.get(event.lane, ()):
            one = self._states[number]
            if (one.state == "begun" and one.mending is None) or (one.state == "in-doubt" and one.answer is None):
                one.unsettled = True
            elif one.state == "failed" and event.entry.data.get("retry", True):
                one.state = "pending"
                one.ended = None
                one.tried.clear()
                self._risk.try_again(self._line_of[number])
                self._stick(number, -1)
            self._look_again(number, one)
            move = self._open.get(number)
            if move is not None:
                self._fresh.add(number)
        for number in self._lanes.get(event.lane, ()):
            line = self._lines[self._line_of[number]]
            if line.current is not None and (line.looking or line.current not in self._open):
                self._open.pop(line.current, None)  # what is to be looked at comes before what was about to begin
                line.current = None
        if self._halted and event.entry.data.get("retry", True):
            self._halted = False
            for number, one in enumerate(self._states):
                if one.well:
                    self._skip_unneeded(number)
            for line_name in self._lines:
                self._touch(line_name)
        for line_name in dict.fromkeys(self._line_of[number] for number in self._lanes.get(event.lane, ())):
            self._touch(line_name)

    def _look_again(self, number: int, one: State) -> None:
        until = one.step.until
        line = self._lines[self._line_of[number]]
        if until is None or number in line.looking:
            return
        if one.state == "done" and self._still_lasts(number):
            line.looking.append(number)

    def _passed(self, line: Line, number: int) -> None:
        """The line has come to this step: what was to be looked at before it was looked at, and held."""
        before = line.looking[: line.looking.index(number)] if number in line.looking else line.looking
        for other in list(before):
            line.looking.remove(other)
            self._open.pop(other, None)
            if line.current == other:
                line.current = None

    def _still_lasts(self, number: int) -> bool:
        """Whether what the step brought about is needed on: the step that ends it has not begun."""
        until = self._states[number].step.until
        return until is not None and self._states[self._index[until]].state == "pending"

    # -- finding moves ------------------------------------------------------------------------------------------

    def _touch(self, name: str) -> None:
        """Open the next move of a line, if it is free and there is one."""
        line = self._lines[name]
        if line.current is not None:
            return
        while line.cursor < len(line.steps) and self._states[line.steps[line.cursor]].well:
            line.cursor += 1
        turns = line.mending if line.cursor >= len(line.steps) else [*line.mending, line.steps[line.cursor]]
        line.looking = [number for number in line.looking if self._still_lasts(number)]
        if line.looking:
            turns = line.looking[:1]
        if not turns:
            for other in self._risk.through(name):
                self._admitted[other.removeprefix("host ")] = None
                self._touch(other)
            return
        for number in turns:
            move = self._move(number)
            if move is not None:
                if self._risk.admits(name):
                    line.current = number
                    self._offer(number, move)
                else:
                    self._make_way(name)
                return
        self._risk.stand(name, turns[0])
        self._give_way(name, turns[0])

    def _make_way(self, name: str) -> None:
        """The budget keeps this line out: one at work that waits for it lets it go first."""
        for other, number in list(self._risk.standing.items()):
            if name in self._risk.queued:
                self._give_way(other, number)

    def _give_way(self, name: str, number: int) -> None:
        """The line stands at this step. If that waits for a host that the budget keeps out, neither would come on."""
        one = self._states[number]
        if name in self._risk.standing and one.state == "pending" and one.missing and not one.stuck:
            for other in self._risk.give_way(name, self._unfinished(number)):
                self._admitted[other.removeprefix("host ")] = None
                self._touch(other)

    def _unfinished(self, number: int) -> Iterator[str]:
        """The lines of the steps that a step waits for, also by way of lines that take no place in the budget."""
        seen, todo = {number}, [number]
        while todo:
            for other in self._before[todo.pop()]:
                if other in seen or self._states[other].well:
                    continue
                seen.add(other)
                yield self._line_of[other]
                if self._line_of[other] not in self._risk.at_work:
                    line = self._lines[self._line_of[other]]
                    todo += {other, *line.steps[line.cursor : line.cursor + 1]}

    def _offer(self, number: int, move: Move) -> None:
        self._open[number] = move
        self._fresh.add(number)

    def _move(self, number: int) -> Move | None:
        one = self._states[number]
        step = one.step
        if one.unsettled:
            return Move("settle", step.id, one.attempts)
        if one.state == "in-doubt" and one.answer == "done":
            return Move("answer", step.id, one.attempts, answer=one.answer)
        if self._halted:
            return None
        if one.state == "done" and number in self._lines[self._line_of[number]].looking:
            return Move("look", step.id, one.attempts + 1)
        if one.answer is not None:
            if one.state == "in-doubt":
                return Move("begin", step.id, one.attempts + 1)
            return Move("answer", step.id, one.attempts, answer=one.answer)
        if one.mending is not None:
            if all(self._states[self._index[name]].well for name in one.mending.steps):
                return Move("begin", step.id, one.attempts + 1, not_before=one.retry_at)
            return None
        if one.state != "pending" or one.missing:
            return None
        if step.tolerant and self._risk.spent:
            return None
        conditions = ((each, self._states[self._index[each.step]]) for each in step.when)
        because = next((reason for each, other in conditions if (reason := against(each, other))), None)
        if because is not None:
            return Move("skip", step.id, because=because)
        kind: MoveKind = "ask" if step.kind in ("hold", "person") else "begin"
        return Move(kind, step.id, one.attempts + 1, not_before=one.retry_at)


def lane_of(step: Step) -> str:
    """The journal's lane of a step: its host, or the estate's."""
    return step.host if step.host is not None else ESTATE_LANE
