"""A home folder that is moved as docs/move-a-store.md says is gone on with on the other machine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.command import ESTATES, handrail
from tests.support.databases import Server
from tests.support.pages import DOCS, Player, blocks

from handrail.running.store import open_store


def test_a_run_that_waits_is_gone_on_with_where_its_home_was_moved_to(tmp_path: Path) -> None:
    """The page's own commands, first with the old home and then with the new one; the run waits for a yes meanwhile."""
    old, new, plan = tmp_path / "old", tmp_path / "new", tmp_path / "upgrade.plan"
    handrail("plan", ESTATES / "contoso.yaml", "-o", plan, home=old)
    assert handrail("run", plan, "--twin", "--ask", home=old).code == 4
    before = handrail("status", "--format", "json", home=old).json
    packing, unpacking, _ = (one for one in blocks(DOCS / "move-a-store.md") if "test_moving" in (one.not_run or ""))

    Player(tmp_path, old).type(packing)
    old.rename(tmp_path / "put away")
    Player(tmp_path, new).type(unpacking)

    assert handrail("status", "--format", "json", home=new).json == before
    waiting = [one["id"] for one in before["steps"] if one["state"] == "waiting"]
    for step in waiting:
        assert handrail("answer", before["run"], step, "yes", home=new).code == 0
    assert handrail("resume", before["run"], home=new).code == 0
    assert handrail("verify", before["run"], home=new).code == 0


@pytest.mark.real
def test_a_run_is_moved_into_a_database_as_the_page_shows(tmp_path: Path, server: Server) -> None:
    home, plan, url = tmp_path / "home", tmp_path / "upgrade.plan", server.database()
    handrail("plan", ESTATES / "contoso.yaml", "-o", plan, home=home)
    assert handrail("run", plan, "--twin", "--ask", home=home).code == 4
    run = handrail("status", "--format", "json", home=home).json["run"]
    *_, moving = (one for one in blocks(DOCS / "move-a-store.md") if "test_moving" in (one.not_run or ""))
    store = open_store(url)
    store.close()
    text = moving.text.replace("postgresql://handrail@db01/handrail", f"'{url}'")
    text = text.replace("postgresql://db01/handrail", store.name)

    Player(tmp_path, home, {"contoso-20261120-1-k3v9m": run}).type(replace(moving, text=text))

    assert handrail("resume", run, home=home).code == 2
    waiting = handrail("status", run, "--store", url, "--format", "json", home=home).json
    assert [one["state"] for one in waiting["steps"]].count("waiting") == 1
