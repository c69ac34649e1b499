"""`assess` says all that planning would: also what only shows when steps are made and ordered."""

from __future__ import annotations

from pathlib import Path

from tests.support.command import handrail

GUIDE = """
guide: till
title: Till
versioning: dotted
sources:
  manual: {title: The manual, publisher: Till Inc, seen: 2026-01}
releases:
  "1": {title: One, builds: ["1.0"], source: manual#releases}
  "2": {title: Two, builds: ["2.0"], source: manual#releases}
components:
  desk: {title: Desk}
edges:
  - {component: desk, from: "1.0", to: "2", method: manual, procedure: by-hand, source: manual#two}
works_with:
  - {a: desk, b: desk, must: a.release == b.release, says: Desks are of one release., source: manual#mixed}
procedures:
  by-hand:
    - {id: do, uses: person.do, with: {instructions: [Do it.]}, source: manual#two}
"""
ESTATE = """
handrail: estate/v1
name: shop
hosts: {a: {os: windows-server-2019}, b: {os: windows-server-2019}}
deployments:
  shop:
    product: till
    installations: [{component: desk, host: a, build: "1.0"}, {component: desk, host: b, build: "1.0"}]
aim: {shop: {to: "2"}}
"""


def test_a_state_in_between_that_is_not_supported_is_found_by_assess_as_by_plan(tmp_path: Path) -> None:
    guide = tmp_path / "till" / "guide.yaml"
    guide.parent.mkdir()
    guide.write_text(GUIDE)
    estate = tmp_path / "estate.yaml"
    estate.write_text(ESTATE)
    more = (estate, "--guides", guide.parent, "--format", "json")
    assessed, planned = (handrail(command, *more, home=tmp_path) for command in ("assess", "plan"))

    assert assessed.code == planned.code == 3
    assert assessed.json == planned.json
    assert {one["rule"] for one in assessed.json["findings"]} == {"handrail/state-in-between"}
