"""A table as sqlcmd prints it: names, a line of hyphens, rows, and how many there were."""

from __future__ import annotations

from collections.abc import Sequence


def table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], separator: str, *, narrow: bool, heads: bool = True
) -> str:
    """`narrow` leaves out the blanks that fill columns (sqlcmd -W)."""
    widths = [max([len(name), 1, *(len(row[at]) for row in rows)]) for at, name in enumerate(columns)]
    if not narrow:
        widths = [max(width, 26) for width in widths]

    def line(cells: Sequence[str]) -> str:
        return separator.join(cells if narrow else [one.ljust(width) for one, width in zip(cells, widths, strict=True)])

    rules = ["-" * (max(len(name), 1) if narrow else width) for name, width in zip(columns, widths, strict=True)]
    lines = [line(columns), line(rules)] if heads else []
    lines += [line(row) for row in rows]
    return "".join(one + "\r\n" for one in (*lines, "", f"({len(rows)} rows affected)"))
