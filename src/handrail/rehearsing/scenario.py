"""A scenario: a sample estate, what assessing and planning must make of it, and how a run on the twin must end.

`expect` is compared with findings and plan; `run` says what is wrong in the twin's world beforehand (`plant`), how
people answer, how the run ends and what is then so on the twin; its `rollback` says the same of its way back. Steps are
named by their id, by the end of it (`patch`, `2016-sp3/patch`) or by a pattern with `*`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TypeVar

from handrail.documents.read import BROKEN, Keys, Reading
from handrail.documents.tree import Tree
from handrail.model.finding import Level
from handrail.rehearsing.plants import WORDS as PLANTS
from handrail.rehearsing.truths import WORDS as TRUTHS
from handrail.rehearsing.words import worded

UNSAID = "(unsaid)"
"""Stands for `point_of_no_return` when a scenario says nothing about it; null says that there is none."""

Ends = Literal["succeeded", "failed", "waiting", "in-doubt"]
EndsBack = Literal["succeeded", "failed", "waiting", "in-doubt", "no-way-back", "nothing"]
Played = Literal["yes", "no", "done", "idle", "silent"]
E = TypeVar("E", bound="Ending")


@dataclass(frozen=True, slots=True)
class ExpectedFinding:
    """`unknown` is part of what is expected: an unknown blocker is another finding than a known one. `says` and
    `remedy` are parts of the message and of the advice."""

    rule: str
    level: Level | None = None
    subject: str | None = None
    unknown: bool = False
    accepted: bool | None = None
    says: tuple[str, ...] = ()
    remedy: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ExpectedHop:
    """`not` are methods that the plan names as passed over; `why` is part of the reason for the one it takes."""

    to: str
    method: str
    from_: str | None = None
    not_: tuple[str, ...] = ()
    why: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Expectation:
    """`only`: there are no other blockers and risks than those in `findings`. `hops` are all hops of an installation.
    `order`: every step that the first name of a list means surely ends before any that the next one means begins.
    `explain` maps a step (or "" for the plan) to what its explanation says; `runbook` says these, in this order.
    `values`: parameters of steps, by step and then by name."""

    verdict: Literal["clear", "risky", "blocked"] | None = None
    findings: tuple[ExpectedFinding, ...] = ()
    only: bool = False
    absent: tuple[str, ...] = ()
    hops: Mapping[str, tuple[ExpectedHop, ...]] = field(default_factory=dict)
    order: tuple[tuple[str, ...], ...] = ()
    steps: tuple[str, ...] = ()
    no_steps: tuple[str, ...] = ()
    values: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    way_back: Mapping[str, Literal["undo", "restore", "none"]] = field(default_factory=dict)
    point_of_no_return: Any = UNSAID
    errata: tuple[str, ...] = ()
    explain: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    runbook: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ending:
    """`people`: how they answer where it is not yes or done; `idle` says done and has done nothing, `silent` does not
    answer. `at` is the step at which a run that does not succeed stands, `says` part of why. `because`: part of what
    steps say of why they ended as they did. `plant` and `twin` are Plants and Truths, once they have been read."""

    plant: tuple[Any, ...] = ()
    people: Mapping[str, Played] = field(default_factory=dict)
    at: str | None = None
    says: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    done: tuple[str, ...] = ()
    tried: Mapping[str, int] = field(default_factory=dict)
    because: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    twin: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Rollback(Ending):
    """How a run is taken back from where it ended, and how that ends: `no-way-back` when there is none, `nothing` when
    nothing has been changed. Everything that people would miss has to be as it was before the run, but for what
    `differs` names (parts of what is told of it)."""

    ends: EndsBack = "succeeded"
    steps: tuple[str, ...] = ()
    no_steps: tuple[str, ...] = ()
    order: tuple[tuple[str, ...], ...] = ()
    differs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Run(Ending):
    """How a plan of the scenario is carried out on the twin and how that ends, and how it is then taken back, if it
    is."""

    ends: Ends = "succeeded"
    rollback: Rollback | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """A scenario: an estate, what Handrail must make of it, and how a run on the twin must end."""

    scenario: str
    estate: str
    covers: tuple[str, ...] = ()
    change: Mapping[str, Any] = field(default_factory=dict)
    to: Mapping[str, str] = field(default_factory=dict)
    accept: tuple[str, ...] = ()
    expect: Expectation = Expectation()
    run: Run | None = None


@dataclass(frozen=True)
class Scenario:
    """`title` states the rule that it shows. `estate` is a path; `tree` tells where everything stands."""

    title: str
    estate: Path
    covers: tuple[str, ...]
    change: Mapping[str, Any]
    to: Mapping[str, str]
    accept: tuple[str, ...]
    expect: Expectation
    run: Run | None
    tree: Tree


def read_scenario(tree: Tree) -> Scenario:
    """The scenario in a tree. BadDocument with every mistake of spelling and type."""
    reading = Reading(tree)
    written = reading.record(Written, tree.data, ())
    run = None
    if written is not BROKEN:
        if not written.scenario.strip():
            reading.mistake(("scenario",), "The scenario has no title.", "Say in one line which rule it shows.")
        if not isinstance(written.expect.point_of_no_return, str | None):
            reading.mistake(("expect", "point_of_no_return"), "'point_of_no_return' must be a step or null.")
        _check_order(reading, written.expect.order, ("expect", "order"))
        if written.run is not None:
            run = _run(reading, written.run)
    reading.finish()
    return Scenario(
        written.scenario.strip(),
        Path(os.path.normpath(Path(tree.file).parent / written.estate)),
        written.covers,
        written.change,
        written.to,
        written.accept,
        written.expect,
        run,
        tree,
    )


def _check_order(reading: Reading, order: Sequence[Sequence[str]], keys: Keys) -> None:
    for n, one in enumerate(order):
        if len(one) < 2:
            reading.mistake((*keys, n), "An order has at least two steps.", "Name what comes after it.")


def _run(reading: Reading, written: Run) -> Run:
    back = written.rollback
    if back is not None:
        _check_order(reading, back.order, ("run", "rollback", "order"))
        back = _read(reading, back, ("run", "rollback"), back.ends)
    return replace(_read(reading, written, ("run",), written.ends), rollback=back)


def _read(reading: Reading, written: E, keys: Keys, ends: str) -> E:
    """With its plants and truths read."""
    plants = [worded(reading, PLANTS, one, (*keys, "plant", n)) for n, one in enumerate(written.plant)]
    truths = [worded(reading, TRUTHS, one, (*keys, "twin", n)) for n, one in enumerate(written.twin)]
    if written.at is not None and ends == "succeeded":
        reading.mistake(
            (*keys, "at"), "A run that succeeds stands at no step.", "Say how it `ends`, or leave `at` out."
        )
    return replace(
        written,
        plant=tuple(one for one in plants if one is not BROKEN),
        twin=tuple(one for one in truths if one is not BROKEN),
    )
