"""A run as its page shows it, in parts that a live page replaces one by one. Made from a follower, with its lock held
only while it is read."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from handrail.console.following import Busy, Follower, Following
from handrail.console.lanes import STANDINGS, Bar
from handrail.console.live import Frame
from handrail.console.output import said_of
from handrail.console.pricing import Price, Pricing
from handrail.console.showing import SIGNS, Places, Shown, shown
from handrail.model.journal import StepState
from handrail.model.plan import Remedy, Step
from handrail.reporting.drift import drift_blocks
from handrail.reporting.html import render as html_of
from handrail.reporting.page import Block, Heading, Tone
from handrail.reporting.rollback import going_back_blocks
from handrail.reporting.run import STATES
from handrail.reporting.words import count, duration
from handrail.running.clock import moment
from handrail.running.said import Said
from handrail.running.tails import newest

PARTS = ("standing", "now", "failed", "back", "waves", "story")
"""The parts of a run's page, each a template `run/NAME.html`; the lanes are one of their own."""
MOST_BUSY = 12
MOST_FAILED = 6
MOST_SAID = 3
LINES = 20
EVERY = 5.0
"""Seconds after which a page is made again although nothing was journaled: times go on, processes go away."""
LEFT_OF = 30_000
"""Steps of a plan beyond which it is not said how long is still to come."""


@dataclass(frozen=True, slots=True)
class Doing:
    """A step that is under way, as it is shown."""

    step: Step
    href: str
    state: StepState
    since: datetime
    until: datetime | None
    overdue: bool
    attempts: int
    because: str
    error: str
    remedy: Remedy | None
    said: tuple[Said, ...] = ()


class RunView:
    """One run, for its page and for all who watch it."""

    def __init__(
        self, following: Following, pricing: Pricing, templates: Environment, run: str, everywhere: str = ""
    ) -> None:
        self.run = run
        self._following = following
        self._pricing = pricing
        self._templates = templates
        self._everywhere = everywhere
        self._seen: tuple[object, ...] = ()
        self._made = 0.0
        self._frame = Frame(0, {})

    def look(self) -> Frame:
        """The parts as they are now; those of the last look when nothing can have changed."""
        follower = self._following.follower(self.run)
        price = self._pricing.of(self.run, follower.plan, follower.position)
        values: dict[str, Any] | None = None
        begun = follower.count("begun") > 0
        told = newest(self._following.session.journal.store, self.run) if begun and follower.for_workers else ""
        seen = (follower.position, price, told)
        busy = begun and not follower.for_workers
        if seen != self._seen or busy or time.monotonic() - self._made > EVERY:
            values = self.values(follower)
            parts = {name: self._part(f"run/{name}.html", values) for name in PARTS}
            lanes: Shown = values["lanes"]
            if lanes.folds:
                parts["lanes"] = self._part("lanes.html", values)
            else:
                parts["marks"] = marks(follower)
            parts["asked"] = values["asked"]
            self._frame = Frame(values["position"], parts, still=follower.is_over and price is not None)
            self._seen, self._made = seen, time.monotonic()
        return self._frame

    def values(self, follower: Follower) -> dict[str, Any]:
        """What the templates of the parts are given."""
        with follower.lock:
            return self._values(follower)

    def _part(self, template: str, values: Mapping[str, Any]) -> str:
        made = self._templates.get_template(template).render(values)
        return self._following.session.secrets.redact(made)

    def _values(self, follower: Follower) -> dict[str, Any]:
        session = self._following.session
        now = session.clock.now()
        places = Places(f"/runs/{follower.row.run}")
        attended = follower.state != "running" or follower.is_attended()
        sentence, tone = standing_sentence(follower, attended)
        price = self._pricing.of(follower.row.run, follower.plan, follower.position)
        no_return, passed = _no_return(follower)
        begun = sorted(follower.busy("begun"), key=lambda one: (not one.overdue(now), one.since))
        waiting = follower.busy("waiting", "in-doubt", most=MOST_BUSY)
        wrong = follower.busy("failed", most=MOST_FAILED)
        return {
            "run": follower.row,
            "plan": follower.plan,
            "position": follower.position,
            "now": now,
            "state": follower.state,
            "attended": attended,
            "sentence": sentence,
            "tone": tone,
            "counts": [(state, SIGNS[state], follower.counts[state]) for state in SIGNS if follower.counts[state]],
            "steps": len(follower.plan.steps),
            "for_workers": follower.for_workers,
            "workers": session.listeners() if follower.for_workers else 0,
            "left": _left(follower),
            "goes_back": follower.plan.goes_back.run if follower.plan.goes_back else None,
            "back_by": tuple(follower.back_by),
            "taken_back_by": follower.taken_back_by,
            "drifted": _drifted(follower),
            "doing": self._begun(follower, begun[:MOST_BUSY], places, now),
            "more_doing": max(0, len(begun) - MOST_BUSY),
            "waiting": [doing(follower, one, places, now) for one in waiting],
            "more_waiting": max(0, follower.count("waiting", "in-doubt") - MOST_BUSY),
            "wrong": [doing(follower, one, places, now) for one in wrong],
            "more_wrong": max(0, follower.count("failed") - MOST_FAILED),
            "window": follower.next_window(now) if follower.state == "running" else None,
            "price": price,
            "price_is_old": price is not None and price.position < follower.position,
            "told": self._told(follower.row.run, price),
            "resume": f"handrail resume {follower.row.run}{self._everywhere}",
            "no_return": no_return,
            "passed": passed,
            "waves": list(follower.waves()) if follower.plan.fleet is not None else [],
            "standings": STANDINGS,
            "budget": _budget(follower),
            "story": [(moment(at), line) for at, line in list(follower.story)[::-1][:LINES]],
            "lanes": shown(follower.study.lanes, places, states=follower.states, standing=follower.standing),
            "places": places,
            "asked": asked(follower),
            "span": duration,
        }

    def _told(self, run: str, price: Price | None) -> Markup:
        if price is None or price.cost is None:
            return Markup()
        blocks = going_back_blocks(run, price.cost, self._everywhere)
        return markup(block for block in blocks if not isinstance(block, Heading))

    def _begun(self, follower: Follower, found: Iterable[Busy], places: Places, now: datetime) -> list[Doing]:
        """What is under way; of the first few also what their hosts say."""
        made = [doing(follower, one, places, now) for one in found]
        said = [said_of(self._following.session, follower, one.step.host, one.since) for one in made[:MOST_SAID]]
        return [*map(_with_said, made, said), *made[MOST_SAID:]]


