"""A scenario fails where what came out is otherwise, and says what was expected and what was got."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from handrail.actions import signatures
from handrail.documents.tree import parse
from handrail.errors import BadInput
from handrail.guides.catalogue import Catalogue, load
from handrail.rehearsing.scenario import read_scenario
from handrail.rehearsing.trial import attempt, differences
from handrail.reporting.guide_tests import renderings

BAKERY = Path(__file__).parent / "bakery"


@cache
def catalogue() -> Catalogue:
    return load([BAKERY], signatures=signatures())


def said(text: str) -> list[str]:
    """What is otherwise in a scenario of the bakery."""
    whole = f"scenario: It is tried\nestate: ../estates/village.yaml\n{text}"
    scenario = read_scenario(parse(whole, str(BAKERY / "scenarios" / "x.yaml")))
    return [one.message for one in differences(scenario, catalogue(), renderings())]


@pytest.mark.parametrize("path", sorted((BAKERY / "scenarios").glob("*.yaml")), ids=lambda path: path.stem)
def test_its_own_scenarios_pass(path: Path) -> None:
    trial = attempt(path, catalogue(), renderings())
    assert trial.passed, trial


OLD = "change: {hosts.house.os: windows-server-2016}\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("expect: {verdict: blocked}", "Expected the verdict blocked, got clear."),
        (
            OLD + "expect: {verdict: clear}",
            "Expected the verdict clear, got blocked: it is blocked by bakery/warm-enough for host:house.",
        ),
        (
            "expect: {findings: [{rule: bakery/warm-enough, level: blocker}]}",
            "Expected a blocker of bakery/warm-enough, got none of that rule.",
        ),
        (
            OLD + "expect: {findings: [{rule: bakery/warm-enough, level: risk, subject: 'host:shed'}]}",
            "Expected a risk of bakery/warm-enough for host:shed, got it for host:house, as a blocker.",
        ),
        (
            OLD + "expect: {findings: [{rule: bakery/warm-enough, unknown: true, says: cold}]}",
            "Expected an unknown finding of bakery/warm-enough saying 'cold', "
            "got it as known, saying 'house runs windows-server-2016'.",
        ),
        (
            OLD + "expect: {only: true}",
            "Expected no other blocker or risk, got blocker bakery/warm-enough for host:house: "
            "house runs windows-server-2016.",
        ),
        (
            OLD + "expect: {absent: [bakery/warm-enough]}",
            "Expected nothing of bakery/warm-enough, got blocker bakery/warm-enough for host:house: "
            "house runs windows-server-2016.",
        ),
        (
            'expect: {hops: {bread/oven@house: [{to: "1", method: hotfix}, {to: "2", method: patch}]}}',
            "Expected hops to 1 by hotfix, then to 2 by patch for bread/oven@house, got hop to 2 by patch.",
        ),
        (
            'expect: {hops: {bread/oven@hause: [{to: "2", method: patch}]}}',
            "Expected hop to 2 by patch for bread/oven@hause, got no hop. Did you mean 'bread/oven@house'?",
        ),
        (
            'expect: {hops: {bread/oven@house: [{to: "2", method: patch, from: 1.5.0.0, not: [in-place]}]}}',
            "Expected the hop to 2 to begin at 1.5.0.0, got 1.0.0.0.",
        ),
        (
            "expect: {order: [[patch, stop]]}",
            "Expected bread/oven@house/2/patch before bread/oven@house/2/stop, got the other way round.",
        ),
        ("expect: {order: [[stop, ptach]]}", "No step is called 'ptach'. Did you mean 'patch'?"),
        ("expect: {steps: [pach]}", "No step is called 'pach'. Did you mean 'patch'?"),
        ("expect: {no_steps: [patch]}", "Expected no step 'patch', got bread/oven@house/2/patch."),
        (
            "expect: {values: {patch: {build: 3.0.0.0}}}",
            "Expected build of bread/oven@house/2/patch to be 3.0.0.0, got 2.0.0.0.",
        ),
        (
            "expect: {values: {patch: {bild: 3.0.0.0}}}",
            "The step bread/oven@house/2/patch has no 'bild'. Did you mean 'build'?",
        ),
        (
            "expect: {way_back: {patch: undo}}",
            "Expected the way back of bread/oven@house/2/patch to be undo, got restore.",
        ),
        ("expect: {point_of_no_return: patch}", "Expected the point of no return at patch, got none."),
        ("expect: {errata: [E1]}", "Expected the plan to show the erratum E1, got []."),
        ('expect: {explain: {"": [bananas]}}', "The explanation of the plan does not say 'bananas'."),
        (
            "expect: {runbook: [Taste it., May the oven go cold?]}",
            "The runbook says 'May the oven go cold?' earlier than",
        ),
        ("expect: {runbook: [bananas]}", "The runbook says 'bananas' nowhere."),
        (OLD + "expect: {steps: [patch]}", "There is no plan to look at: it is blocked by bakery/warm-enough"),
        (OLD + "run: {}", "There is no plan to run: blocked by bakery/warm-enough for host:house."),
    ],
)
def test_what_is_otherwise_is_said(text: str, expected: str) -> None:
    found = said(text)
    assert any(one.startswith(expected) for one in found), found


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        ("{ends: failed}", "Expected the run to end failed, got succeeded."),
        (
            "{people: {ready: no}}",
            "Expected the run to end succeeded, got failed: bread/oven@house/2/ready is failed",
        ),
        (
            "{people: {ready: no}, ends: failed, at: patch}",
            "Expected the run to stand at patch, got [bread/oven@house/2/ready].",
        ),
        ("{skipped: [patch]}", "Expected bread/oven@house/2/patch to end skipped, got done."),
        ("{tried: {patch: 2}}", "Expected 2 attempts at bread/oven@house/2/patch, got 1"),
        ("{because: {patch: bananas}}", "Expected bread/oven@house/2/patch to say 'bananas', got "),
        ("{because: {pach: bananas}}", "No step is called 'pach'. Did you mean 'patch'?"),
        (
            "{twin: [{installation: bread/oven@house, build: 1.0.0.0}]}",
            "Expected oven on house at 1.0.0.0, got 2.0.0.0.",
        ),
        ("{twin: [{installation: bread/oven@house, absent: true}]}", "Expected no oven on house, got build 2.0.0.0."),
        ("{twin: [{service: Oven, host: house, state: stopped}]}", "Expected Oven on house to be stopped, got running"),
        (
            "{twin: [{path: 'C:\\Bakery\\Oven\\oven.exe', host: house, contains: cake}]}",
            "Expected C:\\Bakery\\Oven\\oven.exe on house to hold [cake]",
        ),
        ("{twin: [{path: 'C:\\Bakery\\*', host: house, exists: false}]}", "Expected no C:\\Bakery\\* on house, got"),
        ("{twin: [{path: 'C:\\cake.txt', host: house}]}", "Expected C:\\cake.txt on house, got none."),
        ("{twin: [{effects: none, of: [software]}]}", "Expected no effect, got software on house: "),
        ("{twin: [{happened: {Oven stopped: 2}}]}", "Expected 'Oven stopped' 2 times, got 1."),
        (
            "{twin: [{happened: {Oven stoped: 1}}]}",
            "Expected 'Oven stoped' 1 times, got 0. Did you mean 'Oven stopped'?",
        ),
        ("{twin: [{verify: broken}]}", "Expected that something does not hold; everything does."),
        ("{twin: [{service: Oven, host: hause}]}", "The estate has no host 'hause'. Did you mean 'house'?"),
        ("{twin: [{software: dotnet, host: house}]}", "Expected dotnet on house to be any version, got none."),
        (
            "{twin: [{registry: 'HKLM\\SOFTWARE\\Nothing', host: house}]}",
            "Expected HKLM\\SOFTWARE\\Nothing on house, got none.",
        ),
        ("{twin: [{drives: ['E:'], host: house}]}", "Expected [E:] mapped on house, got []."),
    ],
)
def test_what_is_otherwise_after_a_run_is_said(run: str, expected: str) -> None:
    found = said(f"run: {run}")
    assert any(one.startswith(expected) for one in found), found


def test_what_is_planted_is_met() -> None:
    """The estate says 1.0.0.0; the server has something else, and the patch does not fit."""
    assert said("run: {plant: [{host: house, component: oven, build: 1.5.0.0}], ends: failed, at: patch}") == []


def test_what_is_planted_at_a_step_is_there_when_it_acts() -> None:
    run = """
