"""What pages of plans and runs show of lanes: folded or some of them, drawn, and as a list beside the drawing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from handrail.console.drawing import KINDS, Drawing, draw
from handrail.console.lanes import ESTATE, Fold, Lane, Lanes, Page, Standing, folded, page_of, picked
from handrail.model.journal import StepState
from handrail.model.plan import Step
from handrail.reporting.words import duration

SIGNS: Mapping[StepState, str] = {
    "pending": "to come",
    "begun": "at work",
    "done": "done",
    "skipped": "skipped",
    "failed": "failed",
    "in-doubt": "in doubt",
    "waiting": "waiting",
}
"""How the state of a step is called on pages."""

LONGEST = 400
"""Steps of a lane that are listed on its page; of a longer one the first."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where the pages of a plan, or of a run of it, are: `base` is `/plans/DIGEST` or `/runs/RUN`."""

    base: str

    def step(self, step: Step) -> str:
        return self.step_named(step.id)

    def step_named(self, name: str) -> str:
        return f"{self.base}/steps/{quote(name, safe='/@')}"

    def hosts(self, **asked: str | int | None) -> str:
        given = {name: value for name, value in asked.items() if value}
        return f"{self.base}/hosts" + (f"?{urlencode(given)}" if given else "")

    def fold(self, fold: Fold) -> str:
        return self.hosts(fold=fold.key)

    @property
    def drawing(self) -> str:
        return f"{self.base}#lanes"


@dataclass(frozen=True, slots=True)
class Listed:
    """A step in the list beside the drawing."""

    number: int
    title: str
    kind: str
    at: str
    href: str
    state: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """A lane, or a fold with `href` to its hosts, in the list beside the drawing."""

    title: str
    under: str
    standing: str
    steps: tuple[Listed, ...]
    more: int
    href: str
    downtimes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """Lanes as a page shows them."""

    drawing: Drawing
    listings: tuple[Listing, ...]
    is_run: bool
    folds: bool
    hosts: int
    names: Mapping[StepState, str]


@dataclass(frozen=True, slots=True)
class Asked:
    """Which hosts somebody wants to see."""

    fold: str = ""
    find: str = ""
    state: str = ""
    wave: str = ""
    page: int = 1


def shown(
    lanes: Lanes,
    places: Places,
    *,
    states: Mapping[str, StepState] | None = None,
    standing: Mapping[str, Standing] | None = None,
    only: Sequence[Lane] | None = None,
) -> Shown:
    """All lanes, folded where they are many, or `only` some of them. `states`, `standing`: of the steps and hosts of a
    run."""
    chosen: Sequence[Lane | Fold] = folded(lanes, standing) if only is None else only
    drawing = draw(lanes, chosen, step_at=places.step, fold_at=places.fold, states=states)
    rows = zip(chosen, drawing.rows, strict=True)
    listings = tuple(
        Listing(
            row.title,
            row.under,
            row.standing or (standing or {}).get(one.host if isinstance(one, Lane) else "", ""),
            *_listed(one, lanes, places.step, states),
            row.href,
            _downtimes(one),
        )
        for one, row in rows
    )
    folds = any(isinstance(one, Fold) for one in chosen)
    hosts = sum(1 for one in lanes.lanes if one.host != ESTATE)
    return Shown(drawing, listings, states is not None, folds, hosts, SIGNS)


def hosts_asked(lanes: Lanes, asked: Asked, standing: Mapping[str, Standing] | None = None) -> Page:
    """The page of hosts that somebody wants to see."""
    found = picked(lanes, fold=asked.fold, find=asked.find, state=asked.state, wave=asked.wave, standing=standing)
    return page_of(found, asked.page)


def _listed(
    one: Lane | Fold, lanes: Lanes, href: Callable[[Step], str], states: Mapping[str, StepState] | None
) -> tuple[tuple[Listed, ...], int]:
    lane = one.shown if isinstance(one, Fold) else one
    steps = []
    for bar in lane.bars[:LONGEST]:
        step = bar.step
        notes = ["downtime"] if step.downtime else []
        notes += ["only after a known error"] if bar.spare else []
        notes += ["no way back"] if step.changes and step.way_back.kind == "none" else []
        notes += ["point of no return"] if lanes.no_return is not None and lanes.no_return.step.id == step.id else []
        took = f", about {duration(step.takes)}" if step.takes and not bar.spare else ""
        at = "" if bar.spare else f"{_clock(bar.begin)}{took}"
        state = states.get(step.id, "pending") if states is not None else ""
        steps.append(Listed(bar.number, step.title, KINDS[step.kind], at, href(step), state, tuple(notes)))
    return tuple(steps), max(0, len(lane.bars) - LONGEST)


def _downtimes(one: Lane | Fold) -> tuple[str, ...]:
    lane = one.shown if isinstance(one, Fold) else one
    return tuple(
        f"{band.installation} is down from {_clock(band.begin)} to {_clock(band.end)}, "
        f"about {duration(band.end - band.begin)}"
        for band in lane.bands
    )


def _clock(seconds: float) -> str:
    """Hours and minutes since the begin: `2:05`."""
    minutes = round(seconds / 60)
    return f"{minutes // 60}:{minutes % 60:02}"
