"""What fails is cut down to what is needed for failing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from handrail.rehearsing.shrinking import shrunk


@given(st.sets(st.integers(0, 12), max_size=4), st.integers(13, 20))
def test_exactly_what_is_needed_is_left(needed: set[int], length: int) -> None:
    assert set(shrunk(range(length), lambda part: needed <= set(part))) == needed


@given(st.integers(1, 15), st.integers(0, 2**15))
def test_nothing_that_is_left_can_be_left_out(length: int, mask: int) -> None:
    """Whatever makes it fail: here, a number of members of some set, of no order."""

    def fails(part: tuple[int, ...]) -> bool:
        return sum(1 for one in part if mask >> one & 1) >= 2 or length - 1 in part

    left = shrunk(range(length), fails)

    assert fails(left)
    assert all(not fails(tuple(other for other in left if other != one)) for one in left)


def test_no_part_is_tried_twice() -> None:
    tried: list[tuple[int, ...]] = []

    def fails(part: tuple[int, ...]) -> bool:
        tried.append(part)
        return {3, 7, 11} <= set(part)

    assert shrunk(range(16), fails) == (3, 7, 11)
    assert len(tried) == len(set(tried))
