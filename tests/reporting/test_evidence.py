"""The evidence of a run tells what was approved, found, done and seen, whatever the run came to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.reporting.test_html import Seen
from tests.support import counting, going_back
from tests.support.counting import plan, step
from tests.support.evidence import carried, carry, eventful, lines_of, written

from handrail.errors import BadInput, Tampered
from handrail.reporting.evidence_check import check
from handrail.reporting.evidence_files import HTML, JSON
from handrail.reporting.evidence_source import beside
from handrail.restoring.rollback import Back

EVIL = "<script>alert(1)</script><img src=x onerror=y>\x1b[31m\u202e"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    where = tmp_path_factory.mktemp("eventful")
    with carried(where, eventful()) as (session, run):
        asyncio.run(session.verify(run, "tom"))
        yield written(session, run, where / "report")


def document(folder: Path) -> Any:
    return json.loads((folder / JSON).read_bytes())


def text(folder: Path) -> str:
    return " ".join(Seen((folder / HTML).read_text("utf-8")).text.split())


def test_it_holds_as_it_was_written_and_says_what_that_shows(folder: Path) -> None:
    found = check(folder)

    assert found.holds, found.items
    assert (found.state, found.events) == ("succeeded", len(document(folder)["events"]))
    assert {one.what: one.verdict for one in found.items} == {
        "chains": "holds",
        "plan": "holds",
        "digest": "holds",
        "what follows": "holds",
        "html": "holds",
        "signature": "open",
    }


def test_what_came_after_the_end_is_told_apart_from_a_run_that_can_go_on(folder: Path, tmp_path: Path) -> None:
    with carried(tmp_path, plan(step("one"))) as (session, run):
        ended = check(written(session, run, tmp_path / "ended"))
    with counting.opening(tmp_path / "begun") as session:
        begun = check(written(session, session.start(plan(step("one")), "eve", target="twin"), tmp_path / "report"))

    says = [next(item.says for item in one.items if item.what == "chains") for one in (ended, check(folder), begun)]
    assert says[0].endswith("The last event seals all before it.")
    assert "The last seal closes the run; 1 event came later." in says[1]
    assert "No seal closes them: the run could still go on" in says[2]


def test_the_json_holds_plan_approvals_and_every_event(folder: Path) -> None:
    told = document(folder)

    assert told["schema"] == "handrail/evidence/v1"
    assert told["plan"]["digest"] == told["run"]["plan"]
    assert [one["data"]["who"] for one in told["approvals"]] == ["ann"]
    assert [one["position"] for one in told["events"]] == list(range(1, len(told["events"]) + 1))
    states = {one["id"].rpartition("/")[2]: (one["state"], one["attempts"]) for one in told["steps"]}
    assert states == {"ready": ("done", 1), "help": ("done", 1), "stubborn": ("done", 2), "other": ("done", 1)}
    for one in told["steps"]:
        assert {told["events"][number - 1]["step"] for number in one["events"]} == {one["id"]}


def test_before_and_after_remedies_and_later_looks_are_told(folder: Path) -> None:
    told = document(folder)

    (build,) = told["installations"]
    assert (build["installation"], build["after"], build["by"]) == ("it/app@a", "2", "it/app@a/2/stubborn")
    (remedy,) = told["remedies"]
    assert (remedy["error"], remedy["times"], remedy["by"][0]["state"]) == ("insert-disk", 1, "done")
    looked = [one for one in told["acts"] if one["kind"] == "verified"]
    assert [(one["who"], one["holds"], one["counts"]) for one in looked] == [("tom", True, {"holds": 1})]


def test_the_page_tells_it_to_people(folder: Path) -> None:
    page = text(folder)

    for words in (
        "Evidence of run contoso-",
        ": succeeded",
        "ann",
        "for tonight",
        "Accepted by name: x/odd",
        "The manual, Upgrading",
        "Is it night?",
        "answered: yes",
        "failed with insert-disk. The disk is asked for.",
        "Insert disk: LABEL_X",
        "2 attempts",
        "Everything held",
        "handrail report --check FOLDER",
        "It is not signed.",
    ):
        assert words in page, words


def test_the_page_needs_nothing_else_and_runs_nothing(folder: Path) -> None:
    page = Seen((folder / HTML).read_text("utf-8"))

    assert not {"script", "link", "img", "iframe", "object", "form"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name.startswith("on") or name in ("style", "src")]
    assert {value for name, value in page.attributes if name == "href" and not str(value).startswith("#")} <= {
        "https://example.com/manual"
    }
    ids = [value for name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    assert {str(value)[1:] for name, value in page.attributes if name == "href" and str(value)[:1] == "#"} <= set(ids)


@pytest.mark.parametrize(
    ("made", "play", "state", "says"),
    [
        (plan(step("one", with_={"name": "one", "claims": 1, "lies": True})), True, "failed", "it ended with 1"),
        (plan(step("asked", "hold", None), step("one")), False, "waiting", "waiting for a person, not ended"),
        (plan(step("one", "once", with_={"name": "x", "blind": True})), True, "in-doubt", "the receipt cannot be read"),
    ],
)
def test_a_run_that_has_not_succeeded_says_so_in_its_title(
    tmp_path: Path, made: Any, play: bool, state: str, says: str
) -> None:
    with carried(tmp_path, made, play=play) as (session, run):
        folder = written(session, run, tmp_path / "report")

    assert check(folder).holds
    assert document(folder)["summary"]["state"] == state
    page = text(folder)
    assert page.startswith(f"Evidence of run {run}: {says if state == 'waiting' else state.replace('-', ' ')}")
    assert says in page


def test_a_run_that_has_only_begun_can_be_told_of(tmp_path: Path) -> None:
    with counting.opening(tmp_path) as session:
        run = session.start(plan(step("one")), "eve", target="twin")
        folder = written(session, run, tmp_path / "report")

    assert check(folder).holds
    assert "It had not ended when this was written." in text(folder)
    assert "nothing real was touched" in text(folder)


def test_a_run_and_its_way_back_tell_of_each_other(tmp_path: Path) -> None:
    made = going_back.plan(going_back.hop("a", "2"))
    with going_back.opening(tmp_path) as session:
        run = session.start(made, "eve", target="twin")
        carry(session, run)
        way = session.rollback(run)
        assert isinstance(way, Back)
        back = session.start(way.plan, "bob", target="twin")
        carry(session, back)
        there, again = written(session, run, tmp_path / "one"), written(session, back, tmp_path / "two")

    assert check(there).holds and check(again).holds
    assert text(there).startswith(f"Evidence of run {run}: rolled back")
    assert document(there)["linked"]["taken_back_by"][0]["run"] == back
    assert document(again)["linked"]["takes_back"]["run"] == run
    assert f"This run takes run {run} back, which eve began" in text(again)
    (point, *_) = document(there)["restore_points"]
    assert point["state"] == "done" and [one["state"] for one in point["proofs"]] == ["done"]


def test_what_a_step_says_is_never_markup_and_long_output_is_cut_with_its_hash(tmp_path: Path) -> None:
    log = EVIL + "x" * 9_000
    one = step("one", "stubborn", with_={"name": "one", "needs": "never", "log": log})
    with carried(tmp_path, plan(one)) as (session, run):
        folder = written(session, run, tmp_path / "report")

    page = Seen((folder / HTML).read_text("utf-8"))
    assert not {"script", "img"} & set(page.tags) and "\x1b" not in page.text and "\u202e" not in page.text
    assert "characters are left out here" in page.text and "alert(1)" in page.text
    event = next(one for one in document(folder)["events"] if one["kind"] == "failed")
    assert event["data"]["log"] == log
    assert check(folder).holds


def test_large_plans_are_told_by_cohort_with_every_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handrail.reporting.evidence.WHOLE", 10)
    steps = [step("one", host=f"host{number:02}") for number in range(12)]
    steps[7] = step("one", host="host07", with_={"name": "one", "claims": 1, "lies": True})
    with carried(tmp_path, plan(*steps)) as (session, run):
        folder = written(session, run, tmp_path / "report")
        found = check(folder)

    assert found.holds, found.items
    page = text(folder)
    assert "On host00, and the same on 11 hosts more" in page
    assert "11 done, 1 failed" in page
    assert "Failures and doubts on the other hosts (1 steps)" in page
    assert "it/app@host07/2/one" in page and "it/app@host03/2/one" not in page
    assert len(document(folder)["steps"]) == 12


def test_a_rehearsal_is_told_and_one_of_another_plan_is_refused(tmp_path: Path) -> None:
    from handrail.reporting.evidence import rehearsal_of

    made = plan(step("one"))
    given = {
        "schema": "handrail/rehearsal/v1",
        "plan": made.digest,
        "cases": [
            {"step": "one", "fault": "kill", "then": "resume", "result": "fail", "because": "it was lost"},
            {"step": "one", "fault": "kill", "then": "rollback", "result": "pass", "because": ""},
        ],
    }
    with carried(tmp_path, made) as (session, run):
        folder = written(session, run, tmp_path / "report", rehearsal=rehearsal_of(given, made.digest, "f"))

    assert "one, kill, then resume: it was lost" in text(folder)
    assert check(folder).holds
    with pytest.raises(BadInput, match="another plan"):
        rehearsal_of({**given, "plan": "sha256:0"}, made.digest, "f")
    others = [{**given, **change} for change in ({"cases": [1]}, {"cases": None}, {"schema": "handrail/plan/v1"})]
    for bad in ([], {}, *others):
        with pytest.raises(BadInput, match="no rehearsal"):
            rehearsal_of(bad, made.digest, "f")


def test_no_evidence_is_written_of_a_journal_that_was_changed(tmp_path: Path) -> None:
    import sqlalchemy as sa

    from handrail.running.schema import events

    with carried(tmp_path, plan(step("one"))) as (session, run):
        with session.journal.store.write(run) as connection:
            connection.execute(sa.update(events).where(events.c.position == 3).values(at="2020-01-01T00:00:00Z"))
        with pytest.raises(Tampered):
            written(session, run, tmp_path / "report")

    assert not (tmp_path / "report" / JSON).exists()


def test_each_member_and_each_event_stands_on_a_line_of_its_own(folder: Path) -> None:
    lines = lines_of(folder)

    assert lines[0] == b"{\n" and lines[-1] == b"}\n"
    assert sum(line.startswith(b'{"at"') for line in lines) > 20
    json.loads(b"".join(lines))


@pytest.mark.real
def test_the_store_of_several_machines_gives_the_same(tmp_path: Path, server: Any) -> None:
    with counting.opening(tmp_path, store=server.database()) as session:
        run = session.start(eventful(), "eve", target="twin")
        assert carry(session, run) == "succeeded"
        folder = written(session, run, tmp_path / "report")
        found = beside(session, run, check(folder))

    assert found.holds and found.state == "succeeded"
    assert found.items[-1].says == f"The store has the same {found.events} events."
