"""Folders, files, drives and media: what counts is what is there and equal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support import virtual_time
from tests.support.scripted_host import Answer, ScriptedHost, receipt
from tests.support.windows_says import tree

from handrail.actions import build, files
from handrail.actions.drive import MapDrive, UnmapDrive, mappings_in
from handrail.actions.folder import manifest, manifest_in
from handrail.actions.media import CloseMedia, OpenMedia, extracted_to
from handrail.actions.protocol import ActFailed, Observation
from handrail.actions.receipts import folder_below
from handrail.errors import BadInput
from handrail.hosts.protocol import Exited
from handrail.probing.media import mounted_in

ABSENT = 3
COPY = {"source": "D:\\", "subfolder": "Sync", "target": "E:\\Sync"}
HASH_SOURCE, HASH_TARGET = "script hash-tree D:\\Sync", "script hash-tree E:\\Sync"


def observed(uses: str, with_: Mapping[str, Any], answers: Mapping[str, Answer | list[Answer]]) -> Observation:
    return virtual_time.run(build(uses, with_).observe(ScriptedHost(answers), receipt()))


@pytest.mark.parametrize(
    ("source", "target", "state"),
    [
        (tree(a__msi="a", b__dll="b"), tree(a__msi="a", b__dll="b"), "done"),
        (tree(a__msi="a"), tree(a__msi="a", patch__msp="c"), "done"),
        (tree(A__MSI="a"), tree(a__msi="a"), "done"),
        (tree(a__msi="a", b__dll="b"), tree(a__msi="a"), "not_done"),
        (tree(a__msi="a"), tree(a__msi="b"), "not_done"),
        (tree(a__msi="a"), ABSENT, "not_done"),
        (ABSENT, tree(a__msi="a"), "not_done"),
        ("", tree(a__msi="a"), "not_done"),
        ("garbage", tree(a__msi="a"), "unknown"),
        (tree(a__msi="a"), "garbage", "unknown"),
        (tree(a__msi="a"), 1, "unknown"),
    ],
)
def test_a_folder_is_copied_when_every_file_stands_equal(source: Answer, target: Answer, state: str) -> None:
    assert observed("folder.copy", COPY, {HASH_SOURCE: source, HASH_TARGET: target}).state == state


@pytest.mark.parametrize(("code", "works"), [(0, True), (1, True), (3, True), (7, True), (8, False), (16, False)])
def test_robocopy_says_below_8_that_it_worked(code: int, works: bool) -> None:
    host = ScriptedHost({"robocopy D:\\Sync E:\\Sync /E /COPY:DAT /R:2 /W:2": code})
    act = build("folder.copy", COPY).act(host, receipt())

    if works:
        assert virtual_time.run(act).exit == code
    else:
        with pytest.raises(ActFailed):
            virtual_time.run(act)


def test_a_file_is_copied_over_another_one_and_compared() -> None:
    with_ = {"source": "D:\\", "subfolder": "Sync", "name": "a.msi", "target": "E:\\Sync"}
    source, target = "script hash-tree D:\\Sync\\a.msi", "script hash-tree E:\\Sync\\a.msi"
    equal, other = tree(a__msi="a"), tree(a__msi="b")

    assert observed("file.copy", with_, {source: equal, target: other}).state == "not_done"
    assert observed("file.copy", with_, {source: equal, target: ABSENT}).state == "not_done"
    assert observed("file.copy", with_, {source: ABSENT}).state == "not_done"
    assert observed("file.copy", with_, {source: equal, target: equal}).outputs["path"] == "E:\\Sync\\a.msi"

    host = ScriptedHost({"cmd /c mkdir E:\\Sync": 1, "cmd /c copy /y D:\\Sync\\a.msi E:\\Sync\\a.msi": 0})
    virtual_time.run(build("file.copy", with_).act(host, receipt()))
    assert len(host.changing) == 2


def test_a_file_beside_no_subfolder() -> None:
    source, target = "script hash-tree C:\\Media\\a.msp", "script hash-tree E:\\Sync\\a.msp"
    with_ = {"source": "C:\\Media", "subfolder": "", "name": "a.msp", "target": "E:\\Sync"}

    assert observed("file.copy", with_, {source: tree(a__msp="a"), target: tree(a__msp="a")}).state == "done"


def test_a_file_that_is_not_the_one_meant_is_never_copied() -> None:
    """A medium that was damaged or exchanged: its hash is not the one that the estate states."""
    with_ = {"source": "C:\\Media", "name": "a.msp", "target": "E:\\Sync", "sha256": "AB" * 32}
    source, target = "script hash-tree C:\\Media\\a.msp", "script hash-tree E:\\Sync\\a.msp"

    seen = observed("file.copy", with_, {source: tree(a__msp="a"), target: tree(a__msp="a")})
    assert seen.state == "not_done" and "not the file meant" in seen.because
    host = ScriptedHost({source: tree(a__msp="a")})
    with pytest.raises(ActFailed, match="not the file meant"):
        virtual_time.run(build("file.copy", with_).act(host, receipt()))
    assert host.changing == []


BACKUP = {"folder": "C:\\Sync", "to": "D:\\Backup"}
BELOW = folder_below("D:\\Backup", receipt())


def backing_up(copied: Answer) -> ScriptedHost:
    return ScriptedHost(
        {
            "script hash-tree C:\\Sync": tree(a__dll="a", b__dll="b"),
            f"script hash-tree {BELOW}\\files": copied,
            f"robocopy C:\\Sync {BELOW}\\files /E /COPY:DAT /R:2 /W:2": 1,
        }
    )


def test_a_backup_is_this_attempts_or_none() -> None:
    """What an earlier run or attempt made never counts."""
    host = backing_up(tree(a__dll="a", b__dll="b"))
    action = build("folder.backup", BACKUP)

    assert virtual_time.run(action.observe(host, receipt())).state == "not_done"
    virtual_time.run(action.act(host, receipt()))
    done = virtual_time.run(action.observe(host, receipt()))
    assert done.state == "done" and done.outputs["folder"] == f"{BELOW}\\files"
    assert virtual_time.run(action.observe(host, receipt(attempt=2))).state == "not_done"
    assert (
        virtual_time.run(action.observe(host, receipt(step="identity/sync@sync01/2016-sp3/other"))).state == "not_done"
    )


@pytest.mark.parametrize("copied", [tree(a__dll="a"), tree(a__dll="a", b__dll="c"), ABSENT])
def test_a_copy_that_went_wrong_never_proves_itself(copied: Answer) -> None:
    """Robocopy said that it worked; the manifest is the original's, so the backup is not done."""
    host = backing_up(copied)
    action = build("folder.backup", BACKUP)

    virtual_time.run(action.act(host, receipt()))

    assert virtual_time.run(action.observe(host, receipt())).state == "not_done"


