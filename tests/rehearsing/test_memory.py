"""What is true of the journal in memory alone; what every journal must do is in tests/running/test_journal.py."""

from __future__ import annotations

import pytest

from handrail.errors import StoreLocked, Tampered
from handrail.model.journal import PEOPLE_LANE, RUN_LANE, Entry
from handrail.rehearsing.memory import MemoryJournal
from handrail.rehearsing.virtual_time import VirtualClock
from handrail.running.chain import check


def begun() -> tuple[MemoryJournal, str]:
    journal = MemoryJournal(VirtualClock())
    return journal, journal.create("contoso", "sha256:abcd", "{}", "twin", "eve")


def test_equal_rehearsals_have_equal_journals() -> None:
    (one, run), (other, _) = begun(), begun()
    for journal in (one, other):
        heads, _ = journal.take(run, ["a", RUN_LANE], {})
        journal.append_now(run, heads, [("a", Entry("begun", "s", 1)), (RUN_LANE, Entry("sealed"))])

    assert one.read(run) == other.read(run)


def test_its_hashes_hold() -> None:
    journal, run = begun()
    heads, _ = journal.take(run, ["a", RUN_LANE], {"who": "eve"})
    journal.append_now(run, heads, [("a", Entry("begun", "s", 1, {"x": (1, 2)})), (RUN_LANE, Entry("sealed"))])

    assert len(check(run, journal.read(run))) == 2


def test_a_fork_and_its_origin_do_not_see_what_the_other_appends() -> None:
    origin, run = begun()
    heads, _ = origin.take(run, ["a"], {})
    fork = origin.fork()
    origin.append_now(run, heads, [("a", Entry("begun", "s", 1))])
    fork.add(run, PEOPLE_LANE, Entry("answered", "s"))

    assert [event.entry.kind for event in origin.read(run)] == ["created", "taken", "begun"]
    assert [event.entry.kind for event in fork.read(run)] == ["created", "taken", "answered"]


def test_a_writer_from_before_a_fork_is_refused_only_where_its_lane_was_taken() -> None:
    origin, run = begun()
    heads, _ = origin.take(run, ["a"], {})
    fork = origin.fork()
    fork.take(run, ["a"], {})

    origin.append_now(run, heads, [("a", Entry("begun", "s", 1))])
    with pytest.raises(StoreLocked):
        fork.append_now(run, heads, [("a", Entry("begun", "s", 1))])


@pytest.mark.parametrize("at", [0, 1, 2, 3])
def test_a_record_that_is_missing_is_noticed(at: int) -> None:
    journal, run = begun()
    heads, _ = journal.take(run, ["a"], {})
    journal.append_now(run, heads, [("a", Entry("begun", "s", 1)), ("a", Entry("done", "s", 1))])
    del journal._runs[run].events[at]

    with pytest.raises(Tampered):
        journal.read(run)
