"""Single actions, carried out on one host of a twin."""

from __future__ import annotations

from typing import Any

from tests.support import virtual_time
from tests.support.twins import Console

from handrail.actions import build
from handrail.actions.protocol import Observation, Receipt, Secrets


class NoSecrets(Secrets):
    """There are none, and nothing is sealed."""

    def resolve(self, reference: str) -> str:
        raise AssertionError(reference)


def receipt(step: str) -> Receipt:
    return Receipt("run-1", f"identity/sync@sync01/sp3/{step}", 1, NoSecrets(), "2020-01-01T00:00:00Z")


def look(console: Console, uses: str, step: str = "", **with_: Any) -> Observation:
    return virtual_time.run(build(uses, with_).observe(console.host, receipt(step or uses)))


def do(console: Console, uses: str, step: str = "", **with_: Any) -> Observation:
    assert look(console, uses, step, **with_).state == "not_done"
    virtual_time.run(build(uses, with_).act(console.host, receipt(step or uses)))
    after = look(console, uses, step, **with_)
    assert after.state == "done", after
    return after
