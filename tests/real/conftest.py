"""Real servers: fetched when they are not there. That they cannot be had is a failure, never a skip."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest
from tests.support import postgres, wine
from tests.support.postgres import Playground
from tests.support.wine import WineMachine


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


@pytest.fixture
def wine_machine() -> Iterator[WineMachine]:
    """A fresh Windows machine out of Wine, behind its own sshd; nothing is installed on it."""
    with wine.machine() as one:
        yield one
