"""Which hosts go in which wave, and what the plan says of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.support.fleets import fleet

from handrail.documents.plan import plan_from_json, plan_to_json
from handrail.documents.rollout import mistakes_of, seconds
from handrail.model.estate import Budget, Host, Rollout, Wave, Window
from handrail.model.plan import Plan
from handrail.planning.plan import make_plan
from handrail.planning.rollout import Grouped, grouped, limit_of

HOSTS = {
    name: Host(name, labels={"ring": "canary"} if name in ("a", "f") else {"role": "dc"} if name in ("b", "c") else {})
    for name in "abcdefghij"
}


def groups(*waves: Wave, of: dict[str, str] | None = None) -> Grouped:
    return grouped(Rollout(of or {}, waves), HOSTS, "abcdefghij")


def members(found: Grouped) -> dict[str, str]:
    return {one.name: "".join(one.hosts) for one in found.groups}


def test_a_wave_takes_the_hosts_with_its_labels_that_no_wave_before_it_took() -> None:
    found = groups(Wave("canary", {"ring": "canary"}), Wave("rest"))
    assert members(found) == {"canary": "af", "rest": "bcdeghij"} and not found.left


def test_a_size_or_a_percentage_of_the_fleet_takes_the_first_by_name() -> None:
    assert members(groups(Wave("two", size=2), Wave("some", percent=25), Wave("rest"))) == {
        "two": "ab",
        "some": "cde",  # a quarter of ten, rounded up
        "rest": "fghij",
    }


def test_a_wave_repeats_until_all_are_through() -> None:
    assert members(groups(Wave("first", size=1), Wave("by-four", size=4, repeat=True))) == {
        "first": "a",
        "by-four-1": "bcde",
        "by-four-2": "fghi",
        "by-four-3": "j",
    }


def test_one_by_one_is_a_gate_after_each_host_and_a_question_after_the_last() -> None:
    found = groups(Wave("dcs", {"role": "dc"}, one_by_one=True, soak="30m", hold="Replicated?"), Wave("rest"))
    assert [(one.name, one.hosts, one.soak, one.question) for one in found.groups[:2]] == [
        ("dcs-b", ("b",), 1800.0, None),
        ("dcs-c", ("c",), 1800.0, "Replicated?"),
    ]


def test_hosts_that_no_wave_takes_are_named_unless_the_rollout_is_not_about_them() -> None:
    assert groups(Wave("canary", {"ring": "canary"})).left == tuple("bcdeghij")
    assert groups(Wave("canary"), of={"ring": "canary"}).left == ()
    assert groups(Wave("nobody", {"ring": "x"}), Wave("rest")).empty == ("nobody",)
    assert groups().left == (), "a rollout without waves has budget and windows only"


@pytest.mark.parametrize(
    ("budget", "limit"), [(None, None), (Budget(5), 5), (Budget(percent=2), 4), (Budget(percent=0.1), 1)]
)
def test_a_budget_is_a_number_of_hosts_or_a_part_of_the_fleet(budget: Budget | None, limit: int | None) -> None:
    assert limit_of(Rollout(budget=budget), 200) == limit


@pytest.mark.parametrize(
    ("rollout", "says"),
    [
        (Rollout(waves=(Wave("a"), Wave("a"))), "two waves called 'a'"),
        (Rollout(waves=(Wave("a b"),)), "holds '/', '@' or a space"),
        (Rollout(waves=(Wave("a", size=1, percent=2),)), "a size or a percentage, not both"),
        (Rollout(waves=(Wave("a", size=0),)), "at least one host"),
        (Rollout(waves=(Wave("a", percent=120),)), "between 0 and 100"),
        (Rollout(waves=(Wave("a", repeat=True),)), "nothing to repeat"),
        (Rollout(waves=(Wave("a", soak="soon"),)), "'soon' is no length of time"),
        (Rollout(budget=Budget()), "a number of hosts or a percentage"),
        (Rollout(budget=Budget(hosts=0)), "at least one host fail"),
        (Rollout(windows=(Window("22", "6:00", "UTC"),)), "'22' is no time of day"),
        (Rollout(windows=(Window("22:00", "22:00", "UTC"),)), "end at another time"),
        (Rollout(windows=(Window("22:00", "23:00", "Atlantis"),)), "'Atlantis' is no time zone"),
    ],
)
def test_what_cannot_be_meant_is_said(rollout: Rollout, says: str) -> None:
    assert any(says in message for _, message, _ in mistakes_of(rollout))


def test_the_plan_puts_gates_between_waves_and_each_installation_behind_its_own() -> None:
    estate, known, signatures = fleet(4)
    rollout = Rollout({}, (Wave("first", size=2, soak="2h"), Wave("rest", hold="never asked")), Budget(2))
    made = make_plan(replace(estate, rollout=rollout), known, signatures)
    assert isinstance(made, Plan) and made.fleet is not None
    [gate] = [one for one in made.steps if one.id.startswith("rollout/")]
    first, rest = made.fleet.waves

    assert (gate.id, gate.uses, gate.soak, gate.tolerant) == ("rollout/first", "barrier", 7200.0, True)
    assert (first.gate, rest.gate, made.fleet.limit) == (gate.id, None, 2)
    place = {one.id: number for number, one in enumerate(made.steps)}
    for one in made.steps:
        if one.installation in first.installations:
            assert place[one.id] < place[gate.id]
        if one.installation in rest.installations:
            assert place[one.id] > place[gate.id]
    assert plan_from_json(plan_to_json(made)) == made


def test_hosts_that_are_left_out_block() -> None:
    estate, known, signatures = fleet(4)
    made = make_plan(replace(estate, rollout=Rollout(waves=(Wave("one", size=1),))), known, signatures)
    assert not isinstance(made, Plan)
    assert [one.rule for one in made.findings if one.blocks] == ["handrail/rollout/left-out"]


def test_lengths_of_time_have_a_unit() -> None:
    assert [seconds(text) for text in ("90s", "30m", "1.5 h", "2d", "5", "h", "-3h")] == [
        *(90.0, 1800.0, 5400.0, 172800.0),
        *(None, None, None),
    ]
