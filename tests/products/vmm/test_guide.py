"""VMM's guide: it lints, and its rule on encrypted data says what the publisher's table and the document say."""

from __future__ import annotations

import copy
import itertools
from typing import Any

import pytest
from tests.support.shipped import shipped

from handrail.actions import signatures
from handrail.assessing.assess import assess
from handrail.documents.estate import estate_document
from handrail.documents.tree import load as load_tree
from handrail.documents.tree import tree_of
from handrail.guides.catalogue import SHIPPED, open_guide
from handrail.guides.facts import check_estate
from handrail.model.finding import Finding

ESTATE = load_tree(SHIPPED / "vmm" / "estates" / "fabric.yaml").data
CONTAINER = {"dn": "CN=VMMDKM,DC=contoso,DC=com", "reachable": True, "writable": True}
ACCOUNTS = {
    "local": {"name": "LocalSystem", "kind": "local-system"},
    "one": {"name": "CONTOSO\\one", "kind": "domain"},
    "two": {"name": "CONTOSO\\two", "kind": "domain"},
}
CASES = list(itertools.product((False, True), ("local", "one"), ("local", "one", "two"), ("one", "two", None), (0, 1)))


@pytest.mark.parametrize("product", ["vmm", "system-center"])
def test_the_guide_is_without_mistakes(product: str) -> None:
    open_guide(SHIPPED / product / "guide.yaml", lint=True, signatures=signatures())


def findings(moves: bool, old: str, new: str, setup: str | None, dkm: int) -> dict[str, Finding]:
    data: dict[str, Any] = copy.deepcopy(ESTATE)
    data["accounts"] = ACCOUNTS
    server = data["deployments"]["vmm"]["installations"][0]
    server["account"] = old
    server["facts"] = {"key_storage": "dkm" if dkm else "dpapi", "encrypted_settings": [], "dkm_container": CONTAINER}
    aim: dict[str, Any] = {"account": new}
    if setup is not None:
        aim["setup_account"] = setup
    if moves:
        data["hosts"]["vmm02"] = {"os": "windows-server-2016"}
        aim["host"] = "vmm02"
    data["aim"]["vmm"]["installations"] = {"server@vmm01": aim}
    estate = check_estate(estate_document(tree_of(data, "a case of the table")), shipped())
    found = assess(estate, shipped()).findings
    return {one.rule: one for one in found if one.level == "blocker"}


def table_loses(old: str, new: str, setup: str | None, dkm: int) -> bool | None:
    """The publisher's table for the same computer; None where it needs the setup account and that is not stated."""
    if old == "local":
        return new != "local" and not dkm
    return None if setup is None else setup != old


def document_loses(moves: bool, old: str, new: str, dkm: int) -> bool:
    return not dkm and (moves or old != new)


@pytest.mark.parametrize(("moves", "old", "new", "setup", "dkm"), CASES)
def test_encrypted_data_by_the_stricter_of_table_and_document(
    moves: bool, old: str, new: str, setup: str | None, dkm: int
) -> None:
    found = findings(moves, old, new, setup, dkm)
    if old != "local" and new == "local":
        assert "vmm/service-account-unsupported" in found
        return
    assert "vmm/service-account-unsupported" not in found
    lost = found.get("vmm/encrypted-data-lost")
    by_table = table_loses(old, new, setup, dkm)
    if document_loses(moves, old, new, dkm) or by_table is True:
        assert lost is not None and not lost.unknown
    elif by_table is None:
        assert lost is not None and lost.unknown
    else:
        assert lost is None
