"""The real road with a pretend Windows at its end: commands, files, jobs and restarts of the twin through Windows
Remote Management, and a whole run whose effects are those of a run on the bare twin."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from tests.support import on_twin, winrm_twin
from tests.support.twins import SERVICE, SYNC, Console, a_twin, an_estate
from tests.support.winrm import CALM
from tests.support.winrm_endpoint import Endpoint, serving
from tests.support.winrm_run import OverWinrm

from handrail.errors import FileMissing, HostError
from handrail.guides.catalogue import SHIPPED
from handrail.hosts import detached, powershell, windows_jobs
from handrail.hosts.protocol import Command, Exited
from handrail.hosts.winrm import WinrmHost
from handrail.model.plan import Plan
from handrail.running.home import Home
from handrail.running.session import Session, open_session
from handrail.running.targets import declared
from handrail.twin.raising import raise_twin
from handrail.twin.world import Twin, open_twin

JOB = Command(("msiexec", "/p", "C:\\Media\\hotfix.msp", "REINSTALL=ALL", "/qn", "/norestart"), cwd="C:\\Media")


@contextmanager
def windows(name: str = "sync01") -> Iterator[tuple[Console, Endpoint]]:
    """Somebody at the host itself, and the endpoint in front of it."""
    twin = a_twin(an_estate("4.6.34.0"))
    endpoint = winrm_twin.behind(twin, [name])[name]
    with serving(endpoint):
        yield Console(twin, name), endpoint


def on(endpoint: Endpoint, ask: Callable[[WinrmHost], Awaitable[None]], jobs: str | None = None) -> None:
    async def go() -> None:
        connect = winrm_twin.reached(an_estate(), {"sync01": endpoint}).hosts["sync01"].connect
        assert connect is not None
        connect = replace(connect, jobs="user") if jobs else connect
        host = WinrmHost("sync01", connect, lambda _: endpoint.password, patience=CALM)
        try:
            await ask(host)
        finally:
            await host.close()

    asyncio.run(go())


def test_tools_and_scripts_answer_over_the_road_as_at_the_console() -> None:
    commands = (
        Command(("sc", "query", SERVICE)),
        Command(("sc", "query", "no such")),
        Command(("cmd", "/c", "dir", "/b", SYNC)),
        Command(("cmd", "/c", "ver & echo more")),
        Command(("cmd", "/c", "if", "exist", "C:\\Media\\hotfix.msp", "sc", "query", SERVICE)),
        Command(("reg", "query", "HKLM\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion", "/v", "ProductName")),
        powershell.command("file-version", f"{SYNC}\\Bin\\miiserver.exe"),
        powershell.command("hash-tree", f"{SYNC}\\Bin"),
    )
    with windows() as (console, endpoint):
        expected = [console(*one.argv) for one in commands]

        async def ask(host: WinrmHost) -> None:
            assert [await host.execute(one) for one in commands] == expected
            assert (await host.boot_id()).endswith("+000")

        on(endpoint, ask)


def test_files_are_whole_and_missing_ones_are_told() -> None:
    with windows() as (console, endpoint):

        async def ask(host: WinrmHost) -> None:
            path = "C:\\New folder\\a & b 100%.bin"
            for data in (b"", bytes(range(256)) * 40, b"shorter"):
                await host.write(path, data)
                assert await host.read(path) == data == console.read(path)
            with pytest.raises(FileMissing):
                await host.read("C:\\none")
            with pytest.raises(HostError, match="could not be read"):
                await host.read("C:\\New folder")
            with pytest.raises(HostError, match="could not be written"):
                await host.write("Q:\\none", b"x")

        on(endpoint, ask)


def test_what_a_session_maps_lasts_from_command_to_command_and_goes_with_it() -> None:
    with windows() as (_, endpoint):

        async def ask(host: WinrmHost) -> None:
            assert await host.execute(Command(("subst", "E:", "C:\\Media"))) == Exited(0)
            listed = await host.execute(Command(("cmd", "/c", "dir", "/b", "E:\\")))
            assert isinstance(listed, Exited) and "hotfix.msp" in listed.text

        on(endpoint, ask)

        async def again(host: WinrmHost) -> None:
            listed = await host.execute(Command(("cmd", "/c", "dir", "/b", "E:\\")))
            assert isinstance(listed, Exited) and listed.code == 1

        on(endpoint, again)


def test_a_restart_takes_the_shells_and_gives_another_boot_id() -> None:
    with windows() as (_, endpoint):

        async def ask(host: WinrmHost) -> None:
            before = await host.boot_id()
            assert before == await host.boot_id()
            assert isinstance(await host.execute(Command(("shutdown", "/r", "/t", "2", "/f"))), Exited)
            end = time.monotonic() + 5
            while endpoint.shells and time.monotonic() < end:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
            assert await host.boot_id() != before

        on(endpoint, ask)


@pytest.mark.parametrize("jobs", [None, "user"])
def test_a_job_that_we_left_is_found_again_and_not_begun_twice(jobs: str | None) -> None:
    with windows() as (console, endpoint):
        console("sc", "stop", SERVICE)

        async def begin(host: WinrmHost) -> None:
            await detached.start_or_attach(host, "run/step/1", JOB)

        async def find(host: WinrmHost) -> None:
            state = await detached.run(host, "run/step/1", JOB)
            assert (state.state, state.code) == ("exited", 0)

        on(endpoint, begin, jobs)
        on(endpoint, find, jobs)  # as after our death: another host, another line

        effects = [one.kind for one in console.twin.effects()]
        assert effects.count("software") == 1
        made = next(one for one in console.twin.effects() if "task" in one.what and one.what.endswith("created"))
        assert ("register-task" in made.command) == (jobs == "user")
        assert endpoint.password not in "".join(endpoint.lines)


def test_a_task_that_is_started_twice_runs_its_command_once() -> None:
    """The guard stands in job.cmd itself, for whoever starts the task behind our back."""
    with windows() as (_, endpoint):

        async def ask(host: WinrmHost) -> None:
            line = Command(("cmd", "/c", "copy", "/y", "nul", "C:\\once.txt"))
            await detached.run(host, "run/step/1", line)
            await host.execute(Command(("cmd", "/c", "del", "C:\\once.txt")))
            folder = windows_jobs.folder("run/step/1")
            again = ("schtasks", "/create", "/tn", "X", "/xml", f"{folder}\\task.xml", "/f")
            assert (
                (await ask_for(host, again)).code == (await ask_for(host, ("schtasks", "/run", "/tn", "X"))).code == 0
            )
            assert (await ask_for(host, ("cmd", "/c", "dir", "C:\\once.txt"))).code == 1

        on(endpoint, ask)


async def ask_for(host: WinrmHost, argv: tuple[str, ...]) -> Exited:
    outcome = await host.execute(Command(argv))
    assert isinstance(outcome, Exited)
    return outcome


def test_what_a_job_was_given_in_files_is_gone_when_it_ends() -> None:
    with windows() as (_, endpoint):

        async def ask(host: WinrmHost) -> None:
            command = Command(("cmd", "/c", "ver"), env={"GREETING": "hello"}, stdin=b"unread")
            state = await detached.run(host, "run/step/2", command)
            assert state.code == 0
            listed = await ask_for(host, ("cmd", "/c", "dir", "/b", windows_jobs.folder("run/step/2")))
            assert listed.text.split() == ["exit.txt", "job.cmd", "out.txt", "running", "task.xml"]

        on(endpoint, ask)


def test_old_jobs_are_cleared_away_and_their_receipts_with_them() -> None:
    with windows() as (_, endpoint):

        async def ask(host: WinrmHost) -> None:
            for name in ("kept", "old"):
                await detached.run(host, name, Command(("cmd", "/c", "ver")))
            assert await windows_jobs.prune(host, ["kept"], 3600) == []
            assert await windows_jobs.prune(host, ["kept"], 0) == [windows_jobs.safe_name("old")]
            states = [(await detached.poll(host, name)).state for name in ("kept", "old")]
            assert states == ["exited", "absent"]

        on(endpoint, ask)


# -- a whole run


def sync_alone(tmp_path: Path) -> Plan:
    """The plan of one Synchronization Service to SP3."""
    estate = YAML(typ="safe").load(SHIPPED / "mim" / "estates" / "contoso.yaml")
    for section, name in (("hosts", "svc01"), ("databases", "service-db"), ("accounts", "svc-service")):
        del estate[section][name]
    for name in ("service-hotfix", "service-sp3"):
        del estate["media"][name]
    estate["deployments"]["identity"]["installations"].pop()
    with (tmp_path / "estate.yaml").open("w") as file:
        YAML(typ="safe").dump(estate, file)
    return on_twin.plan_file(tmp_path / "estate.yaml", tmp_path / "plan.json")


def effects(twin: Twin, run: str) -> Counter[str]:
    return Counter(
        "in a backup folder" if run in one.what else f"{one.host} {one.kind}: {one.what}"
        for one in twin.effects()
        if one.kind != "task" and not any(each in one.what for each in on_twin.OURS) and "Handrail made" not in one.what
    )


def carried_out(session: Session, plan: Plan) -> str:
    run = session.start(plan, "me", target="twin")
    outcome = asyncio.run(session.carry_out(run, "me"))
    assert outcome.status.state == "succeeded"
    return run


@pytest.mark.slow
def test_a_whole_run_over_the_road_does_what_it_does_on_the_bare_twin(tmp_path: Path) -> None:
    plan = sync_alone(tmp_path)
    for name in ("bare", "far", "world"):
        (tmp_path / name).mkdir()
    with open_session(Home(tmp_path / "bare")) as session:
        run = carried_out(session, plan)
    bare = open_twin(Home(tmp_path / "bare").twin(run))
    expected = effects(bare, run)
    bare.close()

    twin = raise_twin(plan.estate, declared(plan), tmp_path / "world")
    endpoints = winrm_twin.behind(twin, dict.fromkeys(step.host for step in plan.steps if step.host))
    with serving(*endpoints.values()) as loop:
        opener = lambda made, folder, new: OverWinrm(made, twin, endpoints, loop)  # noqa: E731
        with open_session(Home(tmp_path / "far"), openers={"twin": opener}) as session:
            run = carried_out(session, plan)

    assert effects(twin, run) == expected
    assert sum(len(one.lines) for one in endpoints.values()) > 100
    twin.close()
