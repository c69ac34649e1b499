"""Commands that the documentation tells readers to type do what stands below them, and exist."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.pages import DOCS, ROOT, Block, Player, alike, blocks, commands_named, misspelt, pages, typed

LONG = {"tutorial.md", "how-to-write-a-guide.md", "guide-on-linux.md"}
"""Pages that rehearse, or upgrade something."""


def _played() -> list[Path]:
    return [page for page in pages() if any(one.language == "console" and not one.not_run for one in blocks(page))]


def _named(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize(
    "page", [pytest.param(one, marks=[pytest.mark.slow] if one.name in LONG else []) for one in _played()], ids=_named
)
def test_who_types_what_a_page_says_gets_what_it_shows(page: Path, tmp_path: Path) -> None:
    folder = tmp_path / "reader"
    folder.mkdir()

    assert Player(folder, tmp_path / "home").play(page) > 0


def test_the_tutorial_and_the_making_of_a_guide_are_among_them() -> None:
    assert {"tutorial.md", "how-to-write-a-guide.md"} <= {page.name for page in _played()}


@pytest.mark.parametrize("page", pages(), ids=_named)
def test_every_command_that_a_page_names_exists_with_these_options(page: Path) -> None:
    """Also those that cannot be run here, and those in the middle of a sentence."""
    wrong = [
        f"{place}: {line}: {said}"
        for place, line, whole in commands_named(page)
        if (said := misspelt(line, whole)) is not None
    ]

    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("handrail plan ESTATE [--to RELEASE]... -o PLAN", None),
        ("handrail guide list|show PRODUCT", None),
        ("handrail plan ESTATE --too RELEASE", "--too"),
        ("handrail paln ESTATE", "paln"),
        ("handrail answer RUN STEP maybe", "maybe"),
        ("handrail answer RUN", "STEP"),
    ],
)
def test_a_command_that_is_not_so_is_noticed(line: str, said: str | None) -> None:
    found = misspelt(line)

    assert found is None if said is None else said in (found or "")


@pytest.mark.parametrize(
    ("expected", "actual", "same"),
    [
        ("Run a-20261120-1-k3v9m: 3 done", "Run a-20261121-7-zzzzz:\n  3 done\n", True),
        ("Run a-20261120-1-k3v9m: 3 done", "Run a-20261121-7-zzzzz: 4 done", False),
        ("first\n…\nlast", "first\nsecond\nlast\n", True),
        ("first\n…\nlast", "first\nlast\n", True),
        ("first\n…", "first\nsecond", True),
        ("first\n…\nlast", "first\nlast one\n", False),
        ("12:00:01  begun  x… y", "13:59:59  begun  xx y", True),
        ("", "anything", False),
    ],
)
def test_only_what_differs_from_run_to_run_is_overlooked(expected: str, actual: str, same: bool) -> None:
    assert alike(expected, actual) is same


def test_a_command_that_fails_or_prints_something_else_is_noticed(tmp_path: Path) -> None:
    player = Player(tmp_path, tmp_path / "home")

    def block(text: str) -> Block:
        return Block(DOCS / "index.md", 1, "console", text, "")

    player.type(block("$ handrail guide list\n…mim…\n$ false\n$ echo $?\n1\n"))
    for wrong in ("$ false\n", "$ handrail guide list\nnothing\n", "$ handrail assess none.yaml\n…\n$ true\n"):
        with pytest.raises(AssertionError, match=r"index\.md:1"):
            player.type(block(wrong))


def test_every_block_of_python_is_run() -> None:
    """With the page, or by a test elsewhere that names the page and lays beside it what it needs."""
    shown = {page for page in pages() for one in blocks(page) if one.language == "python"} - set(_played())
    elsewhere = [path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py") if path.parent.name != "docs"]

    assert not [page.name for page in shown if not any(f'"{page.name}"' in text for text in elsewhere)]


def test_why_a_block_is_not_played_is_said() -> None:
    """A console block has a command in it, or says why nobody types it here."""
    for page in pages():
        for one in blocks(page):
            if one.language == "console":
                assert typed(one)
