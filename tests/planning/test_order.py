from __future__ import annotations

from typing import Any

from tests.support.fleets import GUIDE, SIGNATURES, SMALL, catalogue, changed, estate_of

from handrail.model.finding import Assessment
from handrail.model.plan import Plan
from handrail.planning.plan import make_plan

HOST = {"os": "debian-12", "software": {"runtime": "3"}}


def outcome(*installed: str, guide: str = GUIDE, to: str = "2", more: tuple[tuple[str, Any], ...] = ()) -> Any:
    """A plan for installations written `store@h1=1.5`; the runtime of 3 is everywhere, that of 2 is not asked for."""
    known = catalogue(guide.replace("when: 'hop.release != \"1\"'", "when: 'hop.release == \"3\"'"))
    parts = [(text.partition("@")[0], *text.partition("@")[2].split("=")) for text in installed]
    data = changed(SMALL, "hosts", {host: HOST for _, host, _ in parts})
    stores = [host for component, host, _ in parts if component == "store"]
    data["databases"] = {
        f"db-{host}": {"engine": "postgresql", "version": "15.0", "host": host, "name": "goods"} for host in stores
    }
    data["deployments"]["shop"]["installations"] = [
        {"component": component, "host": host, "build": build, "facts": {"size": "small"}}
        | ({"database": f"db-{host}"} if component == "store" else {})
        for component, host, build in parts
    ]
    for path, value in more:
        data = changed(data, path, value)
    return make_plan(estate_of(data, known), known, SIGNATURES, to={"shop": to})


def planned(*installed: str, guide: str = GUIDE, to: str = "2") -> Plan:
    found = outcome(*installed, guide=guide, to=to)
    assert isinstance(found, Plan), [one.message for one in found.findings if one.blocks]
    return found


def hops_in_order(plan: Plan) -> list[str]:
    """The hops in the order of their first steps."""
    found = dict.fromkeys("/".join(step.id.split("/")[1:3]) for step in plan.steps if step.uses != "barrier")
    return list(found)


def test_what_an_order_rule_puts_first_comes_first_and_says_why() -> None:
    plan = planned("desk@a=1.5", "store@b=1.5")
    assert hops_in_order(plan) == ["store@b/2", "desk@a/2"]
    (because,) = next(step for step in plan.steps if step.id == "shop/desk@a/2/look").because
    assert because.after == "shop/store@b/2/answers"
    assert because.reason == "The desk asks the store."
    assert because.source.section == "order"


def test_an_order_rule_holds_for_its_releases_only() -> None:
    plan = planned("desk@a=2.0", "store@b=2.0", to="3", guide=GUIDE.replace('a.release != "3"', "true"))
    assert hops_in_order(plan) == ["desk@a/3", "store@b/3"]


def test_ties_break_by_id() -> None:
    assert hops_in_order(planned("store@c=1.5", "store@a=1.5", "store@b=1.5")) == [
        "store@a/2",
        "store@b/2",
        "store@c/2",
    ]


def test_one_by_one_lets_each_wait_for_the_one_before() -> None:
    plan = planned("desk@a=1.5", "desk@b=1.5", "desk@c=1.5")
    after = {step.id: step.after for step in plan.steps}
    assert after["shop/desk@b/2/look"] == ("shop/desk@a/2/answers",)
    assert after["shop/desk@c/2/look"] == ("shop/desk@b/2/answers",)


def test_between_many_and_many_stands_a_barrier() -> None:
    stores = [f"store@s{number}=1.5" for number in range(4)]
    desks = [f"desk@d{number}=1.5" for number in range(4)]
    plan = planned(*stores, *desks, guide=GUIDE.replace("one_by_one: desk", "one_by_one: store"))
    (barrier,) = [step for step in plan.steps if step.uses == "barrier"]
    assert barrier.host is None
    assert "shop/store@s3/2/answers" in barrier.after
    assert barrier.because[0].reason == "The desk asks the store."
    waiting = [step.id for step in plan.steps if barrier.id in step.after]
    assert len(waiting) == 4


def test_rules_that_contradict_each_other_name_the_circle_and_its_sources() -> None:
    guide = GUIDE.replace(
        "order:\n", "order:\n  - {first: desk, then: store, because: No reason., source: manual#wrong}\n"
    )
    found = outcome("desk@a=1.5", "store@b=1.5", guide=guide)
    assert isinstance(found, Assessment)
    (cycle,) = [one for one in found.findings if one.rule == "handrail/order-cycle"]
    assert "shop/store@b/2 before shop/desk@a/2" in cycle.message
    assert "No reason." in cycle.message
    assert "The manual, wrong" in cycle.message


def test_a_state_in_between_that_is_not_supported_adds_the_order_that_avoids_it() -> None:
    """Without the added order the desk would come first, by its id."""
    plan = planned("desk@a=2.0", "store@b=2.0", to="3")
    assert hops_in_order(plan) == ["store@b/3", "desk@a/3"]
    (because,) = next(step for step in plan.steps if step.id == "shop/desk@a/3/look").because
    assert because.reason == "A desk of 3 needs a store of 3."
    assert because.source.section == "mixed"


NEITHER_FIRST = GUIDE.replace(
    "works_with:\n",
    "works_with:\n"
    '  - {a: store, b: desk, must: \'a.release != "3" || b.release == "3"\', says: Nor the other way.,'
    " source: manual#other}\n",
)


