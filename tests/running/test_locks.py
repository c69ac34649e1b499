from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from handrail.errors import StoreLocked
from handrail.running.locks import held, is_held


def test_a_held_lock_names_its_holder_and_is_free_afterwards(tmp_path: Path) -> None:
    path = tmp_path / "locks" / "run.lock"
    message = f"Run x is already being carried out by process {os.getpid()}"
    with held(path, "Run x"), pytest.raises(StoreLocked, match=message), held(path, "Run x"):
        pass
    with held(path, "Run x"):
        pass


def test_a_killed_holder_frees_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "run.lock"
    program = f"""
import os, signal
from pathlib import Path
from handrail.running.locks import held, is_held
with held(Path({str(path)!r}), "x"):
    os.kill(os.getpid(), signal.SIGKILL)
"""
    killed = subprocess.run([sys.executable, "-c", program], check=False)

    assert killed.returncode == -9
    with held(path, "x"):
        pass


def test_whether_a_lock_is_held_can_be_asked_without_taking_it(tmp_path: Path) -> None:
    path = tmp_path / "one.lock"
    assert not is_held(path)
    with held(path, "Run one"):
        assert is_held(path)
    assert not is_held(path)
