"""A run does not go on when what its pending steps rest on has changed since it was planned."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from tests.support.command import handrail
from tests.support.on_twin import opening, plan_file

from handrail.errors import HostUnreachable
from handrail.guides.catalogue import SHIPPED
from handrail.hosts.protocol import Host
from handrail.model.journal import Entry, Event
from handrail.model.plan import Fact, Plan
from handrail.probing.again import Again, Ways
from handrail.running.drift import Basis, Drift, Drifted, look, refusal
from handrail.running.scheduler import Schedule
from handrail.running.session import Session
from handrail.running.targets import declared
from handrail.twin.declarations import read_declarations
from handrail.twin.machine import Machine
from handrail.twin.mechanisms import components, registry
from handrail.twin.raising import raise_in_memory
from handrail.twin.things import Entry as File
from handrail.twin.things import Service
from handrail.twin.world import open_twin

CONTOSO = SHIPPED / "mim" / "estates" / "contoso.yaml"
PLANNABLE = [
    SHIPPED / name
    for name in ("miis/estates/contoso.yaml", "mim/estates/contoso.yaml", "mim/estates/lucerne-ilm.yaml",
                 "mim/estates/woodgrove-all.yaml", "vmm/estates/fabric.yaml", "system-center/estates/fabric.yaml")
]  # fmt: skip
SYNC = "FIMSynchronizationService"
MIISERVER = r"C:\Program Files\Microsoft Forefront Identity Manager\2010\Synchronization Service\Bin\miiserver.exe"


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    return plan_file(CONTOSO, tmp_path_factory.mktemp("plan") / "contoso.json")


@dataclass
class Begun:
    """A run on its twin, of which nothing or something has been carried out."""

    session: Session
    run: str
    folder: Path

    def plant(self, host: str, work: Any) -> None:
        twin = open_twin(self.folder)
        try:
            twin.transact(host, "somebody else", work)
        finally:
            twin.close()

    def go_on(self) -> int:
        return asyncio.run(self.session.carry_out(self.run, "me")).exit_code


@pytest.fixture
def begun(plan: Plan, tmp_path: Path) -> Iterator[Begun]:
    with opening(tmp_path) as session:
        run = session.start(plan, "me", target="twin")
        with session._target(run, plan):  # raises the twin
            pass
        yield Begun(session, run, session.home.twin(run))


def hotfix(machine: Machine) -> None:
    """As if somebody had installed one: another build in the list and in the file."""
    (key,) = (one for one in registry.below(machine, registry.UNINSTALL)
              if "Synchronization" in one.values.get("DisplayName", ("", ""))[1])  # fmt: skip
    registry.write(machine, key.path, {"DisplayVersion": registry.text("4.6.540.0")})
    file = machine.get(File, MIISERVER)
    assert file is not None
    machine.put(MIISERVER, replace(file, version="4.6.540.0"))


def another_account(machine: Machine) -> None:
    service = machine.get(Service, SYNC)
    assert service is not None
    changed = replace(service, account=r"CONTOSO\somebody")
    machine.put(SYNC, changed)
    components.register_service(machine, changed)


@pytest.mark.parametrize("path", PLANNABLE, ids=lambda path: f"{path.parent.parent.name}-{path.stem}")
def test_a_twin_as_its_estate_states_it_has_not_drifted(path: Path, tmp_path: Path) -> None:
    plan = plan_file(path, tmp_path / "plan.json")
    assert plan.detect.components
    twin = raise_in_memory(plan.estate, read_declarations(declared(plan)))

    found = asyncio.run(look(plan, Schedule(plan), twin.host))

    assert not found.changed
    assert not found.silent


@pytest.mark.parametrize(
    ("change", "fact", "planned", "seen"),
    [
        (hotfix, "identity/sync@sync01.build", "4.6.34.0", "4.6.540.0"),
        (another_account, "account:svc-sync.name", r"CONTOSO\svc-mimsync", r"CONTOSO\somebody"),
    ],
)
def test_what_was_changed_behind_our_back_stops_the_run_before_its_first_step(
    begun: Begun, change: Any, fact: str, planned: str, seen: str
) -> None:
    begun.plant("sync01", change)

    with pytest.raises(Drifted) as refused:
        begun.go_on()

    (changed,) = refused.value.drift.changed
    assert (changed.address, changed.planned, changed.seen) == (fact, planned, seen)
    assert changed.host == "sync01"
    assert any(one.startswith("reg query") for one in changed.commands)
    assert all(step.startswith("identity/sync@sync01/") for step in changed.steps)
    assert refused.value.exit_code == 3
    assert "plan anew" in refused.value.advice
    assert {one.state for one in begun.session.status(begun.run).steps} == {"pending"}
    told = refusal(begun.session.events(begun.run))
    assert told is not None
    assert told["changed"][0]["seen"] == seen


def test_once_it_is_put_back_the_run_goes_on_and_says_no_more_of_it(begun: Begun) -> None:
    begun.plant("sync01", another_account)
    with pytest.raises(Drifted):
        begun.go_on()

    begun.plant("sync01", lambda machine: machine.put(SYNC, replace_account(machine, r"CONTOSO\svc-mimsync")))

    assert begun.go_on() == 0
    assert refusal(begun.session.events(begun.run)) is None


def replace_account(machine: Machine, account: str) -> Service:
    service = machine.get(Service, SYNC)
    assert service is not None
    changed = replace(service, account=account)
    components.register_service(machine, changed)
    return changed


# -- what a run has done itself is no drift -------------------------------------------------------------------------


class Told:
    """A schedule in which some steps have ended, without a journal."""

    def __init__(self, plan: Plan, states: Mapping[str, str]) -> None:
        self.schedule = Schedule(plan)
        for position, (step, state) in enumerate(states.items(), start=1):
            entry = Entry(state, step, 1)  # type: ignore[arg-type]
            self.schedule.apply(Event("run", "-", position, 1, "2026-11-21T00:00:00+00:00", entry, "", "", position))


def through(plan: Plan, last: str) -> dict[str, str]:
    """Every step up to the one whose id ends so, done."""
    states = {}
    for step in plan.steps:
        states[step.id] = "done"
        if step.id.endswith(last):
            return states
    raise AssertionError(f"no step {last}")


def value_of(plan: Plan, schedule: Schedule, address: str) -> Any:
    (one,) = (one for one in Basis(plan).expected(schedule) if one.address == address)
    return (one.value, *one.or_)


def test_what_a_done_step_has_left_is_what_is_expected_from_then_on(plan: Plan) -> None:
    build = "identity/sync@sync01.build"
    assert value_of(plan, Schedule(plan), build) == ("4.6.34.0",)

    (leaver,) = (step for step in plan.steps if Fact(build, "4.6.673.0") in step.leaves)
    after = Told(plan, through(plan, leaver.id)).schedule

    assert value_of(plan, after, build) == ("4.6.673.0",)


def test_what_a_hop_under_way_changes_may_be_as_it_was_or_as_it_will_be(plan: Plan) -> None:
    under_way = Told(plan, through(plan, "identity/sync@sync01/4.6.673.0/patch")).schedule

    assert set(value_of(plan, under_way, "identity/sync@sync01.build")) == {"4.6.34.0", "4.6.673.0"}


def test_only_what_pending_steps_rest_on_is_asked_for(plan: Plan) -> None:
    done = Told(plan, {step.id: "done" for step in plan.steps}).schedule

    assert Basis(plan).expected(done) == []


class Answering:
    """A host that says nothing, or nothing that is understood."""

    name, windows = "sync01", True

    def __init__(self, error: Exception | None) -> None:
        self.error = error

    async def execute(self, command: Any) -> Any:
        from handrail.hosts.protocol import Exited

        if self.error is not None:
            raise self.error
        return Exited(0, b"gibberish")

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


def looked(plan: Plan, host: Any, schedule: Schedule | None = None) -> Drift:
    def hosts(name: str) -> Host:
        if name == "sync01":
            return host  # type: ignore[no-any-return]
        raise KeyError(name)

    return asyncio.run(look(plan, schedule or Schedule(plan), hosts))


def test_a_silent_host_is_not_taken_for_one_that_has_not_changed(plan: Plan) -> None:
    found = looked(plan, Answering(HostUnreachable("sync01 does not answer.")))

    (silent,) = found.silent
    assert silent.host == "sync01"
    assert "identity/sync@sync01.build" in silent.addresses
    assert Drifted("run", found, begun=False).exit_code == 3
    assert Drifted("run", found, begun=True).exit_code == 5


def test_what_cannot_be_understood_is_taken_from_the_plan_and_named(plan: Plan) -> None:
    found = looked(plan, Answering(None))

    assert not found.refuses
    assert "identity/sync@sync01.build" in {one.address for one in found.taken}


def test_what_an_action_of_the_run_may_have_changed_is_left_to_the_steps(plan: Plan) -> None:
    way = Ways(plan.estate, plan.detect).to("host:sync01.mounted_media")
    assert isinstance(way, Again)
    fresh = {one.address for one in looked(plan, Answering(None)).taken}
    mapped = next(step for step in plan.steps if step.host == "sync01" and step.uses.startswith(("media.", "drive.")))
    later = {one.address for one in looked(plan, Answering(None), Told(plan, through(plan, mapped.id)).schedule).taken}

    assert "host:sync01.mounted_media" in fresh
    assert "host:sync01.mounted_media" not in later


def test_a_medium_is_the_same_by_its_image_whatever_letter_it_has(plan: Plan) -> None:
    way = Ways(plan.estate, plan.detect).to("host:sync01.mounted_media")
    assert isinstance(way, Again)

    assert way.same(["sp2-iso"], [r"c:\media\mim2016sp2.ISO"])
    assert not way.same([], [r"C:\Media\MIM2016SP2.iso"])
    assert not way.same(["sp2-iso"], [])


def test_versions_are_compared_as_numbers_and_absence_as_absence(plan: Plan) -> None:
    way = Ways(plan.estate, plan.detect).to("host:sync01.software")
    assert isinstance(way, Again)

    stated = {"msoledbsql": "18.6.7", "iis": False}
    assert way.same(stated, {"msoledbsql": "18.6.7.0", "iis": False})
    assert not way.same(stated, {"msoledbsql": "18.6.10", "iis": False})
    assert not way.same(stated, {"msoledbsql": "18.6.7", "iis": "10.0"})
    assert not way.same(stated, {"msoledbsql": False, "iis": False})
    assert way.same(stated, {"iis": False, "sharepoint": "2019"}), "what the estate does not state is nobody's concern"


def test_the_command_line_says_what_has_changed_and_so_does_status(begun: Begun, tmp_path: Path) -> None:
    begun.plant("sync01", another_account)

    resumed = handrail("resume", begun.run, home=tmp_path)

    assert resumed.code == 3
    shown = " ".join(resumed.out.split())
    assert r"account:svc-sync.name: planned CONTOSO\svc-mimsync, seen CONTOSO\somebody" in shown
    assert "seen on sync01 by: reg query" in shown
    assert "What the plan rests on has changed since it was made: account:svc-sync.name." in resumed.err
    assert "Not gone on" in handrail("status", begun.run, home=tmp_path).out
    document = handrail("status", begun.run, "--format", "json", home=tmp_path).json
    assert document["drift"]["changed"][0]["fact"] == "account:svc-sync.name"
