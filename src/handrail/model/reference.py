"""How documents refer to secrets, which never stand in them.

keyring:SERVICE/USER  the keyring of the operating system; keyring:NAME is short for keyring:handrail/NAME
env:NAME              an environment variable of the process that acts
file:PATH             the first line of a file of the machine that acts
exec:HELPER/NAME      what a helper of the local configuration prints; exec:HELPER where it asks for no name
"""

from __future__ import annotations

import re
from typing import Literal, get_args

Scheme = Literal["keyring", "env", "file", "exec"]
SCHEMES: tuple[str, ...] = get_args(Scheme)

HOW = "Write keyring:SERVICE/USER, env:NAME, file:PATH or exec:HELPER/NAME."

HELPER = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}\Z")
# It becomes part of a helper's command line: it must not pass for an option, and not lead out of a folder.
ASKED = re.compile(r"(?!.*(\A|[/\\])\.\.([/\\]|\Z))[A-Za-z0-9_.@][A-Za-z0-9_.@/\\+=,:# -]{0,511}\Z")

_KEYRING = "handrail"


def split(reference: str) -> tuple[str, str] | None:
    """Scheme and the rest; None when the text is no reference."""
    scheme, colon, rest = reference.partition(":")
    return (scheme, rest) if colon and rest and scheme in SCHEMES else None


def is_reference(text: str) -> bool:
    return split(text) is not None


def keyring_entry(rest: str) -> tuple[str, str]:
    """Service and user."""
    service, slash, user = rest.partition("/")
    return (service, user) if slash else (_KEYRING, rest)
