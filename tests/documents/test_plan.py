"""The plan file: read back equal, changed never, and nothing that is not a plan is taken for one."""

from __future__ import annotations

import copy
import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handrail.documents.estate import estate_from_json
from handrail.documents.plan import (
    digest_of,
    freeze,
    plan_from_json,
    plan_of_text,
    plan_to_json,
    read_plan,
    write_plan,
)
from handrail.documents.plan_reader import PlanShape
from handrail.documents.plan_stream import plan_of_canonical
from handrail.errors import BadInput, Tampered
from handrail.model.estate import Deployment, Estate, Host, Installation
from handrail.model.finding import Citation, Finding
from handrail.model.plan import (
    Because,
    Condition,
    Erratum,
    Fact,
    GuideRef,
    Hop,
    Plan,
    Rejected,
    Remedy,
    Step,
    WayBack,
)

SOURCE = Citation("sp3", "sync", "https://example.org/x", "Upgrade")
STEP = Step(
    id="identity/sync@sync01/2016-sp3/patch",
    title="Patch – ünïcode",
    installation="identity/sync@sync01",
    host="sync01",
    uses="installer.patch",
    revision=1,
    kind="do",
    source=SOURCE,
    with_={"file": {"late": "a.b"}, "list": [1, None, True, 2.5]},
    when=(Condition("a", ("done",)), Condition("b", error="e"), Condition("c", output="o", equals=None)),
    lasting=True,
    takes=90.0,
    after=("a",),
    because=(Because("a", "so", Citation("ours", "x")),),
    rests_on=(Fact("host:sync01.os", "w"),),
    leaves=(Fact("x", None),),
    way_back=WayBack("restore", ("a", "b")),
    downtime=True,
    protects=("p",),
    proves=("p",),
    changes=("q",),
    remedies=(Remedy("e", ("s",), "log", (1, 2), 2, 1.5, "says", SOURCE), Remedy("f", ())),
    says="says",
    errata=("x",),
)
PLAN = Plan(
    digest="",
    estate=Estate(
        "contoso",
        hosts={"sync01": Host("sync01")},
        deployments={"identity": Deployment("identity", "mim", (Installation("identity", "sync", "sync01"),))},
    ),
    aim={"identity": "2016-sp3"},
    guides=(GuideRef("mim", "sha256:0"),),
    findings=(Finding("a/b", "risk", "estate", "m", "r", SOURCE, True, False),),
    hops=(Hop("i", "1", "2", "patch", "why", SOURCE, (Rejected("x", "y"),), "3"),),
    steps=(STEP, Step("b", "B", "i", None, "hold", 1, "hold", SOURCE)),
    point_of_no_return="b",
    downtime={"i": (("a", "b"),)},
    errata=(Erratum("e", "s", "w", "b", SOURCE),),
)


