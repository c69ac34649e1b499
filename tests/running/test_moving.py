"""A run that is moved to another store goes on there, whole, and nowhere else; whenever the move is killed."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.support import counting
from tests.support.command import assert_clean, handrail
from tests.support.counting import QUICK, effects, plan, step
from tests.support.killing import KILLED, MOMENTS, Fuse, Kill, elsewhere

from handrail.console.following import Following
from handrail.console.run_view import standing_sentence
from handrail.errors import BadInput, StoreLocked, StoreUnwritable, Tampered, UnknownName
from handrail.model.journal import PEOPLE_LANE, Entry
from handrail.model.plan import Plan
from handrail.reporting.evidence import Gathered
from handrail.reporting.evidence_source import header_of
from handrail.reporting.standing import standing_page
from handrail.reporting.text import render
from handrail.running.home import Home
from handrail.running.journal import Journal, open_journal
from handrail.running.moving import Moved, Side, groups_of, move_runs
from handrail.running.protocol import Watch
from handrail.running.schema import REVISIONS
from handrail.running.session import Session
from handrail.running.standing import RunStanding
from handrail.running.store_tables import without_password
from handrail.running.twin_copies import Twins


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, Path]:
    """Two homes that reach the same hosts."""
    (tmp_path / "hosts").mkdir()
    return place(tmp_path, "old"), place(tmp_path, "new")


def place(folder: Path, name: str) -> Path:
    (folder / name).mkdir()
    (folder / name / "hosts").symlink_to(folder / "hosts")
    return folder / name


@contextmanager
def opened(place: Path, watch: Watch | None = None) -> Iterator[Session]:
    with counting.opening(place, watch, play=False) as session:
        yield session


def a_plan(**more: Any) -> Plan:
    one = step("one", lasting=True)
    sure = step("sure", "hold", host=None, with_={"question": "Go on?"}, after=(one.id,))
    return plan(one, sure, step("two", host="b", after=(sure.id,)), **more)


def begin(place: Path, made: Plan | None = None) -> str:
    """A run that has done what it could without a person."""
    with opened(place) as session:
        run = session.start(made or a_plan(), "eve")
        carry(session, run)
    return run


def carry(session: Session, run: str) -> str:
    return asyncio.run(session.carry_out(run, "eve", settings=QUICK)).status.state


def end(place: Path, run: str) -> None:
    """Answer what it waits for and bring it to its end, with every step done once."""
    with opened(place) as session:
        session.answer(run, "sure", "yes", "eve")
        assert carry(session, run) == "succeeded"
        session.events(run)
    assert effects(place / "hosts") == {"a set one": 1, "b set two": 1}


def side(journal: Journal, home: Home) -> Side:
    return Side(journal, Twins(home), shared=False)


def move(old: Path, new: Path, names: Sequence[str] = (), watch: Watch = lambda _: None) -> list[Moved]:
    told: list[Moved] = []
    with opened(old) as here, opened(new) as there:
        move_runs(side(here.journal, here.home), side(there.journal, there.home), names, "eve", told.append, watch)
    return told


def runs_in(place: Path) -> list[str]:
    with opened(place) as session:
        return [row.run for row in session.runs()]


def able(place: Path, run: str) -> bool:
    """Whether the run could go on there."""
    with opened(place) as session:
        try:
            session.refuse_departed(session.find(run))
        except (BadInput, UnknownName):
            return False
    return True


def store_of(place: Path) -> Path:
    return place / "home" / "store.db"


def test_it_goes_on_where_it_was_moved_to_and_the_old_place_says_where(places: tuple[Path, Path]) -> None:
    old, new = places
    run = begin(old)

    assert [(one.run, one.did) for one in move(old, new)] == [(run, "moved")]

    with opened(old) as session:
        journal = session.journal
        refused: list[Callable[[], object]] = [
            lambda: carry(session, run),
            lambda: session.answer(run, "sure", "yes", "eve"),
            lambda: session.hand_over(run, "eve"),
            lambda: session.rollback(run),
            lambda: asyncio.run(session.verify(run, "eve")),
            lambda: session.start(a_plan(), "eve"),
            lambda: journal.add(run, PEOPLE_LANE, Entry("resumed", data={})),
            lambda: journal.take(run, ["a"], {}),
        ]
        for one in refused:
            with pytest.raises(BadInput, match=rf"^Run {run} was moved to the store {store_of(new)} on .* not here\."):
                one()
        before = session.events(run)
        assert (before[-1].entry.kind, session.status(run).moved_to) == ("moved", str(store_of(new)))
    with opened(new) as session:
        events = session.events(run)
        assert events[: len(before)] == before
        assert [event.entry.kind for event in events[len(before) :]] == ["arrived"]
        assert session.status(run).moved_to is None
    end(new, run)


def test_it_can_be_moved_back_and_its_journal_is_one_history(places: tuple[Path, Path]) -> None:
    old, new = places
    run = begin(old)
    move(old, new)
    with opened(new) as session:
        session.answer(run, "sure", "yes", "eve")

    move(new, old, [run])

    with opened(old) as session:
        assert carry(session, run) == "succeeded"
        kinds = [event.entry.kind for event in session.events(run) if event.lane == PEOPLE_LANE]
    assert kinds == ["moved", "arrived", "answered", "moved", "arrived"]
    assert effects(old / "hosts") == {"a set one": 1, "b set two": 1}
    assert not able(new, run)
    assert [one.did for one in move(old, new)] == ["moved"], "and away again, when it has ended"


def test_moved_twice_it_is_there_and_to_a_third_place_it_does_not_go_from_here(
    places: tuple[Path, Path], tmp_path: Path
) -> None:
    old, new = places
    run = begin(old)
    move(old, new)

    assert [one.did for one in move(old, new, [run])] == ["was there"]
    third = place(tmp_path, "third")
    assert [(one.did, one.to) for one in move(old, third)] == [("is elsewhere", str(store_of(new)))]
    with pytest.raises(BadInput, match="was moved to the store"):
        move(old, third, [run])
    assert runs_in(third) == []


# -- killed ----------------------------------------------------------------------------------------------------------


def _moving(old: Path, new: Path, kill: Kill | None) -> None:
    move(old, new, watch=Fuse(kill))


def killed(old: Path, new: Path, kill: Kill) -> None:
    """Move what is there in a process of its own, which dies at one of its commits."""
    assert elsewhere(_moving, old, new, kill) == KILLED


@pytest.mark.parametrize("commit", [1, 2, 3])
@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_at_any_commit_it_can_go_on_in_one_place_at_most_and_a_second_move_completes_it(
    places: tuple[Path, Path], commit: int, moment: Any
) -> None:
    old, new = places
    run = begin(old)

    killed(old, new, Kill(commit, moment))

    done = commit if moment == "after" else commit - 1
    assert (able(old, run), able(new, run)) == (done < 2, done == 3)
    assert [one.did for one in move(old, new)] == ["was there" if done == 3 else "moved"]
    assert (able(old, run), able(new, run)) == (False, True)
    end(new, run)


def test_killed_before_it_had_left_it_may_go_on_and_is_moved_as_it_is_then(places: tuple[Path, Path]) -> None:
    """What the killed move left in the target never was a run there; also when the old store was set back since."""
    old, new = places
    run = begin(old)
    shutil.copytree(old / "home", old / "backup")
    with opened(old) as session:
        session.journal.add(run, PEOPLE_LANE, Entry("resumed", data={"who": "before"}))
    killed(old, new, Kill(1, "after"))
    assert handrail("store", "check", home=new / "home").out.count(f"Run {run} was on its way here") == 1
    shutil.rmtree(old / "home")
    (old / "backup").rename(old / "home")
    with opened(old) as session:
        session.answer(run, "sure", "yes", "eve")

    move(old, new)

    with opened(new) as session:
        assert not any(event.entry.data.get("who") == "before" for event in session.events(run))
        assert carry(session, run) == "succeeded"
    assert effects(new / "hosts") == {"a set one": 1, "b set two": 1}


def test_what_had_left_and_could_not_arrive_says_so_and_arrives_with_the_same_command(
    places: tuple[Path, Path],
) -> None:
    old, new = places
    run = begin(old)
    commits: list[str] = []

    def full(moment: str) -> None:
        commits.append(moment)
        if commits == ["before", "after", "before", "after", "before"]:
            raise StoreUnwritable("The disk is full.")

    with pytest.raises(StoreUnwritable, match=rf"The disk is full\. Run {run} has left .* not arrived.* same command"):
        move(old, new, watch=full)
    assert (able(old, run), able(new, run)) == (False, False)

    assert [one.did for one in move(old, new)] == ["moved"]
    end(new, run)


# -- refused ---------------------------------------------------------------------------------------------------------


def test_a_run_that_is_being_carried_is_not_moved(places: tuple[Path, Path]) -> None:
    """Nor is any other with it: all are looked at first."""
    old, new = places
    other, run = begin(old), begin(old, plan(step("else")))
    with (
        opened(old) as session,
        session.journal.store.hold(run, "It"),
        pytest.raises(StoreLocked, match=rf"Run {run} is already being carried out by process \d+"),
    ):
        move(old, new)
    assert runs_in(new) == [] and able(old, other)


def test_a_run_that_is_there_is_left_alone_unless_it_is_the_same(places: tuple[Path, Path]) -> None:
    old, new = places
    run = begin(old)
    shutil.copytree(old / "home", new / "home")
    with opened(new) as session:
        session.journal.add(run, PEOPLE_LANE, Entry("resumed", data={"who": "eve"}))
        there = session.events(run)
    with pytest.raises(BadInput, match=rf"Run {run} is in {store_of(new)} already, and is not the same"):
        move(old, new)
    with opened(new) as session:
        assert session.events(run) == there
    assert able(old, run)

    shutil.rmtree(new / "home")
    shutil.copytree(old / "home", new / "home")
    with opened(new) as session, session.journal.store.hold(run, "It"), pytest.raises(StoreLocked):
        move(old, new)
    assert [one.did for one in move(old, new)] == ["moved"]
    assert (able(old, run), able(new, run)) == (False, True)
    end(new, run)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE events SET data = replace(data, 'eve', 'mallory') WHERE position = 1",
        "UPDATE events SET at = '2020' WHERE position = 3",
        "DELETE FROM events WHERE position = (SELECT max(position) FROM events)",
        "UPDATE plans SET document = replace(document, 'Go on?', 'Stop?')",
        "UPDATE runs SET who = 'mallory'",
    ],
)
def test_what_was_changed_is_not_moved_and_a_check_says_so(places: tuple[Path, Path], change: str) -> None:
    old, new = places
    run = begin(old)
    assert handrail("store", "check", home=old / "home").code == 0
    with sqlite3.connect(store_of(old)) as raw:
        raw.execute(change)

    with pytest.raises(Tampered):
        move(old, new)

    assert runs_in(new) == []
    said = handrail("store", "check", "--format", "json", home=old / "home")
    assert said.code == 1 and not said.json["whole"]
    assert [(one["run"], one["whole"]) for one in said.json["runs"]] == [(run, False), ("(approvals)", True)]
    assert "What is broken was changed" in handrail("store", "check", run, home=old / "home").out


def test_a_full_target_leaves_everything_as_it_was(places: tuple[Path, Path]) -> None:
    old, new = places
    run = begin(old, plan(step("one"), *(step(f"s{n}", with_={"name": "x" * 5_000}) for n in range(40))))
    with opened(old) as here, opened(new) as there:
        with there.journal.store.read() as connection:  # the pool gives the same connection again
            connection.exec_driver_sql("PRAGMA max_page_count=1")
        with pytest.raises(StoreUnwritable, match="disk is full"):
            move_runs(side(here.journal, here.home), side(there.journal, there.home), [], "eve")
    assert able(old, run) and runs_in(new) == []


def test_errors_are_one_sentence_and_tell_no_password(places: tuple[Path, Path], tmp_path: Path) -> None:
    old, new = places
    begin(old)
    home = old / "home"
    open_journal(str(tmp_path / "newer" / "store.db")).close()
    with sqlite3.connect(tmp_path / "newer" / "store.db") as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
    (tmp_path / "file").write_text("no store")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "store.db").write_text("no store, but long enough to be read as one" * 100)

    for to, expected in (
        ("postgresql://eve:Sesam-oeffne@127.0.0.1:1/handrail", "The store postgresql://127.0.0.1:1/handrail does not"),
        ("postgresql://eve@127.0.0.1:1/handrail?password=Sesam-oeffne", "does not answer"),
        ("postgresql://eve:Sesam-oeffne@127.0.0.1:1", "cannot be used"),
        ("mysql://eve:Sesam-oeffne@db01/handrail", "cannot be used"),
        (f"sqlite:///{store_of(old)}", "is the one that the runs are in"),
        (home, "is the one that the runs are in"),
        (tmp_path / "newer", f"revision 9999; this one knows {REVISIONS[-1]}"),
        (tmp_path / "file", "cannot be made"),
        (tmp_path, "is no home folder of Handrail"),
        ("", "names no store"),
        (tmp_path / "broken", "not a store of Handrail"),
    ):
        said = handrail("store", "move", "--to", to, home=home)
        assert_clean(said)
        assert said.code == 2 and expected in said.err and said.err.count("\n") == 1, said
        assert "Sesam" not in said.out + said.err
    said = handrail("store", "move", "--to", new / "home", home=tmp_path / "broken")
    assert (said.code, said.out) == (2, "") and "not a store of Handrail" in said.err
    assert "no-such-run" in handrail("store", "move", "no-such-run", "--to", new / "home", home=home).err
    assert handrail("store", "move", "--to", new / "home", home=tmp_path / "nothing").code == 2


def test_a_url_is_shown_without_its_password() -> None:
    assert without_password("postgresql://eve:Sesam@db01/x?password=Sesam&a=b") == "postgresql://eve@db01/x?a=b"
    for same in ("postgresql://eve@/x?host=/run/pg&port=1", "sqlite:////srv/store.db", "/srv/store.db"):
        assert without_password(same) == same


# -- what goes along -------------------------------------------------------------------------------------------------


def test_a_run_and_those_that_take_it_back_go_together(tmp_path: Path) -> None:
    journal = open_journal(str(tmp_path / "store.db"))
    first, alone = (journal.create("contoso", f"sha256:{n}", "{}", "twin", "eve") for n in (1, 2))
    back = journal.create("contoso", "sha256:3", "{}", "twin", "eve", {"goes_back": first})
    target = open_journal(str(tmp_path / "new.db"))

    assert sorted(map(sorted, groups_of(journal, []))) == sorted([sorted([first, back]), [alone]])
    for name in (first, back):
        assert [sorted(group) for group in groups_of(journal, [name])] == [sorted([first, back])]
    with pytest.raises(UnknownName):
        groups_of(journal, ["nobody"])
    home = Home(tmp_path)
    move_runs(side(journal, home), side(target, home), [back], "eve")

    assert {row.run for row in target.runs()} == {first, back}
    assert set(journal.departures()) == {first, back}
    journal.close()
    target.close()


def test_who_approved_what_goes_along_with_when_and_is_there_once(places: tuple[Path, Path]) -> None:
    """Also of a plan that nobody has begun yet. The evidence of a run finds its approvals in the new place."""
    old, new = places
    made, later = a_plan(approvers=1), plan(step("later"), approvers=1)
    with opened(old) as session:
        session.approve(made, "anna", "it is dark")
        session.approve(later, "anna")
        given = session.approvals(made)
    run = begin(old, made)

    move(old, new, [run])
    with opened(new) as session:
        assert session.approvals(made) == given and session.approvals(later) == []
    move(old, new)
    move(old, new)

    with opened(new) as session:
        assert session.approvals(made) == given and len(session.approvals(later)) == 1
        assert session.start(later, "eve")
        gathered = Gathered.of(header_of(session, run, "eve"))
        for _ in gathered.passing(session.events(run)):
            pass
        assert [act.event.entry.kind for act in gathered.acts][-2:] == ["moved", "arrived"]


# -- on the command line ---------------------------------------------------------------------------------------------


def test_status_says_where_a_run_went_and_offers_nothing_else(places: tuple[Path, Path]) -> None:
    old, new = places
    first, run = begin(old), begin(old, plan(step("else")))

    said = handrail("store", "move", run, "--to", new / "home", home=old / "home")

    assert said.code == 0 and said.err == ""
    assert f"Run {run} is in {store_of(new)} now, with " in said.out
    assert f"HANDRAIL_HOME={new / 'home'} handrail status {run}" in said.out
    there = handrail("status", run, home=old / "home")
    assert f"Moved to the store {store_of(new)}" in " ".join(there.out.split())
    assert "What now" not in there.out and "resume" not in there.out
    assert handrail("status", run, "--format", "json", home=old / "home").json["moved_to"] == str(store_of(new))
    others = handrail("status", first, home=old / "home")
    assert "moved to" not in others.out.lower()
    assert '"kind":"moved"' in handrail("journal", run, home=old / "home").out
    watched = handrail("status", run, "--watch", home=old / "home")
    assert "Moved to the store" in watched.out and watched.err == ""
    document = handrail("store", "move", "--to", new / "home", "--format", "json", home=old / "home").json
    assert [(one["run"], one["did"]) for one in document["runs"]] == [(first, "moved"), (run, "was there")]
    assert "moved to" in handrail("status", home=old / "home").out.partition("Other runs")[2]


def test_the_console_and_the_page_of_a_large_run_say_where_it_went(places: tuple[Path, Path]) -> None:
    old, new = places
    run = begin(old)
    move(old, new)

    with opened(old) as session:
        follower = Following(session).follower(run)
        assert standing_sentence(follower, attended=False)[0].startswith(f"Moved to the store {store_of(new)}:")
    with opened(new) as session:
        follower = Following(session).follower(run)
        assert "Moved" not in standing_sentence(follower, attended=False)[0] and not follower.for_workers
    large = RunStanding(run, "sha256:1", "contoso", "running", {"begun": 1})
    shown = " ".join("\n".join(render(standing_page(large, moved_to="postgresql://db01/handrail"))).split())
    assert "Moved to the store postgresql://db01/handrail" in shown and "What now" not in shown


def test_what_opens_sealed_files_stays_and_is_named(places: tuple[Path, Path]) -> None:
    old, new = places
    begin(old)
    custody = old / "home" / "custody"
    custody.mkdir()
    (custody / "identity.txt").write_text("AGE-SECRET-KEY-1X")

    said = handrail("store", "move", "--to", new / "home", home=old / "home")

    assert str(custody / "identity.txt") in said.out.replace("\n", "") and not (new / "home" / "custody").exists()
