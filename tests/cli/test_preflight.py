"""`handrail preflight`, and what `run` and `resume` look at before they touch a host."""

from __future__ import annotations

import getpass
import json
from pathlib import Path
from typing import Any

import pytest
from tests.support.command import assert_clean, handrail

from handrail.hosts import opening
from handrail.hosts.protocol import Command, Exited, Lost, Outcome


class Silent:
    """A host that is not there, however it is asked."""

    name, windows = "sync01", True

    async def execute(self, command: Command) -> Outcome:
        return Lost("no route to host")

    async def close(self) -> None:
        return None


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> None:
    from handrail.running import preflight, targets

    def open_host(name: str, hosts: Any, resolve: Any) -> Any:
        return Silent()

    for module in (opening, targets, preflight):
        monkeypatch.setattr(module, "open_host", open_host)


ESTATES = Path(__file__).parents[2] / "src" / "handrail" / "products"
CONTOSO = ESTATES / "mim" / "estates" / "contoso.yaml"


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    path = tmp_path / "upgrade.plan"
    assert handrail("plan", CONTOSO, "-o", path, home=tmp_path).code == 0
    return path


@pytest.mark.usefixtures("silent")
@pytest.mark.parametrize("what", ["plan", "estate"])
def test_hosts_that_do_not_answer_block_and_the_command_that_settles_it_is_named(
    tmp_path: Path, plan: Path, what: str
) -> None:
    said = handrail("preflight", plan if what == "plan" else CONTOSO, "--format", "json", home=tmp_path)

    assert_clean(said)
    assert said.code == 3
    document = said.json
    assert (document["schema"], document["estate"], document["verdict"]) == (
        "handrail/assessment/v1",
        "contoso",
        "blocked",
    )
    unreachable = [one for one in document["findings"] if one["rule"] == "transport/unreachable"]
    assert {one["subject"] for one in unreachable} == {"host:sync01", "host:svc01", "host:sql01"}
    assert all(
        one["unknown"] and "no route to host" in one["message"] and "curl" in one["remedy"] for one in unreachable
    )


@pytest.mark.usefixtures("silent")
def test_a_run_that_cannot_reach_its_hosts_begins_nothing(tmp_path: Path, plan: Path) -> None:
    said = handrail("run", plan, home=tmp_path)

    assert said.code == 3
    assert "transport/unreachable" in said.out and "Nothing was begun" in said.err
    assert "Nothing has been run yet" in handrail("status", home=tmp_path).err


@pytest.mark.usefixtures("silent")
def test_a_lab_that_cannot_be_reached_is_left_alone(tmp_path: Path, plan: Path) -> None:
    hosts = [f"  {name}: {{connect: {{via: ssh, address: lab-{name}}}}}" for name in ("sync01", "svc01", "sql01")]
    lab = tmp_path / "lab.yaml"
    lab.write_text("\n".join(("handrail: lab/v1", "hosts:", *hosts, "")))

    said = handrail("rehearse", plan, "--on", lab, home=tmp_path)

    assert_clean(said)
    assert said.code == 3
    assert "transport/unreachable" in said.out and "Nothing was begun" in said.err
    assert handrail("status", home=tmp_path).code == 2, "there is no run"


def test_what_is_accepted_when_planning_stands_in_the_plan(tmp_path: Path) -> None:
    """By the time that hosts are asked, nobody may change what was approved."""
    path = tmp_path / "accepting.plan"
    said = handrail("plan", CONTOSO, "--accept", "transport/double-hop", "-o", path, home=tmp_path)

    assert said.code == 0 and "meets no finding" not in said.err
    assert "transport/double-hop" in json.loads(path.read_text())["estate"]["accept"]
    wrong = handrail("plan", CONTOSO, "--accept", "transport/dubble-hop", "-o", path, home=tmp_path)
    assert wrong.code == 2 and "transport/double-hop" in wrong.err
    late = handrail("preflight", path, "--accept", "transport/double-hop", home=tmp_path)
    assert late.code == 2 and "Traceback" not in late.err


def local_estate(tmp_path: Path, **connect: str) -> Path:
    how = ", ".join(f"{key}: {value}" for key, value in {"via": "local", **connect}.items())
    path = tmp_path / "here.yaml"
    path.write_text(
        (ESTATES / "postgresql" / "estates" / "shop.yaml")
        .read_text()
        .replace("{via: local, user: postgres}", f"{{{how}}}")
    )
    return path


def test_this_machine_is_asked_and_answers(tmp_path: Path) -> None:
    said = handrail("preflight", local_estate(tmp_path, user=getpass.getuser()), home=tmp_path)

    assert_clean(said)
    assert said.code == 0 and "Preflight of shop" in said.out


def test_what_blocks_on_this_machine_is_told_with_its_remedy(tmp_path: Path) -> None:
    """Its backups go to a folder below /proc, where nobody can write."""
    estate = local_estate(tmp_path, user=getpass.getuser())
    estate.write_text(estate.read_text().replace("/srv/backup/postgresql", "/proc/backup"))
    path = tmp_path / "here.plan"
    assert handrail("plan", estate, "-o", path, home=tmp_path).code == 0

    said = handrail("preflight", path, home=tmp_path)

    assert said.code == 3
    assert "/proc/backup" in said.out and ("transport/rights" in said.out or "transport/disk-space" in said.out)


@pytest.mark.parametrize("text", ["", "{", "{}", "[]", "nonsense: true\n", '{"steps": []}'])
def test_a_file_that_is_neither_is_refused_with_a_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "odd"
    path.write_text(text)

    said = handrail("preflight", path, home=tmp_path)

    assert_clean(said)
    assert said.code == 2


class Quiet(Silent):
    """A host that answers, and of which nothing can be read."""

    async def execute(self, command: Command) -> Outcome:
        return Exited(0) if command.argv == ("cmd", "/c", "ver") else Exited(5, b"", b"Access is denied.")


def test_what_cannot_be_read_holds_up_a_new_run_and_none_that_goes_on(tmp_path: Path, plan: Path) -> None:
    """Half-way through a night, nobody is left with a plan that cannot be changed any more."""
    from handrail.cli.output import Output
    from handrail.cli.preflight import passes
    from handrail.documents.plan import read_plan
    from handrail.running.home import Home
    from handrail.running.session import open_session

    class All:
        def __init__(self, host: Any) -> None:
            self.host = lambda name: host

        async def close(self) -> None:
            return None

    found = read_plan(plan)
    output = Output(None, None)
    for host, first, again in ((Quiet(), False, True), (Silent(), False, False)):
        with open_session(Home(tmp_path / "home"), openers={"hosts": lambda *_, host=host: All(host)}) as session:  # type: ignore[dict-item]
            assert passes(output, session, found, "text") is first
            assert passes(output, session, found, "text", {"sync01"}) is again
