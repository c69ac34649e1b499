"""The JSON documents of the commands: what they hold, read off what the program really prints for a small estate."""

from __future__ import annotations

import contextlib
import io
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from unittest import mock

from handrail.cli.main import main
from handrail.guides import catalogue
from handrail.guides.catalogue import SHIPPED
from handrail_docs.reading import shipped
from handrail_docs.writing import block, codes
from handrail_docs.writing import page as a_page

ESTATE = SHIPPED / "miis" / "estates" / "contoso.yaml"
HELD = SHIPPED / "mim" / "estates" / "sp2-latest.yaml"
BLOCKED = SHIPPED / "miis" / "estates" / "as-found.yaml"
ENTRIES = 12
"""Of a mapping with more keys than this, or with keys that are ids, one entry stands for all."""

FREE = {
    "estate": "the whole estate, as in its file",
    "with": "the parameters of the action",
    "value": "anything",
    "equals": "anything",
    "detect": "how the products are recognised",
    "plan": "the whole plan, as in its file",
    "data": "what the event says",
    "is": "what the step gave of it",
}
"""Keys under which stands what other pages tell of, or what may be anything."""

Shape = str | list["Shape"] | dict[str, "Shape"]


def page() -> str:
    """Every document with its keys."""
    with tempfile.TemporaryDirectory() as folder:
        documents = list(_documents(Path(folder)))
    parts = [
        "With `--format json` a command prints one JSON document, and nothing else, on standard output. Keys are only "
        "ever added. The outlines below are read off what this version prints for a sample estate: `text|null` means "
        "that both occur, `ID` and `NAME` stand for what a key names. A value that never occurred there is missing.",
    ]
    for said, printed in documents:
        parts.append(f"## {printed[0]['schema']}")
        parts.append(f"Printed by {codes(said.split(' and '))}.")
        parts.append(block(outlined(printed), "text"))
    return a_page("JSON documents", *parts)


def _documents(folder: Path) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """By which command it is printed, and one or several examples, the program's own home and files being in
    `folder`."""
    plan = folder / "upgrade.plan"

    def told(*arguments: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(_said(folder, *arguments, "--format", "json"))
        return found

    yield (
        "handrail discover HOSTS -o ESTATE",
        [told("discover", str(ESTATE), "--twin", "-o", str(folder / "read.yaml"))],
    )
    yield "handrail assess ESTATE", [told("assess", str(BLOCKED))]
    yield "handrail plan ESTATE", [told("plan", str(ESTATE), "-o", str(plan))]
    yield "handrail explain PLAN STEP", [told("explain", str(plan), "stop")]
    yield "handrail explain PLAN --if PATH=VALUE", [told("explain", str(plan), "--if", "approvers=2")]
    yield "handrail rehearse PLAN", [told("rehearse", str(plan), "--case", "stop:restarts")]
    yield "handrail secrets PLAN", [told("secrets", str(plan))]
    done = told("run", str(plan), "--twin")
    run = done["run"]
    yield "handrail run PLAN and handrail status RUN", [done, *_held(folder)]
    yield "handrail verify RUN", [told("verify", run)]
    report = folder / "report"
    yield "handrail report RUN -o FOLDER", [told("report", run, "-o", str(report))]
    yield "handrail report --check FOLDER", [told("report", "--check", str(report))]
    yield "handrail report RUN -o FOLDER, into evidence.json", [json.loads((report / "evidence.json").read_bytes())]
    yield "handrail store check", [told("store", "check")]
    yield "handrail store move RUN --to URL|FOLDER", [told("store", "move", run, "--to", str(folder / "elsewhere"))]
    yield "handrail guide list", [told("guide", "list")]
    yield "handrail guide lint", [told("guide", "lint", str(SHIPPED / "miis"))]


def _held(folder: Path) -> Iterator[dict[str, Any]]:
    """A run at a hold that takes two people, before and after the first has said yes."""
    estate, plan = folder / "held.yaml", folder / "held.plan"
    estate.write_text(HELD.read_text("utf-8") + "\nholds: two\n", "utf-8")
    _said(folder, "plan", str(estate), "-o", str(plan))
    waiting = json.loads(_said(folder, "run", str(plan), "--twin", "--ask", "--format", "json"))
    yield waiting
    hold = next(one["id"] for one in waiting["steps"] if one["state"] == "waiting")
    _said(folder, "answer", waiting["run"], hold, "yes")
    yield json.loads(_said(folder, "status", waiting["run"], "--format", "json"))


def _said(home: Path, *arguments: str) -> str:
    out, err = io.StringIO(), io.StringIO()
    with (
        mock.patch.dict(os.environ, {"HANDRAIL_HOME": str(home / "home")}),
        mock.patch.object(catalogue, "open_guide", shipped),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        main(arguments)
    if not out.getvalue():
        raise RuntimeError(f"handrail {' '.join(arguments)} printed nothing: {err.getvalue()}")
    return out.getvalue()


def outlined(document: Any) -> str:
    """A document as an outline of its keys and types."""
    return "\n".join(_lines(_shape(document), 0))


def _lines(shape: Shape, depth: int) -> Iterator[str]:
    pad = "  " * depth
    if isinstance(shape, list):
        yield from _lines(shape[0], depth)
        return
    if isinstance(shape, str):
        yield pad + shape
        return
    for name, inner in shape.items():
        if isinstance(inner, str):
            yield f"{pad}{name}: {inner}"
            continue
        many = isinstance(inner, list)
        core = inner[0] if isinstance(inner, list) else inner
        if isinstance(core, str) or not core:
            yield f"{pad}{name}: " + (f"[{core or 'anything'}]" if many else "{}")
            continue
        yield f"{pad}{name}:" + (" [" if many else "")
        yield from _lines(core, depth + 1)
        if many:
            yield f"{pad}]"


def _shape(value: Any) -> Shape:
    if isinstance(value, Mapping):
        if _names_ids(value):
            return {_placeholder(value): _merged([_shape(one) for one in value.values()])}
        return {str(name): _of_key(name, one) for name, one in value.items()}
    if isinstance(value, list):
        return [_merged([_shape(one) for one in value])] if value else ["anything"]
    if value is None:
        return "null"
    return {bool: "true|false", int: "number", float: "number"}.get(type(value), "text")


def _of_key(name: str, value: Any) -> Shape:
    if name in FREE and not isinstance(value, str):
        return FREE[name]
    if name == "aim" and isinstance(value, Mapping):
        return {"DEPLOYMENT": _merged([_shape(one) for one in value.values()])}
    return _shape(value)


def _names_ids(value: Mapping[str, Any]) -> bool:
    strange = sum(not name.replace("_", "").isalpha() or not name.islower() for name in value)
    return bool(value) and (len(value) > ENTRIES * 2 or strange * 2 >= len(value))


def _placeholder(value: Mapping[str, Any]) -> str:
    return "ID" if any("/" in name or "@" in name for name in value) else "NAME"


def _merged(shapes: list[Shape]) -> Shape:
    """One shape that stands for all of them."""
    whole = [one for one in shapes if not isinstance(one, str)]
    plain = dict.fromkeys(part for one in shapes if isinstance(one, str) for part in one.split("|"))
    if not whole:
        return "|".join(plain)
    if all(isinstance(one, dict) for one in whole):
        names = dict.fromkeys(name for one in whole if isinstance(one, dict) for name in one)
        return {name: _merged([one[name] for one in whole if isinstance(one, dict) and name in one]) for name in names}
    lists = [one for one in whole if isinstance(one, list)]
    inner = [part for one in lists for part in one if part != "anything"]
    return [_merged(inner)] if inner else ["anything"]
