"""What a detached command on Windows has printed so far, read now and then while it is at work.

Nobody waits for it and nothing is made of it here: whoever writes down what a host is asked has it then, as on Linux,
where every look at a job brings its output along. Here each look costs the host a PowerShell. So the first one comes
after a while, when most commands have ended, and what prints nothing is looked at more and more seldom.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from handrail.errors import HostError
from handrail.hosts import windows_jobs
from handrail.hosts.protocol import Host

SOON = 4.0
"""Seconds before the first look, and between looks at a command that goes on printing."""
SELDOM = 30.0
"""Seconds between looks at one that prints nothing, at most."""
BEFORE = 24 * 1024
"""Bytes that are read again before what is new: where the rest is cut off, a secret may be cut in two, and only with
what stood before it is it known for one."""
MOST = 64 * 1024
WITHIN = 30.0
"""Seconds that a look may take."""


class Tail:
    """The output of one job."""

    def __init__(self, host: Host, job: str) -> None:
        self._host = host
        self._job = job
        self._size = 0
        self._pause = SOON
        self._due = _now() + SOON

    async def look(self) -> None:
        """Read its end, when it is time to. Never raises for what the host does: the job itself is asked after."""
        if _now() < self._due:
            return
        before = self._size
        try:
            if await self._read() > MOST:
                await self._read()
        except HostError:
            pass
        self._pause = SOON if self._size > before else min(self._pause * 2, SELDOM)
        self._due = _now() + self._pause

    async def _read(self) -> int:
        """How many bytes there were beyond those that we asked to begin with."""
        offset = max(0, self._size - BEFORE) & ~1  # UTF-16 is read from its own beginning
        part = await windows_jobs.output_part(self._host, self._job, offset, MOST, WITHIN)
        self._size = part.size
        return part.size - offset


def is_look(words: Sequence[str]) -> bool:
    """Whether a reviewed script, by its name and arguments, is such a look, and not the one at the end."""
    return windows_jobs.asks_for_output(words) and words[3] == str(MOST)


def _now() -> float:
    return asyncio.get_running_loop().time()
