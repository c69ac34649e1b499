"""The order that keeps states in between away: found if there is one, honest if there is none."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from handrail.planning.detours import Choice, Conflict, Lay, avoid


def lay(hops: dict[int, int], early: bool = False, links: tuple[tuple[object, object], ...] = ()) -> Lay:
    heads = {(cohort, hop) for cohort, count in hops.items() for hop in range(1, count + 1)} if early else set()
    return Lay(hops, frozenset(heads), links)


def test_whole_hops_in_order_are_preferred() -> None:
    assert avoid(lay({0: 1, 1: 1}, early=True), [Conflict(0, 1, 1, 0)]) == ([Choice((1, 1), (0, 1), False)], [])


def test_a_first_choice_that_leads_nowhere_is_taken_back() -> None:
    """0 at 1 beside 1 at 1 could be avoided by sending 0 on first, but another conflict wants 1 first."""
    conflicts = [Conflict(0, 1, 1, 1), Conflict(0, 1, 1, 0)]
    chosen, left = avoid(lay({0: 2, 1: 2}), conflicts)

    assert not left
    assert Choice((1, 2), (0, 1), False) in chosen


def test_neither_first_means_that_one_is_down_early() -> None:
    chosen, left = avoid(lay({0: 1, 1: 1}, early=True), [Conflict(0, 0, 1, 1), Conflict(0, 1, 1, 0)])

    assert not left
    assert sorted(one.early for one in chosen) == [False, True]


def test_without_a_head_to_take_early_the_conflict_is_left() -> None:
    _, left = avoid(lay({0: 1, 1: 1}), [Conflict(0, 0, 1, 1), Conflict(0, 1, 1, 0)])

    assert left == [Conflict(0, 1, 1, 0)]


def test_links_that_stand_are_kept() -> None:
    """0 comes before 1 through a barrier, so 0 cannot wait for 1."""
    chosen, left = avoid(lay({0: 1, 1: 1}, links=(((0, 1), "barrier"), ("barrier", (1, 1)))), [Conflict(0, 1, 1, 0)])

    assert chosen == [] and left == [Conflict(0, 1, 1, 0)]


def test_many_conflicts_without_a_way_end_within_the_budget() -> None:
    hops = dict.fromkeys(range(8), 2)
    conflicts = [
        Conflict(a, i, b, j) for a in hops for b in hops if a < b for i in range(3) for j in range(3) if i != j
    ]
    _, left = avoid(lay(hops), conflicts)

    assert left


def _never_meets(hops: dict[int, int], conflicts: list[Conflict], chosen: list[Choice], seed: int) -> bool:
    """Carry the halves out in some order that the choices allow; whether no conflict ever stands."""
    early = {one.first for one in chosen if one.early}
    dice = random.Random(seed)
    done: set[tuple[int, int, bool]] = set()
    units = [(c, k, tail) for c, count in hops.items() for k in range(1, count + 1) for tail in (False, True)]

    def up(cohort: int) -> int | None:
        """The state that a cohort is up in; None while it is down."""
        at = max((k for c, k, tail in done if c == cohort and tail), default=0)
        gone = (cohort, at + 1) in early and (cohort, at + 1, False) in done
        return None if gone else at

    def free(unit: tuple[int, int, bool]) -> bool:
        cohort, hop, tail = unit
        if tail and (cohort, hop, False) not in done:
            return False
        if not tail and hop > 1 and (cohort, hop - 1, True) not in done:
            return False
        begins = tail == ((cohort, hop) in early)
        return all((*one.first, not one.early) in done for one in chosen if one.then == (cohort, hop) and begins)

    while len(done) < len(units):
        possible = [unit for unit in units if unit not in done and free(unit)]
        assert possible, "the choices wait for each other"
        done.add(dice.choice(possible))
        for one in conflicts:
            first, other = up(one.a), up(one.b)
            if (first, other) == (one.i, one.j):
                return False
    return True


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_whatever_order_a_run_takes_no_conflict_ever_stands(data: st.DataObject) -> None:
    hops = {cohort: data.draw(st.integers(1, 2)) for cohort in range(3)}
    cases = [
        Conflict(a, i, b, j)
        for a in hops
        for b in hops
        if a < b
        for i in range(hops[a] + 1)
        for j in range(hops[b] + 1)
        if (i, j) not in ((0, 0), (hops[a], hops[b]))
    ]
    conflicts = sorted(
        data.draw(st.lists(st.sampled_from(cases), max_size=5, unique=True)),
        key=lambda one: (one.a, one.b, one.i, one.j),
    )
    chosen, left = avoid(lay(hops, early=data.draw(st.booleans())), conflicts)
    kept = [one for one in conflicts if one not in left]

    assert _never_meets(hops, kept, chosen, data.draw(st.integers(0, 1000)))
