"""A plan: a frozen, hashed, self-contained graph of steps.

The digest is the SHA-256 of the canonical JSON of everything but itself. No clock of ours is in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from handrail.model.detection import Detect, DetectSoftware
from handrail.model.estate import Estate
from handrail.model.finding import Citation, Finding
from handrail.model.signature import Kind

SCHEMA = "handrail/plan/v1"


@dataclass(frozen=True, slots=True)
class Because:
    """Why a step comes after another."""

    after: str
    reason: str
    source: Citation


@dataclass(frozen=True, slots=True)
class WayBack:
    """`restore` names the steps whose restore points it needs, in `from_`, and those of the plan's `back` that carry it
    out, in `by`."""

    kind: Literal["undo", "restore", "none"]
    from_: tuple[str, ...] = ()
    by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Condition:
    """When a step may run, decided from what another step ended as. All given parts must hold.

    `ended`: the step's state is one of these. `error`: it failed at least once with this known error.
    `output`, `equals`: an output that it journaled has this value.
    """

    step: str
    ended: tuple[str, ...] = ()
    error: str | None = None
    output: str | None = None
    equals: Any = None


@dataclass(frozen=True, slots=True)
class Remedy:
    """A failure that the guide knows: when the step fails with `error`, `steps` run and it is tried again.

    It is this error when the evidence's log matches `log` (a regular expression; its named groups become outputs of
    the step) or its exit code is in `exit`.
    """

    error: str
    steps: tuple[str, ...]
    log: str | None = None
    exit: tuple[int, ...] = ()
    retries: int = 1
    wait: float = 0.0
    says: str = ""
    source: Citation | None = None


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact by its address, such as `host:sync01.os` or `identity/sync@sync01.build`."""

    address: str
    value: Any = None


@dataclass(frozen=True, slots=True)
class Step:
    """One action on one host, or one thing that a person does.

    `takes`: expected seconds. `protects`: assets of which this step makes, or proves, a restore point. `changes`:
    assets that it may destroy. `proves`: those of `protects` whose restore point it shows to be usable. An asset reads
    `database:ID` or `SUBJECT#ASSET`. `host` is None for steps that no host carries out (a hold, a barrier).
    A value in `with_` may be `{"late": "STEP.output"}`: read from the journal when the step begins. `no_return`: once
    it has begun, what was there before cannot be gone back to as it stood. `until`: the step until which the passing
    state that it brings about has to last; whoever takes the lane over looks at it again first.
    `soak`: seconds between the end of all that it comes after and its own begin. `tolerant`: what it comes after may
    have failed, as long as the plan's failure budget is not used up.
    """

    id: str
    title: str
    installation: str
    host: str | None
    uses: str
    revision: int
    kind: Kind
    source: Citation
    with_: Mapping[str, Any] = field(default_factory=dict)
    when: tuple[Condition, ...] = ()
    lasting: bool = False
    takes: float = 0.0
    after: tuple[str, ...] = ()
    because: tuple[Because, ...] = ()
    rests_on: tuple[Fact, ...] = ()
    leaves: tuple[Fact, ...] = ()
    way_back: WayBack = WayBack("none")
    downtime: bool = False
    protects: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    remedies: tuple[Remedy, ...] = ()
    says: str = ""
    errata: tuple[str, ...] = ()
    proves: tuple[str, ...] = ()
    no_return: bool = False
    until: str | None = None
    soak: float = 0.0
    tolerant: bool = False


@dataclass(frozen=True, slots=True)
class Rejected:
    method: str
    because: str


@dataclass(frozen=True, slots=True)
class Hop:
    """`to` is a release, or a build where the hop ends between releases. `from_` is a build."""

    installation: str
    from_: str
    to: str
    method: str
    why: str
    source: Citation
    not_: tuple[Rejected, ...] = ()
    build: str | None = None


@dataclass(frozen=True, slots=True)
class GuideRef:
    name: str
    digest: str


@dataclass(frozen=True, slots=True)
class Erratum:
    """Where a document is wrong: what it says, what we do, why."""

    id: str
    says: str
    we_do: str
    because: str
    source: Citation


@dataclass(frozen=True, slots=True)
class GoesBack:
    """Of which run, of the plan with which digest, a plan is the way back."""

    run: str
    plan: str


@dataclass(frozen=True, slots=True)
class WaveMembers:
    """The installations of a wave, and the step that has to end before the next one begins."""

    name: str
    installations: tuple[str, ...]
    gate: str | None = None


@dataclass(frozen=True, slots=True)
class Fleet:
    """How the plan goes through many hosts. `limit`: so many of `hosts` may fail in all; never more are at work at a
    time than could fail without exceeding it."""

    hosts: tuple[str, ...]
    waves: tuple[WaveMembers, ...] = ()
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Recognition:
    """How what the estate holds is recognised on its hosts, out of the guides, so that a run can look again: components
    by product and name, software by name."""

    components: Mapping[str, Mapping[str, Detect]] = field(default_factory=dict)
    software: Mapping[str, DetectSoftware] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    """`downtime` maps an installation to its [first step, last step] spans; steps are in one valid order.

    `back` are the steps that no run of this plan carries out: a rollback takes from them what the ways back of begun
    steps name. A step there that uses `restore` stands for whatever puts back the asset that its `asset` names, from
    the restore point that the run has made. `goes_back`: this plan is itself a way back.
    """

    digest: str
    estate: Estate
    aim: Mapping[str, str]
    guides: tuple[GuideRef, ...]
    findings: tuple[Finding, ...]
    hops: tuple[Hop, ...]
    steps: tuple[Step, ...]
    point_of_no_return: str | None = None
    downtime: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    errata: tuple[Erratum, ...] = ()
    back: tuple[Step, ...] = ()
    goes_back: GoesBack | None = None
    detect: Recognition = field(default_factory=Recognition)
    fleet: Fleet | None = None
