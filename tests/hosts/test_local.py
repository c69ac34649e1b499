"""LocalHost: commands end with their children, files are replaced whole, and root acts as the named account."""

from __future__ import annotations

import asyncio
import os
import pwd
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from handrail.errors import FileMissing, HostError, HostUnreachable
from handrail.hosts.local import LocalHost
from handrail.hosts.protocol import Command, Exited, TimedOut

ROOT = os.geteuid() == 0
as_root = pytest.mark.skipif(not ROOT, reason="only root can act as another account")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other accounts can enter, which pytest's own are not."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def execute(host: LocalHost, *argv: str, stdin: bytes = b"", timeout: float = 20.0, cwd: str | None = None) -> object:
    return asyncio.run(host.execute(Command(argv, stdin=stdin, timeout=timeout, cwd=cwd)))


def test_a_command_answers_with_code_output_and_errors() -> None:
    outcome = execute(LocalHost("here"), "sh", "-c", "cat; echo oops >&2; exit 7", stdin=b"hello")

    assert outcome == Exited(7, b"hello", b"oops\n")


def test_a_program_that_is_not_there_is_127_as_in_a_shell() -> None:
    outcome = execute(LocalHost("here"), "no-such-program-here")

    assert isinstance(outcome, Exited)
    assert outcome.code == 127


def test_a_command_killed_by_a_signal_never_looks_like_success() -> None:
    outcome = execute(LocalHost("here"), "sh", "-c", "kill -9 $$")

    assert isinstance(outcome, Exited)
    assert outcome.code == 137


def test_a_missing_working_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileMissing, match="gone is not there"):
        execute(LocalHost("here"), "true", cwd=str(tmp_path / "gone"))


def test_a_time_out_ends_the_children_too(tmp_path: Path) -> None:
    child = tmp_path / "child"
    outcome = execute(LocalHost("here"), "sh", "-c", f"sleep 600 & echo $! > {child}; wait", timeout=0.5)

    assert outcome == TimedOut(0.5)
    stat = Path(f"/proc/{child.read_text().strip()}/stat")
    assert not stat.exists() or stat.read_text().rpartition(") ")[2].startswith("Z")


def test_our_own_environment_does_not_leak_into_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", "from-my-shell")
    outcome = execute(LocalHost("here"), "env")

    assert isinstance(outcome, Exited)
    assert b"from-my-shell" not in outcome.out
    assert b"LC_ALL=C.UTF-8" in outcome.out


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    host, path = LocalHost("here"), str(tmp_path / "file")
    asyncio.run(host.write(path, b"\x00one"))
    asyncio.run(host.write(path, b"two"))

    assert asyncio.run(host.read(path)) == b"two"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_a_new_file_is_private_and_a_replaced_one_keeps_its_mode(tmp_path: Path) -> None:
    host, new, old = LocalHost("here"), tmp_path / "new", tmp_path / "old"
    old.write_text("x")
    old.chmod(0o640)
    asyncio.run(host.write(str(new), b"y"))
    asyncio.run(host.write(str(old), b"y"))

    assert new.stat().st_mode & 0o777 == 0o600
    assert old.stat().st_mode & 0o777 == 0o640


def test_put_and_get_carry_a_file_over(tmp_path: Path) -> None:
    host = LocalHost("here")
    (tmp_path / "a").write_bytes(b"content")
    asyncio.run(host.put(tmp_path / "a", str(tmp_path / "b")))
    asyncio.run(host.get(str(tmp_path / "b"), tmp_path / "c"))

    assert (tmp_path / "c").read_bytes() == b"content"


def test_a_missing_file_is_told_from_one_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(FileMissing, match="is not there"):
        asyncio.run(LocalHost("here").read(str(tmp_path / "none")))
    with pytest.raises(HostError, match="could not be read"):
        asyncio.run(LocalHost("here").read(str(tmp_path)))


def test_a_file_that_cannot_be_written_is_one_clear_sentence(tmp_path: Path) -> None:
    with pytest.raises(HostError, match=r"gone/file could not be written as .+: No such file or directory\."):
        asyncio.run(LocalHost("here").write(str(tmp_path / "gone" / "file"), b""))


def test_the_boot_id_is_the_kernels() -> None:
    expected = Path("/proc/sys/kernel/random/boot_id").read_text().strip()

    assert asyncio.run(LocalHost("here").boot_id()) == expected


def test_an_account_that_does_not_exist_is_named() -> None:
    with pytest.raises(HostUnreachable, match="no account 'nobody-of-that-name'"):
        LocalHost("here", user="nobody-of-that-name")


def test_naming_our_own_account_needs_no_rights() -> None:
    me = pwd.getpwuid(os.geteuid()).pw_name

    assert execute(LocalHost("here", user=me), "id", "-un") == Exited(0, f"{me}\n".encode(), b"")


@as_root
def test_root_acts_as_the_named_account_with_its_groups_and_home() -> None:
    outcome = execute(LocalHost("here", user="nobody"), "sh", "-c", "id -un; id -G; echo $HOME; pwd")

    assert isinstance(outcome, Exited)
    name, groups, home, folder = outcome.text.splitlines()
    assert name == "nobody"
    assert "0" not in groups.split()
    assert home == pwd.getpwnam("nobody").pw_dir
    assert folder == "/"


@as_root
def test_files_are_used_with_the_accounts_rights_not_with_roots(open_folder: Path) -> None:
    secret, box = open_folder / "secret", open_folder / "box"
    secret.write_text("root's")
    secret.chmod(0o600)
    box.mkdir()
    os.chown(box, pwd.getpwnam("nobody").pw_uid, -1)
    host = LocalHost("here", user="nobody")
    asyncio.run(host.write(str(box / "mine"), b"mine"))

    assert (box / "mine").stat().st_uid == pwd.getpwnam("nobody").pw_uid
    assert asyncio.run(host.read(str(box / "mine"))) == b"mine"
    with pytest.raises(HostError, match="could not be read as nobody") as caught:
        asyncio.run(host.read(str(secret)))
    assert not isinstance(caught.value, FileMissing)
    with pytest.raises(HostError, match="could not be written as nobody"):
        asyncio.run(host.write(str(secret), b""))
