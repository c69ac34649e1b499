"""What a step does: observe, act, undo. `catalogue.py` maps the names that guides use to the classes."""

from __future__ import annotations

from handrail.actions.catalogue import ACTIONS, build, described, signatures

__all__ = ["ACTIONS", "build", "described", "signatures"]
