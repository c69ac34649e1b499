"""What an entry says of how an action is done by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class ByHand:
    """`do`: lines to type. `look`: lines to type afterwards. `expect`: what they must show. `defaults`: what the action
    itself takes for parameters that the step does not have. `back`: of a backup, lines that put it back, from {file} or
    from the folder {made}; `back_says`: words instead of lines. `covers`: parameters that the lines say without naming
    them."""

    do: tuple[str, ...] = ()
    look: tuple[str, ...] = ()
    expect: str = ""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    back: tuple[str, ...] = ()
    back_says: str = ""
    covers: frozenset[str] = frozenset()
