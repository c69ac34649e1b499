"""The table of requirements in docs/console-security.md is whole, and names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs" / "console-security.md"
LEVEL_1 = {
    "2.1": 12,
    "2.2": 3,
    "2.3": 1,
    "2.5": 6,
    "2.7": 4,
    "2.8": 1,
    "3.1": 1,
    "3.2": 3,
    "3.3": 2,
    "3.4": 5,
    "3.7": 1,
    "4.1": 5,
    "4.2": 2,
    "4.3": 2,
    "5.1": 5,
    "5.2": 8,
    "5.3": 10,
    "5.5": 4,
    "6.2": 1,
    "7.1": 2,
    "7.4": 1,
    "8.2": 3,
    "8.3": 4,
    "9.1": 3,
    "10.3": 3,
    "11.1": 5,
    "12.1": 1,
    "12.3": 5,
    "12.4": 2,
    "12.5": 2,
    "12.6": 1,
    "13.1": 3,
    "13.2": 3,
    "13.3": 1,
    "14.2": 3,
    "14.3": 3,
    "14.4": 7,
    "14.5": 3,
}
"""Section of ASVS 4.0.3 -> the last of its requirements that level 1 has; they are numbered from 1 on."""
DELETED = {"4.1.4", "13.1.2", "14.3.1"}
"""In version 4.0.3."""


def rows() -> dict[str, tuple[str, str, str]]:
    found = {}
    for line in PAGE.read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if re.fullmatch(r"\d+\.\d+\.\d+", cells[0]):
            assert cells[0] not in found, f"{cells[0]} stands there twice"
            assert len(cells) == 4, line
            found[cells[0]] = (cells[1], cells[2], cells[3])
    return found


def test_every_requirement_of_level_1_stands_there() -> None:
    wanted = {f"{section}.{number}" for section, last in LEVEL_1.items() for number in range(1, last + 1)} - DELETED

    assert set(rows()) == wanted


def test_every_test_that_is_named_exists() -> None:
    source = "\n".join(path.read_text("utf-8") for path in TESTS.rglob("test_*.py"))
    known = set(re.findall(r"^(?:async )?def (test_\w+)\(", source, re.MULTILINE))
    named = {name for _, _, tests in rows().values() for name in re.findall(r"`(test_\w+)`", tests)}

    assert named and not named - known


def test_a_requirement_without_a_test_says_why() -> None:
    for number, (_, how, tests) in rows().items():
        assert how, number
        assert tests or how.startswith(("does not apply", "not met", "[what it keeps]")), number
