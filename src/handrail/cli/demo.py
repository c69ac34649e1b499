"""`demo`: Identity Manager at Contoso, on the twin: what stands in the way, the plan, a run that is killed half-way."""

from __future__ import annotations

import time
from pathlib import Path

from handrail.cli.output import Output
from handrail.cli.stage import Stage
from handrail.documents.files import write_bytes
from handrail.documents.plan import read_plan
from handrail.errors import BadInput
from handrail.guides.catalogue import SHIPPED
from handrail.reporting.text import harmless

ESTATES = SHIPPED / "mim" / "estates"
EVIDENCE = "identity-evidence"


def demo(output: Output, folder: str) -> int:
    """Tell the story in `folder`, which must be new or empty. DemoFailed when it does not come out as it should."""
    if not folder:
        raise BadInput("The folder has no name.", "Name a new one: handrail demo FOLDER.")
    out = Path(folder).absolute()
    try:
        out.mkdir(parents=True, exist_ok=True)
        is_used = any(out.iterdir())
    except FileExistsError:
        raise BadInput(f"{folder!r} is a file.", "Name a new folder.") from None
    if is_used:
        raise BadInput(f"The folder {folder!r} is not empty.", "Name a new one: handrail demo FOLDER.")
    stage = Stage(output, out, out / "home")
    began = time.monotonic()
    output.line("A twin is a pretend estate: nothing but the folder that holds this demo is touched.")
    play(stage)
    stage.chapter("Where to look next")
    stage.tell(
        harmless(f"In {out}:")
        + f"""
  {EVIDENCE}/evidence.html   the report: what was approved, found, done, seen and proved
  identity-runbook.md               the plan as a runbook that a person could follow by hand
  identity.plan.json                the same plan, frozen and hashed: what was approved is what ran
  home                              the store; HANDRAIL_HOME={out.name}/home handrail status shows the run

It took {time.monotonic() - began:.0f} seconds. Next: write down an estate of your own, or `handrail discover` it."""
    )
    return 0


def play(stage: Stage) -> None:
    """The story alone. DemoFailed when it does not come out as it should."""
    stage.chapter("Identity Manager 2016 SP2 to SP3, on the twin (a pretend Windows estate)")
    stage.tell("Contoso runs the Synchronization Service and the Service at 4.6.34.0. May it go to SP3 tonight?")
    stage.handrail("assess", _estate(stage, "contoso-blocked.yaml"), expect=3)

    stage.tell("\nNot tonight. A week later the causes are mended in the estate; what is the road now?")
    estate = _estate(stage, "contoso.yaml")
    stage.handrail("assess", estate, lines=6)
    plan = str(stage.out / "identity.plan.json")
    stage.handrail("plan", estate, "-o", plan, lines=40)
    runbook = stage.handrail("plan", estate, "--format", "markdown", lines=0)
    write_bytes(stage.out / "identity-runbook.md", runbook.encode(), "The runbook")

    stage.tell("\nThe plan is frozen and hashed. Approve that hash, then run it, and kill the program half-way.")
    stage.handrail("approve", plan)
    run = stage.killed_half_way("run", plan, "--twin", steps=len(read_plan(plan).steps))
    stage.handrail("status", run, lines=12)

    stage.tell("\nWhat was begun is looked at first, and never repeated blindly:")
    stage.handrail("resume", run, lines=14)
    stage.handrail("verify", run, lines=14)

    stage.tell("\nFor whoever has to be shown: the evidence, which anybody can check.")
    stage.report(run, EVIDENCE)


def _estate(stage: Stage, name: str) -> str:
    """A copy to look at, and to change."""
    path = stage.out / name
    write_bytes(path, (ESTATES / name).read_bytes(), "The estate")
    return str(path)
