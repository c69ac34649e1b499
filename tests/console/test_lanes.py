"""A plan as swim lanes: when each step would begin, what folds, what is found."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.events import Told
from tests.support.fleets import fleet
from tests.support.plans import MANUAL, sample_plan

from handrail.console.drawing import Axis, draw
from handrail.console.lanes import (
    ESTATE,
    Fold,
    Standing,
    folded,
    key_of,
    lanes_of,
    links_between,
    page_of,
    picked,
    standing_of,
)
from handrail.model.estate import Estate, Host
from handrail.model.plan import Fleet, Plan, Remedy, Step, WaveMembers
from handrail.planning.plan import make_plan
from handrail.running.clock import moment


def plan_with(steps: list[Step], limit: int | None = None) -> Plan:
    hosts = tuple(dict.fromkeys(step.host for step in steps if step.host))
    estate = Estate("pictured", hosts={name: Host(name) for name in hosts})
    return replace(
        sample_plan(),
        estate=estate,
        steps=tuple(steps),
        point_of_no_return=None,
        downtime={},
        fleet=Fleet(hosts, (), limit) if limit else None,
    )


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Plans of a few hosts whose steps wait for each other, some for a while, some only after an error."""
    steps: list[Step] = []
    spare: list[str] = []
    limit = draw(st.sampled_from([None, None, 1, 2]))
    for number in range(draw(st.integers(1, 14))):
        host = draw(st.sampled_from(["a", "b", "c", None]))
        # Hosts of a fleet that wait for each other could wait for one that its budget keeps out.
        earlier = [one.id for one in steps if one.id not in spare and (limit is None or one.host == host)]
        after = tuple(draw(st.lists(st.sampled_from(earlier), unique=True, max_size=3))) if earlier else ()
        kind = "hold" if host is None and draw(st.booleans()) else "do"
        steps.append(
            Step(
                f"d/x@{host}/1/s{number}",
                f"step {number}",
                f"d/x@{host}",
                host,
                "test.look",
                1,
                kind,  # type: ignore[arg-type]
                MANUAL,
                takes=0.0 if host is None else float(draw(st.sampled_from([0, 5, 10, 60, 600]))),
                after=after,
                soak=float(draw(st.sampled_from([0, 0, 0, 30]))) if after else 0.0,
            )
        )
        if host is not None and draw(st.integers(0, 5)) == 0:
            helper = replace(steps[-1], id=f"d/x@{host}/1/mend{number}", after=(), soak=0.0)
            spare.append(helper.id)
            steps[-1] = replace(steps[-1], remedies=(Remedy("odd", (helper.id,)),))
            steps.append(helper)
    return plan_with(steps, limit)


def played(plan: Plan) -> Mapping[str, tuple[float, float]]:
    """The plan played by the scheduler itself: what it opens begins at once and lasts as long as expected."""
    told = Told(plan)
    began = moment(told.events[0].at)
    heap: list[tuple[float, int, str]] = []
    begins: dict[str, float] = {}
    spans: dict[str, tuple[float, float]] = {}
    now = 0.0
    place = {step.id: number for number, step in enumerate(plan.steps)}
    while True:
        for move in told.schedule.take():
            if move.kind == "skip":
                told.step("skipped", move.step)
                spans[move.step] = (now, now)
            elif move.step not in begins and (move.kind == "begin" or move.kind == "ask"):
                step = told.schedule.step(move.step)
                begins[move.step] = now + step.soak
                heapq.heappush(heap, (begins[move.step] + step.takes, place[move.step], move.step))
        if any(not told.schedule.one(move.step).begun for move in told.schedule.moves() if move.kind == "skip"):
            continue
        if not heap:
            break
        now, _, name = heapq.heappop(heap)
        told.step("begun", name)
        told.step("done", name)
        spans[name] = (begins[name], now)
    assert began is not None and told.schedule.state == "succeeded"
    return spans


@given(plans())
@settings(max_examples=60, deadline=None)
def test_steps_begin_when_the_scheduler_would_begin_them(plan: Plan) -> None:
    lanes = lanes_of(plan)

    assert {name: (bar.begin, bar.end) for name, bar in lanes.bars.items()} == played(plan)


