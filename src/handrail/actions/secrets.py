"""Where secrets are looked up. An estate names a secret by a reference (`model/reference.py`), never by its value.

A value is looked up by the very process that needs it, each time that it is needed, and goes nowhere but to the host
that needs it. Everything that was ever looked up is hidden in whatever this process writes (`redacting.py`).
"""

from __future__ import annotations

import importlib
import os
import stat
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from handrail.actions import secret_helpers
from handrail.actions.redacting import HIDDEN, SHORTEST, Redactor, redacted
from handrail.documents.config import Helper
from handrail.errors import BadInput
from handrail.model.reference import HOW, keyring_entry, split

__all__ = ["HIDDEN", "SHORTEST", "SecretStore", "redacted", "system_keyring"]

T = TypeVar("T")

LONGEST_FILE = 64 * 1024
"""Bytes of a secret file that are read."""

Keyring = Callable[[str, str], "str | None"]
Helpers = Callable[[], Mapping[str, Helper]]
"""Reads the helpers of the local configuration. BadInput when it cannot be used."""


def system_keyring(service: str, user: str) -> str | None:
    """Raises BadInput when there is no keyring here."""
    try:
        keyring: Any = importlib.import_module("keyring")
    except ImportError as missing:
        raise BadInput(
            "The keyring cannot be used: the package keyring is not installed.",
            "Install it with pip install keyring, or refer to the secret by env:NAME or file:PATH.",
        ) from missing
    try:
        found: str | None = keyring.get_password(service, user)
    except Exception as failed:
        if type(failed).__name__ == "NoKeyringError":
            raise BadInput(
                "There is no keyring on this machine, or none for this session.",
                "Refer to the secret by env:NAME, file:PATH or exec:HELPER/NAME.",
            ) from None
        raise BadInput(f"The keyring did not answer: {type(failed).__name__}.", "Unlock it and try again.") from failed
    return found


@dataclass(slots=True)
class SecretStore:
    """Resolves references and remembers every value that it gave out, so that `redact` can hide them."""

    environment: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
    keyring: Keyring = system_keyring
    helpers: Helpers = field(default=dict, repr=False)
    redactor: Redactor = field(default_factory=Redactor)
    _answers: dict[str, tuple[float, str]] = field(default_factory=dict, repr=False)
    _asking: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def resolve(self, reference: str) -> str:
        """Raises BadInput when the reference is none, or there is nothing behind it; the value is never in the text."""
        parts = split(reference)
        if parts is None:
            # What stands there may well be the secret itself: it is not repeated.
            raise BadInput("A secret must be given as a reference.", HOW)
        scheme, rest = parts
        look_up = {"env": self._env, "file": secret_file, "keyring": self._keyring, "exec": self._exec}[scheme]
        value = look_up(rest)
        if len(value) < SHORTEST:
            raise BadInput(
                f"The secret behind {reference} is empty or shorter than {SHORTEST} characters.",
                "What is so short could not be hidden.",
            )
        self.redactor.hide(value)
        return value

    def hide(self, value: str) -> None:
        """Have a secret that was not looked up here redacted too."""
        self.redactor.hide(value)

    def redact(self, what: T) -> T:
        """A copy of texts, bytes, lists and mappings with every secret that was given out replaced by ***."""
        return self.redactor.redact(what)

    def _env(self, name: str) -> str:
        if name not in self.environment:
            raise BadInput(f"The environment variable {name} is not set.", "Set it before you run Handrail.")
        return self.environment[name]

    def _keyring(self, rest: str) -> str:
        service, user = keyring_entry(rest)
        if not service or not user:
            raise BadInput(f"keyring:{rest} names no user.", "Write keyring:SERVICE/USER.")
        value = self.keyring(service, user)
        if value is None:
            raise BadInput(f"The keyring has no secret {rest}.", f"Store it with: keyring set {service} {user}")
        return value

    def _exec(self, rest: str) -> str:
        # One at a time: twenty hosts with the same password are one question, and one prompt at most.
        with self._asking:
            until, value = self._answers.get(rest, (0.0, ""))
            if time.monotonic() < until:
                return value
            helpers = self.helpers()
            value = secret_helpers.ask(helpers, rest, self.redactor.redact)
            keep = helpers[rest.partition("/")[0]].keep
            self._answers[rest] = (time.monotonic() + keep, value)
            return value


def secret_file(name: str) -> str:
    """The first line of a file that nobody else can read."""
    path = Path(name).expanduser()
    try:
        with path.open("rb") as file:
            _refuse_readable(path, os.fstat(file.fileno()))
            text = file.read(LONGEST_FILE).decode("utf-8-sig")
    except OSError as failed:
        because = failed.strerror or type(failed).__name__
        raise BadInput(f"The secret file {path} cannot be read: {because}.", "Check its path and its rights.") from None
    except UnicodeDecodeError:
        raise BadInput(f"The secret file {path} is no text in UTF-8.", "Its first line must be the secret.") from None
    lines = text.splitlines()
    return lines[0] if lines else ""


def _refuse_readable(path: Path, found: os.stat_result) -> None:
    """As OpenSSH and PostgreSQL do it: its owner's alone; a file of root's may be readable to its group."""
    if os.name != "posix" or not stat.S_ISREG(found.st_mode):
        return
    allowed = stat.S_IRGRP if found.st_uid == 0 and os.geteuid() != 0 else 0
    if found.st_mode & 0o077 & ~allowed:
        raise BadInput(
            f"The secret file {path} can be read by others than its owner.",
            f"Take that right away (chmod 600 {path}), and ask who may have read it.",
        )
