"""`handrail secrets`: whether references lead somewhere, without showing where."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from tests.support.command import handrail
from tests.support.leaking import Leak, leaking_plan

from handrail.actions import catalogue
from handrail.cli import faults
from handrail.cli.faults import explain_fault, write_details
from handrail.cli.output import Output
from handrail.cli.secrecy import secret_store
from handrail.documents.plan import write_plan
from handrail.model.estate import Connect

ESTATE = """
handrail: estate/v1
name: small
hosts:
  a: {os: debian-12, connect: {via: ssh, address: a.example, user: up, password: "env:LINE"}}
databases: {d: {engine: postgresql, version: "15.3", host: a, name: app}}
"""


@pytest.fixture
def estate(tmp_path: Path) -> Path:
    path = tmp_path / "estate.yaml"
    path.write_text(ESTATE)
    return path


def test_what_can_be_used_is_told_and_not_shown(tmp_path: Path, estate: Path) -> None:
    said = handrail("secrets", estate, home=tmp_path / "home", LINE="hunter2")

    assert said.code == 0 and said.err == ""
    assert "env:LINE" in said.out and "host:a" in said.out and "hunter2" not in said.out


def test_what_is_missing_comes_with_the_reason(tmp_path: Path, estate: Path) -> None:
    said = handrail("secrets", estate, "--format", "json", home=tmp_path / "home")

    assert said.code == 1
    assert said.json == {
        "schema": "handrail/secrets/v1",
        "secrets": [
            {
                "reference": "env:LINE",
                "for": ["host:a"],
                "usable": False,
                "because": "The environment variable LINE is not set. Set it before you run Handrail.",
            }
        ],
        "usable": 0,
        "unusable": 1,
    }


def test_a_password_in_an_estate_is_refused_and_not_repeated(tmp_path: Path, estate: Path) -> None:
    estate.write_text(ESTATE.replace("env:LINE", "hunter2"))
    said = handrail("assess", estate, home=tmp_path / "home")

    assert said.code == 2
    assert "estate.yaml:5:" in said.err and "must refer to a secret" in said.err and "hunter2" not in said.err


def test_nothing_that_a_command_writes_shows_what_it_looked_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Lines, JSON, complaints, what libraries log, and the details of a fault of ours."""
    monkeypatch.setenv("HANDRAIL_HOME", str(tmp_path))
    monkeypatch.setenv("LINE", 'hunter"2')
    output = Output.of_process({})
    secret_store(output).resolve("env:LINE")

    output.line('a line: hunter"2')
    output.json({'hunter"2': ['\\hunter"2\\']})
    output.complain("base64: aHVudGVyIjI=")
    assert logging.lastResort is not None
    logging.lastResort.handle(logging.makeLogRecord({"name": "asyncssh", "msg": 'sent hunter"2'}))
    code = explain_fault(ValueError('it was hunter"2'), output, {"HANDRAIL_HOME": str(tmp_path)})
    written = [path.read_text() for path in (tmp_path / "logs").iterdir()]
    said = capsys.readouterr()

    assert code == 1 and len(written) == 1 and "ValueError: it was ***" in written[0]
    assert 'hunter"2' not in said.out + said.err and "aHVudGVyIjI" not in said.err
    assert '{\n  "***": [\n    "\\\\***\\\\"\n  ]\n}' in said.out
    assert "asyncssh: sent ***" in said.err


def test_details_of_a_fault_are_for_their_owner_alone(tmp_path: Path) -> None:
    path = write_details(ValueError("x"), {"HANDRAIL_HOME": str(tmp_path)}, lambda same: same)

    assert path is not None and path.stat().st_mode & 0o077 == 0


def test_a_run_does_not_begin_what_would_fail_for_want_of_a_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does it go on when that is missing which a step needs that is still to come."""
    monkeypatch.setattr(catalogue, "ACTIONS", {**catalogue.ACTIONS, "test.leak": Leak})
    plan, home = tmp_path / "leaky.plan", tmp_path / "home"
    write_plan(leaking_plan({"a": ("lasts", "env:A"), "b": ("refuses", "env:B")}, tmp_path, Connect()), plan)

    refused = handrail("run", plan, home=home, A="hunter2")
    assert refused.code == 2
    assert "env:B" in refused.err and "it/app@host-b/2/leak" in refused.err and "Nothing was begun" in refused.err
    assert "Nothing has been run yet" in handrail("status", home=home).err

    assert handrail("run", plan, home=home, A="hunter2", B="hunter3").code == 1
    run = handrail("status", "--format", "json", home=home).json["run"]
    assert handrail("resume", run, home=home, A="hunter2").code == 2
    assert handrail("resume", run, home=home, B="hunter3").code == 1  # what needed the other is done


def test_commands_get_secrets_in_one_way_only() -> None:
    """Otherwise one of them could forget to hide what it looked up."""
    folder = Path(faults.__file__).parent
    texts = {path.name: path.read_text("utf-8") for path in folder.glob("*.py")}

    assert texts
    assert [name for name, text in texts.items() if "open_session(" in text] == ["sessions.py"]
    assert [name for name, text in texts.items() if "SecretStore(" in text or "local_secrets(" in text] == [
        "secrecy.py"
    ]
