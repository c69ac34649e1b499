"""A disk that really is full, under the store of a run: a small tmpfs, in a name space of its own.

Mounting needs root, or a kernel that lets anybody do it in a name space of his own. What SQLite says of a full disk is
tried in `tests/running/test_store.py` too."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from tests.support.command import ESTATES, handrail
from tests.support.on_twin import count, judge_effects

from handrail.twin.world import open_twin

pytestmark = pytest.mark.real

UNSHARE = ("unshare", "--mount") if os.geteuid() == 0 else ("unshare", "--mount", "--user", "--map-root-user")
SMALL, LARGE = "700k", "64m"
"""A run of the sample writes some two megabytes before SQLite begins its log anew."""


def in_a_name_space(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    given = {**os.environ, **environment}
    return subprocess.run(
        [*UNSHARE, "sh", "-c", script], env=given, capture_output=True, text=True, timeout=300, check=False
    )


def may_mount(folder: Path) -> bool:
    try:
        return in_a_name_space(f"mount -t tmpfs tmpfs {shlex.quote(str(folder))}").returncode == 0
    except OSError:
        return False


def effects(home: Path) -> Counter[str]:
    """What the one run of this home did to its twin."""
    (folder,) = (home / "twins").iterdir()
    twin = open_twin(folder)
    try:
        return count(twin.effects(), folder.name)
    finally:
        twin.close()


def test_a_disk_that_is_full_stops_a_run_with_one_sentence_and_loses_nothing(tmp_path: Path) -> None:
    """Read as it stands, carried on when there is room, and nothing has taken effect twice."""
    disk, home, undisturbed, plan = (tmp_path / name for name in ("disk", "home", "undisturbed", "sp3.plan"))
    disk.mkdir()
    if not may_mount(disk):
        pytest.fail("nobody may mount a file system here: it takes root, or name spaces of one's own")
    assert handrail("plan", ESTATES / "contoso.yaml", "-o", plan, home=undisturbed).code == 0
    assert handrail("run", plan, "--twin", home=undisturbed).code == 0

    said = tmp_path / "said"
    handrail_ = f"{shlex.quote(sys.executable)} -m handrail.cli.main"
    tail = f'--store "{disk}/store.db"'
    script = f"""
        mount -t tmpfs -o size={SMALL} tmpfs "{disk}" && mkdir "{said}"
        {handrail_} run "{plan}" --twin {tail} > "{said}/run" 2> "{said}/why"; echo $? > "{said}/code"
        {handrail_} status {tail} --format json > "{said}/status" || exit 1
        mount -o remount,size={LARGE} "{disk}"
        run=$(sed -n 's/^ *"run": "\\(.*\\)",$/\\1/p' "{said}/status")
        {handrail_} resume "$run" {tail}
    """
    resumed = in_a_name_space(script, HANDRAIL_HOME=str(home))

    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    why = (said / "why").read_text()
    assert why.splitlines() == [
        f"handrail: The store {disk}/store.db cannot grow: the disk is full. "
        "Make room and resume; everything recorded so far is safe."
    ]
    assert int((said / "code").read_text()) != 0
    assert '"state": "done"' in (said / "status").read_text(), "it was full in the middle of the run"
    judge_effects(effects(home), effects(undisturbed))