@given(plans())
@settings(max_examples=50, deadline=None)
def test_nothing_overlaps_in_a_lane_and_nothing_begins_before_what_it_comes_after(plan: Plan) -> None:
    lanes = lanes_of(plan)

    for lane in lanes.lanes:
        bars = [bar for bar in lane.bars if not bar.spare]
        if lane.host != ESTATE:
            assert all(one.end <= then.begin for one, then in pairwise(bars))
        for bar in bars:
            assert bar.end == bar.begin + bar.step.takes
            assert all(lanes.bars[name].end + bar.step.soak <= bar.begin for name in bar.step.after)
    assert lanes.seconds == max(bar.end for bar in lanes.bars.values())
    assert sum(len(lane.bars) for lane in lanes.lanes) == len(plan.steps)


@given(plans())
@settings(max_examples=50, deadline=None)
def test_with_a_failure_budget_no_more_hosts_are_at_work_than_may_fail(plan: Plan) -> None:
    if plan.fleet is None:
        return
    lanes = [lane for lane in lanes_of(plan).lanes if lane.host != ESTATE]
    for moment_ in {lane.begin for lane in lanes}:
        busy = [
            lane.host
            for lane in lanes
            if min((b.begin for b in lane.bars if not b.spare), default=0.0) <= moment_
            and moment_ < max((b.end for b in lane.bars if not b.spare), default=0.0)
        ]
        assert len(busy) <= (plan.fleet.limit or len(lanes))


def test_a_step_that_only_an_error_makes_run_takes_no_time() -> None:
    lanes = lanes_of(sample_plan())
    spare = [bar for bar in lanes.bars.values() if bar.spare]

    assert [bar.step.title for bar in spare] == ["Remove what names the old medium"]
    assert all(bar.begin == bar.end for bar in spare)


def test_downtime_lies_from_its_first_begin_to_its_last_end_in_the_lane_of_its_host() -> None:
    lanes = lanes_of(sample_plan())
    (band,) = lanes.of["sync01"].bands

    assert (band.begin, band.end) == (60.0, 300.0)
    assert band.first.title == "Stop the service" and band.last.title == "Install the patch"


def test_order_reasons_are_told_between_lanes_only() -> None:
    lanes = lanes_of(sample_plan())

    (link,) = links_between(lanes, lanes.of)
    assert (link.first.host, link.then.host, link.reason) == (None, "svc01", "The engine comes first.")
    assert links_between(lanes, ["sync01", "svc01"]) == []
    assert len(links_between(lanes, [ESTATE, "svc01"])) == 1
    assert lanes.no_return is not None and lanes.no_return.step.title == "Go through the wizard"


@cache
def shop() -> Plan:
    """A fleet of 200 hosts in two waves."""
    plan = make_plan(*fleet(200))
    assert isinstance(plan, Plan)
    names = tuple(dict.fromkeys(step.installation for step in plan.steps if step.host))
    hosts = tuple(plan.estate.hosts)
    return replace(plan, fleet=Fleet(hosts, (WaveMembers("first", names[:30]), WaveMembers("rest", names[30:]))))


def test_a_few_lanes_are_shown_one_by_one() -> None:
    lanes = lanes_of(sample_plan())

    assert folded(lanes) == list(lanes.lanes)


@given(st.lists(st.sampled_from(["through", "at work", "failed", "to come"]), min_size=200, max_size=200))
@settings(max_examples=10, deadline=None)
def test_every_host_is_in_exactly_one_fold(states: list[Standing]) -> None:
    lanes = lanes_of(shop())
    hosts = [lane.host for lane in lanes.lanes if lane.host != ESTATE]
    standing = dict(zip(hosts, states, strict=False))
    shown = folded(lanes, standing)
    inside = [name for one in shown for name in (one.hosts if isinstance(one, Fold) else (one.host,))]

    assert sorted(inside) == sorted(lane.host for lane in lanes.lanes)
    for one in shown:
        if isinstance(one, Fold):
            members = list(picked(lanes, fold=one.key, standing=standing))
            assert tuple(lane.host for lane in members) == one.hosts
            assert {(lane.cohort, lane.wave, standing[lane.host]) for lane in members} == {
                (one.shown.cohort, one.wave, one.standing)
            }
            assert one.begin == min(lane.begin for lane in members)


def test_hosts_whose_steps_differ_in_the_name_only_are_one_cohort() -> None:
    lanes = lanes_of(shop())
    cohorts = {lane.cohort for lane in lanes.lanes if lane.host != ESTATE}

    assert len(cohorts) <= 6  # four kinds of installation; a host's name is all that 200 hosts differ in
    assert len(folded(lanes)) < 20


