"""Files and folders, through `cmd`, `robocopy`, `certutil`, the host itself and the reviewed scripts."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.twins import PATCH, SP3, SYNC, Clock, Console, a_twin, done

from handrail.errors import FileMissing, HostError, NotRehearsed
from handrail.twin.things import Entry


def test_a_folder_is_made_with_those_above_it_and_only_once() -> None:
    console = Console(a_twin())

    assert console("cmd", "/c", "mkdir", "C:\\a\\b\\c").code == 0
    again = console("cmd", "/c", "mkdir", "C:\\a\\b\\c")
    assert (again.code, again.error_text) == (1, "A subdirectory or file C:\\a\\b\\c already exists.\r\n")
    assert console("cmd", "/c", "mkdir", "Q:\\a").code == 1


def test_a_line_is_read_by_cmd_and_words_are_only_words() -> None:
    console = Console(a_twin())

    answer = console.line('mkdir "C:\\with blanks" && echo made')
    assert (answer.code, answer.text) == (0, "made\r\n")
    assert console("cmd", "/c", "dir", "C:\\with blanks").code == 0

    assert console("cmd", "/c", "mkdir", "C:\\this&that ^ 50% > nul").code == 0
    assert console("cmd", "/c", "dir", "C:\\this&that ^ 50% > nul").code == 0
    assert console("cmd", "/c", "dir", "C:\\this").code == 1


def test_copying_nothing_makes_an_empty_file_and_overwrites() -> None:
    console = Console(a_twin())

    for _ in range(2):
        answer = console("cmd", "/c", "copy", "/y", "nul", "C:\\probe")
        assert (answer.code, answer.text) == (0, "        1 file(s) copied.\r\n")
    assert console.read("C:\\probe") == b""
    assert len(console.twin.effects()) == 1
    assert console("cmd", "/c", "del", "C:\\probe").code == 0
    assert console("cmd", "/c", "dir", "C:\\probe").code == 1


def test_a_copy_has_the_content_and_the_nature_of_its_original() -> None:
    console = Console(a_twin())
    assert console("cmd", "/c", "copy", "/y", PATCH, "C:\\Windows\\other.msp").code == 0

    copy, original = console.machine().get(Entry, "C:\\Windows\\other.msp"), console.machine().get(Entry, PATCH)
    assert copy is not None and original is not None
    assert (copy.sha256, copy.holds) == (original.sha256, original.holds)


def test_a_file_moves() -> None:
    console = Console(a_twin())
    console.line("echo one> C:\\a.txt")

    assert console("cmd", "/c", "move", "/y", "C:\\a.txt", "C:\\b.txt").code == 0
    assert console("cmd", "/c", "type", "C:\\b.txt").text == "one\r\n"
    assert console("cmd", "/c", "type", "C:\\a.txt").code == 1


def test_redirection_writes_and_appends() -> None:
    console = Console(a_twin())
    console.line("echo one> C:\\a.txt")
    console.line("echo two >> C:\\a.txt")
    console.line("type C:\\nothing > C:\\err.txt 2>&1")

    assert console.read("C:\\a.txt") == b"one\r\ntwo \r\n"
    assert b"cannot find" in console.read("C:\\err.txt")
    assert console.line("echo x > Q:\\a.txt").code == 1


def test_a_digit_before_the_arrow_is_a_handle_as_in_real_cmd() -> None:
    console = Console(a_twin())
    console.line('echo 0> "C:\\exit.txt"')
    assert console.read("C:\\exit.txt") == b""

    console.line('echo 0 > "C:\\exit.txt"')
    assert console.read("C:\\exit.txt") == b"0 \r\n"


def test_if_exist_looks_at_files_and_folders() -> None:
    console = Console(a_twin())

    assert console.line("if exist C:\\Windows echo yes").text == "yes\r\n"
    assert console.line("if not exist C:\\Windows echo yes").text == ""


def test_a_folder_with_something_in_it_goes_only_with_s() -> None:
    console = Console(a_twin())
    console.line("mkdir C:\\a\\b")

    assert console.line("rmdir C:\\a").code == 145
    assert console.line("rmdir /s /q C:\\a").code == 0
    assert console.line("rmdir /s /q C:\\a").code == 2
    assert console.line("dir C:\\a").code == 1


def test_a_file_in_use_cannot_be_deleted() -> None:
    console = Console(a_twin())
    answer = console("cmd", "/c", "del", f"{SYNC}\\Bin\\miiserver.exe")

    assert answer.code == 1
    assert "being used by another process" in answer.error_text


@pytest.mark.parametrize("line", ["dir | find x", "for %a in (*) do echo %a", "doskey x=y"])
def test_what_the_interpreter_is_not_known_to_do_is_not_rehearsed(line: str) -> None:
    console = Console(a_twin())
    with pytest.raises(NotRehearsed):
        console.line(line)
    assert console.twin.effects() == []


def test_robocopy_tells_by_its_code_whether_it_copied() -> None:
    console = Console(a_twin())

    assert console("robocopy", SYNC, "C:\\backup", "/E", "/COPY:DAT", "/R:2", "/W:2").code == 1
    assert console("robocopy", SYNC, "C:\\backup", "/E", "/COPY:DAT", "/R:2", "/W:2").code == 0
    assert console("robocopy", "C:\\nothing", "C:\\backup", "/E").code == 16
    console.line("echo x > C:\\backup\\extra.txt")
    assert console("robocopy", SYNC, "C:\\backup", "/E").code == 2
    assert console("robocopy", SYNC, "C:\\backup", "/MIR").code == 2
    assert console.line("dir C:\\backup\\extra.txt").code == 1


def test_robocopy_trusts_size_and_time_so_that_only_hashes_show_a_damaged_copy() -> None:
    """Which is why copying is judged by hashes."""
    console = Console(a_twin())
    console("robocopy", SYNC, "C:\\backup", "/E")
    path = "C:\\backup\\Bin\\miiserver.exe"
    entry = console.machine().get(Entry, path)
    assert entry is not None
    console.twin.transact("sync01", "rot", lambda machine: machine.put(path, replace(entry, sha256="0" * 64)))

    assert console("robocopy", SYNC, "C:\\backup", "/E").code == 0
    assert console.script("hash-tree", path).text.startswith("0" * 64)


def test_robocopy_cannot_replace_files_in_use() -> None:
    clock = Clock()
    console = Console(a_twin(clock=clock))
    console("robocopy", SYNC, "C:\\backup", "/E")
    clock.pass_(60)
    console.line("echo changed > C:\\backup\\Bin\\miiserver.exe")

    assert console("robocopy", "C:\\backup", SYNC, "/E").code & 8


def test_certutil_and_the_script_agree_on_a_hash() -> None:
    console = Console(a_twin())
    console.line("echo one> C:\\a.txt")
    digest = hashlib.sha256(b"one\r\n").hexdigest()

    assert console("certutil", "-hashfile", "C:\\a.txt", "SHA256").text.splitlines()[1] == digest
    assert console.script("hash-tree", "C:\\a.txt").text == f"{digest.upper()}|5|a.txt\r\n"
    assert console("certutil", "-hashfile", "C:\\nothing", "SHA256").code == -2147024894


def test_a_medium_has_the_hash_that_the_estate_states() -> None:
    console = Console(a_twin())
    assert console.script("hash-tree", "C:\\Media\\ndp48.exe").text.startswith("AB" * 32)


def test_a_tree_is_listed_below_its_folder() -> None:
    console = Console(a_twin())
    console.script("mount-image", SP3)
    text = console.script("hash-tree", "E:\\Synchronization Service").text

    assert "|Synchronization Service.msi\r\n" in text
    assert console.script("hash-tree", "C:\\nothing").code == 3


def test_a_package_tells_its_version_whatever_its_name() -> None:
    console = Console(a_twin())
    console.script("mount-image", SP3)
    text = console.script("msi-version", "E:\\Synchronization Service\\Synchronization Service.msi").text

    assert "ProductVersion=4.7.12.0\r\n" in text
    assert console.script("msi-version", PATCH).code == 1


def test_an_archive_is_unpacked_whole() -> None:
    console = Console(a_twin())

    assert console.script("expand-archive", "D:\\sp3.zip", "C:\\media\\sp3").code == 0
    assert console.line('dir "C:\\media\\sp3\\Synchronization Service\\Synchronization Service.msi"').code == 0
    assert console.script("expand-archive", SP3, "C:\\media\\other").code == 1
    assert console.script("expand-archive", "C:\\nothing.zip", "C:\\media\\other").code == 3


def test_the_host_reads_and_writes_files_and_makes_the_folders_above(tmp_path: Path) -> None:
    console = Console(a_twin())
    done(console.host.write("C:\\new\\folder\\a.bin", b"\x00\xff"))
    (tmp_path / "b").write_bytes(b"two")
    done(console.host.put(tmp_path / "b", "C:\\new\\b"))
    done(console.host.get("C:\\new\\folder\\a.bin", tmp_path / "a"))

    assert (tmp_path / "a").read_bytes() == b"\x00\xff"
    assert console.read("C:\\new\\b") == b"two"
    with pytest.raises(FileMissing):
        console.read("C:\\new\\c")
    with pytest.raises(HostError):
        done(console.host.write("Q:\\a", b""))
