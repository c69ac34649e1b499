"""What `handrail report` prints: what it wrote, and what a check found."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from handrail.documents.evidence_signature import PublicKey
from handrail.reporting.evidence_check import Checked, Verdict
from handrail.reporting.evidence_files import HTML, JSON, Written
from handrail.reporting.page import Code, Heading, Item, Items, Page, Paragraph, Rows, Tone

SCHEMA = "handrail/report/v1"
_TONES: Mapping[Verdict, Tone] = {"holds": "good", "fails": "bad", "open": "warn"}


def written_page(run: str, written: Written) -> Page:
    yield Heading(f"Evidence of run {run}", 1)
    yield Rows((("for people", str(written.folder / HTML)), ("for programs", str(written.folder / JSON))))
    if written.signed_by is not None:
        yield Paragraph(f"Signed with {written.signed_by}.", "good")
    else:
        yield Paragraph("Not signed: no key is configured here.", "quiet")
    yield Paragraph("Anybody can check it, without the store:")
    yield Code((f"handrail report --check {shlex.quote(str(written.folder))}",))


def written_to_json(run: str, written: Written) -> dict[str, Any]:
    """The document `handrail/report/v1`."""
    return {
        "schema": SCHEMA,
        "run": run,
        "state": written.state,
        "folder": str(written.folder),
        "files": [{"name": name, "sha256": digest} for name, digest in sorted(written.files.items())],
        "signed_by": written.signed_by,
    }


def checked_page(found: Checked) -> Page:
    yield Heading(f"Evidence in {found.file}", 1)
    yield Rows(
        (
            ("run", found.run),
            ("it stood", found.state),
            ("plan", found.plan),
            ("events", f"{found.events:,}" if found.events else ""),
        )
    )
    yield Items(tuple(Item(f"{one.what}: {one.says}", one.verdict, _TONES[one.verdict]) for one in found.items))
    if not found.holds:
        yield Paragraph("It does not hold. Do not rely on it.", "bad")
    elif found.signed:
        yield Paragraph(
            "It holds. This shows that nobody has changed it since the holder of that key signed it. It does not show "
            "that the hosts told the truth, or that what was written is all that happened.",
            "good",
        )
    else:
        yield Paragraph(
            "It holds together. This shows that nothing in it was changed, dropped or added without making everything "
            "behind it anew; not who wrote it.",
            "good",
        )


def key_page(file: str, public: PublicKey) -> Page:
    yield Heading(f"A key for evidence is in {file}", 1)
    yield Rows((("public key", public.line), ("fingerprint", public.fingerprint), ("also in", f"{file}.pub")))
    yield Paragraph(
        "Keep the file to yourself. To sign every report with it, write into config.yaml in the home folder:"
    )
    yield Code((f"evidence: {{key: {_quoted(f'file:{file}')}}}",))
    yield Paragraph("Give the public key to whoever is to check reports, by another way than the reports.")


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
