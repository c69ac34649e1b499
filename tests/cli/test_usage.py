"""Wrong commands, options and values: one sentence, a suggestion, exit 2."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.command import ESTATES, assert_clean, handrail

from handrail.cli.options import acceptances, aims
from handrail.errors import BadInput, UnknownName
from handrail.guides.catalogue import SHIPPED
from handrail.model.estate import Acceptance, Deployment, Estate

CONTOSO = ESTATES / "contoso-blocked.yaml"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["asess"], "Did you mean 'assess'?"),
        (["rehearse", "x.plan", "--seeds", "5", "--case", "a:b"], "--case and --seeds are two ways to rehearse"),
        (["rehearse", "x.plan", "--seeds", "5", "--faults", "none"], "--faults says nothing about --seeds"),
        (["explain", "x.plan", "3", "--if", "a=b"], "--if asks about the whole plan"),
        (["guide", "test", "--case", "a:b", "--seeds", "2"], "--case tells one case"),
        (["status", "--store", ""], "--store is empty"),
        (["guide", "lnt"], "Did you mean 'lint'?"),
        (["plan", CONTOSO, "--fromat", "json"], "Did you mean '--format'?"),
        (["plan", CONTOSO, "--format", "jsn"], "Did you mean 'json'?"),
        (["assess"], "Missing argument 'ESTATE'"),
        (["assess", CONTOSO, "--to"], "requires an argument"),
        (["assess", CONTOSO, "extra"], "extra"),
        (["answer", "run", "step", "perhaps"], "done, no, yes"),
        (["assess", CONTOSO, "--to", "identity="], "names no release"),
        (["assess", CONTOSO, "--to", "=2016-sp3"], "names no release"),
        (["assess", CONTOSO, "--to", "identty=2016-sp3"], "Did you mean 'identity'?"),
        (["assess", CONTOSO, "--to", "2016-sp4"], "Did you mean '2016-sp3'?"),
        (["assess", CONTOSO, "--accept", "@host:sync01"], "is not a rule"),
        (["assess", CONTOSO, "--guides", "/nowhere/at/all"], "does not exist"),
    ],
)
def test_a_mistake_in_the_command_is_explained(tmp_path: Path, arguments: list[object], expected: str) -> None:
    said = handrail(*arguments, home=tmp_path)

    assert_clean(said)
    assert said.code == 2 and said.out == ""
    assert expected in said.err
    assert len(said.err.splitlines()) == 1


def test_options_may_stand_before_or_after_arguments(tmp_path: Path) -> None:
    before = handrail("assess", "--format", "json", "--to", "2016-sp3", CONTOSO, home=tmp_path)
    after = handrail("assess", CONTOSO, "--to=identity=2016-sp3", "--format=json", home=tmp_path)

    assert before == after
    assert before.code == 3


def test_a_name_with_control_characters_cannot_steer_the_terminal(tmp_path: Path) -> None:
    said = handrail("assess", "no\x1b[2Jsuch\nfile", home=tmp_path)

    assert said.code == 2
    assert said.err.rstrip("\n").isprintable()


ESTATE = Estate("e", deployments={"a": Deployment("a", "mim"), "b": Deployment("b", "pg"), "c": Deployment("c", "mim")})
RELEASES = {"mim": ["2016-sp3"], "pg": ["17"]}


def test_a_release_alone_is_meant_for_every_deployment_that_can_have_it() -> None:
    assert aims(["2016-sp3", "b=17"], ESTATE, RELEASES.__getitem__) == {"a": "2016-sp3", "c": "2016-sp3", "b": "17"}


@pytest.mark.parametrize("given", [["18"], ["d=17"], ["b=17", "b=16"], [""], ["="]])
def test_an_aim_that_means_nothing_is_refused(given: list[str]) -> None:
    with pytest.raises((BadInput, UnknownName)):
        aims(given, ESTATE, RELEASES.__getitem__)


def test_the_subject_of_an_acceptance_may_hold_an_at_sign() -> None:
    assert acceptances(["x/rule", "x/rule@identity/sync@sync01"]) == [
        Acceptance("x/rule"),
        Acceptance("x/rule", "identity/sync@sync01"),
    ]


def test_people_are_always_asked_on_real_hosts_so_that_ask_is_refused(tmp_path: Path) -> None:
    plan = tmp_path / "upgrade.plan"
    estate = SHIPPED / "miis" / "estates" / "contoso.yaml"
    assert handrail("plan", estate, "-o", plan, home=tmp_path).code == 0
    said = handrail("run", plan, "--ask", home=tmp_path)
    assert said.code == 2
    assert "--ask is for runs on the twin" in said.err
