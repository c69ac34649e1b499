"""One seed from its beginning to its end: a run that many things befall, gone on with or taken back, and judged.

Time is virtual, chance is drawn from the seed, and several workers take turns at one journal as people and machines
would have them: whoever dies is followed by another one, whoever stands still is replaced and wakes up too late.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from handrail.actions import signatures as all_signatures
from handrail.errors import HandrailError, StoreError, Tampered
from handrail.hosts.windows_jobs import safe_name
from handrail.model.journal import RunStatus, StepStatus
from handrail.model.plan import Plan
from handrail.rehearsing import truth, virtual_time
from handrail.rehearsing.journey import Journey, counted, effects_of
from handrail.rehearsing.life import Stage
from handrail.rehearsing.mishaps import Mishap, Size, drawn
from handrail.rehearsing.results import Result, Then
from handrail.rehearsing.sameness import Attempts
from handrail.rehearsing.staging import begin
from handrail.rehearsing.upset import Upset
from handrail.rehearsing.workers import Call, Worker
from handrail.restoring.records import records_of
from handrail.restoring.rollback import NoWayBack, make_rollback
from handrail.running import people
from handrail.running.runner import Outcome, Runner
from handrail.running.status import schedule_of

Judge = Callable[[Journey, Stage, Then], list[str]]
"""What is wrong after a run that was gone on with, or taken back, by the twin's ground truth."""

FRUITLESS = 3
"""How often in a row a run may be gone on with and not come to its end, with nothing going wrong any more."""

RECEIPTS = "\\Handrail\\receipts\\"
"""Where actions leave receipts on a Windows host."""

UNTIL_NOTICED = 20.0
"""Seconds until somebody looks after a run whose worker is gone."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What all simulated runs of a plan share. `journey`: an undisturbed run, from whose beginning each one starts.
    `size`: how much there is in one that can be disturbed."""

    journey: Journey
    judge: Judge
    size: Size


def by_ground_truth(journey: Journey, stage: Stage, then: Then) -> list[str]:
    """Gone on with, all is as after the undisturbed run, what was promised is there, and nothing was done twice. Taken
    back, all is as it was before. (That nothing took effect twice on the way back is looked at on its own.)"""
    now = truth.essence(stage.twin)
    if then == "rollback":
        return truth.missed(truth.essence(journey.beginning.twin), now)
    found = truth.missed(truth.essence(journey.end.twin), now)
    found += truth.unpromised(stage.plan, stage, journey.beginning.twin)
    return found + truth.twice(stage, journey.beginning.twin)


def ground(journey: Journey, judge: Judge = by_ground_truth) -> Ground:
    """The actions and the kind of journal of `journey` are those of every simulated run. HandrailError when it did not
    come to its end: there is nothing to disturb then."""
    if not journey.succeeded:
        raise HandrailError(
            f"Nothing was simulated: even undisturbed the run is {journey.status.state}{_where(journey.status)}",
            "Rehearse it with --faults none, and mend what is in the way.",
        )
    made = Ground(journey, judge, Size(1, 1))
    simulation = _Simulation(made, 0, ())
    simulation.simulate()
    counts = simulation.upset.counts
    return replace(made, size=Size(counts.get(("forward", "write"), 1), counts.get(("forward", "command"), 1)))


@dataclass(frozen=True, slots=True)
class Ending:
    """How the run of a seed ended. `mishaps`: all that were to befall it; `struck`: those that did. `fingerprint`:
    equal for equal seeds and mishaps, on any machine."""

    seed: int
    mishaps: tuple[Mishap, ...]
    struck: tuple[Mishap, ...]
    then: Then
    result: Result
    because: tuple[str, ...]
    story: tuple[str, ...]
    fingerprint: str


def simulate(on: Ground, seed: int, mishaps: tuple[Mishap, ...] | None = None) -> Ending:
    """The run of a seed, with its own mishaps or with these."""
    return _Simulation(on, seed, drawn(seed, on.size) if mishaps is None else mishaps).simulate()


@dataclass(slots=True)
class _Carrying:
    """One run while it is looked after."""

    run: str
    plan: Plan
    workers: list[Worker] = field(default_factory=list)
    state: str = "running"
    turned_back: bool = False
    fruitless: int = 0
    struck: int = 0
    statuses: tuple[StepStatus, ...] = ()


