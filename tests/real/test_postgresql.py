"""PostgreSQL 15 to 17 on real servers: estate, plan, run, verify; and what must not get through."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.support import postgres
from tests.support.command import Said, handrail
from tests.support.postgres import KEY, Playground

pytestmark = pytest.mark.real

METHODS = ("copy", "dump-and-restore", "link", "clone")

# An own look at the data, which shares nothing with the digests of the program.
LOOK = """
set timezone = 'UTC';
select md5(string_agg(customer::text, '|' order by id)) from customer;
select md5(string_agg(card::text, '|' order by id)) from card;
select md5(string_agg(event::text, '|' order by at)) from event;
select string_agg(t::text, '|' order by t) from "Odd Name"."it ""is"" odd" as t;
select last_value, is_called from ticket;
select convert_from(lo_get(oid), 'UTF8') from pg_largeobject_metadata;
select balance_of(7);
select current_setting('work_mem');
"""


class Story:
    """An estate in a playground, and the commands with a home of its own."""

    def __init__(self, ground: Playground, majors: Mapping[str, str], tmp_path: Path, to: str = "17", **more: Any):
        self.home = tmp_path / "home"
        self.estate = tmp_path / "estate.yaml"
        self.plan = tmp_path / "plan.json"
        self.estate.write_text(postgres.estate(ground, majors["15"], majors[to], **more))

    def __call__(self, *arguments: object) -> Said:
        return handrail(*arguments, home=self.home)

    def run(self) -> Said:
        """Planned and begun; it may wait for people."""
        planned = self("plan", self.estate, "-o", self.plan)
        assert planned.code == 0, planned.err + planned.out
        return self("run", self.plan)

    def say_yes(self) -> Said:
        """To the one hold that the run waits with; and on."""
        status = self("status", "--format", "json").json
        (hold,) = (one["id"] for one in status["steps"] if one["state"] == "waiting")
        answered = self("answer", status["run"], hold, "yes")
        assert answered.code == 0, answered.err
        return self("resume", status["run"])

    def verify(self) -> Said:
        return self("verify", self("status", "--format", "json").json["run"])

    def steps(self) -> dict[str, str]:
        status = self("status", "--format", "json").json
        return {step["id"].rpartition("/")[2]: step["state"] for step in status["steps"]}

    def hop(self) -> Any:
        return json.loads(self.plan.read_text())["hops"][0]


@dataclass(frozen=True)
class Upgraded:
    """A run that went through, and what the old cluster showed before."""

    story: Story
    ground: Playground
    method: str
    bin: str
    looked: str
    rules: str
    done: Said


def upgrade(ground: Playground, majors: Mapping[str, str], folder: Path, method: str) -> Upgraded:
    looked = ground.sql(majors["15"], LOOK, "app")
    rules = (Path(ground.old) / "pg_hba.conf").read_text()
    story = Story(ground, majors, folder, prefer=None if method == "copy" else method)
    done = story.run()
    if method == "link":
        assert done.code == 4, "with link there is a point of no return, and somebody is asked before it"
        done = story.say_yes()
    return Upgraded(story, ground, method, majors["17"], looked, rules, done)


@pytest.fixture(scope="module")
def copied(majors: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upgraded]:
    """Several tests look at one upgrade: it takes some seconds."""
    with postgres.playground() as ground:
        ground.make(majors["15"])
        yield upgrade(ground, majors, tmp_path_factory.mktemp("copied"), "copy")


@pytest.fixture
def story(ground: Playground, majors: Mapping[str, str], tmp_path: Path) -> Story:
    return Story(ground, majors, tmp_path)


def came_through(one: Upgraded) -> None:
    ground, story = one.ground, one.story
    assert one.done.code == 0, one.done.out + one.done.err
    assert story.hop()["method"] == one.method
    assert {other["method"] for other in story.hop()["not"]} == {*METHODS} - {one.method}
    assert set(story.steps().values()) == {"done"}
    assert ground.sql(one.bin, "show server_version").startswith("17.")
    assert ground.sql(one.bin, LOOK, "app") == one.looked
    decrypted = f"select count(*) from card where pgp_sym_decrypt(number, $k${KEY}$k$) = 'card ' || id"
    assert ground.sql(one.bin, decrypted, "app") == "50\n"
    assert ground.sql(one.bin, "select count(*) from pg_hba_file_rules where error is not null") == "0\n"
    assert ground.sql(one.bin, "show max_connections") == "40\n"
    assert "scram-sha-256" in (Path(ground.new) / "pg_hba.conf").read_text()
    assert (Path(ground.old) / "pg_hba.conf").read_text() == one.rules
    assert (Path(ground.old) / "PG_VERSION").read_text() == "15\n"
    verified = story.verify()
    assert verified.code == 0, verified.out


def test_everything_comes_through_pg_upgrade(copied: Upgraded) -> None:
    came_through(copied)


@pytest.mark.parametrize("method", ["dump-and-restore", "link"])
def test_everything_comes_through_the_other_methods_that_the_aim_prefers(
    ground: Playground, majors: Mapping[str, str], tmp_path: Path, method: str
) -> None:
    came_through(upgrade(ground, majors, tmp_path, method))


def test_the_journal_shows_the_digests_and_what_became_of_customisations(copied: Upgraded) -> None:
    digests, customisations = [], []
    for event in _events(copied.story):
        outputs = event["data"].get("outputs", {})
        if "digest" in outputs and event["step"].rpartition("/")[2] in ("secure-content", "same"):
            digests.append(outputs["digest"])
        customisations += outputs.get("customisations", [])
    assert len(digests) == 2
    assert digests[0] == digests[1]
    assert "max_connections: carried" in customisations
    assert any(one.startswith("old_snapshot_threshold: dropped (PostgreSQL 17") for one in customisations)


def test_the_key_is_written_nowhere(copied: Upgraded) -> None:
    """Not to the store, the plan, a receipt or a server's log; the estate refers to it only."""
    secret = KEY.encode()
    ours = [path for path in copied.story.home.parent.rglob("*") if path.is_file()]
    receipts = [path for job in copied.ground.jobs() for path in job.rglob("*") if path.is_file()]
    logs = [*Path(copied.ground.old).rglob("*.log"), *Path(copied.ground.new).rglob("*.log")]
    assert len(receipts) > 10
    assert len(logs) >= 2
    for path in [*ours, *receipts, *logs]:
        assert secret not in path.read_bytes(), path


