"""From a host to an upgrade: discovered, planned with a small aim by hand, carried out, verified; and hosts that are
not there."""

from __future__ import annotations

import os
import pwd
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from tests.support import postgres
from tests.support.command import Said, handrail
from tests.support.postgres import Playground
from tests.support.sshd import Sshd, sshd

from handrail.documents.estate import read_estate
from handrail.guides.catalogue import load
from handrail.guides.facts import check_estate
from handrail.model.estate import Estate, Installation

pytestmark = pytest.mark.real


def connect() -> str:
    user = postgres.account()
    return "{via: local}" if user is None else f"{{via: local, user: {user}}}"


def listed(folder: Path, more: str = "") -> Path:
    path = folder / "hosts.yaml"
    path.write_text(f"name: shop\nhosts:\n  db01: {{connect: {connect()}}}\n{more}")
    return path


def estate_at(path: Path) -> Estate:
    return check_estate(read_estate(path), load())


def of_ground(estate: Estate, ground: Playground) -> Installation:
    """The cluster of this test: other servers may run on this machine."""
    all_ = [one for each in estate.deployments.values() for one in each.installations]
    (mine,) = (one for one in all_ if one.facts["data_dir"] == ground.old)
    return mine


def say_what_only_people_can(path: Path, ground: Playground, deployment: str, new_bin: str) -> None:
    build = postgres.build_of(new_bin)
    text = path.read_text()
    line = next(line for line in text.splitlines() if f"data_dir: {ground.old} " in line)
    indent = line[: len(line) - len(line.lstrip())]
    chosen = f"{line}\n{indent}new_data_dir: {ground.new}\n{indent}backup_dir: {ground.backups}"
    path.write_text(
        text.replace(line, chosen)
        + f"""
media:
  new:
    {{product: postgresql, component: server, release: "17", build: "{build}", kind: folder,
     path: {Path(new_bin).parent}}}
aim:
  {deployment}: {{to: "17"}}
"""
    )


@pytest.fixture
def line(ground: Playground) -> Iterator[Sshd]:
    """An sshd through which the account that runs the servers can come in. It has to be able to read its keys."""
    # A packaged account has no password; without PAM sshd takes it for locked.
    with sshd(ground.folder / "ssh", **({"UsePAM": "yes"} if postgres.account() else {})) as made:
        user = postgres.account()
        if user is not None:
            entry = pwd.getpwnam(user)
            os.chown(made.folder, entry.pw_uid, entry.pw_gid)
        yield made


def over(line: Sshd, folder: Path) -> Path:
    user = postgres.account() or line.user
    path = folder / "hosts.yaml"
    connect = f"via: ssh, address: {line.address}, port: {line.port}, user: {user}, agent: false, "
    connect += f"key: {line.key}, known_hosts: {line.known_hosts}"
    path.write_text(f"name: shop\nhosts:\n  db01: {{connect: {{{connect}}}}}\n")
    return path


def test_a_server_discovered_over_ssh_is_planned_upgraded_and_verified(
    ground: Playground, line: Sshd, majors: Mapping[str, str], tmp_path: Path
) -> None:
    def command(*arguments: object) -> Said:
        return handrail(*arguments, home=tmp_path / "home")

    path, plan = tmp_path / "estate.yaml", tmp_path / "upgrade.plan"
    found = command("discover", over(line, tmp_path), "-o", path)
    assert found.code == 0, found.err
    mine = of_ground(estate_at(path), ground)
    assert mine.build == postgres.build_of(majors["15"])
    assert mine.facts["databases"] == ["app", "odd 'name"]
    assert mine.facts["extensions"] == ["pgcrypto", "plpgsql"]
    assert (mine.facts["port"], mine.facts["socket_dir"], mine.facts["checksums"]) == (54321, ground.sockets, True)
    assert "target_extensions" not in mine.facts, "nobody has said yet out of which medium it comes"

    say_what_only_people_can(path, ground, mine.deployment, majors["17"])
    again = command("discover", "-o", path, "--update")
    assert again.code == 0, again.err
    mine = of_ground(estate_at(path), ground)
    assert "pgcrypto" in mine.facts["target_extensions"]
    assert mine.facts["free_bytes"] > mine.facts["size_bytes"]
    assert mine.facts["new_data_dir"] == ground.new, "what people wrote stays"

    planned = command("plan", path, "-o", plan)
    assert planned.code == 0, planned.out + planned.err
    assert command("approve", plan).code == 0
    done = command("run", plan)
    assert done.code == 0, done.out + done.err
    assert ground.sql(majors["17"], "show server_version").startswith("17.")
    run = command("status", "--format", "json").json["run"]
    assert command("verify", run).code == 0


def test_a_host_that_cannot_be_reached_is_left_out_and_the_others_are_read(ground: Playground, tmp_path: Path) -> None:
    hosts = listed(tmp_path, "  db02: {connect: {via: local, user: nobody-of-this-name}}\n")

    found = handrail("discover", hosts, "-o", tmp_path / "estate.yaml", home=tmp_path)

    assert found.code == 1
    assert "db02 was left out" in found.err
    assert "nobody-of-this-name" in found.err
    assert of_ground(estate_at(tmp_path / "estate.yaml"), ground).host == "db01"
    assert re.search(r"^# LEFT OUT, not reached: db02", (tmp_path / "estate.yaml").read_text(), re.MULTILINE)


def test_a_server_that_is_stopped_tells_nothing_and_every_fact_is_named(
    ground: Playground, majors: Mapping[str, str], tmp_path: Path
) -> None:
    ground.run("chmod", "000", f"{ground.sockets}")  # it runs, and cannot be asked

    found = handrail("discover", listed(tmp_path), "-o", tmp_path / "estate.yaml", home=tmp_path)
    ground.run("chmod", "700", f"{ground.sockets}")

    assert found.code == 0, found.err
    mine = of_ground(estate_at(tmp_path / "estate.yaml"), ground)
    assert mine.build is None
    assert "extensions" not in mine.facts
    assert f"{mine.subject}.extensions" in found.out
    assert "settle it with" in found.out
