"""Discovered on a machine out of Wine, over a real sshd: what stands there is what the lab's own estate states.

The registry, Windows Installer and the service manager are Wine's; PowerShell, sc and sqlcmd are stand-ins of the lab.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.support import sp3_lab, wine
from tests.support.command import Said, handrail
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


@dataclass(frozen=True, slots=True)
class Discovered:
    """What `discover` said and wrote, and the plans from that and from the lab's own estate."""

    said: Said
    home: Path
    estate: Path
    lab: Path
    plan: Path


@pytest.fixture(scope="module")
def discovered(machine: WineMachine, tmp_path_factory: pytest.TempPathFactory) -> Discovered:
    home = tmp_path_factory.mktemp("home")
    lab = sp3_lab.estate(machine, home / "lab.yaml")
    estate, plan = home / "estate.yaml", home / "mine.plan"
    by_hand(lab, estate)
    said = handrail("discover", "-o", estate, "--update", "--format", "json", home=home)
    assert said.code == 0, said.err
    return Discovered(said, home, estate, lab, plan)


def test_what_stands_on_wine_is_found_as_the_labs_own_estate_states_it(discovered: Discovered) -> None:
    catalogue = load()
    stated = estate_to_json(check_estate(read_estate(discovered.lab), catalogue))
    read = estate_to_json(check_estate(read_estate(discovered.estate), catalogue))
    host, lab_host = read["hosts"]["sync01"], stated["hosts"]["sync01"]
    assert host["os"] == lab_host["os"]
    assert {name: host["software"][name] for name in lab_host["software"]} == lab_host["software"]
    assert host["facts"]["mounted_media"] == []
    (one,), (lab_one,) = (each["deployments"]["identity"]["installations"] for each in (read, stated))
    assert (one["component"], one["host"], one["build"]) == ("sync", "sync01", lab_one["build"])
    assert one["account"] == "svc-sync", "an account that people have named keeps its name"
    (database,) = read["databases"].values()
    assert (database["name"], database["host"]) == ("FIMSynchronizationService", "sql01")
    assert any(each["value"] == "4.6.673.0" and each["host"] == "sync01" for each in discovered.said.json["read"])
    assert "host:sync01.system_state_backup_age_days" in {each["fact"] for each in discovered.said.json["not_read"]}


def test_what_was_discovered_is_planned_as_the_labs_own_estate(discovered: Discovered) -> None:
    """And the lab's own plan is carried out, killed and verified by `test_sp3_on_wine.py`."""
    labs, me = discovered.home / "lab.plan", discovered
    document = read_yaml(me.estate.read_text(), "")[0]
    document["hosts"]["sql01"] = document["hosts"]["sync01"]  # the lab has one machine for both
    me.estate.write_text(json.dumps(document, indent=2))
    for estate, plan in ((me.estate, me.plan), (me.lab, labs)):
        planned = handrail("plan", estate, "-o", plan, home=me.home)
        assert planned.code == 0, planned.out + planned.err
    assert steps_of(me.plan) == steps_of(labs), "what was discovered leads to the same steps"


def steps_of(plan: Path) -> list[tuple[str, str]]:
    return [(one["id"], one["uses"]) for one in json.loads(plan.read_text())["steps"]]
