"""Receipts that actions themselves leave on a Windows host: what one attempt at one step made, as a small file.

The file is written after the work and read when the step is observed. That it is there says that this very attempt
made it; whether what it names is still as it was, its action looks for itself.
"""

from __future__ import annotations

import json
import ntpath
from collections.abc import Mapping
from typing import Any

from handrail.actions.base import Undetermined
from handrail.actions.protocol import Receipt
from handrail.errors import FileMissing
from handrail.hosts.protocol import Host
from handrail.hosts.windows_jobs import ROOT, safe_name


def path(receipt: Receipt) -> str:
    return ntpath.join(ROOT, "receipts", safe_name(receipt.name) + ".json")


def folder_below(to: str, receipt: Receipt) -> str:
    """Where an attempt puts what it makes: apart for every run, step and attempt, so that nothing older can count."""
    return ntpath.join(to, safe_name(receipt.run, 40), safe_name(receipt.step, 60), str(receipt.attempt))


async def leave(host: Host, receipt: Receipt, what: Mapping[str, Any]) -> None:
    document = {"receipt": receipt.name, **what}
    await host.write(path(receipt), json.dumps(document, sort_keys=True).encode())


async def found(host: Host, receipt: Receipt) -> dict[str, Any] | None:
    """What this attempt left; None when it left nothing. Raises `Undetermined` when it cannot be understood."""
    try:
        data = await host.read(path(receipt))
    except FileMissing:
        return None
    try:
        document = json.loads(data)
    except ValueError:
        document = None
    if not isinstance(document, dict) or document.get("receipt") != receipt.name:
        raise Undetermined(f"the receipt {path(receipt)} on {host.name} is damaged")
    return document
