"""When steps may begin: in the maintenance windows that the estate states for their hosts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from handrail.documents.rollout import time_of_day
from handrail.model.estate import Window
from handrail.model.plan import Plan, Step
from handrail.running.clock import moment
from handrail.running.moves import Move

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_AHEAD = 9
"""Days that are looked at: every window comes once a week."""


class Calendar:
    """The windows of a plan's hosts. A host for which no window is stated may be changed at any time."""

    def __init__(self, plan: Plan) -> None:
        rollout = plan.estate.rollout
        self._windows: Mapping[str, Sequence[Window]] = {}
        self._needs: dict[str, float] = {}
        if rollout is None or not rollout.windows:
            return
        self._windows = {
            name: [one for one in rollout.windows if all(host.labels.get(k) == v for k, v in one.where.items())]
            for name, host in plan.estate.hosts.items()
        }
        self._needs = _outages(plan)

    def due(self, move: Move, step: Step, now: datetime) -> float:
        """Seconds until a move is due: until its own time has come, and, to begin a step, until a window is open."""
        own = (moment(move.not_before) - now).total_seconds() if move.not_before else 0.0
        return max(0.0, own, self.pause(step, now) if move.kind == "begin" else 0.0)

    def pause(self, step: Step, now: datetime) -> float:
        """Seconds until the step may begin: 0 inside a window that it, or the downtime that begins with it, does not
        outlast. What no window has room for begins with the next one."""
        windows = self._windows.get(step.host or "", ())
        if not windows:
            return 0.0
        needs = self._needs.get(step.id, step.takes)
        begins = [begin for one in windows if (begin := _begin(one, now, needs)) is not None]
        if not begins:
            begins = [begin for one in windows if (begin := _begin(one, now, 0.0, fresh=True)) is not None]
        return max(0.0, (min(begins) - now).total_seconds()) if begins else 0.0


def _begin(window: Window, now: datetime, needs: float, *, fresh: bool = False) -> datetime | None:
    """The next moment in the window with so many seconds left in it. `fresh`: only where it begins."""
    begins, ends = time_of_day(window.from_), time_of_day(window.to)
    if begins is None or ends is None:
        return None
    zone = ZoneInfo(window.zone)
    today = now.astimezone(zone).date()
    for ahead in range(-1, _AHEAD):
        day = today + timedelta(days=ahead)
        if window.days and DAYS[day.weekday()] not in window.days:
            continue
        start = datetime.combine(day, begins, zone).astimezone(UTC)
        last = day if ends > begins else day + timedelta(days=1)
        end = datetime.combine(last, ends, zone).astimezone(UTC)
        begin = start if fresh else max(start, now)
        if begin >= now and (end - begin).total_seconds() >= max(needs, 1.0):
            return begin
    return None


def _outages(plan: Plan) -> dict[str, float]:
    """The first steps of downtimes, and the seconds that these take on the host."""
    place = {step.id: number for number, step in enumerate(plan.steps)}
    by_installation: dict[str, list[Step]] = {}
    for step in plan.steps:
        by_installation.setdefault(step.installation, []).append(step)
    needs = {}
    for installation, spans in plan.downtime.items():
        for first, last in spans:
            within = (
                step for step in by_installation.get(installation, ()) if place[first] <= place[step.id] <= place[last]
            )
            needs[first] = sum(step.takes for step in within)
    return needs
