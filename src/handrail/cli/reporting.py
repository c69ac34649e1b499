"""`report`: the evidence of a run, its check, and the key that signs it."""

from __future__ import annotations

import json
import os
from pathlib import Path

from handrail.cli import settings
from handrail.cli.output import Output
from handrail.cli.sessions import existing
from handrail.documents.evidence_signature import PublicKey, make_key, read_public
from handrail.documents.files import read_bytes, write_bytes
from handrail.errors import BadInput, Place
from handrail.reporting import text
from handrail.reporting.evidence import rehearsal_of
from handrail.reporting.evidence_check import check
from handrail.reporting.evidence_source import beside
from handrail.reporting.evidence_source import report as write_report
from handrail.reporting.evidence_told import checked_page, key_page, written_page, written_to_json
from handrail.reporting.page import Page

FAILS = 1
_LARGEST_REHEARSAL = 256 * 1024 * 1024


def report(output: Output, run: str | None, folder: str, rehearsal: str | None, store: str | None, format: str) -> int:
    if not folder:
        raise BadInput("-o is empty.", "Name a folder for the evidence.")
    with existing(output, store, run) as session:
        run_id = session.find(run)
        given = _rehearsal(rehearsal, session.journal.row(run_id).plan) if rehearsal is not None else None
        written = write_report(session, run_id, Path(folder), settings.who(), given)
    if format == "json":
        output.json(written_to_json(run_id, written))
    else:
        _show(output, written_page(run_id, written))
    return 0


def check_report(output: Output, path: str, key: str | None, run: str | None, store: str | None, format: str) -> int:
    found = check(Path(path), _public(key) if key is not None else None)
    if run is not None:
        with existing(output, store, run) as session:
            found = beside(session, session.find(run), found)
    if format == "json":
        output.json(found.to_json())
    else:
        _show(output, checked_page(found))
    return 0 if found.holds else FAILS


def make_report_key(output: Output, file: str) -> int:
    line, public = make_key()
    path = Path(file)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise BadInput("There is a file already.", "Choose another name: a key is not replaced.", Place(file)) from None
    except (OSError, ValueError) as error:
        because = getattr(error, "strerror", None) or str(error)
        raise BadInput(f"The key cannot be written: {because}.", "Choose another place.", Place(file)) from None
    with os.fdopen(handle, "w", encoding="ascii") as stream:
        stream.write(line + "\n")
    write_bytes(f"{file}.pub", f"{public.line} handrail evidence\n".encode(), "The public key")
    _show(output, key_page(str(path.absolute()), public))
    return 0


def _public(key: str) -> PublicKey:
    """The key on the command line itself, or in the file of that name."""
    if key.split(" ")[0] == "ssh-ed25519":
        return read_public(key)
    return read_public(read_bytes(key, "The public key", 64 * 1024).decode("utf-8", "replace"))


def _rehearsal(file: str, plan: str) -> dict[str, object]:
    try:
        document = json.loads(read_bytes(file, "The rehearsal", _LARGEST_REHEARSAL))
    except (ValueError, RecursionError):
        document = None
    return dict(rehearsal_of(document, plan, file))


def _show(output: Output, page: Page) -> None:
    output.lines(text.render(page, width=output.width, colour=output.colour))