@pytest.mark.parametrize(
    ("folder", "copy", "state"),
    [
        ("C:\\Sync", tree(a__dll="a"), "done"),
        ("c:\\sync", tree(a__dll="a"), "done"),
        ("C:\\Other", tree(a__dll="a"), "not_done"),
        ("C:\\Sync", tree(a__dll="b"), "not_done"),
        ("C:\\Sync", ABSENT, "not_done"),
        ("C:\\Sync", "garbage", "unknown"),
    ],
)
def test_a_backup_is_proved_by_reading_it_back(folder: str, copy: Answer, state: str) -> None:
    listed = manifest("C:\\Sync", {"a.dll": files.File("a" * 64, 1)})
    host = ScriptedHost({"script hash-tree D:\\B\\files": copy}, {"D:\\B\\manifest.txt": listed})
    action = build("folder.prove", {"folder": folder, "backup": "D:\\B\\files"})

    assert virtual_time.run(action.observe(host, receipt())).state == state


def test_a_backup_without_manifest_proves_nothing() -> None:
    action = build("folder.prove", {"folder": "C:\\Sync", "backup": "D:\\B\\files"})

    assert virtual_time.run(action.observe(ScriptedHost(), receipt())).state == "unknown"


def test_nothing_to_back_up_is_a_failure() -> None:
    with pytest.raises(ActFailed, match="nothing to back up"):
        virtual_time.run(
            build("folder.backup", BACKUP).act(ScriptedHost({"script hash-tree C:\\Sync": ABSENT}), receipt())
        )


