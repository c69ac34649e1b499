"""Sphinx extension: writes the reference from the code, and knows which links lead out of the documentation.

The pages of the reference are never typed. They are made anew at every build, into `docs/reference/`, where git ignores
them; `PAGES` says which there are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from handrail_docs import actions, commands, findings, guides, links, records, runs, shapes

PAGES: Mapping[str, Callable[[], str]] = {
    "commands": commands.page,
    "exit-codes": commands.exit_codes_page,
    "estate-file": records.estate_page,
    "guide-file": records.guide_page,
    "scenario-file": records.scenario_page,
    "actions": actions.page,
    "findings": findings.page,
    "faults": runs.faults_page,
    "journal": runs.journal_page,
    "json": shapes.page,
    **{f"guide-{name}": guides.page_of(name) for name in guides.NAMES},
}
"""File name in `docs/reference/`, without its ending -> what writes it."""


def write(folder: Path) -> list[Path]:
    """Write every page into `folder`, and touch none that is as it should be. Returns all of them."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, make in PAGES.items():
        path = folder / f"{name}.md"
        text = make()
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")
        written.append(path)
    return written


def setup(app: Any) -> dict[str, Any]:
    """Called by Sphinx."""
    app.connect("config-inited", lambda app, _: write(Path(app.srcdir) / "reference"))
    app.connect("source-read", links.adapt)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
