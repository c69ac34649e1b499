"""Pages as HTML, read back by a parser: what is text stays text, whatever it is."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.reporting.html import document, render
from handrail.reporting.page import Block, Code, Heading, Item, Items, Paragraph, Rows, Table, Tone

EVIL = "<script>alert(1)</script>\"' onload=x <img src=x onerror=y> \x1b[31m\x00\u202e &amp; `<b>`"
VOID = {"br", "meta", "link", "img", "input"}


class Seen(HTMLParser):
    """What a browser would see: elements, their attributes, and the text; it objects to what does not nest."""

    def __init__(self, lines: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(lines)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def shown(*blocks: Block) -> Seen:
    return Seen("\n".join(render(blocks)))


def every_block(text: str) -> list[Block]:
    inside = (Paragraph(text, "bad"), Rows(((text, text),)), Items((Item(text, text),)))
    return [
        Heading(text),
        Paragraph(text),
        Rows(((text, text),)),
        Code((text,)),
        Items((Item(text, text, "warn", inside), Item(text))),
        Items((Item(text, "7."),)),
        Table((text, text), ((text, text),)),
    ]


def test_what_an_estate_says_is_never_markup_or_a_control_character() -> None:
    page = shown(*every_block(EVIL))

    assert not {"script", "img"} & set(page.tags)
    assert page.tags.count("b") == 2, "only the marks of two lists"
    assert {name for name, _ in page.attributes} <= {"class", "role", "tabindex", "aria-label", "scope", "value"}
    assert not {"\x1b", "\x00", "\u202e"} & set(page.text)
    assert "\\x1b[31m" in page.text and "alert(1)" in page.text


@given(st.text())
def test_any_text_nests_and_stays_text(text: str) -> None:
    plain = {tag for block in every_block("x") for tag in shown(block).tags}

    assert set(shown(*every_block(text)).tags) <= plain | {"code", "br", "a"}


def test_words_in_backquotes_are_code_and_addresses_in_angle_brackets_links() -> None:
    page = shown(Paragraph("Run `handrail run <https://a.example/>` or see <https://b.example/?q=1&r=2>."))

    assert page.tags == ["p", "code", "a"]
    assert ("href", "https://b.example/?q=1&r=2") in page.attributes


@pytest.mark.parametrize("text", ["<javascript:alert(1)>", "<https://a b>", "<data:text/html,x>", "https://a.example"])
def test_nothing_else_is_a_link(text: str) -> None:
    assert "a" not in shown(Paragraph(text)).tags


@pytest.mark.parametrize(
    ("marks", "tags", "first"),
    [
        (("1.", "2."), ["ol", "li", "li"], ("value", "1")),
        (("-", "-"), ["ul", "li", "li"], None),
        (("done", "-"), ["ul", "li", "b", "li"], ("class", "marked")),
        (("1.", "done"), ["ul", "li", "b", "li", "b"], ("class", "marked")),
    ],
)
def test_marks_decide_what_kind_of_list_it_is(
    marks: tuple[str, ...], tags: list[str], first: tuple[str, str] | None
) -> None:
    page = shown(Items(tuple(Item("x", mark) for mark in marks)))

    assert page.tags == tags
    assert (page.attributes[0] if page.attributes else None) == first


@pytest.mark.parametrize("tone", ["strong", "quiet", "good", "warn", "bad"])
def test_tones_are_classes(tone: Tone) -> None:
    assert shown(Paragraph("x", tone)).attributes == [("class", tone)]


def test_rows_without_a_value_and_lists_without_entries_are_left_out() -> None:
    assert shown(Rows((("a", ""), ("b", "c")))).text.split() == ["bc"]
    assert shown(Rows((("a", ""),)), Items(())).tags == []


def test_headings_of_a_page_in_a_page_move_down_and_stop_at_the_deepest() -> None:
    levels = Seen("\n".join(render((Heading("a", 1), Heading("b", 6)), deeper=2))).tags

    assert levels == ["h3", "h6"]


def test_a_wide_table_scrolls_in_a_box_that_the_keyboard_reaches() -> None:
    page = shown(Table(("step", "took"), (("a", "1 s"),)))

    assert ("tabindex", "0") in page.attributes and ("aria-label", "Table of step, took") in page.attributes
    assert page.tags == ["div", "table", "thead", "tr", "th", "th", "tbody", "tr", "th", "td"]


def test_a_document_fetches_nothing_and_runs_nothing() -> None:
    page = Seen("\n".join(document(EVIL, "p { color: red }", render((Paragraph(EVIL),)))))

    policy = next(value for name, value in page.attributes if name == "content" and "default-src" in str(value))
    assert policy is not None and policy.startswith("default-src 'none'")
    assert "script" not in page.tags and page.tags.count("title") == 1
