"""Comparing two exports of one connector space: what is gone, what came, what changed and in which attribute.

Each export is read once. Of each object a record of a hundred bytes is kept, in temporary files, apart by its name;
records that belong together are then looked up part by part, and only objects whose digests differ are read again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from handrail.comparing.allowances import Allowance, settle
from handrail.comparing.differences import Change, differences
from handrail.comparing.exports import Export, Summary
from handrail.comparing.partitions import COUNT, Partitions, Record, key_of
from handrail.comparing.reading import name_of
from handrail.comparing.screening import MARK, Screen
from handrail.errors import BadInput, HandrailError

Kind = Literal["changed", "renamed", "missing", "added"]


@dataclass(frozen=True, slots=True)
class Difference:
    """One object that is not what it was. `dn` is its name before (of an added one: after), `became` its new name."""

    kind: Kind
    dn: str
    type: str = ""
    became: str | None = None
    changes: tuple[Change, ...] = ()

    def __str__(self) -> str:
        if self.kind in ("missing", "added"):
            return f"{self.dn} ({self.type}) {'is missing' if self.kind == 'missing' else 'was not there before'}"
        became = f" became {self.became}" if self.became else ""
        return f"{self.dn} ({self.type}){became}: " + "; ".join(str(one) for one in self.changes if not one.allowed)


@dataclass(frozen=True, slots=True)
class Comparison:
    """`allowed` counts the objects that an allowance covers, by its name; such an object differs in nothing else, or
    stands under `changed` with the rest. `differences` are the first by name; `counts` are whole. `header` is what
    differs beside the objects, allowed or not."""

    before: Summary
    after: Summary
    same: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    allowed: Mapping[str, int] = field(default_factory=dict)
    differences: tuple[Difference, ...] = ()
    header: tuple[Change, ...] = ()

    @property
    def differing(self) -> int:
        """Objects that differ in something that no allowance covers."""
        return sum(self.counts.values())

    @property
    def equal(self) -> bool:
        return not self.differing and all(one.allowed for one in self.header)


class Comparing:
    """One comparison at work. `run` yields between blocks, so that whoever drives it can do other things meanwhile."""

    def __init__(
        self,
        before: Path,
        after: Path,
        allowances: Sequence[Allowance] = (),
        *,
        keep: int = 100,
        folder: Path | None = None,
    ) -> None:
        self._paths = (before, after)
        self._allowances = tuple(allowances)
        self._keep = keep
        self._folder = folder
        self._same = 0
        self._counts: Counter[str] = Counter()
        self._allowed: Counter[str] = Counter()
        self._found: list[Difference] = []

    def run(self) -> Generator[int, None, Comparison]:
        """Yields the bytes read of the file in hand. BadInput for what is no export; HandrailError without room."""
        try:
            with TemporaryDirectory(prefix="handrail-compare-", dir=self._folder) as folder:
                result = yield from self._run(Path(folder))
        except OSError as error:
            raise HandrailError(
                f"Comparing needs room for temporary files: {error.strerror}.", "Set TMPDIR to a folder with space."
            ) from error
        return result

    def _run(self, folder: Path) -> Generator[int, None, Comparison]:
        screen = Screen(self._allowances)
        marks = MARK * len(screen.ignoring)
        with ExitStack() as stack:
            exports, records, left = [], [], []
            for name, path in zip(("before", "after"), self._paths, strict=True):
                export = Export(path, screen, folder)
                stack.callback(export.close)
                exports.append(export)
                records.append(stack.enter_context(Partitions(folder, name, marks)))
                left.append(stack.enter_context(Partitions(folder, f"{name}-left", marks)))
                yield from export.scan(records[-1])
            old, new = exports
            for number in range(COUNT):
                olds, news = (_unique(one, export, number) for one, export in zip(records, exports, strict=True))
                for key, record in news.items():
                    other = olds.pop(key, None)
                    if other is None:
                        left[1].add(_by_id(new, record), *record[1:])
                    else:
                        self._pair(old, other, new, record, screen)
                for record in olds.values():
                    left[0].add(_by_id(old, record), *record[1:])
                yield number
            for number in range(COUNT):
                self._unmatched(old, left[0].part(number), new, left[1].part(number))
                yield number
            header = settle(differences(old.root, new.root), self._allowances)
            self._found.sort(key=_by_name)
            return Comparison(
                old.summary,
                new.summary,
                self._same,
                dict(sorted(self._counts.items())),
                dict(sorted(self._allowed.items())),
                tuple(self._found[: self._keep]),
                header,
            )

    def _pair(self, old: Export, one: Record, new: Export, other: Record, screen: Screen) -> None:
        if one.digest == other.digest:
            if one.marks == other.marks:
                self._same += 1
                return
            for number, allowance in enumerate(screen.ignoring):
                part = slice(number * MARK, (number + 1) * MARK)
                self._allowed[allowance.name] += one.marks[part] != other.marks[part]
            return
        self._look("changed", old, one, new, other)

    def _look(self, kind: Kind, old: Export, one: Record, new: Export, other: Record) -> None:
        """Both objects, closely."""
        was, is_ = old.element(one), new.element(other)
        changes = settle(differences(was, is_), self._allowances)
        if not changes:
            self._same += 1
            return
        self._allowed.update({change.allowed for change in changes if change.allowed})
        if all(change.allowed for change in changes):
            return
        name, became = name_of(was, old.path), name_of(is_, new.path)
        self._add(Difference(kind, name, was.get("object-type", ""), became if became != name else None, changes))

    def _unmatched(self, old: Export, olds: Iterator[Record], new: Export, news: Iterator[Record]) -> None:
        """Objects whose name only one side has: renamed when both have the id, otherwise missing or added."""
        by_id: dict[bytes, Record] = {}
        for one in olds:
            if one.key in by_id:
                self._alone("missing", old, one)
            else:
                by_id[one.key] = one
        for other in news:
            was = by_id.pop(other.key, None)
            if was is not None:
                self._look("renamed", old, was, new, other)
            else:
                self._alone("added", new, other)
        for one in by_id.values():
            self._alone("missing", old, one)

    def _alone(self, kind: Kind, export: Export, record: Record) -> None:
        element = export.element(record)
        self._add(Difference(kind, name_of(element, export.path), element.get("object-type", "")))

    def _add(self, difference: Difference) -> None:
        self._counts[difference.kind] += 1
        self._found.append(difference)
        if len(self._found) > 2 * self._keep + 1000:
            self._found.sort(key=_by_name)
            del self._found[self._keep :]


def _by_name(difference: Difference) -> tuple[str, str]:
    return (difference.dn, difference.kind)


def _by_id(export: Export, record: Record) -> bytes:
    """A digest that two exports share for the same object under another name; of one without id, none shares it."""
    found = export.element(record).get("id")
    return key_of(f"{{{found}" if found else f"{export.path}:{record.at}")


def _unique(records: Partitions, export: Export, number: int) -> dict[bytes, Record]:
    """By name. BadInput when two objects of one export have the same."""
    found: dict[bytes, Record] = {}
    for record in records.part(number):
        other = found.setdefault(record.key, record)
        if other is not record:
            place, first = export.place(record), export.place(other)
            name = name_of(export.element(record), export.path)
            raise BadInput(
                f"{name!r} is there twice; the first stands in line {first.line}.", "Export it again.", place
            )
    return found


def compare(
    before: Path, after: Path, allowances: Sequence[Allowance] = (), *, keep: int = 100, folder: Path | None = None
) -> Comparison:
    """Two exports of one connector space. At most `keep` differences are kept in full, the first by name; `folder` is
    for temporary files. BadInput with file and line for what is no export."""
    work = Comparing(before, after, allowances, keep=keep, folder=folder).run()
    while True:
        try:
            next(work)
        except StopIteration as end:
            result: Comparison = end.value
            return result
