"""What holds for all tests."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from tests.support.databases import Server, serving

# How fast examples are drawn says something about the machine, and nothing about us.
settings.register_profile("handrail", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("handrail")

MEMORY = Path("/dev/shm")
ROOM = 4 * 2**30
"""Bytes that must be free there, and twice as many in the machine."""

FIRST = (
    "real/test_sp3_on_wine.py",
    "rehearsing/test_sp3_matrix.py",
    "running/test_killed_on_twin.py",
    "products/miis/test_killed.py",
    "running/test_rollback_on_twin.py",
    "running/test_rollback_killed.py",
    "running/test_killed.py",
    "real/",
    "rehearsing/test_simulation.py",
    "products/test_scenarios.py",
    "docs/test_site.py",
    "docs/test_commands.py",
)
"""What takes longest. Begun last, it would keep one worker busy while all others have nothing left to do."""


def pytest_configure(config: pytest.Config) -> None:
    """Temporary folders lie in memory where there is plenty of it. We commit to disk before we act, and the tests do so
    a hundred thousand times; half of their time would be waiting for disks. What is killed in them is processes, and
    one that dies takes nothing along of what it wrote to memory either."""
    if "PYTEST_DEBUG_TEMPROOT" not in os.environ and _roomy(MEMORY):
        os.environ["PYTEST_DEBUG_TEMPROOT"] = str(MEMORY)


def _roomy(folder: Path) -> bool:
    if not folder.is_dir() or not os.access(folder, os.W_OK) or os.statvfs(folder).f_flag & os.ST_NOEXEC:
        return False
    found = re.search(r"^MemAvailable: +([0-9]+) kB", Path("/proc/meminfo").read_text(), re.MULTILINE)
    available = int(found[1]) * 1024 if found else 0
    return shutil.disk_usage(folder).free > ROOM and available > 2 * ROOM


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def rank(item: pytest.Item) -> int:
        return next((at for at, one in enumerate(FIRST) if f"tests/{one}" in item.nodeid), len(FIRST))

    items.sort(key=rank)


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A PostgreSQL for stores; whoever asks for it is marked `real`."""
    with serving() as running:
        yield running
