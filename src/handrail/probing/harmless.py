"""Which commands of a transcript may be asked again of any host at any time: questions only, by an explicit list.

What is not on the list is not asked. Whatever could change something, reach another machine, write a file, start a
second command or open a file so that others cannot is not on it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

SCRIPTS = frozenset(
    (
        *("file-version", "hash-tree", "msi-version", "mounted-media", "wsman-quotas", "transport-facts", "readiness"),
        "vmm-library-servers",
    )
)
"""Reviewed scripts that only look. `files-in-use` is none: it opens each file so that nobody else can, for a moment."""

_SHELL = set("&|<>^%`!\"'\r\n")
"""What cmd could take for more than a word."""


def is_harmless(argv: Sequence[str]) -> bool:
    """Whether asking this is only a question. Quick to say no."""
    if not argv or any(not isinstance(one, str) or "\0" in one or "***" in one or "…" in one for one in argv):
        return False
    words = [one.lower() for one in argv[1:]]
    asks = _TOOLS.get(argv[0].lower().removesuffix(".exe"))
    return asks is not None and asks(words) and not any(_is_elsewhere(one) for one in words)


def is_harmless_script(words: Sequence[str]) -> bool:
    """Of a reviewed script: its name, then its arguments."""
    return bool(words) and words[0] in SCRIPTS and not any("***" in one or _is_elsewhere(one) for one in words[1:])


def _is_elsewhere(word: str) -> bool:
    """Another machine's name or share."""
    return word.startswith(("\\\\", "//", "/s:", "/node:", "/r:", "/remote:", "/u:", "/user:", "/p:"))


def _reg(words: list[str]) -> bool:
    return words[:1] == ["query"] and len(words) > 1


def _sc(words: list[str]) -> bool:
    return words[:1] in (["query"], ["queryex"], ["qc"]) and len(words) <= 2


def _cmd(words: list[str]) -> bool:
    if words[:1] != ["/c"] or any(_SHELL & set(one) for one in words):
        return False
    return words[1:] == ["ver"] or words[1:2] == ["dir"] or words[1:3] == ["cd", "/d"]


def _wmic(words: list[str]) -> bool:
    # `or`, `and` and the rest stand inside one word, behind where.
    forbidden = {"call", "delete", "create", "set", "assoc", "context", "quit", "exit"}
    writes = any(one.startswith(("/output:", "/append:", "/record:", "/password:")) for one in words)
    return (
        "get" in words and not writes and not forbidden & set(words) and words[0] != "product" and not _repairs(words)
    )


def _repairs(words: list[str]) -> bool:
    """Win32_Product repairs whatever it lists."""
    return any("win32_product" in one for one in words)


def _schtasks(words: list[str]) -> bool:
    return words[:1] == ["/query"] and not {"/s", "/u", "/p"} & set(words)


def _wevtutil(words: list[str]) -> bool:
    return words[:1] in (["qe"], ["gl"], ["el"]) and not any(
        one.startswith(("/bm", "/sbm", "/savebookmark")) for one in words
    )


def _certutil(words: list[str]) -> bool:
    return words[:1] == ["-hashfile"] and len(words) <= 3


def _whoami(words: list[str]) -> bool:
    return all(one in ("/groups", "/user", "/priv", "/fo", "csv", "list", "table", "/nh") for one in words)


def _net(words: list[str]) -> bool:
    return words in (["use"], ["start"])


_TOOLS: Mapping[str, Callable[[list[str]], bool]] = {
    "certutil": _certutil,
    "cmd": _cmd,
    "net": _net,
    "reg": _reg,
    "sc": _sc,
    "schtasks": _schtasks,
    "subst": lambda words: not words,
    "wevtutil": _wevtutil,
    "whoami": _whoami,
    "wmic": _wmic,
}