DIR, PROBE, DEL = "cmd /c cd /d E:\\", "cmd /c copy /y nul E:\\handrail.probe", "cmd /c del E:\\handrail.probe"
OURS = "E:\\: => C:\\Patch\n"


@pytest.mark.parametrize(
    ("subst", "there", "writes", "state", "mapped"),
    [
        (OURS, 0, 0, "done", True),
        ("", 0, 0, "done", False),
        ("E:\\: => D:\\Elsewhere\n", 0, 0, "done", False),
        ("", 1, 1, "not_done", None),
        ("", 0, 1, "not_done", None),
        ("garbage", 0, 0, "unknown", None),
        (1, 0, 0, "unknown", None),
    ],
)
def test_a_drive_is_there_when_it_can_be_written(
    subst: Answer, there: int, writes: int, state: str, mapped: bool | None
) -> None:
    """`mapped` tells whether the mapping is ours, so that nobody else's is ever taken away."""
    seen = observed(
        "drive.map", {"drive": "e:", "folder": "C:\\Patch"}, {"subst": subst, DIR: there, PROBE: writes, DEL: 0}
    )

    assert (seen.state, seen.outputs.get("mapped")) == (state, mapped)


def test_a_path_without_drive_needs_no_mapping() -> None:
    assert observed("drive.map", {"drive": "", "folder": "C:\\Patch"}, {}).outputs == {"mapped": False}
    with pytest.raises(BadInput):
        build("drive.map", {"drive": "Patch", "folder": "C:\\Patch"})


def test_a_drive_is_mapped_by_system_itself() -> None:
    """Made in another logon session, msiexec would not see it."""
    host = ScriptedHost({DIR: 1, "cmd /c mkdir C:\\Patch": 0}, jobs={"subst E: C:\\Patch": 0})

    virtual_time.run(MapDrive("E:", "C:\\Patch").act(host, receipt()))

    assert "job: subst E: C:\\Patch" in host.commands
    assert "subst E: C:\\Patch" not in host.commands


def test_a_drive_that_is_there_and_cannot_be_written_is_left_alone() -> None:
    with pytest.raises(ActFailed, match="medium"):
        virtual_time.run(MapDrive("E:", "C:\\Patch").act(ScriptedHost({DIR: 0}), receipt()))


def test_only_our_own_mapping_is_taken_away() -> None:
    ours = {"drive": "E:", "folder": "C:\\Patch"}

    assert observed("drive.unmap", ours, {"subst": OURS}).state == "not_done"
    assert observed("drive.unmap", ours, {"subst": ""}).state == "done"
    assert observed("drive.unmap", ours, {"subst": "E:\\: => D:\\Elsewhere\n"}).state == "done"
    assert observed("drive.unmap", {"drive": "E:"}, {"subst": "E:\\: => D:\\Elsewhere\n"}).state == "not_done"


def test_mapping_and_unmapping_undo_each_other() -> None:
    mapped, unmapped = MapDrive("E:", "C:\\Patch"), UnmapDrive("E:", "C:\\Patch")

    assert mapped.undo(Observation("not_done")) == unmapped
    assert mapped.undo(Observation("done")) is None
    assert unmapped.undo(Observation("not_done", evidence={"mapped_to": "C:\\Patch"})) == mapped


ISO, ZIP = "C:\\Media\\SP2.iso", "C:\\Media\\SP3.zip"


@pytest.mark.parametrize(
    ("kind", "path", "answers", "root"),
    [
        ("iso", ISO, {"script mounted-media": f"F:|MIM|{ISO}\n"}, "F:\\"),
        ("iso", ISO, {"script mounted-media": "F:|MIM|C:\\Other.iso\n"}, None),
        ("iso", ISO, {"script mounted-media": ""}, None),
        ("zip", ZIP, {f"cmd /c dir {extracted_to(ZIP)}": 0}, extracted_to(ZIP)),
        ("zip", ZIP, {f"cmd /c dir {extracted_to(ZIP)}": 1}, None),
        ("folder", "C:\\Media", {"cmd /c dir C:\\Media": 0}, "C:\\Media"),
        ("msp", "C:\\Media\\a.msp", {"cmd /c dir C:\\Media\\a.msp": 0}, "C:\\Media"),
        ("msp", "C:\\Media\\a.msp", {"cmd /c dir C:\\Media\\a.msp": 1}, None),
    ],
)
def test_where_a_medium_can_be_read(kind: str, path: str, answers: dict[str, Answer], root: str | None) -> None:
    seen = observed("media.open", {"path": path, "kind": kind}, answers)

    assert (seen.state, seen.outputs.get("root")) == (("done", root) if root else ("not_done", None))


