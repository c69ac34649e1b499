"""Whole files, written."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from handrail.documents.files import refuse_unwritable, write_bytes
from handrail.errors import BadInput


def test_a_file_is_replaced_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    (tmp_path / "plan").write_bytes(b"old")
    write_bytes(tmp_path / "plan", b"new")

    assert (tmp_path / "plan").read_bytes() == b"new"
    assert [one.name for one in tmp_path.iterdir()] == ["plan"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "plan")
    write_bytes(tmp_path / "link", b"new")

    assert (tmp_path / "link").is_symlink() and (tmp_path / "plan").read_bytes() == b"new"


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="there is a folder of this name"):
        write_bytes(tmp_path, b"new")


def test_what_is_no_file_is_written_to_and_never_replaced(tmp_path: Path) -> None:
    """A pipe here; it could be the device of a disk, and we could be root."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()), daemon=True)
    reader.start()
    write_bytes(pipe, b"new")
    reader.join(10)

    assert read == [b"new"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@pytest.mark.parametrize("name", ["", "none/x", "x" * 300, "a\0b"])
def test_what_cannot_be_written_shows_beforehand(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput, match="The page cannot be written"):
        refuse_unwritable(tmp_path / name, "The page")


def test_looking_whether_it_can_be_written_changes_nothing(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_text("kept")
    for one in (old, new):
        refuse_unwritable(one)

    assert old.read_text() == "kept" and list(tmp_path.iterdir()) == [old]
