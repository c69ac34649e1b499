"""Who holds what is secret at rest: the program's own age identity, and sealing for it and for the custodians.

What is sealed is an ordinary age file (age-encryption.org): the `age` tool opens it with the identity of any holder.
Ours lies in the home folder, in the form that `age -i` reads, made when something is first sealed.
"""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from handrail.errors import BadInput, CannotOpen

PROGRAM = "this program"
"""The name of the holder that is always there. No custodian can have it: names in an estate hold no blanks."""

IDENTITY = "identity.txt"
_PREFIX = "AGE-SECRET-KEY-1"


@dataclass(slots=True)
class Custody:
    """Seals for the identity in `folder` (None: one in memory, for pretending) and for `custodians`, name -> public
    key. `hide` is told the identity whenever it is read, so that no text of ours can repeat it."""

    folder: Path | None = None
    custodians: Mapping[str, str] = field(default_factory=dict)
    hide: Callable[[str], None] = field(default=lambda _: None, repr=False)
    _identity: Any = field(default=None, repr=False)

    def holders(self) -> dict[str, str]:
        """Everybody who can open what is sealed, with their public keys. BadInput as for `seal`."""
        return {PROGRAM: str(self._own(make=True).to_public()), **self.custodians}

    def seal(self, data: bytes) -> bytes:
        """`data` for all holders. BadInput when the identity cannot be read or made, or a custodian's key is none."""
        import pyrage

        try:
            recipients = [pyrage.x25519.Recipient.from_str(key) for key in self.holders().values()]
        except pyrage.RecipientError:
            raise BadInput("The public key of a custodian is none.", "Look at custodians in the estate.") from None
        return bytes(pyrage.encrypt(data, recipients))

    def unseal(self, data: bytes) -> bytes:
        """What was sealed. CannotOpen when it is damaged or was sealed for others only; BadInput when the identity
        cannot be read."""
        import pyrage

        own = self._own(make=False)
        if own is None:
            raise CannotOpen(
                f"There is no identity in {self.folder}, so nothing that was sealed can be opened here.",
                "Use the home folder of the run that sealed it, or let a custodian open it with age.",
            )
        try:
            return bytes(pyrage.decrypt(data, [own]))
        except pyrage.DecryptError as refused:
            raise CannotOpen(
                f"It does not open with the identity of this program: {refused}.",
                "It is damaged, or it was sealed by another installation of Handrail.",
            ) from None

    def _own(self, *, make: bool) -> Any:
        import pyrage

        if self._identity is None:
            if self.folder is None:
                self._identity = pyrage.x25519.Identity.generate()
            else:
                path = self.folder / IDENTITY
                if make and not _is_there(path):
                    _make(self.folder, pyrage.x25519.Identity.generate())
                if make or _is_there(path):
                    self._identity = _read(path)
            if self._identity is not None:
                self.hide(str(self._identity))
        return self._identity


def new_identity() -> str:
    """A new identity, as text."""
    import pyrage

    return str(pyrage.x25519.Identity.generate())


def identity_in(folder: Path) -> str | None:
    """The identity that `folder` holds, as text; None when it holds none. BadInput when it cannot be read."""
    return str(_read(folder / IDENTITY)) if _is_there(folder / IDENTITY) else None


def adopt(folder: Path, identity: str) -> None:
    """Have `folder` hold an identity that was made elsewhere, unless it holds one. BadInput when it cannot."""
    import pyrage

    if not _is_there(folder / IDENTITY):
        _make(folder, pyrage.x25519.Identity.from_str(identity))


def _is_there(path: Path) -> bool:
    try:
        path.stat()
    except FileNotFoundError:
        return False
    except OSError:
        return True  # reading it will say what is wrong
    return True


def _read(path: Path) -> Any:
    import pyrage

    try:
        with path.open(encoding="utf-8") as file:
            if os.name == "posix" and stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
                raise BadInput(
                    f"The identity {path} can be read by others than its owner.",
                    f"Take that right away (chmod 600 {path}), and ask who may have read it.",
                )
            lines = [line.strip() for line in file]
    except OSError as failed:
        because = failed.strerror or type(failed).__name__
        raise BadInput(f"The identity {path} cannot be read: {because}.", "Mend its rights; never delete it.") from None
    except UnicodeDecodeError:
        raise _damaged(path) from None
    found = [line for line in lines if line.startswith(_PREFIX)]
    if len(found) != 1:
        raise _damaged(path)
    try:
        return pyrage.x25519.Identity.from_str(found[0])
    except pyrage.IdentityError:
        raise _damaged(path) from None


def _damaged(path: Path) -> BadInput:
    # What stands there is not repeated: most of it may be right.
    return BadInput(
        f"The identity {path} is damaged.",
        "Put its backup back. A new one would open nothing that was sealed before; custodians still can.",
    )


def _make(folder: Path, identity: Any) -> None:
    """Write a new identity, whole or not at all. One that another process made meanwhile is left as it is."""
    path = folder / IDENTITY
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        handle, name = tempfile.mkstemp(prefix=IDENTITY + ".", dir=folder)  # its owner's alone, mode 0600
        new = Path(name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(f"# Opens what Handrail sealed. Public key: {identity.to_public()}\n{identity}\n")
                file.flush()
                os.fsync(file.fileno())
            with contextlib.suppress(FileExistsError):
                os.link(new, path)
        finally:
            new.unlink(missing_ok=True)
        _sync(folder)
    except OSError as failed:
        because = failed.strerror or type(failed).__name__
        raise BadInput(
            f"The identity {path} cannot be made: {because}.", "Set HANDRAIL_HOME to a folder that you may write to."
        ) from None


def _sync(folder: Path) -> None:
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


class Resolver(Protocol):
    def resolve(self, reference: str) -> str: ...


@dataclass(frozen=True, slots=True)
class Keeping:
    """What a step's receipt hands to its action: secrets looked up by `store`, sealed and opened by `custody`."""

    store: Resolver
    custody: Custody

    def resolve(self, reference: str) -> str:
        return self.store.resolve(reference)

    def seal(self, data: bytes) -> bytes:
        return self.custody.seal(data)

    def unseal(self, data: bytes) -> bytes:
        return self.custody.unseal(data)

    def holders(self) -> Mapping[str, str]:
        return self.custody.holders()
