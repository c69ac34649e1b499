"""What holds for all tests."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Mapping
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

WHOLE: Mapping[str, int] = {
    "real/test_sp3_on_wine.py": 300,
    "real/test_postgresql_rollback.py": 200,
    "real/test_postgresql.py": 200,
    "real/test_postgresql_killed.py": 80,
    "real/test_conformance_wine.py": 80,
    "real/test_discovery.py": 50,
    "docs/test_commands.py": 45,
    "rehearsing/test_sweep.py": 45,
    "console/test_in_browser.py": 40,
    "running/test_fleet.py": 40,
    "docs/test_site.py": 35,
    "test_distribution.py": 35,
    "real/test_postgresql_lab.py": 30,
    "running/test_secrets_everywhere.py": 30,
    "running/test_moving_to_postgres.py": 30,
    "real/test_discovery_wine.py": 20,
    "rehearsing/test_simulation.py": 20,
}
"""Files whose tests share what is dear to make: they stay together. Seconds that each may take."""
EACH: Mapping[str, int] = {
    "running/test_killed_on_twin.py": 20,
    "rehearsing/test_sp3_matrix.py": 40,
    "running/test_rollback_on_twin.py": 14,
    "products/miis/test_killed.py": 11,
}
"""Files of which each test may run anywhere, and the seconds of one."""


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


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What takes long is begun first, by all workers alike. Each of them gets an equal slice of the list to begin with;
    a long test at a slice's end would keep one busy while all others have nothing left to do."""
    workers = int(getattr(config, "workerinput", {}).get("workercount", 1))
    units: dict[str, tuple[int, list[pytest.Item]]] = {}
    others = []
    for item in items:
        file = item.nodeid.partition("::")[0].removeprefix("tests/")
        if file in WHOLE:
            units.setdefault(file, (WHOLE[file], []))[1].append(item)
        elif file in EACH:
            units[item.nodeid] = (EACH[file], [item])
        else:
            others.append(item)
    slices: list[list[pytest.Item]] = [[] for _ in range(workers)]
    loads = [0] * workers
    for seconds, together in sorted(units.values(), key=lambda unit: -unit[0]):
        least = loads.index(min(loads))
        loads[least] += seconds
        slices[least] += together
    left = len(items)
    for number, one in enumerate(slices):
        size = left // (workers - number)
        fill = max(0, size - len(one))
        one += others[:fill]
        del others[:fill]
        left -= size
    slices[-1] += others
    items[:] = [item for one in slices for item in one]


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A PostgreSQL for stores; whoever asks for it is marked `real`."""
    with serving() as running:
        yield running
