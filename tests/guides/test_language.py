"""CEL with three answers: known, unknown with what is missing, and a fault of the guide."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handrail.errors import BadInput
from handrail.guides.language import Known, Language, Unknown
from handrail.guides.mistakes import BadExpression

LANGUAGE = Language(
    {
        "host.os": "text",
        "host.software": "map",
        "host.alias": "text?",
        "host.age": "number",
        "host.list": "list",
        "host.map": "map",
        "host.defaulted": "list",
        "flag": "yes-no",
        "installation.build": "version",
    },
    defaults={"host.defaulted": ["d"]},
    name="shop",
)
FACTS: dict[str, Any] = {
    "host.os": "windows",
    "host.software": {"net": "4.10", "iis": False, "gone": None, "edition": "gold"},
    "host.alias": None,
    "host.age": 8,
    "host.list": ("a", "b"),
    "installation.build": "4.6.34.0",
}


def ask(text: str, facts: dict[str, Any] = FACTS) -> Any:
    return LANGUAGE.expression(text).evaluate(facts)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('host.os == "windows"', True),
        ("host.alias == null", True),
        ("host.age > 7", True),
        ("host.age > 7.5", True),
        ('"b" in host.list', True),
        ('"d" in host.defaulted', True),
        ('host.software["net"]', "4.10"),
        ("host.software.iis == false", True),
        ("host.software.gone == null", True),
        ('host.list.map(x, x + "!")', ["a!", "b!"]),
        ('host.list.join("-")', "a-b"),
        ('host.os == "windows" || flag', True),
        ('flag || host.os == "windows"', True),
        ('flag && host.os == "linux"', False),
        ('host.list.exists(x, x == "a" || flag)', True),
        ('host.os == "windows" ? 1 : host.software.missing', 1),
    ],
)
def test_what_can_be_told_is_known_even_beside_unknowns(text: str, value: Any) -> None:
    assert ask(text) == Known(value)


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("flag", ("flag",)),
        ('flag && host.os == "windows"', ("flag",)),
        ('host.software["sharepoint"] == "x"', ('host.software["sharepoint"]',)),
        ("host.map.a == 1 && flag", ("flag", "host.map")),
        ('host.list[5] == "x"', ("host.list",)),
        ("flag ? 1 : 2", ("flag",)),
        ('at_least(host.software.edition, "1")', ("host.software",)),
    ],
)
def test_what_is_not_there_is_unknown_and_named(text: str, missing: tuple[str, ...]) -> None:
    assert ask(text) == Unknown(missing)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('installation.build.at_least("4.6.258.0")', False),
        ('installation.build.below("4.6.258.0")', True),
        ('installation.build.same_as("4.6.34")', True),
        ('host.software["net"].at_least("4.8")', True),
        ('at_least(host.software["net"], "4.8")', True),
        ('below("9.0", "10.0")', True),
        ('host.software.iis.at_least("1.0")', False),
        ('at_least(host.software.gone, "1.0")', False),
        ('below(host.software.gone, "1.0")', False),
    ],
)
def test_versions_compare_number_by_number_and_what_is_absent_compares_to_nothing(text: str, value: bool) -> None:
    assert ask(text) == Known(value)


PARTIAL = {**FACTS, "host.list": {"partial": ["a", "b"]}, "host.map": {"partial": {"k": 1}}}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('"a" in host.list', True),
        ('"z" in host.list', None),
        ('host.list.exists(x, x == "b")', True),
        ('host.list.exists(x, x == "z")', None),
        ('!host.list.exists(x, x == "b")', False),
        ('host.list.all(x, x == "a")', False),
        ('host.list.all(x, x != "z")', None),
        ("size(host.list) == 2", None),
        ("size(host.list) > 1", None),
        ('host.list == ["a", "b"]', None),
        ('host.list.filter(x, x == "a")', None),
        ('host.list.exists_one(x, x == "a")', None),
        ('host.list[1] == "b"', True),
        ('host.list[2] == "b"', None),
        ("host.map.k == 1", True),
        ("host.map.other == 1", None),
        ('"k" in host.map', True),
        ('"z" in host.map', None),
        ('host.os == "windows" || size(host.list) == 0', True),
        ('size(host.list) == 0 && host.os == "linux"', False),
        ('host.os == "windows" ? "a" in host.list : size(host.list) == 0', True),
        ('["a", "z"].exists(x, x in host.list)', None),
        ('flag || "a" in host.list', True),
    ],
)
def test_a_collection_that_was_not_read_completely_answers_only_what_was_read(text: str, value: bool | None) -> None:
    answer = ask(text, PARTIAL)
    assert answer == Known(value) if value is not None else isinstance(answer, Unknown)


_ATOMS = [
    '"a" in host.list',
    'host.list.exists(x, x == "c")',
    'host.list.all(x, x == "a")',
    "size(host.list) > 1",
    "flag",
]
_boolean = st.recursive(
    st.sampled_from(_ATOMS),
    lambda x: st.one_of(
        st.builds("({} && {})".format, x, x),
        st.builds("({} || {})".format, x, x),
        st.builds("!({})".format, x),
        st.builds("({} ? {} : {})".format, x, x, x),
    ),
    max_leaves=5,
)


@settings(max_examples=50, deadline=None)
@given(_boolean, st.lists(st.sampled_from("abc"), max_size=3), st.lists(st.sampled_from("abc"), max_size=3))
def test_what_a_part_decides_holds_for_every_completion(text: str, part: list[str], rest: list[str]) -> None:
    answer = ask(text, {"host.list": {"partial": part}, "flag": True})
    if isinstance(answer, Known):
        assert ask(text, {"host.list": part + rest, "flag": True}) == answer


@settings(max_examples=50, deadline=None)
@given(_boolean, st.booleans())
def test_what_is_known_without_a_fact_holds_whatever_the_fact_is(text: str, flag: bool) -> None:
    answer = ask(text, {"host.list": ["a", "b"]})
    if isinstance(answer, Known):
        assert ask(text, {"host.list": ["a", "b"], "flag": flag}) == answer


@pytest.mark.parametrize("text", ["1 / 0 == 1", 'host.os.matches("[")', 'host.alias > "a"', "host.alias.size() > 1"])
def test_any_other_error_is_a_fault_of_the_guide(text: str) -> None:
    with pytest.raises(BadInput, match="The guide 'shop' is at fault: `"):
        ask(text)


def test_a_null_that_was_not_expected_says_what_to_write() -> None:
    with pytest.raises(BadInput, match=r"where host\.os is null.*`host.os != null && …`"):
        ask('host.os == "x"', {"host.os": None})


@pytest.mark.parametrize(
    ("text", "offset", "message"),
    [
        ('host.oss == "x"', 0, "`host.oss` is not a fact that this guide declares. Did you mean 'host.os'?"),
        ('flag && hots.os == "x"', 8, "`hots.os` is not a fact"),
        ("host == 1", 0, "`host` is a group of facts. Name one of them: host.age,"),
        ('host.software.dotnet-framework == "4.8"', 21, 'write `host.software["dotnet-framework"]`'),
        ("host.os == 3", 8, "`==` does not go between text and a whole number."),
        ("host.os == null", 8, "`==` does not go between text and null."),
        ('host.os = "x"', 8, "`=` was not expected"),
        ("(flag", 5, "The expression ends too early."),
        ("", 0, "The expression ends too early."),
        ("startWith(host.os)", 0, "Did you mean 'startsWith'?"),
        ("flag &&\n  has(host.software.x)", 10, "`has()` would turn a fact that was not read into a no."),
        ("flag &&\n  nope", 10, "`nope` is not a fact"),
        ("(" * 200 + "1" + ")" * 200, 0, "nested too deeply"),
    ],
)
def test_a_wrong_expression_is_explained_at_its_character(text: str, offset: int, message: str) -> None:
    with pytest.raises(BadExpression) as caught:
        LANGUAGE.expression(text)
    assert message in str(caught.value)
    assert caught.value.offset == offset


def test_an_expression_knows_what_it_reads() -> None:
    expression = LANGUAGE.expression('host.software["net"] == "x" && host.list.exists(flag, flag == host.software.iis)')
    assert expression.names >= {"host.software", "host.list"}
    assert expression.lookups == (("host.software", "net"), ("host.software", "iis"))


def test_a_text_of_one_expression_gives_its_value_and_any_other_gives_text() -> None:
    assert LANGUAGE.text("{{ host.list }}").render(FACTS) == Known(["a", "b"])
    assert LANGUAGE.text("on {{host.os}}, {{host.age}}: {{host.list}}").render(FACTS) == Known("on windows, 8: a, b")
    assert LANGUAGE.text("plain").render({}) == Known("plain")
    assert LANGUAGE.text("").render({}) == Known("")
    assert LANGUAGE.text('{{ {"a": "}}"}["a"] }}').render({}) == Known("}}")


def test_a_text_with_something_unknown_is_unknown_and_can_still_be_shown() -> None:
    text = LANGUAGE.text("{{host.os}} {{flag}} {{host.software.x}}")
    assert text.render(FACTS) == Unknown(("flag", 'host.software["x"]'))
    assert text.show(FACTS) == "windows (unknown) (unknown)"


@pytest.mark.parametrize(("template", "offset"), [("a {{ host.oss }}", 5), ("a {{", 2), ("{{ }}", 0), ("{{flag}", 0)])
def test_a_wrong_text_is_explained_at_its_character(template: str, offset: int) -> None:
    with pytest.raises(BadExpression) as caught:
        LANGUAGE.text(template)
    assert caught.value.offset == offset


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60) | st.text(st.sampled_from("host.osflag(){}[]\"'=<>!&|?:,+-*/% 1\n\\"), max_size=50))
def test_any_text_is_an_expression_or_is_explained(text: str) -> None:
    for compile_ in (LANGUAGE.expression, LANGUAGE.text):
        try:
            compiled = compile_(text)
        except BadExpression as error:
            assert 0 <= error.offset <= len(text)
            assert "Traceback" not in str(error)
            continue
        with contextlib.suppress(BadInput):
            compiled.evaluate(FACTS) if hasattr(compiled, "evaluate") else compiled.render(FACTS)


_value = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.binary(max_size=3),
    lambda x: st.lists(x, max_size=3) | st.dictionaries(st.text(max_size=3), x, max_size=3),
    max_leaves=6,
)


@settings(max_examples=50, deadline=None)
@given(
    st.sampled_from(['host.os == "x"', "host.age > 7", '"a" in host.list', "host.map.a == 1", "{{host.map}}"]), _value
)
def test_any_fact_gives_an_answer_or_bad_input(text: str, value: Any) -> None:
    facts = dict.fromkeys(("host.os", "host.age", "host.list", "host.map"), value)
    try:
        LANGUAGE.text("x {{host.map}} {{host.os}}").render(facts)
        if "{{" not in text:
            ask(text, facts)
    except BadInput:
        pass
