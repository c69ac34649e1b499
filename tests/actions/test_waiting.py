"""What a run left at work is waited for, whatever comes of it, before anything is done beside it."""

from __future__ import annotations

import asyncio
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.acting import receipt

from handrail.actions.waiting import JobEnded
from handrail.hosts import detached
from handrail.hosts.local import LocalHost
from handrail.hosts.protocol import Command

HOST = LocalHost("here")
SPOOL = Path(f"/var/tmp/handrail-jobs-{os.geteuid()}")


@pytest.fixture
def job() -> Iterator[str]:
    name = f"test-{uuid.uuid4().hex}/app/server@here/17/step/1"
    yield name
    shutil.rmtree(SPOOL / detached.folder(name), ignore_errors=True)


def start(job: str, script: str) -> None:
    asyncio.run(detached.start_or_attach(HOST, job, Command(("sh", "-c", script), timeout=20)))


def look(action: JobEnded) -> str:
    return asyncio.run(action.observe(HOST, receipt("wait"))).state


def test_a_command_that_is_still_at_work_is_waited_for(job: str, tmp_path: Path) -> None:
    start(job, f"sleep 0.4; touch {tmp_path / 'ended'}")

    assert look(JobEnded(job)) == "done"
    assert (tmp_path / "ended").exists()


@pytest.mark.parametrize("script", ["true", "exit 3"])
def test_what_came_of_it_does_not_matter(job: str, script: str) -> None:
    start(job, script)

    assert look(JobEnded(job)) == "done"


def test_what_never_began_is_not_waited_for(job: str) -> None:
    assert look(JobEnded(job)) == "done"


def test_what_does_not_end_is_not_passed_over(job: str) -> None:
    start(job, "sleep 3")

    assert look(JobEnded(job, patience=0)) == "unknown"
