"""Looking at files of a Windows host: is it there, what is in it, which version is it."""

from __future__ import annotations

import ntpath
import re
from dataclasses import dataclass

from handrail.hosts import powershell
from handrail.hosts.protocol import Host
from handrail.probing.shell import MINUTES, Undetermined, decoded, execute, run, said

_HASH = re.compile(r"^([0-9A-Fa-f]{64})\|([0-9]{1,18})\|(.+)$")
_VERSION = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9}){3}")


@dataclass(frozen=True, slots=True)
class File:
    sha256: str
    size: int


Tree = dict[str, File]
"""Path below a folder, in lower case and with backslashes -> file."""


def tree_in(text: str) -> Tree | None:
    """What `hash-tree` printed; None when a line is not understood."""
    tree: Tree = {}
    for line in text.splitlines():
        if line.strip():
            found = _HASH.match(line)
            if not found:
                return None
            tree[found[3].casefold()] = File(found[1].lower(), int(found[2]))
    return tree


async def script(host: Host, name: str, *arguments: str, within: float = 5 * MINUTES) -> str | None:
    """What a reviewed script printed; None when it said that what it was asked about is not there."""
    answer = await execute(host, powershell.command(name, *arguments, timeout=within))
    if answer.code == powershell.ABSENT:
        return None
    if answer.code != 0:
        raise Undetermined(f"{name} on {host.name} ended with {answer.code}: {said(answer)}")
    return decoded(answer.out)


async def tree(host: Host, folder: str) -> Tree | None:
    """Hashes of all files below a folder (of a single file: its own); None when it is not there."""
    text = await script(host, "hash-tree", folder, within=60 * MINUTES)
    if text is None:
        return None
    found = tree_in(text)
    if found is None:
        raise Undetermined(f"hash-tree {folder} on {host.name} printed something that is not understood")
    return found


async def file(host: Host, path: str) -> File | None:
    found = await tree(host, path)
    if found is None:
        return None
    if set(found) != {ntpath.basename(path).casefold()}:
        raise Undetermined(f"{path} on {host.name} is no single file")
    return found[ntpath.basename(path).casefold()]


async def in_use(host: Host, folder: str) -> list[str]:
    """The files below a folder that somebody keeps open, as `tree` spells them; none when it is not there."""
    text = await script(host, "files-in-use", folder, within=30 * MINUTES)
    return sorted(line.strip().casefold() for line in (text or "").splitlines() if line.strip())


async def folders(host: Host, folder: str) -> list[str] | None:
    """The folders below a folder, at any depth, relative to it, in lower case; None when that cannot be told."""
    answer = await run(host, "cmd", "/c", "dir", "/ad", "/b", "/s", folder, timeout=30 * MINUTES)
    cut = len(folder.rstrip("\\")) + 1
    lines = [line.strip() for line in decoded(answer.out).splitlines() if line.strip()]
    if any(not line.casefold().startswith(folder.rstrip("\\").casefold() + "\\") for line in lines):
        return None
    return sorted(line[cut:].casefold() for line in lines)


async def version(host: Host, path: str) -> str | None:
    """The file version as four numbers; None when the file is not there."""
    text = await script(host, "file-version", path)
    if text is None:
        return None
    if not _VERSION.fullmatch(text.strip()):
        raise Undetermined(f"the file version of {path} on {host.name} is not understood: {text.strip()[:80]!r}")
    return text.strip()


async def is_there(host: Host, path: str) -> bool:
    # In an empty drive dir finds no file, and fails as if there were no drive.
    ask = ("cd", "/d") if re.fullmatch(r"[A-Za-z]:\\?", path) else ("dir",)
    return (await run(host, "cmd", "/c", *ask, path)).code == 0
