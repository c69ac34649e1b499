"""Each fault really befalls what it says, at its step and nowhere else, and only once."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.rehearsals import id_of, journey, service

from handrail.errors import UnknownName
from handrail.hosts.protocol import Exited, Lost, TimedOut
from handrail.model.journal import Entry
from handrail.model.plan import Step
from handrail.rehearsing.faults import FAULTS, chosen
from handrail.rehearsing.life import Call, Ending, Life, Stage, Strike, live
from handrail.rehearsing.strikes import Place, Struck, TwoRunners
from handrail.twin.mechanisms import files
from handrail.twin.things import Entry as File
from handrail.twin.things import Product, System


def place(name: str) -> Place:
    step = next(one for one in journey().plan.steps if one.id == id_of(name))
    return Place(journey(), step, journey().visits[step.id])


class Frozen(Strike):
    """Ends the process at the very moment at which the fault has come to pass."""

    def __init__(self, strike: Struck) -> None:
        self.strike = strike
        self.answer: Any = None

    def before(self, life: Life, entry: Entry) -> None:
        self.strike.before(life, entry)

    def after(self, life: Life, entry: Entry) -> None:
        self.strike.after(life, entry)

    def played(self, life: Life, step: Step) -> None:
        self.strike.played(life, step)

    async def call(self, life: Life, call: Call) -> Any:
        answer = await self.strike.call(life, call)
        if self.strike.fell and self.answer is None:
            self.answer = answer
            life.kill()
        return answer


def struck(fault: str, name: str) -> tuple[Stage, Any]:
    """The moment just after the fault has befallen the step, and what the runner was answered."""
    where = place(name)
    stage = where.before.fork()
    frozen = Frozen(FAULTS[fault].strike(where))
    assert live(stage, frozen) == Ending("killed")
    assert frozen.strike.fell
    return stage, frozen.answer


def kinds(stage: Stage, name: str) -> list[str]:
    return [one.entry.kind for one in stage.journal.read(stage.run) if one.entry.step == id_of(name)]


def backed_up(stage: Stage) -> list[File]:
    entries = stage.twin.machine("brook").all(File)
    return [one for one in entries if one.path.startswith("C:\\Backups") and not one.folder]


def build_of(stage: Stage) -> str:
    return stage.twin.machine("brook").all(Product)[0].version


def test_a_kill_before_the_intent_leaves_no_trace_of_the_step() -> None:
    stage, _ = struck("killed-before-intent", "stop")

    assert (kinds(stage, "stop"), service(stage.twin)) == ([], "RUNNING")


def test_a_kill_after_the_intent_leaves_the_intent_alone() -> None:
    stage, _ = struck("killed-after-intent", "stop")

    assert (kinds(stage, "stop"), service(stage.twin)) == (["begun"], "RUNNING")


def test_a_kill_after_the_effect_leaves_intent_and_effect() -> None:
    stage, _ = struck("killed-after-effect", "stop")

    assert (kinds(stage, "stop"), service(stage.twin)) == (["begun"], "STOPPED")


def test_a_kill_before_the_outcome_leaves_no_outcome() -> None:
    stage, _ = struck("killed-before-outcome", "stop")

    assert (kinds(stage, "stop"), service(stage.twin)) == (["begun"], "STOPPED")


def test_a_kill_after_what_a_person_did_leaves_the_question_open() -> None:
    stage, _ = struck("killed-after-effect", "taste")

    assert kinds(stage, "taste") == ["asked"]


@pytest.mark.parametrize(
    ("fault", "answer", "state"),
    [
        ("lost-undone", Lost, "RUNNING"),
        ("lost-done", Lost, "STOPPED"),
        ("times-out-undone", TimedOut, "RUNNING"),
        ("times-out-done", TimedOut, "STOPPED"),
    ],
)
def test_a_lost_line_and_a_time_out_say_nothing_of_what_was_done(fault: str, answer: type, state: str) -> None:
    stage, answered = struck(fault, "stop")

    assert isinstance(answered, answer)
    assert service(stage.twin) == state


@pytest.mark.parametrize(
    ("fault", "succeeds", "state"),
    [("succeeds-undone", True, "RUNNING"), ("fails-done", False, "STOPPED"), ("fails-undone", False, "RUNNING")],
)
def test_exit_codes_lie(fault: str, succeeds: bool, state: str) -> None:
    stage, answered = struck(fault, "stop")

    assert isinstance(answered, Exited)
    assert (answered.code == 0) == succeeds
    assert service(stage.twin) == state


def test_a_detached_job_lies_in_its_own_receipt() -> None:
    stage, answered = struck("fails-done", "patch")
    codes = [
        files.content(one).strip()
        for one in stage.twin.machine("brook").all(File)
        if one.path.endswith("\\exit.txt") and "patch" in one.path
    ]

    assert answered.code == 0
    assert codes == [b"1603"]
    assert build_of(stage) == "2.0.0.0"


@pytest.mark.parametrize("fault", ["lost-half", "disk-full"])
def test_half_of_a_backup_is_a_file_that_is_cut_off(fault: str) -> None:
    stage, answered = struck(fault, "keep")
    torn = [one for one in backed_up(stage) if one.path.endswith("stone.exe")]
    whole = stage.twin.machine("brook").get(File, "C:\\Mill\\stone.exe")

    assert whole is not None
    assert [0 < one.size < whole.size for one in torn] == [True]
    assert isinstance(answered, Exited if fault == "disk-full" else Lost)


def test_a_full_disk_is_told_in_the_tools_own_words() -> None:
    _, answered = struck("disk-full", "keep")

    assert answered.code == 8
    assert b"There is not enough space on the disk." in answered.out


def test_a_restart_in_the_middle_of_an_installation_leaves_a_job_without_an_end_and_nothing_installed() -> None:
    stage, answered = struck("restarts", "patch")
    system = stage.twin.machine("brook").get(System, "system")
    jobs = [one.path for one in stage.twin.machine("brook").all(File) if "patch" in one.path and "\\jobs\\" in one.path]

    assert isinstance(answered, Lost)
    assert system is not None and system.boots == 2
    assert any(one.endswith("\\out.txt") for one in jobs)
    assert not any(one.endswith("\\exit.txt") for one in jobs)
    assert build_of(stage) == "1.0.0.0"


def test_a_service_that_sticks_stays_on_its_way_until_an_administrator_ends_it() -> None:
    where = place("stop")
    stage = where.before.fork()
    strike = FAULTS["service-sticks"].strike(where)
    live(stage, strike)
    stuck = service(stage.twin)
    strike.mend(stage)

    assert (stuck, service(stage.twin)) == ("STOP_PENDING", "STOPPED")


def test_a_wrong_medium_is_put_right_wherever_it_lies() -> None:
    where = place("patch")
    stage = where.before.fork()
    right = stage.twin.machine("brook").get(File, "C:\\Media\\stone.msp")
    strike = FAULTS["wrong-medium"].strike(where)
    live(stage, strike)
    wrong = stage.twin.machine("brook").get(File, "C:\\Media\\stone.msp")
    strike.mend(stage)

    assert right is not None and wrong is not None
    assert wrong.sha256 != right.sha256
    assert stage.twin.machine("brook").get(File, "C:\\Media\\stone.msp") == right


def test_of_two_runners_the_first_is_refused_and_the_second_goes_on() -> None:
    where = place("patch")
    stage = where.before.fork()
    strike = FAULTS["two-runners"].strike(where)
    assert isinstance(strike, TwoRunners)
    ending = live(stage, strike)

    assert ending.kind == "refused"
    assert strike.second == Ending("ended")
    assert not strike.first_wrote
    assert stage.status().state == "succeeded"


def test_a_fault_befalls_only_steps_that_it_can_befall() -> None:
    assert not FAULTS["disk-full"].befalls(place("stop"))
    assert not FAULTS["lost-half"].befalls(place("patch"))  # a job goes on without the line, an installation is whole
    assert not FAULTS["killed-before-intent"].befalls(place("prove"))
    assert FAULTS["backup-unreadable"].befalls(place("prove"))
    assert not FAULTS["wrong-medium"].befalls(place("keep"))


def test_faults_are_chosen_by_name_in_the_order_of_the_table() -> None:
    assert [one.name for one in chosen("two-runners, lost-done")] == ["lost-done", "two-runners"]
    assert chosen("none") == ()
    assert len(chosen("all")) == len(FAULTS)
    with pytest.raises(UnknownName, match="Did you mean 'lost-done'"):
        chosen("lost-dome")
