"""The way to SP3 and back as its guide has it, unchanged, on a real Windows Installer: discovered, planned, approved,
run, verified and taken back as a user does it, over a real sshd. The machine is Wine; what in it is real and what the
lab's stand-in, `sp3-lab.yaml` says."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.lab.wine.packages import NEW, OLD, PRODUCTS, SERVICE, SYNC
from tests.support import sp3_lab, wine
from tests.support.command import Said, assert_clean, handrail, start
from tests.support.wine import WineMachine

from handrail.documents.estate import estate_to_json, read_estate
from handrail.documents.nodes import read_yaml
from handrail.guides.catalogue import load
from handrail.guides.facts import check_estate

pytestmark = pytest.mark.real

PATIENCE = 900.0
"""Seconds that one command line may take on a busy machine."""
HOPS = {product.id: f"identity/{product.id}@mim01/2016-sp3" for product in PRODUCTS}


@dataclass(frozen=True, slots=True)
class Administrator:
    """Somebody at a terminal, with a home folder and the lab's machine."""

    home: Path
    machine: WineMachine

    def handrail(self, *arguments: object) -> Said:
        said = handrail(*arguments, home=self.home, HANDRAIL_LAB_PASSWORD=sp3_lab.PASSWORD)
        assert_clean(said)
        return said

    def goes(self, *arguments: object, code: int = 0) -> Said:
        said = self.handrail(*arguments)
        assert said.code == code, said.out + said.err
        return said

    def killed(self, moment: tuple[str, str], *arguments: object) -> None:
        """The same in a process of its own, killed as soon as the journal says of a step what `moment` says."""
        process = start(*arguments, home=self.home, environment={"HANDRAIL_LAB_PASSWORD": sp3_lab.PASSWORD})
        end = time.monotonic() + PATIENCE
        before = self.journal().count(moment)
        while process.poll() is None and time.monotonic() < end:
            if self.journal().count(moment) > before:
                os.kill(process.pid, signal.SIGKILL)
                break
            time.sleep(0.1)
        out, err = process.communicate(timeout=PATIENCE)
        assert process.returncode == -signal.SIGKILL, (moment, out[-2000:], err[-2000:])

    def journal(self) -> list[tuple[str, str]]:
        """(step, kind), in order, of all runs."""
        store = next(iter(self.home.glob("*.db")), None)
        if store is None:
            return []
        with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as connection:
            try:
                rows = connection.execute("select step, kind from events where step is not null order by rowid")
                return [(str(step), str(kind)) for step, kind in rows]
            except sqlite3.OperationalError:  # it is just being made
                return []

    def status(self) -> Any:
        """Of the newest run."""
        return self.handrail("status", "--format", "json").json


@pytest.fixture
def administrator(tmp_path: Path) -> Iterator[Administrator]:
    with wine.machine(excused=["wbadmin"]) as machine:
        sp3_lab.prepare(machine)
        home = tmp_path / "home"
        home.mkdir()
        yield Administrator(home, machine)


def test_from_a_bare_host_to_sp3_and_back(administrator: Administrator, tmp_path: Path) -> None:
    """Both services, one after the other: source on a mapped drive, patch, start. A medium that is not the one is
    refused; whatever dies on the way, nothing is done twice; and the way back leads to where it began."""
    me, machine = administrator, administrator.machine
    before = sp3_lab.look(machine)
    for one in before.values():
        assert (one.listed, one.program, one.service) == (OLD, OLD, "RUNNING")
    plan = discovered_and_planned(me, tmp_path)

    run = with_the_wrong_medium_it_does_not_begin(me, plan)
    upgraded_although_it_is_killed(me, run)
    me.goes("verify", run)

    written = dict.fromkeys(before, "rows written under SP3\n")
    for product in PRODUCTS:
        database = sp3_lab.database(machine, product)
        database.write_text(database.read_text() + written[product.id])
    taken_back_although_it_is_killed(me, run, tmp_path / "back.plan")
    assert sp3_lab.look(machine) == before, "what was entered since is gone, as it was said"
    assert nobody_wrote_it_down(me, sp3_lab.PASSWORD)


def discovered_and_planned(me: Administrator, folder: Path) -> Path:
    """What stands there is found as the lab's own estate states it, and leads to the same steps."""
    lab, estate, plans = sp3_lab.estate(me.machine, folder / "lab.yaml"), folder / "estate.yaml", folder / "sp3.plan"
    by_hand(lab, estate)
    told = me.goes("discover", "mim01", "-o", estate, "--update", "--format", "json").json
    assert {"FIMService", "4.6.673.0", "windows-server-2019"} <= {str(each["value"]) for each in told["read"]}
    assert "host:mim01.system_state_backup_age_days" in {each["fact"] for each in told["not_read"]}

    catalogue = load()
    stated, read = (estate_to_json(check_estate(read_estate(one), catalogue)) for one in (lab, estate))
    host, lab_host = read["hosts"]["mim01"], stated["hosts"]["mim01"]
    assert host["os"] == lab_host["os"]
    assert {name: host["software"][name] for name in lab_host["software"]} == lab_host["software"]
    assert host["facts"]["mounted_media"] == []
    found, meant = (each["deployments"]["identity"]["installations"] for each in (read, stated))
    same = ("component", "host", "build", "account")
    assert [[one[name] for name in same] for one in found] == [[one[name] for name in same] for one in meant]
    named = [{one["name"]: one["host"] for one in each["databases"].values()} for each in (read, stated)]
    assert named[0] == named[1]

    chosen_by_hand(lab, estate)
    me.goes("plan", estate, "-o", plans)
    me.goes("plan", lab, "-o", folder / "lab.plan")
    assert steps_of(plans) == steps_of(folder / "lab.plan")
    return plans


