from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from tests.support.fleets import GUIDE, SIGNATURES, catalogue, small

from handrail.documents.plan import digest_of
from handrail.errors import BadInput, UnknownName
from handrail.model.estate import Acceptance
from handrail.model.finding import Assessment, Finding
from handrail.model.plan import Plan, Step
from handrail.planning.plan import judge, make_plan

STORE, DESK = "shop/store@a", "shop/desk@b"


def outcome(
    *changes: tuple[str, Any], guide: str = GUIDE, to: str = "2", accept: tuple[Acceptance, ...] = ()
) -> Plan | Assessment:
    known = catalogue(guide)
    return make_plan(small(*changes, known=known), known, SIGNATURES, to={"shop": to}, accept=accept)


def planned(*changes: tuple[str, Any], guide: str = GUIDE, to: str = "2", accept: tuple[Acceptance, ...] = ()) -> Plan:
    found = outcome(*changes, guide=guide, to=to, accept=accept)
    assert isinstance(found, Plan), [str(one) for one in found.findings if one.blocks]
    return found


def blocked(*changes: tuple[str, Any], guide: str = GUIDE, to: str = "2") -> list[Finding]:
    found = outcome(*changes, guide=guide, to=to)
    assert isinstance(found, Assessment)
    return [one for one in found.findings if one.blocks]


def steps(plan: Plan) -> Mapping[str, Step]:
    return {step.id: step for step in plan.steps}


def ids(plan: Plan, within: str) -> list[str]:
    """The ids below a hop, in the order of the plan."""
    return [step.id.removeprefix(within) for step in plan.steps if step.id.startswith(within)]


def test_ids_say_installation_release_and_step() -> None:
    assert ids(planned(), f"{STORE}/1.5/") == [
        "stop",
        "save-copy",
        "save-check",
        "save-data",
        "save-data-check",
        "apply",
        "apply-no-disk-mend",
        "start",
    ]


def test_the_plan_carries_its_digest() -> None:
    plan = planned()
    assert plan.digest == digest_of(plan)


def test_the_plan_says_which_guides_it_was_made_from() -> None:
    (guide,) = planned().guides
    assert guide.name == "shop"
    assert guide.digest.startswith("sha256:")


def test_a_blocked_estate_yields_its_findings_and_no_plan() -> None:
    assert [one.rule for one in blocked(("hosts.a.os", "debian-9"))] == ["shop/os"]


def test_steps_of_a_procedure_follow_each_other() -> None:
    found = steps(planned())
    assert found[f"{STORE}/1.5/apply"].after == (f"{STORE}/1.5/save-data-check",)
    assert found[f"{STORE}/1.5/start"].after == (f"{STORE}/1.5/apply",)


def test_a_step_whose_condition_is_false_is_not_planned_and_bridged_over() -> None:
    found = steps(planned())
    assert f"{DESK}/2/save-data" not in found
    assert found[f"{DESK}/2/sure"].after == (f"{DESK}/2/save-check",)


def test_an_item_of_a_list_becomes_a_step_of_its_own() -> None:
    agents = ("deployments.shop.installations.1.facts", {"size": "small", "agents": ["HR", "My AD"]})
    found = ids(planned(agents), f"{DESK}/2/agent")
    assert found == ["-hr", "-my-ad"]
    assert steps(planned(agents))[f"{DESK}/2/agent-my-ad"].with_ == {"name": "My AD"}


def test_texts_are_filled_in_and_late_values_name_the_step_in_full() -> None:
    found = steps(planned())
    assert found[f"{STORE}/2/setup-data"].with_ == {"path": "/m/two.exe", "build": "2"}
    assert found[f"{STORE}/2/save-check"].with_ == {"file": {"late": f"{STORE}/2/save-copy.file"}}


def test_a_step_runs_on_the_installations_host_unless_it_names_another() -> None:
    moved = [("databases.goods.host", "b")]
    found = steps(planned(*moved))
    assert found[f"{STORE}/2/save-copy"].host == "a"
    assert found[f"{STORE}/2/save-data"].host == "b"
    assert found[f"{STORE}/2/sure"].host is None


def test_a_known_error_brings_its_remedy_into_the_plan() -> None:
    found = steps(planned())
    (remedy,) = found[f"{STORE}/1.5/apply"].remedies
    assert remedy.steps == (f"{STORE}/1.5/apply-no-disk-mend",)
    assert remedy.log == r"disk (?P<label>\S+)"
    mend = found[f"{STORE}/1.5/apply-no-disk-mend"]
    assert [(one.step, one.error) for one in mend.when] == [(f"{STORE}/1.5/apply", "no-disk")]
    assert mend.with_["label"] == {"late": f"{STORE}/1.5/apply.label"}


