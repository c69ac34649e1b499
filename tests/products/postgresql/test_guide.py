"""What PostgreSQL's guide makes of sample estates: findings, methods, ways back."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from tests.support.shipped import shipped

from handrail.actions import signatures
from handrail.assessing.assess import assess
from handrail.documents.estate import estate_document
from handrail.documents.tree import load as load_tree
from handrail.documents.tree import tree_of
from handrail.guides.catalogue import SHIPPED, Catalogue
from handrail.guides.facts import check_estate
from handrail.model.estate import Estate
from handrail.model.plan import Plan
from handrail.planning.plan import make_plan

SUBJECT = "shop/server@db01"


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return shipped()


def estate(catalogue: Catalogue, name: str = "shop", **changes: Any) -> Estate:
    """A sample estate; `changes` are facts of its server (None takes one away), `build`, `prefer` or `to`."""
    data = copy.deepcopy(load_tree(SHIPPED / "postgresql" / "estates" / f"{name}.yaml").data)
    server = data["deployments"]["shop"]["installations"][0]
    server["build"] = changes.pop("build", server["build"])
    for key in ("prefer", "to"):
        if key in changes:
            data["aim"]["shop"][key] = changes.pop(key)
    for key, value in changes.items():
        server["facts"].pop(key, None)
        if value is not None:
            server["facts"][key] = value
    return check_estate(estate_document(tree_of(data, "the estate")), catalogue)


def findings(catalogue: Catalogue, name: str = "shop", **changes: Any) -> set[str]:
    found = assess(estate(catalogue, name, **changes), catalogue).findings
    return {f"{one.level}{'?' if one.unknown else ''} {one.rule.removeprefix('postgresql/')}" for one in found}


def plan(catalogue: Catalogue, **changes: Any) -> Plan:
    made = make_plan(estate(catalogue, **changes), catalogue, signatures())
    assert isinstance(made, Plan), made
    return made


NOTES = {"note outage", "note way-back", "note old-cluster-kept"}


def test_a_well_stated_estate_is_clear(catalogue: Catalogue) -> None:
    assert findings(catalogue) == NOTES


def test_the_estate_as_it_was_found_shows_everything_at_once(catalogue: Catalogue) -> None:
    assert findings(catalogue, "shop-blocked") == NOTES | {
        "blocker missing-extension",
        "blocker free-space",
        "blocker replication-slots",
        "blocker? prepared-transactions",
    }


@pytest.mark.parametrize(
    ("fact", "value", "finding"),
    [
        ("prepared_transactions", 1, "blocker prepared-transactions"),
        ("prepared_transactions", None, "blocker? prepared-transactions"),
        ("replication_slots", None, "blocker? replication-slots"),
        ("target_extensions", ["plpgsql"], "blocker missing-extension"),
        ("target_extensions", None, "blocker? missing-extension"),
        ("extensions", None, "blocker? missing-extension"),
        ("free_bytes", None, "blocker? free-space"),
        ("tablespaces", ["fast"], "blocker tablespaces"),
        ("new_data_dir", "/var/lib/pgsql/15/data", "blocker own-place"),
        ("backup_dir", "/var/lib/pgsql/15/data/backup", "blocker own-place"),
        ("config_dir", "/etc/postgresql/15/main", "blocker configuration-elsewhere"),
        ("old_cluster", "burn", "blocker old-cluster"),
    ],
)
def test_each_rule_speaks(catalogue: Catalogue, fact: str, value: Any, finding: str) -> None:
    assert finding in findings(catalogue, **{fact: value})


def test_the_missing_extension_is_named(catalogue: Catalogue) -> None:
    found = assess(estate(catalogue, "shop-blocked"), catalogue).findings
    message = next(one.message for one in found if one.rule == "postgresql/missing-extension")

    assert "uses postgis," in message
    assert "pgcrypto" not in message


@pytest.mark.parametrize("build", ["13.0", "14.20", "15", "16.99"])
def test_every_minor_release_of_a_known_major_is_known(catalogue: Catalogue, build: str) -> None:
    hop = plan(catalogue, build=build).hops
    assert [(one.from_, one.to, one.build, one.method) for one in hop] == [(build, "17", "17.10", "copy")]


def test_an_unknown_major_is_not_guessed(catalogue: Catalogue) -> None:
    assert "blocker unknown-build" in findings(catalogue, build="9.6.24")


def test_a_newer_server_is_not_brought_back(catalogue: Catalogue) -> None:
    assert any(one.startswith("blocker") for one in findings(catalogue, build="18.1"))


def test_methods_are_compared_with_reasons(catalogue: Catalogue) -> None:
    hop = plan(catalogue).hops[0]

    assert hop.method == "copy"
    assert [one.method for one in hop.not_] == ["dump-and-restore", "clone", "link"]
    assert all(one.because for one in hop.not_)


@pytest.mark.parametrize("method", ["copy", "dump-and-restore", "clone"])
def test_methods_that_leave_the_old_cluster_alone_have_a_way_back_everywhere(catalogue: Catalogue, method: str) -> None:
    made = plan(catalogue, prefer=method)

    assert made.hops[0].method == method
    assert made.point_of_no_return is None
    assert all(step.way_back.kind != "none" for step in made.steps)
    assert not any(step.uses == "postgresql.remove" for step in made.steps)


def test_with_link_the_new_servers_first_start_is_the_point_of_no_return(catalogue: Catalogue) -> None:
    made = plan(catalogue, prefer="link")

    assert made.point_of_no_return == f"{SUBJECT}/17/start"
    start = next(step for step in made.steps if step.id == made.point_of_no_return)
    assert start.uses == "postgresql.start"
    assert start.way_back.kind == "restore"
    assert start.way_back.from_ == (f"{SUBJECT}/17/secure-prove",)
    assert "risk link-gives-up-the-old-cluster" in findings(catalogue, prefer="link")


def test_the_backup_is_proved_before_the_old_server_is_stopped_for_good(catalogue: Catalogue) -> None:
    for method in ("copy", "dump-and-restore", "clone", "link"):
        ids = [step.id.rpartition("/")[2] for step in plan(catalogue, prefer=method).steps]
        assert ids.index("secure-content") < ids.index("secure-backup") < ids.index("secure-prove") < ids.index("stop")


def test_deleting_the_old_cluster_has_a_hold_of_its_own(catalogue: Catalogue) -> None:
    steps = plan(catalogue, old_cluster="remove").steps
    remove = next(step for step in steps if step.uses == "postgresql.remove")
    hold = next(step for step in steps if step.id in remove.after)

    assert hold.kind == "hold"
    assert "/var/lib/pgsql/15/data" in hold.title
    assert remove.with_["data"] == "/var/lib/pgsql/15/data"
    assert remove.way_back.kind == "restore"
