"""The first story: Identity Manager at Contoso, on the twin."""

from __future__ import annotations

from pathlib import Path

from demo.stage import DemoFailed, Stage, chapter, tell

ESTATES = Path(__file__).parent.parent / "src" / "handrail" / "products" / "mim" / "estates"


def play(stage: Stage) -> None:
    chapter("1. Identity Manager 2016 SP2 to SP3, on the twin (a pretend Windows estate)")
    tell("Contoso runs the Synchronization Service and the Service at 4.6.34.0. May it go to SP3 tonight?")
    stage.handrail("assess", str(ESTATES / "contoso-blocked.yaml"), expect=3)

    tell("\nNot tonight. A week later the causes are mended in the estate; what is the road now?")
    estate = str(ESTATES / "contoso.yaml")
    stage.handrail("assess", estate, lines=6)
    plan = str(stage.out / "identity.plan.json")
    stage.handrail("plan", estate, "-o", plan, lines=40)
    runbook = stage.out / "identity-runbook.md"
    runbook.write_text(_runbook(stage, estate), "utf-8")

    tell("\nThe plan is frozen and hashed. Approve that hash, then run it, and kill the program half-way.")
    stage.handrail("approve", plan)
    steps = len(stage.ask("plan", estate)["steps"])
    run = stage.killed_half_way("run", plan, "--twin", steps=steps)
    stage.handrail("status", run, lines=12)

    tell("\nWhat was begun is looked at first, and never repeated blindly:")
    stage.handrail("resume", run, lines=14)
    stage.handrail("verify", run)
    if stage.ask("status", run)["state"] != "succeeded":
        raise DemoFailed("The resumed run did not succeed.")


def _runbook(stage: Stage, estate: str) -> str:
    return stage.handrail("plan", estate, "--format", "markdown", lines=0)
