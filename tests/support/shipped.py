"""The shipped guides, compiled once in each process: that takes a second."""

from __future__ import annotations

from functools import cache

from handrail.actions import signatures
from handrail.guides.catalogue import Catalogue, load


@cache
def shipped() -> Catalogue:
    return load(signatures=signatures())
