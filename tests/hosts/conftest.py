"""One real sshd for all tests of a process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.support.sshd import Sshd, sshd


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with sshd(tmp_path_factory.mktemp("sshd")) as running:
        yield running
