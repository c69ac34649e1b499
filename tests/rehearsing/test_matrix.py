"""The matrix passes what comes to its end and back, and finds what is planted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from tests.support.rehearsals import STONE, TWIN, failed, id_of, matrix_of, mill, plan_of, rehearsed

from handrail.actions import build as build_action
from handrail.actions.protocol import Evidence, Observation, Receipt
from handrail.documents.plan import freeze
from handrail.errors import BadInput
from handrail.hosts.protocol import Host
from handrail.model.journal import Event
from handrail.model.plan import Plan, WayBack
from handrail.rehearsing.faults import FAULTS
from handrail.rehearsing.matrix import one_case, try_all
from handrail.rehearsing.memory import MemoryJournal
from handrail.rehearsing.results import to_json
from handrail.restoring.rollback import NoWayBack, make_rollback


def test_a_guide_that_works_passes_every_case_there_and_back() -> None:
    found = rehearsed()

    assert failed(found) == []
    assert {one.fault for one in found.cases} == set(FAULTS)
    assert {one.then for one in found.cases if one.of == "plan"} == {"resume", "rollback"}
    assert any(one.of == "rollback" for one in found.cases)
    assert found.counts.passed == len(found.cases) > 150


def test_what_is_found_does_not_depend_on_how_many_processes_look() -> None:
    matrix = matrix_of(faults="killed-after-effect,restarts")

    assert try_all(matrix, 2) == try_all(matrix, 1)


def test_without_faults_only_the_run_itself_is_tried() -> None:
    found = rehearsed(faults="none")

    assert (found.cases, found.unfaulted) == ((), "")


def test_one_case_is_told_as_a_story() -> None:
    matrix = one_case(matrix_of(), "patch:lost-done")
    cases = try_all(matrix, 1)

    assert [(one.step, one.then, one.result) for one in cases] == [
        (id_of("patch"), "resume", "pass"),
        (id_of("patch"), "rollback", "pass"),
    ]
    assert cases[0].story[0].startswith("the line is lost after: schtasks /run")
    assert cases[1].story[-1] == "all is as it was before the run"


@pytest.mark.parametrize("name", ["patch", "patch:no-such-fault", "patsch:lost-done"])
def test_a_case_that_there_is_not_is_refused(name: str) -> None:
    with pytest.raises(BadInput):
        one_case(matrix_of(), name)


def test_of_a_cohort_one_is_tried_and_stands_for_the_others() -> None:
    def another(data: Any) -> None:
        data["hosts"]["creek"] = dict(data["hosts"]["brook"])
        data["deployments"]["flour"]["installations"].append(
            {"component": "stone", "host": "creek", "build": "1.0.0.0"}
        )

    matrix = matrix_of(plan_of(another))

    assert matrix.stand_for[id_of("patch")] == ("flour/stone@creek/2/patch",)
    assert not any("creek" in one.step for one in matrix.units if not one.back)
    assert len({one.step.rpartition("/")[2] for one in matrix.units if one.back}) == sum(
        one.back for one in matrix.units
    )
    assert [one.step for one in try_all(one_case(matrix, "flour/stone@creek/2/patch:lost-done"), 1)] == [
        id_of("patch"),
        id_of("patch"),
    ]


def test_a_host_with_other_facts_is_no_cohort() -> None:
    def another(data: Any) -> None:
        data["hosts"]["creek"] = {**data["hosts"]["brook"], "os": "windows-server-2019"}
        data["deployments"]["flour"]["installations"].append(
            {"component": "stone", "host": "creek", "build": "1.0.0.0"}
        )

    assert matrix_of(plan_of(another)).stand_for[id_of("patch")] == ()


def test_what_the_twin_does_not_know_is_counted_and_never_passed(tmp_path: Path) -> None:
    without = tmp_path / "twin.yaml"
    without.write_text(TWIN["mill"].read_text().replace("persons:\n  - {step: taste}\n", ""))
    found = rehearsed(twin={"mill": without})

    assert list(found.not_rehearsed) == [id_of("taste"), id_of("running")]
    assert {one.result for one in found.cases if one.step in found.not_rehearsed} == {"not-rehearsed"}
    assert failed(found) == []
    assert to_json(found)["not_rehearsed"] == 2


def test_a_run_that_fails_without_a_fault_is_said_and_nothing_is_tried() -> None:
    class Broken:
        def __init__(self, inner: Any) -> None:
            self._inner = inner

        def __getattr__(self, name: str) -> Any:
            return getattr(self._inner, name)

        async def observe(self, host: Host, receipt: Receipt) -> Observation:
            return Observation("not_done", "it is broken")

    def build(uses: str, with_: Mapping[str, Any]) -> Any:
        made = build_action(uses, with_)
        return Broken(made) if uses == "service.start" else made

    found = rehearsed(build=build)

    assert f"{STONE}/2/start is failed" in found.unfaulted
    assert (found.cases, found.exit_code) == ((), 1)


# -- no way back --------------------------------------------------------------------------------------------------


def _without_way_back(said: bool) -> Plan:
    """The mill's plan as if nothing could take the patch back; `said`: and it says so."""
    patch = id_of("patch")
    steps = tuple(replace(one, way_back=WayBack("none")) if one.id == patch else one for one in mill().steps)
    return freeze(replace(mill(), steps=steps, back=(), point_of_no_return=patch if said else None))


