"""`python -m demo`: tells both stories and says where to look next."""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path

from demo import identity, postgresql
from demo.stage import DemoFailed, Stage, chapter, tell

ROOT = Path(__file__).parent.parent


def main() -> int:
    out = ROOT / "demo-out"
    shutil.rmtree(out, ignore_errors=True)
    stage = Stage(out=out, home=out / "home")
    out.mkdir()
    began = time.monotonic()
    try:
        identity.play(stage)
        postgresql.play(stage)
    except DemoFailed as failure:
        print(f"\nThe demo failed: {failure}", file=sys.stderr)
        return 1
    chapter("Where to look next")
    tell(f"""\
  {out.name}/identity-runbook.md       the first plan as a runbook that a person could follow by hand
  {out.name}/identity.plan.json        the same plan, frozen and hashed: what was approved is what ran
  src/handrail/products/mim/guide.yaml   the knowledge behind it, with a source for every rule
  docs/architecture.md                   where everything lives
  HANDRAIL_HOME={out.name}/home .venv/bin/handrail status     the runs of this demo

Both stories took {time.monotonic() - began:.0f} seconds.""")
    return 0


if __name__ == "__main__":
    sys.exit(main())
