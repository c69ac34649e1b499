"""The rule on encrypted data and the twin's keys come to the same: lost exactly where the rule says so, for every move.

The twin knows who may open which key set and nothing of the rule; the rule knows the documents and nothing of the twin.
"""

from __future__ import annotations

import copy
import itertools
from typing import Any

import pytest
from tests.support.shipped import shipped

from handrail.actions import signatures
from handrail.documents.estate import acceptance, estate_document
from handrail.documents.tree import load as load_tree
from handrail.documents.tree import tree_of
from handrail.guides.catalogue import SHIPPED
from handrail.guides.facts import check_estate
from handrail.model.estate import Estate
from handrail.model.plan import Plan
from handrail.planning.plan import make_plan
from handrail.rehearsing import judging
from handrail.rehearsing.pretending import Carried, carry_out
from handrail.rehearsing.truths import DatabaseTruth

ESTATE = load_tree(SHIPPED / "vmm" / "estates" / "fabric.yaml").data
CONTAINER = {"dn": "CN=VMMDKM,DC=contoso,DC=com", "reachable": True, "writable": True}
ACCOUNTS = {
    "local": {"name": "LocalSystem", "kind": "local-system"},
    "one": {"name": "CONTOSO\\one", "kind": "domain"},
    "two": {"name": "CONTOSO\\two", "kind": "domain"},
}
RULE = "vmm/encrypted-data-lost"

MOVES = [
    (moves, old, new, setup, dkm)
    for moves, old, new, setup, dkm in itertools.product(
        (False, True), ("local", "one"), ("local", "one", "two"), ("one", "two"), (False, True)
    )
    if not (old != "local" and new == "local")  # no setup does that
    and not (old == "local" and (new == "two" or setup == "two"))  # the same as with one
]


def estate_of(moves: bool, old: str, new: str, setup: str, dkm: bool) -> Estate:
    data: dict[str, Any] = copy.deepcopy(ESTATE)
    data["accounts"] = ACCOUNTS
    server = data["deployments"]["vmm"]["installations"][0]
    server["account"] = old
    server["facts"] = {"key_storage": "dkm" if dkm else "dpapi", "encrypted_settings": []}
    if dkm:
        server["facts"]["dkm_container"] = CONTAINER
    aim: dict[str, Any] = {"account": new, "setup_account": setup}
    if moves:
        data["hosts"]["vmm02"] = {"os": "windows-server-2016"}
        aim["host"] = "vmm02"
    data["aim"]["vmm"]["installations"] = {"server@vmm01": aim}
    return check_estate(estate_document(tree_of(data, "a move")), shipped())


def carried_out(estate: Estate) -> tuple[Plan, Carried]:
    plan = make_plan(estate, shipped(), signatures(), accept=[acceptance(RULE)])
    assert isinstance(plan, Plan), plan.findings
    twin = shipped().of("vmm").twin_path
    assert twin is not None
    return plan, carry_out(plan, {"vmm": twin})


@pytest.mark.slow
@pytest.mark.parametrize(("moves", "old", "new", "setup", "dkm"), MOVES)
def test_what_the_rule_calls_lost_is_lost_on_the_twin_and_nothing_else(
    moves: bool, old: str, new: str, setup: str, dkm: bool
) -> None:
    plan, carried = carried_out(estate_of(moves, old, new, setup, dkm))
    assert carried.status.state == "succeeded", [one for one in carried.status.steps if one.state == "failed"]

    lost = any(one.rule == RULE for one in plan.findings)
    expected = DatabaseTruth(
        database="vmm-db",
        content="kept",
        secrets="lost" if lost else "readable",
        keys="container" if dkm else "profile",
    )
    assert [message for _, message in judging.truth((expected,), plan, carried)] == []
    # What must be entered again is asked of people exactly then.
    assert lost == any(one.id.endswith("/credentials") for one in plan.steps)


def test_the_moves_have_losses_and_none_of_both_kinds_of_keys() -> None:
    """Otherwise the comparison above would show nothing."""
    assert {(moves, dkm) for moves, *_, dkm in MOVES} == set(itertools.product((False, True), repeat=2))