def test_a_destructive_step_goes_back_to_what_proved_all_that_it_changes() -> None:
    step = steps(planned())[f"{STORE}/1.5/apply"]
    assert step.way_back.kind == "restore"
    assert step.way_back.from_ == (f"{STORE}/1.5/save-check", f"{STORE}/1.5/save-data-check")
    assert step.changes == (f"{STORE}#files", "database:goods")


def test_what_can_be_undone_is_and_what_changes_nothing_needs_no_way_back() -> None:
    found = steps(planned())
    assert found[f"{STORE}/2/stop"].way_back.kind == "undo"
    assert found[f"{STORE}/2/look"].way_back.kind == "undo"
    assert found[f"{STORE}/1.5/apply-no-disk-mend"].way_back.kind == "none"


UNPROVED = GUIDE.replace("proves: [data]", "says: not proved")


def test_a_destructive_step_without_proved_way_back_blocks() -> None:
    found = blocked(guide=UNPROVED)
    assert {(one.rule, one.subject) for one in found} == {("handrail/no-way-back", STORE)}
    assert "the data" in found[0].message


def test_a_backup_that_is_made_only_sometimes_is_no_way_back() -> None:
    guide = GUIDE.replace("proves: [files]", "proves: [files], when: {step: copy, output: file, equals: x}")
    assert {one.rule for one in blocked(guide=guide)} == {"handrail/no-way-back"}


def test_a_destructive_step_that_does_not_say_what_it_changes_blocks() -> None:
    guide = GUIDE.replace("changes: [files, data], leaves", "leaves")
    assert {one.rule for one in blocked(guide=guide)} == {"handrail/no-way-back"}


def test_the_missing_way_back_may_be_accepted_by_name_and_is_then_the_point_of_no_return() -> None:
    plan = planned(guide=UNPROVED, accept=(Acceptance("handrail/no-way-back", STORE),))
    assert plan.point_of_no_return == f"{STORE}/1.5/apply"
    assert steps(plan)[f"{STORE}/1.5/apply"].way_back.kind == "none"
    assert any(one.accepted for one in plan.findings)


def test_with_all_ways_back_there_is_no_point_of_no_return() -> None:
    assert planned().point_of_no_return is None


def test_downtime_is_from_the_step_that_begins_it_to_the_one_that_ends_it() -> None:
    plan = planned()
    assert plan.downtime[DESK] == ((f"{DESK}/2/stop", f"{DESK}/2/start"),)
    assert len(plan.downtime[STORE]) == 2
    down = [step.id for step in plan.steps if step.installation == DESK and step.downtime]
    assert down[0] == f"{DESK}/2/stop"
    assert down[-1] == f"{DESK}/2/start"
    assert f"{DESK}/2/look" not in down


def test_downtime_that_nothing_ends_lasts_to_the_last_step() -> None:
    plan = planned(guide=GUIDE.replace(", downtime: ends", ""))
    assert plan.downtime[DESK] == ((f"{DESK}/2/stop", f"{DESK}/2/answers"),)


def test_a_hop_leaves_the_build_even_if_no_step_says_so() -> None:
    found = steps(planned())
    assert [(one.address, one.value) for one in found[f"{STORE}/1.5/apply"].leaves] == [(f"{STORE}.build", "1.5")]
    assert [(one.address, one.value) for one in found[f"{STORE}/2/answers"].leaves] == [(f"{STORE}.build", "2.0")]


def test_the_first_step_of_a_hop_rests_on_what_the_rules_read() -> None:
    found = steps(planned())
    rests = {one.address: one.value for one in found[f"{STORE}/2/look"].rests_on}
    assert rests["host:a.os"] == "debian-12"
    assert rests[f"{STORE}.size"] == "small"


def test_a_step_rests_on_the_facts_that_its_texts_read() -> None:
    found = steps(planned())
    assert {one.address for one in found[f"{STORE}/2/save-data"].rests_on} == {
        "database:goods.name",
        "database:goods.host",
    }


def test_errata_that_steps_apply_are_in_the_plan() -> None:
    plan = planned()
    assert [one.id for one in plan.errata] == ["e1"]
    assert steps(plan)[f"{STORE}/1.5/stop"].errata == ("e1",)
    later = ("deployments.shop.installations.0.build", "1.5")
    assert planned(later).errata == ()


def test_mends_come_before_the_hop_that_requires_them() -> None:
    plan = planned(("hosts.a.software", {"runtime": "1"}))
    mend = f"{STORE}/2/runtime-install"
    found = steps(plan)
    assert found[mend].with_ == {"path": "/m/runtime.msi"}
    assert mend in found[f"{STORE}/2/look"].after
    assert f"{STORE}/1.5/start" in found[mend].after


