"""What a guide author needs to know of an action, as data.

The classes in `actions/` are the truth; their signatures are handed to lint and planner, which never see a host.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["check", "do", "back-up", "prove", "hold", "person", "reboot"]
Settles = Literal["state", "receipt", "person"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """`schema` is the parameter's JSON Schema; `secret` parameters take a reference such as `keyring:NAME`, and so does
    what stands under `secret_keys` within the value of others."""

    name: str
    schema: Mapping[str, Any]
    required: bool
    secret: bool = False
    default: Any = None
    secret_keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Signature:
    """`reversible`: the action has an undo. `restores`: a backup that can say how what it secured is put back.
    `destroys`: it deletes, overwrites, uninstalls or migrates data, so that a proved way back must dominate it.
    `outputs` are the names that later steps may read with `{late: STEP.output}`. `installs`: it brings the `product` to
    the `build`, which its list entry and its `file` show; a person's word for the same can be checked by that."""

    name: str
    summary: str
    parameters: Mapping[str, Parameter]
    settles: Settles
    kind: Kind
    revision: int
    reversible: bool = False
    destroys: bool = False
    repeatable: bool = False
    lasting: bool = False
    outputs: tuple[str, ...] = ()
    platforms: tuple[str, ...] = field(default=("windows", "linux"))
    restores: bool = False
    installs: bool = False
