"""Plain text merged three-way, line by line, by merge3. Where both sides changed the same place, the customised lines
stay and the place is named as a conflict."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from merge3 import Merge3

from handrail.comparing.fates import Fate, FateName, told


@dataclass(frozen=True, slots=True)
class Group:
    """Lines that belong together. `kind`: unchanged, new (changed by what ships), mine, same (by both alike) or
    conflict. `before` are the lines that stood there, `theirs` those that ship in a conflict."""

    kind: str
    lines: tuple[str, ...]
    before: tuple[str, ...] = ()
    theirs: tuple[str, ...] = ()


def groups(stock_old: str, customised: str, stock_new: str) -> Iterator[Group]:
    old, mine, new = (part.splitlines(keepends=True) for part in (stock_old, customised, stock_new))
    names = {"unchanged": "unchanged", "a": "mine", "b": "new", "same": "same"}
    for kind, *at in Merge3(old, mine, new).merge_regions():
        if kind == "conflict":
            base_from, base_to, mine_from, mine_to, new_from, new_to = at
            before = tuple(old[base_from:base_to]) if base_from is not None else ()
            yield Group("conflict", tuple(mine[mine_from:mine_to]), before, tuple(new[new_from:new_to]))
        else:
            side = {"unchanged": old, "a": mine, "b": new, "same": mine}[kind]
            yield Group(names[kind], tuple(side[at[0] : at[1]]))


def merged_lines(stock_old: str, customised: str, stock_new: str) -> list[str]:
    """The lines of the result; in conflicts the customised ones. Each ends with a line end."""
    lines = [line for group in groups(stock_old, customised, stock_new) for line in group.lines]
    return [line if line.endswith("\n") else line + "\n" for line in lines]


def merge_text(stock_old: str | None, customised: str, stock_new: str, asset: str) -> tuple[str, tuple[Fate, ...]]:
    """The merged text and a row for every place that was customised. Without `stock_old` nobody can tell what was
    customised: every difference needs a person."""
    if customised == stock_new:
        same = stock_old is not None and stock_old != customised
        return stock_new, (_row(asset, 1, "carried", customised, "it ships like that now"),) if same else ()
    if stock_old is None:
        because = "it differs from what ships, and what the old version shipped is not known"
        return customised, (_row(asset, 1, "needs-a-person", customised, because),)
    if customised == stock_old:
        return stock_new, ()
    rows, lines, number = [], [], 1
    for group in groups(stock_old, customised, stock_new):
        text = "".join(group.lines)
        if group.kind == "mine":
            rows.append(_row(asset, number, "carried", text or "(lines taken out)", ""))
        elif group.kind == "same":
            rows.append(_row(asset, number, "carried", text or "(lines taken out)", "it ships like that now"))
        elif group.kind == "conflict":
            theirs = told("", "".join(group.theirs).strip()) or "nothing"
            because = f"you and what ships changed the same lines; what ships: {theirs}"
            rows.append(_row(asset, number, "needs-a-person", text or "(lines taken out)", because))
        lines.append(text)
        number += len(group.lines)
    return "".join(lines), tuple(rows)


def _row(asset: str, line: int, fate: FateName, text: str, because: str) -> Fate:
    what = "Decide which lines stand, and write them." if fate == "needs-a-person" else ""
    shown = told("", text.strip())
    now = None if fate == "needs-a-person" else shown
    return Fate(asset, f"line {line}", fate, shown, now, because, what)
