from __future__ import annotations

import pytest

from handrail.hosts.protocol import Exited
from handrail.probing.shell import complaint


@pytest.mark.parametrize(
    ("exited", "told"),
    [
        (Exited(1, b"Access\r\n", b" is denied.\r\n"), "Access is denied."),
        (Exited(-1073741502, b"\r\n"), "it said nothing, and ended with -1073741502"),
    ],
)
def test_a_sentence_about_a_tool_that_failed_never_ends_in_the_air(exited: Exited, told: str) -> None:
    assert complaint(exited) == told
