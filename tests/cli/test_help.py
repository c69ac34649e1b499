"""Help: every command says what it does in one line, shows examples, and the examples are true."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest

from handrail.cli.app import COMMANDS, Family, command, name_of

WHOLE = command()
_CALL = re.compile(r"handrail( [^|>#)]+)")


def words_of_commands() -> Iterator[tuple[str, ...]]:
    for _, members in COMMANDS:
        for one in members:
            if isinstance(one, Family):
                yield from ((one.name, name_of(inner).removeprefix(one.name + "-")) for inner in one.commands)
            else:
                yield (name_of(one),)


EVERY = list(words_of_commands())


def found(words: tuple[str, ...]) -> Any:
    one = WHOLE
    for word in words:
        one = one.commands[word]
    return one


def examples(words: tuple[str, ...]) -> list[list[str]]:
    """The calls of ourselves in the indented lines of a command's help, as words."""
    lines = [line for line in found(words).help.splitlines() if line.startswith("  ")]
    return [shlex.split(match[1]) for line in lines for match in _CALL.finditer(line)]


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_every_command_shows_an_example_of_itself_that_the_real_table_takes(words: tuple[str, ...]) -> None:
    shown = examples(words)
    assert any(tuple(one[: len(words)]) == words for one in shown), "an indented line: handrail ... "
    for one in shown:
        called = next(known for known in EVERY if tuple(one[: len(known)]) == known)
        found(called).make_context("handrail", one[len(called) :])  # a mistake in it is raised


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_every_command_says_in_one_short_sentence_what_it_does(words: tuple[str, ...]) -> None:
    says = found(words).help.partition("\n")[0]
    assert says.endswith(".") and len(says) <= 74
    first = found(words).get_short_help_str(64)
    assert not first.endswith("..."), "what --help shows of it is cut off"


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_help_fits_80_columns(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    one = found(words)
    context = one.make_context("handrail " + " ".join(words), [], resilient_parsing=True)
    assert max(map(len, one.get_help(context).splitlines())) <= 80


def test_every_option_and_argument_says_what_it_is() -> None:
    for words in EVERY:
        for one in found(words).params:
            assert one.help, f"{' '.join(words)}: {one.name}"
