"""All benchmarks whose tables stand on the page, in one run.

    python -m bench                                   prints the tables
    python -m bench --page docs/benchmarks.md         writes the page too
    python -m bench --only hosts,killed               some of them; on the page the others stay as they are
    python -m bench --quick                           a minute or two each: do they work? Not for the page

Exits with 1 when a limit was missed. The machine should have nothing else to do.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from bench import fleet, growth, hosts, journal, killed, page, waiting, watchers
from bench.tables import Result, text

BENCHMARKS: Mapping[str, Callable[[bool], Result]] = {
    "hosts": lambda quick: hosts.compare(20, 10, 1 if quick else 5, quick=quick),
    "lanes": lambda quick: hosts.compare(5, 50, 1 if quick else 5, quick=quick),
    "journal": lambda quick: journal.compare(quick=quick),
    "growth": lambda quick: growth.compare(quick=quick),
    "waiting": lambda quick: waiting.compare(quick=quick),
    "killed": lambda quick: killed.compare(quick=quick),
    "fleet": lambda quick: fleet.compare(quick=quick),
    "watchers": lambda quick: watchers.compare(quick=quick),
}
"""In the order of the page."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description="All benchmarks of the page.")
    parser.add_argument("--page", type=Path, help="write the tables into this file")
    parser.add_argument("--only", default=",".join(BENCHMARKS), help="names, with commas: %(default)s")
    parser.add_argument("--quick", action="store_true", help="only whether they work")
    given = parser.parse_args()
    names = given.only.split(",")
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"there is no benchmark {unknown[0]}")
    if given.quick and given.page:
        parser.error("what --quick finds is not for the page")
    kept = True
    for name in names:
        print(f"-- {name}", file=sys.stderr, flush=True)
        result = BENCHMARKS[name](given.quick)
        kept &= result.kept
        print(text(result), flush=True)
        if given.page:  # after each, so that one that fails takes nothing with it
            page.put(given.page, name, result, tuple(BENCHMARKS))
    return 0 if kept else 1


if __name__ == "__main__":
    raise SystemExit(main())
