"""Where secrets are looked up, and how they are kept out of everything that we write.

An estate names a secret by a reference, never by its value:

    env:NAME              an environment variable of this process
    file:PATH             the first line of a file
    keyring:SERVICE/USER  the keyring of the operating system (needs the package `keyring`)
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from handrail.errors import BadInput

T = TypeVar("T")

HIDDEN = "***"
SHORTEST = 3
"""Characters. Anything shorter stands in too many texts to be hidden by value, and is no secret."""

Keyring = Callable[[str, str], "str | None"]


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
        raise BadInput(f"The keyring did not answer: {type(failed).__name__}.", "Unlock it and try again.") from failed
    return found


@dataclass(slots=True)
class SecretStore:
    """Resolves references and remembers every value that it gave out, so that `redact` can hide them."""

    environment: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
    keyring: Keyring = system_keyring
    _given: set[str] = field(default_factory=set, repr=False)

    def resolve(self, reference: str) -> str:
        """Raises BadInput when the reference is none, or there is nothing behind it; the value is never in the text."""
        scheme, colon, rest = reference.partition(":")
        if not colon or scheme not in ("env", "file", "keyring") or not rest:
            # What stands there may well be the secret itself: it is not repeated.
            raise BadInput(
                "A secret must be given as a reference.", "Write env:NAME, file:PATH or keyring:SERVICE/USER."
            )
        value = {"env": self._env, "file": self._file, "keyring": self._keyring}[scheme](rest)
        if len(value) < SHORTEST:
            raise BadInput(f"The secret behind {reference} is empty or shorter than {SHORTEST} characters.")
        self._given.add(value)
        return value

    def hide(self, value: str) -> None:
        """Have a secret that was not looked up here redacted too."""
        self._given.add(value)

    def redact(self, what: T) -> T:
        """A copy of texts, bytes, lists and mappings with every secret that was given out replaced by ***."""
        return redacted(what, self._given)

    def _env(self, name: str) -> str:
        if name not in self.environment:
            raise BadInput(f"The environment variable {name} is not set.", "Set it before you run Handrail.")
        return self.environment[name]

    def _file(self, name: str) -> str:
        path = Path(name).expanduser()
        try:
            lines = path.read_text("utf-8").splitlines()
        except OSError as failed:
            because = failed.strerror or type(failed).__name__
            raise BadInput(f"The secret file {path} cannot be read: {because}.") from failed
        except UnicodeDecodeError:
            raise BadInput(f"The secret file {path} is no text.") from None
        return lines[0] if lines else ""

    def _keyring(self, rest: str) -> str:
        service, slash, user = rest.partition("/")
        if not slash or not user:
            raise BadInput(f"keyring:{rest} names no user.", "Write keyring:SERVICE/USER.")
        value = self.keyring(service, user)
        if value is None:
            raise BadInput(f"The keyring has no secret {rest}.", f"Store it with: keyring set {service} {user}")
        return value


def redacted(what: T, secrets: set[str] | frozenset[str]) -> T:
    """The same shape with every secret hidden, longest first, wherever it stands: also inside keys."""
    ordered = sorted((one for one in secrets if len(one) >= SHORTEST), key=len, reverse=True)
    return _redacted(what, ordered) if ordered else what


def _redacted(what: Any, secrets: list[str]) -> Any:
    if isinstance(what, str):
        for one in secrets:
            what = what.replace(one, HIDDEN)
        return what
    if isinstance(what, bytes):
        for one in secrets:
            what = what.replace(one.encode(), HIDDEN.encode()).replace(one.encode("utf-16-le"), HIDDEN.encode())
        return what
    if isinstance(what, Mapping):
        return {_redacted(key, secrets): _redacted(value, secrets) for key, value in what.items()}
    if isinstance(what, (list, tuple, set, frozenset)):
        return type(what)(_redacted(one, secrets) for one in what)
    return what
