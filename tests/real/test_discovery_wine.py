"""Discovered on a machine out of Wine, over a real sshd: what stands there is what the lab's own estate states.

The registry, Windows Installer and the service manager are Wine's; PowerShell, sc and sqlcmd are stand-ins of the lab.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support import sp3_lab, wine
from tests.support.command import handrail
from tests.support.wine import WineMachine

from handrail.documents.estate import estate_to_json, read_estate
from handrail.documents.nodes import read_yaml
from handrail.guides.catalogue import load
from handrail.guides.facts import check_estate

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def machine() -> Iterator[WineMachine]:
    with wine.machine(excused=["wbadmin"]) as one:
        sp3_lab.prepare(one)
        yield one


def by_hand(lab: Path, target: Path) -> None:
    """What only people can say: how hosts are reached, media, the aim, and names of their own."""
    document: Any = read_yaml(lab.read_text(), str(lab))[0]
    host = document["hosts"]["sync01"]
    kept = {
        "handrail": document["handrail"],
        "name": document["name"],
        "hosts": {"sync01": {"connect": host["connect"]}},
        "accounts": document["accounts"],
        "media": document["media"],
        "deployments": {"identity": {"product": "mim", "installations": []}},
        "aim": document["aim"],
    }
    target.write_text(json.dumps(kept, indent=2))


def test_what_stands_on_wine_is_found_as_the_labs_own_estate_states_it(machine: WineMachine, tmp_path: Path) -> None:
    lab = sp3_lab.estate(machine, tmp_path / "lab.yaml")
    target = tmp_path / "estate.yaml"
    by_hand(lab, target)

    found = handrail("discover", "-o", target, "--update", "--format", "json", home=tmp_path)

    assert found.code == 0, found.err
    catalogue = load()
    stated = estate_to_json(check_estate(read_estate(lab), catalogue))
    read = estate_to_json(check_estate(read_estate(target), catalogue))
    host, lab_host = read["hosts"]["sync01"], stated["hosts"]["sync01"]
    assert host["os"] == lab_host["os"]
    assert {name: host["software"][name] for name in lab_host["software"]} == lab_host["software"]
    assert host["facts"]["mounted_media"] == []
    (one,), (lab_one,) = (each["deployments"]["identity"]["installations"] for each in (read, stated))
    assert (one["component"], one["host"], one["build"]) == ("sync", "sync01", lab_one["build"])
    assert one["account"] == "svc-sync", "an account that people have named keeps its name"
    (database,) = read["databases"].values()
    assert (database["name"], database["host"]) == ("FIMSynchronizationService", "sql01")
    assert any(each["value"] == "4.6.673.0" and each["host"] == "sync01" for each in found.json["read"])
    assert "host:sync01.system_state_backup_age_days" in {each["fact"] for each in found.json["not_read"]}

    mine, labs = tmp_path / "mine.plan", tmp_path / "lab.plan"
    for estate, plan in ((target, mine), (lab, labs)):
        planned = handrail("plan", estate, "-o", plan, home=tmp_path)
        assert planned.code == 0, planned.out + planned.err
    assert steps_of(mine) == steps_of(labs), "what was discovered leads to the same steps"


def steps_of(plan: Path) -> list[tuple[str, str]]:
    return [(one["id"], one["uses"]) for one in json.loads(plan.read_text())["steps"]]
