"""The plan that takes a run back, for every place at which a run can stop: pure, and checked by carrying it out on
paper."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.going_back import SIGNATURES, START, build, described, hop, plan, step

from handrail.actions.protocol import Observation
from handrail.documents.plan import digest_of, freeze
from handrail.guides.guard import unguarded
from handrail.model.finding import Finding
from handrail.model.journal import StepState
from handrail.model.plan import Condition, Plan, Step, WayBack
from handrail.restoring.cost import told
from handrail.restoring.proving import HOLD
from handrail.restoring.records import Intent, Record
from handrail.restoring.rollback import NoWayBack, cost_of, make_rollback
from handrail.restoring.undoing import Knowledge
from handrail.running.scheduler import Schedule

KNOWLEDGE = Knowledge(build, described, SIGNATURES)


@dataclass
class Paper:
    """Hosts on paper: what the steps of a plan do to their values."""

    hosts: dict[str, dict[str, Any]] = field(default_factory=dict)
    records: dict[str, Record] = field(default_factory=dict)

    def values(self, host: str | None) -> dict[str, Any]:
        return self.hosts.setdefault(host or "-", dict(START))

    def is_done(self, one: Step) -> bool:
        name, value = str(one.with_.get("name")), one.with_.get("value", True)
        there = self.values(one.host)
        if one.uses == "put":
            return bool(there.get(name) == there[value])
        return bool(one.uses not in ("save", "hold") and there.get(name) == value)

    def do(self, one: Step) -> None:
        name, value = str(one.with_.get("name")), one.with_.get("value", True)
        there = self.values(one.host)
        if one.uses == "put":
            there[name] = there[value]
        elif one.uses == "save":
            there[f"saved by {one.id}"] = there[name]
        elif one.uses in ("turn", "wreck", "set"):
            there[name] = value
        elif one.uses == "prove":
            assert one.with_["file"] in there, f"{one.id} finds no backup"
        elif one.uses == "check":
            assert there[name] == value, f"{one.id}: {name} is {there[name]!r}, not {value!r}"

    def run(self, one: Step, *, ends: StepState = "done", works: bool = True) -> None:
        """Carry one step of the plan out and record it as a journal would."""
        if one.kind in ("check", "prove", "hold") or self.is_done(one):
            self.records[one.id] = Record("done")
        else:
            seen = Observation("not_done", evidence={"was": self.values(one.host).get(str(one.with_.get("name")))})
            if works:
                self.do(one)
            outputs = {"file": f"saved by {one.id}", "bytes": 10} if one.uses == "save" and works else {}
            times = ("2026-11-20T22:00:00Z", "2026-11-20T22:05:00Z")
            until = times[1] if ends in ("done", "failed") else None
            self.records[one.id] = Record(ends, (Intent(seen, {}),), False, 1, outputs, times[0], until)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """One to four hops on one to three hosts; each comes after some of those before it, always after its host's."""
    made: list[tuple[list[Step], list[Step]]] = []
    last: dict[str, str] = {}
    for host in draw(st.lists(st.sampled_from("abc"), min_size=1, max_size=4)):
        number = sum(one[0][0].host == host for one in made) + 2
        others = draw(st.lists(st.sampled_from(sorted(last.values())), unique=True)) if last else []
        after = tuple(dict.fromkeys([*others, *([last[host]] if host in last else [])]))
        made.append(hop(host, str(number), after))
        last[host] = made[-1][0][-1].id
    return plan(*made)


@st.composite
def stopped(draw: st.DrawFn) -> tuple[Plan, Paper]:
    """A plan whose run has stopped somewhere, for whatever reason, with whatever had been so before."""
    made = draw(plans())
    paper = Paper()
    for host in "abc":
        if draw(st.booleans()):
            paper.values(host)["runs"] = False  # somebody had stopped it already
            paper.values(host)["ran"] = False
    upto = draw(st.integers(0, len(made.steps)))
    ends: StepState = draw(st.sampled_from(["done", "begun", "failed", "in-doubt"]))
    works = ends == "done" or draw(st.booleans())
    for number, one in enumerate(made.steps[:upto], start=1):
        if number < upto:
            paper.run(one)
        else:
            paper.run(one, ends=ends, works=works)
    return made, paper


