"""The three sides of a configuration file on a host, and where they are found."""

from __future__ import annotations

import hashlib
import ntpath
import posixpath
from dataclasses import dataclass, replace

from handrail.actions import files, receipts
from handrail.actions.base import Undetermined
from handrail.comparing import config_merge
from handrail.comparing.fates import Fate
from handrail.comparing.xml_merge import Merged
from handrail.errors import FileMissing
from handrail.hosts.protocol import Host
from handrail.probing.shell import run


@dataclass(frozen=True, slots=True)
class Sides:
    """`now` is what stands in the file (None: it is not there). `stock_new` None: nobody knows what ships now, for the
    installer kept the edited file. `left` is what the installer left, while nobody has changed it."""

    kept: str
    customised: bytes
    stock_old: bytes | None
    stock_new: bytes | None
    now: bytes | None
    left: bytes | None


async def read(host: Host, path: str) -> bytes | None:
    """None when it is not there."""
    try:
        return await host.read(path)
    except FileMissing:
        return None


async def find(host: Host, folder: str, file: str) -> bytes | None:
    """The file of that name below a folder (or the folder is the file itself). Of several the one whose path is most
    alike, from its end; None when there is none, or no telling which."""
    if not host.windows:
        return await _find_here(host, folder, file)
    tree = await files.tree(host, folder)
    if tree is None:
        return None
    wanted = [part.casefold() for part in ntpath.normpath(file).split("\\")]
    named = [name for name in tree if name.split("\\")[-1] == wanted[-1]]
    if len(tree) == 1 and ntpath.basename(folder).casefold() == wanted[-1]:
        return await host.read(folder)
    scored = sorted((-_alike(name.split("\\"), wanted), name) for name in named)
    if not scored or (len(scored) > 1 and scored[0][0] == scored[1][0]):
        return None
    return await host.read(ntpath.join(folder, scored[0][1]))


async def _find_here(host: Host, folder: str, file: str) -> bytes | None:
    """The same on Linux, where names differ by their case."""
    answer = await run(host, "find", "-H", folder, "-type", "f", "-name", posixpath.basename(file), "-print0")
    wanted = posixpath.normpath(file).split("/")
    named = [one for one in answer.out.decode("utf-8", "surrogateescape").split("\0") if one]
    if not named:
        # Named as the very file, which may be called otherwise than the one that is edited.
        return await read(host, folder) if (await run(host, "test", "-f", folder)).code == 0 else None
    scored = sorted((-_alike(one.split("/"), wanted), one) for one in named)
    if len(scored) > 1 and scored[0][0] == scored[1][0]:
        return None
    return await host.read(scored[0][1])


def _alike(parts: list[str], wanted: list[str]) -> int:
    count = 0
    for one, other in zip(reversed(parts), reversed(wanted), strict=False):
        if one != other:
            break
        count += 1
    return count


def _installed(kept: str) -> str:
    return receipts.join(ntpath.dirname(ntpath.dirname(kept)), "installed", ntpath.basename(kept))


def proposal_of(sides: Sides) -> str:
    folder = ntpath.dirname(ntpath.dirname(sides.kept))
    return receipts.join(folder, "proposal", ntpath.basename(sides.kept))


async def sides(
    host: Host, file: str, kept: str, sha256: str | None, stock_old: str | None, stock_new: str | None
) -> Sides:
    """Raises `Undetermined` when the kept file is not what was kept, or stock that was named is not there."""
    customised = await read(host, kept)
    if customised is None or (sha256 is not None and hashlib.sha256(customised).hexdigest() != sha256):
        raise Undetermined(f"{kept} on {host.name} is not what was kept")
    old = await read(host, stock_old) if stock_old else None
    if stock_old and old is None:
        raise Undetermined(f"{stock_old} on {host.name} is not there any more")
    now = await read(host, file)
    installed = await read(host, _installed(kept))
    new = await find(host, stock_new, file) if stock_new else None
    if stock_new and new is None:
        raise Undetermined(f"{stock_new} on {host.name} holds no {ntpath.basename(file)}, or several")
    left = installed if installed is not None else now
    if left is not None and (left != customised or (left == old and host.windows)):
        new = left  # the installer put its own there, with names of this host written into it
    return Sides(kept, customised, old, new, now, left)


async def remember_installed(host: Host, sides: Sides) -> None:
    """Keep what the installer left, before it is changed: it is what ships now."""
    if sides.left is not None and await read(host, _installed(sides.kept)) is None:
        await receipts.put(host, _installed(sides.kept), sides.left)


def merged(sides: Sides, file: str) -> Merged:
    """BadInput when a side is no configuration."""
    name = ntpath.basename(file)
    if sides.stock_new is not None:
        return config_merge.merge(sides.stock_old, sides.customised, sides.stock_new, name)
    if sides.left is None:
        because = "the installer took the file away, and it was customised"
        what = "Decide whether the new version still reads it, and put it back if so."
        return Merged(sides.customised, (Fate(name, "the whole file", "needs-a-person", "kept", None, because, what),))
    row = Fate(name, "the whole file", "carried", "kept", "as it was", "the installer left it as it was")
    if sides.stock_old is None:
        what = "Look whether the new version needs redirects or settings that it lacks."
        return Merged(sides.customised, (replace(row, what_to_do=what),))
    because = "the installer kept the edited file, and what it ships now is not known: redirects may be missing"
    what = "Take the file out of the new version's package, compare, and write what is missing."
    asked = Fate(name, "what ships now", "needs-a-person", None, None, because, what)
    return Merged(sides.customised, (row, asked))


def losses(sides: Sides, merge: Merged, file: str) -> list[Fate]:
    """What the file lacks now. BadInput when it is no configuration."""
    assert sides.now is not None
    shipped = sides.stock_new if sides.stock_new is not None else sides.customised
    name = ntpath.basename(file)
    return config_merge.losses(sides.stock_old, sides.customised, shipped, merge, sides.now, name)
