"""A backup proved by restoring it under another name: checked, counted, dropped, and the database itself untouched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from tests.support.restoring import Site
from tests.support.twins import SERVICE

from handrail.actions import build
from handrail.actions.protocol import ActFailed, Action
from handrail.actions.sqlserver_scratch import ProveRestored
from handrail.twin.mechanisms import files
from handrail.twin.things import Database, Entry, Volume

DB: Mapping[str, Any] = {"server": "sql01", "database": SERVICE}


def databases_of(site: Site) -> dict[str, Database]:
    return {one.name: one for one in site.twin.machine("sql01").all(Database)}


def prepared(**with_: Any) -> tuple[Site, Action]:
    site = Site("sql01")
    _, made = site.done("sqlserver.backup", {**DB, "to": "C:\\Backups"}, "database")
    return site, build("sqlserver.prove_restored", {**DB, "file": made.outputs["file"], **with_})


def change(site: Site, **fields: Any) -> None:
    found = databases_of(site)[SERVICE]
    site.twin.transact("sql01", "change", lambda machine: machine.put(f"|{SERVICE}", replace(found, **fields)))


def test_a_backup_is_restored_counted_and_the_scratch_database_dropped() -> None:
    site, prove = prepared()
    before = databases_of(site)
    entries = len(files.below(site.twin.machine("sql01"), "C:\\Program Files"))

    done = site.do(prove)

    assert done.state == "done"
    assert done.outputs["tables"]["metaverse"] == 4200
    assert databases_of(site) == before
    assert len(files.below(site.twin.machine("sql01"), "C:\\Program Files")) == entries


def test_rows_that_were_counted_before_are_compared_even_while_somebody_works_on() -> None:
    site, _ = prepared()
    counted = site.look(build("sqlserver.count", DB)).outputs["tables"]
    _, prove = prepared(before=counted)
    assert site.do(replace_file(prove, site)).state == "done"

    less = replace_file(build("sqlserver.prove_restored", {**DB, "file": "x", "before": {**counted, "runs": 7}}), site)
    with pytest.raises(ActFailed, match="holds other rows than counted before, in runs"):
        site.do(less, "again")


def replace_file(action: Action, site: Site) -> Action:
    """The same proof of the backup that this site has made."""
    assert isinstance(action, ProveRestored)
    file = site.look(build("sqlserver.backup", {**DB, "to": "C:\\Backups"}), "database").outputs["file"]
    return replace(action, file=str(file))


def test_a_backup_of_another_content_than_the_database_has_proves_nothing() -> None:
    site, prove = prepared()
    change(site, tables={**databases_of(site)[SERVICE].tables, "metaverse": {"rows": 4201, "digest": "x"}})

    with pytest.raises(ActFailed, match="in metaverse"):
        site.do(prove)
    assert list(databases_of(site)) == ["FIMService", SERVICE]


def test_a_truncated_backup_is_found_and_nothing_is_left_behind() -> None:
    site, prove = prepared()
    assert isinstance(prove, ProveRestored)
    entry = site.file(prove.file)
    assert entry is not None
    cut = replace(entry, text=(entry.text or "")[:300])
    site.twin.transact("sql01", "cut", lambda machine: machine.put(prove.file, cut))

    with pytest.raises(ActFailed, match="cannot be restored"):
        site.do(prove)
    assert list(databases_of(site)) == ["FIMService", SERVICE]


def test_one_that_was_killed_on_the_way_finds_its_scratch_database_again() -> None:
    site, prove = prepared()
    assert isinstance(prove, ProveRestored)
    from tests.support.restoring import a_receipt

    scratch = prove.scratch(a_receipt("step"))
    left = replace(databases_of(site)[SERVICE], name=scratch, files=("C:\\Backups\\a.dat", "C:\\Backups\\b.dat"))
    site.twin.transact("sql01", "left", lambda machine: machine.put(f"|{scratch}", left))

    assert "is still on sql01" in site.look(prove).because
    assert site.do(prove).state == "done"
    assert scratch not in databases_of(site)


@pytest.mark.parametrize(
    ("with_", "because"),
    [
        ({"database": "FIMService"}, "it is a backup of"),
        ({"finished": "2020-01-01 00:00:00"}, "proves nothing"),
        ({"file": "C:\\Backups\\none.bak"}, "no complete backup"),
        ({"folder": "\\\\nas\\share"}, "cannot be told"),
    ],
)
def test_it_does_not_begin_with_what_it_should_not(with_: dict[str, str], because: str) -> None:
    site, prove = prepared()
    assert isinstance(prove, ProveRestored)

    with pytest.raises(ActFailed, match=because):
        site.do(replace(prove, **with_))  # type: ignore[arg-type]


def test_it_does_not_begin_without_room() -> None:
    site, prove = prepared()
    site.twin.transact("sql01", "full", lambda machine: machine.put("C:", Volume("C:", "System", free=2**20 - 1)))

    with pytest.raises(ActFailed, match="has 0 MB free, and the restored files take"):
        site.do(prove)
    assert not [one for one in site.twin.machine("sql01").all(Entry) if "handrail_" in one.path]
