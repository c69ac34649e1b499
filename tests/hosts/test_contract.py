"""What every host promises, tried on this machine and on one reached over a real sshd."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from tests.hosts import contract
from tests.hosts.contract import Posix, Where
from tests.support.sshd import Sshd

from handrail.hosts import local
from handrail.hosts.local import LocalHost

RULES = [pytest.param(rule, id=rule.__name__) for rule in (*contract.RULES, *contract.POSIX)]


def where(tmp_path: Path) -> tuple[Where, Path]:
    for name in ("there", "here"):
        (tmp_path / name).mkdir()
    return Where(str(tmp_path / "there"), Posix(), tmp_path / "there"), tmp_path / "here"


@pytest.mark.parametrize("rule", RULES)
def test_this_machine(rule: Callable[..., Awaitable[None]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rule holds for LocalHost."""
    monkeypatch.setattr(local, "KILL_AFTER", 0.5)
    asyncio.run(contract.keep(rule, LocalHost("here"), *where(tmp_path)))


@pytest.mark.real
@pytest.mark.parametrize("rule", RULES)
def test_over_ssh(rule: Callable[..., Awaitable[None]], server: Sshd, tmp_path: Path) -> None:
    """The rule holds for SshHost."""
    asyncio.run(contract.keep(rule, server.host(), *where(tmp_path)))
