"""A run shows what it sealed, who can open it, and above all what lies open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tests.support.plans import ID, sample_plan, step

from handrail.model.journal import RunState, RunStatus, StepStatus
from handrail.model.plan import Plan
from handrail.reporting import text
from handrail.reporting.run import outcome_page, run_page

FILE = "D:\\Backup\\keys.bin"
LATE = {"late": f"{ID}/keys.file"}
OUTPUTS: Mapping[str, Mapping[str, Any]] = {
    "keys": {"file": FILE, "sha256": "aa"},
    "seal": {"file": f"{FILE}.age", "sha256": "bb", "holders": {"this program": "age1a", "alice": "age1b"}},
    "open": {"file": FILE, "sha256": "aa"},
    "shred": {},
}


def plan() -> Plan:
    steps = (
        step("keys", "Export the keys", "keys.export"),
        step("seal", "Seal the keys", "secret.seal", with_={"file": LATE}),
        step("open", "Open the keys", "secret.open", with_={"to": LATE}, host="svc01"),
        step("shred", "Shred the keys", "secret.shred", with_={"file": LATE}, host="svc01"),
    )
    return replace(sample_plan(), steps=steps)


def shown(*done: str, outcome: bool = False, state: RunState = "failed") -> str:
    steps = tuple(
        StepStatus(
            f"{ID}/{name}",
            "done" if name in done else "pending",
            ended="2026-11-20T22:00:00Z" if name in done else None,
            outputs=outputs if name in done else {},
        )
        for name, outputs in OUTPUTS.items()
    )
    status = RunStatus("contoso-1", plan().digest, state, steps)
    page = outcome_page(status, plan()) if outcome else run_page(status, plan())
    return " ".join("\n".join(text.render(page)).split())


def test_what_is_sealed_names_its_holders_and_when_it_was_last_opened() -> None:
    for outcome in (False, True):
        said = shown("keys", "seal", outcome=outcome)

        assert f"sealed sync01: {FILE}.age" in said
        assert "opens for this program and alice" in said and "opened and compared 2026-11-20 22:00 UTC" in said
        assert f"open sync01: {FILE}" not in said


def test_what_lies_open_is_told_until_it_is_sealed_or_shredded_on_that_very_host() -> None:
    assert f"open sync01: {FILE}, since Export the keys" in shown("keys")
    assert f"open svc01: {FILE}, since Open the keys" in shown("keys", "seal", "open")
    assert f"open svc01: {FILE}" not in shown("keys", "seal", "open", "shred")


def test_what_was_opened_in_a_run_that_was_taken_back_lies_open_no_more() -> None:
    assert "Secrets at rest" not in shown("keys", state="rolled-back")


def test_a_run_without_secrets_says_nothing_of_them() -> None:
    assert "Secrets at rest" not in shown()