def test_nothing_of_a_finished_run_is_left_running_or_lying_about(copied: Upgraded) -> None:
    ground = copied.ground
    # Other tests have closed servers of their own meanwhile; none of ours is among them.
    mine = [
        path for path in Path("/tmp").glob("handrail-*/.s.PGSQL.54321.lock") if str(ground.folder) in path.read_text()
    ]
    assert mine == []
    assert [path.parent.name for path in ground.folder.rglob("postmaster.pid")] == ["new"]
    assert not list(ground.folder.rglob("*.scratch"))
    assert len(list(Path(ground.backups).iterdir())) == 2


def test_verify_says_when_it_no_longer_holds(copied: Upgraded) -> None:
    damage = "update card set number = pgp_sym_encrypt('x', 'other key') where id = 1"
    copied.ground.sql(copied.bin, f"create table saved as select * from card; {damage}", "app")
    verified = copied.story.verify()
    copied.ground.sql(copied.bin, "delete from card; insert into card select * from saved; drop table saved", "app")

    assert verified.code == 1
    assert "encrypted" in verified.out


def test_a_missing_extension_blocks_and_is_named(ground: Playground, majors: Mapping[str, str], tmp_path: Path) -> None:
    story = Story(ground, majors, tmp_path, target_extensions=("plpgsql",))
    said = story("assess", story.estate, "--format", "json")

    assert said.code == 3
    findings = {one["rule"]: one for one in said.json["findings"]}
    assert findings["postgresql/missing-extension"]["level"] == "blocker"
    assert "pgcrypto" in findings["postgresql/missing-extension"]["message"]


def test_an_estate_that_claims_an_extension_is_found_out_before_anything_is_touched(
    ground: Playground, majors: Mapping[str, str], tmp_path: Path
) -> None:
    """These programs of version 16 have no pgcrypto, whatever the estate says."""
    story = Story(ground, majors, tmp_path, to="16")
    done = story.run()

    assert done.code == 1
    assert "lacks the extension pgcrypto" in done.out + done.err
    assert not Path(ground.new).exists()
    assert ground.sql(majors["15"], "select 1") == "1\n"


def test_what_came_since_the_plan_was_made_stops_the_run_before_it_begins(
    story: Story, ground: Playground, majors: Mapping[str, str]
) -> None:
    ground.sql(majors["15"], "create extension citext", "app")
    done = story.run()

    assert done.code == 3
    said = " ".join((done.out + done.err).split())
    assert "app/server@db01.extensions" in said and "citext" in said
    assert not Path(ground.new).exists()


@pytest.mark.parametrize("said", ["yes", "no"])
def test_the_old_cluster_is_deleted_only_after_a_persons_yes(
    ground: Playground, majors: Mapping[str, str], tmp_path: Path, said: str
) -> None:
    story = Story(ground, majors, tmp_path, old_cluster="remove")
    waiting = story.run()

    assert waiting.code == 4, waiting.out + waiting.err
    assert Path(ground.old).exists()
    run = story("status", "--format", "json").json["run"]
    assert story("answer", run, "app/server@db01/17/finish-may-remove", said).code == 0
    assert story("resume", run).code == (0 if said == "yes" else 1)
    assert Path(ground.old).exists() == (said == "no")
    assert ground.sql(majors["17"], "show server_version").startswith("17.")


def _events(story: Story) -> list[Any]:
    from handrail.running.home import Home
    from handrail.running.session import open_session

    with open_session(Home(story.home)) as session:
        return [
            {"step": event.entry.step, "data": dict(event.entry.data)}
            for event in session.events(session.find())
            if event.entry.kind == "done"
        ]