def test_opening_and_closing() -> None:
    host = ScriptedHost(
        {
            f"script mount-image {ISO}": 0,
            f"script dismount-image {ISO}": 0,
            f"script expand-archive {ZIP} {extracted_to(ZIP)}": 0,
            f"cmd /c rmdir /s /q {extracted_to(ZIP)}": 0,
        }
    )
    for action in (OpenMedia(ISO, "iso"), CloseMedia(ISO, "iso"), OpenMedia(ZIP, "zip"), CloseMedia(ZIP, "zip")):
        virtual_time.run(action.act(host, receipt()))

    assert len(host.commands) == 4
    with pytest.raises(ActFailed, match="not there"):
        virtual_time.run(OpenMedia(ISO, "iso").act(ScriptedHost({f"script mount-image {ISO}": ABSENT}), receipt()))
    with pytest.raises(ActFailed, match="not there"):
        virtual_time.run(OpenMedia("C:\\Media", "folder").act(ScriptedHost(), receipt()))


def test_another_medium_under_the_name_of_the_right_one_is_closed_again_and_said() -> None:
    script: dict[str, Answer] = {
        "script mounted-media": f"D:|SP2|{ISO}\n",
        f"script mount-image {ISO}": 0,
        f"script dismount-image {ISO}": 0,
    }
    host = ScriptedHost({**script, "script file-version D:\\setup.exe": "3.2.7510.0\n"})
    asked = OpenMedia(ISO, "iso", file="setup.exe", build="4.0.1662.0")
    seen = virtual_time.run(asked.observe(host, receipt()))
    assert (seen.state, "its setup.exe is 3.2.7510.0, not 4.0.1662.0" in seen.because) == ("not_done", True)
    with pytest.raises(ActFailed, match="is another medium"):
        virtual_time.run(asked.act(host, receipt()))
    assert host.commands[-1] == f"script dismount-image {ISO}"


def test_a_folder_is_never_closed() -> None:
    assert observed("media.close", {"path": "C:\\Media", "kind": "folder"}, {}).state == "done"


@pytest.mark.parametrize(
    ("says", "state"),
    [
        ("", "done"),
        (f"F:|SOMETHING|{ISO}\n", "not_done"),
        ("F:|mim-x22-20157|\n", "not_done"),
        ("F:|OTHER|C:\\Other.iso\n", "done"),
        ("garbage", "unknown"),
    ],
)
def test_a_medium_is_mounted_by_image_or_by_label(says: str, state: str) -> None:
    with_ = {"path": ISO, "label": "MIM-X22-20157"}

    assert observed("media.not_mounted", with_, {"script mounted-media": says}).state == state


def test_a_medium_without_path_and_label_is_none() -> None:
    with pytest.raises(BadInput):
        build("media.not_mounted", {"path": None, "label": None})


def test_a_tool_that_is_missing_leaves_it_unknown() -> None:
    says = Exited(9009, b"", b"'powershell' is not recognized")

    assert observed("media.not_mounted", {"path": ISO}, {"script mounted-media": says}).state == "unknown"


@given(st.text())
def test_reading_what_tools_print_never_fails(text: str) -> None:
    files.tree_in(text)
    mappings_in(text)
    mounted_in(text)
    manifest_in(text.encode("utf-16"))


@given(st.dictionaries(st.text("abc\\. ", min_size=1).map(str.strip).filter(bool), st.integers(0, 10**12)))
def test_a_manifest_says_what_was_written_into_it(sizes: dict[str, int]) -> None:
    listed = {name: files.File("ab" * 32, size) for name, size in sizes.items()}

    assert manifest_in(manifest("C:\\Sync", listed)) == ("C:\\Sync", listed)
