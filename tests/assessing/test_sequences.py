"""Where products stand in official sequences: what overtook them, what they overtake, what goes with them."""

from __future__ import annotations

from handrail.assessing import sequences
from handrail.assessing.sequences import Standing
from handrail.model.estate import Installation
from handrail.model.guide import Guide, Order


def guide(*sequence: str) -> Guide:
    order = Order("because", "doc#1", across=True, to=("2",), sequence=sequence)
    return Guide("b", "B", "dotted", {}, {}, {}, order=(order,))


def standing(name: str, release: str, to: str | None) -> Standing:
    reached = frozenset(("1", "2")[: int(release)])
    return Standing(f"{name}/{name}@h", name, frozenset((name,)), reached, to)


ME = Installation("b", "b", "h")


def test_what_comes_later_and_is_there_already_has_overtaken_it() -> None:
    found = sequences.facts(guide("a", "b", "c"), ME, "2", (standing("b", "1", "2"), standing("c", "2", None)))
    assert found["overtaken_by"] == ["c/c@h"]
    assert not found["overtakes"] and not found["sequenced_with"]


def test_what_comes_earlier_and_is_left_behind_is_overtaken() -> None:
    found = sequences.facts(guide("a", "b", "c"), ME, "2", (standing("b", "1", "2"), standing("a", "1", None)))
    assert found["overtakes"] == ["a/a@h"]


def test_what_is_upgraded_too_goes_with_it() -> None:
    others = (standing("a", "1", "2"), standing("b", "1", "2"), standing("c", "1", "2"))
    assert sequences.facts(guide("a", "b", "c"), ME, "2", others)["sequenced_with"] == ["a/a@h", "c/c@h"]


def test_what_has_arrived_is_asked_nothing() -> None:
    found = sequences.facts(guide("a", "b", "c"), ME, "2", (standing("b", "2", "2"), standing("c", "2", None)))
    assert not found["overtaken_by"]


def test_another_release_has_no_such_sequence() -> None:
    assert not sequences.facts(guide("a", "b"), ME, "3", (standing("b", "1", "3"),))["sequence"]
