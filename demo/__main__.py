"""`python -m demo`: tells both stories and says where to look next. The first is that of `handrail demo`."""

from __future__ import annotations

import os
import shutil
import sys
import time
from pathlib import Path

from demo import postgresql
from handrail.cli import demo
from handrail.cli.output import Output
from handrail.cli.stage import DemoFailed, Stage

ROOT = Path(__file__).parent.parent


def main() -> int:
    output = Output.of_process(os.environ)
    out = ROOT / "demo-out"
    shutil.rmtree(out, ignore_errors=True)
    stage = Stage(output, out=out, home=out / "home")
    out.mkdir()
    began = time.monotonic()
    try:
        demo.play(stage)
        postgresql.play(stage)
    except DemoFailed as failure:
        output.complain(f"\nThe demo failed: {failure}")
        return output.finish(1)
    stage.chapter("Where to look next")
    stage.tell(f"""\
  {out.name}/identity-evidence/evidence.html    the report: what was approved, found, done, seen and proved
  {out.name}/postgresql-evidence/evidence.html  the report of the second story
  {out.name}/identity-runbook.md       the first plan as a runbook that a person could follow by hand
  {out.name}/identity.plan.json        the same plan, frozen and hashed: what was approved is what ran
  src/handrail/products/mim/guide.yaml   the knowledge behind it, with a source for every rule
  docs/architecture.md                   where everything lives
  HANDRAIL_HOME={out.name}/home .venv/bin/handrail status     the runs of this demo

Both stories took {time.monotonic() - began:.0f} seconds.""")
    return output.finish(0)


if __name__ == "__main__":
    sys.exit(main())
