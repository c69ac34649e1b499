"""Real servers: fetched when they are not there. That they cannot be had is a failure, never a skip."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest
from tests.support import postgres
from tests.support.postgres import Playground


@pytest.fixture(scope="session")
def majors() -> Mapping[str, str]:
    """Major -> folder of its programs."""
    return postgres.programs("15", "16", "17")


@pytest.fixture
def ground(majors: Mapping[str, str]) -> Iterator[Playground]:
    """A playground whose old cluster is a running PostgreSQL 15 with 200 customers."""
    with postgres.playground() as playground:
        playground.make(majors["15"])
        yield playground
