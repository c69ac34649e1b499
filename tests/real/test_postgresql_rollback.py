"""A real upgrade is taken back: the old major runs again, and every table and every encrypted column is as it was."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.real.test_postgresql import LOOK, Story
from tests.support import postgres
from tests.support.command import Said
from tests.support.killing import kill_again_and_again
from tests.support.postgres import KEY, Playground

from handrail.documents.plan import read_plan
from handrail.model.journal import Event
from handrail.running.home import Home
from handrail.running.journal import Watch
from handrail.running.scheduler import Schedule
from handrail.running.session import Session, open_session

pytestmark = pytest.mark.real

DECRYPTED = f"select count(*) from card where pgp_sym_decrypt(number, $k${KEY}$k$) = 'card ' || id"
HOLD = "estate/rollback/sure"


@contextmanager
def opening(home: Path, watch: Watch | None = None) -> Iterator[Session]:
    with open_session(Home(home), watch=watch) as session:
        yield session


class Before:
    """What the old cluster showed before anything was done to it."""

    def __init__(self, ground: Playground, majors: Mapping[str, str]) -> None:
        self.ground = ground
        self.bin = majors["15"]
        self.looked = self._look()
        self.files = self._files()

    def stands_again(self) -> None:
        assert self.ground.sql(self.bin, "show server_version").startswith("15.")
        assert self._look() == self.looked
        assert self._files() == self.files
        assert not Path(self.ground.new).exists()

    def _look(self) -> str:
        return self.ground.sql(self.bin, LOOK, "app") + self.ground.sql(self.bin, DECRYPTED, "app")

    def _files(self) -> dict[str, bytes]:
        return {name: Path(self.ground.old, name).read_bytes() for name in ("postgresql.conf", "pg_hba.conf")}


def newest(story: Story) -> str:
    return str(story("status", "--format", "json").json["run"])


def well(said: Said) -> Said:
    assert said.code == 0, said.out + said.err
    return said


def begin_going_back(story: Story) -> tuple[str, str]:
    """As a user would, up to the hold that says what it costs: the run that is taken back, and the one that does it."""
    run, plan = newest(story), story.home.parent / "back.plan"
    well(story("rollback", run, "-o", plan))
    asked = story("run", plan)
    assert asked.code == 4, asked.out + asked.err
    returning = newest(story)
    well(story("answer", returning, HOLD, "yes"))
    return run, returning


def go_back(story: Story) -> None:
    run, returning = begin_going_back(story)
    well(story("resume", returning))
    assert story("status", run, "--format", "json").json["state"] == "rolled-back"
    well(story("verify", returning))


def test_a_finished_upgrade_is_taken_back_to_the_old_major(
    ground: Playground, majors: Mapping[str, str], tmp_path: Path
) -> None:
    before = Before(ground, majors)
    story = Story(ground, majors, tmp_path)
    well(story.run())
    assert ground.sql(majors["17"], "show server_version").startswith("17.")
    go_back(story)
    before.stands_again()


def test_where_the_old_cluster_was_deleted_its_proved_backup_is_put_back(
    ground: Playground, majors: Mapping[str, str], tmp_path: Path
) -> None:
    before = Before(ground, majors)
    story = Story(ground, majors, tmp_path, old_cluster="remove")
    assert story.run().code == 4
    well(story.say_yes())
    assert not Path(ground.old).exists()
    go_back(story)
    before.stands_again()


@pytest.mark.parametrize("method", ["copy", "dump-and-restore", "link"])
def test_an_upgrade_that_failed_half_way_is_taken_back(
    ground: Playground, majors: Mapping[str, str], tmp_path: Path, method: str
) -> None:
    """The new cluster vanishes when the old server has stopped, so what would fill it fails."""
    before = Before(ground, majors)
    story = Story(ground, majors, tmp_path, prefer=None if method == "copy" else method)
    well(story("plan", story.estate, "-o", story.plan))

    def spoil(event: Event, schedule: Schedule) -> None:
        if event.entry.kind == "done" and event.entry.step == "app/server@db01/17/stop":
            Path(ground.new).rename(f"{ground.new}.elsewhere")

    with opening(story.home) as session:
        run = session.start(read_plan(story.plan), "tester")
        outcome = asyncio.run(session.carry_out(run, "tester", progress=spoil))
    assert outcome.status.state in ("failed", "in-doubt")
    go_back(story)
    before.stands_again()


def test_with_link_there_is_no_way_back_once_the_new_server_has_started_and_the_plan_had_said_so(
    ground: Playground, majors: Mapping[str, str], tmp_path: Path
) -> None:
    story = Story(ground, majors, tmp_path, prefer="link")
    well(story("plan", story.estate, "-o", story.plan))
    final = read_plan(story.plan).point_of_no_return
    assert final == "app/server@db01/17/start"
    asked = story("run", story.plan)
    assert asked.code == 4
    well(story.say_yes())
    refused = story("rollback", newest(story))
    assert refused.code == 3
    assert final in refused.out + refused.err


@pytest.mark.parametrize("old_cluster", ["keep", "remove"])
def test_killed_again_and_again_a_rollback_still_ends_and_loses_nothing(
    majors: Mapping[str, str], tmp_path: Path, old_cluster: str
) -> None:
    with postgres.playground() as ground:
        ground.make(majors["15"], rows=20, cards=5)
        before = Before(ground, majors)
        story = Story(ground, majors, tmp_path, old_cluster=old_cluster)
        done = story.run()
        if done.code == 4:
            done = story.say_yes()
        well(done)
        run, _ = begin_going_back(story)

        deaths = kill_again_and_again(opening, story.home, story.home.parent / "back.plan", target="hosts")

        assert deaths > 5
        before.stands_again()
        assert story("status", run, "--format", "json").json["state"] == "rolled-back"