def test_no_way_back_is_as_planned_only_where_the_plan_had_said_so() -> None:
    faults = "killed-before-intent,killed-after-effect"
    said, unsaid = (rehearsed(_without_way_back(one), faults) for one in (True, False))
    after = {one.name: one.result for one in said.cases if one.then == "rollback"}

    assert after[f"{id_of('patch')}:killed-before-intent"] == "pass"
    assert after[f"{id_of('patch')}:killed-after-effect"] == "no-way-back-as-planned"
    assert failed(said) == []
    assert "there is none" in failed(unsaid)[0]


# -- planted ------------------------------------------------------------------------------------------------------


class _Lying:
    """An installation that takes its intent for its outcome."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def observe(self, host: Host, receipt: Receipt) -> Observation:
        seen: Observation = await self._inner.observe(host, receipt)
        return replace(seen, state="done") if receipt.before else seen

    async def act(self, host: Host, receipt: Receipt) -> Evidence:
        evidence: Evidence = await self._inner.act(host, receipt)
        return evidence


def test_an_action_whose_observation_lies_is_found() -> None:
    def build(uses: str, with_: Mapping[str, Any]) -> Any:
        made = build_action(uses, with_)
        return _Lying(made) if uses == "installer.patch" else made

    found = failed(rehearsed(faults="killed-after-intent,fails-undone", build=build))

    assert any("patch:killed-after-intent then resume" in one and "stone.exe" in one for one in found)
    assert any("patch:fails-undone then resume" in one for one in found)


def test_a_plan_that_destroys_before_it_backs_up_is_found() -> None:
    order = ["ready", "stop", "patch", "reboot", "keep", "prove", "start", "taste", "running"]
    by_name = {one.id.rpartition("/")[2]: one for one in mill().steps}
    steps = [replace(by_name[name], after=(), because=()) for name in order]
    steps = [replace(one, after=(before.id,)) for before, one in pairwise(steps)]
    bad = freeze(replace(mill(), steps=(by_name["ready"], *steps)))

    found = failed(rehearsed(bad, "killed-after-effect,fails-undone"))

    assert any(one.startswith(f"{id_of('patch')}:killed-after-effect then rollback") for one in found)


class _Forgetful(MemoryJournal):
    """Forgets the intent of what has not ended, as a disk does that was never synchronised."""

    def read(self, run: str) -> list[Event]:
        events = super().read(run)
        ended = {one.entry.step for one in events if one.entry.kind in ("done", "failed")}
        return [one for one in events if one.entry.kind != "begun" or one.entry.step in ended]


def test_a_journal_that_forgets_a_record_is_found() -> None:
    found = failed(rehearsed(faults="killed-after-effect", journal=_Forgetful))

    assert any(one.startswith(f"{id_of('patch')}:killed-after-effect") for one in found)


def _turned(made: Plan | NoWayBack, names: Mapping[str, str]) -> Plan | NoWayBack:
    """The same way back with two of its steps in each other's place."""
    if isinstance(made, NoWayBack):
        return made
    steps = list(made.steps)
    places = {one.id.rpartition("/")[2]: n for n, one in enumerate(steps)}
    for one, other in names.items():
        if one in places and other in places:
            first, second = steps[places[one]], steps[places[other]]
            after = tuple(second.id if name == first.id else name for name in second.after if name != second.id)
            steps[places[one]] = replace(second, after=first.after, because=())
            steps[places[other]] = replace(first, after=tuple({*after, second.id} - {first.id}), because=())
    ids = [one.id for one in steps]
    ordered = [replace(one, after=tuple(a for a in one.after if ids.index(a) < n)) for n, one in enumerate(steps)]
    return freeze(replace(made, steps=tuple(ordered)))


def test_a_way_back_in_the_wrong_order_is_found() -> None:
    def turned(*given: Any, **more: Any) -> Plan | NoWayBack:
        return _turned(make_rollback(*given, **more), {"back-take-out": "back-put-in"})

    found = failed(rehearsed(faults="killed-after-effect", make_back=turned))

    assert any(one.startswith(f"{id_of('patch')}:killed-after-effect then rollback") for one in found)


def test_a_way_back_that_leaves_something_out_is_found() -> None:
    def less(*given: Any, **more: Any) -> Plan | NoWayBack:
        made = make_rollback(*given, **more)
        if isinstance(made, NoWayBack):
            return made
        steps = tuple(one for one in made.steps if not one.id.endswith("/undo-stop"))
        return freeze(replace(made, steps=steps))

    found = failed(rehearsed(faults="killed-before-outcome", make_back=less))

    assert any("the service Mill on brook is STOPPED" in one for one in found)
