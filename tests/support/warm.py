"""Imported by the process that others are forked from (`killing.carry_out`): what each would read for itself."""

from __future__ import annotations

from handrail.guides.catalogue import SHIPPED
from handrail.twin.declarations import read_declarations

read_declarations({path.parent.name: path for path in SHIPPED.glob("*/twin.yaml")})
