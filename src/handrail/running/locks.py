"""One runner per run: a lock of the operating system, which it frees by itself when we are killed."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from handrail.errors import StoreLocked, StoreUnwritable


@contextlib.contextmanager
def held(path: Path, what: str) -> Iterator[None]:
    """Hold the lock file `path` while inside. StoreLocked when another process holds it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a+", encoding="utf-8")
    except OSError as error:
        raise StoreUnwritable(
            f"The lock file {path} cannot be made: {error.strerror}.",
            "Choose another HANDRAIL_HOME or mend its rights.",
        ) from error
    with file:
        if not _lock_patiently(file):
            file.seek(0)
            holder = file.read().strip()
            raise StoreLocked(
                f"{what} is already being carried out" + (f" by process {holder}." if holder else "."),
                "Wait for it to end, or follow it with `handrail status`.",
            )
        # Who holds it is for the message only; a full disk must not stop us here.
        with contextlib.suppress(OSError):
            file.seek(0)
            file.truncate()
            file.write(str(os.getpid()))
            file.flush()
        yield


def is_held(path: Path) -> bool:
    """Whether some process holds the lock file `path` now."""
    try:
        with path.open("a+", encoding="utf-8") as file:
            return not _lock(file)
    except OSError:
        return False


def _lock_patiently(file: IO[str]) -> bool:
    """Somebody who only asked `is_held` has it for an instant; that must not turn a runner away."""
    for _ in range(5):
        if _lock(file):
            return True
        time.sleep(0.02)
    return False


if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[str]) -> bool:
        try:
            file.seek(4096)  # beyond what is written, so that the holder's number stays readable
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _lock(file: IO[str]) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
