"""How long `handrail --help` takes, as a multiple of `python -I -c pass`, the two taken in turns.

python -m bench.startup [RUNS]
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

LIMIT = 10.0


def seconds(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def main(runs: int = 30) -> None:
    bare = [sys.executable, "-I", "-c", "pass"]
    help_ = [str(Path(sys.executable).with_name("handrail")), "--help"]
    for command in (bare, help_):
        seconds(command)
    pairs = [(seconds(bare), seconds(help_)) for _ in range(runs)]
    base, ours = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(f"python -I -c pass   {base * 1000:7.1f} ms  (median of {runs})")
    print(f"handrail --help     {ours * 1000:7.1f} ms")
    print(
        f"ratio               {ours / base:7.1f}     limit {LIMIT:.0f}: {'kept' if ours / base <= LIMIT else 'BROKEN'}"
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
