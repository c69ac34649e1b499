"""A console for every test that asks for one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.console import Site, site


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Site]:
    with site(tmp_path / "home") as made:
        yield made


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One for a whole module, for tests that change nothing."""
    with site(tmp_path_factory.mktemp("console") / "home") as made:
        yield made
