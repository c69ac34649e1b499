"""Which host keys are accepted, and what is said of any other.

They are always checked: against the usual files, the file that the estate names, or the one fingerprint that it gives.
There is no way to accept any key.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import asyncssh

from handrail.errors import HostUnreachable
from handrail.hosts.ssh_way import PORT, Stop

USUAL = (
    Path("~/.ssh/known_hosts"),
    Path("~/.ssh/known_hosts2"),
    Path("/etc/ssh/ssh_known_hosts"),
    Path("/etc/ssh/ssh_known_hosts2"),
)
KEY_KINDS: Sequence[Sequence[str]] = (
    ("ssh-ed25519",),
    ("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"),
    ("rsa-sha2-256", "rsa-sha2-512"),
)
"""A fingerprint does not say what kind of key it is of: asked for one after the other."""


class Trust:
    """Which host key we accept from one stop, and what we say of any other."""

    def __init__(self, stop: Stop) -> None:
        self._stop = stop
        self._pinned = stop.connect.host_key
        self._files = self._known_files()
        self._known = asyncssh.SSHKnownHosts()
        self._expected: list[asyncssh.SSHKey] = []
        self.shown: asyncssh.SSHKey | None = None
        for path in self._files:
            try:
                self._known.load(path.read_text("utf-8", "replace"))
            except OSError as error:
                because = error.strerror or type(error).__name__
                raise HostUnreachable(f"{stop.name}: the known hosts {path} cannot be read: {because}.") from error
            except ValueError as error:
                raise HostUnreachable(
                    f"{stop.name}: the known hosts {path} are not understood: {plain(error)}."
                ) from error

    def _known_files(self) -> list[Path]:
        named = self._stop.connect.known_hosts
        if named is not None:
            path = Path(named).expanduser()
            if not path.is_file():
                raise HostUnreachable(
                    f"{self._stop.name}: the file of known hosts {path} is not there.", "Check connect.known_hosts."
                )
            return [path]
        if self._pinned is not None:
            return []
        return [path for one in USUAL if (path := one.expanduser()).is_file()]

    def known(self, host: str, addr: str, port: int | None) -> tuple[object, ...]:
        """The keys that asyncssh may accept by itself. A pinned fingerprint leaves it none: `accepts` decides."""
        if self._pinned is not None:
            return ([], [], [])
        found = self._known.match(host, addr, port)
        self._expected = list(found[0])
        return (list(found[0]), list(found[1]), list(found[2]))

    def accepts(self, key: asyncssh.SSHKey) -> bool:
        self.shown = key
        return self._pinned is not None and key.get_fingerprint() == _fingerprint(self._pinned)

    def kinds(self) -> Sequence[Sequence[str]]:
        return KEY_KINDS if self._pinned is not None else ((),)

    def worth_another(self, kinds: Sequence[str]) -> bool:
        return self._pinned is not None and kinds is not KEY_KINDS[-1]

    def refusal(self, error: Exception | None) -> HostUnreachable:
        name, place = self._stop.name, f"{self._stop.address}:{self._stop.port}"
        key = self.shown
        if key is None:
            return HostUnreachable(
                f"{name}: the host key of {place} cannot be accepted: {plain(error)}.",
                "Ask whoever looks after the host, and then correct the file of known hosts.",
            )
        shown = key.get_fingerprint()
        if self._pinned is not None:
            return HostUnreachable(
                f"{name}: the host key of {place} is {shown}, and the estate says {self._pinned}.",
                "If the host was set up anew, correct connect.host_key; otherwise somebody stands in between.",
            )
        files = " and ".join(str(path) for path in self._files)
        if self._expected:
            expected = ", ".join(one.get_fingerprint() for one in self._expected)
            return HostUnreachable(
                f"{name}: the host key of {place} has changed: it is {shown}, and {files} says {expected}.",
                "If the host was set up anew, remove the old line and add the new one; "
                "otherwise somebody stands in between.",
            )
        where = f"[{self._stop.address}]:{self._stop.port}" if self._stop.port != PORT else self._stop.address
        text = " ".join(key.export_public_key("openssh").decode("ascii").split()[:2])
        target = self._stop.connect.known_hosts or str(USUAL[0])
        return HostUnreachable(
            f"{name}: the host key of {place} is not known ({shown}).",
            f"Compare the fingerprint on the host (ssh-keygen -lf on its key), then add this line to {target}: "
            f"{where} {text}",
        )


def _fingerprint(text: str) -> str:
    return text.strip().rstrip("=")


# -- what went wrong ----------------------------------------------------------------------------------------------


def plain(error: BaseException | None) -> str:
    text = " ".join(str(getattr(error, "reason", None) or error or "").split())
    return text.rstrip(".")[:200] or type(error).__name__