def test_a_plan_written_and_read_again_is_equal(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    write_plan(PLAN, path)
    assert read_plan(path) == freeze(PLAN)


def test_the_digest_covers_everything_but_itself() -> None:
    frozen = freeze(PLAN)
    assert frozen.digest.startswith("sha256:")
    assert frozen.digest == digest_of(frozen) == digest_of(PLAN)


def test_the_same_plan_gives_the_same_file(tmp_path: Path) -> None:
    write_plan(PLAN, tmp_path / "a")
    write_plan(freeze(PLAN), tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_the_file_has_the_contracts_keys(tmp_path: Path) -> None:
    data = json.loads(json.dumps(plan_to_json(freeze(PLAN))))
    assert data["schema"] == "handrail/plan/v1"
    step = data["steps"][0]
    contract = "id title installation host uses revision with when kind lasting takes after because rests_on leaves"
    assert set(contract.split()) | {"way_back", "downtime", "source"} <= set(step)
    assert data["hops"][0]["not"] == [{"method": "x", "because": "y"}]


def _paths(data: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [at] * bool(at) + [path for key, value in inner for path in _paths(value, (*at, key))]


WRITTEN = json.loads(json.dumps(plan_to_json(freeze(PLAN))))
PATHS = _paths(WRITTEN)


def changed(path: tuple[Any, ...], value: Any) -> Any:
    data = copy.deepcopy(WRITTEN)
    node = data
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = value
    return data


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(PATHS), st.sampled_from([None, 0, "x", [], {}, True, "sha256:0", [{}]]))
def test_any_change_is_noticed(path: tuple[Any, ...], value: Any) -> None:
    data = changed(path, value)
    if json.dumps(data, sort_keys=True) == json.dumps(WRITTEN, sort_keys=True):
        return
    with pytest.raises(BadInput):
        plan_from_json(data)


def with_its_digest(data: Any) -> Any:
    rest = {key: entry for key, entry in data.items() if key != "digest"}
    canonical = json.dumps(rest, sort_keys=True, separators=(",", ":"))
    return {**rest, "digest": "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()}


def test_what_is_not_known_is_refused_wherever_it_stands() -> None:
    """A plan of a newer version may say things that this one would not do."""
    free = {"estate", "aim", "downtime", "with"}
    mappings = [path for path in PATHS if isinstance(_at(path), dict) and not free & set(path)]
    assert len(mappings) > 15
    for path in [(), *mappings]:
        with pytest.raises(BadInput, match=r"says 'anew', which this Handrail does not know.*A newer one made it"):
            plan_from_json(with_its_digest(changed((*path, "anew"), True)))
    with pytest.raises(BadInput, match=r"estate says hosts\.sync01\.anew, which this Handrail does not know"):
        plan_from_json(with_its_digest(changed(("estate", "hosts", "sync01", "anew"), True)))


def _at(path: tuple[Any, ...]) -> Any:
    node = WRITTEN
    for key in path:
        node = node[key]
    return node


def test_a_changed_plan_says_that_it_was_changed(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    write_plan(PLAN, path)
    path.write_text(path.read_text().replace("installer.patch", "installer.other"))
    with pytest.raises(Tampered, match=r"plan\.json: The plan does not match its digest"):
        read_plan(path)


@settings(max_examples=50, deadline=None)
@given(st.sampled_from(PATHS), st.sampled_from([None, 0, "x", [], {}, True, [{}], [1], {"a": 1}, 1.5]))
def test_a_wrong_shape_with_a_right_digest_is_bad_input(path: tuple[Any, ...], value: Any) -> None:
    try:
        plan = plan_from_json(with_its_digest(changed(path, value)))
    except BadInput:
        return
    assert isinstance(plan, Plan)


def read(text: str) -> Plan | None:
    """What the ordinary reader says: the plan, or None where it refuses."""
    try:
        return plan_of_text(text.encode(), "plan.json")
    except BadInput:
        return None


@given(st.sampled_from(PATHS), st.sampled_from([None, 0, "x", [], {}, True, [{}], [1], {"a": 1}, 1.5]), st.booleans())
def test_what_is_read_one_by_one_is_what_is_read_at_once(path: tuple[Any, ...], value: Any, mended: bool) -> None:
    data = changed(path, value)
    text = json.dumps(with_its_digest(data) if mended else data, sort_keys=True, separators=(",", ":"))
    assert plan_of_canonical(text, PlanShape(estate_from_json)) == read(text)


def test_the_copy_that_a_run_keeps_is_read_one_by_one_and_what_is_cut_or_spelt_otherwise_is_not() -> None:
    made = freeze(PLAN)
    text = json.dumps(plan_to_json(made), sort_keys=True, separators=(",", ":"))

    def one_by_one(text: str) -> Plan | None:
        return plan_of_canonical(text, PlanShape(estate_from_json))

    assert one_by_one(text) == made == plan_of_text(text, "the plan of a run")
    assert all(one_by_one(text[:end]) is None for end in range(0, len(text), 7))
    assert one_by_one(text + " ") is None and one_by_one(json.dumps(plan_to_json(made))) is None
    assert plan_of_text(json.dumps(plan_to_json(made)), "plan.json") == made


@pytest.mark.parametrize(
    "source",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe\x00",
        b'{"schema": "handrail/plan/v9"}',
        b'{"schema": 3}',
        b"[" * 100000,
        b"NaN",
    ],
)
def test_what_is_no_plan_is_refused(source: bytes, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_bytes(source)
    with pytest.raises(BadInput) as caught:
        read_plan(path)
    assert caught.value.place is not None


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_refused_as_a_plan(source: bytes) -> None:
    with pytest.raises(BadInput):
        plan_of_text(source, "plan.json")


def test_a_plan_is_not_written_where_there_is_no_folder(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="its folder does not exist"):
        write_plan(PLAN, tmp_path / "none" / "plan.json")
    with pytest.raises(BadInput):
        write_plan(PLAN, "a\0b")


def test_the_digest_is_that_of_the_canonical_json_as_a_whole() -> None:
    """It is computed in parts; a reader in another language may compute it in one."""
    for plan in (PLAN, replace(PLAN, steps=(), findings=(), hops=())):
        document = {key: value for key, value in plan_to_json(plan).items() if key != "digest"}
        text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        assert digest_of(plan) == "sha256:" + hashlib.sha256(text.encode("ascii")).hexdigest()


def test_an_empty_list_stays_a_list_in_the_file(tmp_path: Path) -> None:
    empty = freeze(replace(PLAN, steps=(), findings=(), hops=()))
    write_plan(empty, tmp_path / "plan")

    assert read_plan(tmp_path / "plan") == empty
