"""Whether evidence is as it was written: everything that follows from something else is made anew and compared."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import IO, Any, Literal

from handrail.documents.evidence import LONGEST, EvidenceReader, EvidenceWriter
from handrail.documents.evidence_signature import PublicKey, read_public, verify
from handrail.documents.files import read_bytes
from handrail.errors import BadInput, HandrailError, Place, Tampered
from handrail.model.journal import Event
from handrail.reporting import words
from handrail.reporting.evidence import DERIVED, Gathered, Header, Linked, summary
from handrail.reporting.evidence_files import HTML, JSON, html_bytes, program, tell
from handrail.running.chain import Head
from handrail.running.export import event_from_json
from handrail.running.people import APPROVALS

SCHEMA = "handrail/evidence-check/v1"
Verdict = Literal["holds", "fails", "open"]
_LARGEST_SIGNATURE = 64 * 1024


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that was looked at. `open`: it could not be looked at, or is for a person to judge."""

    what: str
    verdict: Verdict
    says: str


@dataclass(frozen=True, slots=True)
class Checked:
    """`run`, `state`, `plan`, `events`, `heads` (by lane): what the evidence is of, as far as it could be read."""

    file: str
    items: tuple[Item, ...]
    run: str = ""
    state: str = ""
    plan: str = ""
    events: int = 0
    heads: Mapping[str, Head] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        return all(one.verdict != "fails" for one in self.items)

    @property
    def signed(self) -> bool:
        return any(one.what == "signature" and one.verdict == "holds" for one in self.items)

    def to_json(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "file": self.file,
            "run": self.run,
            "state": self.state,
            "plan": self.plan,
            "events": self.events,
            "holds": self.holds,
            "signed": self.signed,
            "checks": [{"what": one.what, "verdict": one.verdict, "says": one.says} for one in self.items],
        }


def check(path: Path, key: PublicKey | None = None) -> Checked:
    """Check a folder that `handrail report` wrote, or its evidence.json; `key`: whose signature it must bear.

    BadInput when there is no evidence to check."""
    file = path / JSON if path.is_dir() else path
    items: list[Item] = []
    read = _Read()
    try:
        with _opened(file) as stream:
            _content(_hashing(stream, read), file, read, items)
    except OSError as error:
        raise BadInput(f"It cannot be read: {error.strerror}.", "Check the path.", Place(str(file))) from None
    html = file.with_name(HTML)
    items.append(_html(html, read, must=path.is_dir()))
    items.append(_signature(file.with_name(f"{file.name}.sig"), read, key))
    found = read.found
    if found is None:
        return Checked(str(file), tuple(items))
    state = str(summary(found)["state"]) if read.whole else ""
    return Checked(str(file), tuple(items), found.header.id, state, found.plan.digest, found.count, found.heads)


@dataclass(slots=True)
class _Read:
    """What is known of the file once it was read."""

    found: Gathered | None = None
    whole: bool = False
    same: bool = False
    html: str = ""
    names: str = ""
    key: str | None = None
    long: bytes = b""


def _opened(file: Path) -> IO[bytes]:
    try:
        return file.open("rb")
    except FileNotFoundError:
        says = "There is no evidence here."
        raise BadInput(says, "Give the folder that `handrail report` wrote.", Place(str(file))) from None
    except (OSError, ValueError) as error:
        because = getattr(error, "strerror", None) or str(error)
        raise BadInput(f"It cannot be read: {because}.", "Check the path.", Place(str(file))) from None


def _hashing(stream: IO[bytes], read: _Read) -> Iterator[bytes]:
    """The lines; when they are all read, `read.long` is their SHA-512."""
    long = hashlib.sha512()
    while line := stream.readline(LONGEST):
        long.update(line)
        yield line
    read.long = long.digest()


def _content(lines: Iterator[bytes], file: Path, read: _Read, items: list[Item]) -> None:
    reader = EvidenceReader(lines, str(file))
    writer = EvidenceWriter()
    try:
        header = _header(reader, read)
        again = tell(writer, header, _events(reader, header), lambda found: _linked(reader, found, read))
        while True:
            try:
                next(again)
            except StopIteration as end:
                found: Gathered = end.value
                break
        items.append(Item("chains", "holds", _chains(found)))
        items.append(Item("plan", "holds", "The plan is the one that the run began with, and fits its digest."))
        read.same = header.made.get("program") == program()
        derived = [name for name, _ in DERIVED]
        for name in derived:
            _skip(reader, name)
        read.names, read.html = reader.close()
        read.whole = True
        items.append(Item("digest", "holds", "Every byte is covered by the digest at its end, and fits it."))
        items.append(_anew(reader, writer, derived, read.same))
    except OSError:
        raise
    except Exception as error:  # whatever it is: what we wrote would not have led there
        items.append(Item("content", "fails", _because(error)))
    finally:
        if not read.whole:
            reader.skim()  # for the signature, which covers all of it


