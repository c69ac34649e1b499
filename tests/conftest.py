"""What holds for all tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from tests.support.databases import Server, serving

# How fast examples are drawn says something about the machine, and nothing about us.
settings.register_profile("handrail", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("handrail")


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A PostgreSQL for stores; whoever asks for it is marked `real`."""
    with serving() as running:
        yield running