def doing(follower: Follower, one: Busy, places: Places, now: datetime) -> Doing:
    """A step that is under way, or wants somebody, as it is shown."""
    status = one.status
    remedy = next((remedy for remedy in one.step.remedies if remedy.error == status.error), None)
    # A twin takes no time: what the plan expects says nothing there.
    until = one.until if follower.row.target != "twin" else None
    return Doing(
        one.step,
        places.step(one.step),
        status.state,
        one.since,
        until,
        until is not None and now > until,
        status.attempts,
        status.because,
        status.error or "",
        remedy,
    )


def _with_said(one: Doing, said: tuple[Said, ...]) -> Doing:
    return replace(one, said=said)


def standing_sentence(follower: Follower, attended: bool) -> tuple[str, Tone]:
    """How the run stands, in a sentence."""
    if follower.moved_to is not None:
        return f"Moved to the store {follower.moved_to}: it goes on there, and not here.", "warn"
    if follower.state == "running" and not attended:
        if follower.for_workers:
            return "No worker of this store has given a sign of life lately: nobody carries it on.", "bad"
        return "Interrupted: no process on this machine carries it on. What was begun is looked at first.", "bad"
    if follower.drifted is not None:
        return "It did not go on: what pending steps rest on has changed, or could not be seen.", "bad"
    return STATES[follower.state]


def asked(follower: Follower) -> str:
    """What people are asked now, as one word: it changes when a question comes or goes, when the first of two people
    has agreed, or the run stops or goes on."""
    schedule = follower.schedule
    waits = [(schedule.question(name), schedule.one(name).agreed) for name in schedule.waiting()[:200]]
    questions = [f"{question}{'+' * len(agreed)}" for question, agreed in waits]
    return " ".join([follower.state, *questions])


def marks(follower: Follower) -> str:
    """The states of all steps by number, as `1:done 2:begun`; those to come are left out."""
    found = enumerate(follower.plan.steps, 1)
    return " ".join(
        f"{number}:{follower.states[step.id]}" for number, step in found if follower.states[step.id] != "pending"
    )


def markup(blocks: Iterable[Block], deeper: int = 0) -> Markup:
    """Blocks as HTML; escaped where they were made into it."""
    return Markup("\n".join(html_of(blocks, deeper=deeper)))


def _left(follower: Follower) -> str:
    """About how long the plan still takes, people's time not counted."""
    if len(follower.plan.steps) > LEFT_OF or follower.state not in ("running", "waiting"):
        return ""
    lanes = follower.study.lanes
    open_ = [
        bar.begin
        for name, bar in lanes.bars.items()
        if not bar.spare and follower.states[name] not in ("done", "skipped")
    ]
    left = lanes.seconds - min(open_, default=lanes.seconds)
    return duration(left) if left else ""


def _drifted(follower: Follower) -> Markup:
    """What has changed, or could not be seen, where the run did not go on because of it."""
    if follower.drifted is None:
        return Markup()
    return markup(block for block in drift_blocks(follower.drifted.entry.data) if not isinstance(block, Heading))


def _no_return(follower: Follower) -> tuple[Bar | None, datetime | None]:
    """The point of no return, where the run has one ahead of it or behind it, and when it was passed."""
    point = follower.study.lanes.no_return
    if point is None or follower.states[point.step.id] == "skipped":
        return None, None
    passed = follower.schedule.began(point.step.id)
    return point, moment(passed) if passed else None


def _budget(follower: Follower) -> str:
    fleet = follower.plan.fleet
    if fleet is None or fleet.limit is None:
        return ""
    failed = sum(1 for host in fleet.hosts if follower.standing.get(host) == "failed")
    used = f"{count(failed, 'host has', 'hosts have')} failed; {fleet.limit:,} of {len(fleet.hosts):,} may."
    return f"{used} The budget is used up: nothing is begun on further hosts." if failed >= fleet.limit else used
