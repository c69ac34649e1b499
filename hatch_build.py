"""Build hook: brings htmx into the package, so that the console loads nothing from elsewhere and the repository holds
no foreign code.

`django-htmx`, a build requirement of a fixed version, ships the file; only this one file of it is taken, and only when
it is, byte for byte, the one that we have looked at. The hook runs for wheels, for sdists and for `pip install -e`.
"""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCE = "static/django_htmx/htmx-2.min.js"
TARGET = "src/handrail/console/static/htmx.min.js"
SHA256 = "71ea67185bfa8c98c39d31717c6fce5d852370fcdfd129db4543774d3145c0de"
"""Of htmx 2.0.10."""


class Htmx(BuildHookInterface[Any]):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling calls it so
        target = Path(self.root, TARGET)
        if not (target.is_file() and _digest(target.read_bytes()) == SHA256):
            target.write_bytes(_htmx())
        build_data["artifacts"].append(TARGET)


def _htmx() -> bytes:
    package = find_spec("django_htmx")
    if package is None or package.origin is None:
        raise RuntimeError("htmx is missing: build with isolation, or install the build requirement django-htmx first.")
    found = (Path(package.origin).parent / SOURCE).read_bytes()
    if _digest(found) != SHA256:
        raise RuntimeError(f"{SOURCE} of django-htmx is not the file that was looked at; its digest differs.")
    return found


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
