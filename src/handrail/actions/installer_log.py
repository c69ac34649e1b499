"""Logs of Windows Installer: what is worth keeping, what must not be kept, and what they give as the cause."""

from __future__ import annotations

import re

LIMIT = 200_000
"""Characters of a log that are kept; a verbose one has tens of millions."""

_TELLING = re.compile(
    r"Return value 3|\berror\b|Note: 1: \d|SOURCEMGMT|insert|disk|source|Product Version|reboot|restart|rollback",
    re.IGNORECASE,
)
_SECRET = r"[A-Z0-9_.]*(?:PASSWORD|PASSWD|PWD|SECRET)[A-Z0-9_.]*"
_ASSIGNED = re.compile(rf"(?P<name>{_SECRET}\s*=\s*)(?:\"[^\"]*\"|'[^']*'|\S+)", re.IGNORECASE)
_CHANGED = re.compile(rf"{_SECRET} property\b.*", re.IGNORECASE)


def masked(text: str) -> str:
    """A verbose log repeats every property, passwords too; whatever a property of such a name held is left out."""
    assigned = _ASSIGNED.sub(lambda found: found["name"] + "***", text)
    return _CHANGED.sub(lambda found: re.sub(r"'[^']*'", "***", found[0]), assigned)


def kept(text: str) -> str:
    """The log, without passwords; of a long one its telling lines and its end."""
    if len(text) <= LIMIT:
        return masked(text)
    end = text[-LIMIT // 2 :]
    telling = [line for line in text[: -LIMIT // 2].splitlines() if len(line) < 2000 and _TELLING.search(line)]
    return masked("\n".join(telling)[-LIMIT // 2 :] + "\n…\n" + end)


def cause(text: str, lines: int = 6) -> str:
    """The lines above the first 'Return value 3', which is where Windows Installer says why it failed."""
    all_lines = [line.strip() for line in text.splitlines()]
    for at, line in enumerate(all_lines):
        if "Return value 3" in line:
            return masked("\n".join(one for one in all_lines[max(0, at - lines) : at + 1] if one))
    return ""
