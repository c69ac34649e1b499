"""All cases, in the order in which they are tried: a case that leaves what the next one needs saves an installation."""

from __future__ import annotations

from tests.support.conformance.case import Case
from tests.support.conformance.drives import DRIVES
from tests.support.conformance.files import FILES
from tests.support.conformance.installer import INSTALLER
from tests.support.conformance.jobs import JOBS
from tests.support.conformance.quoting import QUOTING
from tests.support.conformance.registry import REGISTRY
from tests.support.conformance.services import SERVICES

__all__ = ["CASES", "DRIVES", "FILES", "INSTALLER", "JOBS", "QUOTING", "REGISTRY", "SERVICES"]

CASES: tuple[Case, ...] = (*FILES, *QUOTING, *REGISTRY, *DRIVES, *JOBS, *SERVICES, *INSTALLER)