def taken_back(made: Plan, records: Mapping[str, Record], run: str = "run-1") -> Plan:
    found = make_rollback(made, run, records, signatures=SIGNATURES, build=build, describe=described)
    assert isinstance(found, Plan), found
    return found


def before(steps: tuple[Step, ...]) -> dict[str, set[str]]:
    """For each step all that it comes after, directly, through others, or because its host does one at a time."""
    found: dict[str, set[str]] = {}
    last: dict[str, str] = {}
    for one in steps:
        own = {*one.after, *([last[one.host]] if one.host in last else [])}
        found[one.id] = own.union(*(found[other] for other in own))
        if one.host is not None:
            last[one.host] = one.id
    return found


def shuffled(steps: tuple[Step, ...], seed: int) -> Iterator[Step]:
    """The steps in another order that their rules allow."""
    chance, left, earlier = random.Random(seed), list(steps), before(steps)
    done: set[str] = set()
    while left:
        one = chance.choice([one for one in left if earlier[one.id] <= done])
        left.remove(one)
        done.add(one.id)
        yield one


@given(stopped(), st.integers(0, 1000))
@settings(max_examples=100, deadline=None)
def test_from_wherever_a_run_stopped_all_is_as_it_was(case: tuple[Plan, Paper], seed: int) -> None:
    made, paper = case
    back = taken_back(made, paper.records)

    for one in shuffled(back.steps, seed):
        paper.do(one)

    for host, values in paper.hosts.items():
        began = {**START, "runs": values.get("ran", True)}
        assert {name: values[name] for name in START} == began, f"{host} is not as it was"


def test_what_was_hidden_in_the_journal_is_not_put_back_from_there() -> None:
    made, paper = plan(hop()), Paper({"a": {**START, "runs": "password=***"}})
    for one in made.steps:
        paper.run(one)

    found = make_rollback(made, "run-1", paper.records, signatures=SIGNATURES, build=build, describe=described)

    assert isinstance(found, NoWayBack)
    assert "A secret stands in what it would put back" in found.findings[0].message


@given(stopped())
@settings(max_examples=50, deadline=None)
def test_it_is_a_plan_that_can_run_and_says_of_which_run_it_is_the_way_back(case: tuple[Plan, Paper]) -> None:
    made, paper = case
    back = taken_back(made, paper.records)

    Schedule(back)  # refuses steps that stand before what they come after, and ids that are there twice
    assert back.digest == digest_of(back)
    assert back.goes_back is not None and (back.goes_back.run, back.goes_back.plan) == ("run-1", made.digest)


@given(stopped())
@settings(max_examples=50, deadline=None)
def test_everything_that_is_destroyed_was_proved_and_agreed_to_before(case: tuple[Plan, Paper]) -> None:
    made, paper = case
    back = taken_back(made, paper.records)
    earlier = before(back.steps)
    proofs = {one.id for one in back.steps if one.kind == "prove"}

    assert not unguarded(back.steps)
    for one in back.steps:
        if one.kind == "do":
            assert HOLD in earlier[one.id], f"{one.id} acts before anybody agreed"
    if proofs:
        assert proofs <= earlier[HOLD], "what is asked about was proved"


@given(stopped())
@settings(max_examples=50, deadline=None)
def test_what_was_not_touched_is_not_undone(case: tuple[Plan, Paper]) -> None:
    made, paper = case
    touched = {one.id for one in made.steps if paper.records.get(one.id, Record()).touched}
    destroyed = {one.installation for one in made.steps if one.id in touched and one.changes}

    for one in taken_back(made, paper.records).steps:
        prefix, _, name = one.id.rpartition("/")
        if name.startswith("undo-"):
            assert f"{prefix}/{name.removeprefix('undo-')}" in touched
        elif name.startswith("back-"):
            assert one.installation in destroyed


@given(stopped())
@settings(max_examples=50, deadline=None)
def test_what_came_later_is_taken_back_earlier(case: tuple[Plan, Paper]) -> None:
    made, paper = case
    back = taken_back(made, paper.records)
    forward, backward = before(made.steps), before(back.steps)
    undone = {one.id.replace("/undo-", "/"): one.id for one in back.steps if "/undo-" in one.id}

    for later, undo in undone.items():
        for other, undo_other in undone.items():
            if other in forward[later]:
                assert undo in backward[undo_other], f"{undo_other} does not wait for {undo}"


