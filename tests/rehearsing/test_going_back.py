"""A scenario may take its run back; then the twin says whether all is as it was, and no word of the rollback counts."""

from __future__ import annotations

import pytest
from tests.rehearsing.test_trial import said

from handrail.documents.tree import parse
from handrail.errors import BadDocument, BadInput
from handrail.rehearsing.scenario import read_scenario

AT_FIRST = "run:\n  people: {taste: no}\n  ends: failed\n  rollback: "


def test_files_over_a_patched_program_are_no_way_back_and_the_twin_says_so() -> None:
    found = said("run: {rollback: {}}")
    assert found == [
        "Expected all to be as it was before the run; the build of oven on house is 2.0.0.0, and was 1.0.0.0."
    ]


def test_what_may_differ_is_named_and_then_has_to_differ() -> None:
    assert said("run: {rollback: {differs: [the build of oven on house]}}") == []
    (found,) = said("run: {rollback: {differs: [the build of oven on house, the door]}}")
    assert found.startswith("Expected something that differs to say 'the door', got [the build of oven")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{ends: failed}", "Expected the run to end failed, got succeeded."),
        ("{ends: no-way-back}", "Expected the run to end no-way-back, got succeeded."),
        ("{steps: [back-oven]}", "No step is called 'back-oven'."),
        ("{no_steps: [undo-stop]}", "Expected no step 'undo-stop', got bread/oven@house/2/undo-stop."),
        (
            "{order: [[undo-stop, back-*]]}",
            "Expected bread/oven@house/2/undo-stop before bread/oven@house/2/back-restore-programs, "
            "got the other way round.",
        ),
        (
            "{twin: [{service: Oven, host: house, state: stopped}]}",
            "Expected Oven on house to be stopped, got running.",
        ),
        ("{done: [sure], skipped: [undo-stop]}", "Expected bread/oven@house/2/undo-stop to end skipped, got done."),
    ],
)
def test_what_is_otherwise_about_the_rollback_is_said(text: str, expected: str) -> None:
    assert any(one.startswith(expected) for one in said(AT_FIRST + text)), said(AT_FIRST + text)


def test_a_hold_that_is_refused_leaves_everything_as_it_is_and_that_may_be_expected() -> None:
    text = "run:\n  rollback: {people: {sure: no}, ends: failed, at: sure, twin: [{effects: none}]}"
    assert said(text) == []


def test_a_run_that_changed_nothing_has_nothing_to_take_back() -> None:
    text = "run:\n  people: {ready: no}\n  ends: failed\n  rollback: "
    assert said(text + "{ends: nothing}") == []
    (found,) = said(text + "{}")
    assert found.startswith("Expected the rollback to end succeeded, got nothing: Nothing has been changed")


def test_effects_are_those_of_the_rollback_alone_and_what_is_wrong_may_be_planted_before_it() -> None:
    text = "run:\n  rollback: {differs: [the build of oven], twin: [{happened: {Oven stopped: "
    assert said(text + "1}}]}") == []  # the run has stopped it once before
    assert said(text + "2}}]}") == ["Expected 'Oven stopped' 2 times, got 1."]
    busy = "run:\n  rollback:\n    plant: [{host: house, service: Oven, state: absent}]\n    ends: failed\n"
    assert said(busy) == []
    with pytest.raises(BadInput, match=r"Attempt 1 at undo-nothing was never begun"):
        said("run:\n  rollback:\n    plant: [{host: house, busy: Somebody, at: undo-nothing}]\n")


def test_a_rollback_that_succeeds_stands_at_no_step() -> None:
    text = "scenario: x\nestate: x.yaml\nrun: {rollback: {at: sure}}"
    with pytest.raises(BadDocument, match="A run that succeeds stands at no step"):
        read_scenario(parse(text, "s.yaml"))
