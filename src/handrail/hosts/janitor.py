"""What runs leave behind on hosts, and when it goes: the folders of jobs, and on Windows their tasks.

A job's folder is its receipt. It stays as long as the run that began it may ask after it, and `DAYS` beyond its end in
any case: another Handrail may have runs on the same host that we know nothing of.
"""

from __future__ import annotations

from collections.abc import Collection

from handrail.hosts import detached, windows_jobs
from handrail.hosts.protocol import Host

DAYS = 90
"""How long what a job left behind stays at least, after its end."""


async def sweep(host: Host, runs: Collection[str], jobs: Collection[str], days: int = DAYS) -> list[str]:
    """Remove what ended jobs left on `host`; the names of the folders that went.

    `runs` are those that may still ask after their jobs, `jobs` the names of those jobs (on Windows a folder does not
    tell its run). Raises HostError when the host does not let us.
    """
    if host.windows:
        return await windows_jobs.prune(host, jobs, days * 86400.0)
    return await detached.prune(host, runs, days)
