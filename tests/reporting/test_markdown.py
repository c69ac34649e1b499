"""Pages as Markdown, read back by a CommonMark reader."""

from __future__ import annotations

import pytest

from handrail.reporting.markdown import render
from handrail.reporting.page import Block, Code, Heading, Item, Items, Paragraph, Rows, Table

markdown_it = pytest.importorskip("markdown_it")


def html(*blocks: Block) -> str:
    reader = markdown_it.MarkdownIt("commonmark").enable("table")
    return str(reader.render("\n".join(render(blocks))))


@pytest.mark.parametrize("text", ["<script>x</script>", "*not bold*", "[a](b)", "a_b_c", "1 < 2 | 3"])
def test_what_an_estate_says_is_never_markup(text: str) -> None:
    shown = html(Paragraph(text), Rows(((text, text),)), Table((text,), ((text,),)))

    assert "<script" not in shown and "<em>" not in shown and "<a " not in shown


@pytest.mark.parametrize("text", ["# no heading", "1. no list", "- no list", "+ none"])
def test_a_paragraph_stays_a_paragraph(text: str) -> None:
    assert html(Paragraph(text)).startswith("<p>")


def test_code_is_exact() -> None:
    shown = html(Code(('sc stop "A & B"', "```", "C:\\Path")))

    assert "sc stop &quot;A &amp; B&quot;\n```\nC:\\Path" in shown


def test_words_in_backquotes_are_code() -> None:
    assert "<code>a_b</code>" in html(Paragraph("Run `a_b` now."))


def test_lists_keep_what_is_inside_them() -> None:
    shown = html(Items((Item("one", "1.", inside=(Code(("x",)),)), Item("two", "2."))))

    assert shown.count("<ol>") == 1 and shown.count("<li>") == 2 and "<pre>" in shown


def test_tables_are_tables() -> None:
    assert "<td>C:\\a</td>" in html(Heading("T"), Table(("what", "value"), (("path", "C:\\a"),)))


def test_nothing_steers_what_shows_it() -> None:
    evil = "a\x1b[2J\x07\x9b31m\u202e\u2028z"
    blocks = (Heading(evil), Paragraph(evil), Code((evil,)), Items((Item("-", evil),)), Table((evil,), ((evil,),)))

    assert all(line.isprintable() for line in render((*blocks, Rows(((evil, evil),)))))
