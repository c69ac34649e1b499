"""What a benchmark found: as text for a terminal, and as Markdown for the page. And what it was measured on."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("handrail", "asyncssh", "pyinfra", "ansible-core", "SQLAlchemy", "psycopg", "procrastinate")


@dataclass(frozen=True, slots=True)
class Verdict:
    """A limit, and whether it was kept."""

    what: str
    found: float
    limit: float
    at_least: bool = False

    @property
    def kept(self) -> bool:
        return self.found >= self.limit if self.at_least else self.found <= self.limit

    def __str__(self) -> str:
        bound = "at least" if self.at_least else "at most"
        return f"{self.what}: {self.found:.2f} ({bound} {self.limit:g}: {'kept' if self.kept else 'MISSED'})"


@dataclass(frozen=True, slots=True)
class Result:
    """One table. `about`: what was measured and how, in whole sentences; `load`: that of the machine when it began and
    when it ended."""

    title: str
    about: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    verdicts: tuple[Verdict, ...] = ()
    load: str = ""

    @property
    def kept(self) -> bool:
        return all(one.kept for one in self.verdicts)


def text(result: Result) -> str:
    rows = [result.head, *result.rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(result.head))]
    lines = [result.title, ""]
    lines += ["  ".join(_placed(cell, width, n) for n, (cell, width) in enumerate(zip(row, widths, strict=True)))
              for row in rows]  # fmt: skip
    lines += ["", *(str(one) for one in result.verdicts)]
    return "\n".join(line.rstrip() for line in lines).rstrip() + (f"\n({result.load})" if result.load else "") + "\n"


def markdown(result: Result) -> str:
    lines = [f"## {result.title}", "", result.about, ""]
    lines.append("| " + " | ".join(result.head) + " |")
    lines.append("|" + "|".join("---" if n == 0 else "---:" for n in range(len(result.head))) + "|")
    lines += ["| " + " | ".join(row) + " |" for row in result.rows]
    lines += ["", *(f"- {one}" for one in result.verdicts)]
    if result.load:
        lines += ["", f"*{result.load[:1].upper()}{result.load[1:]}.*"]
    return "\n".join(lines).rstrip() + "\n"


def _placed(cell: str, width: int, column: int) -> str:
    return cell.ljust(width) if column == 0 else cell.rjust(width)


class Load:
    """How busy the machine was: others share it, and nobody should have to guess how much."""

    def __init__(self) -> None:
        self._began = os.getloadavg()[0]
        self._at = time.strftime("%Y-%m-%d %H:%M")

    def __str__(self) -> str:
        return f"begun {self._at}; load {self._began:.1f} before, {os.getloadavg()[0]:.1f} after"


def versions() -> str:
    """Of everything that was at work, in one sentence."""
    found = [f"Python {platform.python_version()}"]
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"{name} not installed")
    sshd = shutil.which("sshd") or "/usr/sbin/sshd"
    try:
        said = subprocess.run([sshd, "-V"], capture_output=True, text=True, check=False)
        found.append((said.stderr or said.stdout).split(",")[0].strip().replace("_", " "))
    except OSError:
        pass
    return ", ".join(one for one in found if one) + "."


def machine() -> str:
    """The machine, in one sentence."""
    model = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.processor() or platform.machine(),
    )
    memory = next((int(line.split()[1]) for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), 0)
    return (
        f"{os.cpu_count()} processors ({model}), {memory / 2**20:.0f} GiB of memory, {platform.system()} "
        f"{platform.release().split('-')[0]}."
    )


def _lines(path: str) -> Sequence[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return ()
