from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given, settings
from hypothesis import strategies as st

from handrail.assessing.search import Arc, best_road

Graph = dict[str, list[tuple[str, tuple[int, ...], str]]]


def road(graph: Graph, start: str, goal: str) -> str | None:
    """The tags of the best road, joined; None when there is none."""

    def arcs(node: str, so_far: tuple[Arc[str, str], ...]) -> Iterable[Arc[str, str]]:
        return [Arc(to, rank, tag) for to, rank, tag in graph.get(node, [])]

    found = best_road(start, lambda node: node == goal, arcs)
    return None if found is None else " ".join(arc.tag for arc in found)


def test_who_is_there_already_needs_no_hop() -> None:
    assert road({}, "a", "a") == ""


def test_without_arcs_there_is_no_road() -> None:
    assert road({"a": [("b", (0,), "ab")]}, "a", "z") is None


def test_fewer_hops_win_over_preference() -> None:
    graph: Graph = {"a": [("b", (0, 0), "ab"), ("c", (1, 5), "ac")], "b": [("c", (0, 0), "bc")]}
    assert road(graph, "a", "c") == "ac"


def test_of_equally_short_roads_the_preferred_one_wins() -> None:
    graph: Graph = {"a": [("c", (1, 0), "first"), ("c", (0, 1), "preferred")]}
    assert road(graph, "a", "c") == "preferred"


def test_then_what_is_written_first_wins() -> None:
    graph: Graph = {"a": [("c", (0, 2), "later"), ("c", (0, 1), "earlier")]}
    assert road(graph, "a", "c") == "earlier"


def test_a_circle_does_not_hold_the_search_up() -> None:
    graph: Graph = {"a": [("b", (0,), "ab")], "b": [("a", (0,), "ba"), ("c", (0,), "bc")]}
    assert road(graph, "a", "c") == "ab bc"


NODES = "abcdef"
ARCS = st.lists(st.tuples(st.sampled_from(NODES), st.sampled_from(NODES), st.integers(0, 1)), max_size=20)


@settings(max_examples=30)
@given(ARCS, st.randoms())
def test_the_answer_does_not_depend_on_the_order_of_finding(arcs: list[tuple[str, str, int]], random: object) -> None:
    def graph_of(numbered: list[tuple[int, tuple[str, str, int]]]) -> Graph:
        graph: Graph = {}
        for number, (start, to, weight) in numbered:
            graph.setdefault(start, []).append((to, (weight, number), f"{start}{to}{number}"))
        return graph

    numbered = list(enumerate(arcs))
    assert road(graph_of(numbered), "a", "f") == road(graph_of(numbered[::-1]), "a", "f")
