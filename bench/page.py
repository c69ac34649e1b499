"""The page with all tables; each stands between two marks, so that one alone can be measured anew."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.tables import Result, machine, markdown, versions

_INTRODUCTION = """\
# Benchmarks

What is measured, beside what, and what came of it. Every table was written by the program that measured it:

```
make bench                            # all of them; the machine should have nothing else to do
python -m bench --only hosts,killed   # some
python -m bench.hosts 20 10 5         # one, with numbers of your own
```

They are ratios wherever they can be: contenders take turns in one run on one machine, so that whatever else it does
falls upon all of them. How busy it was stands below each table. Limits are ours; one that is missed says so.

Not compared: what the contenders are otherwise good for. pyinfra and ansible keep no journal and are not made for
resuming; Handrail has no library of modules. No real network is between the machines: all hosts are on loopback, and
on twins a step takes no longer than its commands. WinRM is not measured, nor are workers with hosts over SSH: the runs
over SSH below keep their journal in SQLite, on a disk of this machine that answers quickly (how quickly, the table of
the journal shows). Tables are not all of one day.
"""


def put(path: Path, name: str, result: Result, order: Sequence[str]) -> None:
    """Put one table into the page, in the place of the one that was there."""
    tables = _tables(path.read_text("utf-8")) if path.exists() else {}
    tables[name] = markdown(result) + f"\n*{machine()} {versions()}*\n"
    body = [f"{_begins(one)}\n{tables[one]}{_ends(one)}\n" for one in order if one in tables]
    path.write_text("\n".join([_INTRODUCTION, *body]), "utf-8")


def _begins(name: str) -> str:
    return f"<!-- table: {name} -->"


def _ends(name: str) -> str:
    return f"<!-- end: {name} -->"


def _tables(page: str) -> dict[str, str]:
    found = {}
    for part in page.split("<!-- table: ")[1:]:
        name, _, rest = part.partition(" -->\n")
        found[name] = rest.partition(_ends(name))[0]
    return found
