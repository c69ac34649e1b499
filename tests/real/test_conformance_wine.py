"""Wine answers as Windows does, or as the case says that Wine does instead: the same cases as the twin's, over real
roads. What is the lab's own stand-in shows that our plumbing fits; Windows itself would have to be asked for more."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from tests.support import wine
from tests.support.conformance.case import Case, Trial
from tests.support.conformance.cases import CASES
from tests.support.conformance.wine import OnWine
from tests.support.wine import WineMachine

from handrail.hosts.opening import open_host
from handrail.hosts.protocol import Host
from handrail.model import estate
from handrail.model.estate import Connect

pytestmark = pytest.mark.real

ASKED = tuple(case for case in CASES if case.not_on_wine is None)


def _no_secret(reference: str) -> str:
    raise AssertionError(f"no road of the lab asks for a secret: {reference}")


class Roads:
    """One event loop for all cases, as a line belongs to the loop that opened it."""

    def __init__(self, machine: WineMachine) -> None:
        self._runner = asyncio.Runner()
        self._machine = machine
        self.ssh = Trial(OnWine("Wine over ssh", machine, self._over_ssh, bits=8))

    def _over_ssh(self) -> Host:
        line = self._machine.open_line()
        return self._open(
            Connect(
                via="ssh",
                address="127.0.0.1",
                port=line.port,
                user=line.user,
                key=str(line.key),
                known_hosts=str(line.known_hosts),
                agent=False,
            )
        )

    def _open(self, connect: Connect) -> Host:
        return open_host("lab01", {"lab01": estate.Host("lab01", "windows-server-2019", connect=connect)}, _no_secret)

    def do(self, trial: Trial, case: Case) -> None:
        self._runner.run(trial.of(case))

    def close(self) -> None:
        self._runner.close()


@pytest.fixture(scope="module")
def roads() -> Iterator[Roads]:
    with wine.machine() as machine:
        roads = Roads(machine)
        yield roads
        roads.close()


@pytest.mark.parametrize("case", ASKED, ids=lambda case: case.name)
def test_wine_over_ssh(roads: Roads, case: Case) -> None:
    roads.do(roads.ssh, case)
