"""Pages as text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handrail.reporting.page import Block, Code, Heading, Item, Items, Paragraph, Rows, Table
from handrail.reporting.text import harmless, render

BLOCKS: list[Block] = [
    Heading("A title", 1),
    Paragraph("word " * 40),
    Rows((("name", "value " * 30), ("left out", ""), ("n", "short"))),
    Items((Item("first " * 30, "1.", inside=(Paragraph("inside " * 20),)), Item("second", "10."))),
    Code(("handrail answer run 'a/very/long/step/id@host/2016-sp3/with-a-name' yes --note '" + "x" * 80 + "'",)),
    Table(("a", "b"), (("1", "long " * 30), ("22", "short"))),
]


def test_nothing_but_code_is_wider_than_asked_for() -> None:
    lines = [line for line in render(BLOCKS, width=60) if "handrail answer" not in line]

    assert max(map(len, lines)) <= 60


def test_code_is_never_wrapped() -> None:
    assert sum("handrail answer" in line and "--note" in line for line in render(BLOCKS, width=40)) == 1


def test_without_colour_there_is_no_escape_sequence() -> None:
    assert not any("\x1b" in line for line in render(BLOCKS, colour=False))
    assert any("\x1b[1m" in line for line in render(BLOCKS, colour=True))


def test_colour_does_not_change_the_layout() -> None:
    plain = list(render(BLOCKS, colour=False))
    coloured = list(render(BLOCKS, colour=True))

    assert len(plain) == len(coloured)


def test_rows_without_a_value_are_left_out() -> None:
    assert not any("left out" in line for line in render(BLOCKS))


def test_items_stand_below_each_other() -> None:
    lines = list(render([Items((Item("one", "9."), Item("two", "10.")))]))

    assert lines == [" 9.  one", "10.  two"]


def test_a_list_without_text_still_shows_its_marks() -> None:
    assert list(render([Items((Item("", "1."),))])) == ["1."]


@pytest.mark.parametrize("text", ["\x1b[2Jgone", "bell\x07", "\x9b31m", "right\u202eleft"])
def test_names_cannot_steer_the_terminal(text: str) -> None:
    shown = "\n".join(render([Heading(text), Paragraph(text), Code((text,)), Rows(((text, text),))]))

    assert all(one.isprintable() or one == "\n" for one in shown)


@given(st.text(), st.integers(1, 120))
@settings(max_examples=30)
def test_any_text_at_any_width_can_be_shown(text: str, width: int) -> None:
    blocks: list[Block] = [
        Paragraph(text),
        Rows(((text, text),)),
        Items((Item(text, text[:3]),)),
        Table((text,), ((text,),)),
    ]

    assert all(one.isprintable() for line in render(blocks, width=width) for one in line)


def test_harmless_keeps_ordinary_text() -> None:
    assert harmless("Müller → C:\\Büro ✓") == "Müller → C:\\Büro ✓"


def test_a_command_in_a_sentence_stays_whole() -> None:
    command = "`reg query HKLM\\SOFTWARE\\Something\\Long /v Version /reg:64`"

    assert any(command in line for line in render([Rows((("do", f"Find it out with {command} and then say so."),))]))
