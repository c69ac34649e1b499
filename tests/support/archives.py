"""Runs as they were once exported: how the files in tests/data/journals are made anew.

    python -m tests.support.archives [NAME ...]      needs PostgreSQL 15 and 17, as the real tests do

They are kept so that a newer Handrail is held to reading what an older one wrote; so they are made anew only when a
file of a new form has to be added, and old ones stay. What a machine calls its own folders is replaced, and chain and
digests are made anew over that; nothing else is touched.
"""

from __future__ import annotations

import gzip
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.support import postgres
from tests.support.command import ESTATES, handrail

from handrail.documents.plan import _digest, plan_from_json, plan_to_json
from handrail.model.journal import Entry, Event
from handrail.running.chain import Head, canonical, digest, extend, head_of, seal
from handrail.running.export import Exported, event_to_json, read_lines

FOLDER = Path(__file__).parents[1] / "data" / "journals"


def archived(name: str) -> Exported:
    path = FOLDER / f"{name}.jsonl.gz"
    return read_lines(gzip.decompress(path.read_bytes()).decode().splitlines(), path.name)


def transcript(name: str) -> list[dict[str, Any]]:
    data = gzip.decompress((FOLDER / f"{name}.transcript.jsonl.gz").read_bytes())
    return [json.loads(line) for line in data.splitlines()]


def sp3_on_the_twin(folder: Path) -> None:
    plan = folder / "contoso.plan"
    _done("plan", ESTATES / "contoso.yaml", "-o", plan, home=folder)
    _done("run", plan, "--twin", home=folder)
    (found,) = _exported(folder).values()
    _write("mim-sp3-on-twin", found)
    for path in (folder / "runs" / found.run / "transcripts").glob("*.jsonl"):
        (FOLDER / f"mim-sp3-on-twin-{path.stem}.transcript.jsonl.gz").write_bytes(
            gzip.compress(path.read_bytes(), mtime=0)
        )


def postgresql(folder: Path) -> None:
    majors = postgres.programs("15", "17")
    with postgres.playground() as ground:
        ground.make(majors["15"])
        estate, plan = folder / "estate.yaml", folder / "shop.plan"
        estate.write_text(postgres.estate(ground, majors["15"], majors["17"]))
        _done("plan", estate, "-o", plan, home=folder)
        _done("run", plan, home=folder)
        names = {majors["15"]: "/usr/lib/postgresql/15/bin", majors["17"]: "/usr/lib/postgresql/17/bin"}
        names |= {str(Path(majors["17"]).parent): "/usr/lib/postgresql/17"}
        (found,) = _exported(folder).values()
        _write(
            "postgresql-15-to-17",
            _renamed(found, {**names, str(ground.folder): "/srv/shop", ground.folder.name: "shop"}),
        )


MAKERS: Mapping[str, Callable[[Path], None]] = {"sp3": sp3_on_the_twin, "postgresql": postgresql}


def _done(*arguments: object, home: Path) -> None:
    said = handrail(*arguments, home=home)
    assert said.code == 0, said.out + said.err


def _exported(home: Path) -> dict[str, Exported]:
    path = home / "run.jsonl"
    _done("journal", "-o", path, home=home)
    found = read_lines(path.read_text("utf-8").splitlines(), path.name)
    return {found.run: found}


def _write(name: str, found: Exported) -> None:
    first = {
        "schema": "handrail/journal/v1",
        "run": found.run,
        "target": found.target,
        "plan": plan_to_json(found.plan),
    }
    lines: list[Any] = [first, *map(event_to_json, found.events), {"status": found.status}]
    text = "".join(json.dumps(line, sort_keys=True, separators=(",", ":")) + "\n" for line in lines)
    (FOLDER / f"{name}.jsonl.gz").write_bytes(gzip.compress(text.encode(), mtime=0))


def _renamed(found: Exported, names: Mapping[str, str]) -> Exported:
    """With other names for folders, and everything that is hashed hashed again."""

    def other(value: Any) -> Any:
        text = json.dumps(value)
        for name in sorted(names, key=len, reverse=True):
            text = text.replace(name, names[name])
        return json.loads(text)

    document = other(plan_to_json(found.plan))
    plan = plan_from_json({**document, "digest": _digest(document)})
    run = str(other(found.run))

    def entries() -> Iterator[tuple[Event, Entry]]:
        for event in found.events:
            data = other(dict(event.entry.data))
            if event.entry.kind == "created":
                data |= {"plan": plan.digest, "document": digest(canonical(plan_to_json(plan)))}
            yield event, replace(event.entry, data=data)

    heads: dict[str, Head] = {}
    made: list[Event] = []
    for event, entry in entries():
        if entry.kind == "sealed":
            entry = replace(entry, data={**entry.data, "heads": seal(heads)})
        head = replace(heads.get(event.lane, Head()), epoch=event.epoch)
        new = extend(head, run, event.lane, event.position, event.at, entry)
        heads[event.lane] = head_of(new)
        made.append(new)
    status = {**other(dict(found.status)), "plan": plan.digest}
    return Exported(run, found.target, plan, tuple(made), status)


def main(names: list[str]) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in names or MAKERS:
        with tempfile.TemporaryDirectory() as folder:
            MAKERS[name](Path(folder))


if __name__ == "__main__":
    main(sys.argv[1:])
