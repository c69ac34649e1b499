"""A real upgrade, killed again at every write of the journal until it ends: nothing is lost, nothing happens twice."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.support import postgres
from tests.support.command import handrail
from tests.support.killing import kill_again_and_again
from tests.support.postgres import Playground

from handrail.running.home import Home
from handrail.running.journal import Watch
from handrail.running.session import Session, open_session

pytestmark = pytest.mark.real

REPEATABLE = {"content", "backup", "restore", "clean", "dump", "pg_upgrade --check"}
LOOK = "select md5(string_agg(customer::text, '|' order by id)) from customer; select last_value from ticket"


@contextmanager
def opening(home: Path, watch: Watch | None = None) -> Iterator[Session]:
    with open_session(Home(home), watch=watch) as session:
        yield session


def carried_out(ground: Playground) -> Counter[str]:
    """How often each thing was done on the host, by the receipts there: the host's own count."""
    names = [re.sub(r"\.[0-9a-f]{12}$", "", job.name) for job in ground.jobs()]
    return Counter(re.sub(r"^.*?-17-(.+)-\d+-(.+)$", r"\1: \2", name) for name in names)


@pytest.mark.parametrize("method", ["copy", "dump-and-restore"])
def test_killed_again_and_again_an_upgrade_still_ends_and_loses_nothing(
    majors: Mapping[str, str], tmp_path: Path, method: str
) -> None:
    with postgres.playground() as ground:
        ground.make(majors["15"], rows=20, cards=5)
        before = ground.sql(majors["15"], LOOK, "app")
        estate, plan, home = tmp_path / "estate.yaml", tmp_path / "plan.json", tmp_path / "home"
        estate.write_text(postgres.estate(ground, majors["15"], majors["17"], prefer=method))
        planned = handrail("plan", estate, "-o", plan, home=home)
        assert planned.code == 0, planned.out + planned.err

        deaths = kill_again_and_again(opening, home, plan, target="hosts")

        assert deaths > 20
        assert ground.sql(majors["17"], "show server_version").startswith("17.")
        assert ground.sql(majors["17"], LOOK, "app") == before
        assert Path(ground.old, "PG_VERSION").read_text() == "15\n"
        assert not list(ground.folder.glob("*handrail-failed*"))
        assert carried_out(ground)["prepare-create: initdb"] == 1
        assert carried_out(ground)["upgrade: pg_upgrade" if method == "copy" else "load: load"] == 1
        twice = {name for name, times in carried_out(ground).items() if times > 1}
        assert {name.rpartition(": ")[2] for name in twice} <= REPEATABLE, twice
        with opening(home) as session:
            status = session.status(session.find())
        assert {one.state for one in status.steps} == {"done"}
