"""A clock that nobody sets, and that does not stand still while the machine is suspended."""

from __future__ import annotations

import time


def lifetime() -> float:
    """Seconds that this machine has lived, those included in which it was suspended (where the system counts them)."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
