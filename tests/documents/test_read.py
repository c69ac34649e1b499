"""Trees to dataclasses: all mistakes at once, each with its place and a suggestion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import pytest

from handrail.documents.read import read
from handrail.documents.tree import parse
from handrail.errors import BadDocument


@dataclass(frozen=True, slots=True)
class Inner:
    name: str
    count: int = 0


@dataclass(frozen=True, slots=True)
class Outer:
    from_: str
    level: Literal["low", "high"] = "low"
    inner: tuple[Inner, ...] = ()
    by_name: Mapping[str, Inner] = field(default_factory=dict)
    kinds: tuple[str, ...] = ()
    exact: bool | None = None
    share: float = 0.0


def test_a_trailing_underscore_is_not_written_and_one_entry_may_stand_for_a_list() -> None:
    tree = parse("{from: a, kinds: msp, inner: {name: x}, by_name: {y: {name: y, count: 2}}, share: 1}", "f")
    assert read(Outer, tree) == Outer("a", inner=(Inner("x"),), by_name={"y": Inner("y", 2)}, kinds=("msp",), share=1.0)


def test_every_mistake_is_told_at_once_in_the_order_of_the_file() -> None:
    text = """\
from: 4.6
levle: high
level: middle
inner:
  - {name: a, cuont: 1}
  - {count: one}
  - 3
by_name: [x]
exact: yes
"""
    with pytest.raises(BadDocument) as caught:
        read(Outer, parse(text, "f.yaml"))
    assert str(caught.value).splitlines() == [
        "f.yaml:1:7: 'from' must be text, not the number 4.6. Write it in quotes: \"4.6\".",
        "f.yaml:2:1: The key 'levle' is not known here. Did you mean 'level'?",
        "f.yaml:3:8: 'level' must be one of low, high, not the text 'middle'.",
        "f.yaml:5:15: The key 'cuont' is not known here. Did you mean 'count'?",
        "f.yaml:6:5: Entry 2 of 'inner' lacks the key 'name'. Add it.",
        "f.yaml:6:13: 'count' must be a whole number, not the text 'one'.",
        "f.yaml:7:5: Entry 3 of 'inner' must be a mapping, not the number 3. It has keys such as name.",
        "f.yaml:8:10: 'by_name' must be a mapping, not a list.",
        "f.yaml:9:8: 'exact' must be true or false, not the text 'yes'. Write true or false.",
    ]


def test_the_whole_must_be_a_mapping() -> None:
    with pytest.raises(BadDocument, match="The document must be a mapping, not a list"):
        read(Outer, parse("[1]", "f"))
