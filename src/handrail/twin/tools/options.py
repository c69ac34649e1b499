"""Reading command lines of tools. What a tool of the twin does not understand is not rehearsed, never guessed."""

from __future__ import annotations

from collections.abc import Sequence

from handrail.errors import NotRehearsed


def not_rehearsed(tool: str, arguments: Sequence[str]) -> NotRehearsed:
    return NotRehearsed(
        f"The twin does not know the command: {' '.join((tool, *arguments))[:300]}",
        "It was not carried out; rehearse this step on a lab host.",
    )


def split(
    tool: str, arguments: Sequence[str], *, flags: Sequence[str] = (), takes: Sequence[str] = ()
) -> tuple[list[str], dict[str, str]]:
    """Plain words, and options without their slash in lower case. `takes` are options that the next word belongs to.
    An option may also carry its value after a colon (`/reg:64`)."""
    words: list[str] = []
    options: dict[str, str] = {}
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if word[:1] not in "/-" or len(word) < 2:
            words.append(word)
            continue
        name, colon, value = word[1:].lower().partition(":")
        if name in takes and rest:
            options[name] = rest.pop(0)
        elif name in flags:
            options[name] = word[len(name) + 2 :] if colon else value
        else:
            raise not_rehearsed(tool, arguments)
    return words, options
