"""Digests that see no order: equal ones prove that two objects are equal, however odd these are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from hypothesis import example, given, settings
from hypothesis import strategies as st
from lxml import etree

from handrail.comparing.allowances import Allowance
from handrail.comparing.differences import exact
from handrail.comparing.screening import Screen, ordered

TAGS = ["attr", "dn-attr", "value", "dn-value", "entry", "x-attr"]
TEXTS = ["", "1", " attr> ", 'attr name="a"', "value>", "/>", " "]


@dataclass
class Node:
    tag: str
    name: str
    text: str
    inside: list[Node]

    def written(self) -> str:
        name = f' name="{self.name}"' if self.name else ""
        inner = escape(self.text, {">": ">"}) + "".join(one.written() for one in self.inside)
        return f"<{self.tag}{name}>{inner}</{self.tag}>" if inner else f"<{self.tag}{name}/>"

    def all(self) -> list[Node]:
        return [self, *(inner for one in self.inside for inner in one.all())]


def nodes(depth: int) -> st.SearchStrategy[Node]:
    inside: st.SearchStrategy[list[Node]] = st.lists(nodes(depth - 1), max_size=3) if depth else st.builds(list)
    names = st.sampled_from(["", "a", "b", "a>b"])
    return st.builds(Node, st.sampled_from(TAGS), names, st.sampled_from(TEXTS), inside)


trees = st.builds(Node, st.just("cs-object"), st.just(""), st.just(""), st.lists(nodes(2), max_size=4))


def tree(text: str) -> object:
    return exact(etree.fromstring(text.encode()))


def tangled(whole: Node, moves: Sequence[tuple[int, int]]) -> Node:
    """The same nodes, some of them moved elsewhere: the same words in another order."""
    for take, put in moves:
        every = whole.all()
        parent = every[take % len(every)]
        if not parent.inside:
            continue
        moved = parent.inside.pop(put % len(parent.inside))
        every = whole.all()
        every[put % len(every)].inside.append(moved)
    return whole


@settings(max_examples=400, deadline=None)
@given(trees, st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=3))
@example(Node("cs-object", "", "", [Node("entry", "", "", [Node("attr", "a", "", [])])]), [(1, 0)])
def test_what_is_ordered_alike_is_alike(whole: Node, moves: list[tuple[int, int]]) -> None:
    one = whole.written()
    other = tangled(whole, moves).written()

    if ordered(one.encode()) == ordered(other.encode()):
        assert tree(one) == tree(other)


@settings(max_examples=200, deadline=None)
@given(trees, trees)
def test_what_is_cut_hides_nothing_else(one: Node, other: Node) -> None:
    """Two objects that are screened as equal are equal once what is ignored is taken out of both."""
    screen = Screen([Allowance("times", ignore=("<value>", "a", "@name"))])
    texts = [node.written().replace('name="b"', 'name="b" other="1"') for node in (one, other)]
    digests = [screen.of(text.encode())[0] for text in texts]

    if digests[0] == digests[1]:
        left = []
        for text in texts:
            root = etree.fromstring(text.encode())
            for found in root.xpath("//value | //attr[@name='a']"):
                parent = found.getparent()
                parent.text = (parent.text or "") + (found.tail or "")
                parent.remove(found)
            for found in root.iter():
                found.attrib.pop("name", None)
            left.append(exact(root))
        assert left[0] == left[1]


def test_attributes_and_values_have_no_order() -> None:
    first = '<attr name="a"><value>1</value><value>2</value></attr>'
    other = '<attr name="a"><value>2</value><value>1</value></attr>'
    last = '<dn-attr name="b"><dn-value><dn>3</dn></dn-value></dn-attr>'

    assert ordered(f"<h>{first}{last}</h>".encode()) == ordered(f"<h>{last}{other}</h>".encode())
