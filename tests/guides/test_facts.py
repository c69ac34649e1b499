"""An estate's facts are those that its guides declare, of their types; everything else is a mistake with advice."""

# The table below reads better in lines than in blocks.
# ruff: noqa: E501

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.guides import GUIDE

from handrail.documents.estate import estate_document, estate_from_json
from handrail.documents.tree import parse, tree_of
from handrail.errors import BadDocument, BadInput
from handrail.guides.catalogue import Catalogue, CompiledGuide
from handrail.guides.facts import check_estate
from handrail.guides.reader import read_guide
from handrail.model.estate import Estate

_TREE = parse(GUIDE, "guide.yaml")
CATALOGUE = Catalogue({"shop": CompiledGuide(read_guide(_TREE).guide, _TREE, Path())})

ESTATE = """\
handrail: estate/v1
name: small
hosts:
  one: {os: windows-server-2019, age_days: 3, alias: null, software: {net: "4.8", iis: false, x: null}}
media:
  patch: {product: shop, component: web, release: r2, build: 2.0.0.0, kind: msp, path: x}
  other: {product: net, release: any, build: "4", kind: exe, path: y}
deployments:
  d:
    product: shop
    installations:
      - {component: web, host: one, build: 1.0.2.0, release: r1, edition: gold, facts: {agents: [a]}}
aim:
  d: {to: r2, window: {start: a, end: b}, revision: "2019", facts: {refresh: [x]}}
"""


def check(text: str) -> Estate:
    return check_estate(estate_document(parse(text, "estate.yaml")), CATALOGUE)


def test_direct_keys_become_facts() -> None:
    estate = check(ESTATE)
    assert estate.hosts["one"].facts == {"age_days": 3, "alias": None}
    assert estate.deployments["d"].installations[0].facts == {"agents": ["a"], "edition": "gold"}
    assert estate.aim["d"].facts == {"refresh": ["x"], "window": {"start": "a", "end": "b"}, "revision": "2019"}


def test_a_list_may_be_read_only_in_part() -> None:
    assert check(ESTATE.replace("agents: [a]", "agents: {partial: [a]}"))


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("age_days: 3", "age_day: 3", "4:34: 'age_day' is neither a key nor a fact that a guide declares. Did you mean"),
        ("age_days: 3", "age_days: three", "'age_days' must be a number, not the text 'three'. It is: days since"),
        ("age_days: 3", "age_days: true", "must be a number, not true"),
        ("age_days: 3", "age_days: null", "'age_days' cannot be known to be absent. Leave it out if it is not known."),
        ("edition: gold", "edition: 2.5", 'must be text, not the number 2.5. Write it in quotes: "2.5".'),
        ("edition: gold", "editon: gold", "Did you mean 'edition'?"),
        ("agents: [a]", "agent: [a]", "'agent' is neither a key nor a fact that a guide declares. Did you mean 'agents'?"),
        ("agents: [a]", "agents: a", "'agents' must be a list, not the text 'a'."),
        ("facts: {agents", "facts: {edition: x, agents", "The fact 'edition' stands here twice"),
        ('net: "4.8"', "net: 4.8", 'must be text, or false when it is not installed, not the number 4.8. Write it in quotes'),
        ('net: "4.8"', "net: true", "not true"),
        ("product: shop\n", "product: shpo\n", "10:14: No guide knows 'shpo'. Did you mean 'shop'?"),
        ("component: web, host", "component: wbe, host", "does not know the component 'wbe'. Did you mean 'web'?"),
        ("release: r1", "release: r9", "The guide 'shop' does not know the release 'r9'."),
        ("build: 1.0.2.0", 'build: "1.0"', "'1.0' is not a build: expected four numbers"),
        ("component: web, release", "component: wbe, release", "6:37: The guide 'shop' does not know the component 'wbe'."),
        ("to: r2", "to: r3", "14:11: The guide 'shop' does not know the release 'r3'. Known: r1, r2."),
        ("window: {", "windwo: {", "Did you mean 'window'?"),
        ("refresh: [x]", "refresh: x", "'refresh' must be a list"),
    ],
)  # fmt: skip
def test_a_mistake_has_its_sentence(before: str, after: str, message: str) -> None:
    assert before in ESTATE
    with pytest.raises(BadDocument) as caught:
        check(ESTATE.replace(before, after, 1))
    assert message in str(caught.value)


_value = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-9, 9) | st.sampled_from(["x", "1.0", "r1", "one"]),
    lambda x: st.lists(x, max_size=2) | st.dictionaries(st.sampled_from(["partial", "a", "one"]), x, max_size=2),
    max_leaves=4,
)
_facts = st.dictionaries(
    st.sampled_from(["age_days", "alias", "mounted", "edition", "agents", "facts", "build", "release", "odd"]), _value
)


@settings(max_examples=50, deadline=None)
@given(_facts, _facts, _facts)
def test_any_facts_are_right_or_bad_input(
    host: dict[str, object], one: dict[str, object], aim: dict[str, object]
) -> None:
    data = {
        "handrail": "estate/v1",
        "name": "x",
        "hosts": {"one": host},
        "deployments": {
            "d": {"product": "shop", "installations": [{"component": "web", "host": "one", **one}]},
        },
        "aim": {"d": {"to": "r2", **aim}},
    }
    try:
        estate = check_estate(estate_document(tree_of(data, "x")), CATALOGUE)
    except BadInput:
        return
    from handrail.documents.estate import estate_to_json

    assert estate_from_json(estate_to_json(estate)) == estate
