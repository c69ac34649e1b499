"""What guide authors and planners are told of actions, and how parameters become actions."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.actions import ACTIONS, build, signatures
from handrail.actions.base import Base, Check
from handrail.actions.catalogue import WINDOWS
from handrail.actions.parameters import build_from, parameters_of, signature_of
from handrail.errors import BadInput, UnknownName
from handrail.hosts import powershell

SIGNATURES = signatures()


@dataclass(frozen=True, slots=True)
class Sample(Base):
    """What it is, in a line.

    And more.
    """

    name: str
    in_: tuple[str, ...]
    how: Literal["fast", "slow"] = "fast"
    count: int | None = None
    share: float = 0.5
    really: bool = False
    password: str | None = field(default=None, metadata={"secret": True})


@dataclass(frozen=True, slots=True)
class Odd(Base):
    """It has a parameter that no document can hold."""

    when: complex


@pytest.mark.parametrize("name", sorted(ACTIONS))
def test_every_action_is_described(name: str) -> None:
    signature = SIGNATURES[name]

    assert 0 < len(signature.summary) <= 160
    assert signature.summary.endswith("."), "a whole sentence"
    assert signature.revision >= 1
    assert signature.platforms


@pytest.mark.parametrize("name", sorted(name for name in ACTIONS if SIGNATURES[name].kind in ("check", "prove")))
def test_what_only_looks_never_destroys(name: str) -> None:
    assert not SIGNATURES[name].destroys


@pytest.mark.parametrize("name", sorted(name for name in ACTIONS if SIGNATURES[name].destroys))
def test_what_destroys_has_no_undo_of_its_own(name: str) -> None:
    """Its way back is a restore point, for the planner to find."""
    assert not SIGNATURES[name].reversible


def test_backups_are_receipts_that_may_be_repeated() -> None:
    for name, signature in SIGNATURES.items():
        if signature.kind == "back-up":
            assert signature.settles == "receipt" and signature.repeatable, name


def test_a_signature_is_read_from_the_class() -> None:
    signature = signature_of("sample", Sample)

    assert signature.summary == "What it is, in a line."
    assert list(signature.parameters) == ["name", "in", "how", "count", "share", "really", "password"]
    assert signature.parameters["in"].schema == {"type": "array", "items": {"type": "string"}}
    assert signature.parameters["how"].schema == {"enum": ["fast", "slow"]}
    assert signature.parameters["count"].schema == {"anyOf": [{"type": "integer"}, {"type": "null"}]}
    assert signature.parameters["password"].secret
    assert signature.parameters["name"].required and not signature.parameters["how"].required
    assert not signature.reversible


def test_a_type_that_no_document_can_hold_is_a_mistake_of_ours() -> None:
    with pytest.raises(TypeError):
        parameters_of(Odd)


def test_values_become_fields() -> None:
    action: Any = build_from("sample", Sample, {"name": "a", "in": ["b"], "share": 1, "count": None})

    assert (action.name, action.in_, action.share, action.count) == ("a", ("b",), 1.0, None)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({}, "sample: name is missing"),
        ({"name": "a"}, "sample: in is missing"),
        ({"name": 1, "in": []}, "sample: name must be a text, not 1"),
        ({"name": "a", "in": "b"}, "sample: in must be a list"),
        ({"name": "a", "in": [1]}, r"sample: in\[0\] must be a text"),
        ({"name": "a", "in": [], "count": True}, "sample: count must be a whole number"),
        ({"name": "a", "in": [], "really": "yes"}, "sample: really must be true or false"),
        ({"name": "a", "in": [], "how": "fsat"}, "how 'fsat' is not known. Did you mean 'fast'"),
        ({"name": "a", "in": [], "nmae": 1}, "'nmae' is not known. Did you mean 'name'"),
    ],
)
def test_every_mistake_is_a_sentence(values: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInput) as refused:
        build_from("sample", Sample, values)

    assert re.search(says, str(refused.value))


def test_an_action_that_there_is_not() -> None:
    with pytest.raises(UnknownName, match=r"Did you mean 'service\.stop'"):
        build("service.stpo", {})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(sorted(ACTIONS)), st.data())
def test_whatever_a_document_says_is_built_or_refused(name: str, data: st.DataObject) -> None:
    names = [*SIGNATURES[name].parameters, "other"]
    values = data.draw(st.dictionaries(st.sampled_from(names), JSON, max_size=len(names)))

    try:
        build(name, values)
    except BadInput as refused:
        assert refused.message


@pytest.mark.parametrize("name", sorted(powershell.SCRIPTS))
@given(arguments=st.lists(st.text(max_size=12), max_size=3))
def test_a_script_is_recognised_with_its_arguments(name: str, arguments: list[str]) -> None:
    command = powershell.command(name, *arguments)

    assert powershell.recognise(command.argv) == (name, tuple(arguments))


def test_other_commands_are_no_scripts() -> None:
    assert powershell.recognise(("powershell", "-Command", "exit 0")) is None
    assert powershell.recognise((*powershell.command("mounted-media").argv[:-1], "& {Remove-Item C:\\}")) is None


@pytest.mark.parametrize("name", sorted(powershell.SCRIPTS))
def test_scripts_are_small_balanced_and_fit_on_a_command_line(name: str) -> None:
    """None of them can be run here; what can be seen is seen."""
    script = powershell.SCRIPTS[name]

    assert script.startswith("param(") and len(script) < 2000
    for opening, closing in ("{}", "()", "[]"):
        assert script.count(opening) == script.count(closing), opening
    assert script.count("'") % 2 == 0 and "\n" not in script


@pytest.mark.parametrize("name", sorted(name for name in WINDOWS if SIGNATURES[name].settles == "receipt"))
def test_what_leaves_a_receipt_acts(name: str) -> None:
    """What is only looked at leaves none. A proof may act, as one that restores somewhere else does."""
    assert SIGNATURES[name].kind != "check"
    assert not issubclass(ACTIONS[name], Check)
