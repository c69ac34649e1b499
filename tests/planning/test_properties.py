"""What holds for every plan, whatever the estate."""

from __future__ import annotations

import random
from collections.abc import Mapping
from functools import cache
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.fleets import SIGNATURES, SMALL, catalogue, changed, estate_of

from handrail.documents.plan import digest_of
from handrail.guides.catalogue import Catalogue
from handrail.model.finding import Assessment
from handrail.model.plan import Plan
from handrail.planning.plan import make_plan


@cache
def known() -> Catalogue:
    return catalogue()


AGENTS = st.lists(st.sampled_from(["x", "y", "X"]), max_size=3)
BUILD = st.sampled_from(["1.0", "1.1", "1.5", "1.5", "2.0", "3.0.7"])
# What makes an estate worse, by path; most estates get none of it.
SPOILED = st.sampled_from(
    [
        ("hosts.{host}.os", "debian-9"),
        ("hosts.{host}.os", None),
        ("hosts.{host}.software", None),
        ("deployments.shop.installations.0.build", "7.7"),
        ("deployments.shop.installations.0.build", None),
        ("deployments.shop.installations.0.facts.size", "huge"),
        ("deployments.shop.installations.0.facts.size", None),
        ("media.patch", None),
        ("media.two", None),
        ("media.three.build", None),
        ("media.runtime-3", None),
    ]
)


@st.composite
def estates(draw: st.DrawFn, spoiled: bool = False) -> dict[str, Any]:
    """Plain data of an estate of the shop's: up to six installations on three hosts."""
    data = changed(SMALL, "hosts", {})
    places = st.tuples(st.sampled_from(["store", "desk"]), st.sampled_from("abc"))
    pairs = draw(st.lists(places, min_size=1, unique=True))
    installations = []
    for component, host in pairs:
        facts = {"size": draw(st.sampled_from(["small", "medium", "big"])), "agents": draw(AGENTS)}
        one: dict[str, Any] = {"component": component, "host": host, "build": draw(BUILD), "facts": facts}
        installations.append(one | ({"database": "goods"} if component == "store" else {}))
    used = {host for _, host in pairs} | {"a"}
    aim: dict[str, Any] = {"to": draw(st.sampled_from(["2", "3"]))}
    spare = sorted(set("abc") - used)
    moves = draw(st.booleans())
    if spare and moves:
        aim["installations"] = {"@".join(draw(st.sampled_from(pairs))): {"host": spare[0]}}
        used.add(spare[0])
    if draw(st.booleans()):
        aim["prefer"] = draw(st.sampled_from(["side-by-side", "in-place"]))
    for name in sorted(used):
        software = {"runtime": draw(st.sampled_from(["1", "2", "3"]))}
        data["hosts"][name] = {"os": draw(st.sampled_from(["debian-11", "debian-12"])), "software": software}
    data["deployments"]["shop"]["installations"] = installations
    data["aim"] = {"shop": aim}
    spoiling = draw(st.lists(SPOILED, min_size=1, max_size=2, unique=True)) if spoiled else []
    for path, value in spoiling:
        data = _spoiled(data, path.format(host=draw(st.sampled_from(sorted(data["hosts"])))), value)
    return data


def _spoiled(data: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    try:
        return changed(data, path, value)
    except KeyError:
        return data


def outcome(data: Mapping[str, Any]) -> Plan | Assessment:
    return make_plan(estate_of(data, known()), known(), SIGNATURES)


def shuffled(value: Any, chance: random.Random) -> Any:
    """The same data with the keys of every mapping in another order."""
    if isinstance(value, dict):
        items = list(value.items())
        chance.shuffle(items)
        return {key: shuffled(one, chance) for key, one in items}
    return [shuffled(one, chance) for one in value] if isinstance(value, list) else value


@settings(max_examples=30, deadline=None)
@given(estates())
def test_steps_stand_in_a_valid_order(data: dict[str, Any]) -> None:
    plan = outcome(data)
    if isinstance(plan, Plan):
        seen: set[str] = set()
        for step in plan.steps:
            assert set(step.after) <= seen
            assert {one.after for one in step.because} <= set(step.after)
            assert {one.step for one in step.when} <= seen
            seen.add(step.id)
        assert len(seen) == len(plan.steps)


@settings(max_examples=30, deadline=None)
@given(estates())
def test_hops_lead_from_where_it_is_to_the_aim(data: dict[str, Any]) -> None:
    plan = outcome(data)
    if isinstance(plan, Plan):
        for subject in {hop.installation for hop in plan.hops}:
            own = [hop for hop in plan.hops if hop.installation == subject]
            assert own[-1].to == data["aim"]["shop"]["to"]
            for one, other in pairwise(own):
                assert one.build == other.from_
        steps = {"/".join(step.id.split("/")[:3]) for step in plan.steps if step.uses != "barrier"}
        assert steps == {f"{hop.installation}/{hop.to}" for hop in plan.hops}


@settings(max_examples=30, deadline=None)
@given(estates())
def test_nothing_is_destroyed_without_a_proved_way_back(data: dict[str, Any]) -> None:
    plan = outcome(data)
    if isinstance(plan, Plan):
        steps = {step.id: step for step in plan.steps}
        for step in plan.steps:
            if step.changes or SIGNATURES[step.uses].destroys:
                assert step.way_back.kind == "restore"
                proofs = [steps[id] for id in step.way_back.from_]
                assert set(step.changes) <= {asset for proof in proofs for asset in proof.proves}
                assert all(proof.kind == "prove" and _before(steps, proof.id, step.id) for proof in proofs)


def _before(steps: Mapping[str, Any], first: str, then: str) -> bool:
    waiting, seen = [then], {then}
    while waiting:
        for id in steps[waiting.pop()].after:
            if id == first:
                return True
            if id not in seen:
                seen.add(id)
                waiting.append(id)
    return False


@settings(max_examples=30, deadline=None)
@given(estates() | estates(spoiled=True), st.randoms(use_true_random=False))
def test_the_digest_does_not_depend_on_the_order_of_keys(data: dict[str, Any], chance: random.Random) -> None:
    one, other = outcome(data), outcome(shuffled(data, chance))
    if isinstance(one, Plan):
        assert isinstance(other, Plan)
        assert [step.id for step in one.steps] == [step.id for step in other.steps]
        assert one.digest == other.digest == digest_of(other)
    else:
        assert one == other


def removals(data: Mapping[str, Any]) -> list[str]:
    """Paths of the facts and media that can be taken out of an estate."""
    found = [path for id in data["media"] for path in (f"media.{id}", f"media.{id}.build")]
    for name in data["hosts"]:
        found += [f"hosts.{name}.os", f"hosts.{name}.software", f"hosts.{name}.software.runtime"]
    for number in range(len(data["deployments"]["shop"]["installations"])):
        found += [f"deployments.shop.installations.{number}.{part}" for part in ("build", "facts.size", "database")]
    return found


@settings(max_examples=40, deadline=None)
@given(estates(spoiled=True), st.data())
def test_taking_out_a_fact_or_a_medium_never_clears_what_was_blocked(data: dict[str, Any], more: st.DataObject) -> None:
    if isinstance(outcome(data), Plan):
        return
    path = more.draw(st.sampled_from(removals(data)))
    try:
        poorer = changed(data, path)
    except KeyError:
        return
    assert isinstance(outcome(poorer), Assessment)
