"""Platform hops: what people change of a host before a hop is seen by everything after it."""

from __future__ import annotations

from typing import Any

from tests.support.fleets import SIGNATURES, compiled, estate_of

from handrail.guides.catalogue import Catalogue
from handrail.model.finding import Assessment
from handrail.model.plan import Plan
from handrail.planning.plan import make_plan

GUIDE = """
guide: oven
title: Oven
versioning: dotted
sources: {manual: {title: The manual, publisher: Oven Inc, seen: 2026-01}}
releases:
  "1": {title: One, builds: ["1.0"], source: manual#r}
  "2": {title: Two, builds: ["2.0"], source: manual#r}
  "3": {title: Three, builds: ["3.0"], source: manual#r}
components: {plate: {title: Plate}, hood: {title: Hood}}
edges:
  - {component: [plate, hood], from: "1.0", to: "2", method: in-place, procedure: swap, source: manual#two,
     when: 'host.os == "windows-server-2012"', otherwise: Two runs on 2012}
  - {component: [plate, hood], from: "2.0", to: "3", method: in-place, procedure: swap, source: manual#three,
     when: 'host.os in ["windows-server-2012", "windows-server-2019"]', otherwise: Three cannot be made here}
requirements:
  - {rule: oven/os-for-two, ask: hop, scope: host, when: 'hop.release == "2"', must: 'host.os == "windows-server-2012"',
     says: "{{host.name}} runs {{host.os}}", remedy: Upgrade it., source: manual#two,
     mend: {procedure: os-2012, says: "People bring {{host.name}} to 2012"}}
  - {rule: oven/os-for-three, ask: hop, scope: host, when: 'hop.release == "3"',
     must: 'host.os == "windows-server-2019"', says: "{{host.name}} runs {{host.os}}", remedy: Upgrade it.,
     source: manual#three, mend: {procedure: os-2019, says: "People bring {{host.name}} to 2019"}}
  - {rule: oven/supported-os, scope: host, must: 'host.os == "windows-server-2019"', when: 'aim.release == "3"',
     says: "{{host.name}} runs {{host.os}}, not 2019", remedy: Upgrade it., source: manual#three}
procedures:
  os-2012:
    - {id: setup, uses: test.look, title: Upgrade Windows to 2012, source: manual#two,
       leaves: {host.os: windows-server-2012}}
  os-2019:
    - {id: setup, uses: test.look, title: Upgrade Windows to 2019, source: manual#three,
       leaves: {host.os: windows-server-2019}}
  swap:
    - {id: look, uses: test.look, source: manual#two}
"""


def made(os: str = "windows-server-2008", guide: str = GUIDE, hosts: tuple[str, str] = ("a", "b")) -> Plan | Assessment:
    known = Catalogue({"oven": compiled(guide)})
    parts = [
        {"component": "plate", "host": hosts[0], "build": "1.0"},
        {"component": "hood", "host": hosts[1], "build": "1.0"},
    ]
    data: dict[str, Any] = {
        "name": "kitchen",
        "hosts": {name: {"os": os} for name in hosts},
        "deployments": {"k": {"product": "oven", "installations": parts}},
        "aim": {"k": {"to": "3"}},
    }
    return make_plan(estate_of(data, known), known, SIGNATURES)


def order(plan: Plan, subject: str) -> list[str]:
    return [one.id.removeprefix(f"{subject}/") for one in plan.steps if one.installation == subject]


def test_a_road_leads_over_platform_steps_that_people_take() -> None:
    """Each edge needs an operating system that only the mend before it brings."""
    plan = made()

    assert isinstance(plan, Plan), plan
    assert order(plan, "k/plate@a") == ["2/os-2012-setup", "2/look", "3/os-2019-setup", "3/look"]
    assert {one.rule for one in plan.findings} == {"oven/os-for-two", "oven/os-for-three"}
    assert {one.level for one in plan.findings} == {"note"}, "the aim's own rule sees what the mends leave"


def test_two_installations_on_one_host_share_the_platform_step() -> None:
    plan = made(hosts=("a", "a"))

    assert isinstance(plan, Plan), plan
    setups = [one for one in plan.steps if one.title == "Upgrade Windows to 2012"]
    assert len(setups) == 1
    waiting = [one for one in plan.steps if setups[0].id in one.after]
    assert {one.installation for one in waiting} == {"k/plate@a", "k/hood@a"}


def test_without_the_platform_step_the_account_says_what_is_in_the_way() -> None:
    guide = GUIDE.replace('mend: {procedure: os-2012, says: "People bring {{host.name}} to 2012"}}', "level: blocker}")
    assessment = made(guide=guide)

    assert isinstance(assessment, Assessment)
    roads = [one for one in assessment.findings if one.rule == "handrail/no-road"]
    assert roads and "Two runs on 2012" in roads[0].message


def test_how_far_a_road_gets_is_told() -> None:
    guide = GUIDE.replace('"windows-server-2012", "windows-server-2019"]', '"windows-server-2022"]')
    assessment = made(guide=guide)

    assert isinstance(assessment, Assessment)
    roads = [one for one in assessment.findings if one.rule == "handrail/no-road"]
    assert "in-place from 2.0: Three cannot be made here" in roads[0].message
