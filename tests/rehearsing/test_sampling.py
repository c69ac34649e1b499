"""Of a fleet that is too large to be rehearsed on every host, two hosts of each kind and wave are."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from bench.estates import workstations
from tests.support.on_twin import plan_file

from handrail.model.plan import Plan
from handrail.rehearsing.faults import chosen
from handrail.rehearsing.matrix import prepare, rehearsal_of, try_all
from handrail.rehearsing.sampling import sample
from handrail.reporting.rehearsal import rehearsal_page
from handrail.reporting.text import render
from handrail.running.targets import declared


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    folder = tmp_path_factory.mktemp("fleet")
    (folder / "estate.yaml").write_text(workstations(40, canaries=4))
    return plan_file(folder / "estate.yaml", folder / "plan")


def test_two_hosts_of_each_wave_stand_for_the_others(fleet: Plan) -> None:
    found = sample(fleet, large=100)

    assert (found.hosts, found.of) == (6, 40)
    assert found.plan.fleet is not None
    assert [(wave.name, len(wave.installations)) for wave in found.plan.fleet.waves] == [
        ("canary", 4),
        ("early", 4),
        ("rest-1", 4),
    ]
    assert set(found.plan.estate.hosts) == {step.host for step in found.plan.steps if step.host}
    kept = {step.id: step for step in fleet.steps}
    for step in found.plan.steps:
        assert replace(step, after=(), because=()) == replace(kept[step.id], after=(), because=())
        assert set(step.after) <= {one.id for one in found.plan.steps}
    gate = next(step for step in found.plan.steps if step.host is None)
    assert Counter(name.partition("@")[2].partition("/")[0] for name in gate.after).keys() == {"pc00000", "pc00001"}


def test_a_host_with_facts_of_its_own_is_tried(fleet: Plan) -> None:
    hosts = dict(fleet.estate.hosts)
    hosts["pc00039"] = replace(hosts["pc00039"], facts={**hosts["pc00039"].facts, "mounted_media": ["D:"]})

    found = sample(replace(fleet, estate=replace(fleet.estate, hosts=hosts)), large=100)

    assert "pc00039" in found.plan.estate.hosts and found.hosts == 7


def test_a_host_that_others_wait_for_is_tried(fleet: Plan) -> None:
    """Nothing is known of those that come after it, if it is not there."""
    first = next(step for step in fleet.steps if step.host == "pc00030")
    steps = tuple(
        replace(step, after=(*step.after, first.id)) if step.host == "pc00031" else step for step in fleet.steps
    )

    found = sample(replace(fleet, steps=steps), large=100)

    assert {"pc00030", "pc00031"} <= set(found.plan.estate.hosts)


def test_a_plan_that_is_not_large_is_rehearsed_whole(fleet: Plan) -> None:
    assert sample(fleet).plan is fleet


def test_the_sample_comes_to_its_end_and_says_that_it_is_one(fleet: Plan) -> None:
    found = sample(fleet, large=100)
    matrix = prepare(found.plan, declared(found.plan), chosen("lost-done"))
    assert not matrix.unfaulted
    matrix.units = matrix.units[:2]
    cases = try_all(matrix, processes=1)
    rehearsal = replace(rehearsal_of(matrix, cases), sampled=(found.hosts, found.of))

    assert not rehearsal.exit_code
    assert "Tried on 6 of 40 hosts" in " ".join("\n".join(render(rehearsal_page(rehearsal, "it.plan"))).split())
