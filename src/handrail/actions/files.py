"""Files of a Windows host: looked at, copied, deleted."""

from __future__ import annotations

import ntpath
from collections.abc import Sequence

from handrail.actions.protocol import ActFailed, Evidence
from handrail.hosts.protocol import Host
from handrail.probing.files import File, Tree, file, folders, in_use, is_there, script, tree, tree_in, version
from handrail.probing.shell import MINUTES, decoded, run, said

__all__ = [
    "File",
    "Tree",
    "copy_folder",
    "delete",
    "file",
    "folders",
    "in_use",
    "is_there",
    "make_folder",
    "missing_in",
    "script",
    "some",
    "tree",
    "tree_in",
    "version",
]

ROBOCOPY_FAILED = 8
"""Robocopy's codes below this one are ways of saying that it worked."""

_LINE = 7000
"""Characters of paths in one command: cmd takes 8191 with all that stands around them."""


async def make_folder(host: Host, path: str) -> None:
    """Folders above it too. That it exists already is as good; whether it does, whoever uses it will see."""
    await run(host, "cmd", "/c", "mkdir", path)


async def delete(host: Host, folder: str, names: Sequence[str]) -> None:
    """Delete files below a folder, hidden and read-only ones too. Whether they are gone, whoever uses it will see."""
    line: list[str] = []
    for name in names:
        path = ntpath.join(folder, name)
        if line and sum(len(one) + 3 for one in (*line, path)) > _LINE:
            await run(host, "cmd", "/c", "del", "/f", "/q", "/a", *line, timeout=10 * MINUTES)
            line = []
        line.append(path)
    if line:
        await run(host, "cmd", "/c", "del", "/f", "/q", "/a", *line, timeout=10 * MINUTES)


async def copy_folder(host: Host, source: str, target: str, tool: str = "robocopy") -> Evidence:
    """`tool` is robocopy, or xcopy where there is no robocopy (before Windows Server 2008). Both end with 1 for
    different reasons: to robocopy that is success."""
    if tool == "xcopy":
        failed, arguments = 1, ["/E", "/I", "/H", "/K", "/R", "/Y", "/Q"]
    else:
        failed, arguments = ROBOCOPY_FAILED, ["/E", "/COPY:DAT", "/R:2", "/W:2"]
    answer = await run(host, tool, source, target, *arguments, timeout=4 * 60 * MINUTES)
    evidence = Evidence(exit=answer.code, log=decoded(answer.out)[-4000:])
    if answer.code >= failed:
        raise ActFailed(f"{tool} from {source} to {target} ended with {answer.code}: {said(answer)}", evidence)
    return evidence


def missing_in(copy: Tree, original: Tree) -> list[str]:
    """Files of the original that the copy has not, or not equal."""
    return sorted(name for name, one in original.items() if copy.get(name) != one)


def some(names: list[str], most: int = 3) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
