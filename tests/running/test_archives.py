"""Runs that were exported before: today's code understands them and comes to the same states (tests/data/journals)."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.archives import FOLDER, archived, transcript
from tests.support.command import assert_clean, handrail

from handrail.actions import build, described, signatures
from handrail.errors import BadInput, Tampered
from handrail.hosts.protocol import Exited
from handrail.probing.conform import Question, differences_of, questions_in
from handrail.restoring.cost import cost_to_json
from handrail.restoring.records import records_of
from handrail.restoring.rollback import cost_of
from handrail.restoring.undoing import Knowledge
from handrail.running.export import lines_of, read_lines
from handrail.running.scheduler import Schedule
from handrail.running.status import status_to_json
from handrail.running.targets import declared_for
from handrail.twin.declarations import read_declarations
from handrail.twin.raising import raise_in_memory

NAMES = sorted(
    path.name.removesuffix(".jsonl.gz") for path in FOLDER.glob("*.jsonl.gz") if ".transcript" not in path.name
)
TRANSCRIPTS = sorted(path.name.removesuffix(".transcript.jsonl.gz") for path in FOLDER.glob("*.transcript.jsonl.gz"))


def test_runs_on_real_servers_and_on_the_twin_are_kept() -> None:
    assert {archived(name).target for name in NAMES} == {"hosts", "twin"}
    assert {"mim-sp3-on-twin", "postgresql-15-to-17"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_todays_schedule_comes_to_the_same_states(name: str) -> None:
    """Plan and chains are checked while they are read."""
    found = archived(name)
    assert found.events and found.plan.steps

    status = Schedule(found.plan).apply_all(found.events).status(found.run, found.plan.digest)

    now, then = status_to_json(status), found.status
    assert (now["state"], now["plan"]) == (then["state"], then["plan"]) == ("succeeded", found.plan.digest)
    assert now["steps"] == then["steps"]


@pytest.mark.parametrize("name", NAMES)
def test_todays_rollback_reads_what_was_recorded(name: str) -> None:
    """What going back would cost is worked out from every record and from every action's own undo."""
    found = archived(name)

    records = records_of(found.events)
    cost = cost_of(found.plan, found.run, records, Knowledge(build, described, signatures()))

    begun = {event.entry.step for event in found.events if event.entry.kind == "begun"}
    assert begun and {step for step, one in records.items() if one.touched} >= begun
    assert cost is not None and json.dumps(cost_to_json(cost))


@pytest.mark.parametrize("name", NAMES)
def test_what_is_read_is_written_again_word_for_word(name: str) -> None:
    found = archived(name)
    status = Schedule(found.plan).apply_all(found.events).status(found.run, found.plan.digest)

    again = read_lines(lines_of(found.run, found.target, found.plan, found.events, status), "again")

    assert again.events == found.events and again.plan == found.plan


Change = Callable[[list[Any]], None]


def _drop(lines: list[Any]) -> None:
    del lines[5]


def _swap(lines: list[Any]) -> None:
    lines[5], lines[6] = lines[6], lines[5]


def _lie(lines: list[Any]) -> None:
    one = next(line for line in lines if line.get("kind") == "done")
    one["data"] = {**one["data"], "because": "it was quite otherwise"}


def _replan(lines: list[Any]) -> None:
    lines[0]["plan"]["steps"][0]["title"] = "Something else"


def _other_run(lines: list[Any]) -> None:
    lines[0]["run"] = "another"


@pytest.mark.parametrize("change", [_drop, _swap, _lie, _replan, _other_run])
def test_whatever_was_changed_in_a_file_is_noticed(change: Change) -> None:
    found = archived("postgresql-15-to-17")
    status = Schedule(found.plan).apply_all(found.events).status(found.run, found.plan.digest)
    lines = [json.loads(line) for line in lines_of(found.run, found.target, found.plan, found.events, status)]

    change(lines)

    with pytest.raises(Tampered):
        read_lines([json.dumps(line) for line in lines], "changed")


@pytest.mark.parametrize("text", ["", "{}", "[]\n[]", "no json", '{"schema": "handrail/journal/v1"}\n{"status": {}}'])
def test_what_is_no_such_file_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(BadInput, match=r"odd"):
        read_lines(text.splitlines(), "odd")


# -- transcripts ------------------------------------------------------------------------------------------------------


def _before_any_change(lines: list[dict[str, Any]]) -> Iterator[tuple[Question, Exited]]:
    """What was asked of a host until the run first did more than ask, and what came back whole."""
    for line in lines:
        found = list(questions_in([line]))
        if not found and line["ask"] not in ("boot-id", "read"):
            return
        out = line.get("out", {})
        if found and line["outcome"] == "exited" and ("text" in out or not out.get("size")):
            yield found[0], Exited(line["code"], str(out.get("text", "")).encode())


def test_todays_twin_answers_harmless_questions_as_it_did() -> None:
    estate = archived("mim-sp3-on-twin").plan.estate
    declarations = read_declarations(declared_for([one.product for one in estate.deployments.values()]))
    twin = raise_in_memory(estate, declarations)
    asked = [(name.rpartition("-")[2], *pair) for name in TRANSCRIPTS for pair in _before_any_change(transcript(name))]

    for host, question, then in asked:
        now = asyncio.run(twin.host(host).execute(question.command))
        assert isinstance(now, Exited)
        assert not list(differences_of(question, then, now)), str(question)
    assert len(asked) >= 5


# -- the command ------------------------------------------------------------------------------------------------------


def test_a_run_can_be_given_out_packed_or_not(tmp_path: Path) -> None:
    guides = Path(__file__).parents[1] / "rehearsing" / "mill"
    plan, path = tmp_path / "mill.plan", tmp_path / "run.jsonl.gz"
    assert handrail("plan", guides / "estates" / "valley.yaml", "--guides", guides, "-o", plan, home=tmp_path).code == 0
    assert "Nothing has been run" in handrail("journal", home=tmp_path).err
    assert handrail("run", plan, "--twin", "--guides", guides, home=tmp_path).code == 0

    told, packed = handrail("journal", home=tmp_path), handrail("journal", "-o", path, home=tmp_path)

    assert_clean(told)
    assert (told.code, packed.code) == (0, 0)
    assert gzip.decompress(path.read_bytes()).decode() == told.out
    found = read_lines(told.out.splitlines(), "told")
    assert found.target == "twin" and found.status["state"] == "succeeded"
