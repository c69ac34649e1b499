"""Order without knowing what is ordered: topological order with ties broken by key, and cycles that name themselves."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Tag = TypeVar("Tag")


@dataclass(frozen=True, slots=True)
class Link(Generic[Tag]):
    """`first` comes before `then`; `tag` says why."""

    first: str
    then: str
    tag: Tag


@dataclass(frozen=True, slots=True)
class Ordered:
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cycle(Generic[Tag]):
    """Each link's `then` is the next one's `first`; the last leads back to the first."""

    links: tuple[Link[Tag], ...]


def in_order(keys: Iterable[str], links: Sequence[Link[Tag]]) -> Ordered | Cycle[Tag]:
    """All keys so that every link holds; what is free to come next comes by its key, the lesser first."""
    waiting = dict.fromkeys(keys, 0)
    following: dict[str, list[str]] = {}
    for link in links:
        waiting[link.then] += 1
        following.setdefault(link.first, []).append(link.then)
    free = [key for key, count in waiting.items() if not count]
    heapq.heapify(free)
    order: list[str] = []
    while free:
        key = heapq.heappop(free)
        order.append(key)
        for then in following.get(key, ()):
            waiting[then] -= 1
            if not waiting[then]:
                heapq.heappush(free, then)
    if len(order) == len(waiting):
        return Ordered(tuple(order))
    return _cycle({key for key, count in waiting.items() if count}, links)


def _cycle(stuck: set[str], links: Sequence[Link[Tag]]) -> Cycle[Tag]:
    """One cycle among the keys that never became free: walk backwards from the least until a key comes again."""
    before: dict[str, Link[Tag]] = {}
    for link in links:
        if link.first in stuck and link.then in stuck:
            known = before.get(link.then)
            if known is None or link.first < known.first:
                before[link.then] = link
    key, seen, walked = min(stuck), dict[str, int](), list[Link[Tag]]()
    while key not in seen:
        seen[key] = len(walked)
        walked.append(before[key])
        key = before[key].first
    return Cycle(tuple(reversed(walked[seen[key] :])))
