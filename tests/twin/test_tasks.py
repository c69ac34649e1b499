"""Scheduled tasks and the detached jobs that they carry."""

from __future__ import annotations

import pytest
from tests.support import virtual_time
from tests.support.twins import HOTFIX, SERVICE, Console, a_twin, an_estate

from handrail.errors import NotRehearsed
from handrail.hosts import detached, windows_jobs
from handrail.hosts.protocol import Command
from handrail.twin.things import Task

INSTALL = Command(
    ("msiexec", "/p", HOTFIX, "REINSTALL=ALL", "/qn", "/norestart", "/l*v", "hotfix.log"), cwd="C:\\Media"
)


def test_a_job_leaves_its_output_and_its_exit_code() -> None:
    console = Console(a_twin())
    state = virtual_time.run(detached.run(console.host, "run/step/1", Command(("sc", "query", "nothing"))))

    assert (state.state, state.code) == ("exited", 1060)
    assert "FAILED 1060" in state.text


@pytest.mark.parametrize("code", [0, 1])
def test_a_job_keeps_codes_of_one_digit(code: int) -> None:
    console = Console(a_twin())
    command = Command(("subst", "E:", "C:\\Windows" if code == 0 else "C:\\nowhere"))

    assert virtual_time.run(detached.run(console.host, "run/step/1", command)).code == code


def test_the_same_job_is_not_carried_out_twice() -> None:
    console = Console(a_twin(an_estate("4.6.34.0")))
    console("sc", "stop", SERVICE)
    for _ in range(2):
        assert virtual_time.run(detached.run(console.host, "run/step/1", INSTALL)).code == 0

    assert [one.kind for one in console.twin.effects()].count("software") == 1
    assert console.read("C:\\Media\\hotfix.log")


def test_effects_of_a_job_name_its_folder() -> None:
    console = Console(a_twin(an_estate("4.6.34.0")))
    console("sc", "stop", SERVICE)
    virtual_time.run(detached.run(console.host, "run/step/1", INSTALL))
    patched = next(one for one in console.twin.effects() if one.kind == "software")

    assert patched.job == windows_jobs.folder("run/step/1")


def test_a_restart_inside_a_job_leaves_no_exit_code() -> None:
    """The machine went down under it: what it did has to be looked at."""
    console = Console(a_twin(an_estate("4.6.34.0")))
    job = Command(("msiexec", "/p", HOTFIX, "/quiet"))
    state = virtual_time.run(detached.run(console.host, "run/step/1", job))

    assert state.state == "dead_unknown"
    assert console.version() == "4.6.673.0"


def test_a_job_with_an_unknown_command_is_not_rehearsed_and_was_never_started() -> None:
    console = Console(a_twin())
    with pytest.raises(NotRehearsed):
        virtual_time.run(detached.run(console.host, "run/step/1", Command(("defrag", "C:"))))
    assert virtual_time.run(detached.poll(console.host, "run/step/1")).state == "absent"


def test_tasks_are_made_listed_and_removed() -> None:
    console = Console(a_twin())
    assert console("schtasks", "/query", "/tn", "T").code == 1
    console.as_system("echo hello")

    assert console.machine().get(Task, "T") is not None
    row = console("schtasks", "/query", "/tn", "T", "/fo", "csv", "/v", "/nh").text
    assert row.split(",")[1:7] == ['"\\T"', '"N/A"', '"Ready"', '"Interactive/Background"', row.split(",")[5], '"0"']
    assert console("schtasks", "/delete", "/tn", "T", "/f").code == 0
    assert console("schtasks", "/run", "/tn", "T").code == 1


def test_a_task_under_another_account_is_not_rehearsed() -> None:
    """It would have a logon session and rights that the twin does not model."""
    console = Console(a_twin())
    with pytest.raises(NotRehearsed):
        console("schtasks", "/create", "/tn", "T", "/tr", "x.cmd", "/sc", "once", "/ru", "CONTOSO\\somebody")


def test_variables_and_percent_signs_are_filled_in_as_in_a_batch_file() -> None:
    console = Console(a_twin())
    console.as_system("type C:\\nothing", "echo %ERRORLEVEL% 100%% > C:\\out.txt")

    assert console.read("C:\\out.txt") == b"1 100% \r\n"
