from __future__ import annotations

import asyncio
import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.databases import Server

from handrail.actions.redacting import Redactor
from handrail.errors import BadInput, StoreLocked, Tampered, UnknownName
from handrail.model.journal import PEOPLE_LANE, RUN_LANE, Entry
from handrail.rehearsing.memory import MemoryJournal
from handrail.running.chain import Head, canonical, head_of
from handrail.running.clock import SystemClock
from handrail.running.journal import Journal, open_journal
from handrail.running.protocol import AnyJournal, Watch
from handrail.running.redaction import Redact, keep
from handrail.running.writer import Writer

DOCUMENT = canonical({"a": "plan"})


@pytest.fixture(params=["on disk", "in memory", pytest.param("in PostgreSQL", marks=pytest.mark.real)])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[AnyJournal]:
    """What is asked of a journal is asked of all: rehearsals prove nothing about runs otherwise."""
    if request.param == "in PostgreSQL":
        server: Server = request.getfixturevalue("server")
        made: Journal | MemoryJournal = open_journal(server.database())
    else:
        made = opened(request.param, tmp_path)
    yield made
    made.close()


@pytest.fixture
def stored(tmp_path: Path) -> Iterator[Journal]:
    made = open_journal(str(tmp_path / "store.db"))
    yield made
    made.close()


def opened(where: str, folder: Path, redact: Redact = keep, watch: Watch | None = None) -> Journal | MemoryJournal:
    if where == "in memory":
        return MemoryJournal(SystemClock(), redact, watch)
    return open_journal(str(folder / "store.db"), redact=redact, watch=watch)


def begin(journal: AnyJournal) -> str:
    return journal.create("Contoso & Söhne", "sha256:abcd", DOCUMENT, "twin", "eve", {"approvals": []})


def write(journal: AnyJournal, run: str, *entries: tuple[str, Entry]) -> None:
    async def do() -> None:
        writer = Writer(journal, run)
        writer.take(sorted({lane for lane, _ in entries}), {"who": "eve"})
        for lane, entry in entries:
            await writer.append((lane, entry))
        await writer.close()

    asyncio.run(do())


def test_what_is_appended_is_read_back_in_order(journal: AnyJournal) -> None:
    run = begin(journal)
    write(journal, run, ("a", Entry("begun", "s", 1, {"x": [1, {"y": None}]})), ("b", Entry("done", "t", 1)))

    found = journal.read(run)

    assert [event.position for event in found] == [1, 2, 3, 4, 5]
    assert [event.entry.kind for event in found] == ["created", "taken", "taken", "begun", "done"]
    assert found[3].entry == Entry("begun", "s", 1, {"x": [1, {"y": None}]})


def test_a_run_has_a_readable_id_of_its_own(stored: Journal) -> None:
    journal = stored
    first, second = begin(journal), begin(journal)

    assert first.startswith("contoso-s-hne-2")
    assert first.split("-")[-2:-1] == ["1"] and second.split("-")[-2:-1] == ["2"]
    assert [row.run for row in journal.runs()] == [first, second]
    assert journal.document(first) == DOCUMENT


def test_a_run_keeps_its_plan_and_comes_after_those_before_it(journal: AnyJournal) -> None:
    first, second = begin(journal), begin(journal)

    assert first != second
    assert [row.run for row in journal.runs()] == [first, second]
    assert journal.document(second) == DOCUMENT
    assert (journal.row(first).plan, journal.row(first).who) == ("sha256:abcd", "eve")


def test_steps_are_there_once_one_was_journaled(journal: AnyJournal) -> None:
    run = begin(journal)
    assert not journal.has_steps(run)
    write(journal, run, ("a", Entry("begun", "s", 1)))
    assert journal.has_steps(run)


def test_the_tail_of_a_lane_is_what_stands_behind_a_head(journal: AnyJournal) -> None:
    run = begin(journal)
    first = journal.add(run, PEOPLE_LANE, Entry("answered", "s", data={"answer": "yes"}))
    write(journal, run, ("a", Entry("begun", "s", 1)))
    second = journal.add(run, PEOPLE_LANE, Entry("answered", "t", data={"answer": "no"}))

    assert journal.tail(run, PEOPLE_LANE, Head()) == [first, second]
    assert journal.tail(run, PEOPLE_LANE, head_of(first)) == [second]
    with pytest.raises(Tampered):
        journal.tail(run, PEOPLE_LANE, Head(1, 0, "0" * 64))