def by_hand(lab: Path, target: Path) -> None:
    """What only people can say before: how hosts are reached, media, the aim, and names of their own."""
    document = read(lab)
    kept = {name: document[name] for name in ("handrail", "name", "accounts", "media", "aim")}
    hosts = {name: {"connect": host["connect"]} for name, host in document["hosts"].items()}
    empty = {"identity": {"product": "mim", "installations": []}}
    target.write_text(json.dumps({**kept, "hosts": hosts, "deployments": empty}, indent=2))


def chosen_by_hand(lab: Path, target: Path) -> None:
    """And afterwards: what is to be tried."""
    document, stated = read(target), read(lab)
    (found, meant) = (each["deployments"]["identity"]["installations"] for each in (document, stated))
    for one, other in zip(found, meant, strict=True):
        tried = {name: value for name, value in other["facts"].items() if name.startswith("test_")}
        one["facts"] = {**one.get("facts", {}), **tried}
    document["hosts"]["sql01"]["os"] = "windows-server-2019"
    target.write_text(json.dumps(document, indent=2))


def read(path: Path) -> Any:
    return read_yaml(path.read_text(), str(path))[0]


def steps_of(plan: Path) -> list[tuple[str, str]]:
    return [(one["id"], one["uses"]) for one in json.loads(plan.read_text())["steps"]]


def with_the_wrong_medium_it_does_not_begin(me: Administrator, plan: Path) -> str:
    """The run, which has refused and may go on now."""
    packages = {product.folder: wine.package(product.id, OLD) for product in PRODUCTS}
    me.machine.add_image(sp3_lab.SP2, "MIM_SP1_ENU", packages)
    me.goes("approve", plan)
    refused = me.goes("run", plan, code=1)
    assert f"{sp3_lab.SP2} is another medium: its label is MIM_SP1_ENU, not MIM_SP2_ENU" in refused.err
    assert {one.listed for one in sp3_lab.look(me.machine).values()} == {OLD}
    sp3_lab.bring_medium(me.machine)
    return str(me.status()["run"])


def upgraded_although_it_is_killed(me: Administrator, run: str) -> None:
    machine, before = me.machine, sp3_lab.look(me.machine)
    me.goes("resume", run, code=4)
    for product in PRODUCTS:
        me.goes("answer", run, f"{HOPS[product.id]}/ready", "yes")
        me.killed((f"{HOPS[product.id]}/patch", "begun"), "resume", run)
        me.goes("resume", run, code=4 if product is SYNC else 0)
        assert (sp3_lab.look(machine)["service"].listed == OLD) == (product is SYNC), "one after the other"

    after = sp3_lab.look(machine)
    for product in PRODUCTS:
        now = after[product.id]
        assert (now.listed, now.program, now.service) == (NEW, NEW, "RUNNING")
        assert now.config != before[product.id].config
        assert machine.path(rf"C:\Patch\{product.folder}\{product.patch}").exists()
    assert "4.1.5.0" in after["sync"].config
    assert "requireTls12" in after["service"].config
    assert sp3_lab.drives(machine) == ""
    jobs = sp3_lab.jobs(machine)
    once = [f"{product.id}/{step}" for product in PRODUCTS for step in ("prepare-map-drive", "patch", "unmap")]
    assert {name: jobs[name] for name in once} == dict.fromkeys(once, 1)
    assert {one["state"] for one in me.status()["steps"]} <= {"done", "skipped"}
    begun = [step for step, kind in me.journal() if kind == "begun" and step.endswith("/patch")]
    assert begun == [f"{hop}/patch" for hop in HOPS.values()], "each once, and in this order"


def taken_back_although_it_is_killed(me: Administrator, run: str, plan: Path) -> None:
    """The newest change first. Setup is a person's: it is run from the medium, as the plan says."""
    me.goes("rollback", run, "-o", plan)
    me.goes("run", plan, code=4)
    back = str(me.status()["run"])
    me.goes("answer", back, "estate/rollback/sure", "yes")
    me.killed((f"{HOPS['service']}/back-remove", "begun"), "resume", back)
    for product in (SERVICE, SYNC):
        me.goes("resume", back, code=4)
        assert sp3_lab.look(me.machine)[product.id].listed == "", "what SP3 left was uninstalled"
        sp3_lab.install_by_hand(me.machine, product)
        me.goes("answer", back, f"{HOPS[product.id]}/back-install", "done")
    me.goes("resume", back)
    assert {one["state"] for one in me.status()["steps"]} <= {"done", "skipped"}
    jobs = sp3_lab.jobs(me.machine)
    assert [jobs[f"{product.id}/back-remove"] for product in PRODUCTS] == [1, 1]


def nobody_wrote_it_down(me: Administrator, secret: str) -> bool:
    """Neither in the home folder nor on the machine stands the password."""
    said = secret.encode()
    folders = (me.home, me.machine.path(r"C:\ProgramData\Handrail"), me.machine.path(r"C:\lab"))
    files = [one for folder in folders for one in folder.rglob("*") if one.is_file()]
    return not [one for one in files if said in (data := one.read_bytes()) or secret.encode("utf-16-le") in data]
