"""What a detached command looks like when it is asked after. Both halves (Linux, Windows) answer with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class JobState:
    """`absent`: never started. `exited`: `code` is its exit code. `dead_unknown`: it is gone and left no exit code (the
    machine or the command was killed), so what it did is unknown. `out` is its output, standard error included; of a
    very long one only the end."""

    state: Literal["absent", "running", "exited", "dead_unknown"]
    code: int | None = None
    out: bytes = b""

    @property
    def text(self) -> str:
        return self.out.decode("utf-8", "replace")

    @property
    def succeeded(self) -> bool:
        return self.state == "exited" and self.code == 0
