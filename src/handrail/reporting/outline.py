"""What a plan amounts to, computed once for every rendering: numbers, lanes, restore points, outages, ways back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from handrail.model.finding import Citation
from handrail.model.plan import Erratum, Hop, Plan, Step
from handrail.planning.going_back import Cost, cost

NO_HOST = "-"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why some come after others, told once for all that it orders: `first` and `then` say what for, by which hop."""

    first: str
    then: str
    reason: str
    source: Citation
    times: int


@dataclass(frozen=True, slots=True)
class Outage:
    installation: str
    first: str
    last: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Lane:
    """The steps of one host; `like` are further hosts that have the same steps."""

    host: str
    steps: tuple[Step, ...]
    like: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Way:
    """What takes one hop back, once `begins` has begun: `steps` of the plan's back, from the restore points `proofs`.
    `seconds`: how long those take one after the other."""

    begins: Step
    steps: tuple[Step, ...]
    proofs: tuple[str, ...]
    seconds: float


class Outline:
    """A plan, indexed for people. Steps are numbered from 1 in the plan's own order."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.steps: Mapping[str, Step] = {step.id: step for step in plan.steps}
        self.numbers: Mapping[str, int] = {step.id: number for number, step in enumerate(plan.steps, 1)}
        self.point_of_no_return = self.numbers.get(plan.point_of_no_return or "")
        self._hops = {(hop.installation, hop.to): hop for hop in plan.hops}
        self._of_installation: dict[str, list[Step]] = {}
        self.back: Mapping[str, Step] = {step.id: step for step in plan.back}

    def name(self, step_id: str) -> str:
        """`step 7 (Stop the service)`."""
        step = self.steps.get(step_id)
        if step is None:
            back = self.back.get(step_id)
            return f"{back.title!r} of the way back" if back else step_id
        return f"step {self.numbers[step_id]} ({step.title})"

    def lanes(self) -> list[Lane]:
        """One lane per host in the order of their first steps; hosts with the same steps are shown as one."""
        by_host: dict[str, list[Step]] = {}
        for step in self.plan.steps:
            by_host.setdefault(step.host or NO_HOST, []).append(step)
        alike: dict[Any, list[str]] = {}
        for host, steps in by_host.items():
            alike.setdefault(_shape(host, steps), []).append(host)
        return [Lane(hosts[0], tuple(by_host[hosts[0]]), tuple(hosts[1:])) for hosts in alike.values()]

    def reasons(self) -> list[Reason]:
        """Order across installations, in plan order. Steps of one procedure follow each other and need no reason."""
        told: dict[tuple[str, str, str, str], tuple[Citation, dict[tuple[str, str], None]]] = {}
        for step in self.plan.steps:
            for because in step.because:
                before = self.steps.get(because.after)
                if before is None or before.installation == step.installation:
                    continue
                pair = (_goal(before), _goal(step))
                key = (_without_host(before), _without_host(step), because.reason, str(because.source))
                told.setdefault(key, (because.source, {}))[1][pair] = None
        return [
            Reason(*next(iter(pairs)), reason=key[2], source=source, times=len(pairs))
            for key, (source, pairs) in told.items()
        ]

    def outages(self) -> list[Outage]:
        of_installation: dict[str, list[Step]] = {}
        for step in self.plan.steps:
            of_installation.setdefault(step.installation, []).append(step)
        outages = []
        for installation, spans in self.plan.downtime.items():
            for first, last in spans:
                if first in self.numbers and last in self.numbers:
                    begin, end = self.numbers[first], self.numbers[last]
                    inside = (s for s in of_installation.get(installation, ()) if begin <= self.numbers[s.id] <= end)
                    seconds = sum(step.takes for step in inside if not is_remedy(step))
                    outages.append(Outage(installation, first, last, seconds))
        return outages

    def restore_points(self) -> Iterator[Step]:
        """The steps that prove a backup or a key: only what was proved counts."""
        return (step for step in self.plan.steps if step.protects and step.kind == "prove")

    def restored_from(self) -> Mapping[str, list[Step]]:
        """Restore point -> the steps whose way back needs it."""
        uses: dict[str, list[Step]] = {}
        for step in self.plan.steps:
            if step.way_back.kind == "restore":
                for point in step.way_back.from_:
                    uses.setdefault(point, []).append(step)
        return uses

    def of_installation(self, installation: str) -> Sequence[Step]:
        """The steps of one installation, in plan order."""
        if not self._of_installation:
            for step in self.plan.steps:
                self._of_installation.setdefault(step.installation, []).append(step)
        return self._of_installation.get(installation, ())

    def hop(self, step: Step) -> Hop | None:
        """The hop that a step belongs to."""
        to = step.id.removeprefix(f"{step.installation}/").partition("/")[0]
        return self._hops.get((step.installation, to))

    def ways(self) -> list[Way]:
        """The written ways back of all hops, in plan order: each once, however many steps name it."""
        found: dict[tuple[str, ...], list[Step]] = {}
        for step in self.plan.steps:
            if step.way_back.by:
                found.setdefault(step.way_back.by, []).append(step)
        return [self._way(by, steps) for by, steps in found.items()]

    def way(self, step: Step) -> Way | None:
        """The way back of one step; None when it is not taken back by steps of the plan's back."""
        return self._way(step.way_back.by, [step]) if step.way_back.by else None

    def _way(self, by: tuple[str, ...], named_by: list[Step]) -> Way:
        steps = tuple(self.back[id] for id in by if id in self.back)
        proofs = tuple(dict.fromkeys(id for step in named_by for id in step.way_back.from_))
        return Way(named_by[0], steps, proofs, sum(step.takes for step in steps if not is_remedy(step)))

    def cost(self, step: Step | None = None) -> Cost:
        """What going back costs just before `step`, or from the end of the plan."""
        end = len(self.plan.steps) if step is None else self.numbers[step.id] - 1
        return cost(self.plan.steps[:end], self.plan.back)

    def without_way_back(self) -> list[Step]:
        """The steps that may destroy something and cannot be taken back."""
        return [step for step in self.plan.steps if step.way_back.kind == "none" and step.changes]

    def errata(self) -> list[tuple[Erratum, list[Step]]]:
        """Each erratum with the steps that follow it."""
        return [(one, [step for step in self.plan.steps if one.id in step.errata]) for one in self.plan.errata]

    def errata_of(self, step: Step) -> list[Erratum]:
        return [one for one in self.plan.errata if one.id in step.errata]

    def readers(self) -> Mapping[str, list[tuple[str, Step]]]:
        """Step id -> (output, step) for every later step that reads one of its outputs."""
        readers: dict[str, list[tuple[str, Step]]] = {}
        for step in self.plan.steps:
            for late in late_values(step.with_):
                made_by, _, output = late.rpartition(".")
                readers.setdefault(made_by, []).append((output, step))
        return readers

    def seconds(self) -> float:
        """How long it takes when every lane goes on as soon as it may."""
        ends: dict[str, float] = {}
        free: dict[str, float] = {}
        for step in self.plan.steps:
            lane = step.host or ""
            begin = max((ends.get(one, 0.0) for one in step.after), default=0.0)
            if lane:
                begin = max(begin, free.get(lane, 0.0))
            ends[step.id] = begin + (0.0 if is_remedy(step) else step.takes)
            if lane:
                free[lane] = ends[step.id]
        return max(ends.values(), default=0.0)


def is_remedy(step: Step) -> bool:
    """Only a known error makes this step run."""
    return any(condition.error for condition in step.when)


def late_values(with_: Any) -> Iterator[str]:
    """Every `STEP.output` that is read when the step begins, at any depth."""
    if isinstance(with_, Mapping):
        if set(with_) == {"late"} and isinstance(with_["late"], str):
            yield with_["late"]
        else:
            for one in with_.values():
                yield from late_values(one)
    elif isinstance(with_, list | tuple):
        for one in with_:
            yield from late_values(one)


def _goal(step: Step) -> str:
    """`identity/sync@sync01 to 2016-sp3`: what a step works for."""
    release = step.id.removeprefix(f"{step.installation}/").partition("/")[0]
    return f"{step.installation} to {release}" if step.id.startswith(f"{step.installation}/") else step.installation


def _without_host(step: Step) -> str:
    return _goal(step).replace(f"@{step.installation.rpartition('@')[2]}", "")


def _shape(host: str, steps: list[Step]) -> Any:
    """What two hosts share when their steps differ only in the host's own name."""
    return tuple(
        (step.title.replace(host, "\0"), step.uses, step.kind, step.id.replace(host, "\0"), step.way_back.kind)
        for step in steps
    )
