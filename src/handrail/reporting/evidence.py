"""What the evidence of a run rests on, and what is read from it: one pass over the events, whatever they come from.

The plan and the number of steps decide how much memory that takes, not what the steps have said: of a large run the
events of one host of each cohort are kept, and of every step what went wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from handrail.documents.plan import plan_of_text
from handrail.errors import BadInput, Tampered
from handrail.model.journal import Event, RunStatus
from handrail.model.plan import Plan, Step
from handrail.reporting import words
from handrail.reporting.outline import NO_HOST, Lane, Outline
from handrail.running.chain import Chains, Head, digest
from handrail.running.fates import fates_of
from handrail.running.people import APPROVALS, Approval, approval_of
from handrail.running.scheduler import Schedule

WHOLE = 2_000
"""Steps of a plan up to which every host is told in full; beyond, hosts with the same steps are told as one."""

WRONG = ("failed", "in-doubt")
_SAID = ("agreed", "answered")
_ACTS = ("created", "taken", "drifted", "verified", "going-back", "taken-back", "moved", "arrived", "ended")


@dataclass(frozen=True, slots=True)
class Header:
    """What evidence says before the events. `made`: `at`, `by`, `handrail` (its version), `program` (the digest of its
    source) and `key` (the public key that signs, or None). `run`: `run`, `plan`, `estate`, `target`, `created`, `who`.
    `plan_text` is the plan's JSON as the store has it. `approvals`: the lane of the plan's digest."""

    made: Mapping[str, Any]
    run: Mapping[str, Any]
    plan_text: str
    approvals: tuple[Event, ...] = ()
    rehearsal: Mapping[str, Any] | None = None

    @property
    def id(self) -> str:
        return str(self.run["run"])

    def plan(self) -> Plan:
        """BadInput or Tampered when it is none, or not the one whose digest the run names."""
        found = plan_of_text(self.plan_text, "the plan in the evidence")
        if found.digest != self.run["plan"]:
            raise Tampered("The plan is not the one that the run names: its digest is another.")
        return found

    def approved(self) -> list[Approval]:
        """Who approved the plan. Tampered when the chain of approvals does not hold."""
        plan = str(self.run["plan"])
        heads: dict[str, Head] = {}
        for one in self.approvals:
            if one.lane != plan:
                raise Tampered("An approval of another plan stands among those of this one.")
            # The approvals of other plans stand between them: only their own chain is whole.
            chains = Chains(APPROVALS, heads, one.position - 1)
            chains.take(one)
            heads = chains.heads
        return [approval_of(one) for one in self.approvals]


@dataclass(frozen=True, slots=True)
class Linked:
    """The runs of which one takes the other back. `takes_back`: the one that this run takes back. `taken_back_by`:
    those that were made to take this one back. Each: `run`, `plan`, `created`, `who`, `state`, `touched`."""

    takes_back: Mapping[str, Any] | None = None
    taken_back_by: tuple[Mapping[str, Any], ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "takes_back": dict(self.takes_back) if self.takes_back is not None else None,
            "taken_back_by": [dict(one) for one in self.taken_back_by],
        }

    @classmethod
    def from_json(cls, found: Any) -> Linked:
        back = found["takes_back"]
        return cls(dict(back) if back is not None else None, tuple(dict(one) for one in found["taken_back_by"]))


@dataclass(slots=True)
class Act:
    """Something that concerns the run as a whole, or that a person did. `times`: so many lanes were taken over."""

    event: Event
    times: int = 1


@dataclass(slots=True)
class Gathered:
    """What a pass over the events leaves. `on`: the steps of each host. `kept`: events by step, all of them of those
    in `shown`."""

    header: Header
    plan: Plan
    outline: Outline
    on: Mapping[str, list[Step]]
    lanes: list[Lane]
    schedule: Schedule
    shown: frozenset[str]
    kept: dict[str, list[Event]] = field(default_factory=dict)
    positions: dict[str, list[int]] = field(default_factory=dict)
    acts: list[Act] = field(default_factory=list)
    wrong: dict[str, int] = field(default_factory=dict)
    heads: dict[str, Head] = field(default_factory=dict)
    seals: list[tuple[int, str, str]] = field(default_factory=list)
    count: int = 0
    last: str = ""
    linked: Linked = field(default_factory=Linked)
    _status: RunStatus | None = None

    @classmethod
    def of(cls, header: Header) -> Gathered:
        """Errors as `Header.plan`."""
        plan = header.plan()
        outline = Outline(plan)
        on = _by_host(plan)
        each = [Lane(host, tuple(steps)) for host, steps in on.items()]
        lanes = outline.lanes() if len(plan.steps) > WHOLE else each
        shown = frozenset(step.id for lane in lanes for step in lane.steps)
        return cls(header, plan, outline, on, lanes, Schedule(plan), shown)

    def passing(self, events: Iterable[Event]) -> Iterator[Event]:
        """The events, each handed on when it was checked and taken in. Tampered when a chain does not hold, or when
        the run did not begin as the header says."""
        chains = Chains(self.header.id)
        for event in events:
            chains.take(event)
            if not self.count:
                self._begins(event)
            self._apply(event)
            yield event
        if not self.count:
            raise Tampered("There is no event in it.")
        self.heads = chains.heads

    def _begins(self, event: Event) -> None:
        data, run = event.entry.data, self.header.run
        told = (data.get("plan"), data.get("estate"), data.get("target"), data.get("who"), event.at)
        if event.entry.kind != "created" or told != tuple(
            run[name] for name in ("plan", "estate", "target", "who", "created")
        ):
            raise Tampered("What it says of the run is not what its first event says.")
        if data.get("document") != digest(self.header.plan_text):
            raise Tampered("The plan is not the one that the run began with.")
        if self.header.rehearsal is not None and self.header.rehearsal.get("plan") != run["plan"]:
            raise Tampered("The rehearsal in it is of another plan.")
        given = {(one.who, one.at) for one in self.header.approved()}
        if any((one.get("who"), one.get("at")) not in given for one in data.get("approvals", ())):
            raise Tampered("An approval is missing that the run began with.")

    def _apply(self, event: Event) -> None:
        entry = event.entry
        self.count += 1
        self.last = event.at
        self.schedule.apply(event)
        if entry.step is not None:
            self.positions.setdefault(entry.step, []).append(event.position)
            if entry.kind in WRONG:
                self.wrong[entry.step] = self.wrong.get(entry.step, 0) + 1
            if entry.step in self.shown or entry.kind in WRONG or entry.kind in _SAID:
                self.kept.setdefault(entry.step, []).append(event)
        if entry.kind in _SAID or entry.kind in _ACTS:
            self._act(event)
        elif entry.kind == "sealed":
            self.seals.append((event.position, event.at, str(entry.data.get("heads"))))

    def _act(self, event: Event) -> None:
        if event.entry.kind == "taken" and self.acts:
            last = self.acts[-1]
            if last.event.entry.kind == "taken" and last.event.entry.data == event.entry.data:
                last.times += 1
                return
        if event.entry.kind == "verified":
            # Of what was looked at, what does not hold is told; the rest is a number.
            event = replace(event, entry=replace(event.entry, data=_short(event.entry.data)))
        self.acts.append(Act(event))

    # -- afterwards ---------------------------------------------------------------------------------------------

    @property
    def status(self) -> RunStatus:
        """How the run stood: `rolled-back` once another one had taken it back."""
        if self._status is None:
            found = self.schedule.status(self.header.id, self.plan.digest)
            if self.plan.goes_back is not None:
                found = replace(found, goes_back=self.plan.goes_back.run)
            for one in self.linked.taken_back_by:
                if one["touched"]:
                    state = "rolled-back" if one["state"] == "succeeded" else found.state
                    found = replace(found, state=state, taken_back_by=one["run"])
                    break
            self._status = found
        return self._status

    @property
    def is_sealed(self) -> bool:
        """Whether the last event seals all that was before it."""
        return bool(self.seals) and self.seals[-1][0] == self.count

    @property
    def ending(self) -> str:
        """What closes the chains, in a sentence or two."""
        if self.is_sealed:
            return "The last event seals all before it."
        if self.is_over and self.seals:
            later = words.count(self.count - self.seals[-1][0], "event")
            return f"The last seal closes the run; {later} came later. Nothing shows whether more did."
        return "No seal closes them: the run could still go on, and nothing shows what may have come after."

    @property
    def is_over(self) -> bool:
        return self.schedule.ended


def _by_host(plan: Plan) -> dict[str, list[Step]]:
    found: dict[str, list[Step]] = {}
    for step in plan.steps:
        found.setdefault(step.host or NO_HOST, []).append(step)
    return found


def _short(data: Mapping[str, Any]) -> dict[str, Any]:
    checks: Sequence[Mapping[str, Any]] = data.get("checks", ())
    counts: dict[str, int] = {}
    for one in checks:
        counts[str(one.get("verdict"))] = counts.get(str(one.get("verdict")), 0) + 1
    wrong = [dict(one) for one in checks if one.get("verdict") in ("broken", "unknown")]
    return {"who": data.get("who"), "holds": data.get("holds"), "counts": counts, "wrong": wrong}


# -- what is read from it, as plain data ----------------------------------------------------------------------------


def summary(found: Gathered) -> dict[str, Any]:
    """How the run stood when the evidence was written."""
    states: dict[str, int] = {}
    for one in found.status.steps:
        states[one.state] = states.get(one.state, 0) + 1
    return {
        "state": found.status.state,
        "ended": found.is_over,
        "begun": found.schedule.created,
        "last": found.last,
        "steps": states,
        "goes_back": found.status.goes_back,
        "taken_back_by": found.status.taken_back_by,
        "approvals": [{"who": one.who, "at": one.at, "note": one.note} for one in found.header.approved()],
    }


def steps(found: Gathered) -> Iterator[dict[str, Any]]:
    """Every step of the plan, and which events tell of it."""
    for one in found.status.steps:
        told: dict[str, Any] = {"id": one.id, "state": one.state, "attempts": one.attempts}
        told |= {"begun": one.begun, "ended": one.ended, "events": found.positions.get(one.id, [])}
        if one.because:
            told["because"] = one.because
        if one.error:
            told["error"] = one.error
        yield told


def installations(found: Gathered) -> Iterator[dict[str, Any]]:
    """The build of every installation before and after, as the estate had it and as steps left it."""
    deployments = found.plan.estate.deployments.values()
    before = {one.subject: one.build for deployment in deployments for one in deployment.installations}
    planned: dict[str, str] = {}
    for hop in found.plan.hops:
        before.setdefault(hop.installation, hop.from_)
        planned[hop.installation] = hop.build or hop.to
    left: dict[str, tuple[str, Any]] = {}
    for step in found.plan.steps:
        for fact in step.leaves:
            name, _, what = fact.address.rpartition(".")
            if what == "build" and found.schedule.one(step.id).state == "done":
                left[name] = (step.id, fact.value)
    for name in dict.fromkeys((*planned, *left)):
        by, build = left.get(name, (None, before.get(name)))
        yield {
            "installation": name,
            "before": before.get(name),
            "planned": planned.get(name),
            "after": build,
            "by": by,
            "seen_before": _seen(found, name, before.get(name), -1),
            "seen_after": _seen(found, name, build, 1) if by is not None else None,
        }


def _seen(found: Gathered, installation: str, build: Any, which: int) -> dict[str, Any] | None:
    """What the first (-1) or the last (1) step has seen of the installation at this build."""
    steps = found.outline.of_installation(installation)
    for step in steps if which < 0 else reversed(steps):
        one = found.schedule.one(step.id)
        if build and one.state == "done" and str(build) in one.because:
            return {"step": step.id, "at": one.ended, "says": one.because}
    return None


def restore_points(found: Gathered) -> Iterator[dict[str, Any]]:
    """Every backup and key set that was to be made, what it is, and which steps proved it."""
    proofs: dict[tuple[str, str], list[Any]] = {}
    for step in found.plan.steps:
        for asset in step.proves:
            proofs.setdefault((step.id.rpartition("/")[0], asset), []).append(step)
    for step in found.plan.steps:
        if step.kind != "back-up" or not step.protects:
            continue
        status = found.schedule.one(step.id)
        stem = step.id.rpartition("/")[0]
        proving = dict.fromkeys(one.id for asset in step.protects for one in proofs.get((stem, asset), ()))
        yield {
            "step": step.id,
            "host": step.host,
            "assets": list(step.protects),
            "state": status.state,
            "at": status.ended,
            "is": dict(status.outputs),
            "proofs": [
                {"step": one, "state": proof.state, "at": proof.ended, "says": proof.because}
                for one in proving
                for proof in [found.schedule.one(one)]
            ],
        }


def assets(found: Gathered) -> Iterator[dict[str, Any]]:
    """Every asset that the plan may change: its restore points, the steps that may have changed it, and what the checks
    after the last of them saw."""
    points: dict[str, list[str]] = {}
    changing: dict[str, list[Any]] = {}
    for step in found.plan.steps:
        if step.kind == "back-up":
            for asset in step.protects:
                points.setdefault(asset, []).append(step.id)
        for asset in step.changes:
            changing.setdefault(asset, []).append(step)
    for asset, by in changing.items():
        begun = [one for one in by if found.schedule.one(one.id).state not in ("pending", "skipped")]
        after: list[dict[str, Any]] = []
        if begun:
            last = begun[-1]
            number = found.outline.numbers[last.id]
            for step in found.outline.of_installation(last.installation):
                status = found.schedule.one(step.id)
                if step.kind == "check" and found.outline.numbers[step.id] > number and status.state == "done":
                    after.append({"step": step.id, "at": status.ended, "says": status.because})
        yield {
            "asset": asset,
            "restore_points": points.get(asset, []),
            "changed_by": [{"step": one.id, "state": found.schedule.one(one.id).state} for one in by],
            "seen_after": after,
        }


def customisations(found: Gathered) -> Iterator[dict[str, Any]]:
    """What became of each customisation, as the steps told it."""
    hosts = {step.id: step.host for step in found.plan.steps}
    for step, fate in fates_of(found.status):
        yield {"step": step, "host": hosts.get(step), **fate.to_json()}


def remedies(found: Gathered) -> Iterator[dict[str, Any]]:
    """The known errors that happened, and what was done about them."""
    for id in found.wrong:
        errors = [one.entry.data.get("error") for one in found.kept.get(id, ()) if one.entry.kind in WRONG]
        step = found.outline.steps.get(id)
        for remedy in step.remedies if step is not None else ():
            if remedy.error in errors:
                yield {
                    "step": id,
                    "error": remedy.error,
                    "times": errors.count(remedy.error),
                    "says": remedy.says,
                    "by": [{"step": one, "state": found.schedule.one(one).state} for one in remedy.steps],
                }


def acts(found: Gathered) -> Iterator[dict[str, Any]]:
    """What people did, and what happened to the run as a whole, in order."""
    for one in found.acts:
        entry = one.event.entry
        told: dict[str, Any] = {"event": one.event.position, "at": one.event.at, "kind": entry.kind}
        if entry.step is not None:
            told["step"] = entry.step
        if one.times > 1:
            told["lanes"] = one.times
        left_out = ("document", "plan", "estate", "checks")
        yield told | {name: value for name, value in entry.data.items() if name not in left_out}


def chains(found: Gathered) -> Iterator[dict[str, Any]]:
    """Every lane's chain: how many events, its epoch, and its head."""
    for lane, head in sorted(found.heads.items()):
        yield {"lane": lane, "events": head.sequence, "epoch": head.epoch, "head": head.hash}


def seals(found: Gathered) -> Iterator[dict[str, Any]]:
    for position, at, heads in found.seals:
        yield {"event": position, "at": at, "heads": heads}


DERIVED = (
    ("summary", summary),
    ("steps", steps),
    ("installations", installations),
    ("assets", assets),
    ("restore_points", restore_points),
    ("customisations", customisations),
    ("remedies", remedies),
    ("acts", acts),
    ("chains", chains),
    ("seals", seals),
)
"""The members of evidence.json that follow from the others: name, and what they follow from."""


def rehearsal_of(document: Any, plan: str, file: str) -> Mapping[str, Any]:
    """The rehearsal in `document`. BadInput when it is none, or one of another plan."""
    cases = document.get("cases") if isinstance(document, dict) else None
    named = isinstance(document, dict) and document.get("schema") == "handrail/rehearsal/v1"
    if not named or not isinstance(cases, list) or not all(isinstance(one, dict) for one in cases):
        raise BadInput(f"{file} is no rehearsal.", "Make one: handrail rehearse PLAN --format json > FILE.")
    if document.get("plan") != plan:
        raise BadInput(f"{file} is the rehearsal of another plan.", f"Give the one of {plan}.")
    return dict(document)
