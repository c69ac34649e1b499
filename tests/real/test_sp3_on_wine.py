"""The way to SP3 as its guide has it, unchanged, on a real Windows Installer: planned, approved and run as a user does
it, over a real sshd. The machine is Wine; what in it is real and what the lab's stand-in, `sp3-lab.yaml` says."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.lab.wine.packages import NEW, OLD, SYNC
from tests.support import sp3_lab, wine
from tests.support.command import Said, assert_clean, start
from tests.support.wine import WineMachine

pytestmark = pytest.mark.real

PATIENCE = 900.0
"""Seconds that one command line may take on a busy machine."""
SP2 = rf"{sp3_lab.MEDIA}\MIM2016SP2.iso"
HOP = "identity/sync@sync01/2016-sp3"


@dataclass(frozen=True, slots=True)
class Administrator:
    """Somebody at a terminal, with a home folder and the lab's machine."""

    home: Path
    machine: WineMachine

    def begin(self, *arguments: object) -> subprocess.Popen[bytes]:
        return start(*arguments, home=self.home, environment={"HANDRAIL_LAB_PASSWORD": sp3_lab.PASSWORD})

    def handrail(self, *arguments: object) -> Said:
        process = self.begin(*arguments)
        out, err = process.communicate(timeout=PATIENCE)
        said = Said(process.returncode, out.decode("utf-8", "replace"), err.decode("utf-8", "replace"))
        assert_clean(said)
        return said

    def killed(self, moment: tuple[str, str], *arguments: object) -> None:
        """The same, killed as soon as the journal says of a step what `moment` says."""
        process = self.begin(*arguments)
        end = time.monotonic() + PATIENCE
        while process.poll() is None and time.monotonic() < end:
            if moment in self.journal():
                os.kill(process.pid, signal.SIGKILL)
                break
            time.sleep(0.02)
        out, err = process.communicate(timeout=PATIENCE)
        assert process.returncode == -signal.SIGKILL, (moment, out[-2000:], err[-2000:])

    def journal(self) -> list[tuple[str, str]]:
        """(step below the hop, kind), in order."""
        store = next(iter(self.home.glob("*.db")), None)
        if store is None:
            return []
        with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as connection:
            try:
                rows = connection.execute("select step, kind from events where step is not null order by position")
                return [(str(step).removeprefix(HOP + "/"), str(kind)) for step, kind in rows]
            except sqlite3.OperationalError:  # it is just being made
                return []

    def status(self) -> Any:
        return self.handrail("status", "--format", "json").json


@pytest.fixture(scope="module")
def administrator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Administrator]:
    with wine.machine() as machine:
        sp3_lab.prepare(machine)
        yield Administrator(tmp_path_factory.mktemp("home"), machine)


def test_the_way_to_sp3_killed_again_and_again(administrator: Administrator, tmp_path: Path) -> None:
    """Source on a mapped drive, patch, start: whatever dies on the way, nothing is done twice. A medium that is not the
    one is refused."""
    me, machine = administrator, administrator.machine
    plan = tmp_path / "sp3.plan"
    before = sp3_lab.look(machine)
    assert (before.listed, before.program, before.service, before.drives) == (OLD, OLD, "RUNNING", "")
    machine.add_image(SP2, "MIM_SP1_ENU", {SYNC.folder: wine.package(SYNC.id, OLD)})

    assert me.handrail("plan", sp3_lab.estate(machine, tmp_path / "estate.yaml"), "-o", plan).code == 0
    assert me.handrail("approve", plan).code == 0
    me.killed(("prepare-map-drive", "begun"), "run", plan)
    run = me.status()["run"]

    refused = me.handrail("resume", run)
    assert refused.code == 1
    assert f"{SP2} is another medium: its label is MIM_SP1_ENU, not MIM_SP2_ENU" in refused.err
    assert sp3_lab.look(machine).listed == OLD

    sp3_lab.bring_medium(machine)
    assert me.handrail("resume", run).code == 4
    assert me.handrail("answer", run, f"{HOP}/ready", "yes").code == 0
    me.killed(("patch", "begun"), "resume", run)
    me.killed(("start", "done"), "resume", run)
    ended = me.handrail("resume", run)
    assert ended.code == 0, ended.err

    after = sp3_lab.look(machine)
    assert (after.listed, after.program, after.service, after.drives) == (NEW, NEW, "RUNNING", "")
    assert after.config != before.config
    assert "4.1.5.0" in after.config
    assert machine.path(rf"C:\Patch\{SYNC.folder}\{SYNC.patch}").exists()
    once = {"prepare-map-drive": 1, "patch": 1, "unmap": 1}
    assert {name: after.jobs[name] for name in once} == once
    assert {one["state"] for one in me.status()["steps"]} <= {"done", "skipped"}
    begun = [step for step, kind in me.journal() if kind == "begun"]
    assert begun.count("patch") == 1

    assert me.handrail("verify", run).code == 0
    assert _nobody_wrote_it_down(me, sp3_lab.PASSWORD)


def _nobody_wrote_it_down(me: Administrator, secret: str) -> bool:
    """Neither in the home folder nor on the machine stands the password."""
    said = secret.encode()
    folders = (me.home, me.machine.path(r"C:\ProgramData\Handrail"), me.machine.path(r"C:\lab"))
    files = [one for folder in folders for one in folder.rglob("*") if one.is_file()]
    return not [one for one in files if said in (data := one.read_bytes()) or secret.encode("utf-16-le") in data]
