"""A home folder that is moved as docs/move-a-store.md says is gone on with on the other machine."""

from __future__ import annotations

from pathlib import Path

from tests.support.command import ESTATES, handrail
from tests.support.pages import DOCS, Player, blocks


def test_a_run_that_waits_is_gone_on_with_where_its_home_was_moved_to(tmp_path: Path) -> None:
    """The page's own commands, first with the old home and then with the new one; the run waits for a yes meanwhile."""
    old, new, plan = tmp_path / "old", tmp_path / "new", tmp_path / "upgrade.plan"
    handrail("plan", ESTATES / "contoso.yaml", "-o", plan, home=old)
    assert handrail("run", plan, "--twin", "--ask", home=old).code == 4
    before = handrail("status", "--format", "json", home=old).json
    packing, unpacking = (one for one in blocks(DOCS / "move-a-store.md") if "test_moving" in (one.not_run or ""))

    Player(tmp_path, old).type(packing)
    old.rename(tmp_path / "put away")
    Player(tmp_path, new).type(unpacking)

    assert handrail("status", "--format", "json", home=new).json == before
    waiting = [one["id"] for one in before["steps"] if one["state"] == "waiting"]
    for step in waiting:
        assert handrail("answer", before["run"], step, "yes", home=new).code == 0
    assert handrail("resume", before["run"], home=new).code == 0
    assert handrail("verify", before["run"], home=new).code == 0
