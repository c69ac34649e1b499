"""The twin answers as Windows does, in every case that is also tried on a real machine (tests/real)."""

from __future__ import annotations

import pytest
from tests.support import virtual_time
from tests.support.conformance.case import Case, Trial
from tests.support.conformance.cases import CASES
from tests.support.conformance.twin import OnTwin


@pytest.fixture(scope="module")
def trial() -> Trial:
    return Trial(OnTwin())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_twin_answers_as_windows_does(trial: Trial, case: Case) -> None:
    virtual_time.run(trial.of(case))


def test_no_two_cases_have_one_name() -> None:
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names)
