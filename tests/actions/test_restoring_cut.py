"""Whatever operation a restore is cut at, before or after its effect: settled and gone on with, all is as it was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from tests.support.restoring import Site, cut_anywhere
from tests.support.twins import SERVICE, SYNC

from handrail.actions import build
from handrail.actions.protocol import Action
from handrail.twin.mechanisms import databases
from handrail.twin.things import Database

DB: Mapping[str, Any] = {"server": "sql01", "database": SERVICE}
EXE, CONFIG = f"{SYNC}\\Bin\\miiserver.exe", f"{SYNC}\\Bin\\miiserver.exe.config"


def database(site: Site) -> Database:
    found = site.twin.machine("sql01").get(Database, f"|{SERVICE}")
    assert found is not None
    return found


def a_changed_database() -> tuple[Site, Action]:
    site = Site("sql01")
    action, made = site.done("sqlserver.backup", {**DB, "to": "C:\\Backups"}, "database")
    changed = replace(database(site), schema=1700, tables={})
    site.twin.transact("sql01", "patch", lambda machine: machine.put(f"|{SERVICE}", changed))
    (restore,) = action.restore(made.outputs)
    return site, restore


def test_a_database_is_put_back_wherever_it_was_cut() -> None:
    wanted = databases.digest(database(Site("sql01")))
    count = 0
    for where, site in cut_anywhere(a_changed_database):
        count += 1
        assert databases.digest(database(site)) == wanted, where
        assert (database(site).state, database(site).access) == ("ONLINE", "MULTI_USER"), where
    assert count > 8


@pytest.mark.parametrize("tool", ["robocopy", "xcopy"])
def test_a_folder_is_put_back_wherever_it_was_cut(tool: str) -> None:
    wanted = Site().content(SYNC)

    def a_changed_folder() -> tuple[Site, Action]:
        site = Site()
        action, made = site.done("folder.backup", {"folder": SYNC, "to": "C:\\Backups", "tool": tool}, "folder")
        site.put(EXE, "programs of another build", read_only=True)
        site.lose(CONFIG)
        site.put(f"{SYNC}\\Bin\\More\\new.dll", "new")
        (restore,) = action.restore(made.outputs)
        return site, restore

    for where, site in cut_anywhere(a_changed_folder):
        assert site.content(SYNC) == wanted, where
        assert site.file(f"{SYNC}\\Bin\\More") is None, where


def test_a_configuration_file_is_put_back_wherever_it_was_cut() -> None:
    wanted = Site().content(SYNC)

    def a_changed_file() -> tuple[Site, Action]:
        site = Site()
        action, made = site.done("config.keep", {"file": CONFIG, "to": "C:\\Backups"}, "keep")
        site.put(CONFIG, "<configuration />")
        (restore,) = action.restore(made.outputs)
        return site, restore

    for where, site in cut_anywhere(a_changed_file):
        assert site.content(SYNC) == wanted, where


def test_copies_are_taken_away_wherever_it_was_cut() -> None:
    def copied() -> tuple[Site, Action]:
        site = Site()
        for name in ("a.msi", "deep\\b.cab"):
            site.put(f"C:\\Source\\{name}", name)
        site.put("C:\\Target\\mine.txt", "mine")
        copy = build("folder.copy", {"source": "C:\\Source", "target": "C:\\Target"})
        before = site.look(copy, "copy")
        site.do(copy, "copy")
        undo = copy.undo(before)
        assert undo is not None
        return site, undo

    for where, site in cut_anywhere(copied):
        assert list(site.content("C:\\Target")) == ["c:\\target\\mine.txt"], where


def test_a_proof_that_restores_leaves_nothing_behind_wherever_it_was_cut() -> None:
    def backed_up() -> tuple[Site, Action]:
        site = Site("sql01")
        _, made = site.done("sqlserver.backup", {**DB, "to": "C:\\Backups"}, "database")
        return site, build("sqlserver.prove_restored", {**DB, "file": made.outputs["file"]})

    names = ["FIMService", SERVICE]
    for where, site in cut_anywhere(backed_up):
        assert [one.name for one in site.twin.machine("sql01").all(Database)] == names, where


def test_registry_keys_are_put_back_wherever_it_was_cut() -> None:
    key = f"HKLM\\SYSTEM\\CurrentControlSet\\Services\\{SERVICE}\\Parameters"

    def changed() -> tuple[Site, Action]:
        site = Site()
        action, made = site.done("registry.export", {"keys": [key], "file": "C:\\Backups\\k.reg"}, "export")
        site.console("reg", "add", key, "/v", "Server", "/d", "elsewhere", "/f")
        (restore,) = action.restore(made.outputs)
        return site, restore

    for where, site in cut_anywhere(changed):
        assert "sql01" in site.console("reg", "query", key, "/v", "Server").text, where
