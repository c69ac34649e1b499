"""Putting a folder back: every file as it was, none that was not there, and nothing begun that cannot be ended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from tests.support.restoring import Site
from tests.support.twins import SYNC, Console

from handrail.actions import build, described
from handrail.actions.protocol import ActFailed, Action
from handrail.twin.things import Process

EXE, CONFIG = f"{SYNC}\\Bin\\miiserver.exe", f"{SYNC}\\Bin\\miiserver.exe.config"
BACKUPS = "C:\\Backups"


def backed_up(site: Site, tool: str = "robocopy") -> tuple[Action, Mapping[str, Any]]:
    action, done = site.done("folder.backup", {"folder": SYNC, "to": BACKUPS, "tool": tool}, "folder")
    return action, done.outputs


def restore_of(site: Site, tool: str = "robocopy") -> Action:
    action, made = backed_up(site, tool)
    (restore,) = action.restore(made)
    return restore


def upgraded(site: Site) -> None:
    """Changed, gone, new, new in a new folder, and one that nobody may write."""
    site.put(EXE, "programs of another build")
    site.put(f"{SYNC}\\Bin\\csexport.exe", "another", read_only=True)
    site.lose(CONFIG)
    site.put(f"{SYNC}\\Bin\\new.dll", "new", read_only=True)
    site.put(f"{SYNC}\\Bin\\More\\newer.dll", "new")


def test_a_backup_says_how_it_is_put_back() -> None:
    site = Site()
    action, made = backed_up(site, "xcopy")

    (restore,) = action.restore(made)
    uses, with_ = described(restore)

    assert uses == "folder.restore"
    noted = {"backup": made["folder"], "manifest": made["manifest"], "sha256": made["sha256"]}
    assert with_ == {"folder": SYNC, "tool": "xcopy", **noted}
    assert made["bytes"] > 0
    assert made["made_at"] == "2026-11-20T22:00:00Z"


@pytest.mark.parametrize("tool", ["robocopy", "xcopy"])
def test_every_file_is_as_it_was_and_none_is_there_that_was_not(tool: str) -> None:
    site = Site()
    before = site.content(SYNC)
    restore = restore_of(site, tool)
    assert site.look(restore).state == "done"
    upgraded(site)

    done = site.do(restore)

    assert done.state == "done", done
    assert site.content(SYNC) == before
    assert site.file(f"{SYNC}\\Bin\\More") is None


def test_a_folder_that_is_gone_comes_back() -> None:
    site = Site()
    before = site.content(SYNC)
    restore = restore_of(site)
    site.console("cmd", "/c", "rmdir", "/s", "/q", SYNC)

    assert site.do(restore).state == "done"
    assert site.content(SYNC) == before


def test_one_that_was_left_halfway_is_gone_on_with() -> None:
    """Killed while files were deleted, or while they were copied."""
    site = Site()
    before = site.content(SYNC)
    restore = restore_of(site)
    upgraded(site)
    site.lose(EXE)
    site.lose(f"{SYNC}\\UIShell\\miisclient.exe")

    assert site.do(restore).state == "done"
    assert site.content(SYNC) == before


def test_a_file_of_the_same_size_and_time_is_put_back_too() -> None:
    """Robocopy would take it for the same."""
    site = Site()
    restore = restore_of(site)
    was = site.file(CONFIG)
    assert was is not None and was.text is not None
    site.put(CONFIG, was.text.replace("4.1.4.0", "4.1.9.9"))
    now = site.file(CONFIG)
    assert now is not None and (now.size, now.time) == (was.size, was.time)

    assert site.do(restore).state == "done"


def test_nothing_is_touched_while_a_file_that_would_change_is_open() -> None:
    site = Site()
    restore = restore_of(site)
    upgraded(site)
    now = site.content(SYNC)
    site.twin.transact("sync01", "open", lambda machine: machine.put("editor", Process("editor", (EXE,))))

    with pytest.raises(ActFailed, match=r"nothing was touched, .* open in a program: bin\\miiserver.exe"):
        site.do(restore)
    assert site.content(SYNC) == now


def test_a_file_that_stays_as_it_is_may_be_open() -> None:
    site = Site()
    restore = restore_of(site)
    site.put(f"{SYNC}\\Bin\\new.dll", "new")
    site.twin.transact("sync01", "open", lambda machine: machine.put("editor", Process("editor", (EXE,))))

    assert site.do(restore).state == "done"


@pytest.mark.parametrize("damage", ["another", None])
def test_a_damaged_backup_is_refused_and_nothing_is_touched(damage: str | None) -> None:
    site = Site()
    action, made = backed_up(site)
    (restore,) = action.restore(made)
    upgraded(site)
    now = site.content(SYNC)
    inside = f"{made['folder']}\\Bin\\miiserver.exe.config"
    site.put(inside, damage) if damage else site.lose(inside)

    with pytest.raises(ActFailed, match="nothing was touched, for in the backup"):
        site.do(restore)
    assert site.content(SYNC) == now


def test_another_list_of_files_than_the_one_that_was_noted_is_unknown() -> None:
    site = Site()
    action, made = backed_up(site)
    (restore,) = action.restore(made)
    listed = site.file(str(made["manifest"]))
    assert listed is not None
    site.put(str(made["manifest"]), "\n".join((listed.text or "").splitlines()[:-1]))

    assert "no longer the manifest" in site.look(restore).because


def test_the_backup_of_another_folder_is_not_put_here() -> None:
    site = Site()
    _, made = backed_up(site)
    action = build("folder.restore", {"backup": made["folder"], "folder": "C:\\ProgramData"})

    seen = site.look(action)

    assert seen.state == "unknown"
    assert "is a backup of" in seen.because
    with pytest.raises(Exception, match="is a backup of"):
        site.act(action)


def test_xcopy_leaves_read_only_files_alone_unless_told() -> None:
    """Which is why our copies say /R; on Windows both tools were built so."""
    site = Site()
    console = Console(site.twin)
    site.put("C:\\a\\x.txt", "newer")
    site.put("C:\\b\\x.txt", "old", read_only=True)

    assert console("xcopy", "C:\\a", "C:\\b", "/E", "/I", "/Y").code == 5
    assert console("xcopy", "C:\\a", "C:\\b", "/E", "/I", "/R", "/Y").code == 0
    site.put("C:\\b\\x.txt", "old", read_only=True)
    assert console("cmd", "/c", "del", "/q", "C:\\b\\x.txt").code == 1
    assert console("cmd", "/c", "del", "/f", "/q", "C:\\b\\x.txt").code == 0
