"""Every command of the table, later ones included, is given garbage in every place that takes something."""

from __future__ import annotations

from itertools import cycle
from pathlib import Path

import pytest
from tests.cli.test_help import EVERY
from tests.support.command import Said, assert_clean, handrail

from handrail.cli.app import COMMANDS, Command, Family, name_of
from handrail.cli.completing import Parameter, parameters_of

SERVES = {("serve",), ("worker",), ("demo",), ("completion",)}
"""These begin to work with any argument, or need none: their options alone are tried elsewhere."""


def functions() -> dict[tuple[str, ...], Command]:
    found: dict[tuple[str, ...], Command] = {}
    for _, members in COMMANDS:
        for one in members:
            for command in one.commands if isinstance(one, Family) else (one,):
                last = name_of(command)
                words = (one.name, last.removeprefix(one.name + "-")) if isinstance(one, Family) else (last,)
                found[words] = command
    return found


TABLE = functions()
TRIED = [words for words in EVERY if words not in SERVES]


@pytest.fixture(scope="module")
def garbage(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("garbage")
    (folder / "empty").write_bytes(b"")
    (folder / "binary").write_bytes(bytes(range(256)) * 50)
    (folder / "folder").mkdir()
    with (folder / "huge").open("wb") as huge:
        huge.truncate(60 * 1024 * 1024)
    named = {name: str(folder / name) for name in ("empty", "binary", "folder", "huge", "missing")}
    return {**named, "nothing": "", "codes": "a\x1b[2Jb\nc", "half": "\udcff", "long": "x" * 5000, "dash": "-"}


def arguments_of(parameters: list[Parameter], value: str) -> list[str]:
    return [one.choices[0] if one.choices else value for one in parameters if not one.names]


def refused_well(said: Said) -> None:
    assert_clean(said)
    assert all(line.isprintable() for line in said.err.splitlines())
    if said.code == 2:
        assert len(said.err.splitlines()) == 1


KINDS = ("missing", "binary", "folder", "empty", "huge", "codes", "half", "long")
# What may be the name of a host is looked up.
GIVEN = [(words, kind) for words in TRIED for kind in KINDS if words != ("discover",) or kind not in ("half", "binary")]


@pytest.mark.parametrize(("words", "kind"), GIVEN, ids=lambda one: one if isinstance(one, str) else " ".join(one))
def test_garbage_in_an_argument(words: tuple[str, ...], kind: str, garbage: dict[str, str], tmp_path: Path) -> None:
    arguments = arguments_of(parameters_of(TABLE[words]), garbage[kind])
    if arguments:
        refused_well(handrail(*words, *arguments, home=tmp_path / "home"))


@pytest.mark.parametrize("words", TRIED, ids=" ".join)
def test_garbage_in_an_option(words: tuple[str, ...], garbage: dict[str, str], tmp_path: Path) -> None:
    """Each option once, with one kind of garbage after the other."""
    parameters = parameters_of(TABLE[words])
    kinds = cycle(("missing", "folder", "codes", "nothing", "half", "binary", "long", "dash"))
    for one in parameters:
        if one.names and one.takes_value:
            given = arguments_of(parameters, garbage["empty"])
            refused_well(handrail(*words, *given, one.names[0], garbage[next(kinds)], home=tmp_path / "home"))


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_an_unknown_option_and_one_argument_too_many(words: tuple[str, ...], tmp_path: Path) -> None:
    for given in (["--nonsense"], ["x"] * 9):
        if given[0] == "x" and any(one.repeats for one in parameters_of(TABLE[words]) if not one.names):
            continue
        if words == ("completion",):
            given = ["--nonsense"]
        said = handrail(*words, *given, home=tmp_path / "home")
        refused_well(said)
        assert said.code == 2 and said.out == ""
    assert not (tmp_path / "home").exists()