@pytest.mark.parametrize("where", ["on disk", "in memory"])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_what_dies_before_a_commit_is_not_there_and_what_dies_after_it_is(
    tmp_path: Path, where: str, moment: str
) -> None:
    armed = False

    def die(now: str) -> None:
        if armed and now == moment:
            raise KeyboardInterrupt

    journal = opened(where, tmp_path, watch=die)
    run = begin(journal)
    armed = True
    with pytest.raises(KeyboardInterrupt):
        journal.add(run, PEOPLE_LANE, Entry("answered", "s"))
    armed = False

    assert len(journal.read(run)) == (1 if moment == "before" else 2)
    journal.close()


def test_an_unknown_run_is_named_with_the_nearest_one(journal: AnyJournal) -> None:
    run = begin(journal)

    with pytest.raises(UnknownName, match=run):
        journal.row(run + "x")


def test_a_name_that_is_no_text_harms_nothing(journal: AnyJournal) -> None:
    """Bytes that were typed in another encoding; they are no sign that the store is damaged."""
    with pytest.raises(BadInput, match=r"no text|not known"):
        journal.row("mill-\udcff")


def test_a_lane_that_was_taken_over_refuses_its_older_writer(journal: AnyJournal) -> None:
    run = begin(journal)

    async def fight() -> None:
        old, new = Writer(journal, run), Writer(journal, run)
        old.take(["a", "b"], {})
        await old.append(("a", Entry("begun", "s", 1)))
        new.take(["a"], {})
        with pytest.raises(StoreLocked, match="taken run"):
            await old.append(("a", Entry("done", "s", 1)))
        await old.append(("b", Entry("begun", "t", 1)))  # what was not taken is still its own
        await new.append(("a", Entry("begun", "s", 1)))
        await old.close()
        await new.close()

    asyncio.run(fight())
    assert [event.epoch for event in journal.read(run) if event.lane == "a"] == [1, 1, 2, 2]


def test_a_lane_that_was_not_taken_cannot_be_written(journal: AnyJournal) -> None:
    run = begin(journal)

    async def do() -> None:
        writer = Writer(journal, run)
        with pytest.raises(StoreLocked):
            await writer.append(("a", Entry("begun", "s", 1)))
        await writer.close()

    asyncio.run(do())


def test_what_a_lane_that_was_let_go_still_had_to_say_is_refused(journal: AnyJournal) -> None:
    """It may be another one's by now. What other lanes say in the same commit is written."""
    run = begin(journal)

    async def do() -> list[object]:
        writer = Writer(journal, run)
        writer.take(["a", "b"], {})
        said = [asyncio.create_task(writer.append((lane, Entry("begun", f"x/{lane}", 1)))) for lane in "ab"]
        await asyncio.sleep(0)
        writer.leave("a")
        return await asyncio.gather(*said, return_exceptions=True)

    refused, written = asyncio.run(do())

    assert isinstance(refused, StoreLocked) and isinstance(written, list)
    assert [event.lane for event in journal.read(run) if event.entry.kind == "begun"] == ["b"]


def test_appends_made_meanwhile_share_a_commit_and_none_is_answered_before_it(tmp_path: Path) -> None:
    """Where the disk was seen to be slow: a commit is held up, four more appends come and make one."""
    commits: list[int] = []
    gate = threading.Event()
    answered: list[int] = []
    disk = "fast"

    def watch(moment: str) -> None:
        if moment == "before" and disk == "slow":
            time.sleep(0.1)
        elif moment == "before" and disk == "held up":
            assert gate.wait(10)
        elif disk == "held up":
            commits.append(len(answered))

    journal = open_journal(str(tmp_path / "store.db"), watch=watch)
    run = begin(journal)

    async def one(writer: Writer, number: int) -> None:
        await writer.append((f"lane{number}", Entry("begun", f"s{number}", 1)))
        answered.append(number)

    async def do() -> None:
        nonlocal disk
        writer = Writer(journal, run)
        writer.take([f"lane{number}" for number in range(5)], {})
        disk = "slow"
        await writer.append(("lane0", Entry("begun", "s", 1)))
        disk = "held up"
        tasks = [asyncio.create_task(one(writer, 0))]
        await asyncio.sleep(0.05)
        tasks += [asyncio.create_task(one(writer, number)) for number in range(1, 5)]
        await asyncio.sleep(0.05)
        assert answered == []
        gate.set()
        await asyncio.gather(*tasks)
        await writer.close()

    asyncio.run(do())
    journal.close()
    assert len(commits) == 2
    assert commits[0] == 0
    assert sorted(answered) == [0, 1, 2, 3, 4]


