"""Differences that are to be expected: declared as data, counted by their names, and nothing else is let through."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.comparing.test_compare import changes, compared
from tests.support.spaces import Thing, person, written

from handrail.comparing.allowances import read_allowances
from handrail.errors import BadInput, UnknownName

TIMES = {"name": "import-time", "ignore": ["<last-import-time>", "@export-date"]}
BOOLEANS = {"name": "boolean-null", "type": "boolean", "from": None, "to": "false"}
LOCALES = {"name": "locales", "rename": {"de-DE": "de", "zh-CN": "zh-Hans", "sr-latn-CS": "sr-Latn-RS"}}


def at(time: str, number: int = 1) -> Thing:
    return replace(person(number), state={"last-import-time": time})


def test_what_is_ignored_is_counted_by_its_name() -> None:
    found = compared(written([at("1"), at("5", 2)]), written([at("2"), at("5", 2)]), TIMES)

    assert found.equal
    assert (found.same, dict(found.allowed)) == (1, {"import-time": 1})


def test_an_object_that_also_differs_otherwise_is_a_difference() -> None:
    after = replace(at("2"), type="contact")

    found = compared(written([at("1")]), written([after]), TIMES)

    assert not found.equal
    assert {one.what: one.allowed for one in changes(found)} == {
        "@object-type": None,
        "<primary-objectclass>": None,
        "<last-import-time>": "import-time",
    }
    assert "last-import-time" not in str(found.differences[0])


def test_what_differs_beside_the_objects_is_named_too() -> None:
    one, other = (written([person(1)], root=f' export-date="{day}" schema-version="{day}"') for day in (1, 2))

    found = compared(one, other, TIMES)

    assert not found.equal
    assert {change.what: change.allowed for change in found.header} == {
        "@export-date": "import-time",
        "@schema-version": None,
    }
    assert compared(one, other, TIMES, {"name": "schema", "ignore": ["@schema-version"]}).equal


def test_an_attribute_of_the_directory_can_be_ignored_by_name() -> None:
    one, other = person(1, whenChanged=["1"]), person(1, whenChanged=["2"])

    found = compared(written([one]), written([other]), {"name": "when", "ignore": ["whenChanged"]})

    assert found.equal
    assert dict(found.allowed) == {"when": 1}


def test_an_empty_attribute_that_is_ignored_hides_no_neighbour() -> None:
    def export(mail: str) -> str:
        inner = f'<attr name="whenChanged"/><attr name="mail"><value>{mail}</value></attr>'
        return f'<cs-objects><cs-object cs-dn="x"><h><entry>{inner}</entry></h></cs-object></cs-objects>'

    assert not compared(export("a"), export("b"), {"name": "when", "ignore": ["whenChanged"]}).equal


def test_a_text_that_looks_like_what_is_ignored_is_compared() -> None:
    one, other = (person(1, displayName=[f'x export-date="{n}" <last-import-time>{n}']) for n in (1, 2))

    assert not compared(written([one]), written([other]), TIMES).equal


@pytest.mark.parametrize(
    ("before", "after", "kind", "equal"),
    [
        (None, ["false"], "boolean", True),
        (None, ["true"], "boolean", False),
        (["true"], ["false"], "boolean", False),
        (None, ["false"], "string", False),
        (["false"], None, "boolean", False),
    ],
)
def test_a_boolean_that_was_nothing_may_become_false_and_nothing_else(
    before: list[str] | None, after: list[str] | None, kind: str, equal: bool
) -> None:
    def thing(value: list[str] | None) -> Thing:
        extra = {} if value is None else {"disabled": value}
        return replace(person(1, **extra), types={"disabled": kind})

    assert compared(written([thing(before)]), written([thing(after)]), BOOLEANS).equal is equal


@pytest.mark.parametrize(
    ("before", "after", "equal"),
    [
        ("de-DE", "de", True),
        ("C:\\Portal\\1033;C:\\Portal\\sr-latn-CS\\x.dll", "C:\\Portal\\1033;C:\\Portal\\sr-Latn-RS\\x.dll", True),
        ("zh-CN", "zh", False),
        ("de", "de-DE", False),
        ("prefix-de-DE", "prefix-de", False),
    ],
)
def test_a_locale_may_be_renamed_where_it_stands_for_itself(before: str, after: str, equal: bool) -> None:
    one, other = (person(1, folder=[text]) for text in (before, after))

    assert compared(written([one]), written([other]), LOCALES).equal is equal


def test_attributes_limit_an_allowance() -> None:
    one, other = (person(1, locale=[text], other=[text]) for text in ("de-DE", "de"))
    found = compared(written([one]), written([other]), {**LOCALES, "attributes": ["loc*"]})

    assert {change.what: change.allowed for change in changes(found)} == {"locale": "locales", "other": None}


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ("x", "must be a mapping"),
        ({"ignore": ["x"]}, "has no name"),
        ({"name": "x"}, "must say one of"),
        ({"name": "x", "ignore": ["a"], "rename": {"a": "b"}}, "must say one of"),
        ({"name": "x", "from": None}, "belong together"),
        ({"name": "x", "ignore": "a"}, "list of names"),
        ({"name": "x", "ignore": [1]}, "list of names"),
        ({"name": "x", "rename": {"a": 1}}, "old names to new"),
        ({"name": 1, "ignore": ["x"]}, "must be a text"),
        ({"name": "x", "ignroe": ["a"]}, "Did you mean 'ignore'"),
    ],
)
def test_mistakes_in_allowances_are_named(document: Any, says: str) -> None:
    with pytest.raises((BadInput, UnknownName), match=says):
        read_allowances([document])


def test_a_name_is_given_once() -> None:
    with pytest.raises(BadInput, match="there twice"):
        read_allowances([TIMES, TIMES])
