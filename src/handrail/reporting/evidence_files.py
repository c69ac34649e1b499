"""Writing the evidence of a run: evidence.json, evidence.html and, where a key is configured, the signature."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from handrail.documents.evidence import EvidenceWriter
from handrail.documents.evidence_signature import SigningKey
from handrail.documents.files import write_bytes, write_parts
from handrail.errors import BadInput
from handrail.model.journal import Event
from handrail.reporting.evidence import DERIVED, Gathered, Header, Linked
from handrail.reporting.evidence_html import html_lines
from handrail.running.export import event_to_json

HEAD = 64 * 1024
"""Bytes at the beginning of evidence.json within which it says of which run it is."""

JSON, HTML, SIGNATURE = "evidence.json", "evidence.html", "evidence.json.sig"


@dataclass(frozen=True, slots=True)
class Written:
    """The files of a report with the SHA-256 of each, in hex, and the fingerprint of the key that signed it."""

    folder: Path
    files: dict[str, str]
    state: str
    signed_by: str | None = None


Telling = Generator[bytes, None, Gathered]
"""The bytes of evidence.json but its last lines; returns what was gathered meanwhile."""


def tell(
    writer: EvidenceWriter, header: Header, events: Iterable[Event], linked: Callable[[Gathered], Linked]
) -> Telling:
    """`linked` is asked when all events are known. Errors as `Gathered.of` and `Gathered.passing`."""
    found = Gathered.of(header)
    yield writer.begin()
    yield writer.one("made", dict(header.made))
    yield writer.one("run", dict(header.run))
    yield writer.text("plan", header.plan_text)
    yield from writer.many("approvals", map(event_to_json, header.approvals))
    yield writer.one("rehearsal", header.rehearsal)
    yield from writer.many("events", map(event_to_json, found.passing(events)))
    found.linked = linked(found)
    yield writer.one("linked", found.linked.to_json())
    for name, rows in DERIVED:
        told = rows(found)
        if isinstance(told, dict):
            yield writer.one(name, told)
        else:
            yield from writer.many(name, told)
    return found


def write(
    folder: Path,
    header: Header,
    events: Iterable[Event],
    linked: Callable[[Gathered], Linked],
    key: SigningKey | None = None,
) -> Written:
    """Write the files into `folder`, which is made. BadInput when that is not possible, or the evidence of another run
    lies there; Tampered when the events or the plan do not hold together: then no evidence.json was written."""
    _refuse_another(folder / JSON, header.id)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        because = "a file of that name is in the way" if isinstance(error, FileExistsError) else error.strerror
        raise BadInput(f"The folder {folder} cannot be made: {because}.", "Choose another one.") from None
    files: dict[str, str] = {}
    state: list[str] = []
    whole, long = hashlib.sha256(), hashlib.sha512()

    def parts() -> Iterator[bytes]:
        writer = EvidenceWriter()
        found = yield from tell(writer, header, events, linked)
        files[HTML] = _write_html(folder / HTML, found, writer.digest)
        state.append(found.status.state)
        yield writer.close(files[HTML])

    def hashed() -> Iterator[bytes]:
        for part in parts():
            whole.update(part)
            long.update(part)
            yield part

    write_parts(folder / JSON, hashed(), "The evidence")
    files[JSON] = whole.hexdigest()
    signature = folder / SIGNATURE
    if key is not None:
        signed = key.sign(long.digest()).encode()
        write_bytes(signature, signed, "The signature")
        files[SIGNATURE] = hashlib.sha256(signed).hexdigest()
    else:
        signature.unlink(missing_ok=True)  # one of an earlier report, which would not fit
    return Written(folder, files, state[0], key.public.fingerprint if key is not None else None)


def _refuse_another(path: Path, run: str) -> None:
    """What was written of one run is not replaced by that of another: somebody may rely on it, signature and all."""
    try:
        with path.open("rb") as file:
            begins = file.read(HEAD)
    except OSError:
        return  # there is none, or writing it says what is wrong
    if f'"run":"{run}"'.encode() not in begins:
        raise BadInput(
            f"{path.parent} holds the evidence of another run, or something else called {path.name}.",
            "Choose another folder.",
        )


def _write_html(path: Path, found: Gathered, names: str) -> str:
    digest = hashlib.sha256()

    def parts() -> Iterator[bytes]:
        for part in html_bytes(found, names):
            digest.update(part)
            yield part

    write_parts(path, parts(), "The evidence")
    return digest.hexdigest()


def html_bytes(found: Gathered, names: str) -> Iterator[bytes]:
    for line in html_lines(found, names):
        yield (line + "\n").encode()


@cache
def program() -> str:
    """The digest of the source of this program: two that are equal write the same evidence of the same run."""
    digest = hashlib.sha256()
    root = resources.files("handrail")
    for path in sorted(_sources(root, "")):
        digest.update(path.encode() + b"\0" + (root / path).read_bytes() + b"\0")
    return f"sha256:{digest.hexdigest()}"


def _sources(folder: Any, name: str) -> Iterator[str]:
    for one in folder.iterdir():
        if one.is_dir() and one.name in _DECIDING:
            yield from _sources(one, f"{name}{one.name}/")
        elif one.name.endswith(".py"):
            yield name + one.name


_DECIDING = ("model", "documents", "comparing", "planning", "restoring", "running", "reporting")
"""The folders that decide what evidence looks like."""
