"""The same plan on a lab cluster that is put back from the backup of the real one: upgraded there, and taken back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.real.test_postgresql import LOOK, Story
from tests.support.postgres import Playground, account

pytestmark = pytest.mark.real


def test_a_plan_is_rehearsed_on_a_lab_cluster_restored_from_the_backup(
    ground: Playground, majors: Mapping[str, str], tmp_path: Path
) -> None:
    """The real cluster is not touched meanwhile; what the lab held before is there again afterwards."""
    backup = f"{ground.backups}/night"
    options = ("-h", ground.sockets, "-p", "54321", "-U", "postgres", "-w")
    ground.run(f"{majors['15']}/pg_basebackup", "-D", backup, "-F", "p", "-X", "stream", "-c", "fast", *options)
    ground.run("mv", f"{backup}/backup_manifest", f"{ground.backups}/manifest")
    story = Story(ground, majors, tmp_path)
    assert story("plan", story.estate, "-o", story.plan).code == 0
    before = ground.sql(majors["15"], LOOK, "app")
    # A lab is another machine. Here it is the same one, with the same port, so only one of the two runs at a time.
    ground.run(f"{majors['15']}/pg_ctl", "-D", ground.old, "-w", "stop")

    user = account()
    connect = "{via: local}" if user is None else f"{{via: local, user: {user}}}"
    lab = ground.folder / "lab"
    where = 'deployments.app.installations."server@db01".facts'
    text = f"""handrail: lab/v1
hosts:
  db01: {{connect: {connect}, same_machine: true}}
change:
  {where}.data_dir: {lab}/old
  {where}.new_data_dir: {lab}/new
  {where}.backup_dir: {lab}/backups
prepare:
  - {{restore: "app/server@db01#cluster", made: {{folder: {backup}}}}}
  - {{host: db01, uses: postgresql.start, with: {{bin: {majors["15"]}, data: {lab}/old}}}}
"""
    path = tmp_path / "lab.yaml"
    path.write_text(text)

    refused = story("rehearse", story.plan, "--on", path)
    assert refused.code == 1, "without its manifest the backup proves nothing"
    assert "the lab is not ready" in refused.out

    ground.run("mv", f"{ground.backups}/manifest", f"{backup}/backup_manifest")
    rehearsed = story("rehearse", story.plan, "--on", path, "--format", "json")

    assert rehearsed.code == 0, rehearsed.out + rehearsed.err
    found = rehearsed.json
    assert [(one["then"], one["result"]) for one in found["cases"]] == [("resume", "pass"), ("rollback", "pass")]
    assert len(found["lab"]["runs"]) == 3
    assert found["lab"]["took"]
    assert ground.sql(majors["15"], LOOK, "app") == before, "the lab's cluster runs, as it was"
    ground.run(f"{majors['15']}/pg_ctl", "-D", f"{lab}/old", "-w", "stop")
    ground.run(f"{majors['15']}/pg_ctl", "-D", ground.old, "-l", f"{ground.old}/server.log", "-w", "start")
    assert ground.sql(majors["15"], LOOK, "app") == before, "the real one is untouched"
    assert not Path(ground.new).exists()
