"""Where everything of the lanes is drawn: coordinates for `templates/lanes.html`, and nothing besides.

The axis is true to time where it is read, at its ticks, and elastic in between: steps of seconds stand beside steps of
half an hour, and both have to be seen and hit.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from handrail.console.lanes import ESTATE, Bar, Fold, Lane, Lanes, links_between
from handrail.model.journal import StepState
from handrail.model.plan import Step
from handrail.reporting.words import count, duration

TOP = 34
"""Height of the axis."""
ROW = 46
BAR = 18
LEAST = 7.0
"""Pixels that any stretch between two ends is wide, as long as there are not too many."""
ROOM = 1500.0
"""Pixels for all those stretches together, and again for time itself."""
FIRST = 10.0
TICKS = (60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400, 172800, 604800)
APART = 64.0
MOST_LINKS = 40
CROWD = 60
"""Steps of no host beyond which they are drawn together."""

KINDS: Mapping[str, str] = {
    "check": "check",
    "do": "act",
    "back-up": "back up",
    "prove": "prove",
    "hold": "hold",
    "person": "person",
    "reboot": "restart",
}


@dataclass(frozen=True, slots=True)
class Mark:
    """A step as it is drawn: its box, what it is (`kind`), how it stands (`state`, empty in a plan), where it leads.
    `final`: what it changes has no way back."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    state: str
    href: str
    says: str
    number: int = 0
    final: bool = False

    @property
    def middle(self) -> float:
        return self.x + self.width / 2

    @property
    def centre(self) -> float:
        return self.y + self.height / 2


@dataclass(frozen=True, slots=True)
class Strip:
    x: float
    y: float
    width: float
    height: float
    says: str


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the drawing. `title`, `under`: its label. `href`: the page of a fold's hosts."""

    y: float
    title: str
    under: str
    href: str = ""
    standing: str = ""
    envelope: Strip | None = None


@dataclass(frozen=True, slots=True)
class Tick:
    x: float
    says: str


@dataclass(frozen=True, slots=True)
class Path:
    d: str
    says: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """`more`: order reasons that were left out of it; the list has all of them. `no_return`: where that point lies."""

    width: float
    height: float
    rows: tuple[Row, ...]
    marks: tuple[Mark, ...]
    bands: tuple[Strip, ...]
    waves: tuple[Strip, ...]
    paths: tuple[Path, ...]
    ticks: tuple[Tick, ...]
    no_return: float | None
    more: int


class Axis:
    """Seconds to pixels: monotone, and at least a little between any two moments at which something begins or ends."""

    def __init__(self, moments: Sequence[float]) -> None:
        self._moments = sorted({0.0, *moments})
        gaps = len(self._moments) - 1
        total = self._moments[-1]
        least = min(LEAST, ROOM / gaps) if gaps else 0.0
        room = min(ROOM, max(760.0, gaps * 12.0))
        self._xs = [FIRST]
        for before, after in zip(self._moments, self._moments[1:], strict=False):
            self._xs.append(self._xs[-1] + least + (after - before) / total * room)

    @property
    def end(self) -> float:
        return self._xs[-1]

    @property
    def seconds(self) -> float:
        return self._moments[-1]

    def x(self, moment: float) -> float:
        place = min(max(bisect_right(self._moments, moment) - 1, 0), len(self._moments) - 1)
        if place == len(self._moments) - 1:
            return round(self._xs[place], 1)
        before, after = self._moments[place : place + 2]
        share = (moment - before) / (after - before)
        return round(self._xs[place] + share * (self._xs[place + 1] - self._xs[place]), 1)


def draw(
    lanes: Lanes,
    shown: Sequence[Lane | Fold],
    *,
    step_at: Callable[[Step], str],
    fold_at: Callable[[Fold], str],
    states: Mapping[str, StepState] | None = None,
) -> Drawing:
    """What is `shown` of the lanes. `step_at`, `fold_at`: where the pages of a step and of a fold are. `states`: how
    steps stand in a run; the others are pending."""
    axis = _axis(lanes, shown)
    rows: list[Row] = []
    marks: dict[str, Mark] = {}
    crowd: list[Mark] = []
    bands: list[Strip] = []
    for place, one in enumerate(shown):
        y = TOP + place * ROW
        lane = one.shown if isinstance(one, Fold) else one
        rows.append(_row(one, lane, y, axis, fold_at))
        bands += [_band(band.installation, band.begin, band.end, y, axis) for band in lane.bands]
        bars = [bar for bar in lane.bars if not bar.spare]
        if lane.host == ESTATE and len(bars) > CROWD:
            crowd += _together(bars, y, axis)
            continue
        for bar in bars:
            state = states.get(bar.step.id, "pending") if states is not None else ""
            marks[bar.step.id] = _mark(bar, state, y, axis, step_at(bar.step))
    links = links_between(lanes, [(one.shown if isinstance(one, Fold) else one).host for one in shown])
    seen = [one for one in links if one.first.id in marks and one.then.id in marks]
    point = lanes.no_return
    height = TOP + len(rows) * ROW + 6
    return Drawing(
        round(axis.end + 40, 1),
        height,
        tuple(rows),
        (*marks.values(), *crowd),
        tuple(bands),
        tuple(
            Strip(axis.x(one.begin), 0, round(axis.x(one.end) - axis.x(one.begin), 1), height, one.name)
            for one in lanes.waves
        ),
        tuple(
            Path(
                _curve(marks[one.first.id], marks[one.then.id]),
                f"{one.first.title}, then {one.then.title}: {one.reason}",
            )
            for one in seen[:MOST_LINKS]
        ),
        _ticks(axis),
        axis.x(point.begin) if point is not None else None,
        max(0, len(seen) - MOST_LINKS),
    )