def _header(reader: EvidenceReader, read: _Read) -> Header:
    made, run = reader.one("made"), reader.one("run")
    if not all(isinstance(made[name], str) for name in ("at", "by", "handrail", "program")):
        raise Tampered("What it says of itself is not as it was written.")
    read.key = made["key"]
    plan = reader.text("plan")
    approvals = tuple(event_from_json(APPROVALS, one) for one in reader.many("approvals"))
    return Header(made, run, plan, approvals, reader.one("rehearsal"))


def _events(reader: EvidenceReader, header: Header) -> Iterator[Event]:
    for one in reader.many("events"):
        yield event_from_json(header.id, one)


def _linked(reader: EvidenceReader, found: Gathered, read: _Read) -> Linked:
    read.found = found
    return Linked.from_json(reader.one("linked"))


def _skip(reader: EvidenceReader, name: str) -> None:
    if name == "summary":
        reader.text(name)
    else:
        for _ in reader.many(name):
            pass


def _anew(reader: EvidenceReader, writer: EvidenceWriter, derived: Iterable[str], same: bool) -> Item:
    wrong = [name for name in reader.digests if name in writer.digests and reader.digests[name] != writer.digests[name]]
    if not wrong:
        return Item("what follows", "holds", "Steps, assets and all that is said of the events follow from them.")
    if not same and set(wrong) <= set(derived):
        says = "It was written by another Handrail than this one: what it says of the events was not made anew."
        return Item("what follows", "open", says)
    return Item("what follows", "fails", f"Not what follows from plan and events: {', '.join(sorted(wrong))}.")


def _chains(found: Gathered) -> str:
    seals = words.count(len(found.seals), "seal fits", "seals fit")
    chains = f"{words.count(found.count, 'event')} in {words.count(len(found.heads), 'chain')}"
    return f"{chains} fit each other, and {seals} them. {found.ending}"


def _because(error: Exception) -> str:
    if isinstance(error, HandrailError):
        return str(error)
    return f"It is not as it was written: {type(error).__name__} at {str(error)[:200]!r}."


def _html(html: Path, read: _Read, must: bool) -> Item:
    if not html.is_file():
        verdict: Verdict = "fails" if must else "open"
        return Item("html", verdict, f"{HTML} is not there.")
    if not read.whole or read.found is None:
        return Item("html", "open", "It was not looked at, for what it belongs to does not hold.")
    digest = hashlib.sha256()
    again = html_bytes(read.found, read.names) if read.same else None
    equal = True
    try:
        with html.open("rb") as stream:
            if again is None:
                while part := stream.read(1 << 20):
                    digest.update(part)
            else:
                equal = _equal(stream, again, digest)
    except OSError as error:
        return Item("html", "fails", f"{HTML} cannot be read: {error.strerror}.")
    except Exception as error:  # as above
        return Item("html", "fails", _because(error))
    if digest.hexdigest() != read.html:
        return Item("html", "fails", f"{HTML} is not the one that was written with {JSON}: it was changed.")
    if again is None:
        return Item(
            "html",
            "holds",
            "It is the one that was written with the JSON; another Handrail wrote it, so that it was "
            "not written again to compare.",
        )
    if not equal:
        return Item("html", "fails", f"{HTML} does not say what {JSON} says.")
    return Item("html", "holds", "Written again from the JSON it is the same, byte for byte.")


def _equal(stream: IO[bytes], again: Iterator[bytes], digest: Any) -> bool:
    """Whether the lines are the same; `digest` is of those in the stream."""
    equal = True
    for one, other in zip_longest(iter(stream.readline, b""), _lines(again)):
        digest.update(one or b"")
        equal = equal and one == other
    return equal


def _lines(parts: Iterator[bytes]) -> Iterator[bytes]:
    for part in parts:
        yield from (line + b"\n" for line in part.split(b"\n")[:-1])


def _signature(path: Path, read: _Read, key: PublicKey | None) -> Item:
    what = "signature"
    if not path.is_file():
        if key is not None or read.key:
            return Item(
                what,
                "fails",
                f"It says that it was signed, but {path.name} is not there." if read.key else "It is not signed.",
            )
        return Item(
            what,
            "open",
            "It is not signed. Somebody who has rewritten all of it, hashes included, is not found out by this check: "
            "compare it with the store, or with a copy that was kept elsewhere.",
        )
    try:
        text = read_bytes(path, "The signature", _LARGEST_SIGNATURE).decode("ascii")
        named = read_public(str(read.key)) if read.key else None
    except (BadInput, UnicodeDecodeError):
        return Item(what, "fails", f"{path.name} is no signature.")
    signer = verify(text, read.long)
    if signer is None:
        return Item(what, "fails", f"{path.name} is not the signature of this content.")
    if key is not None and signer != key:
        return Item(what, "fails", f"It was signed with {signer.fingerprint}, not with {key.fingerprint}.")
    if named != signer:
        return Item(what, "fails", f"It was signed with {signer.fingerprint}, which is not the key that it names.")
    if key is None:
        return Item(
            what,
            "holds",
            f"It was signed with {signer.fingerprint}, the key that it names itself. Whose key that is, only its owner "
            "can tell you: compare it with what they gave you, or use --key.",
        )
    return Item(what, "holds", f"It was signed with the given key, {signer.fingerprint}.")