@given(stopped())
@settings(max_examples=25, deadline=None)
def test_the_same_state_gives_the_same_plan(case: tuple[Plan, Paper]) -> None:
    made, paper = case
    again = dict(reversed(paper.records.items()))

    assert taken_back(made, paper.records) == taken_back(made, again)


@given(stopped())
@settings(max_examples=25, deadline=None)
def test_the_price_is_that_of_the_plan(case: tuple[Plan, Paper]) -> None:
    made, paper = case
    back, cost = taken_back(made, paper.records), cost_of(made, "run-1", paper.records, KNOWLEDGE)

    assert cost.steps == len(back.steps)
    assert {one.step for one in cost.restored} == {one.id for one in back.steps if one.uses == "put"}
    assert cost.size == 10 * len(cost.restored)
    assert cost.seconds <= sum(one.takes for one in back.steps)
    if any(one.kind == "hold" for one in back.steps):
        hold = next(one for one in back.steps if one.id == HOLD)
        assert told(cost) in hold.with_["question"], "whoever agrees has been told the price"


# -- one by one -------------------------------------------------------------------------------------------------------


def ran(made: Plan, upto: str | None = None, **more: Any) -> Paper:
    """A run of the plan that stopped after the step `upto`, which may have ended otherwise."""
    paper = Paper()
    for one in made.steps:
        if upto is not None and one.id.endswith(upto):
            paper.run(one, **more)
            return paper
        paper.run(one)
    return paper


def names(back: Plan) -> list[str]:
    return [one.id.rpartition("/")[2] for one in back.steps]


ONE = plan(hop())


def test_before_anything_is_touched_there_is_nothing_to_take_back() -> None:
    assert taken_back(ONE, ran(ONE, "/build").records).steps == ()
    assert taken_back(ONE, {}).steps == ()


def test_a_step_that_found_all_done_already_is_not_undone() -> None:
    paper = Paper({"a": {**START, "runs": False}})
    for one in ONE.steps[:3]:
        paper.run(one)

    assert taken_back(ONE, paper.records).steps == ()


def test_what_is_neither_undone_nor_restored_is_told() -> None:
    (note,) = taken_back(ONE, ran(ONE, "/stop").records).findings

    assert (note.rule, note.level) == ("handrail/rollback/stays", "note") and "it/app@a/2/stage" in note.message


def test_data_are_left_alone_when_nothing_that_begun_touches_them() -> None:
    """Programs before data, and data only when they have to be."""
    steps, rear = hop()
    at = {one.id.rpartition("/")[2]: one for one in steps}
    files_first = [
        *(at[name] for name in ("build", "stage", "stop", "save", "prove")),
        replace(at["files"], after=at["wreck"].after),
        replace(at["wreck"], after=(at["files"].id,)),
        *(at[name] for name in ("start", "look")),
    ]
    made = plan((files_first, rear))

    assert "back-data" not in names(taken_back(made, ran(made, "/files").records))
    assert "back-data" in names(taken_back(made, ran(made, "/wreck").records))


def test_what_the_way_back_itself_destroys_is_put_back_too() -> None:
    steps, rear = hop()
    rear[2] = replace(rear[2], changes=(*rear[2].changes, "it/app@a#data"))
    at = {one.id.rpartition("/")[2]: one for one in steps}
    made = plan(([replace(one, changes=one.changes if one is not at["wreck"] else ()) for one in steps], rear))

    assert "back-data" in names(taken_back(made, ran(made, "/files").records))


def test_of_several_hops_the_first_is_taken_back_and_covers_the_others() -> None:
    made = plan(hop("a", "2"), hop("a", "3", after=("it/app@a/2/look",)))
    back = taken_back(made, ran(made).records)

    assert [one.id for one in back.steps if "/back-" in one.id] == [
        "it/app@a/2/back-stop",
        "it/app@a/2/back-data",
        "it/app@a/2/back-files",
    ]
    assert [(one.from_, one.to) for one in back.hops] == [("3", "1")]


def test_a_later_hop_that_destroyed_something_else_is_taken_back_by_itself_first() -> None:
    later, rear = hop("a", "3", after=("it/app@a/2/look",), asset="database:other")
    made = plan(hop("a", "2"), (later, rear))
    back = names(taken_back(made, ran(made).records))

    assert back.count("back-data") == 2 and "3" in [one.to for one in made.hops]