def _axis(lanes: Lanes, shown: Sequence[Lane | Fold]) -> Axis:
    moments = {lanes.seconds}
    for one in shown:
        lane = one.shown if isinstance(one, Fold) else one
        if lane.host == ESTATE and len(lane.bars) > CROWD:
            continue
        for bar in lane.bars:
            moments.update((bar.begin, bar.end))
    return Axis(sorted(moments))


def _row(one: Lane | Fold, lane: Lane, y: float, axis: Axis, fold_at: Callable[[Fold], str]) -> Row:
    if isinstance(one, Fold):
        begin, end = axis.x(one.begin), axis.x(one.end)
        number = count(len(one.hosts), "host")
        parts = [f"wave {one.wave}" if one.wave else "", one.standing or "", lane.does]
        says = f"{number}, the first begins after {duration(one.begin)}, the last ends after {duration(one.end)}"
        envelope = Strip(begin, y + 4, round(max(end - begin, 4.0), 1), ROW - 8, says)
        title = f"{number} like {lane.host}"
        return Row(y, title, " · ".join(part for part in parts if part), fold_at(one), one.standing or "", envelope)
    if lane.host == ESTATE:
        return Row(y, "The estate", "steps of no host")
    parts = [f"wave {lane.wave}" if lane.wave else "", lane.does]
    return Row(y, lane.host, " · ".join(part for part in parts if part))


def _band(installation: str, begin: float, end: float, y: float, axis: Axis) -> Strip:
    x = axis.x(begin)
    says = f"Downtime of {installation}, about {duration(end - begin)}"
    return Strip(x, y + 2, round(max(axis.x(end) - x, 3.0), 1), ROW - 4, says)


def _mark(bar: Bar, state: str, y: float, axis: Axis, href: str) -> Mark:
    step = bar.step
    x = axis.x(bar.begin)
    width = round(max(axis.x(bar.end) - x - 1, 3.0), 1)
    words = [f"{bar.number}. {step.title}", KINDS.get(step.kind, step.kind)]
    words += [f"from {duration(bar.begin)}" if bar.begin else "from the beginning"]
    words += [f"about {duration(step.takes)}"] if step.takes else []
    final = step.way_back.kind == "none" and bool(step.changes)
    return Mark(x, y + (ROW - BAR) / 2, width, BAR, step.kind, state, href, ", ".join(words), bar.number, final)


def _together(bars: Sequence[Bar], y: float, axis: Axis) -> list[Mark]:
    """Steps of no host where there are hundreds: those that lie together as one."""
    groups: dict[tuple[int, str], list[Bar]] = {}
    for bar in bars:
        groups.setdefault((int(axis.x(bar.begin) // 14), bar.step.kind), []).append(bar)
    return [
        Mark(
            axis.x(members[0].begin),
            y + (ROW - BAR) / 2,
            3.0,
            BAR,
            kind,
            "",
            "",
            f"{count(len(members), 'step')} of this kind: {members[0].step.title}"
            + (" and others" if len(members) > 1 else ""),
        )
        for (_, kind), members in groups.items()
    ]


def _curve(first: Mark, then: Mark) -> str:
    """From the end of one to the begin of the other, leaving and arriving level."""
    x1, y1 = (first.middle, first.centre) if first.kind == "hold" else (first.x + first.width, first.centre)
    x2, y2 = then.x - 1, then.centre
    bend = max(10.0, min(40.0, (x2 - x1) / 2))
    return f"M{x1:.1f} {y1:.1f} C{x1 + bend:.1f} {y1:.1f} {x2 - bend:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"


def _ticks(axis: Axis) -> tuple[Tick, ...]:
    """Round times, as many as have room."""
    every = next((one for one in TICKS if axis.seconds / one <= 16), TICKS[-1])
    ticks = [Tick(axis.x(0), "0")]
    moment = float(every)
    while moment <= axis.seconds:
        x = axis.x(moment)
        if x - ticks[-1].x >= APART:
            ticks.append(Tick(x, f"{moment / 3600:,.0f} h" if moment % 3600 == 0 else duration(moment)))
        moment += every
    return tuple(ticks)
