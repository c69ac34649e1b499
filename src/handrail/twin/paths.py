r"""Windows paths as text: `C:\Folder\File`. Names keep their case and are compared without it."""

from __future__ import annotations

import fnmatch
import functools
import ntpath


@functools.lru_cache(maxsize=1 << 14)
def clean(path: str, cwd: str = "C:\\") -> str:
    """Absolute, with single backslashes, without quotes and without a trailing backslash (except for a root)."""
    text = path.strip().strip('"').replace("/", "\\")
    if len(text) == 2 and text[1] == ":":
        text += "\\"
    if not ntpath.splitdrive(text)[0]:
        text = ntpath.join(cwd, text)
    return ntpath.normpath(text)


def key(path: str) -> str:
    """The form that is compared."""
    return clean(path).lower()


def parent(path: str) -> str:
    return ntpath.dirname(path)


def name(path: str) -> str:
    return ntpath.basename(path)


def join(folder: str, *rest: str) -> str:
    return ntpath.normpath(ntpath.join(folder, *rest))


def drive(path: str) -> str:
    """`C:` in capitals, or an empty text for a share."""
    head = ntpath.splitdrive(path)[0]
    return head.upper() if head.endswith(":") else ""


def is_root(path: str) -> bool:
    return ntpath.dirname(path) == path


def inside(path: str, folder: str) -> bool:
    """Whether `path` lies anywhere below `folder`, both in compared form."""
    return path.startswith(folder if folder.endswith("\\") else folder + "\\")


def relative(path: str, folder: str) -> str:
    """`path` without `folder` in front; both as cleaned, `path` inside `folder`."""
    return path[len(folder.rstrip("\\")) + 1 :]


def matches(text: str, pattern: str) -> bool:
    """`*` and `?` as Windows means them, without regard to case. `*.*` is everything."""
    pattern = "*" if pattern == "*.*" else pattern
    return fnmatch.fnmatchcase(text.lower(), pattern.lower().replace("[", "[[]"))
