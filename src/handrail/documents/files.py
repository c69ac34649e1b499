"""Reading and writing whole files, with sentences instead of errno.

Reading has a limit that is checked before a byte is read; writing is atomic: a reader sees the old file or the new.
"""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from handrail.errors import BadInput, Place


def read_bytes(path: Path | str, what: str = "The file", limit: int | None = None) -> bytes:
    """The content of `path`. BadInput when it is missing, not a file, not readable or larger than `limit` bytes."""
    file = Path(path)
    place = Place(str(path))
    try:
        status = file.stat()
        if stat.S_ISDIR(status.st_mode):
            raise BadInput(f"{what} is a folder.", "Give the path of a file.", place)
        if stat.S_ISCHR(status.st_mode) or stat.S_ISBLK(status.st_mode):
            raise BadInput(f"{what} is a device.", "Give the path of a file.", place)
        if limit is not None and status.st_size > limit:
            raise BadInput(
                f"{what} is {_size(status.st_size)} large; the limit is {_size(limit)}.",
                "Split it, or check that this is the file you meant.",
                place,
            )
        with file.open("rb") as stream:
            # A pipe has no size beforehand: read one byte more than allowed and see.
            data = stream.read() if limit is None else stream.read(limit + 1)
    except FileNotFoundError:
        raise BadInput(f"{what} does not exist.", "Check the path.", place) from None
    except PermissionError:
        raise BadInput(f"{what} may not be read.", "Check its permissions.", place) from None
    except (OSError, ValueError) as error:
        raise BadInput(f"{what} cannot be read: {_because(error)}.", "Check the path.", place) from None
    if limit is not None and len(data) > limit:
        raise BadInput(f"{what} is larger than the limit of {_size(limit)}.", "Split it.", place)
    return data


def write_bytes(path: Path | str, data: bytes, what: str = "The file") -> None:
    """Replace the content of `path` atomically and durably. BadInput when that is not possible."""
    write_parts(path, (data,), what)


def write_parts(path: Path | str, parts: Iterable[bytes], what: str = "The file") -> None:
    """The same with content that comes in parts, so that all of it is never in memory.

    A link stays, and what it points to is replaced. What is no file (a pipe, a terminal) is written to as it is.
    """
    temporary: str | None = None
    try:
        with _explained(path, what):
            file = _target(path, what)
            if file.exists() and not file.is_file():
                with file.open("wb") as stream:
                    stream.writelines(parts)
                return
            handle, temporary = tempfile.mkstemp(prefix=f".{file.name[:100]}.", dir=file.parent)
            with os.fdopen(handle, "wb") as stream:
                stream.writelines(parts)
                stream.flush()
                os.fsync(stream.fileno())
            Path(temporary).chmod(0o666 & ~_umask())
            Path(temporary).replace(file)
            temporary = None
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)


def refuse_unwritable(path: Path | str, what: str = "The file", source: Path | str | None = None) -> None:
    """BadInput when it shows already that `write_bytes` could not write there: what takes long to make must not be lost
    at its end. Nor may what it is made from: `source`."""
    with _explained(path, what):
        file = _target(path, what)
        if source is not None and file == Path(os.path.realpath(source)):
            raise BadInput(
                f"{what} cannot be written: it would replace what it is made from.",
                "Choose another name.",
                Place(str(path)),
            )
        if not file.exists() or file.is_file():
            with tempfile.TemporaryFile(dir=file.parent):
                pass


def _target(path: Path | str, what: str) -> Path:
    """Where a link leads. BadInput for a folder."""
    file = Path(os.path.realpath(path))
    if file.is_dir():
        raise BadInput(
            f"{what} cannot be written: there is a folder of this name.", "Choose another name.", Place(str(path))
        )
    return file


@contextlib.contextmanager
def _explained(path: Path | str, what: str) -> Iterator[None]:
    """What keeps a file from being written, as a BadInput."""
    place = Place(str(path))
    try:
        yield
    except FileNotFoundError:
        raise BadInput(
            f"{what} cannot be written: its folder does not exist.", "Make the folder first.", place
        ) from None
    except (OSError, ValueError) as error:
        raise BadInput(
            f"{what} cannot be written: {_because(error)}.", "Choose another place or free it.", place
        ) from None


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _because(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error)
    return text[:1].lower() + text[1:]


def _size(count: int) -> str:
    return f"{count / 1024 / 1024:.1f} MB" if count >= 1024 * 1024 else f"{count} bytes"
