"""The plans, estates and rehearsals in the folders that are served.

A file is known by what it begins with, not by its name, and is asked for by what it holds: a plan by its digest, an
estate by its name, a rehearsal by an id of ours. No request ever names a path. Files are read when somebody asks, and
once for every size and time that they have; a list needs no more than how they begin.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

from handrail.documents.estate import EstateDocument, estate_document
from handrail.documents.files import read_bytes
from handrail.documents.plan import plan_of_text
from handrail.documents.tree import LIMIT, parse
from handrail.errors import BadInput, HandrailError, Place, UnknownName
from handrail.model.plan import Plan
from handrail.rehearsing import results
from handrail.rehearsing.results import Case, Rehearsal
from handrail.reporting.findings import aim_rows

T = TypeVar("T")

Kind = Literal["plan", "estate", "rehearsal"]

HEAD = 16 * 1024
"""Bytes by which a file is recognised."""
LEAST = 16
"""Bytes of the smallest file that could be one of ours. What a system makes up when it is read has none."""
SMALL = 1024 * 1024
"""Bytes up to which a file is read for a list already, so that a mistake in it shows there."""
LARGEST: Mapping[Kind, int] = {"estate": LIMIT, "plan": 1024 * 1024 * 1024, "rehearsal": 256 * 1024 * 1024}
MOST = 5_000
"""Files that are looked at in all folders together."""
DEPTH = 6
FRESH = 2.0
"""Seconds for which a look at the folders holds."""
KEPT = 8
"""Whole documents that are kept,"""
KEPT_BYTES = 128 * 1024 * 1024
"""and how much of them, but always the last one."""

_ESTATE = re.compile(rb"^handrail: *[\"']?estate/v|\A\s*\{\s*\"handrail\": *\"estate/v", re.MULTILINE)
_ESTATE_NAME = re.compile(rb"^ *\"?name\"?: *[\"']?([^\"'#\n]*[^\"'#\s,])", re.MULTILINE)
_DATABASE = re.compile(r"\.(db|sqlite3?)(-\w+)?$", re.IGNORECASE)
_JSON = re.compile(rb'\A\s*\{\s*"schema": *"handrail/(plan|rehearsal)/v')
_DIGEST = re.compile(rb'"(?:digest|plan)": *"(sha256:[0-9a-f]{64})"')
_NAME_IN_PLAN = re.compile(rb'"estate": *\{"handrail": *"[^"]*", *"name": *("(?:[^"\\]|\\.)*")')
_NAME_IN_REHEARSAL = re.compile(rb'"estate": *("(?:[^"\\]|\\.)*")')


@dataclass(frozen=True, slots=True)
class Found:
    """A file that is one of ours, by what it begins with. `id`: what it is asked for by. `file`: what people call it,
    relative to the folder that is served. `digest`: of the plan that it is, or is about, as it says itself. `trouble`:
    why it cannot be read; a large one is only read when somebody asks for it. `note`: what it is aimed at, if it was
    read."""

    kind: Kind
    id: str
    name: str
    file: str
    path: Path
    size: int
    changed: float
    digest: str = ""
    trouble: str = ""
    note: str = ""


class Documents:
    """What `folders` hold. Safe to use from several threads."""

    def __init__(self, folders: Sequence[Path] = (), clock: Callable[[], float] = time.monotonic) -> None:
        self.folders = tuple(folders)
        self.more = False
        """Whether there were more files than are looked at."""
        self._clock = clock
        self._lock = threading.Lock()
        self._looked: float | None = None
        self._shelf: tuple[Found, ...] = ()
        self._known: dict[tuple[Path, int, float], Found | None] = {}
        self._whole: OrderedDict[tuple[Path, int, float], Any] = OrderedDict()

    # -- what there is ------------------------------------------------------------------------------------------

    def of(self, kind: Kind) -> tuple[Found, ...]:
        """The files of a kind that can be read, by name."""
        return tuple(one for one in self._look() if one.kind == kind and not one.trouble)

    def broken(self, *kinds: Kind) -> tuple[Found, ...]:
        """The files that begin like one of ours and cannot be read."""
        return tuple(one for one in self._look() if one.trouble and (not kinds or one.kind in kinds))

    def find(self, kind: Kind, id: str) -> Found:
        """UnknownName when there is none of that id."""
        known = self.of(kind)
        for one in known:
            if one.id == id:
                return one
        raise UnknownName(kind, id, (one.id for one in known))

    # -- whole documents ----------------------------------------------------------------------------------------

    def plan(self, digest: str) -> Plan:
        """Errors: UnknownName; BadInput, Tampered when the file is not what it began like."""
        found: Plan = self._read(self.find("plan", digest))
        return found

    def estate(self, name: str) -> EstateDocument:
        """Errors: UnknownName, BadDocument."""
        found: EstateDocument = self._read(self.find("estate", name))
        return found

    def rehearsal(self, id: str) -> Rehearsal:
        """Errors: UnknownName, BadInput."""
        found: Rehearsal = self._read(self.find("rehearsal", id))
        return found

    def _read(self, found: Found) -> Any:
        key = (found.path, found.size, found.changed)
        with self._lock:
            if key in self._whole:
                self._whole.move_to_end(key)
                return self._whole[key]
        made = _whole(found)
        with self._lock:
            self._whole[key] = made
            while len(self._whole) > KEPT or (
                len(self._whole) > 1 and sum(size for _, size, _ in self._whole) > KEPT_BYTES
            ):
                self._whole.popitem(last=False)
        return made

    # -- looking ------------------------------------------------------------------------------------------------

    def _look(self) -> tuple[Found, ...]:
        with self._lock:
            now = self._clock()
            if self._looked is None or now - self._looked >= FRESH:
                self._shelf = self._scan()
                self._looked = now
            return self._shelf

    def _scan(self) -> tuple[Found, ...]:
        known: dict[tuple[Path, int, float], Found | None] = {}
        found: list[Found] = []
        self.more = False
        for shown, path, size, changed in self._files():
            if len(known) >= MOST:
                self.more = True
                break
            key = (path, size, changed)
            known[key] = self._known[key] if key in self._known else _recognise(shown, path, size, changed)
            one = known[key]
            if one is not None:
                found.append(one)
        self._known = known
        return tuple(sorted(_told_apart(found), key=lambda one: (one.kind, one.name.casefold(), one.file)))

    def _files(self) -> Iterator[tuple[str, Path, int, float]]:
        """Regular files below the folders; links are not followed, what is hidden is left alone."""
        for folder in self.folders:
            for place, names, files in os.walk(folder):
                depth = len(Path(place).relative_to(folder).parts)
                # A home holds nobody's documents, and SQLite loses its locks when its process closes the file.
                is_home = not {"store.db", "accounts.db"}.isdisjoint(files)
                names[:] = sorted(one for one in names if not one.startswith(".")) if depth < DEPTH else []
                if is_home:
                    names[:] = []
                    continue
                for name in sorted(files):
                    path = Path(place, name)
                    if name.startswith(".") or _DATABASE.search(name) or path.is_symlink() or not path.is_file():
                        continue
                    with contextlib.suppress(OSError):  # gone meanwhile
                        stat = path.stat()
                        if stat.st_size >= LEAST:
                            yield str(path.relative_to(folder)), path, stat.st_size, stat.st_mtime


def _recognise(shown: str, path: Path, size: int, changed: float) -> Found | None:
    try:
        with path.open("rb") as stream:
            head = stream.read(HEAD)
    except OSError:
        return None
    made = Found("estate", "", Path(shown).stem, shown, path, size, changed)
    match = _JSON.match(head)
    if match:
        digest = _DIGEST.search(head)
        name = (_NAME_IN_PLAN if match[1] == b"plan" else _NAME_IN_REHEARSAL).search(head)
        kind: Kind = "plan" if match[1] == b"plan" else "rehearsal"
        made = replace(made, kind=kind, digest=digest[1].decode() if digest else "", name=_text(name) or made.name)
    elif _ESTATE.search(head):
        named = _ESTATE_NAME.search(head)
        made = replace(made, name=named[1].decode("utf-8", "replace") if named else made.name)
    else:
        return None
    if size > SMALL:
        return made
    try:
        return replace(made, note=_aimed_at(_whole(made)))
    except HandrailError as error:
        # The path on this machine is nobody's business; the name in the folder is.
        return replace(made, trouble=str(error).replace(str(path), shown))


def _aimed_at(whole: Any) -> str:
    """What an estate or a plan is for, in a few words."""
    if isinstance(whole, Plan) and whole.goes_back is not None:
        return f"takes back {whole.goes_back.run}"
    aim = whole.aim if isinstance(whole, Plan) else {}
    if isinstance(whole, EstateDocument):
        aim = {name: one.to for name, one in whole.estate.aim.items() if one.to}
    return ", ".join(says for _, says in aim_rows(aim))


def _text(match: re.Match[bytes] | None) -> str:
    try:
        return str(json.loads(match[1])) if match else ""
    except ValueError:
        return ""


def _told_apart(found: Sequence[Found]) -> Iterator[Found]:
    """Every file with an id of its own; of several with the same plan the first."""
    used: set[tuple[Kind, str]] = set()
    for one in found:
        if one.kind == "plan":
            id = one.digest
        elif one.kind == "rehearsal":
            id = hashlib.sha256(one.file.encode("utf-8", "surrogateescape")).hexdigest()[:12]
        else:
            id = re.sub(r"[^\w.-]+", "-", one.name)
        number, base = 1, id
        while (one.kind, id) in used and one.kind != "plan":
            number += 1
            id = f"{base}-{number}"
        if (one.kind, id) in used and not one.trouble:
            continue
        used.add((one.kind, id))
        yield replace(one, id=id)


def _whole(found: Found) -> Any:
    data = read_bytes(found.path, f"The {found.kind} file", LARGEST[found.kind])
    if found.kind == "plan":
        return plan_of_text(data, str(found.path))
    if found.kind == "estate":
        return estate_document(parse(data, str(found.path), "The estate file"))
    return rehearsal_of_text(data, str(found.path))


# -- rehearsals ---------------------------------------------------------------------------------------------------


def rehearsal_of_text(source: bytes, file: str) -> Rehearsal:
    """What `handrail rehearse --format json` wrote. BadInput, with the place, when it is none."""
    advice = "Make it with `handrail rehearse PLAN --format json -o FILE`."
    try:
        data = json.loads(source)
    except json.JSONDecodeError as error:
        raise BadInput(
            "This is not a rehearsal: it is not JSON.", advice, Place(file, error.lineno, error.colno)
        ) from None
    except (ValueError, RecursionError):
        raise BadInput("This is not a rehearsal: it is not JSON.", advice, Place(file)) from None
    try:
        if data["schema"] != results.SCHEMA:
            raise BadInput(f"This is {data['schema']!r}; the console reads {results.SCHEMA!r}.", advice, Place(file))
        cases = tuple(_case(one) for one in data["cases"])
        return Rehearsal(
            plan=_string(data["plan"]),
            estate=_string(data.get("estate", "")),
            steps=tuple(dict.fromkeys(one.step for one in cases if one.of == "plan")),
            titles={},
            faults={_string(name): _string(says) for name, says in data.get("faults", {}).items()},
            cases=cases,
            stand_for={step: tuple(map(_string, others)) for step, others in data.get("cohorts", {}).items()},
            not_rehearsed={},
            unfaulted=_string(data.get("unfaulted") or ""),
            back=tuple(dict.fromkeys(one.step for one in cases if one.of == "rollback")),
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        what = f"it lacks {error}" if isinstance(error, KeyError) else f"{error}"
        raise BadInput(f"This is not a rehearsal: {what}.", advice, Place(file)) from None


def _case(one: Mapping[str, Any]) -> Case:
    result, then, of = one["result"], one["then"], one.get("of", "plan")
    if result not in get_args(results.Result) or then not in get_args(results.Then) or of not in ("plan", "rollback"):
        raise ValueError(f"a case ends {result!r} after {then!r}")
    story = tuple(map(_string, one.get("story", ())))
    return Case(_string(one["step"]), _string(one["fault"]), then, result, _string(one.get("because", "")), of, story)


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value
