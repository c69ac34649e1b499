"""The console's own log of who signed in, who was refused what, and what went wrong. Passwords and tokens never."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

LARGEST = 16 * 1024 * 1024
"""Bytes; then the file becomes the older one, of which there is one."""
_LONGEST = 500
"""Characters of anything that came from outside."""


class SecurityLog:
    """One JSON object per line, readable by the owner only. A log that cannot be written stops nobody's work, but is
    complained about once."""

    def __init__(
        self,
        path: Path,
        *,
        redact: Callable[[Any], Any] = lambda what: what,
        complain: Callable[[str], object] = str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.path = path
        self._redact = redact
        self._complain = complain
        self._clock = clock
        self._lock = threading.Lock()
        self._lost = False

    def note(self, what: str, *, who: str = "", address: str = "", **more: Any) -> None:
        """`what`: a word for it, as `signed-in`. `more` is plain JSON; long texts are cut."""
        at = datetime.fromtimestamp(self._clock(), UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        entry = {"at": at, "what": what, "who": who, "from": address, **more}
        line = json.dumps(self._redact({name: _cut(value) for name, value in entry.items()}))
        try:
            with self._lock:
                self._append(line + "\n")
            self._lost = False
        except OSError as error:
            if not self._lost:
                self._complain(f"The log {self.path} cannot be written: {error.strerror}.")
            self._lost = True

    def _append(self, line: str) -> None:
        if self.path.exists() and self.path.stat().st_size > LARGEST:
            self.path.replace(self.path.with_suffix(self.path.suffix + ".1"))
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, line.encode("utf-8", "backslashreplace"))
        finally:
            os.close(descriptor)


def _cut(value: Any) -> Any:
    return value[:_LONGEST] + "…" if isinstance(value, str) and len(value) > _LONGEST else value