def test_where_neither_may_come_first_one_is_down_until_the_other_has_come() -> None:
    """The desk is stopped, the store goes all the way, the desk goes on."""
    plan = planned("desk@a=2.0", "store@b=2.0", guide=NEITHER_FIRST, to="3")
    ids = [step.id.removeprefix("shop/") for step in plan.steps]
    assert ids.index("desk@a/3/stop") < ids.index("store@b/3/look")
    assert ids.index("store@b/3/answers") < ids.index("desk@a/3/save-copy")

    store = next(step for step in plan.steps if step.id == "shop/store@b/3/look")
    assert store.after == ("shop/desk@a/3/stop",)
    assert store.because[0].reason.endswith("So it goes down before the other comes.")
    assert store.because[0].source.section in ("mixed", "other")
    desk = next(step for step in plan.steps if step.id == "shop/desk@a/3/save-copy")
    assert set(desk.after) == {"shop/desk@a/3/stop", "shop/store@b/3/answers"}
    assert plan.downtime["shop/desk@a"] == (("shop/desk@a/3/stop", "shop/desk@a/3/start"),)


def test_an_order_rule_does_not_hold_back_what_only_takes_down() -> None:
    """The store comes before the desk, and still the desk is stopped first."""
    guide = NEITHER_FIRST.replace('source: manual#order, to: ["2"]}', "source: manual#order}")
    plan = planned("desk@a=2.0", "store@b=2.0", guide=guide, to="3")
    ids = [step.id.removeprefix("shop/") for step in plan.steps]
    assert ids.index("desk@a/3/stop") < ids.index("store@b/3/setup-data") < ids.index("desk@a/3/setup")


def test_several_of_one_kind_are_all_stopped_before_the_first_comes_up_again() -> None:
    guide = GUIDE.replace(
        '{a: desk, b: store, must: \'a.release != "3" || b.release == "3"\'',
        "{a: store, b: store, must: a.release == b.release",
    )
    plan = planned("store@a=2.0", "store@b=2.0", "store@c=2.0", guide=guide, to="3")
    ids = [step.id for step in plan.steps]
    stops, setups = ([ids.index(one) for one in ids if one.endswith(f"/3/{name}")] for name in ("stop", "setup-data"))
    assert len(stops) == len(setups) == 3 and max(stops) < min(setups)


def test_a_state_in_between_that_no_order_avoids_names_the_pair() -> None:
    """Without downtime nothing can be taken away meanwhile."""
    guide = NEITHER_FIRST.replace("downtime: begins, ", "").replace("downtime: ends, ", "")
    found = outcome("desk@a=2.0", "store@b=2.0", guide=guide, to="3")
    assert isinstance(found, Assessment)
    states = [one for one in found.findings if one.rule == "handrail/state-in-between"]
    assert [one.level for one in states] == ["blocker"]
    assert "shop/store@b at 3.0.7 beside shop/desk@a at 2.0: Nor the other way." in states[0].message


def test_downtime_from_one_hop_into_the_next_covers_the_state_in_between() -> None:
    """The store is down from its first hop to its last, so whatever stands beside it meanwhile is allowed."""
    forbids = (
        '  - {a: store, b: desk, must: \'a.release != "1" || a.build != "1.5"\', says: Not 1.5., source: manual#x}\n'
    )
    guide = GUIDE.replace("works_with:\n", "works_with:\n" + forbids)
    never = guide.replace("downtime: begins, ", "").replace("downtime: ends, ", "")
    assert isinstance(outcome("desk@a=1.5", "store@b=1.1", guide=never), Assessment)
    down = never.replace("fix,\n       errata: [e1]}", "fix,\n       downtime: begins, errata: [e1]}")
    assert isinstance(outcome("desk@a=1.5", "store@b=1.1", guide=down), Plan)


def test_what_stands_unsupported_already_is_a_risk() -> None:
    found = outcome("desk@a=3.0.7", "store@b=2.0", to="3")
    assert isinstance(found, Plan)
    assert [one.level for one in found.findings if one.rule == "handrail/state-in-between"] == ["risk"]


def test_an_unknown_release_in_a_state_in_between_blocks() -> None:
    guide = GUIDE.replace('a.release != "3" ||', 'a.build.below("3.0") ||')
    found = outcome("desk@a=2.0", "store@b=2.0", guide=guide, to="3", more=(("media.three.build", None),))
    assert isinstance(found, Assessment)
    assert any(one.rule == "handrail/state-in-between" and one.unknown for one in found.findings)


def test_order_may_reach_across_deployments() -> None:
    guide = GUIDE.replace(
        "order:\n",
        "order:\n"
        "  - {first: shop/store, then: shop/desk, across: true, because: Stores first., source: manual#across}\n",
    )
    known = catalogue(guide)
    installation = {"host": "a", "build": "1.5", "facts": {"size": "small"}}
    data = changed(
        SMALL,
        "deployments",
        {
            "east": {"product": "shop", "installations": [{"component": "desk", **installation}]},
            "west": {
                "product": "shop",
                "installations": [{"component": "store", **installation, "host": "b", "database": "goods"}],
            },
        },
    )
    data = changed(data, "aim", {"east": {"to": "2"}, "west": {"to": "2"}})
    plan = make_plan(estate_of(data, known), known, SIGNATURES)
    assert isinstance(plan, Plan)
    assert hops_in_order(plan) == ["store@b/2", "desk@a/2"]
