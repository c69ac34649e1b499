"""Shipped guides, each read once for a whole build."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from handrail.guides import catalogue

_open = catalogue.open_guide


@cache
def _once(path: Path) -> catalogue.CompiledGuide:
    return _open(path)


def shipped(path: Path, **more: Any) -> catalogue.CompiledGuide:
    """What `open_guide` gives for a shipped guide file."""
    return _open(path, **more) if more else _once(path)
