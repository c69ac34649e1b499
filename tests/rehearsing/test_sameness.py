"""Two moments are the same when only times, attempts and what we keep for ourselves tell them apart."""

from __future__ import annotations

from tests.support.rehearsals import id_of, journey

from handrail.rehearsing.sameness import Attempts, differences
from handrail.twin.machine import Machine
from handrail.twin.mechanisms import booting, files, services
from handrail.twin.things import Service
from handrail.twin.world import Twin

RUN = journey().end.run


def twin() -> Twin:
    return journey().end.twin.fork()


def otherwise(one: Twin, attempts: dict[str, int] | None = None) -> list[str]:
    there = journey().end.twin.state
    return [str(found) for found in differences(one.state, Attempts(RUN, attempts or {}), there, Attempts(RUN, {}))]


def written(path: str, text: str) -> Twin:
    made = twin()
    made.transact("brook", "test", lambda machine: files.plant(machine, files.of_bytes(path, text.encode(), "now")))
    return made


def test_a_fork_is_the_same() -> None:
    assert otherwise(twin()) == []


def test_another_time_is_no_difference() -> None:
    made = twin()
    made.transact("brook", "test", booting.restart)

    assert otherwise(made) == []


def test_what_we_keep_for_ourselves_is_no_difference() -> None:
    assert otherwise(written("C:\\ProgramData\\Handrail\\jobs\\x\\out.txt", "text")) == []
    assert otherwise(written("C:\\ProgramData\\Handrail\\receipts\\x.json", "{}")) == []


def test_a_service_and_a_file_are_differences() -> None:
    def stop(machine: Machine) -> None:
        found = machine.get(Service, "Mill")
        assert found is not None
        services.stop(machine, found)

    made = twin()
    made.transact("brook", "test", stop)

    assert otherwise(made) == ['service mill on brook is otherwise: state null, not "RUNNING"']
    assert otherwise(written("C:\\Mill\\more.exe", "text")) == ["entry C:\\Mill\\more.exe on brook should not be there"]


def test_what_the_last_attempt_made_is_the_same_under_another_number() -> None:
    end = journey().end
    first = Attempts(RUN, {id_of("keep"): 1})
    second = Attempts(RUN, {id_of("keep"): 2})
    names = [name for name in end.twin.state.table("brook", "entry") if first.own(("brook", "entry", name))]
    moved = [name.replace("\\1\\", "\\2\\") for name in names if "\\1\\" in name]

    assert moved
    assert [second.place(one) for one in moved] == [first.place(one.replace("\\2\\", "\\1\\")) for one in moved]
    assert {first.place(one) for one in moved} == {None}
