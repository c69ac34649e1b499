"""Where things stand in a document."""

from __future__ import annotations

MAX_DEPTH = 64
"""Containers within containers; deeper documents are refused."""

Mark = tuple[int, int, int, int]
"""Where a key and its value begin, line and column counted from 1. A list entry has its own place twice."""

Marks = dict[int, dict[str | int, Mark]]
"""Of each container, by its `id`, the marks of its entries."""
