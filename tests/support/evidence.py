"""Small runs whose evidence is written, and what somebody does to it who would like it to say something else."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.support import counting
from tests.support.counting import QUICK, plan, step

from handrail.documents.evidence_signature import read_key
from handrail.documents.plan import freeze
from handrail.model.finding import Citation, Finding
from handrail.model.journal import Event
from handrail.model.plan import Condition, Fact, Plan, Remedy
from handrail.reporting.evidence import Header, Linked
from handrail.reporting.evidence_files import HTML, JSON, write
from handrail.reporting.evidence_source import report
from handrail.running.chain import Head, extend, head_of, seal
from handrail.running.export import event_from_json
from handrail.running.session import Session

MANUAL = Citation("manual", "Upgrading", "https://example.com/manual", "The manual")
Lines = list[bytes]


def eventful() -> Plan:
    """Two hosts; a hold, a person, a failure with its remedy, a build that changes, a finding that was accepted."""
    ready = step("ready", "hold", None, with_={"question": "Is it night?"})
    help_ = step("help", host="a", with_={"name": "disk"})
    help_ = replace(help_, when=(Condition("it/app@a/2/stubborn", error="insert-disk"),))
    known = Remedy("insert-disk", (help_.id,), log="Insert disk", retries=2, says="The disk is asked for.")
    stubborn = step("stubborn", "stubborn", with_={"name": "patched", "needs": "disk"}, remedies=(known,))
    stubborn = replace(stubborn, after=(ready.id,), leaves=(Fact("it/app@a.build", "2"),))
    other = step("other", host="b", after=(ready.id,), lasting=True)
    made = plan(ready, help_, stubborn, other, approvers=1)
    finding = Finding("x/odd", "blocker", "it/app@a", "This is odd.", "Think twice.", MANUAL, accepted=True)
    return freeze(replace(made, findings=(finding,)))


def carry(session: Session, run: str) -> str:
    return asyncio.run(session.carry_out(run, "eve", settings=QUICK)).status.state


@contextmanager
def carried(folder: Path, made: Plan, **more: Any) -> Iterator[tuple[Session, str]]:
    """The plan approved by ann and carried out by eve as far as it goes."""
    with counting.opening(folder, **more) as session:
        session.approve(made, "ann", "for tonight")
        run = session.start(made, "eve", target="hosts")
        carry(session, run)
        yield session, run


def written(session: Session, run: str, folder: Path, **more: Any) -> Path:
    report(session, run, folder, "eve", **more)
    return folder


def lines_of(folder: Path) -> Lines:
    return (folder / JSON).read_bytes().splitlines(keepends=True)


def put(folder: Path, lines: Lines) -> None:
    (folder / JSON).write_bytes(b"".join(lines))


def forge(folder: Path, change: Callable[[Lines], None]) -> None:
    """Change the lines, and then every digest that stands at the end and in the HTML, as a careful forger would."""
    lines = lines_of(folder)
    old = json.loads(b"{" + lines[-3].rstrip(b",\n") + b"}")["html"]["names"]
    content = lines[:-3]
    change(content)
    names = "sha256:" + hashlib.sha256(b"".join(content)).hexdigest()
    html = (folder / HTML).read_bytes().replace(old.encode(), names.encode())
    html = html.replace(old.removeprefix("sha256:").encode(), names.removeprefix("sha256:").encode())
    (folder / HTML).write_bytes(html)
    close(folder, content, names)


def close(folder: Path, content: Lines, names: str) -> None:
    html = hashlib.sha256((folder / HTML).read_bytes()).hexdigest()
    content.append(b'"html":' + json.dumps({"names": names, "sha256": html}, separators=(",", ":")).encode() + b",\n")
    digest = hashlib.sha256(b"".join(content)).hexdigest()
    put(folder, [*content, f'"digest":"sha256:{digest}"\n'.encode(), b"}\n"])


def at(lines: Lines, name: str) -> int:
    """The number of the line of a member."""
    return next(number for number, line in enumerate(lines) if line.startswith(f'"{name}":'.encode()))


def entries(lines: Lines, name: str) -> range:
    """The numbers of the lines of a list's entries."""
    begin = at(lines, name) + 1
    end = next(number for number in range(begin, len(lines)) if lines[number] == b"],\n")
    return range(begin, end)


def header_of(folder: Path, key: str | None = None) -> tuple[Header, list[Any]]:
    """What stands before the events, and the events, as somebody has them who has the file."""
    told = json.loads((folder / JSON).read_bytes())
    lines = lines_of(folder)
    text = lines[at(lines, "plan")].removeprefix(b'"plan":').rstrip(b",\n").decode()
    approvals = tuple(event_from_json("(approvals)", one) for one in told["approvals"])
    made = {**told["made"], "key": read_key(key).public.line if key else None}
    return Header(made, told["run"], text, approvals, told["rehearsal"]), told["events"]


def rewrite(
    folder: Path,
    to: Path,
    key: str | None = None,
    most: int | None = None,
    change: Callable[[Event], Event] | None = None,
) -> None:
    """Write it as we would, of its first events only, each changed and hashed anew, signed with another key."""
    header, told = header_of(folder, key)
    events = [event_from_json(header.id, one) for one in told[:most]]
    if change is not None:
        heads: dict[str, Head] = {}
        for number, event in enumerate(events):
            new = change(event) if event.entry.kind != "created" else event
            entry = new.entry
            if entry.kind == "sealed":
                entry = replace(entry, data={"heads": seal(heads)})
            behind = replace(heads.get(event.lane, Head()), epoch=event.epoch)
            events[number] = extend(behind, event.run, event.lane, event.position, new.at, entry)
            heads[event.lane] = head_of(events[number])
    write(to, header, events, lambda _: Linked(), read_key(key) if key else None)
