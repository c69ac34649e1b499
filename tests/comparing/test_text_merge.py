"""Plain text merged three-way, and redirects as they mean."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handrail.comparing.config_merge import losses, merge
from handrail.comparing.fates import told
from handrail.comparing.redirects import Assembly, Redirect, joined, lacking, lands, version
from handrail.comparing.text_merge import merge_text, merged_lines

lines = st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=6).map(
    lambda some: "".join(f"{one}\n" for one in some)
)


@given(lines, lines)
@settings(max_examples=60, deadline=None)
def test_what_one_side_alone_changed_is_the_result(base: str, other: str) -> None:
    assert merge_text(base, base, other, "x") == (other, ())
    assert merge_text(base, other, base, "x")[0] == other
    assert merge_text(base, other, other, "x")[0] == other


def test_both_sides_changes_stand_and_conflicts_keep_the_customised_lines_and_ask() -> None:
    text, rows = merge_text("a\nb\nc\nd\n", "A\nb\nmine\nd\n", "a\nb\ntheirs\nd\ne\n", "x")

    assert text == "A\nb\nmine\nd\ne\n"
    assert [(one.item, one.fate) for one in rows] == [("line 1", "carried"), ("line 3", "needs-a-person")]
    assert "theirs" in rows[1].because


def test_without_the_old_stock_every_difference_needs_a_person() -> None:
    assert [one.fate for one in merge_text(None, "a\n", "b\n", "x")[1]] == ["needs-a-person"]
    assert merge_text(None, "a\n", "a\n", "x") == ("a\n", ())


def test_lines_end_with_a_line_end_whatever_the_files_had() -> None:
    assert merged_lines("a", "a\nb", "a") == ["a\n", "b\n"]


def test_a_text_file_is_merged_by_the_same_door_and_lost_lines_are_found() -> None:
    merged = merge(b"a\nb\n", b"a\nmine\nb\n", b"a\nb\nnew\n", "x.ini")

    assert merged.data == b"a\nmine\nb\nnew\n"
    lost = losses(b"a\nb\n", b"a\nmine\nb\n", b"a\nb\nnew\n", merged, b"a\nb\nnew\n", "x.ini")
    assert [one.was for one in lost] == ["mine"]


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ("1.0-2.0 3.0", "1.5-2.5 4.0", "1.0-2.5 4.0"),
        ("1.0-2.0 3.0", "1.2 2.0", "1.0-2.0 3.0"),  # covered
        ("1.9 2.0", "1.10 3.0", "1.9-1.10 3.0"),  # numbers, not texts
        ("1.0-x 2.0", "1.0 2.0", None),
    ],
)
def test_two_redirects_become_one_that_holds_both_ranges_and_the_newer_version(
    one: str, other: str, both: str | None
) -> None:
    found = joined((Redirect(*one.split()),), (Redirect(*other.split()),))

    assert found == ((Redirect(*both.split()),) if both else None)


def test_redirects_do_not_chain() -> None:
    some = (Redirect("1.0-2.0", "3.0"), Redirect("3.0", "4.0"))

    assert lands(some, (1, 5, 0, 0)) == (3, 0, 0, 0)
    assert lands(some, (9, 0, 0, 0)) == (9, 0, 0, 0)


def test_what_is_wanted_and_not_covered_is_lacking() -> None:
    wanted = {Assembly("a"): (Redirect("1.0-2.0", "3.0"),)}

    assert lacking({}, wanted) == [(Assembly("a"), Redirect("1.0-2.0", "3.0"))]
    assert not lacking({Assembly("a"): (Redirect("0.0-3.0", "3.1"),)}, wanted)


@pytest.mark.parametrize(
    ("text", "numbers"), [("4.1", (4, 1, 0, 0)), ("4.1.3.0", (4, 1, 3, 0)), ("4.x", None), ("", None)]
)
def test_versions_are_four_numbers(text: str, numbers: object) -> None:
    assert version(text) == numbers


def test_what_may_be_a_secret_is_told_only_as_a_mark() -> None:
    assert told("add/@Password", "geheim") != told("add/@Password", "anders")
    assert "geheim" not in str(told("add/@Password", "geheim"))
    assert told("x", "Server=a;Pwd=geheim;X=1") != told("x", "Server=a;Pwd=other;X=1")
    assert "geheim" not in str(told("x", "Server=a;Pwd=geheim;X=1"))
    assert told("x", None) is None
