"""The best road through a small graph: fewest hops first, then what is preferred.

Pure, and free of any knowledge of guides: nodes are any hashable values, arcs are found by asking.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

Node = TypeVar("Node", bound=Hashable)
Tag = TypeVar("Tag")


@dataclass(frozen=True, slots=True)
class Arc(Generic[Node, Tag]):
    """A move to `to`. `rank`: lower is better; compared arc by arc from the start, once the number of hops is equal."""

    to: Node
    rank: tuple[int, ...]
    tag: Tag


Road = tuple[Arc[Node, Tag], ...]


def best_road(
    start: Node, reached: Callable[[Node], bool], arcs: Callable[[Node, Road[Node, Tag]], Iterable[Arc[Node, Tag]]]
) -> Road[Node, Tag] | None:
    """The arcs from `start` to the nearest node that `reached` accepts; None when there is no road.

    `arcs` is asked once for each node, with the best road to it.

    Of roads with equally many hops the one with the lower sum of first ranks wins, and of those the one whose ranks,
    read from the start, are lower. So the answer never depends on the order in which arcs are found.
    """
    queue: list[tuple[int, int, tuple[tuple[int, ...], ...], int]] = [(0, 0, (), 0)]
    roads: list[tuple[Node, Road[Node, Tag]]] = [(start, ())]
    settled: set[Node] = set()
    while queue:
        hops, weight, ranks, which = heapq.heappop(queue)
        node, road = roads[which]
        if reached(node):
            return road
        if node in settled:
            continue
        settled.add(node)
        for arc in arcs(node, road):
            if arc.to not in settled:
                roads.append((arc.to, (*road, arc)))
                first = arc.rank[0] if arc.rank else 0
                heapq.heappush(queue, (hops + 1, weight + first, (*ranks, arc.rank), len(roads) - 1))
    return None
