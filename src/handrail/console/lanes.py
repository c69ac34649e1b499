"""A plan as swim lanes over estimated time: pure data, made once for a plan, drawn by `drawing.py`.

One lane per host, and one for the steps that no host carries out. Thousands of hosts are never shown one by one: lanes
fold by cohort (hosts whose steps differ only in the host's name), wave and state. A fold shows one of its hosts, says
how many there are, and opens to a page of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from handrail.console.times import spans_of
from handrail.model.finding import Citation
from handrail.model.journal import StepState
from handrail.model.plan import Plan, Step

ESTATE = "-"
MOST = 24
"""Lanes that are shown one by one; more of them fold."""

Standing = Literal["to come", "at work", "waiting", "in doubt", "failed", "through"]
STANDINGS: tuple[Standing, ...] = ("failed", "in doubt", "waiting", "at work", "to come", "through")
"""How a lane stands in a run, what needs somebody first."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One step in its lane. `number` counts from 1 in the plan; `begin` and `end` are seconds from the plan's begin.
    `spare`: only a known error makes it run; it takes no time."""

    step: Step
    number: int
    begin: float
    end: float
    spare: bool = False


@dataclass(frozen=True, slots=True)
class Band:
    """A downtime of an installation."""

    installation: str
    first: Step
    last: Step
    begin: float
    end: float


@dataclass(frozen=True, slots=True)
class Lane:
    """The steps of one host in their order; `host` is `-` for those that no host carries out. `cohort` is the same for
    hosts whose steps differ only in the host's name; `does` says for people what is done there."""

    host: str
    bars: tuple[Bar, ...]
    bands: tuple[Band, ...] = ()
    wave: str | None = None
    cohort: str = ""
    does: str = ""
    labels: Mapping[str, str] | None = None
    begin: float = 0.0
    end: float = 0.0


@dataclass(frozen=True, slots=True)
class Link:
    """Why a step of one lane comes after one of another."""

    first: Step
    then: Step
    reason: str
    source: Citation


@dataclass(frozen=True, slots=True)
class WaveSpan:
    """A wave over time, from its first begin to its last end. `gate`: the step behind which the next one begins."""

    name: str
    hosts: int
    begin: float
    end: float
    gate: str | None


@dataclass(frozen=True, slots=True)
class Lanes:
    """`lanes` in the order of the plan; `of` finds one by host, `bars` a step by id, `links` the order reasons from one
    host to another. `seconds`: how long the plan takes, people's time not
    counted. `no_return`: the point of no return."""

    plan: Plan
    lanes: tuple[Lane, ...]
    of: Mapping[str, Lane]
    bars: Mapping[str, Bar]
    links: Mapping[tuple[str, str], tuple[Link, ...]]
    waves: tuple[WaveSpan, ...]
    seconds: float
    no_return: Bar | None = None


@dataclass(frozen=True, slots=True)
class Fold:
    """Lanes of one cohort, wave and state. `key` names it in addresses; `shown` is its representative. `begin`, `end`:
    of all of its lanes."""

    key: str
    shown: Lane
    wave: str | None
    standing: Standing | None
    hosts: tuple[str, ...]
    begin: float
    end: float


@dataclass(frozen=True, slots=True)
class Page:
    """`number` of `pages`, from 1; `total` lanes in all."""

    lanes: tuple[Lane, ...]
    number: int
    pages: int
    total: int


def lanes_of(plan: Plan) -> Lanes:
    """The plan as lanes. Its time is near-linear in the number of steps."""
    spans = spans_of(plan)
    bars: dict[str, Bar] = {}
    by_host: dict[str, list[Bar]] = {}
    for number, (step, span) in enumerate(zip(plan.steps, spans, strict=True), 1):
        bar = Bar(step, number, span.begin, span.end, span.spare)
        bars[step.id] = bar
        by_host.setdefault(step.host or ESTATE, []).append(bar)
    wave_of = _wave_of(plan)
    bands = _bands(plan, bars)
    lanes = tuple(_lane(plan, host, of_host, bands.get(host, ()), wave_of) for host, of_host in by_host.items())
    return Lanes(
        plan,
        lanes,
        {one.host: one for one in lanes},
        bars,
        _links(bars),
        tuple(_waves(plan, bars, wave_of)),
        max((one.end for one in bars.values()), default=0.0),
        bars.get(plan.point_of_no_return or ""),
    )


def standing_of(states: Iterable[StepState]) -> Standing:
    """How a lane stands, from the states of its steps."""
    found = set(states)
    for state, standing in _GRAVE:
        if state in found:
            return standing
    if found <= {"done", "skipped"}:
        return "through"
    return "to come" if found <= {"pending", "skipped"} and "pending" in found and "done" not in found else "at work"


_GRAVE: tuple[tuple[StepState, Standing], ...] = (
    ("failed", "failed"),
    ("in-doubt", "in doubt"),
    ("waiting", "waiting"),
    ("begun", "at work"),
)


def folded(lanes: Lanes, standing: Mapping[str, Standing] | None = None, most: int = MOST) -> list[Lane | Fold]:
    """What is shown of all lanes: the lanes themselves, when there are no more than `most`, or folds of them. The
    estate's lane never folds. `standing`: of each host in a run."""
    if len(lanes.lanes) <= most:
        return list(lanes.lanes)
    groups: dict[tuple[str, str | None, Standing | None], list[Lane]] = {}
    shown: list[Lane | Fold] = []
    for lane in lanes.lanes:
        if lane.host == ESTATE:
            shown.append(lane)
            continue
        groups.setdefault((lane.cohort, lane.wave, (standing or {}).get(lane.host)), []).append(lane)
    order = {one.name: place for place, one in enumerate(lanes.waves)}
    folds = [_fold(key, members) for key, members in groups.items()]
    folds.sort(key=lambda one: (order.get(one.wave or "", -1), one.begin))
    return [*shown, *(one.shown if len(one.hosts) == 1 else one for one in folds)]


