"""What undoes an action never takes away what was there before, and puts back what a backup secured."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.restoring import Site
from tests.support.twins import SERVICE, SYNC

from handrail.actions import build, described
from handrail.actions.copies import MOST
from handrail.actions.keys import ImportKeySet
from handrail.actions.protocol import ActFailed, Observation
from handrail.twin.mechanisms import registry

CONFIG = f"{SYNC}\\Bin\\miiserver.exe.config"
KEY = f"HKLM\\SYSTEM\\CurrentControlSet\\Services\\{SERVICE}\\Parameters"
MANY = {"source": "C:\\Source", "target": "C:\\Target"}


def with_source() -> Site:
    site = Site()
    site.put("C:\\Source\\a.msi", "package")
    site.put("C:\\Source\\Deep\\B.cab", "programs")
    return site


# -- copies ---------------------------------------------------------------------------------------------------------


def test_a_copied_folder_is_taken_away_again_and_what_lay_there_stays() -> None:
    site = with_source()
    site.put("C:\\Target\\mine.txt", "mine")
    copy = build("folder.copy", MANY)
    before = site.look(copy)
    site.do(copy)

    undo = copy.undo(before)
    assert undo is not None
    assert build(*described(undo)) == undo
    assert site.do(undo, "undo").state == "done"
    assert list(site.content("C:\\Target")) == ["c:\\target\\mine.txt"]
    assert len(site.content("C:\\Source")) == 2


def test_a_copy_that_became_another_file_stays() -> None:
    site = with_source()
    copy = build("folder.copy", MANY)
    before = site.look(copy)
    site.do(copy)
    site.put("C:\\Target\\a.msi", "somebody's own")

    undo = copy.undo(before)
    assert undo is not None
    assert site.do(undo, "undo").state == "done"
    assert list(site.content("C:\\Target")) == ["c:\\target\\a.msi"]


@pytest.mark.parametrize("uses", ["folder.copy", "file.copy"])
def test_a_copy_over_something_else_cannot_be_undone(uses: str) -> None:
    site = with_source()
    site.put("C:\\Target\\a.msi", "another package")
    copy = build(uses, MANY if uses == "folder.copy" else {**MANY, "name": "a.msi"})

    assert copy.undo(site.look(copy)) is None


def test_a_very_large_copy_stays() -> None:
    site = Site()
    for number in range(MOST + 1):
        site.put(f"C:\\Source\\{number}.txt", "x")
    copy = build("folder.copy", MANY)

    assert copy.undo(site.look(copy)) is None


def test_what_was_copied_before_is_no_copy_of_ours() -> None:
    site = with_source()
    copy = build("folder.copy", MANY)
    site.do(copy)

    assert copy.undo(site.look(copy)) is None


def test_a_copied_file_is_taken_away_again() -> None:
    site = with_source()
    copy = build("file.copy", {**MANY, "name": "a.msi"})
    before = site.look(copy)
    site.do(copy)

    undo = copy.undo(before)
    assert undo is not None
    assert site.do(undo, "undo").state == "done"
    assert site.content("C:\\Target") == {}


def test_an_answer_file_is_taken_away_again_unless_one_was_there() -> None:
    site = Site()
    answers = build("vmm.answers", {"name": "vmm", "server": "sql01", "database": "VirtualManagerDB"})
    before = site.look(answers)
    site.do(answers)
    undo = answers.undo(before)
    assert undo is not None
    assert site.do(undo, "undo").state == "done"

    site.put(str(before.outputs["file"]), "[OPTIONS]\r\nSqlMachineName=other\r\n")
    assert answers.undo(site.look(answers)) is None


# -- registry -------------------------------------------------------------------------------------------------------


def exported(site: Site) -> tuple[Any, Observation]:
    return site.done("registry.export", {"keys": [KEY], "file": "C:\\Backups\\keys.reg"}, "export")


def test_exported_keys_are_proved_and_imported_again() -> None:
    site = Site()
    action, made = exported(site)
    prove = build("registry.prove", {"files": made.outputs["files"], "sha256": made.outputs["sha256"], "keys": [KEY]})
    assert site.look(prove).state == "done"
    assert made.outputs["bytes"] > 0

    site.console("reg", "add", KEY, "/v", "Server", "/d", "elsewhere", "/f")
    (restore,) = action.restore(made.outputs)
    assert described(restore)[0] == "registry.import"
    assert site.do(restore, "restore").state == "done"
    assert registry.value(site.twin.machine("sync01"), KEY, "Server") == "sql01"


@pytest.mark.parametrize("text", ["Windows Registry Editor Version 5.00\r\n\r\n[HKEY_LOCAL_MACHINE\\Other]\r\n", "rot"])
def test_another_file_than_the_one_exported_is_not_imported(text: str) -> None:
    site = Site()
    action, made = exported(site)
    site.put("C:\\Backups\\keys.reg", text)
    prove = build("registry.prove", {"files": made.outputs["files"], "sha256": made.outputs["sha256"]})
    (restore,) = action.restore(made.outputs)

    assert site.look(prove).state == "not_done"
    with pytest.raises(ActFailed, match="nothing was imported"):
        site.do(restore, "restore")


def test_an_export_without_the_key_or_without_its_end_proves_nothing() -> None:
    site = Site()
    _, made = exported(site)
    noted = {"files": made.outputs["files"], "sha256": made.outputs["sha256"]}
    site.put("C:\\Backups\\cut.reg", "Windows Registry Editor Version 5.00\r\n\r\n[HKEY_LOCAL_MACHINE\\Other]")
    cut = site.file("C:\\Backups\\cut.reg")
    assert cut is not None

    assert "lacks" in site.look(build("registry.prove", {**noted, "keys": ["HKLM\\SOFTWARE\\Other"]})).because
    whole = build("registry.prove", {"files": ["C:\\Backups\\cut.reg"], "sha256": [cut.sha256]})
    assert "no whole registry file" in site.look(whole).because
    short = build("registry.prove", {"files": ["C:\\Backups\\cut.reg"], "sha256": []})
    assert site.look(short).state == "not_done"


# -- configuration files, keys --------------------------------------------------------------------------------------


def test_a_kept_configuration_file_is_put_back_byte_for_byte() -> None:
    site = Site()
    action, made = site.done("config.keep", {"file": CONFIG, "to": "C:\\Backups"}, "keep")
    was = site.file(CONFIG)
    site.put(CONFIG, "<configuration />")
    (restore,) = action.restore(made.outputs)

    assert build(*described(restore)) == restore
    assert site.do(restore, "restore").state == "done"
    now = site.file(CONFIG)
    assert was and now and was.sha256 == now.sha256


def test_a_kept_file_that_is_damaged_is_put_nowhere() -> None:
    site = Site()
    action, made = site.done("config.keep", {"file": CONFIG, "to": "C:\\Backups"}, "keep")
    site.put(CONFIG, "<configuration />")
    site.put(str(made.outputs["kept"]), "rot")
    (restore,) = action.restore(made.outputs)

    with pytest.raises(ActFailed, match="nothing was touched"):
        site.do(restore, "restore")


def test_of_a_file_that_was_not_there_nothing_is_put_back() -> None:
    site = Site()
    missing = {"file": f"{SYNC}\\none.config", "to": "C:\\Backups", "optional": True}
    action, made = site.done("config.keep", missing, "keep")

    assert action.restore(made.outputs) == ()


def test_exported_keys_are_imported_for_the_account_that_they_were_exported_for() -> None:
    tool, account = f"{SYNC}\\Bin\\miiskmu.exe", "CONTOSO\\svc-mim"
    action = build("keys.export", {"tool": tool, "to": "C:\\Backups", "account": account})
    made = {"file": "C:\\Backups\\keys.bin", "sha256": "ab" * 32, "bytes": 768, "made_at": "2026-11-20T22:00:00Z"}

    assert action.restore(made) == (ImportKeySet(tool, "C:\\Backups\\keys.bin", account, None, "ab" * 32),)