def test_putting_copies_back_does_not_stand_for_what_has_to_be_built_anew() -> None:
    first, rear = hop("a", "2")
    files = "it/app@a#files"
    data = replace(rear[1], after=())
    copies = [data, replace(data, id=rear[2].id, with_={"asset": files}, after=(data.id,), changes=(files,))]
    way = WayBack("restore", ("it/app@a/2/prove",), tuple(one.id for one in copies))
    secured = ("it/app@a#data", files)
    first = [replace(one, way_back=way) if one.changes else one for one in first]
    first = [replace(one, protects=secured) if one.uses == "save" else one for one in first]
    made = plan((first, copies), hop("a", "3", after=("it/app@a/2/look",)))

    back = [one.id for one in taken_back(made, ran(made).records).steps if "/back-" in one.id]
    assert [id.rsplit("/", 2)[1] for id in back] == ["3", "3", "3", "2"]


def test_what_is_half_upgraded_is_not_started_on_the_way_back() -> None:
    made = plan(hop("a", "2"), hop("a", "3", after=("it/app@a/2/look",)))
    back = taken_back(made, ran(made, "3/wreck", ends="failed", works=False).records)

    acts = [(one.id, one.with_) for one in back.steps if one.uses == "turn"]
    assert [with_["name"] for _, with_ in acts] == ["runs", "runs"]
    assert acts[0][0].endswith("back-stop") and acts[1][0] == "it/app@a/2/undo-stop"


def moved(made: tuple[list[Step], list[Step]]) -> tuple[list[Step], list[Step]]:
    """A hop whose programs stand on another host."""
    steps, rear = made
    there = {"wreck", "files"}
    return (
        [replace(one, host="new") if one.id.rpartition("/")[2] in there else one for one in steps],
        [replace(one, host="new") if one.uses != "restore" else one for one in rear],
    )


def test_what_was_set_up_on_another_host_is_taken_back_there() -> None:
    """A hop that moved the installation is not covered by the way back of one that did not."""
    made = plan(hop("a", "2"), moved(hop("a", "3", after=("it/app@a/2/look",))))

    back = [(one.id, one.host) for one in taken_back(made, ran(made).records).steps if "/back-" in one.id]
    assert ("it/app@a/3/back-files", "new") in back and ("it/app@a/2/back-files", "a") in back


def test_hops_behind_one_that_moved_the_installation_are_covered_by_that_one() -> None:
    """Of four hops, two are taken back: the one that moved it, with all that came after it, and then the first."""
    third, fourth = hop("a", "4", after=("it/app@a/3/look",)), hop("a", "5", after=("it/app@a/4/look",))
    second = moved(hop("a", "3", after=("it/app@a/2/look",)))
    made = plan(hop("a", "2"), second, moved(third), moved(fourth))
    back = taken_back(made, ran(made).records).steps

    assert [one.id.rsplit("/", 2)[1] for one in back if "/back-" in one.id] == ["3", "3", "3", "2", "2", "2"]
    started = [one.id for one in back if one.uses == "turn" and one.with_.get("value", True)]
    assert started == ["it/app@a/2/undo-stop"], "what is half taken back is not started"


def test_a_service_that_a_setup_started_is_not_started_half_upgraded_either() -> None:
    """The run stopped it twice and never started it itself: on the way back it is started once, in the end."""
    first, rear = hop("a", "2")
    first = [one for one in first if not one.id.endswith("/start")]
    first[-1] = replace(first[-1], after=("it/app@a/2/files",))
    made = plan((first, rear), hop("a", "3", after=("it/app@a/2/look",)))
    paper = Paper()
    for one in made.steps:
        if one.id == "it/app@a/3/build":
            paper.values("a")["runs"] = True
        paper.run(one)
        if one.id == "it/app@a/3/wreck":
            break
        if one.id == "it/app@a/2/files":
            paper.values("a")["runs"] = True

    starts = [
        one.id for one in taken_back(made, paper.records).steps if one.uses == "turn" and one.with_.get("value", 1)
    ]
    assert starts == ["it/app@a/2/undo-stop"]