run:
  plant: [{host: house, busy: Somebody, at: patch}]
  ends: failed
  at: patch
  twin: [{effects: none, of: [software]}, {service: Oven, host: house, state: stopped}]
"""
    assert said(run) == []


def test_what_is_planted_at_a_hold_is_there_once_a_person_was_asked() -> None:
    run = """
run:
  plant: [{host: house, service: Oven, state: disabled, at: ready}]
  twin: [{happened: {Oven stopped: 0}}]
  ends: failed
  at: start
"""
    assert said(run) == []


@pytest.mark.parametrize(
    ("plant", "expected"),
    [
        ("{host: hause, busy: x}", "The estate has no host 'hause'. Did you mean 'house'?"),
        ("{host: house, service: Ovne, state: stopped}", "house has no service 'Ovne'. Did you mean 'Oven'?"),
        ("{host: house, mount: 'C:\\x.iso'}", "house has no image C:\\x.iso."),
        ("{host: house, component: door, build: 1.0.0.0}", "'door' is not installed on house."),
        ("{host: house, busy: x, at: pacth}", "Attempt 1 at pacth was never begun"),
    ],
)
def test_what_cannot_be_planted_is_a_mistake_of_the_scenario(plant: str, expected: str) -> None:
    with pytest.raises(BadInput) as caught:
        said(f"run: {{plant: [{plant}]}}")
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("change: {hosts.hause.os: x}", "The estate has no 'hause' under hosts. Did you mean 'house'?"),
        ("change: {hosts.house.oss: x}", "The changed estate is wrong: "),
        ('to: {bread: "3"}', "'3'"),
        ("accept: [bakery/warm-enogh]", "Did you mean 'bakery/warm-enough'?"),
        ("estate: nowhere.yaml", "does not exist"),
    ],
)
def test_what_is_wrong_with_the_scenario_itself_has_a_place(tmp_path: Path, text: str, expected: str) -> None:
    estate = "" if text.startswith("estate") else f"estate: {BAKERY / 'estates' / 'village.yaml'}\n"
    file = tmp_path / "x.yaml"
    file.write_text(f"scenario: It is tried\n{estate}{text}\n")
    trial = attempt(file, catalogue(), renderings())
    assert not trial.passed and not trial.differences
    told: list[Any] = [str(one) for one in trial.mistakes]
    assert any(expected in one for one in told), told
    assert all(one.place is not None for one in trial.mistakes)
