"""Who holds what is sealed: our own identity, made once and kept from everybody else, and the custodians."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyrage
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.errors import BadInput, CannotOpen, HandrailError
from handrail.restoring.custody import IDENTITY, PROGRAM, Custody

SECRET = b"\x00\x01 the key set of CONTOSO\\svc-sync \xff"


@given(st.binary(max_size=2000))
def test_what_is_sealed_opens_as_it_was(data: bytes) -> None:
    custody = Custody()
    sealed = custody.seal(data)

    assert custody.unseal(sealed) == data
    assert len(data) < 8 or data not in sealed


def test_another_process_opens_it_with_the_same_identity(tmp_path: Path) -> None:
    sealed = Custody(tmp_path / "custody").seal(SECRET)

    assert Custody(tmp_path / "custody").unseal(sealed) == SECRET


def test_an_identity_is_its_owners_alone_and_made_once(tmp_path: Path) -> None:
    """Also when many make it at the same moment: all seal for the one that is kept."""
    folder = tmp_path / "home" / "custody"
    with ThreadPoolExecutor(8) as pool:
        sealed = list(pool.map(lambda _: Custody(folder).seal(SECRET), range(16)))

    assert [Custody(folder).unseal(one) for one in sealed] == [SECRET] * 16
    assert [one.name for one in folder.iterdir()] == [IDENTITY]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / IDENTITY).stat().st_mode) == 0o600


def test_custodians_open_it_without_us_and_with_any_tool_of_age(tmp_path: Path) -> None:
    alice, eve = pyrage.x25519.Identity.generate(), pyrage.x25519.Identity.generate()
    custody = Custody(tmp_path, {"alice": str(alice.to_public())})
    sealed = custody.seal(SECRET)

    assert sealed.startswith(b"age-encryption.org/v1\n")
    assert pyrage.decrypt(sealed, [alice]) == SECRET
    with pytest.raises(pyrage.DecryptError):
        pyrage.decrypt(sealed, [eve])
    assert list(custody.holders()) == [PROGRAM, "alice"]


def test_the_file_that_we_keep_is_an_identity_of_age(tmp_path: Path) -> None:
    custody = Custody(tmp_path)
    sealed = custody.seal(SECRET)
    lines = (tmp_path / IDENTITY).read_text().splitlines()

    assert pyrage.decrypt(sealed, [pyrage.x25519.Identity.from_str(lines[-1])]) == SECRET
    assert lines[0].startswith("#") and custody.holders()[PROGRAM] in lines[0]


def test_what_others_sealed_does_not_open(tmp_path: Path) -> None:
    sealed = Custody(tmp_path / "theirs").seal(SECRET)
    Custody(tmp_path / "ours").seal(b"")

    with pytest.raises(CannotOpen, match="another installation"):
        raise refused(tmp_path / "ours", sealed)


@pytest.mark.parametrize("place", [0, 30, 120, -20, -1])
def test_one_changed_byte_anywhere_and_it_does_not_open(tmp_path: Path, place: int) -> None:
    sealed = bytearray(Custody(tmp_path).seal(SECRET))
    sealed[place] ^= 1

    with pytest.raises(CannotOpen):
        Custody(tmp_path).unseal(bytes(sealed))
    with pytest.raises(CannotOpen):
        Custody(tmp_path).unseal(bytes(sealed[:-1]))


def test_opening_never_makes_an_identity(tmp_path: Path) -> None:
    """A new one would open nothing, and hide that the old one is gone."""
    with pytest.raises(CannotOpen, match="no identity"):
        Custody(tmp_path / "custody").unseal(b"x")
    assert not (tmp_path / "custody").exists()


def refused(folder: Path, sealed: bytes = b"") -> HandrailError:
    with pytest.raises(HandrailError) as caught:
        Custody(folder).unseal(sealed) if sealed else Custody(folder).seal(SECRET)
    return caught.value


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "",
        lambda text: text.replace("AGE-SECRET-KEY-1", "AGE-SECRET-KEY-2"),
        lambda text: text + text,
        lambda text: text[:-5] + ("A" if text[-5] != "A" else "C") + text[-4:],
    ],
)
def test_a_damaged_identity_is_said_and_neither_repeated_nor_replaced(tmp_path: Path, change: object) -> None:
    Custody(tmp_path).seal(SECRET)
    path = tmp_path / IDENTITY
    secret = path.read_text().splitlines()[-1]
    changed = change(path.read_text())  # type: ignore[operator]
    path.write_text(changed)

    error = refused(tmp_path)

    assert isinstance(error, BadInput) and "damaged" in error.message and str(path) in error.message
    assert secret[20:40] not in str(error) and error.__cause__ is None
    assert path.read_text() == changed


def test_an_identity_that_others_can_read_is_refused(tmp_path: Path) -> None:
    Custody(tmp_path).seal(SECRET)
    (tmp_path / IDENTITY).chmod(0o640)

    assert "chmod 600" in str(refused(tmp_path))


def test_an_identity_that_cannot_be_read_or_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "custody" / IDENTITY).mkdir(parents=True, mode=0o700)
    assert "cannot be read" in str(refused(tmp_path / "custody"))

    (tmp_path / "file").write_text("")
    assert "cannot be" in str(refused(tmp_path / "file"))


def test_whoever_redacts_is_told_the_identity(tmp_path: Path) -> None:
    told: list[str] = []
    Custody(tmp_path, hide=told.append).seal(SECRET)

    assert told == [(tmp_path / IDENTITY).read_text().splitlines()[-1]]
    assert told[0] not in repr(Custody(tmp_path, hide=told.append))
