"""The events of a run, and what a run looks like when they are read back.

A lane is the steps of one host, in order; steps without a host are in lane `-`. Each lane is a hash chain of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

StepState = Literal["pending", "begun", "done", "skipped", "failed", "in-doubt", "waiting"]
RunState = Literal["running", "waiting", "failed", "in-doubt", "succeeded", "rolled-back"]
EventKind = Literal[
    "created",  # the run: plan digest, who, twin or not
    "outlined",  # of a large run: what its plan consists of, so that how it stands can be counted without the plan
    "handed-over",  # to workers: who; again: what failed is tried again
    "approved",  # who, of which digest
    "taken",  # a runner took the lane over; raises its epoch
    "begun",  # intent: step, attempt
    "done",  # outcome, with evidence and outputs
    "skipped",  # with the reason
    "failed",  # with error, the known error's name if it is one, and evidence
    "in-doubt",  # observing could not tell
    "asked",  # waits for a person
    "agreed",  # the first yes of two: who; note
    "answered",  # yes, no or done; who; note
    "resumed",  # who had the run carried on, where that is not who carries it on
    "stopped",  # who had it stopped
    "sealed",  # the heads of all lanes
    "ended",  # the run's final state
    "verified",  # a later look at every lasting step
    "drifted",  # what pending steps rest on has changed, or could not be seen: the run did not go on
    "going-back",  # another run was made to take this one back
    "taken-back",  # and has done so
    "moved",  # to another store, which it names: the run goes on there, and not here
    "arrived",  # from another store, which it names: the run goes on here
]

ESTATE_LANE = "-"  # steps without a host
RUN_LANE = "(run)"  # what concerns the run as a whole
PEOPLE_LANE = "(people)"  # what others than the runner write: answers, verifications


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to be appended to a lane."""

    kind: EventKind
    step: str | None = None
    attempt: int = 0
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Event:
    """An entry as it stands in the journal. `at` is ISO 8601 in UTC; `hash` covers all other fields and `previous`.

    `position` counts the events of a run from 1, over all its lanes, in the order of their commits.
    """

    run: str
    lane: str
    sequence: int
    epoch: int
    at: str
    entry: Entry
    previous: str
    hash: str
    position: int = 0


@dataclass(frozen=True, slots=True)
class StepStatus:
    """`demands`: of a hold that waits, whose yes it needs (`another`, `two`). `agreed`: who said yes so far."""

    id: str
    state: StepState = "pending"
    attempts: int = 0
    begun: str | None = None
    ended: str | None = None
    because: str = ""
    error: str | None = None
    outputs: Mapping[str, Any] = field(default_factory=dict)
    demands: tuple[str, ...] = ()
    agreed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RunStatus:
    """`goes_back`: the run that this one takes back. `taken_back_by`: the run that takes, or has taken, this one back;
    only one that has begun to change anything counts. `started_by`: who started it. `moved_to`: the store that it was
    moved to and goes on in; this one has what happened until then."""

    run: str
    plan: str
    state: RunState
    steps: tuple[StepStatus, ...]
    goes_back: str | None = None
    taken_back_by: str | None = None
    started_by: str = ""
    moved_to: str | None = None