@pytest.mark.parametrize(
    ("find", "names"),
    [
        ("host00042", ["host00042"]),
        ("HOST0004 s0", ["host00042", "host00049"]),
        ("site=s6 host0001", ["host00013"]),
        ("site=s99", []),
        ("0004 site=s1", ["host00043"]),
    ],
)
def test_hosts_are_found_by_name_and_label(find: str, names: list[str]) -> None:
    assert sorted(lane.host for lane in picked(lanes_of(shop()), find=find)) == names


def test_hosts_are_found_by_wave_and_state() -> None:
    lanes = lanes_of(shop())
    standing: dict[str, Standing] = {"host00003": "failed", "host00150": "failed"}

    assert {lane.host for lane in picked(lanes, state="failed", standing=standing)} == set(standing)
    assert {lane.wave for lane in picked(lanes, wave="first")} == {"first"}
    assert key_of(lanes.of["host00003"], None) != key_of(lanes.of["host00003"], "failed")


def test_pages_hold_every_lane_once() -> None:
    lanes = list(lanes_of(shop()).lanes)
    first = page_of(lanes, 1, 24)
    shown = [lane.host for number in range(1, first.pages + 1) for lane in page_of(lanes, number, 24).lanes]

    assert shown == [lane.host for lane in lanes]
    assert page_of(lanes, 999, 24).number == first.pages
    assert page_of([], 1).pages == 1


@pytest.mark.parametrize(
    ("states", "standing"),
    [
        ((), "through"),
        (("pending", "pending"), "to come"),
        (("done", "pending"), "at work"),
        (("done", "skipped"), "through"),
        (("begun", "pending"), "at work"),
        (("begun", "failed"), "failed"),
        (("waiting", "in-doubt"), "in doubt"),
        (("skipped", "pending"), "to come"),
    ],
)
def test_a_lane_stands_as_its_gravest_step(states: tuple[str, ...], standing: str) -> None:
    assert standing_of(states) == standing  # type: ignore[arg-type]


@given(st.lists(st.integers(0, 100_000).map(float), min_size=1, max_size=60))
@settings(max_examples=50, deadline=None)
def test_the_axis_never_turns_back_and_keeps_moments_apart(moments: list[float]) -> None:
    axis = Axis(moments)
    xs = [axis.x(one) for one in sorted({0.0, *moments})]

    assert all(then - one > 1 for one, then in pairwise(xs))
    for one, then in zip(sorted(moments), sorted(moments)[1:], strict=False):
        assert axis.x(one) <= axis.x((one + then) / 2) <= axis.x(then)


def test_marks_of_a_lane_do_not_overlap_and_lead_to_their_steps() -> None:
    lanes = lanes_of(sample_plan())
    drawing = draw(lanes, folded(lanes), step_at=lambda step: f"/steps/{step.id}", fold_at=lambda fold: fold.key)
    rows: dict[float, list[tuple[float, float]]] = {}
    for mark in drawing.marks:
        rows.setdefault(mark.y, []).append((mark.x, mark.x + mark.width))

    for spans in rows.values():
        assert all(end <= begin for (_, end), (begin, _) in zip(sorted(spans), sorted(spans)[1:], strict=False))
    assert len(drawing.marks) == 8 and len(drawing.paths) == 1 and drawing.no_return is not None
    assert all(mark.href.startswith("/steps/identity/") for mark in drawing.marks)


def test_ten_thousand_holds_are_drawn_as_a_few() -> None:
    holds = [
        Step(
            f"d/x@h{n}/1/hold",
            f"May {n} be stopped?",
            f"d/x@h{n}",
            None,
            "hold",
            1,
            "hold",
            MANUAL,
            after=(f"d/x@h{n}/1/a",),
        )
        for n in range(10_000)
    ]
    looks = [
        Step(f"d/x@h{n}/1/a", "Look", f"d/x@h{n}", f"h{n}", "test.look", 1, "do", MANUAL, takes=float(n % 50))
        for n in range(10_000)
    ]
    lanes = lanes_of(plan_with([*looks, *holds]))
    drawing = draw(lanes, folded(lanes), step_at=lambda step: step.id, fold_at=lambda fold: fold.key)

    assert len(drawing.marks) < 60 and drawing.height < 300
