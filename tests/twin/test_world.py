"""Transactions, forks, and a twin that outlives its process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support import virtual_time
from tests.support.twins import HOTFIX, SERVICE, TWIN_YAML, Clock, Console, a_twin, an_estate

from handrail.errors import NotRehearsed, StoreError, StoreNewer, StoreUnwritable
from handrail.hosts import detached
from handrail.hosts.protocol import Command
from handrail.twin.raising import raise_twin
from handrail.twin.state import Draft, State
from handrail.twin.store import Store
from handrail.twin.things import Entry
from handrail.twin.world import Twin, is_raised, open_twin


def kept(folder: Path) -> Twin:
    return raise_twin(an_estate("4.6.34.0"), {"mim": TWIN_YAML}, folder, Clock())


def test_what_was_done_is_there_when_the_twin_is_opened_again(tmp_path: Path) -> None:
    twin = kept(tmp_path)
    console = Console(twin)
    console("sc", "stop", SERVICE)
    console("msiexec", "/p", HOTFIX, "/qn", "/norestart")
    console.script("mount-image", "C:\\Media\\SP2.iso")
    console.sql(f"BACKUP DATABASE [{SERVICE}] TO DISK = N'C:\\a.bak' WITH CHECKSUM")
    twin.close()

    again = open_twin(tmp_path)
    assert again.state == twin._state
    assert again.effects() == twin._effects
    assert Console(again).version() == "4.6.673.0"
    assert Console(again, "sql01").sql("RESTORE VERIFYONLY FROM DISK = N'C:\\a.bak'").code == 0


def test_raising_the_same_estate_twice_gives_the_same_twin() -> None:
    assert a_twin().state == a_twin().state


def test_effects_are_counted_from_one_and_looking_leaves_none() -> None:
    console = Console(a_twin())
    console("sc", "query", SERVICE)
    console("reg", "query", "HKLM\\SOFTWARE", "/s")
    console.line("dir C:\\Windows")
    assert console.twin.effects() == []

    console("sc", "stop", SERVICE)
    (effect,) = console.twin.effects()
    assert (effect.n, effect.host, effect.kind, effect.what) == (1, "sync01", "service", f"{SERVICE} stopped")
    assert effect.command == f"sc stop {SERVICE}"


def test_a_fork_and_its_origin_do_not_see_each_other() -> None:
    origin = a_twin()
    Console(origin)("iisreset", "/stop")
    fork = origin.fork()
    Console(fork)("sc", "stop", SERVICE)
    Console(origin).line("mkdir C:\\origin")

    assert Console(origin).state() == "RUNNING"
    assert Console(fork).line("dir C:\\origin").code == 1
    assert [len(one.effects()) for one in (origin, fork)] == [3, 3]


def test_a_command_that_fails_half_way_leaves_nothing(tmp_path: Path) -> None:
    twin = kept(tmp_path)
    console = Console(twin)
    with pytest.raises(NotRehearsed):
        console.line("mkdir C:\\a & defrag C:")

    assert console.line("dir C:\\a").code == 1
    assert open_twin(tmp_path).state == twin.state


def test_an_effect_its_row_and_its_receipt_stand_or_fall_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if killed at the very commit of the job that installs."""
    twin = kept(tmp_path)
    console = Console(twin)
    console("sc", "stop", SERVICE)
    commit = Store.commit

    def killed(store: Store, changes: list[object], effects: list[object]) -> None:
        if any(getattr(one, "kind", "") == "software" for one in effects):
            raise KeyboardInterrupt
        commit(store, changes, effects)  # type: ignore[arg-type]

    monkeypatch.setattr(Store, "commit", killed)
    job = Command(("msiexec", "/p", HOTFIX, "/qn", "/norestart"))
    with pytest.raises(KeyboardInterrupt):
        virtual_time.run(detached.run(console.host, "run/step/1", job))
    monkeypatch.undo()

    again = Console(open_twin(tmp_path))
    assert again.version() == "4.6.34.0"
    assert not [one for one in again.twin.effects() if one.kind == "software"]
    assert virtual_time.run(detached.run(again.host, "run/step/1", job)).code == 0
    assert [one.kind for one in again.twin.effects()].count("software") == 1


CHILD = """
    import sys
    from pathlib import Path
    from tests.support.twins import Console
    from handrail.twin.world import open_twin

    console = Console(open_twin(Path(sys.argv[1])))
    for number in range(100000):
        console.line(f"mkdir C:\\\\made\\\\{number:06}")
"""


def test_after_a_real_kill_every_effect_has_its_row_and_every_row_its_effect(tmp_path: Path) -> None:
    kept(tmp_path).close()
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    for seconds in (0.0, 0.05):
        child = subprocess.Popen([sys.executable, "-c", textwrap.dedent(CHILD), str(tmp_path)], env=environment)
        before = len(open_twin(tmp_path).effects())
        while len(open_twin(tmp_path).effects()) < before + 5:
            assert child.poll() is None
            time.sleep(0.01)
        time.sleep(seconds)
        child.send_signal(signal.SIGKILL)
        child.wait()

        twin = open_twin(tmp_path)
        made = [one for one in twin.machine("sync01").all(Entry) if one.path.startswith("C:\\made\\")]
        assert len(made) == len({one.what for one in twin.effects() if one.kind == "folder"})


def test_another_process_carrying_it_on_is_noticed(tmp_path: Path) -> None:
    first = kept(tmp_path)
    second = open_twin(tmp_path)
    Console(second)("sc", "stop", SERVICE)

    assert Console(first).state() == "STOPPED"
    assert len(first.effects()) == 1


def test_a_twin_is_not_raised_over_another(tmp_path: Path) -> None:
    assert not is_raised(tmp_path)
    kept(tmp_path)

    assert is_raised(tmp_path)
    with pytest.raises(StoreError, match="already"):
        kept(tmp_path)


def test_what_is_no_twin_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no twin"):
        open_twin(tmp_path)
    (tmp_path / "twin.db").write_bytes(b"garbage" * 200)
    assert not is_raised(tmp_path)
    with pytest.raises(StoreError):
        open_twin(tmp_path)


def test_a_twin_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    kept(tmp_path).close()
    store = Store(tmp_path)
    store._sql.execute("UPDATE about SET value = '99' WHERE name = 'format'")
    store.close()

    assert is_raised(tmp_path), "a run would call it gone, and raise another one in its place"
    with pytest.raises(StoreNewer):
        open_twin(tmp_path)


def test_a_folder_that_cannot_be_made_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnwritable):
        kept(tmp_path / "file" / "twin")


NAMES = st.sampled_from("abc")
CHANGES = st.lists(st.tuples(NAMES, NAMES, st.none() | st.integers(0, 2)), max_size=8)


@settings(max_examples=30, deadline=None)
@given(CHANGES, CHANGES, CHANGES)
def test_a_draft_reads_like_the_state_it_will_become(
    first: list[tuple[str, str, int | None]],
    second: list[tuple[str, str, int | None]],
    third: list[tuple[str, str, int | None]],
) -> None:
    state = State()
    state.apply((("host", kind, name), value) for kind, name, value in first)
    fork = state.fork()
    fork.apply((("host", kind, name), value) for kind, name, value in third)
    draft = Draft(state)
    for kind, name, value in second:
        draft.put("host", kind, name, value)
    seen = {kind: draft.items("host", kind) for kind in "abc"}
    state.apply(draft.changes())

    assert seen == {kind: sorted(state.table("host", kind).items()) for kind in "abc"}
    other = State()
    other.apply((("host", kind, name), value) for kind, name, value in [*first, *third])
    assert fork == other
