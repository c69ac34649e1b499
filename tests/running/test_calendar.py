"""A step that would not finish in its maintenance window is not begun."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from tests.support.counting import plan, step

from handrail.documents.plan import freeze
from handrail.model.estate import Host, Rollout, Window
from handrail.model.plan import Plan, Step
from handrail.running.calendar import Calendar

NIGHT = Window("22:00", "06:00", "Europe/Berlin", ("sat", "sun"))
HOUR = 3600.0


def planned(*steps: Step, windows: tuple[Window, ...] = (NIGHT,), labels: dict[str, str] | None = None) -> Plan:
    made = plan(*steps)
    estate = replace(made.estate, hosts={"a": Host("a", labels=labels or {})}, rollout=Rollout(windows=windows))
    return freeze(replace(made, estate=estate))


def wait(text: str, takes: float, *windows: Window) -> float:
    """Hours from this moment (UTC) until a step that takes so many hours may begin."""
    one = step("one", takes=takes * HOUR)
    now = datetime.fromisoformat(text).replace(tzinfo=UTC)
    return Calendar(planned(one, windows=windows or (NIGHT,))).pause(one, now) / HOUR


@pytest.mark.parametrize(
    ("now", "takes", "hours"),
    [
        ("2026-11-21T21:00", 1, 0),  # Saturday, 22:00 in Berlin: it has just begun
        ("2026-11-21T12:00", 1, 9),  # Saturday noon
        ("2026-11-22T04:30", 1, 16.5),  # Sunday half past five: half an hour is too little, Sunday night it is
        ("2026-11-22T04:30", 0.4, 0),
        ("2026-11-23T04:30", 0.4, 0),  # Monday morning still belongs to Sunday's night
        ("2026-11-23T05:30", 0.4, 5 * 24 + 15.5),  # Monday, half past six: until Saturday
        ("2026-11-21T22:00", 100, 23),  # no window has room for it: it begins with the next one
    ],
)
def test_a_step_waits_for_a_window_that_it_does_not_outlast(now: str, takes: float, hours: float) -> None:
    assert wait(now, takes) == pytest.approx(hours)


def test_the_sooner_of_several_windows_counts() -> None:
    daily = Window("13:00", "14:00", "UTC")
    assert wait("2026-11-23T12:00", 0.5, NIGHT, daily) == 1
    assert wait("2026-11-23T12:00", 2, NIGHT, daily) > 48


def test_summer_time_is_that_of_the_zone() -> None:
    assert wait("2026-07-18T19:00", 1) == 1, "22:00 in Berlin is 20:00 UTC in July"


def test_a_downtime_begins_only_when_all_of_it_has_room() -> None:
    stop = step("stop", takes=60.0)
    long = step("long", takes=3 * HOUR, after=(stop.id,))
    start = step("start", takes=60.0, after=(long.id,))
    made = planned(stop, long, start)
    made = freeze(replace(made, downtime={stop.installation: ((stop.id, start.id),)}))
    now = datetime(2026, 11, 22, 3, tzinfo=UTC)  # Sunday, four in Berlin: two hours are left

    assert Calendar(made).pause(stop, now) > 0
    assert Calendar(made).pause(replace(stop, id="it/app@a/2/other"), now) == 0


def test_hosts_that_no_window_is_stated_for_may_be_changed_at_any_time() -> None:
    emea = replace(NIGHT, where={"site": "emea"})
    one = step("one", takes=HOUR)
    now = datetime(2026, 11, 23, 12, tzinfo=UTC)

    assert Calendar(planned(one, windows=(emea,), labels={"site": "apac"})).pause(one, now) == 0
    assert Calendar(planned(one, windows=(emea,), labels={"site": "emea"})).pause(one, now) > 0
    assert Calendar(planned(step("gate", "hold", host=None))).pause(step("gate", "hold", host=None), now) == 0
