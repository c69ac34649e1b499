"""What comes after a rollback: the plan's own checks, made again where they can show that all is as it was.

These are the ones that held before anything was touched, those of the new build, which now have to show the old one,
and those that speak of nothing else than what was put back. Where the old build is looked for in the same manner
anyway, by the way back itself or by a check that held before, that knows better: the new one may have another name,
or stand on another host.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from handrail.model.plan import Fact, Hop, Plan, Step, WayBack
from handrail.restoring.late import fill, references
from handrail.restoring.records import Record, Records
from handrail.restoring.undoing import Knowledge


class Looking:
    """The checks after one rollback. `first`: of each installation that is put back, the hop that it goes back before.
    `put_back`: the assets that are."""

    def __init__(
        self,
        plan: Plan,
        records: Records,
        knowledge: Knowledge,
        first: Mapping[str, Hop],
        put_back: frozenset[str],
    ) -> None:
        self._plan = plan
        self._records = records
        self._knowledge = knowledge
        self._first = first
        self._places = {step.id: at for at, step in enumerate(plan.steps)}
        self._back: dict[str, list[Step]] = {}
        for step in plan.back:
            self._back.setdefault(step.installation, []).append(step)
        self._touched = _first_touched(plan, records)
        self._held_builds = frozenset(self._builds_held())
        self._backups = [
            step
            for step in plan.steps
            if step.kind == "back-up" and put_back.intersection(step.protects) and self._is_of_the_first_hop(step)
        ]

    def checks(self) -> Iterator[Step]:
        """Each check once, without what it comes after."""
        seen: set[str] = set()
        for step in self._plan.steps:
            made = self._again(step) if self._may_be_asked(step) else None
            if made is None:
                continue
            key = repr((made.host, made.uses, made.with_))
            if key not in seen:
                seen.add(key)
                yield made

    def _builds_held(self) -> Iterator[tuple[str, str]]:
        """Of which installations a check, by its action, has shown the old build before anything was touched."""
        for step in filter(self._may_be_asked, self._plan.steps):
            if self._held(step) and _names(step.with_, self._first[step.installation].from_):
                yield step.installation, step.uses

    def _may_be_asked(self, step: Step) -> bool:
        """A look at how things are now, always made, at something that is put back."""
        return (
            step.kind == "check"
            and step.host is not None
            and not step.when
            and step.installation in self._first
            and self._knowledge.signatures[step.uses].settles == "state"
        )

    def _again(self, step: Step) -> Step | None:
        """The check as it is made again; None when it would show nothing about how it was."""
        hop = self._first[step.installation]
        known = self._known(step)
        if known is None:
            return None
        with_ = fill(step.with_, known)
        if step.lasting and step.id.startswith(f"{step.installation}/{hop.to}/"):
            old = _of_the_old_build(with_, hop)
            if old is not None and (step.host != _stood_on(step.installation) or self._is_looked_for(step, hop)):
                return None
            if old is not None:
                title = f"See that {step.installation} is at {hop.from_} again"
                return self._made(replace(step, title=title), old, hop)
        held = self._held(step) and (step.lasting or _names(with_, hop.from_))
        return self._made(step, with_, hop) if held or self._concerns_what_is_back(step, with_) else None

    def _is_looked_for(self, step: Step, hop: Hop) -> bool:
        """Whether the old build is looked for in the same manner anyway: by a check that held in the beginning, or by
        the way back itself."""
        return (step.installation, step.uses) in self._held_builds or any(
            one.uses == step.uses
            and one.id.startswith(f"{step.installation}/{hop.to}/")
            and _names(one.with_, hop.from_)
            for one in self._back.get(step.installation, ())
        )

    def _is_of_the_first_hop(self, step: Step) -> bool:
        """What later hops secured is put back too where they are taken back one by one, but it does not stay so."""
        hop = self._first.get(step.installation)
        return hop is not None and step.id.startswith(f"{step.installation}/{hop.to}/")

    def _held(self, step: Step) -> bool:
        """Whether it held before anything of its installation was touched."""
        done = self._records.get(step.id, Record()).state == "done"
        return done and self._places[step.id] < self._touched[step.installation]

    def _known(self, step: Step) -> dict[str, Any] | None:
        """Its late values, when all of them were taken before anything was touched; None otherwise."""
        known = {}
        for reference in references(step.with_):
            name, _, output = reference.rpartition(".")
            outputs = self._records.get(name, Record()).outputs
            if self._places.get(name, 0) >= self._touched[step.installation] or output not in outputs:
                return None
            known[reference] = outputs[output]
        return known

    def _concerns_what_is_back(self, step: Step, with_: Mapping[str, Any]) -> bool:
        """Whether a check speaks of nothing else than what a backup secured, and how it was then."""
        told = {name: value for name, value in with_.items() if value == step.with_[name]}
        return step.lasting and any(_speaks_of(told, backup) and backup.host == step.host for backup in self._backups)

    def _made(self, step: Step, with_: Mapping[str, Any], hop: Hop) -> Step:
        prefix, _, name = step.id.rpartition("/")
        build = Fact(f"{step.installation}.build", hop.from_)
        return replace(
            step,
            id=f"{prefix}/look-{name}",
            with_=with_,
            after=(),
            because=(),
            rests_on=(),
            leaves=(build,) if _names(with_, hop.from_) else (),
            remedies=(),
            lasting=True,
            downtime=False,
            way_back=WayBack("undo"),
        )


def _first_touched(plan: Plan, records: Records) -> dict[str, int]:
    """The place of the first step of each installation that may have changed anything."""
    found: dict[str, int] = {}
    for at, step in enumerate(plan.steps):
        if step.kind in ("do", "person", "reboot") and records.get(step.id, Record()).touched:
            found.setdefault(step.installation, at)
    return found


def _stood_on(installation: str) -> str:
    """The host that an installation has its name from: there it was, wherever the aim has moved it."""
    return installation.rpartition("@")[2]


def _of_the_old_build(with_: Mapping[str, Any], hop: Hop) -> dict[str, Any] | None:
    """What shows the new build, asking for the old one."""
    new = hop.build or hop.to
    if not _names(with_, new):
        return None
    return {name: hop.from_ if value == new else value for name, value in with_.items()}


def _names(with_: Mapping[str, Any], build: str) -> bool:
    return any(value == build for value in with_.values())


def _speaks_of(told: Mapping[str, Any], backup: Step) -> bool:
    values: Sequence[tuple[str, Any]] = tuple(told.items())
    return bool(values) and all(backup.with_.get(name) == value for name, value in values)