def test_a_store_that_stands_still_holds_the_loop_up_once(tmp_path: Path) -> None:
    """Swift commits are made in the loop's own thread. After one that was slow, also one that came to nothing, another
    thread makes them, until some have been."""
    path = tmp_path / "store.db"
    threads: list[threading.Thread] = []
    journal = open_journal(str(path), busy=0.3, watch=lambda _: threads.append(threading.current_thread()))
    run = begin(journal)

    async def refused(writer: Writer) -> int:
        """How often the loop went round meanwhile."""
        rounds = 0
        appending = asyncio.create_task(writer.append(("a", Entry("begun", "s", 1))))
        while not appending.done():
            await asyncio.sleep(0.01)
            rounds += 1
        assert isinstance(appending.exception(), StoreLocked)
        return rounds

    async def do() -> None:
        writer = Writer(journal, run)
        writer.take(["a"], {})
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            assert await refused(writer) < 5
            assert await refused(writer) >= 5
        threads.clear()
        for number in range(300):
            await writer.append(("a", Entry("begun", "s", number)))
        await writer.close()

    asyncio.run(do())
    journal.close()
    assert threads[0] is not threading.main_thread()
    assert threading.main_thread() in threads


def test_within_one_view_the_end_of_a_run_does_not_move(tmp_path: Path) -> None:
    journal = open_journal(str(tmp_path / "store.db"))
    run = begin(journal)

    with journal.store.read() as view:
        before = journal.end_of(view, run)
        journal.add(run, PEOPLE_LANE, Entry("verified", data={"who": "ann"}))
        assert journal.end_of(view, run) == before
    journal.close()


def test_of_one_append_all_entries_are_committed_or_none(journal: AnyJournal) -> None:
    run = begin(journal)

    async def do() -> None:
        old, new = Writer(journal, run), Writer(journal, run)
        old.take(["a", "b"], {})
        new.take(["b"], {})
        with pytest.raises(StoreLocked):
            await old.append(("a", Entry("done", "s", 1)), ("b", Entry("begun", "t", 1)))
        await old.close()
        await new.close()

    asyncio.run(do())
    assert "done" not in [event.entry.kind for event in journal.read(run)]


def test_answers_are_added_while_a_runner_writes(journal: AnyJournal) -> None:
    run = begin(journal)

    async def do() -> None:
        writer = Writer(journal, run)
        writer.take(["a"], {})
        await writer.append(("a", Entry("begun", "s", 1)))
        journal.add(run, PEOPLE_LANE, Entry("answered", "s", data={"answer": "yes"}))
        await writer.append(("a", Entry("done", "s", 1)))
        await writer.close()

    asyncio.run(do())
    assert [event.entry.kind for event in journal.read(run)][2:] == ["begun", "answered", "done"]


@pytest.mark.parametrize("where", ["on disk", "in memory"])
def test_what_json_cannot_hold_is_kept_as_text_and_secrets_are_hidden(tmp_path: Path, where: str) -> None:
    journal = opened(where, tmp_path, redact=Redactor(["hunter2"]).redact)
    run = begin(journal)
    data = {"p": Path("x"), "b": b"\xffhunter2", "n": float("nan"), "t": ("hunter2", {"hunter2": 1}), "s": "\ud800\x00"}
    write(journal, run, ("a", Entry("done", "s", 1, data)))

    found = journal.read(run)[-1].entry.data

    assert found == {"p": "x", "b": "\ufffd***", "n": "nan", "t": ["***", {"***": 1}], "s": "\ud800\x00"}
    journal.close()
    assert b"hunter2" not in b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())


def test_a_seal_covers_the_heads_of_all_lanes(journal: AnyJournal) -> None:
    run = begin(journal)
    write(journal, run, ("a", Entry("done", "s", 1)), (RUN_LANE, Entry("sealed")))

    assert len(journal.read(run)[-1].entry.data["heads"]) == 64


