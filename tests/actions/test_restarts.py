"""Restarts: told to or by itself, up again, ready. No machine is restarted here: pretend ones change their boot id."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.support import virtual_time
from tests.support.scripted_host import Answers, ScriptedHost, receipt
from tests.support.twins import Console, a_twin

from handrail.actions import build, restarts, signatures
from handrail.actions.host import Reboot
from handrail.actions.protocol import ActFailed, InDoubt
from handrail.errors import HostError, HostUnreachable
from handrail.hosts.local import LocalHost
from handrail.hosts.protocol import Command, Exited, Lost, Outcome, TimedOut

DOWN = "shutdown /r /t 2 /f"
READY: Answers = {DOWN: 0, "script readiness": "ready\n"}


@dataclass
class GoingDown(ScriptedHost):
    """Its boot ids in turn; None where nobody answers."""

    ids: list[str | None] = field(default_factory=lambda: ["one"])
    error: type[HostError] = HostUnreachable

    async def boot_id(self) -> str:
        found = self.ids.pop(0) if len(self.ids) > 1 else self.ids[0]
        if found is None:
            raise self.error("sync01 does not answer.")
        return found


BEGUN = receipt(before={"evidence": {"boot_id": "one"}})


def act(host: Any, **with_: Any) -> Any:
    return virtual_time.run(Reboot(**with_).act(host, BEGUN))


def look(host: Any, begun: Any = BEGUN, **with_: Any) -> Any:
    return virtual_time.run(Reboot(**with_).observe(host, begun))


# -- the command -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answers", "asked"),
    [
        ({DOWN: 0}, [DOWN]),
        ({DOWN: 1115}, [DOWN]),  # it is going down already
        ({DOWN: [1190, 0], "shutdown /a": 0}, [DOWN, "shutdown /a", DOWN]),  # another one was scheduled
        ({DOWN: [1190, 1115], "shutdown /a": 1116}, [DOWN, "shutdown /a", DOWN]),
        ({DOWN: Lost("reset by peer")}, [DOWN]),
        ({DOWN: TimedOut(120)}, [DOWN]),
    ],
)
def test_what_shutdown_says_is_understood_and_the_boot_id_decides(answers: Answers, asked: list[str]) -> None:
    host = GoingDown(answers, ids=["one", None, None, "two"])

    assert act(host).outputs == {"boot_id": "two"}
    assert host.commands == asked


def test_a_refusal_is_a_failure_with_its_words() -> None:
    host = GoingDown({DOWN: Exited(5, b"", b"Access is denied.(5)")})

    with pytest.raises(ActFailed, match="Access is denied"):
        act(host)


# -- up again -----------------------------------------------------------------------------


@pytest.mark.parametrize("error", [HostUnreachable, HostError])
def test_a_machine_may_be_silent_for_long_and_say_odd_things_while_it_comes_up(error: type[HostError]) -> None:
    host = GoingDown(READY, ids=["one", *[None] * 60, "two"], error=error)

    assert act(host).outputs == {"boot_id": "two"}


def test_a_machine_that_does_not_come_up_is_in_doubt_and_says_where_to_look() -> None:
    with pytest.raises(InDoubt, match=r"went down and did not come up again within 600 seconds: look at its console"):
        act(GoingDown(READY, ids=["one", None]), patience=600)


def test_a_machine_that_never_goes_down_is_told_apart() -> None:
    with pytest.raises(InDoubt, match=r"never went down"):
        act(GoingDown(READY, ids=["one"]), patience=600)


# -- ready -----------------------------------------------------------------------------


def test_it_is_done_only_when_services_have_come_up() -> None:
    host = GoingDown(
        {"script readiness": ["pending=MSSQLSERVER\nready", "ready", "pending=W3SVC\nready", "ready"]}, ids=["two"]
    )

    seen = look(host)

    assert seen.state == "done" and seen.because == "sync01 was restarted"
    assert host.commands == ["script readiness"] * 5, "seen twice, because there are quiet moments in between"


def test_a_service_that_hangs_is_named_and_holds_nothing_up() -> None:
    seen = look(GoingDown({"script readiness": "pending=Slow\nready"}, ids=["two"]))

    assert seen.state == "done" and "Slow still starting" in seen.because


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("servicing=1\nready", "updates"),
        ("setup=1\nready", "updates"),
        ("pending=A", "does not say"),  # cut off: the last word is missing
        (5, "exit code 5"),
        (Lost("reset"), "reset"),
    ],
)
def test_a_machine_that_is_not_ready_in_time_is_unknown_never_done(said: Any, why: str) -> None:
    seen = look(GoingDown({"script readiness": said}, ids=["two"]), patience=600)

    assert seen.state == "unknown" and why in seen.because and "not ready after 600 seconds" in seen.because


def test_an_update_that_restarts_it_once_more_is_waited_for() -> None:
    host = GoingDown(
        {"script readiness": ["servicing=1\nready", Lost("down again"), "ready"]}, ids=["two", "three", "three"]
    )

    seen = look(host)

    assert seen.state == "done" and seen.outputs == {"boot_id": "three"}


def test_without_powershell_an_answer_has_to_do() -> None:
    assert look(GoingDown({"script readiness": 9009}, ids=["two"])).state == "done"


def test_the_twin_restarts_and_is_ready() -> None:
    console = Console(a_twin())
    before = virtual_time.run(Reboot().observe(console.host, receipt()))
    begun = receipt(before={"evidence": dict(before.evidence)})

    virtual_time.run(Reboot().act(console.host, begun))

    assert virtual_time.run(Reboot().observe(console.host, begun)).state == "done"
    assert console.machine().system.boots == 2


# -- Linux -----------------------------------------------------------------------------


class PretendServer(LocalHost):
    """This machine, behind something that pretends to restart it: real shells answer, but one script is never run."""

    def __init__(self, refuses: bool = False) -> None:
        super().__init__("pg01")
        self.refuses, self.restarted, self.silent = refuses, 0, 0

    async def execute(self, command: Command) -> Outcome:
        if "reboot" in command.argv[-1]:
            if self.refuses:
                return Exited(1, b"", b"sudo: a password is required")
            self.restarted, self.silent = self.restarted + 1, 5
            return Lost("connection closed")
        self._answer()
        return await super().execute(command)

    async def boot_id(self) -> str:
        self._answer()
        return f"{await super().boot_id()}-{self.restarted}"

    def _answer(self) -> None:
        if self.silent:
            self.silent -= 1
            raise HostUnreachable("pg01 does not answer.")


def test_a_linux_server_is_restarted_and_seen_to_be_another_boot(monkeypatch: pytest.MonkeyPatch) -> None:
    """In real time: the shell that answers is a real one."""
    assert "linux" in signatures()["host.reboot"].platforms
    monkeypatch.setattr(restarts, "_STATE", "echo running")
    host, action = PretendServer(), Reboot()

    async def story() -> tuple[Any, Any, Any]:
        before = await action.observe(host, receipt())
        begun = receipt(before={"evidence": dict(before.evidence)})
        return before, await action.act(host, begun), await action.observe(host, begun)

    before, evidence, after = asyncio.run(story())
    assert (before.state, after.state, host.restarted) == ("not_done", "done", 1)
    assert evidence.exit is None and after.outputs["boot_id"].endswith("-1")


def test_an_account_that_may_not_restart_it_is_told_so() -> None:
    with pytest.raises(ActFailed, match="a password is required"):
        asyncio.run(Reboot().act(PretendServer(refuses=True), receipt()))


@pytest.mark.parametrize(
    ("said", "state", "why"),
    [
        (["starting", "running"], "done", "was restarted"),
        (["degraded"], "done", "was restarted"),
        (["starting"], "done", "systemd says starting"),
        (["maintenance"], "unknown", "maintenance"),
        (["initializing"], "unknown", "initializing"),
        ([""], "unknown", "nothing"),
    ],
)
def test_what_systemd_says_of_itself_is_waited_for(said: list[str], state: str, why: str) -> None:
    host = GoingDown({f"sh -c {restarts._STATE}": list(said)}, ids=["two"], windows=False)

    seen = look(host, patience=900)

    assert seen.state == state and why in seen.because


def test_the_shell_reads_what_is_asked_of_it() -> None:
    found = asyncio.run(LocalHost("here").execute(Command(("sh", "-c", restarts._STATE))))

    assert isinstance(found, Exited) and found.text.strip()


# -- installers that announce it -----------------------------------------------------------------------------

PATCH = {"folder": "E:\\S", "patch": "a.msp", "product": "MIM*", "build": "4.7.12.0", "log": "C:\\Logs\\l.txt"}
SOFTWARE = {
    "path": "C:\\s.exe",
    "arguments": ["/q"],
    "detect": {"key": "HKLM\\NDP", "value": "Release", "at_least": "5"},
}
NDP = "reg query HKLM\\NDP /v Release"
VALUE = "\nHKEY_LOCAL_MACHINE\\NDP\n    Release    REG_DWORD    {}\n"


def installed(code: int, ids: list[str | None]) -> tuple[GoingDown, Any]:
    """Setup ended with `code`; what the step shows afterwards."""
    host = GoingDown({NDP: VALUE.format("0x5"), "script readiness": "ready"}, jobs={"C:\\s.exe /q": code}, ids=ids)
    action = build("software.install", SOFTWARE)
    try:
        virtual_time.run(action.act(host, BEGUN))
    except InDoubt as doubt:
        return host, doubt
    return host, virtual_time.run(action.observe(host, BEGUN))


def test_1641_is_success_and_the_machine_is_waited_for() -> None:
    """It goes down by itself: nothing may be asked of it until it is up, and no step restarts it a second time."""
    host, seen = installed(1641, ["one", "one", None, None, "two"])

    assert seen.state == "done" and seen.outputs["exit"] == 1641
    assert seen.outputs["reboot_required"] is False
    assert host.commands.index("script readiness") < host.commands.index(NDP)


def test_1641_of_a_machine_that_then_stays_up_leaves_the_restart_to_a_step() -> None:
    _, seen = installed(1641, ["one"])

    assert seen.state == "done" and seen.outputs["reboot_required"] is True


def test_1641_of_a_machine_that_does_not_come_back_is_in_doubt() -> None:
    _, doubt = installed(1641, ["one", None])

    assert isinstance(doubt, InDoubt) and "look at its console" in str(doubt)


@pytest.mark.parametrize(("code", "due"), [(0, False), (3010, True)])
def test_3010_leaves_the_restart_to_a_step_and_0_needs_none(code: int, due: bool) -> None:
    host, seen = installed(code, ["one"])

    assert seen.outputs["reboot_required"] is due
    assert "script readiness" not in host.commands


def test_1618_is_no_failure_of_the_package_and_nothing_is_waited_for_here() -> None:
    host = GoingDown({NDP: VALUE.format("0x1")}, jobs={"C:\\s.exe /q": 1618})

    with pytest.raises(ActFailed, match="another installation is in progress") as failed:
        virtual_time.run(build("software.install", SOFTWARE).act(host, BEGUN))
    assert failed.value.evidence.exit == 1618, "by which the guide's remedy knows it, and waits"


def test_the_boot_id_is_journaled_before_an_installer_begins() -> None:
    host = GoingDown({NDP: VALUE.format("0x1")}, jobs={"C:\\s.exe /q": 0}, ids=["one"])

    before = virtual_time.run(build("software.install", SOFTWARE).observe(host, receipt()))

    assert before.state == "not_done" and before.evidence["boot_id"] == "one"


@pytest.mark.parametrize("guide", ["mim", "miis", "vmm"])
def test_every_guide_waits_when_another_installation_is_at_work(guide: str) -> None:
    """1618 is a remedy of every step of these guides that starts Windows Installer to change something."""
    text = "".join(path.read_text("utf-8") for path in sorted((PRODUCTS / guide).glob("*.yaml")))

    assert "exit: [1618]" in text and "installer-busy" in text


PRODUCTS = Path(restarts.__file__).parents[1] / "products"