class _Simulation:
    def __init__(self, on: Ground, seed: int, mishaps: tuple[Mishap, ...]) -> None:
        self._on = on
        self._seed = seed
        self._mishaps = mishaps
        self._stage = on.journey.beginning.fork()
        self._plan = self._stage.plan
        self._run = self._stage.run
        self._clock = self._stage.clock
        self._twin = self._stage.twin
        self._journal = self._stage.journal
        self.upset = Upset(seed, mishaps, self._clock)
        self._events: asyncio.Queue[tuple[str, Worker]] = asyncio.Queue()
        self._numbers = 0
        self._as_planned = False
        self._not_rehearsed = False

    def simulate(self) -> Ending:
        then: Then = "resume"
        try:
            then = virtual_time.run(self._whole(), self._clock)
        except HandrailError as error:
            self._problem(str(error))
        except Exception as fault:
            self._problem(f"{type(fault).__name__}: {fault}")
        return self._ending(then)

    def _ending(self, then: Then) -> Ending:
        result: Result = "no-way-back-as-planned" if self._as_planned else "pass"
        if self._not_rehearsed:
            result = "not-rehearsed"
        if self.upset.problems:
            result = "fail"
        effects = (f"{one.at} {one.host} {one.kind} {one.what}" for one in self._twin.effects())
        return Ending(
            self._seed,
            self._mishaps,
            tuple(self.upset.struck),
            then,
            result,
            tuple(dict.fromkeys(self.upset.problems)),
            tuple(self.upset.story),
            self.upset.fingerprint(effects),
        )

    def _problem(self, because: str) -> None:
        self.upset.problems.append(because)

    # -- the whole ----------------------------------------------------------------------------------------------

    async def _whole(self) -> Then:
        carried = await self._carry(self._run, self._plan)
        then: Then = "resume"
        if carried.turned_back:
            carried, then = await self._turn_back(carried)
        self._look_at_journal()
        if carried.state != "succeeded":
            self._stuck(carried, then)
            return then
        for problem in self._on.judge(self._on.journey, self._stage, then):
            self._problem(problem)
        return then

    async def _turn_back(self, carried: _Carrying) -> tuple[_Carrying, Then]:
        """Take the run back; or, where the plan had said that there is no way back any more, go on with it."""
        records = records_of(self._journal.read(self._run))
        made = make_rollback(self._plan, self._run, records, signatures=all_signatures(), build=self._stage.build)
        if isinstance(made, NoWayBack):
            self.upset.tell(f"there is no way back: {made.findings[0].message}")
            if not self._passed_the_point():
                self._problem(f"the plan had not said that there is no way back: {made.findings[0].message}")
            self._as_planned = True
            return await self._carry(self._run, self._plan), "resume"
        self.upset.stage = "back"
        if not made.steps:
            self.upset.tell("nothing has been changed yet: there is nothing to take back")
            return replace(carried, state="succeeded"), "rollback"
        run = begin(self._journal, made)
        self.upset.tell(f"the run is taken back, in {len(made.steps)} steps")
        before = self._twin.fork()
        back = await self._carry(run, made)
        if back.state == "succeeded":
            for problem in truth.twice(replace(self._stage, plan=made, run=run), before):
                self._problem(problem)
        return back, "rollback"

    def _passed_the_point(self) -> bool:
        schedule = schedule_of(self._journal, self._run, self._plan)
        return any(
            schedule.began(step.id)
            and (step.id == self._plan.point_of_no_return or (step.changes and step.way_back.kind == "none"))
            for step in self._plan.steps
        )

    def _stuck(self, carried: _Carrying, then: Then) -> None:
        stuck = [one for one in carried.statuses if one.state in ("failed", "in-doubt", "waiting")]
        if stuck and all(one.error == "not-rehearsed" for one in stuck if one.state == "failed"):
            self._not_rehearsed = any(one.state == "failed" for one in stuck)
        if self._not_rehearsed:
            return
        what = "run" if then == "resume" else "rollback"
        at = "; ".join(f"{one.id} is {one.state}: {one.because}" for one in stuck[:3])
        self._problem(f"the {what} does not come to its end, it is {carried.state}: {at}")

    # -- looking after a run ------------------------------------------------------------------------------------

    def call(self, what: Call, worker: Worker) -> None:
        self._events.put_nowait((what, worker))

    async def _carry(self, run: str, plan: Plan) -> _Carrying:
        """Have workers carry a run out until it has ended, and every one of them with it."""
        carried = _Carrying(run, plan)
        self._start(carried)
        while any(one.task is not None for one in carried.workers):
            what, worker = await self._events.get()
            if what == "turn-back":
                carried.turned_back = True
                for one in carried.workers:
                    if one.alive:
                        one.end()
            elif what == "take-over":
                if not carried.turned_back:
                    await asyncio.sleep(self.upset.latency("somebody"))
                    self._start(carried)
            else:
                await self._ended(carried, worker)
        return carried

    def _start(self, carried: _Carrying) -> None:
        self._numbers += 1
        worker = Worker(self._numbers, self.upset, self._twin, self._journal, self)
        carried.workers.append(worker)
        self.upset.tell(f"worker {worker.number} takes {carried.run} up")
        runner = Runner(
            worker.journal,
            carried.run,
            carried.plan,
            hosts=worker.host,
            build=self._stage.build,
            secrets=self._stage.secrets,
            who=f"worker {worker.number}",
            clock=self._clock,
            people=worker.play,
        )
        worker.task = asyncio.get_running_loop().create_task(runner.carry_out())
        worker.task.add_done_callback(lambda _: self._events.put_nowait(("ended", worker)))

    async def _ended(self, carried: _Carrying, worker: Worker) -> None:
        task, worker.task = worker.task, None
        assert task is not None
        outcome: Outcome | None = None
        if task.cancelled() or not worker.alive:
            pass
        elif (error := task.exception()) is None:
            outcome = task.result()
            self.upset.tell(f"worker {worker.number} ends: the run is {outcome.status.state}{_where(outcome.status)}")
        elif isinstance(error, StoreError):
            self.upset.tell(f"worker {worker.number} stops: {error}")
        else:
            self._problem(f"worker {worker.number} broke: {type(error).__name__}: {error}")
            carried.state = "broken"
        worker.alive = False
        if outcome is not None:
            carried.state, carried.statuses = outcome.status.state, outcome.status.steps
        others = any(one.task is not None and not one.stands_still for one in carried.workers)
        if carried.turned_back or carried.state in ("succeeded", "broken") or others:
            return
        if outcome is not None:
            carried.fruitless = carried.fruitless + 1 if len(self.upset.struck) == carried.struck else 0
            carried.struck = len(self.upset.struck)
            if carried.fruitless >= FRUITLESS:
                return
            if carried.fruitless:  # gone on with, it was looked at again, and nobody could tell
                self._answer(carried)
        await asyncio.sleep(UNTIL_NOTICED + self.upset.all_answer_in())
        self._start(carried)

    def _answer(self, carried: _Carrying) -> None:
        """Somebody looks what became of each step in doubt, and says so."""
        for one in carried.statuses:
            if one.state == "in-doubt":
                said = "done" if self._happened(carried, one) else "no"
                self.upset.tell(f"people look after {one.id}, which is in doubt, and say {said}")
                people.answer(self._journal, carried.run, carried.plan, one.id, said, "people")

    def _happened(self, carried: _Carrying, one: StepStatus) -> bool:
        """By the twin's own log since the step was begun: all that it did in the undisturbed run; or where there is
        none to compare with, anything at all in a job of one of its attempts."""
        since = one.begun or ""
        noted = [effect for effect in self._twin.effects() if effect.at >= since]
        made = {safe_name(f"{carried.run}/{one.id}/{number}") for number in range(1, one.attempts + 1)}
        visit = self._on.journey.visits.get(one.id) if carried.run == self._run else None
        if visit is None:
            return any(effect.job and effect.job.rpartition("\\")[2] in made for effect in noted)
        if any(RECEIPTS in effect.what for effect in visit.effects):
            # Without the receipt that it leaves last, it is not done.
            return any(RECEIPTS in effect.what and any(name in effect.what for name in made) for effect in noted)
        attempts = Attempts(carried.run, {one.id: one.attempts})
        return effects_of(visit, self._on.journey.boundaries[-1].attempts) <= counted(noted, attempts)

    # -- afterwards ---------------------------------------------------------------------------------------------

    def _look_at_journal(self) -> None:
        for row in self._journal.runs():
            try:
                events = self._journal.read(row.run)
            except Tampered as error:
                self._problem(str(error))
                continue
            for event in self.upset.missing_in(events):
                what = f"{event.entry.kind} of {event.entry.step}" if event.entry.step else event.entry.kind
                self._problem(f"the journal answered that it had written {what}, and it is not there")


def _where(status: RunStatus) -> str:
    """The first step at which a run stands, for a story."""
    at = next((one for one in status.steps if one.state in ("failed", "in-doubt", "waiting")), None)
    return f", {at.id}: {at.because}" if at is not None and status.state != "succeeded" else ""
