"""What a schedule is made of: the moves that it opens, and what it remembers of each step and of each host's line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from handrail.model.journal import Event, StepState, StepStatus
from handrail.model.plan import Condition, Remedy, Step
from handrail.running.holds import Demand

MoveKind = Literal["begin", "settle", "look", "ask", "answer", "skip"]


@dataclass(frozen=True, slots=True)
class Move:
    """Something that may be done now.

    begin   observe, and act as attempt `attempt` if needed; not before `not_before` (ISO 8601) where that is given
    look    a passing state was brought about and has to last still: see that it does, else begin attempt `attempt`
    settle  attempt `attempt` was begun by a runner that is gone: find out what became of it
    ask     put the question of a hold, or of a person's step, to people
    answer  people answered `answer`: act on it
    skip    end it as skipped, for the reason `because`
    """

    kind: MoveKind
    step: str
    attempt: int = 0
    because: str = ""
    answer: str | None = None
    not_before: str | None = None


@dataclass(slots=True)
class State:
    """What the journal says of one step so far. `demand`: whose yes it needs, if it is a hold."""

    step: Step
    demand: Demand
    state: StepState = "pending"
    attempts: int = 0
    missing: int = 0
    stuck: int = 0
    begun: str | None = None
    ended: str | None = None
    because: str = ""
    error: str | None = None
    outputs: dict[str, Any] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)
    tried: dict[str, int] = field(default_factory=dict)
    mending: Remedy | None = None
    retry_at: str | None = None
    unsettled: bool = False
    question: int | None = None
    answer: str | None = None
    intent: Event | None = None
    agreed: list[str] = field(default_factory=list)

    @property
    def status(self) -> StepStatus:
        state = "begun" if self.answer is not None and self.state in ("waiting", "in-doubt") else self.state
        asks = state == "waiting"
        return StepStatus(
            self.step.id,
            state,
            self.attempts,
            self.begun,
            self.ended,
            self.because,
            self.error,
            dict(self.outputs),
            self.demand.names if asks else (),
            tuple(self.agreed) if asks else (),
        )

    @property
    def well(self) -> bool:
        return self.state in ("done", "skipped")


@dataclass(slots=True)
class Line:
    """The steps that take turns on one host. `current` is the one whose turn it is, while it is at work."""

    steps: Sequence[int] = ()
    cursor: int = 0
    mending: list[int] = field(default_factory=list)
    looking: list[int] = field(default_factory=list)
    current: int | None = None


def against(condition: Condition, other: State) -> str | None:
    """Why a condition on the step that `other` tells of does not hold; None when it does."""
    name = other.step.id
    if condition.ended and other.state not in condition.ended:
        return f"{name} ended {other.state}, not {' or '.join(condition.ended)}"
    if condition.error is not None and not other.failures.get(condition.error):
        return f"{name} did not fail with {condition.error}"
    if condition.output is not None:
        if condition.output not in other.outputs:
            return f"{name} gave no {condition.output}"
        value = other.outputs[condition.output]
        if value != condition.equals:
            return f"{condition.output} of {name} is {value!r}, not {condition.equals!r}"
    return None
