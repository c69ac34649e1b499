from __future__ import annotations

from typing import Any

from tests.support.fleets import GUIDE, catalogue

from handrail.assessing.evaluate import Judge
from handrail.assessing.facts import Facts
from handrail.guides.language import Known, Unknown

MANY = GUIDE.replace("size: {type: text", "flag: {type: any, says: anything}\n    size: {type: text")


def facts(**installation: Any) -> Facts:
    return Facts({"installation": installation, "host": {"name": "a"}}, {"installation": "x/y@a", "host": "host:a"})


def judge() -> Judge:
    return Judge(catalogue(MANY).of("shop"))


def test_equal_values_are_asked_about_once_and_others_again() -> None:
    asked = judge()
    first = asked.ask("installation.size", facts(size="big"))
    assert asked.ask("installation.size", facts(size="big")) is first
    assert asked.ask("installation.size", facts(size="small")) == Known("small")


def test_a_fact_that_is_missing_is_another_case_than_one_that_is_null() -> None:
    asked = judge()
    assert asked.ask("installation.flag == null", facts(flag=None)) == Known(True)
    assert isinstance(asked.ask("installation.flag == null", facts()), Unknown)


def test_true_is_not_taken_for_one() -> None:
    asked = judge()
    assert asked.ask("installation.flag == true", facts(flag=True)) == Known(True)
    assert asked.ask("installation.flag == true", facts(flag=1)) == Known(False)


def test_lists_are_told_apart_by_what_they_hold() -> None:
    asked = judge()
    assert asked.ask("size(installation.agents)", facts(agents=["x"])) == Known(1)
    assert asked.ask("size(installation.agents)", facts(agents=["x", "y"])) == Known(2)
    assert asked.ask("size(installation.agents)", facts(agents=["x"])) == Known(1)


def test_parameters_are_rendered_wherever_texts_stand_in_them() -> None:
    value = {"a": ["{{installation.size}}", 1], "b": {"late": "step.output"}, "c": "on {{host.name}}"}
    assert judge().value(value, facts(size="big")) == Known(
        {"a": ["big", 1], "b": {"late": "step.output"}, "c": "on a"}
    )


def test_a_parameter_without_its_fact_names_all_that_is_missing() -> None:
    answer = judge().value(["{{installation.size}}", "{{installation.flag}}"], facts())
    assert answer == Unknown(("installation.size", "installation.flag"))


def test_a_text_for_people_says_unknown_where_a_fact_is_missing() -> None:
    assert judge().phrase("{{host.name}} is {{installation.size}}", facts()) == "a is (unknown)"
