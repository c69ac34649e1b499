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
