"""Secret files at rest: sealed with age for those who hold them, opened for the moment in which they are needed.

They are read and written through the host's connection, and sealed on our side: no host needs a tool for it. That suits
key files, which are small, and not backups of databases.

A kill between any two operations leaves one of these, and each is gone on with:
  the plain file alone                     it is sealed
  the sealed file, and the plain one       the sealed one is opened; if it holds the plain one, that is overwritten
  the sealed file, and what is left of a   the same: an overwritten file holds at each place its old byte or zero
  plain one that was being overwritten
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, ClassVar

from handrail.actions.base import Base, settled
from handrail.actions.protocol import ActFailed, Action, Evidence, Observation, Receipt
from handrail.errors import CannotOpen, FileMissing
from handrail.hosts import powershell
from handrail.hosts.protocol import Command, Host
from handrail.probing.shell import MINUTES, complaint, execute

SUFFIX = ".age"

# Zeros over its content, through to the disk, at its very length; then it is deleted. $1 is the path.
SHRED = 'shred --exact --iterations=0 --zero -- "$1" && rm -f -- "$1"'
_EVERYWHERE = ("windows", "linux")


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


async def content(host: Host, path: str) -> bytes | None:
    """The whole file; None when it is not there."""
    try:
        return await host.read(path)
    except FileMissing:
        return None


def is_left_of(left: bytes, whole: bytes) -> bool:
    """Whether `left` is `whole`, or what overwriting it with zeros has come to."""
    return len(left) == len(whole) and all(one in (0, two) for one, two in zip(left, whole, strict=True))


def opened(receipt: Receipt, path: str, data: bytes, expected: str) -> tuple[bytes | None, str]:
    """What a sealed file holds, when it is what is expected; otherwise None, and what is wrong."""
    try:
        plain = receipt.secrets.unseal(data)
    except CannotOpen as refused:
        return None, f"{path} cannot be opened. {refused.message}"
    if sha256(plain) != expected.lower():
        return None, f"{path} opens, and holds something else than what was to be sealed"
    return plain, ""


async def shred(host: Host, path: str) -> None:
    """Overwrite a file once where it lies, and delete it. ActFailed when it could not be."""
    if host.windows:
        answer = await execute(host, powershell.command("shred-file", path, timeout=5 * MINUTES))
        done = answer.code in (0, powershell.ABSENT)
    else:
        answer = await execute(host, Command(("sh", "-c", SHRED, "shred", path), timeout=5 * MINUTES))
        done = answer.code == 0
    if not done:
        raise ActFailed(f"{path} could not be overwritten and deleted: {complaint(answer)}", Evidence(exit=answer.code))


@dataclass(frozen=True, slots=True)
class SealFile(Base):
    """Seal a secret file, open it again to prove that it can be, and only then delete the plain file.

    The sealed file lies beside it, named FILE.age. `sha256` is the plain file's.
    """

    lasting: ClassVar[bool] = True
    outputs: ClassVar[tuple[str, ...]] = ("file", "sha256", "plain_sha256", "holders")
    platforms: ClassVar[tuple[str, ...]] = _EVERYWHERE

    file: str
    sha256: str

    @property
    def sealed(self) -> str:
        return self.file + SUFFIX

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        sealed, left = await content(host, self.sealed), await content(host, self.file)
        evidence: dict[str, Any] = {"file": self.sealed, "plain file": "there" if left is not None else "gone"}
        if sealed is None:
            return settled(False, f"{self.sealed} is not there", evidence)
        evidence["sha256"] = sha256(sealed)
        plain, wrong = opened(receipt, self.sealed, sealed, self.sha256)
        if plain is None:
            return settled(False, wrong, evidence)
        if left is not None:
            return settled(False, f"{self.file} lies there unsealed", evidence)
        outputs = {
            "file": self.sealed,
            "sha256": evidence["sha256"],
            "plain_sha256": self.sha256.lower(),
            "holders": dict(receipt.secrets.holders()),
        }
        because = f"{self.sealed} opens and holds what was sealed; {self.file} is gone"
        return settled(True, because, {**evidence, "opened": True, "holders": outputs["holders"]}, outputs)

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        left, sealed = await content(host, self.file), await content(host, self.sealed)
        if sealed is None:
            plain = await self._seal(host, receipt, left)
        else:
            held, wrong = opened(receipt, self.sealed, sealed, self.sha256)
            if held is None:
                # It may be the only copy of something: whoever put it there decides.
                raise ActFailed(f"{wrong}. Look where it comes from, and move it away; it is not overwritten")
            plain = held
        if left is not None:
            if not is_left_of(left, plain):
                raise ActFailed(f"{self.file} is another file than the one that was sealed, and is not deleted")
            await shred(host, self.file)
        return Evidence(details={"sealed": self.sealed})

    async def _seal(self, host: Host, receipt: Receipt, plain: bytes | None) -> bytes:
        if plain is None:
            raise ActFailed(f"{self.file} is not there, and neither is {self.sealed}: there is nothing to seal")
        if sha256(plain) != self.sha256.lower():
            raise ActFailed(f"{self.file} is not the file that was to be sealed: its SHA-256 is {sha256(plain)}")
        made = receipt.secrets.seal(plain)
        await host.write(self.sealed, made)
        again = await content(host, self.sealed)
        held = None if again is None else opened(receipt, self.sealed, again, self.sha256)[0]
        if held is None:
            raise ActFailed(f"What was written to {self.sealed} does not open; {self.file} stays where it is")
        return plain


@dataclass(frozen=True, slots=True)
class OpenSealed(Base):
    """Open a sealed file for the steps that need it; a later step shreds what is opened here.

    `sha256` is the plain file's; what holds anything else is never written.
    """

    outputs: ClassVar[tuple[str, ...]] = ("file", "sha256")
    platforms: ClassVar[tuple[str, ...]] = _EVERYWHERE

    file: str
    sha256: str
    to: str

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        plain = await content(host, self.to)
        evidence = {"sealed": self.file, "file": self.to}
        if plain is None:
            return settled(False, f"{self.to} is not there", evidence)
        if sha256(plain) != self.sha256.lower():
            return settled(False, f"{self.to} is not what was sealed", evidence)
        return settled(
            True, f"{self.to} is what was sealed", evidence, {"file": self.to, "sha256": self.sha256.lower()}
        )

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        await open_to(host, receipt, self.file, self.sha256, self.to)
        return Evidence(details={"opened": self.to})

    def undo(self, before: Observation) -> Action | None:
        return None if before.state == "done" else ShredFile(self.to, self.sha256)


async def open_to(host: Host, receipt: Receipt, sealed: str, expected: str, to: str) -> None:
    """Write what a sealed file holds to `to`. ActFailed when it does not hold what is expected, or something else lies
    there."""
    data = await content(host, sealed)
    if data is None:
        raise ActFailed(f"{sealed} is not there")
    plain, wrong = opened(receipt, sealed, data, expected)
    if plain is None:
        raise ActFailed(wrong)
    there = await content(host, to)
    if there is not None and not is_left_of(there, plain):
        raise ActFailed(f"{to} is another file, and is not overwritten")
    await host.write(to, plain)


@dataclass(frozen=True, slots=True)
class ShredFile(Base):
    """Overwrite a secret file and delete it.

    With `sha256`, only that very file; one that was half overwritten before counts as it when its sealed form lies
    beside it.
    """

    lasting: ClassVar[bool] = True
    platforms: ClassVar[tuple[str, ...]] = _EVERYWHERE

    file: str
    sha256: str | None = None

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        there = await content(host, self.file) is not None
        return settled(
            not there, f"{self.file} {'lies there unsealed' if there else 'is not there'}", {"file": self.file}
        )

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        left = await content(host, self.file)
        if left is not None:
            if self.sha256 is not None and not await self._is_it(host, receipt, left, self.sha256):
                raise ActFailed(f"{self.file} is another file than the one that was opened, and is not deleted")
            await shred(host, self.file)
        return Evidence(details={"shredded": self.file})

    async def _is_it(self, host: Host, receipt: Receipt, left: bytes, expected: str) -> bool:
        if sha256(left) == expected.lower() or not any(left):
            return True
        sealed = await content(host, self.file + SUFFIX)
        plain = None if sealed is None else opened(receipt, self.file + SUFFIX, sealed, expected)[0]
        return plain is not None and is_left_of(left, plain)
