"""Receipts that actions themselves leave on a host: what one attempt at one step made, as a small file.

The file is written after the work and read when the step is observed. That it is there says that this very attempt
made it; whether what it names is still as it was, its action looks for itself.
"""

from __future__ import annotations

import json
import ntpath
import posixpath
from collections.abc import Mapping
from typing import Any

from handrail.actions.base import Undetermined
from handrail.actions.protocol import ActFailed, Receipt
from handrail.errors import FileMissing
from handrail.hosts.protocol import Host
from handrail.hosts.windows_jobs import ROOT, safe_name
from handrail.probing.shell import complaint, run


def join(first: str, *rest: str) -> str:
    """A path on a host: what begins with a slash is one of Linux."""
    return posixpath.join(first, *rest) if first.startswith("/") else ntpath.join(first, *rest)


def path(receipt: Receipt, to: str = "") -> str:
    """`to`: where the action puts what it makes. On Linux the receipt lies there; Windows has one place for all."""
    if to.startswith("/"):
        return posixpath.join(folder_below(to, receipt), "receipt.json")
    return ntpath.join(ROOT, "receipts", safe_name(receipt.name) + ".json")


def folder_below(to: str, receipt: Receipt) -> str:
    """Where an attempt puts what it makes: apart for every run, step and attempt, so that nothing older can count."""
    return join(to, safe_name(receipt.run, 40), safe_name(receipt.step, 60), str(receipt.attempt))


async def put(host: Host, path: str, data: bytes) -> None:
    """Write a file into a folder of ours, which is made if need be and is nobody else's to read."""
    if not host.windows:
        script = 'umask 077; mkdir -p "$(dirname "$1")"'
        answer = await run(host, "sh", "-c", script, "folder", path)
        if answer.code != 0:
            raise ActFailed(f"{posixpath.dirname(path)} on {host.name} cannot be made: {complaint(answer)}")
    await host.write(path, data)


async def leave(host: Host, receipt: Receipt, what: Mapping[str, Any], to: str = "") -> None:
    document = {"receipt": receipt.name, **what}
    await put(host, path(receipt, to), json.dumps(document, sort_keys=True).encode())


async def found(host: Host, receipt: Receipt, to: str = "") -> dict[str, Any] | None:
    """What this attempt left; None when it left nothing. Raises `Undetermined` when it cannot be understood."""
    try:
        data = await host.read(path(receipt, to))
    except FileMissing:
        return None
    try:
        document = json.loads(data)
    except ValueError:
        document = None
    if not isinstance(document, dict) or document.get("receipt") != receipt.name:
        raise Undetermined(f"the receipt {path(receipt, to)} on {host.name} is damaged")
    return document