def key_of(lane: Lane, standing: Standing | None) -> str:
    """The key of the fold that a lane belongs to."""
    return _key(lane.cohort, lane.wave, standing)


def picked(
    lanes: Lanes,
    *,
    fold: str = "",
    find: str = "",
    state: str = "",
    wave: str = "",
    standing: Mapping[str, Standing] | None = None,
) -> Iterator[Lane]:
    """The lanes of hosts to which all of this applies. `find`: words, each a part of the host's name or of a label's
    value, or a whole `label=value`."""
    words = find.lower().split()
    for lane in lanes.lanes:
        if lane.host == ESTATE:
            continue
        stands = (standing or {}).get(lane.host)
        if (state and stands != state) or (wave and lane.wave != wave):
            continue
        if (not fold or key_of(lane, stands) == fold) and all(_has(lane, word) for word in words):
            yield lane


def page_of(lanes: Iterable[Lane], number: int = 1, size: int = MOST) -> Page:
    """One page of lanes; the nearest one that there is."""
    every = tuple(lanes)
    pages = max(1, -(-len(every) // size))
    number = min(max(1, number), pages)
    return Page(every[(number - 1) * size : number * size], number, pages, len(every))


def links_between(lanes: Lanes, hosts: Iterable[str]) -> list[Link]:
    """The order reasons between lanes of these hosts."""
    among = list(hosts)
    return [link for first in among for then in among for link in lanes.links.get((first, then), ())]


def _lane(plan: Plan, host: str, bars: Sequence[Bar], bands: Sequence[Band], wave_of: Mapping[str, str]) -> Lane:
    made = hashlib.sha256()
    goals: dict[str, None] = {}
    for bar in bars:
        step = bar.step
        made.update(f"{step.uses} {step.kind} {step.id.replace(host, chr(0))}\n".encode())
        goals[_goal(step)] = None
    known = plan.estate.hosts.get(host)
    return Lane(
        host,
        tuple(bars),
        tuple(bands),
        next((wave_of[bar.step.installation] for bar in bars if bar.step.installation in wave_of), None),
        made.hexdigest()[:16],
        _listed(list(goals)),
        known.labels if known is not None else None,
        min((bar.begin for bar in bars), default=0.0),
        max((bar.end for bar in bars), default=0.0),
    )


def _goal(step: Step) -> str:
    """`sync to 2016-sp3`: what a step works for, on whichever host."""
    component = step.installation.rpartition("@")[0].rpartition("/")[2] or step.installation
    if not step.id.startswith(f"{step.installation}/"):
        return component
    return f"{component} to {step.id.removeprefix(f'{step.installation}/').partition('/')[0]}"


def _listed(names: list[str], limit: int = 3) -> str:
    return ", ".join(names) if len(names) <= limit else f"{', '.join(names[:limit])} and {len(names) - limit} more"


def _bands(plan: Plan, bars: Mapping[str, Bar]) -> dict[str, list[Band]]:
    found: dict[str, list[Band]] = {}
    for installation, spans in plan.downtime.items():
        for first, last in spans:
            if first in bars and last in bars:
                begin, end = bars[first], bars[last]
                band = Band(installation, begin.step, end.step, begin.begin, end.end)
                found.setdefault(begin.step.host or ESTATE, []).append(band)
    return found


def _links(bars: Mapping[str, Bar]) -> dict[tuple[str, str], tuple[Link, ...]]:
    found: dict[tuple[str, str], list[Link]] = {}
    for bar in bars.values():
        for one in bar.step.because:
            before = bars.get(one.after)
            if before is not None and before.step.host != bar.step.host:
                link = Link(before.step, bar.step, one.reason, one.source)
                found.setdefault((before.step.host or ESTATE, bar.step.host or ESTATE), []).append(link)
    return {pair: tuple(links) for pair, links in found.items()}


def _wave_of(plan: Plan) -> dict[str, str]:
    waves = plan.fleet.waves if plan.fleet is not None else ()
    return {installation: wave.name for wave in waves for installation in wave.installations}


def _waves(plan: Plan, bars: Mapping[str, Bar], wave_of: Mapping[str, str]) -> Iterator[WaveSpan]:
    if plan.fleet is None:
        return
    begins: dict[str, float] = {}
    ends: dict[str, float] = {}
    for bar in bars.values():
        wave = wave_of.get(bar.step.installation)
        if wave is not None and not bar.spare:
            begins[wave] = min(begins.get(wave, bar.begin), bar.begin)
            ends[wave] = max(ends.get(wave, 0.0), bar.end)
    for one in plan.fleet.waves:
        hosts = {name.rpartition("@")[2] for name in one.installations}
        yield WaveSpan(one.name, len(hosts), begins.get(one.name, 0.0), ends.get(one.name, 0.0), one.gate)


def _fold(key: tuple[str, str | None, Standing | None], members: list[Lane]) -> Fold:
    return Fold(
        _key(*key),
        members[0],
        key[1],
        key[2],
        tuple(one.host for one in members),
        min(one.begin for one in members),
        max(one.end for one in members),
    )


def _key(cohort: str, wave: str | None, standing: Standing | None) -> str:
    return hashlib.sha256(f"{cohort}\n{wave}\n{standing}".encode()).hexdigest()[:12]


def _has(lane: Lane, word: str) -> bool:
    if word in lane.host.lower():
        return True
    labels = lane.labels or {}
    if "=" in word:
        name, _, value = word.partition("=")
        return any(known.lower() == name and str(given).lower() == value for known, given in labels.items())
    return any(word in str(given).lower() for given in labels.values())
