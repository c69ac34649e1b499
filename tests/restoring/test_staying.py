"""What a copy brought is taken away again; what it replaced has no opposite, and a rollback says that it stays."""

from __future__ import annotations

from typing import Any

from handrail.actions import build, described, signatures
from handrail.actions.protocol import Observation
from handrail.documents.plan import freeze
from handrail.model.estate import Estate, Host
from handrail.model.finding import Citation
from handrail.model.plan import Plan, Step, WayBack
from handrail.restoring.records import Intent, Record
from handrail.restoring.undoing import Knowledge, Undoing, undoing

OURS = Citation("ours", "a test")
ID = "it/app@a/2/copy"
COPY = {"source": "D:\\", "name": "a.msi", "target": "C:\\Patch"}


def taken_back(evidence: dict[str, Any]) -> Undoing:
    copy = Step(ID, "Copy", "it/app@a", "a", "file.copy", 1, "do", OURS, with_=COPY, way_back=WayBack("undo"))
    hosts = {"a": Host("a", "windows-server-2019")}
    plan = freeze(Plan("", Estate("contoso", hosts=hosts), {}, (), (), (), (copy,)))
    seen = Observation("not_done", evidence=evidence)
    records = {ID: Record("done", (Intent(seen, {}),), False, 1, {}, "2026-11-20T22:00:00Z", None)}
    return undoing(plan, "run-1", records, Knowledge(build, described, signatures()))


def test_a_copied_file_is_taken_away() -> None:
    found = taken_back({"brings": {"a.msi": "ab" * 32}})

    (undo,) = found.undos
    assert undo.opposite == ("folder.remove_copies", {"folder": "C:\\Patch", "files": {"a.msi": "ab" * 32}})
    assert found.stays == ()


def test_a_copy_over_another_file_stays_and_is_told() -> None:
    found = taken_back({"brings": None})

    assert found.undos == ()
    assert [one.id for one in found.stays] == [ID]