def test_a_service_that_the_way_back_sees_to_itself_is_not_started_before_it() -> None:
    """It came with the first hop, whose way back stops and removes it; the second hop had only stopped it."""
    first, rear = hop("a", "2")
    first = [one for one in first if one.id.rpartition("/")[2] not in ("stop", "start", "look")]
    first = [replace(one, after=("it/app@a/2/stage",)) if one.uses == "save" else one for one in first]
    rear = [replace(one, with_={"name": "runs"}) if one.uses == "turn" else one for one in rear]
    made = plan((first, rear), hop("a", "3", after=("it/app@a/2/files",)))

    back = taken_back(made, ran(made, "3/wreck", ends="failed", works=False).records)
    assert [one.id for one in back.steps if one.uses == "turn"] == ["it/app@a/2/back-stop"]


def test_what_a_run_took_back_itself_is_left_as_it_is() -> None:
    opened = step("it/app@a/2/open", "turn", with_={"name": "lid", "value": True}, way_back=WayBack("undo"))
    closed = step("it/app@a/2/close", "turn", with_={"name": "lid", "value": None}, after=(opened.id,))
    made = plan(([opened, closed], []))

    assert taken_back(made, ran(made).records).steps == ()
    assert names(taken_back(made, ran(made, "/open").records)) == ["sure", "undo-open"]
    doubtful = taken_back(made, ran(made, "/close", ends="in-doubt", works=False).records)
    assert names(doubtful) == ["sure", "undo-open"], "whether it was closed is not known: it is closed"


def test_sealed_backups_are_opened_used_and_sealed_again() -> None:
    steps, rear = hop()
    at = "it/app@a/2"
    seal = step(f"{at}/seal", "seal", with_={"name": "data", "file": {"late": f"{at}/save.file"}},
                protects=("it/app@a#data",), after=(f"{at}/prove",))  # fmt: skip
    steps = [*steps[:5], seal, *steps[5:]]
    made = plan((steps, rear))
    paper = ran(made)
    paper.records[seal.id] = Record("done", outputs={"file": "x"})
    back = taken_back(made, paper.records)

    chain = [(one.uses, one.with_.get("value", True)) for one in back.steps if "/back-data-" in one.id]
    assert chain == [("turn", False), ("put", f"saved by {at}/save"), ("turn", True)]


def test_a_way_back_that_reads_what_the_run_found_gets_it() -> None:
    steps, rear = hop()
    rear[2] = replace(rear[2], with_={"name": "build", "value": {"late": "it/app@a/2/save.bytes"}})
    made = plan((steps, rear))
    back = taken_back(made, ran(made).records)

    assert next(one for one in back.steps if one.id.endswith("back-files")).with_["value"] == 10


def test_a_step_of_the_way_back_that_asks_what_the_run_did_is_decided_when_it_is_computed() -> None:
    steps, rear = hop()
    rear[0] = replace(rear[0], when=(Condition("it/app@a/2/start", ended=("done",)),))
    made = plan((steps, rear))

    assert "back-stop" in names(taken_back(made, ran(made).records))
    assert "back-stop" not in names(taken_back(made, ran(made, "/files").records))
    begun = ran(made, "/start", ends="begun").records
    assert "back-stop" in names(taken_back(made, begun)), "what was begun may have happened"


# -- no way back ------------------------------------------------------------------------------------------------------


def lost(made: Plan, records: Mapping[str, Record]) -> Finding:
    found = make_rollback(made, "run-1", records, signatures=SIGNATURES, build=build, describe=described)
    assert isinstance(found, NoWayBack), found
    assert cost_of(made, "run-1", records, KNOWLEDGE).lost == found.findings
    (finding,) = found.findings
    assert finding.rule == "handrail/rollback/no-way-back" and finding.blocks
    assert "handrail resume run-1" in finding.remedy
    return finding


def without_way_back() -> Plan:
    steps, rear = hop()
    return plan(([replace(one, way_back=WayBack("none")) if one.changes else one for one in steps], rear))


def test_beyond_the_point_of_no_return_there_is_no_plan() -> None:
    made = freeze(replace(ONE, point_of_no_return="it/app@a/2/files"))

    assert taken_back(made, ran(made, "/wreck").records).steps
    assert "it/app@a/2/files" in lost(made, ran(made, "/files", ends="begun", works=False).records).message