def test_two_installations_on_one_host_share_a_mend() -> None:
    plan = planned(
        ("deployments.shop.installations.1.host", "a"), ("hosts.b", None), ("hosts.a.software", {"runtime": "1"})
    )
    mends = [step.id for step in plan.steps if "runtime" in step.id]
    assert mends == ["shop/desk@a/2/runtime-install"]
    found = steps(plan)
    assert mends[0] in found[f"{STORE}/2/look"].after
    assert mends[0] in found["shop/desk@a/2/look"].after


def test_what_a_step_needs_and_nobody_states_blocks() -> None:
    guide = GUIDE.replace('build: "{{hop.to}}"', 'build: "{{hop.build}}"')
    found = blocked(("media.three.build", None), guide=guide, to="3")
    assert {(one.rule, one.unknown) for one in found} == {("handrail/unknown-fact", True)}
    assert "hop.build" in found[0].message


def test_an_aim_at_another_host_moves_the_steps_there() -> None:
    plan = planned(
        ("hosts.new", {"os": "debian-12", "software": {"runtime": "2"}}),
        ("aim.shop", {"to": "2", "installations": {"desk@b": {"host": "new"}}}),
    )
    assert steps(plan)[f"{DESK}/2/look"].host == "new"


def test_an_action_that_nobody_knows_is_a_mistake() -> None:
    with pytest.raises(UnknownName, match=r"test\.stpo"):
        outcome(guide=GUIDE.replace("uses: test.stop", "uses: test.stpo"))


def test_a_late_value_of_a_step_that_is_not_planned_is_a_mistake_of_the_guide() -> None:
    with pytest.raises(BadInput, match=r"nowhere\.file"):
        outcome(guide=GUIDE.replace("late: copy.file", "late: nowhere.file"))


def test_a_condition_on_a_step_that_is_not_planned_takes_the_step_out() -> None:
    guide = GUIDE.replace(
        "{id: answers, uses: test.look,", "{id: answers, when: {step: setup-data, ended: [done]}, uses: test.look,"
    )
    found = steps(planned(guide=guide))
    assert f"{STORE}/2/answers" in found
    assert f"{DESK}/2/answers" not in found


def test_a_procedure_that_includes_itself_is_a_mistake() -> None:
    guide = GUIDE.replace("  save:\n", "  save:\n    - {id: again, uses: procedure/save}\n")
    with pytest.raises(BadInput, match="save includes save"):
        outcome(guide=guide)


def test_judging_finds_what_only_shows_when_steps_are_made() -> None:
    known = catalogue(UNPROVED)
    found = judge(small(known=known), known, SIGNATURES)
    assert {one.rule for one in found.findings if one.blocks} == {"handrail/no-way-back"}


def test_nothing_to_do_is_a_plan_without_steps() -> None:
    plan = planned(*((f"deployments.shop.installations.{number}.build", "2.0") for number in (0, 1)))
    assert (plan.hops, plan.steps) == ((), ())


def test_equal_steps_share_what_they_are_given() -> None:
    """Cohorts: ten thousand equal installations must not cost ten thousand copies."""
    installations = [
        {"component": "desk", "host": host, "build": "1.5", "facts": {"size": "small"}} for host in ("a", "b")
    ]
    plan = planned(("deployments.shop.installations", installations), ("databases", None))
    found = steps(plan)
    assert found["shop/desk@a/2/stop"].with_ is found["shop/desk@b/2/stop"].with_


def test_a_step_without_conditions_rests_on_nothing_that_only_names_it() -> None:
    addresses = {one.address for step in planned().steps for one in step.rests_on}
    assert not {one for one in addresses if one.endswith((".id", ".name")) and not one.startswith("database:")}


def test_what_the_system_of_a_host_cannot_do_is_not_planned_for_it() -> None:
    """Not found at night: the finding names the step, the action and the host. Of a host whose system nobody has stated
    nothing is said."""
    windows = {**SIGNATURES, "test.stop": replace(SIGNATURES["test.stop"], platforms=("windows",))}
    known = catalogue()

    found = make_plan(small(known=known), known, windows, to={"shop": "2"})
    unsaid = make_plan(small(("hosts.b.os", None), known=known), known, windows, to={"shop": "2"})

    assert isinstance(found, Assessment) and isinstance(unsaid, Assessment)
    said = {one.subject: one for one in found.findings if one.rule == "handrail/other-system"}
    assert set(said) == {STORE, DESK} and all(one.blocks for one in said.values())
    assert "uses test.stop, which is for Windows only; a runs debian-12" in said[STORE].message
    assert DESK not in {one.subject for one in unsaid.findings if one.rule == "handrail/other-system"}
