"""Ways back: rendered beside the steps that they take back, from the facts before the hop, with the media for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tests.support.fleets import GUIDE, SIGNATURES, catalogue, fleet, small

from handrail.model.finding import Finding
from handrail.model.plan import Plan, Step
from handrail.model.signature import Signature
from handrail.planning.plan import make_plan

STORE = "shop/store@a"
AGAIN = """
  again:
    media:
      former: {kind: exe, component: store, build: "{{hop.from_base}}"}
    steps:
      - {id: stop, uses: test.stop, with: {name: "{{component.service}}"}, source: manual#fix}
      - {id: remove, uses: test.setup, changes: [files], source: manual#fix, takes: 4m}
      - {id: data, uses: restore, with: {asset: data}, title: The data as they were, source: manual#fix}
      - {id: old, uses: test.install, if: 'installation.build.below("1.1")', with: {path: x}, source: manual#fix}
      - {id: install, uses: test.install, restores: [files], title: "{{hop.from}} again", takes: 10m,
         with: {path: "{{media.former.path}}", build: "{{hop.from}}", release: "{{hop.from_release}}",
                key: {late: save-copy.file}}, source: manual#fix}
      - {id: start, uses: test.start, with: {name: "{{component.service}}"}, source: manual#fix}
"""
FORMER = {"product": "shop", "component": "store", "build": "1.0", "kind": "exe", "path": "/m/former.exe"}
BACKED = GUIDE.replace("  patch:\n    - {id: stop", "  patch:\n    back: again\n    steps:\n    - {id: stop") + AGAIN
NOT_RESTORING = {**SIGNATURES, "test.copy": replace(SIGNATURES["test.copy"], restores=False)}


def planned(
    *changes: tuple[str, Any], guide: str = BACKED, signatures: Mapping[str, Signature] = SIGNATURES, to: str = "1.5"
) -> Plan:
    known = catalogue(guide)
    found = make_plan(small(*(changes or (("media.former", FORMER),)), known=known), known, signatures, to={"shop": to})
    assert isinstance(found, Plan), [str(one) for one in found.findings if one.blocks]
    return found


def back(plan: Plan) -> Mapping[str, Step]:
    return {step.id.removeprefix(f"{STORE}/1.5/"): step for step in plan.back}


def steps(plan: Plan) -> Mapping[str, Step]:
    return {step.id.removeprefix(f"{STORE}/1.5/"): step for step in plan.steps}


def risks(plan: Plan) -> list[Finding]:
    return [one for one in plan.findings if one.rule.startswith("handrail/way-back/")]


def test_the_way_back_that_a_guide_writes_stands_in_the_plan_beside_its_steps() -> None:
    plan = planned()
    assert list(back(plan)) == ["back-stop", "back-remove", "back-data", "back-install", "back-start"]
    assert not set(back(plan)) & set(steps(plan))
    assert back(plan)["back-start"].after == (f"{STORE}/1.5/back-install",)


def test_every_step_that_changes_something_names_what_takes_it_back_and_from_what() -> None:
    plan = planned()
    way = steps(plan)["apply"].way_back
    assert way.kind == "restore"
    assert way.from_ == (f"{STORE}/1.5/save-check", f"{STORE}/1.5/save-data-check")
    assert way.by == tuple(step.id for step in plan.back)
    assert [step.id for step in plan.steps if step.way_back.by] == [f"{STORE}/1.5/apply"]


def test_it_is_written_from_what_was_before_the_hop_and_picks_that_builds_medium() -> None:
    step = back(planned())["back-install"]
    assert step.with_ == {
        "path": "/m/former.exe",
        "build": "1.1",
        "release": "1",
        "key": {"late": f"{STORE}/1.5/save-copy.file"},
    }
    assert step.title == "1.1 again"


def test_an_asset_is_put_back_by_its_address_where_its_backup_was_made() -> None:
    step = back(planned(("databases.goods.host", "b"), ("media.former", FORMER)))["back-data"]
    assert (step.uses, step.with_, step.changes, step.host) == (
        "restore",
        {"asset": "database:goods"},
        ("database:goods",),
        "b",
    )


def test_a_medium_that_the_estate_lacks_is_a_risk_and_leaves_the_step_to_a_person() -> None:
    plan = planned(("name", "small"))
    (risk,) = risks(plan)
    assert (risk.rule, risk.level, risk.subject) == ("handrail/way-back/medium", "risk", STORE)
    assert "a medium of shop, component store, build 1.0, kind exe" in risk.message
    step = back(plan)["back-install"]
    assert (step.uses, step.kind) == ("person.do", "person")
    assert step.with_["instructions"][0].startswith("Bring a medium of shop, component store, build 1.0, kind exe")
    assert step.with_["values"]["build"] == "1.1"
    assert "until" not in step.with_
    assert steps(plan)["apply"].way_back.kind == "restore"


def test_the_word_of_whoever_installs_by_hand_is_checked_where_the_action_would_have_been() -> None:
    guide = BACKED.replace(
        '{path: "{{media.former.path}}", build', '{path: "{{media.former.path}}", product: Shop, build'
    )
    installing = {**SIGNATURES, "test.install": replace(SIGNATURES["test.install"], installs=True)}
    step = back(planned(("name", "small"), guide=guide, signatures=installing))["back-install"]
    assert step.uses == "person.do"
    assert step.with_["until"] == {"product": "Shop", "builds": ["1.1"]}


def test_a_medium_that_no_planned_step_reads_is_not_asked_for() -> None:
    guide = BACKED.replace("{id: install, uses", "{id: install, if: 'host.name == \"z\"', uses")
    guide = guide.replace(
        "{id: data, uses: restore",
        "{id: files, uses: restore, with: {asset: files}, source: manual#fix}\n      - {id: data, uses: restore",
    )
    assert not risks(planned(("name", "small"), guide=guide))


def test_what_is_not_known_for_the_way_back_is_a_risk_and_blocks_nothing() -> None:
    guide = BACKED.replace("path: x}", "path: '{{installation.room}}'}").replace('.below("1.1")', '.below("1.2")')
    guide = guide.replace("    size: {type", "    room: {type: text, says: where it stands}\n    size: {type")
    plan = planned(guide=guide)
    (risk,) = risks(plan)
    assert (risk.rule, risk.level) == ("handrail/way-back/unknown", "risk")
    assert "shop/store@a.room" in risk.message
    assert back(plan)["back-old"].uses == "person.do"


def test_a_way_back_that_does_not_bring_everything_back_is_none() -> None:
    guide = BACKED.replace("restores: [files], ", "")
    known = catalogue(guide)
    found = make_plan(small(("media.former", FORMER), known=known), known, SIGNATURES, to={"shop": "1.5"})
    assert not isinstance(found, Plan)
    (blocker,) = [one for one in found.findings if one.blocks]
    assert (blocker.rule, blocker.subject) == ("handrail/no-way-back", STORE)
    assert "the files" in blocker.message


def test_without_a_written_way_back_backups_that_can_put_their_assets_back_are_one() -> None:
    plan = planned(guide=GUIDE)
    found = back(plan)
    assert list(found) == ["back-restore-files", "back-restore-data"]
    assert [step.with_ for step in found.values()] == [{"asset": f"{STORE}#files"}, {"asset": "database:goods"}]
    assert steps(plan)["apply"].way_back.by == tuple(step.id for step in plan.back)


def test_without_either_there_is_no_way_back_and_that_blocks_by_name() -> None:
    known = catalogue()
    found = make_plan(small(known=known), known, NOT_RESTORING, to={"shop": "1.5"})
    assert not isinstance(found, Plan)
    (blocker,) = [one for one in found.findings if one.blocks]
    assert blocker.rule == "handrail/no-way-back"
    assert "the files, the data, and nothing in its way back brings that back" in blocker.message


def test_a_step_without_return_may_change_what_nothing_brings_back() -> None:
    plan = planned(
        guide=GUIDE.replace("changes: [files, data], leaves", "no_return: true, changes: [files, data], leaves"),
        signatures=NOT_RESTORING,
    )
    assert plan.point_of_no_return == f"{STORE}/1.5/apply"
    assert steps(plan)["apply"].way_back.kind == "none"


def test_in_a_fleet_every_way_back_leads_to_steps_of_its_own_installation_and_all_ids_differ() -> None:
    plan = make_plan(*fleet(60))
    assert isinstance(plan, Plan)
    known = {step.id: step for step in plan.back}
    assert len({step.id for step in (*plan.steps, *plan.back)}) == len(plan.steps) + len(plan.back)
    destructive = [step for step in plan.steps if step.changes]
    assert destructive
    for step in destructive:
        brought = {asset for id in step.way_back.by for asset in known[id].changes}
        assert brought >= set(step.changes)
        assert all(known[id].installation == step.installation for id in step.way_back.by)
    assert {id for step in destructive for id in step.way_back.by} == set(known)


def test_a_way_back_may_ask_what_a_step_that_it_takes_back_came_to() -> None:
    guide = BACKED.replace(
        '{id: stop, uses: test.stop, with: {name: "{{component.service}}"}, source: manual#fix}\n      - {id: remove',
        "{id: stop, uses: test.stop, with: {name: x}, source: manual#fix, when: {step: save-copy, ended: done}}\n"
        "      - {id: remove",
    )
    (when,) = back(planned(guide=guide))["back-stop"].when
    assert (when.step, when.ended) == (f"{STORE}/1.5/save-copy", ("done",))
