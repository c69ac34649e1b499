"""One case: a fault at a step, then the run gone on with to its end, or taken back; judged by the twin alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from handrail.actions.catalogue import signatures as all_signatures
from handrail.model.journal import Event, RunStatus
from handrail.model.plan import Plan, Step
from handrail.model.signature import Signature
from handrail.rehearsing import journey as journeys
from handrail.rehearsing import truth
from handrail.rehearsing.differences import short
from handrail.rehearsing.faults import Fault
from handrail.rehearsing.journey import Journey
from handrail.rehearsing.life import Ending, Stage, live
from handrail.rehearsing.results import Case, Result, Then
from handrail.rehearsing.sameness import Attempts, Difference, differences, last_attempts
from handrail.rehearsing.staging import WHO, begin
from handrail.rehearsing.strikes import BackupUnreadable, Place, Struck, TwoRunners
from handrail.rehearsing.torn import BROKEN_OFF, damaged
from handrail.restoring.records import records_of
from handrail.restoring.rollback import NoWayBack, make_rollback
from handrail.running import people
from handrail.running.scheduler import Schedule
from handrail.twin.machine import Machine
from handrail.twin.things import Entry

LIVES = 8
"""How often a run is gone on with before we say that it stands still."""

BETWEEN = 900.0
"""Seconds until somebody goes on with a run that has stopped."""

STANDING = ("failed", "in-doubt", "waiting")
"""The states of steps at which a run stands."""


@dataclass(frozen=True, slots=True)
class Verdict:
    result: Result
    because: str = ""


PASS = Verdict("pass")


@dataclass
class Judge:
    """Tries the cases of one journey, and remembers which states were taken back already. `before`: what people
    would miss of the estate, as it was before the run. `back`: the journey is itself a way back, which ends so."""

    journey: Journey
    before: truth.Essence
    back: bool = False
    make_back: Callable[..., Plan | NoWayBack] = make_rollback
    signatures: Mapping[str, Signature] = field(default_factory=all_signatures)
    _taken_back: dict[str, tuple[Verdict, tuple[str, ...]]] = field(default_factory=dict)

    def cases(self, step: str, faults: tuple[Fault, ...], telling: bool = False) -> list[Case]:
        """All cases of these faults at one step that can befall it."""
        place = Place(self.journey, self._step(step), self.journey.visits[step])
        found = []
        for fault in faults:
            if fault.befalls(place):
                found += self._try(place, fault, telling)
        return found

    def _step(self, id: str) -> Step:
        return next(one for one in self.journey.plan.steps if one.id == id)

    def _try(self, place: Place, fault: Fault, telling: bool) -> list[Case]:
        if fault.strike is BackupUnreadable:
            return [] if self.back else [self._unreadable(place, fault, telling)]
        stage = place.before.fork()
        strike = fault.strike(place)
        watch = _Watch(self.journey, place.visit.at + 1)
        if isinstance(strike, TwoRunners):
            strike.until = watch
        story = list(strike.told)
        ending = live(stage, strike, None if isinstance(strike, TwoRunners) else watch)
        story = [*strike.told, _told(ending, stage)]
        if not strike.fell and (ending.kind == "reached" or stage.status().state == "succeeded"):
            return []  # going on from there, looking again at what has to last had done it before
        wrong = _fell_wrong(strike, ending)
        if wrong:
            verdict, thens = Verdict("fail", wrong), fault.then[:1] if self.back else fault.then
            return [self._case(place, fault, then, verdict, story, telling) for then in thens]
        point, reached = stage.fork(), watch.reached
        strike.mend(point)
        cases = []
        if "resume" in fault.then:
            more: list[str] = []
            if fault.mended and ending.kind != "reached":
                more.append(f"mended: {fault.mended}")
            verdict = self._resume(stage, strike, ending, watch, place, more)
            cases.append(self._case(place, fault, "resume", verdict, [*story, *more], telling))
        if "rollback" in fault.then and not self.back:
            verdict, told = self._take_back(point, reached, place)
            cases.append(self._case(place, fault, "rollback", verdict, [*story, *told], telling))
        return cases

    def _case(self, place: Place, fault: Fault, then: Then, verdict: Verdict, story: list[str], telling: bool) -> Case:
        of: Literal["plan", "rollback"] = "rollback" if self.back else "plan"
        told = tuple(story) if telling or verdict.result == "fail" else ()
        return Case(place.step.id, fault.name, then, verdict.result, verdict.because, of, told)

    # -- resume -------------------------------------------------------------------------------------------------

    def _resume(
        self, stage: Stage, strike: Struck, ending: Ending, watch: _Watch, place: Place, story: list[str]
    ) -> Verdict:
        """Go on with the run until it is again as it would have been, or ends, or stands still."""
        stood: tuple[str, ...] | None = None
        for life in range(LIVES):
            if isinstance(strike, TwoRunners) and life == 0 and strike.second is not None:
                ending = strike.second if strike.second.kind != "reached" else ending
            if watch.reached is not None:
                return self._converged(stage, watch.reached)
            if ending.kind == "stuck":
                return Verdict("fail", f"it would never end: {ending.because}")
            status = stage.status()
            if ending.kind == "ended" and self._ended(status):
                strike.clear(stage)
                return self._at_its_end(stage, status)
            stands = tuple(f"{one.state} {one.attempts}" for one in status.steps)
            strike.mend(stage)
            stage.passes(BETWEEN)
            answered = _answer(stage, place, story)
            if not answered and stood is not None and _same(stands, stood):
                return Verdict("fail", f"it does not go on: {_where(status)}")
            stood = stands
            ending = live(stage, None, watch)
            story.append(f"resumed: {_told(ending, stage)}")
        return Verdict("fail", f"it does not come to its end: {_where(stage.status())}")

    def _ended(self, status: RunStatus) -> bool:
        """Whether it came to where the unfaulted run came to."""
        if status.state == "succeeded":
            return True
        theirs = self.journey.status
        return not self.journey.succeeded and status.state == theirs.state and _stands(status) == _stands(theirs)

    def _converged(self, stage: Stage, at: int) -> Verdict:
        """It was seen to be as the unfaulted run was; is it still, and did nothing happen twice?"""
        boundary = self.journey.boundaries[at]
        otherwise = self.journey.otherwise(stage, stage.status(), boundary)
        if otherwise:
            return Verdict("fail", f"something was done behind the second runner's back: {_listed(otherwise)}")
        return self._once(stage)

    def _at_its_end(self, stage: Stage, status: RunStatus) -> Verdict:
        if self.back:
            missed = truth.missed(self.before, truth.essence(stage.twin))
            return (
                Verdict("fail", f"the rollback says that it succeeded, and {'; '.join(missed[:3])}") if missed else PASS
            )
        end, there = self.journey.end, self.journey.status
        ours, theirs = (Attempts(one.run, last_attempts(s.steps)) for one, s in ((stage, status), (end, there)))
        otherwise = differences(stage.twin.state, ours, end.twin.state, theirs)
        if otherwise:
            return Verdict("fail", f"the run says that it succeeded, and on the twin {_listed(otherwise)}")
        return self._once(stage)

    def _once(self, stage: Stage) -> Verdict:
        twice = truth.twice(stage, self.journey.beginning.twin)
        return Verdict("fail", twice[0]) if twice else PASS

    # -- rollback -----------------------------------------------------------------------------------------------

    def _take_back(self, point: Stage, reached: int | None, place: Place) -> tuple[Verdict, tuple[str, ...]]:
        """Take the run back from there; from equal states only once."""
        key = self._state(point, reached, place)
        if key not in self._taken_back:
            story: list[str] = []
            point.passes(BETWEEN)
            verdict = self.take_back(point, story)
            self._taken_back[key] = (verdict, tuple(story))
        return self._taken_back[key]

    def _state(self, point: Stage, reached: int | None, place: Place) -> str:
        if reached is not None:
            return str(reached)
        status = point.status()
        boundary = self.journey.boundaries[place.visit.at]
        attempts = Attempts(point.run, last_attempts(status.steps))
        otherwise = differences(point.twin.state, attempts, boundary.stage.twin.state, boundary.attempts)
        states = [(one.id, one.state, one.attempts) for one in status.steps if one.state != "pending"]
        told = [(one.host, one.kind, one.name, attempts.text(repr(one.here))) for one in otherwise]
        return repr((place.visit.at, states, told))

    def back_from(self, point: Stage) -> Stage | NoWayBack:
        """The way back of the run as it stands there, begun as a run of its own on the same twin."""
        records = records_of(point.journal.read(point.run))
        made = self.make_back(point.plan, point.run, records, signatures=self.signatures)
        if isinstance(made, NoWayBack):
            return made
        run = begin(point.journal, made)
        return replace(point, plan=made, run=run, known=None)

    def take_back(self, point: Stage, story: list[str]) -> Verdict:
        status = point.status()
        stage = self.back_from(point)
        if isinstance(stage, NoWayBack):
            because = " ".join(one.message for one in stage.findings)
            story.append(f"no way back: {because}")
            if _beyond(point.plan, status):
                return Verdict("no-way-back-as-planned", short(because, 300))
            return Verdict("fail", f"the plan says that there is a way back, and there is none: {because}")
        story.append(f"taken back by {len(stage.plan.steps)} steps")
        ending = Ending("ended")
        if stage.plan.steps:
            ending = live(stage)
        if ending.kind == "stuck":
            return Verdict("fail", f"the rollback would never end: {ending.because}")
        after = stage.status()
        if after.state != "succeeded":
            name = next((one.error for one in after.steps if one.error == "not-rehearsed"), None)
            because = f"the rollback does not come to its end: {_where(after)}"
            return Verdict("not-rehearsed" if name else "fail", because)
        missed = truth.missed(self.before, truth.essence(stage.twin))
        if missed:
            return Verdict("fail", f"the rollback says that it succeeded, and {'; '.join(missed[:3])}")
        story.append("all is as it was before the run")
        return PASS

    def _unreadable(self, place: Place, fault: Fault, telling: bool) -> Case:
        """Damage what was proved, just after the first step whose way back needs it has ended; the rollback must refuse
        before it touches anything."""
        needs = next(one for one in self.journey.plan.steps if place.step.id in one.way_back.from_)
        visit = self.journey.visits.get(needs.id)
        if visit is None or visit.state != "done":
            verdict = Verdict("not-rehearsed", f"{needs.id} was not done")
            return self._case(place, fault, "rollback", verdict, [], telling)
        point = self.journey.boundaries[visit.at + 1].stage.fork()
        spoilt = _damage(point, place)
        story = [f"damaged after {needs.id}: {', '.join(spoilt)}"]
        if not spoilt:
            because = "no file of its restore point was found on the twin"
            return self._case(place, fault, "rollback", Verdict("fail", because), story, telling)
        before = truth.essence(point.twin)
        stage = self.back_from(point.fork())
        if isinstance(stage, NoWayBack) or not _proves(stage.plan, place.step):
            story.append("the way back does not need it")
            verdict = self.take_back(point, story)
            return self._case(place, fault, "rollback", verdict, story, telling)
        ending = live(stage)
        status = stage.status()
        story.append(f"rollback: {_told(ending, stage)}")
        missed = truth.missed(before, truth.essence(stage.twin))
        if status.state == "succeeded":
            verdict = Verdict("fail", "the rollback used a backup that cannot be read, and says that it succeeded")
        elif missed:
            because = f"the rollback stopped only after it had touched something: {'; '.join(missed[:3])}"
            verdict = Verdict("fail", because)
        else:
            verdict = PASS
        return self._case(place, fault, "rollback", verdict, story, telling)


class _Watch:
    """Looks, after every end of a step, whether all is again as in the unfaulted run."""

    def __init__(self, journey: Journey, least: int) -> None:
        self._journey = journey
        self._least = least
        self.reached: int | None = None

    def __call__(self, stage: Stage, event: Event, schedule: Schedule) -> bool:
        if event.entry.kind not in ("done", "skipped"):
            return False
        found = self._journey.converged(stage, schedule)
        if found is None or found < self._least:
            return False
        self.reached = found
        return True


def _stands(status: RunStatus) -> list[tuple[str, str, str | None]]:
    """The steps at which it stands, and how."""
    return [(one.id, one.state, one.error) for one in status.steps if one.state in STANDING]


def _fell_wrong(strike: Struck, ending: Ending) -> str:
    """Why a fault did not come to pass as it should have."""
    if not strike.fell:
        return "the fault never came to pass: going the same way again, the run did something else"
    if isinstance(strike, TwoRunners):
        if strike.first_wrote:
            return "the first runner wrote to the journal after the second one had taken the run over"
        if ending.kind != "refused":
            return f"the first runner was not refused: {ending.kind}"
    return ""


def _answer(stage: Stage, place: Place, story: list[str]) -> bool:
    """Answer every question of a step in doubt by what really happened."""
    schedule = stage.schedule()
    answered = False
    for name in schedule.waiting():
        step = schedule.step(name)
        if step.kind in ("hold", "person"):
            continue
        said = "done" if _happened(stage, name, place) else "no"
        people.answer(stage.journal, stage.run, stage.plan, name, said, WHO)
        stage.known = None
        story.append(f"in doubt: {name}; somebody looks and answers {said}")
        answered = True
    return answered


def _happened(stage: Stage, step: str, place: Place) -> bool:
    """Whether all that the unfaulted run brought about at this step has come about since."""
    visit = place.journey.visits.get(step)
    if visit is None:
        return False
    boundary = place.journey.boundaries[-1]
    wanted = journeys.counted(visit.effects, boundary.attempts)
    since = stage.twin.effects()[len(place.before.twin.effects()) :]
    status = stage.status()
    happened = journeys.counted(since, Attempts(stage.run, last_attempts(status.steps)))
    return bool(wanted) and all(happened[one] >= 1 for one in wanted)


def _beyond(plan: Plan, status: RunStatus) -> bool:
    """Whether a step was begun from which on the plan says that there is no way back."""
    lost = plan.point_of_no_return
    if lost is None:
        return False
    ids = [one.id for one in plan.steps]
    begun = [one.id for one in status.steps if one.state not in ("pending", "skipped")]
    return any(ids.index(one) >= ids.index(lost) for one in begun)


def _proves(back: Plan, step: Step) -> bool:
    """Whether a way back proves again what that step proved."""
    prefix, _, name = step.id.rpartition("/")
    return any(one.id == f"{prefix}/prove-{name}" for one in back.steps)


def _damage(stage: Stage, place: Place) -> list[str]:
    """Damage the files that the proof was about: those that its parameters name, late ones as the run gave them."""
    schedule = stage.schedule()
    named = [text.lower() for text in _texts(place.step.with_, schedule)]
    host = place.step.host or ""
    found: list[Entry] = []
    for one in stage.twin.state.table(host, "entry").values():
        path = one.path.lower()
        if not one.folder and any(path in (text, text + ".age") or path.startswith(text + "\\") for text in named):
            found.append(one)
    # A folder's backup is unreadable when one of its files is.
    spoilt = [one for one in found if "\\handrail\\" in one.path.lower() or "backup" in one.path.lower()][:1]

    def work(machine: Machine) -> None:
        for entry in spoilt:
            machine.put(entry.path, damaged(entry))

    if spoilt:
        stage.twin.transact(host, BROKEN_OFF, work)
    return [one.path for one in spoilt]


def _texts(value: object, schedule: Schedule) -> list[str]:
    if isinstance(value, str):
        return [value] if ":\\" in value else []
    if isinstance(value, Mapping):
        if set(value) == {"late"}:
            step, _, output = str(value["late"]).rpartition(".")
            return _texts(schedule.outputs(step).get(output), schedule)
        return [text for one in value.values() for text in _texts(one, schedule)]
    if isinstance(value, list | tuple):
        return [text for one in value for text in _texts(one, schedule)]
    return []


def _same(stands: tuple[str, ...], stood: tuple[str, ...]) -> bool:
    """Whether no step has come further; another attempt alone is no way on."""
    return [one.split()[0] for one in stands] == [one.split()[0] for one in stood]


def _told(ending: Ending, stage: Stage) -> str:
    match ending.kind:
        case "killed":
            return "the process is gone"
        case "reached":
            return "all is as in the unfaulted run"
        case "refused":
            return f"refused: {ending.because}"
        case "stuck":
            return ending.because
    status = stage.status()
    return f"the run has {status.state}" if status.state == "succeeded" else f"the run stops: {_where(status)}"


def _where(status: RunStatus) -> str:
    stands = [one for one in status.steps if one.state in (*STANDING, "begun")]
    text = "; ".join(f"{one.id} is {one.state}: {short(one.because, 300)}" for one in stands[:2])
    return text or f"it is {status.state}"


def _listed(otherwise: list[Difference]) -> str:
    more = f", and {len(otherwise) - 3} more" if len(otherwise) > 3 else ""
    return "; ".join(short(str(one), 300) for one in otherwise[:3]) + more
