"""The plans of MIM's sample estates: their steps, their order, and that each has its way back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.support.shipped import shipped

from handrail.actions import build, signatures
from handrail.documents.estate import read_estate
from handrail.documents.tree import load as load_tree
from handrail.guides.catalogue import SHIPPED
from handrail.guides.facts import check_estate
from handrail.model.plan import Plan, Step
from handrail.planning.plan import make_plan

PLANS: dict[str, dict[str, Any]] = load_tree(Path(__file__).parent / "plans.yaml").data
CLEAR = ["contoso", "portal", "sp2-latest"]


def plan_of(name: str) -> Plan:
    catalogue = shipped()
    estate = check_estate(read_estate(SHIPPED / "mim" / "estates" / f"{name}.yaml"), catalogue)
    plan = make_plan(estate, catalogue, signatures())
    assert isinstance(plan, Plan)
    return plan


@pytest.fixture(scope="module")
def plans() -> dict[str, Plan]:
    return {name: plan_of(name) for name in CLEAR}


def predecessors(plan: Plan) -> dict[str, set[str]]:
    """For every step all that surely end before it."""
    found: dict[str, set[str]] = {}
    for step in plan.steps:
        found[step.id] = set(step.after).union(*(found[one] for one in step.after))
    return found


def grouped(plan: Plan) -> dict[str, list[dict[str, list[str]]]]:
    hops: dict[str, list[dict[str, list[str]]]] = {}
    for step in plan.steps:
        hop, _, name = step.id.rpartition("/")
        groups = hops.setdefault(hop, [])
        host = step.host or "nobody"
        if not groups or host not in groups[-1]:
            groups.append({host: []})
        groups[-1][host].append(name)
    return hops


def lates(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [str(value["late"])] if "late" in value else [one for each in value.values() for one in lates(each)]
    return [one for each in value for one in lates(each)] if isinstance(value, list | tuple) else []


@pytest.mark.parametrize("name", PLANS)
def test_the_steps_are_these_and_in_this_order(name: str, plans: dict[str, Plan]) -> None:
    found = grouped(plans[name])
    assert found == PLANS[name]["steps"]
    assert list(found) == list(PLANS[name]["steps"])


@pytest.mark.parametrize("name", PLANS)
def test_what_has_to_come_first_does(name: str, plans: dict[str, Plan]) -> None:
    before = predecessors(plans[name])
    for first, then in PLANS[name]["before"]:
        assert first in before[then], f"{first} before {then}"


@pytest.mark.parametrize("name", CLEAR)
def test_every_destructive_step_is_taken_back_by_a_proved_restore_point(name: str, plans: dict[str, Plan]) -> None:
    plan = plans[name]
    by_id, before = {one.id: one for one in plan.steps}, predecessors(plan)
    changing = [one for one in plan.steps if one.changes]
    assert changing
    for step in changing:
        assert step.way_back.kind == "restore"
        assert set(step.way_back.from_) <= before[step.id]
        assert set(step.changes) <= {asset for id in step.way_back.from_ for asset in by_id[id].proves}
    assert plan.point_of_no_return is None


@pytest.mark.parametrize("name", CLEAR)
def test_keys_database_and_programs_of_sync_go_back_together(name: str, plans: dict[str, Plan]) -> None:
    """X10: one restore point of all three, made in the same hop."""
    patch = next(one for one in plans[name].steps if one.id == "identity/sync@sync01/2016-sp3/patch")
    made_by = {id.rpartition("/")[2] for id in patch.way_back.from_}
    assert made_by == {"keys-prove", "back-up-prove-database", "back-up-prove-folder"}


@pytest.mark.parametrize("name", CLEAR)
def test_parameters_are_what_the_actions_take(name: str, plans: dict[str, Plan]) -> None:
    """Every step becomes an action once what is late is known; a late value is a text here."""
    for step in plans[name].steps:
        build(step.uses, settled(step))


def settled(step: Step) -> dict[str, Any]:
    def fill(value: Any) -> Any:
        if isinstance(value, Mapping):
            if "late" in value:
                return "E:" if str(value["late"]).endswith(".drive") else "MIM_SP2_ENU"
            return {key: fill(one) for key, one in value.items()}
        return [fill(one) for one in value] if isinstance(value, list | tuple) else value

    return {name: fill(value) for name, value in step.with_.items()}


@pytest.mark.parametrize("name", CLEAR)
def test_late_values_come_from_steps_before(name: str, plans: dict[str, Plan]) -> None:
    before = predecessors(plans[name])
    for step in plans[name].steps:
        for late in lates(step.with_):
            source = late.rpartition(".")[0]
            assert source in before[step.id] or step.id.startswith(f"{source}-"), f"{step.id} reads {late}"


@pytest.mark.parametrize("name", CLEAR)
def test_no_patch_of_sp3_without_seeing_that_the_old_medium_is_out(name: str, plans: dict[str, Plan]) -> None:
    """C11: before the first attempt, and before every further one."""
    for step in plans[name].steps:
        if step.uses != "installer.patch" or "/2016-sp3/" not in step.id:
            continue
        assert [one for one in step.after if one.endswith("/not-mounted")]
        for remedy in step.remedies:
            if remedy.retries:
                assert remedy.steps[-1].endswith("-not-mounted")


def test_file_names_and_builds_come_from_the_media(plans: dict[str, Plan]) -> None:
    patch = next(one for one in plans["contoso"].steps if one.id == "identity/service@svc01/2016-sp3/patch")
    assert patch.with_["patch"] == "MIMService_x64_KB5085154.msp"
    assert patch.with_["build"] == "4.7.12.0"
    assert patch.with_["properties"] == {"REINSTALL": "ALL", "REINSTALLMODE": "emus"}
    assert patch.with_["folder"] == {"late": "identity/service@svc01/2016-sp3/prepare-locate.path"}


def test_the_databases_of_the_estate_are_backed_up_whatever_they_are_called(plans: dict[str, Plan]) -> None:
    backed_up = {one.with_["database"] for one in plans["portal"].steps if one.uses == "sqlserver.backup"}
    assert backed_up == {"MIMSync", "MIMService"}


def test_nothing_but_what_is_planned_is_explained_and_errata_are_shown(plans: dict[str, Plan]) -> None:
    for plan in plans.values():
        shown = {one.id for one in plan.errata}
        assert {"hard-coded-values", "folder-name", "database-names"} <= shown
        assert "pcns-service-name" not in shown
        assert all("{{" not in step.title + step.says for step in plan.steps)


def test_mending_is_bounded(plans: dict[str, Plan]) -> None:
    """What the document mends is mended once; another installation is waited for; the rest is for a person."""
    for step in plans["contoso"].steps:
        tried = {one.error: (one.retries, one.wait) for one in step.remedies}
        assert tried.get("insert-disk", (1, 0.0)) == tried.get("source-not-found", (1, 0.0)) == (1, 0.0)
        assert tried.get("installer-busy", (5, 60.0)) == (5, 60.0)
        assert {tried.get(one, (0, 0.0))[0] for one in ("wrong-baseline", "package-damaged")} == {0}
