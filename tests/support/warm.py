"""Imported by the process that others are forked from (`killing.carry_out`): what each would load and read for itself.

One module for all tests: of the first that dies in a process of tests, all others inherit.
"""

from __future__ import annotations

import tests.support.counting
import tests.support.going_back
import tests.support.on_twin  # noqa: F401

import handrail.running.session
import handrail.twin.raising  # noqa: F401
from handrail.guides.catalogue import SHIPPED
from handrail.twin.declarations import read_declarations

read_declarations({path.parent.name: path for path in SHIPPED.glob("*/twin.yaml")})
