"""What a plan needs is known before anything begins; no command line shows a secret."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.plans import sample_plan, step

from handrail.actions import signatures
from handrail.actions.secrets import SecretStore
from handrail.errors import BadInput, HostError
from handrail.hosts.local import LocalHost
from handrail.hosts.protocol import Command, Exited
from handrail.model.estate import Account, Connect, Estate, Host
from handrail.model.plan import Plan
from handrail.running.late import LateMissing, resolve
from handrail.running.needed_secrets import NO_REFERENCE, Need, demand, look_up, needs_of_estate, needs_of_plan
from handrail.running.quiet import QuietHost
from handrail.running.scheduler import Schedule

EXPORT = {"tool": "miiskmu.exe", "to": "D:\\Backup", "account": "C\\svc"}


def plan() -> Plan:
    whole = sample_plan()
    hosts = {
        "sync01": Host("sync01", connect=Connect("ssh", password="env:LINE", jump=("jump01",))),
        "jump01": Host("jump01", connect=Connect("ssh", passphrase="env:JUMP")),
        "other": Host("other", connect=Connect("ssh", password="env:OTHER")),
    }
    keys = step("keys", "Export the keys", "keys.export", with_={**EXPORT, "password": "env:KEYS"})
    columns = [{"database": "app", "query": "select :'key'", "key": "env:COLUMN"}, {"database": "app", "query": "x"}]
    decrypts = step("read", "Read", "postgresql.decrypts", with_={"columns": columns})
    return replace(whole, estate=replace(whole.estate, hosts=hosts), steps=(keys, decrypts))


def test_all_references_are_found_with_who_needs_them() -> None:
    keys, read = (one.id for one in plan().steps)

    assert needs_of_plan(plan(), signatures()) == [
        Need("env:KEYS", (keys,)),
        Need("env:COLUMN", (read,)),
        Need("env:LINE", ("host:sync01",)),
        Need("env:JUMP", ("host:jump01",)),
    ]


def test_what_is_over_needs_nothing_any_more() -> None:
    assert needs_of_plan(plan(), signatures(), among=[]) == []


def test_an_estate_refers_to_more_than_a_plan_may_need() -> None:
    estate = Estate("x", hosts=plan().estate.hosts, accounts={"svc": Account("svc", "C\\svc", password="env:SVC")})

    assert {one.reference for one in needs_of_estate(estate)} == {"env:LINE", "env:JUMP", "env:OTHER", "env:SVC"}


def test_what_is_missing_is_told_before_anything_begins() -> None:
    found = look_up(needs_of_plan(plan(), signatures()), SecretStore({"LINE": "hunter2", "JUMP": "hunter3"}).resolve)

    with pytest.raises(BadInput) as refused:
        demand(found)

    said = str(refused.value)
    assert "env:KEYS" in said and "keys" in said and "is not set" in said and "1 more" in said
    assert "Nothing was begun" in said


def test_a_secret_that_stands_where_a_reference_should_is_not_repeated() -> None:
    whole = plan()
    bare = replace(whole.steps[0], with_={**EXPORT, "password": "hunter2"})
    needs = needs_of_plan(replace(whole, steps=(bare,)), signatures())

    assert needs[0] == Need(NO_REFERENCE, (bare.id,))
    assert "hunter2" not in str(look_up(needs, SecretStore({}).resolve))


@pytest.mark.parametrize("value", ["done", "because", "Backup", "sync01"])
def test_a_secret_that_stands_in_plan_or_journal_anyway_is_none(value: str) -> None:
    """Hiding it would spoil every record, and hide nothing."""
    found = look_up(
        [Need("env:A", ("x",)), Need("env:B", ("x",))],
        SecretStore({"A": value, "B": "hunter2"}).resolve,
        ["D:\\Backup sync01"],
    )

    assert "cannot be hidden" in found[0].because and value not in found[0].because
    assert found[1].because == ""


def test_no_secret_is_sent_on_a_command_line() -> None:
    secrets = SecretStore({"A": "it's so"})
    secrets.resolve("env:A")
    host = QuietHost(LocalHost("here"), secrets.redactor.finds)

    for argv in (
        ("echo", "it's so"),
        ("sh", "-c", "echo 'it'\\''s so'"),
        ("x", "a%20it%27s%20so"),
        ("x", "aXQncyBzbw=="),
    ):
        with pytest.raises(HostError, match="list of processes") as refused:
            asyncio.run(host.execute(Command(argv)))
        assert "it's so" not in str(refused.value)

    assert asyncio.run(host.execute(Command(("cat",), stdin=b"it's so"))) == Exited(0, b"it's so")


def test_a_value_that_lost_a_secret_on_its_way_through_the_journal_is_not_used() -> None:
    """A path with a hole in it may be somebody else's."""

    class Known(Schedule):
        def outputs(self, step: str) -> dict[str, object]:
            return {"path": "/srv/***/keys", "size": 7}

    schedule = Known(sample_plan())
    assert resolve({"size": {"late": "x.size"}}, schedule)[0] == {"size": 7}
    with pytest.raises(LateMissing, match="A secret stands in the path"):
        resolve({"file": {"late": "x.path"}}, schedule)


def test_a_configured_helper_is_found_through_the_home(tmp_path: Path) -> None:
    from handrail.running.config import local_secrets
    from handrail.running.home import Home

    home = Home(tmp_path).make()
    tmp_path.chmod(0o700)
    home.config.write_text("secrets: {fixed: {run: [echo, hunter2]}}")
    home.config.chmod(0o600)

    assert look_up([Need("exec:fixed", ("x",))], local_secrets(home).resolve)[0].because == ""
