"""The wrong medium: another one under the right one's name, and how somebody puts that right."""

from __future__ import annotations

import ntpath
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import permutations
from typing import Any

from handrail.model.plan import Step
from handrail.rehearsing.life import Stage
from handrail.rehearsing.torn import BROKEN_OFF
from handrail.twin.mechanisms import files
from handrail.twin.things import Entry

_NOT_READ = ("media.close", "media.not_mounted")
"""Actions that name a medium and read nothing of it."""


@dataclass(frozen=True, slots=True)
class Medium:
    """A file of the estate's media on a host, and the one that lies there instead."""

    host: str
    path: str
    other: Entry


@dataclass(frozen=True, slots=True)
class Swapped:
    """`right` is what should be at the place, `wrong` what lies there; `is_` says what that is. `rightly`: where files
    of the other medium lay before, as they should."""

    host: str
    right: Entry
    wrong: Entry
    is_: str
    rightly: frozenset[str] = frozenset()


def read_by(step: Step, stage: Stage) -> Medium | None:
    """The medium that a step reads by its path, if another one could lie there: of the same kind, on the same host."""
    if step.host is None or step.host not in stage.twin.hosts or step.uses in _NOT_READ:
        return None
    table = stage.twin.state.table(step.host, "entry")
    named = {path.lower() for path in _paths(step)}
    media = sorted(one.path for one in stage.plan.estate.media.values())
    for path in media:
        here = table.get(path.lower())
        if path.lower() in named and here is not None and not here.folder:
            return Medium(step.host, path, _other(here, [table[one.lower()] for one in media if one.lower() in table]))
    return None


def _paths(step: Step) -> Iterator[str]:
    """The paths that the parameters of a step name, whole or in parts."""
    texts = [one for one in step.with_.values() if isinstance(one, str) and one]
    yield from texts
    for count in (2, 3):
        for parts in permutations(texts[:8], count):
            if parts[0][1:3] == ":\\":
                yield ntpath.join(*parts)


def _other(here: Entry, beside: list[Entry]) -> Entry:
    """Another medium with the same ending, or the same one of another build."""
    ending = here.path.lower().rpartition(".")[2]
    for one in beside:
        if one.path.lower().rpartition(".")[2] == ending and one.sha256 != here.sha256:
            return one
    made = files.of_bytes(here.path, files.content(here) + b"of another build\n", here.time)
    return replace(made, holds=_built_otherwise(here.holds), version="0.0.0.1" if here.version else "")


def _built_otherwise(held: Any) -> Any:
    if isinstance(held, dict):
        return {
            name: "0.0.0.1" if name in ("build", "version") and isinstance(one, str) else _built_otherwise(one)
            for name, one in held.items()
            if name != "stated"
        }
    return held


def swap(stage: Stage, medium: Medium) -> Swapped:
    """Let the other one lie where the right one should."""
    right: Entry = stage.twin.state.table(medium.host, "entry")[medium.path.lower()]
    wrong = replace(medium.other, path=right.path)
    of_it = {wrong.sha256, *(sha256 for sha256, _ in _inside(wrong).values())}
    entries = stage.twin.state.table(medium.host, "entry").values()
    rightly = frozenset(one.path for one in entries if one.sha256 in of_it)
    _put(stage, medium.host, [wrong])
    is_ = "of another build" if medium.other.path == right.path else f"really {ntpath.basename(medium.other.path)}"
    return Swapped(medium.host, right, wrong, is_, rightly)


def take_away(stage: Stage, swapped: Swapped) -> None:
    """The right one lies again where the wrong one did, and nothing else is changed."""
    _put(stage, swapped.host, [swapped.right])


def put_right(stage: Stage, swapped: Swapped) -> None:
    """The right one where the wrong one lies, copies of it included, and what an image held besides."""
    right = _inside(swapped.right)
    wrong = {sha256 for name, (sha256, _) in _inside(swapped.wrong).items() if right.get(name, ("", None))[0] != sha256}
    table = stage.twin.state.table(swapped.host, "entry")
    made: list[Entry] = []
    for entry in table.values():
        if entry.folder or entry.path in swapped.rightly:
            continue
        if entry.sha256 == swapped.wrong.sha256 and _name(entry) == _name(swapped.right):
            made.append(replace(swapped.right, path=entry.path))
        elif entry.sha256 in wrong:
            made += [replace(one, path=entry.path) for name, (_, one) in right.items() if name == _name(entry)]
    _put(stage, swapped.host, made)


def _inside(entry: Entry) -> dict[str, tuple[str, Entry]]:
    """The files of an image, by name."""
    held = entry.holds.get("image", {}).get("files", {})
    made = [files.made(path, content, entry.time) for path, content in held.items()]
    return {_name(one): (one.sha256, one) for one in made}


def _name(entry: Entry) -> str:
    return ntpath.basename(entry.path).lower()


def _put(stage: Stage, host: str, entries: list[Entry]) -> None:
    def work(machine: Any) -> None:
        for entry in entries:
            machine.put(entry.path, entry)

    stage.twin.transact(host, BROKEN_OFF, work)
