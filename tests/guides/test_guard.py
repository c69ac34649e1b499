"""The one function that decides whether a destructive step has a proved way back."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from handrail.guides.guard import Unguarded, guards, overreached, stranded, unguarded


@dataclass(frozen=True)
class Step:
    id: str
    after: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    proves: tuple[str, ...] = ()
    when: tuple[str, ...] = ()
    restores: tuple[str, ...] = ()


def test_a_proof_anywhere_before_guards() -> None:
    steps = [Step("prove", proves=("db",)), Step("x", ("prove",)), Step("y", ("x",)), Step("drop", ("y",), ("db",))]
    assert unguarded(steps) == []
    assert guards(steps[-1], steps) == {"db": "prove"}


def test_the_nearest_proof_is_named() -> None:
    steps = [Step("far", proves=("db",)), Step("near", ("far",), proves=("db",)), Step("drop", ("near",), ("db",))]
    assert guards(steps[-1], steps) == {"db": "near"}


def test_a_proof_beside_or_after_does_not_guard() -> None:
    steps = [Step("drop", changes=("db",)), Step("prove", ("drop",), proves=("db",)), Step("other", proves=("db",))]
    assert unguarded(steps) == [Unguarded("drop", ("db",))]


def test_a_proof_of_another_asset_does_not_guard() -> None:
    steps = [Step("prove", proves=("db",)), Step("drop", ("prove",), ("db", "keys"))]
    assert unguarded(steps) == [Unguarded("drop", ("keys",))]


def test_a_step_does_not_guard_itself() -> None:
    assert unguarded([Step("both", changes=("db",), proves=("db",))]) == [Unguarded("both", ("db",))]


def test_a_proof_that_may_be_left_out_guards_only_what_is_left_out_with_it() -> None:
    prove = Step("prove", proves=("db",), when=("c",))
    assert unguarded([prove, Step("drop", ("prove",), ("db",))]) == [Unguarded("drop", ("db",))]
    assert unguarded([prove, Step("drop", ("prove",), ("db",), when=("c", "d"))]) == []


PROVED = (Step("prove", proves=("db", "files")), Step("drop", ("prove",), ("db", "files")))


def test_what_a_way_back_does_not_bring_back_is_stranded() -> None:
    back = [Step("put", restores=("db",))]
    assert stranded(PROVED, back) == [Unguarded("drop", ("files",))]
    assert stranded(PROVED, [*back, Step("build", restores=("files",))]) == []
    assert stranded(PROVED, []) == [Unguarded("drop", ("db", "files"))]


def test_what_a_way_back_brings_back_only_sometimes_does_not_count() -> None:
    assert stranded(PROVED, [Step("put", restores=("db", "files"), when=("c",))]) == [
        Unguarded("drop", ("db", "files"))
    ]


def test_a_way_back_that_destroys_what_was_not_proved_when_it_may_begin_reaches_too_far() -> None:
    early = Step("touch", changes=("files",))
    steps = [early, Step("prove", ("touch",), proves=("db", "files")), Step("drop", ("prove",), ("db",))]
    assert overreached(steps, [Step("put", changes=("db",))]) == [Unguarded("touch", ("db",))]
    assert overreached(PROVED, [Step("put", changes=("db",))]) == []
    assert overreached(PROVED, [Step("clear", changes=("keys",))]) == [Unguarded("drop", ("keys",))]


_edges = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=14)


@settings(max_examples=50, deadline=None)
@given(_edges, st.sets(st.integers(0, 7)), st.integers(0, 7))
def test_guarded_means_that_a_proof_is_among_the_ancestors(
    edges: list[tuple[int, int]], provers: set[int], target: int
) -> None:
    after: dict[int, set[int]] = {number: set() for number in range(8)}
    for one, other in edges:
        if one != other:
            after[max(one, other)].add(min(one, other))
    ancestors: set[int] = set()
    for number in range(7, -1, -1):
        if number == target or number in ancestors:
            ancestors |= after[number]
    steps = [
        Step(
            str(number),
            tuple(str(one) for one in sorted(after[number])),
            ("db",) if number == target else (),
            ("db",) if number in provers else (),
        )
        for number in range(8)
    ]
    assert (unguarded(steps) == []) == bool(ancestors & provers)