def test_a_begun_step_whose_plan_knew_no_way_back_is_named() -> None:
    made = without_way_back()

    assert taken_back(made, ran(made, "/prove").records).steps
    assert "The plan had said" in lost(made, ran(made, "/wreck", ends="failed").records).message


def test_without_the_restore_point_there_is_no_plan() -> None:
    paper = ran(ONE)
    paper.records["it/app@a/2/save"] = replace(paper.records["it/app@a/2/save"], state="failed", outputs={})

    lost(ONE, paper.records)


@pytest.mark.parametrize("drop", ["bytes", "file"])
def test_what_a_way_back_reads_and_the_run_never_got_is_told(drop: str) -> None:
    steps, rear = hop()
    rear[2] = replace(rear[2], with_={"name": "build", "value": {"late": f"it/app@a/2/save.{drop}"}})
    made = plan((steps, rear))
    paper = ran(made)
    record = paper.records["it/app@a/2/save"]
    outputs = {name: value for name, value in record.outputs.items() if name != drop}
    paper.records["it/app@a/2/save"] = replace(record, outputs=outputs)

    assert "it/app@a/2/save" in lost(made, paper.records).message


def test_a_way_back_that_would_destroy_what_was_not_proved_is_refused() -> None:
    steps, rear = hop()
    rear[2] = replace(rear[2], changes=(*rear[2].changes, "database:elsewhere"))
    made = plan((steps, rear))

    assert "database:elsewhere" in lost(made, ran(made).records).message


# -- before and after -------------------------------------------------------------------------------------------------


def test_what_may_still_be_at_work_is_waited_for_before_anybody_is_asked() -> None:
    waiting = {**SIGNATURES, "job.ended": replace(SIGNATURES["check"], name="job.ended")}
    paper = ran(ONE, "/wreck", ends="begun", works=False)
    back = make_rollback(ONE, "run-1", paper.records, signatures=waiting, build=build, describe=described)
    assert isinstance(back, Plan)

    (wait,) = (one for one in back.steps if one.uses == "job.ended")
    assert (wait.host, wait.with_) == ("a", {"job": "run-1/it/app@a/2/wreck/1"})
    assert wait.id in before(back.steps)[HOLD]


def looks(made: Plan, records: Mapping[str, Record]) -> dict[str, Mapping[str, Any]]:
    """The checks at the end of a way back, by the last parts of their names."""
    back = taken_back(made, records)
    return {one.id.rpartition("/")[2]: one.with_ for one in back.steps if "/look-" in one.id}


def with_check(name: str, uses: str = "check", **more: Any) -> Plan:
    """One hop, with one more check at its end."""
    steps, rear = hop()
    last = step(f"it/app@a/2/{name}", uses, after=(steps[-1].id,), lasting=True, **more)
    return plan(([*steps, last], rear))


def test_the_check_of_the_old_build_is_made_again() -> None:
    assert looks(ONE, ran(ONE).records) == {"look-build": {"name": "build", "value": "1"}}


def test_a_check_of_the_new_build_asks_for_the_old_one() -> None:
    made = with_check("version", with_={"name": "build", "value": "2"})
    first = made.steps[0]
    unasked = freeze(replace(made, steps=(replace(first, with_={"name": "lid", "value": None}), *made.steps[1:])))

    assert looks(unasked, ran(unasked).records) == {"look-version": {"name": "build", "value": "1"}}


def test_a_check_of_what_was_put_back_is_made_again_and_one_of_anything_else_is_not() -> None:
    records = ran(ONE).records

    assert "look-there" in looks(with_check("there", with_={"name": "data"}), records)
    assert "look-there" not in looks(with_check("there", with_={"name": "data", "value": "data of 2"}), records)
    assert "look-elsewhere" not in looks(with_check("elsewhere", with_={"name": "portal"}), records)


def test_what_later_is_acted_upon_again_is_not_verified() -> None:
    """The service is stopped on the way and runs in the end: only that is lasting."""
    back = taken_back(ONE, ran(ONE).records)
    lasting = {one.id.rpartition("/")[2]: one.lasting for one in back.steps if one.uses == "turn"}

    assert lasting == {"undo-start": False, "back-stop": False, "undo-stop": True}
