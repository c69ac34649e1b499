"""`journal`: a run's plan and events as lines of JSON, for archives and for other programs."""

from __future__ import annotations

import gzip
from pathlib import Path

from handrail.cli.output import Output, unsteering
from handrail.cli.sessions import existing
from handrail.documents.files import write_bytes
from handrail.reporting import text
from handrail.running.export import lines_of


def export(output: Output, run: str | None, to: str | None, store: str | None) -> int:
    with existing(output, store, run) as session:
        run_id = session.find(run)
        row = session.journal.row(run_id)
        plan = session.plan(run_id)
        lines = lines_of(run_id, row.target, plan, session.events(run_id), session.status(run_id, plan))
        if to is None:
            for line in lines:
                output.line(unsteering(line))
            return 0
        data = "".join(line + "\n" for line in lines).encode()
    write_bytes(Path(to), gzip.compress(data, mtime=0) if to.endswith(".gz") else data, "The journal")
    output.line(text.harmless(f"Run {run_id} is written to {to}."))
    return 0
