"""Wine answers as Windows does, or as the case says that Wine does instead: the same cases as the twin's, over real
roads. What is the lab's own stand-in shows that our plumbing fits; Windows itself would have to be asked for more.

Cases about the road itself are tried on both, the others on one of them, for the console tools are the same at either
end; HANDRAIL_CONFORMANCE=everywhere tries all of them on both.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator

import pytest
from tests.support import wine
from tests.support.conformance import cases
from tests.support.conformance.case import Case, Trial
from tests.support.conformance.wine import OnWine
from tests.support.wine import WineMachine
from tests.support.winrm import connect_to
from tests.support.winrm_endpoint import Endpoint, serving

from handrail.hosts.opening import open_host
from handrail.hosts.protocol import Host
from handrail.model import estate
from handrail.model.estate import Connect

pytestmark = pytest.mark.real

EVERYWHERE = os.environ.get("HANDRAIL_CONFORMANCE") == "everywhere"
OVER_SSH = (cases.QUOTING, cases.DRIVES, cases.JOBS, cases.SERVICES, cases.INSTALLER)


def _asked(bits: int, here: tuple[Case, ...]) -> list[Case]:
    chosen = [one for one in cases.CASES if EVERYWHERE or one.road or one in here]
    return [one for one in chosen if one.not_on_wine is None and one.bits <= bits]


SSH = _asked(8, tuple(one for group in OVER_SSH for one in group))
WINRM = _asked(32, (*cases.FILES, *cases.REGISTRY))


class Roads:
    """One event loop for all cases, as a line belongs to the loop that opened it."""

    def __init__(self, machine: WineMachine, endpoint: Endpoint) -> None:
        self._runner = asyncio.Runner()
        self._machine = machine
        self._endpoint = endpoint
        # A plain Linux sshd hands on 8 bits of an exit code, that of Windows 32.
        self.ssh = Trial(OnWine("Wine over ssh", machine, self._over_ssh, bits=8))
        self.winrm = Trial(OnWine("Wine over WinRM", machine, self._over_winrm))

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

    def _over_winrm(self) -> Host:
        return self._open(connect_to(self._endpoint))

    def _open(self, connect: Connect) -> Host:
        known = {"lab01": estate.Host("lab01", "windows-server-2019", connect=connect)}
        return open_host("lab01", known, lambda _: self._endpoint.password)

    def do(self, trial: Trial, case: Case) -> None:
        self._runner.run(trial.of(case))

    def close(self) -> None:
        self._runner.run(self.ssh.close())
        self._runner.run(self.winrm.close())
        self._runner.close()


@pytest.fixture(scope="module")
def roads() -> Iterator[Roads]:
    with wine.machine() as machine:
        endpoint = Endpoint(runner=machine.carry_out)
        with serving(endpoint):
            roads = Roads(machine, endpoint)
            yield roads
            roads.close()


@pytest.mark.parametrize("case", SSH, ids=lambda case: case.name)
def test_wine_over_ssh(roads: Roads, case: Case) -> None:
    roads.do(roads.ssh, case)


@pytest.mark.parametrize("case", WINRM, ids=lambda case: case.name)
def test_wine_over_winrm(roads: Roads, case: Case) -> None:
    roads.do(roads.winrm, case)


def test_every_case_is_tried_on_wine_or_says_why_not() -> None:
    assert {one.name for one in cases.CASES if one.not_on_wine is None} == {one.name for one in (*SSH, *WINRM)}
