"""`robocopy`, whose exit code is a sum of 1 (copied), 2 (extra files), 8 (failed), 16 (nothing done), and `xcopy`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from handrail.twin import paths
from handrail.twin.machine import Machine
from handrail.twin.mechanisms import drives, files
from handrail.twin.things import Entry
from handrail.twin.tools.options import not_rehearsed, split
from handrail.twin.tools.reply import Reply, complain, say

_FLAGS = (
    "e",
    "s",
    "copy",
    "dcopy",
    "r",
    "w",
    "np",
    "nfl",
    "ndl",
    "njh",
    "njs",
    "mir",
    "purge",
    "is",
    "it",
    "z",
    "b",
    "xj",
    "mt",
)
_COPIED, _EXTRA, _FAILED, _NOTHING = 1, 2, 8, 16


def run(machine: Machine, arguments: Sequence[str]) -> Reply:
    words, options = split("robocopy", arguments, flags=_FLAGS)
    if len(words) < 2:
        raise not_rehearsed("robocopy", arguments)
    source, target, patterns = words[0], machine.path(words[1]), words[2:] or ["*"]
    if not files.is_folder(machine, source):
        text = f"ERROR 2 (0x00000002) Accessing Source Directory {source}"
        return say(_NOTHING, _header(source, target), text, "The system cannot find the file specified.")
    if files.find(machine, target) is None and not files.make_folder(machine, target):
        text = f"ERROR 3 (0x00000003) Creating Destination Directory {target}"
        return say(_NOTHING, _header(source, target), text, "The system cannot find the path specified.")
    everything = {"e", "s", "mir"} & set(options)
    copied, failed, same = _copy(machine, source, target, patterns, bool(everything))
    extra = _extras(machine, source, target) if everything else []
    if extra and {"mir", "purge"} & set(options):
        for one in extra:
            files.delete(machine, one)
        machine.did("file", f"{len(extra)} extra files removed below {target}")
    if copied:
        machine.did("file", f"copied from {source} to {target}: {', '.join(copied)}")
    code = (_COPIED if copied else 0) | (_EXTRA if extra else 0) | (_FAILED if failed else 0)
    total = len(copied) + len(failed) + same
    return say(
        code,
        _header(source, target),
        *(f"\t    New File  \t\t{name}" for name in copied),
        *(f"ERROR 5 (0x00000005) Copying File {name}" for name in failed),
        "               Total    Copied   Skipped  Mismatch    FAILED    Extras",
        f"   Files : {total:>9} {len(copied):>9} {same:>9}         0 {len(failed):>9} {len(extra):>9}",
    )


def xcopy(machine: Machine, arguments: Sequence[str]) -> Reply:
    """`xcopy SOURCE TARGET /E /I /H /K /R /Y /Q`: 0 copied, 4 could not, and 5 could not write (without /R over files
    that are read-only)."""
    words, options = split("xcopy", arguments, flags=("e", "i", "h", "k", "y", "q", "s", "c", "r"))
    if len(words) != 2 or not {"e", "i", "y"} <= set(options):
        raise not_rehearsed("xcopy", arguments)
    source, target = words[0], machine.path(words[1])
    if not files.is_folder(machine, source):
        return complain(4, f"File not found - {paths.name(source)}", "0 File(s) copied")
    if files.find(machine, target) is None and not files.make_folder(machine, target):
        return complain(4, "Invalid drive specification", "0 File(s) copied")
    copied, failed, same = _copy(machine, source, target, ["*"], True, over_read_only="r" in options)
    if copied:
        machine.did("file", f"copied from {source} to {target}: {', '.join(copied)}")
    return say(5 if failed else 0, f"{len(copied) + same} File(s) copied")


def _header(source: str, target: str) -> str:
    title = "   ROBOCOPY     ::     Robust File Copy for Windows"
    return "\r\n".join(("", title, "", f"   Source : {source}", f"     Dest : {target}", ""))


def _root(machine: Machine, folder: str) -> str:
    place = drives.locate(machine, folder)
    assert place is not None
    return place[1]


def _copy(
    machine: Machine, source: str, target: str, patterns: Sequence[str], everything: bool, over_read_only: bool = True
) -> tuple[list[str], list[str], int]:
    """Names copied, names that failed, and how many were the same (in size and time, as robocopy judges)."""
    root = _root(machine, source)
    copied, failed, same = [], [], 0
    for one in files.below(machine, source) if everything else files.children(machine, source):
        name = paths.relative(one.path, root)
        path = paths.join(target, name)
        if one.folder:
            if everything:
                files.make_folder(machine, path)
            continue
        if not any(paths.matches(paths.name(name), pattern) for pattern in patterns):
            continue
        there = files.find(machine, path)
        if there is not None and (there.size, there.time) == (one.size, one.time):
            same += 1
        elif _shut(machine, path) or (there is not None and there.read_only and not over_read_only):
            failed.append(name)
        else:
            _put(machine, path, one)
            copied.append(name)
    return copied, failed, same


def _shut(machine: Machine, path: str) -> bool:
    return not files.writable(machine, path) or files.held_by(machine, path) is not None


def _put(machine: Machine, path: str, entry: Entry) -> None:
    place = drives.locate(machine, path)
    assert place is not None
    host, physical = place
    host.put(physical, replace(entry, path=physical, read_only=False))


def _extras(machine: Machine, source: str, target: str) -> list[Entry]:
    there = {paths.relative(one.path, _root(machine, source)).lower() for one in files.below(machine, source)}
    root = _root(machine, target)
    return [one for one in files.below(machine, target) if paths.relative(one.path, root).lower() not in there]
