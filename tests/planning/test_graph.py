from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from handrail.planning.graph import Cycle, Link, Ordered, in_order


def links(text: str) -> list[Link[str]]:
    """`a<b b<c` as links."""
    return [Link(pair[0], pair[2], pair) for pair in text.split()]


def test_what_is_free_comes_by_key() -> None:
    assert in_order("cab", []) == Ordered(("a", "b", "c"))


def test_links_come_before_keys() -> None:
    assert in_order("abc", links("c<a")) == Ordered(("b", "c", "a"))


def test_a_cycle_names_its_links_and_nothing_else() -> None:
    found = in_order("abcde", links("a<b b<c c<b d<a c<e"))
    assert isinstance(found, Cycle)
    assert sorted(link.tag for link in found.links) == ["b<c", "c<b"]


def test_a_cycle_reads_forwards() -> None:
    found = in_order("abc", links("a<b b<c c<a"))
    assert isinstance(found, Cycle)
    assert all(one.then == two.first for one, two in zip(found.links, found.links[1:], strict=False))
    assert found.links[-1].then == found.links[0].first


def test_who_must_come_before_itself_is_a_cycle() -> None:
    assert isinstance(in_order("a", links("a<a")), Cycle)


PAIRS = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), max_size=25)


@settings(max_examples=40)
@given(PAIRS)
def test_either_every_link_holds_or_a_real_cycle_is_named(pairs: list[tuple[int, int]]) -> None:
    given_links = [Link(str(a), str(b), (a, b)) for a, b in pairs]
    found = in_order(map(str, range(9)), given_links)
    if isinstance(found, Ordered):
        place = {key: index for index, key in enumerate(found.keys)}
        assert sorted(place) == list(map(str, range(9)))
        assert all(place[link.first] < place[link.then] for link in given_links)
    else:
        assert set(found.links) <= set(given_links)
        assert found.links[-1].then == found.links[0].first


@settings(max_examples=40)
@given(PAIRS, st.randoms())
def test_the_order_does_not_depend_on_the_order_of_links(pairs: list[tuple[int, int]], random: object) -> None:
    forwards = [Link(str(min(a, b)), str(max(a, b)), None) for a, b in pairs if a != b]
    assert in_order(map(str, range(9)), forwards) == in_order(map(str, reversed(range(9))), forwards[::-1])