def filled(path: Path) -> str:
    journal = open_journal(str(path))
    run = begin(journal)
    write(
        journal,
        run,
        ("a", Entry("begun", "s", 1, {"before": {"state": "not_done"}})),
        ("b", Entry("skipped", "t", 0, {"because": "no need"})),
        ("a", Entry("done", "s", 1, {"outputs": {"file": "C:\\x"}})),
        (RUN_LANE, Entry("sealed")),
    )
    journal.add(run, PEOPLE_LANE, Entry("answered", "s", data={"answer": "yes"}))
    journal.close()
    return run


def read_all(path: Path, run: str) -> None:
    journal = open_journal(str(path))
    try:
        journal.read(run)
        journal.document(run)
        assert [row.run for row in journal.runs()] == [run]
    finally:
        journal.close()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    path = tmp_path_factory.mktemp("journal") / "store.db"
    return path, filled(path)


FIELDS = [
    *[("events", name) for name in ("lane", "sequence", "position", "epoch", "at", "kind", "step", "attempt")],
    *[("events", name) for name in ("data", "previous", "hash")],
    *[("lanes", name) for name in ("lane", "epoch", "sequence", "hash")],
    *[("runs", name) for name in ("plan", "estate", "target", "created", "who")],
    ("plans", "document"),
    ("plans", "digest"),
]


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(field=st.sampled_from(FIELDS), pick=st.integers(0, 10**6), bit=st.integers(0, 6), at=st.integers(0, 10**6))
def test_one_flipped_bit_in_any_stored_field_is_found(
    store: tuple[Path, str], field: tuple[str, str], pick: int, bit: int, at: int
) -> None:
    path, run = store
    table, column = field
    update = sa.text(f"UPDATE {table} SET {column} = :value WHERE rowid = :row")
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        rows = connection.execute(
            sa.text(f"SELECT rowid, {column} FROM {table} WHERE {column} IS NOT NULL ORDER BY rowid")
        ).all()
        row, was = rows[pick % len(rows)]
        if isinstance(was, int):
            now: object = was ^ (1 << bit)
        else:
            letters = list(was)
            where = at % len(letters)
            letters[where] = chr(ord(letters[where]) ^ (1 << bit))
            now = "".join(letters)
        try:
            connection.execute(update, {"value": now, "row": row})
        except sa.exc.IntegrityError:
            return  # the store itself refuses it
    try:
        with pytest.raises(Tampered):
            read_all(path, run)
    finally:
        with engine.begin() as connection:
            connection.execute(update, {"value": was, "row": row})
        engine.dispose()
    read_all(path, run)


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM events WHERE position = (SELECT max(position) FROM events)",
        "DELETE FROM events WHERE position = 5",
        "DELETE FROM events WHERE lane = 'b'",
        "DELETE FROM events WHERE lane = 'b'; DELETE FROM lanes WHERE lane = 'b'",
        "DELETE FROM events",
        "DELETE FROM lanes WHERE lane = 'a'",
        "INSERT INTO lanes SELECT run, 'z', epoch, sequence, hash FROM lanes LIMIT 1",
        "UPDATE events SET step = NULL WHERE step = 't'",
        "UPDATE events SET data = replace(data, ':', ': ')",
    ],
)
def test_removed_and_added_records_are_found(tmp_path: Path, change: str) -> None:
    path = tmp_path / "store.db"
    run = filled(path)
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        for one in change.split(";"):
            connection.execute(sa.text(one))
    engine.dispose()

    with pytest.raises(Tampered):
        read_all(path, run)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=40, deadline=None)
@given(entries=st.lists(st.tuples(st.sampled_from("abc"), st.dictionaries(st.text(), json_values)), max_size=6))
def test_any_json_survives_the_journal(
    tmp_path_factory: pytest.TempPathFactory, entries: list[tuple[str, dict[str, object]]]
) -> None:
    journal = open_journal(str(tmp_path_factory.mktemp("any") / "store.db"))
    run = begin(journal)
    if entries:
        write(journal, run, *((lane, Entry("done", "s", 1, data)) for lane, data in entries))

    found = [dict(event.entry.data) for event in journal.read(run) if event.entry.kind == "done"]

    assert found == [json.loads(json.dumps(data)) for _, data in entries]
    journal.close()
