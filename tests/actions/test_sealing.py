"""Secret files are sealed, proved and only then shredded; killed anywhere, nothing is lost and nothing stays open."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pyrage
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.twins import a_twin

from handrail.actions import build
from handrail.actions.protocol import ActFailed, Action, Observation, Receipt
from handrail.actions.sealing import is_left_of
from handrail.errors import FileMissing
from handrail.hosts.local import LocalHost
from handrail.hosts.protocol import Command, Host, Outcome
from handrail.restoring.custody import PROGRAM, Custody
from handrail.running.targets import PretendSecrets

T = TypeVar("T")

KEYS = b"twin key set \x00\x01\x02\x00" * 40
SHA256 = hashlib.sha256(KEYS).hexdigest()
ALICE = pyrage.x25519.Identity.generate()


class Killed(BaseException):
    """We are no more; nothing of ours may catch it."""


class Mortal:
    """A host under which we are killed: before or after so many operations have taken effect."""

    def __init__(self, host: Host, lives: int = 10**6, after: bool = False) -> None:
        self.host, self.lives, self.after = host, lives, after
        self.name, self.windows = host.name, host.windows

    async def _one(self, work: Coroutine[Any, Any, T]) -> T:
        self.lives -= 1
        if self.lives < 0 and not self.after:
            work.close()
            raise Killed
        result = await work
        if self.lives < 0:
            raise Killed
        return result

    async def execute(self, command: Command) -> Outcome:
        return await self._one(self.host.execute(command))

    async def read(self, path: str) -> bytes:
        return await self._one(self.host.read(path))

    async def write(self, path: str, data: bytes) -> None:
        await self._one(self.host.write(path, data))

    async def put(self, source: Path, path: str) -> None:
        raise AssertionError

    async def get(self, path: str, target: Path) -> None:
        raise AssertionError

    async def boot_id(self) -> str:
        raise AssertionError

    async def close(self) -> None:
        return None


class Place:
    """A host with a secret file on it: a real one that runs Linux, or Windows on the twin."""

    def __init__(self, host: Host, folder: str) -> None:
        self.host, self.file = host, folder + "keys.bin"
        self.secrets = PretendSecrets(Custody(custodians={"alice": str(ALICE.to_public())}))
        self.run(host.write(self.file, KEYS))

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run(work)

    @property
    def receipt(self) -> Receipt:
        return Receipt("run-1", "identity/sync@sync01/sp3/seal", 1, self.secrets)

    def read(self, path: str) -> bytes | None:
        try:
            return self.run(self.host.read(path))
        except FileMissing:
            return None

    def write(self, path: str, data: bytes) -> None:
        self.run(self.host.write(path, data))

    def look(self, action: Action) -> Observation:
        return self.run(action.observe(self.host, self.receipt))

    def act(self, action: Action, host: Host | None = None) -> None:
        self.run(action.act(host or self.host, self.receipt))

    def settle(self, action: Action) -> Observation:
        """As the runner does with what was begun: look, go on, look."""
        seen = self.look(action)
        if seen.state == "not_done":
            self.act(action)
            seen = self.look(action)
        return seen

    @property
    def sealing(self) -> Action:
        return build("secret.seal", {"file": self.file, "sha256": SHA256})

    @property
    def opening(self) -> Action:
        return build("secret.open", {"file": self.file + ".age", "sha256": SHA256, "to": self.file})

    @property
    def shredding(self) -> Action:
        return build("secret.shred", {"file": self.file, "sha256": SHA256})


@pytest.fixture(params=["linux", "twin"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "linux":
        return Place(LocalHost("here"), f"{tmp_path}/")
    return Place(a_twin().host("sync01"), "C:\\Backup\\")


def test_a_secret_file_is_sealed_proved_and_shredded(place: Place) -> None:
    assert place.look(place.sealing).state == "not_done"
    seen = place.settle(place.sealing)

    assert seen.state == "done" and place.read(place.file) is None
    sealed = place.read(place.file + ".age")
    assert sealed is not None and KEYS not in sealed
    assert pyrage.decrypt(sealed, [ALICE]) == KEYS
    assert seen.outputs == {
        "file": place.file + ".age",
        "sha256": hashlib.sha256(sealed).hexdigest(),
        "plain_sha256": SHA256,
        "holders": {PROGRAM: place.secrets.holders()[PROGRAM], "alice": str(ALICE.to_public())},
    }


def test_it_is_opened_for_a_step_and_shredded_again(place: Place) -> None:
    place.settle(place.sealing)

    before = place.look(place.opening)
    assert before.state == "not_done"
    assert place.settle(place.opening).outputs == {"file": place.file, "sha256": SHA256}
    assert place.read(place.file) == KEYS
    assert place.look(place.sealing).because == f"{place.file} lies there unsealed"
    assert place.opening.undo(before) == place.shredding
    assert place.opening.undo(place.look(place.opening)) is None
    assert place.settle(place.shredding).state == "done"
    assert place.read(place.file) is None and place.look(place.sealing).state == "done"


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("lives", range(8))
@pytest.mark.parametrize("which", ["sealing", "opening", "shredding"])
def test_killed_between_any_two_operations_it_is_gone_on_with(
    place: Place, which: str, lives: int, after: bool
) -> None:
    """At no moment is there neither the plain file nor a sealed one that opens."""
    if which != "sealing":
        place.settle(place.sealing)
    if which == "shredding":
        place.settle(place.opening)
    action: Action = getattr(place, which)
    with contextlib.suppress(Killed):
        place.act(action, Mortal(place.host, lives, after))

    plain, sealed = place.read(place.file), place.read(place.file + ".age")
    assert plain == KEYS or (sealed is not None and place.secrets.unseal(sealed) == KEYS)
    assert place.settle(action).state == "done"
    again = place.read(place.file + ".age")
    assert again is not None and (sealed is None or again == sealed), "what was sealed once is not sealed anew"
    assert place.secrets.unseal(again) == KEYS


@pytest.mark.parametrize("overwritten", [0, 1, 100, len(KEYS)])
@pytest.mark.parametrize("which", ["sealing", "shredding"])
def test_killed_while_it_is_being_overwritten(place: Place, which: str, overwritten: int) -> None:
    place.settle(place.sealing)
    place.write(place.file, bytes(overwritten) + KEYS[overwritten:])

    assert place.settle(getattr(place, which)).state == "done"
    assert place.read(place.file) is None


@given(st.binary(max_size=30), st.data())
def test_what_is_left_of_a_file_is_its_bytes_or_zeros(whole: bytes, data: st.DataObject) -> None:
    left = bytes(one * data.draw(st.integers(0, 1)) for one in whole)

    assert is_left_of(left, whole)
    assert not is_left_of(left + b"\0", whole)
    if whole:
        other = bytes([(whole[0] + data.draw(st.integers(1, 255))) % 256]) + whole[1:]
        assert is_left_of(other, whole) == (other[0] == 0)


@pytest.mark.parametrize(
    ("plain", "sealed", "says"),
    [
        (None, None, "nothing to seal"),
        (b"another", None, "not the file that was to be sealed"),
        (b"another", "ours", "is not deleted"),
        (KEYS, "damaged", "not overwritten"),
        (KEYS, "theirs", "not overwritten"),
        (KEYS, "other", "holds something else"),
        (None, "damaged", "cannot be opened"),
    ],
)
def test_what_is_not_ours_is_neither_overwritten_nor_deleted(
    place: Place, plain: bytes | None, sealed: str | None, says: str
) -> None:
    put = {
        "ours": lambda: place.secrets.seal(KEYS),
        "damaged": lambda: place.secrets.seal(KEYS)[:-1] + b"?",
        "theirs": lambda: Custody().seal(KEYS),
        "other": lambda: place.secrets.seal(b"other"),
    }
    place.act(place.shredding)
    if plain is not None:
        place.write(place.file, plain)
    if sealed is not None:
        place.write(place.file + ".age", put[sealed]())
    before = place.read(place.file), place.read(place.file + ".age")

    assert place.look(place.sealing).state == "not_done"
    with pytest.raises(ActFailed, match=says):
        place.act(place.sealing)
    assert (place.read(place.file), place.read(place.file + ".age")) == before
    assert place.look(place.sealing).state == "not_done"


def test_a_disk_that_keeps_something_else_costs_nothing(place: Place) -> None:
    class Forgetful(Mortal):
        async def write(self, path: str, data: bytes) -> None:
            await self.host.write(path, data[:-1] + b"?")

    with pytest.raises(ActFailed, match="stays where it is"):
        place.act(place.sealing, Forgetful(place.host))
    assert place.read(place.file) == KEYS


@pytest.mark.parametrize("sealed", ["none", "damaged", "other"])
def test_what_does_not_hold_what_is_expected_is_not_opened(place: Place, sealed: str) -> None:
    place.act(place.shredding)
    if sealed != "none":
        data = place.secrets.seal(b"other" if sealed == "other" else KEYS)
        place.write(place.file + ".age", data if sealed == "other" else data[:-1])

    with pytest.raises(ActFailed):
        place.act(place.opening)
    assert place.read(place.file) is None


def test_another_file_is_in_nobodys_way(place: Place) -> None:
    place.settle(place.sealing)
    place.write(place.file, b"written by somebody")

    for action in (place.opening, place.shredding):
        with pytest.raises(ActFailed, match="another file"):
            place.act(action)
    assert place.read(place.file) == b"written by somebody"


def test_overwriting_goes_over_the_very_place_of_the_file(tmp_path: Path) -> None:
    """A second name of the same file shows what stands there afterwards."""
    place = Place(LocalHost("here"), f"{tmp_path}/")
    other = tmp_path / "other name"
    other.hardlink_to(place.file)

    place.settle(place.sealing)

    assert other.read_bytes() == bytes(len(KEYS))


def test_a_file_that_cannot_be_deleted_is_said(tmp_path: Path) -> None:
    place = Place(LocalHost("here"), f"{tmp_path}/")

    class NoShred(Mortal):
        async def execute(self, command: Command) -> Outcome:
            return await self.host.execute(Command(("sh", "-c", "echo no such tool >&2; exit 127")))

    with pytest.raises(ActFailed, match="no such tool"):
        place.act(place.sealing, NoShred(place.host))
    assert place.look(place.sealing).because == f"{place.file} lies there unsealed"
    assert place.settle(place.sealing).state == "done"


def test_nothing_of_the_secret_is_in_what_is_journaled(place: Place) -> None:
    seen = [
        place.look(place.sealing),
        place.settle(place.sealing),
        place.look(place.opening),
        place.settle(place.opening),
    ]

    assert "twin key set" not in repr(seen) and KEYS.hex() not in repr(seen)
    assert all(place.file in one.because for one in seen)
