"""Which medium of the estate meets a need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from handrail.assessing.facts import MISSING, Facts
from handrail.model import version
from handrail.model.estate import Estate, Medium
from handrail.model.guide import Guide, MediumNeed


@dataclass(frozen=True, slots=True)
class Picked:
    """The medium for each need; `missing` are the needs that no medium meets."""

    media: Mapping[str, Medium]
    missing: tuple[str, ...]


class Shelf:
    """All media of an estate, as one guide may use them."""

    def __init__(self, estate: Estate, guide: Guide) -> None:
        self._guide = guide
        self._media = sorted(estate.media.values(), key=lambda medium: medium.id)
        self._fitting: dict[tuple[MediumNeed, str], list[Medium]] = {}

    def pick(self, needs: Mapping[str, MediumNeed], component: str, facts: Facts) -> Picked:
        """The best medium for each need of an installation: for its component first, on its host, the newest build."""
        hosts = [facts.get(name, None) for name in ("host.name", "present.name", "database.host")]
        found: dict[str, Medium] = {}
        for name, need in needs.items():
            usable = [
                (*rank, medium.id, medium)
                for medium in self._fit(need, component)
                if (rank := self._rank(medium, component, hosts, facts)) is not None
            ]
            if usable:
                found[name] = min(usable)[-1]
        return Picked(found, tuple(name for name in needs if name not in found))

    def key(self, facts: Facts) -> tuple[object, ...]:
        """Equal for two installations of one component only if they are given the same media."""
        hosts = {medium.host for medium in self._media if medium.host is not None}
        near = (facts.get(name, None) for name in ("host.name", "present.name", "database.host"))
        stated = (facts.get(f"installation.{name}", None) for name in ("architecture", "language"))
        return (*(name if name in hosts else None for name in near), *stated)

    def _fit(self, need: MediumNeed, component: str) -> list[Medium]:
        key = (need, component)
        if key not in self._fitting:
            self._fitting[key] = [medium for medium in self._media if self._fits(medium, need)]
        return self._fitting[key]

    def _fits(self, medium: Medium, need: MediumNeed) -> bool:
        wanted = (
            (need.product or self._guide.name, medium.product),
            (need.release, medium.release),
            (need.component, medium.component),
        )
        if any(want is not None and want != has for want, has in wanted):
            return False
        if need.kind and medium.kind not in need.kind:
            return False
        return need.build is None or self._builds_fit(need.build, medium.build)

    def _builds_fit(self, wanted: str, build: str | None) -> bool:
        if build is None:
            return False
        if not wanted.startswith(">="):
            return self._key(wanted) == self._key(build)
        return self._key(build) >= self._key(wanted.removeprefix(">=").strip())

    def _key(self, build: str | None) -> tuple[int, ...]:
        """Comparable also for what is no build of this guide's kind, such as the version of a library."""
        if build is None:
            return ()
        for scheme in (self._guide.versioning, "dotted"):
            try:
                return version.key(scheme, build)
            except (KeyError, ValueError):
                continue
        return ()

    def _rank(
        self, medium: Medium, component: str, hosts: list[str | None], facts: Facts
    ) -> tuple[int, int, int, tuple[int, ...]] | None:
        if medium.host is not None and medium.host not in hosts:
            return None
        near = 0 if medium.host is not None and medium.host == hosts[0] else 1 if medium.host is None else 2
        matches = 0
        for name, stated in (("architecture", medium.architecture), ("language", medium.language)):
            has = facts.get(f"installation.{name}", MISSING)
            if stated is not None and has is not MISSING and has is not None and has != stated:
                return None
            matches += stated is not None and stated == has
        for_it = 0 if medium.component == component else 1 if medium.component is None else 2
        newest = tuple(-part for part in self._key(medium.build)) or (1,)
        return for_it, near, -matches, newest


def describe(need: MediumNeed, product: str) -> str:
    """A need in words: "a medium of mim, component sync, release 2016-sp3, kind msp"."""
    parts = [f"a medium of {need.product or product}"]
    parts += [f"component {need.component}"] if need.component else []
    parts += [f"release {need.release}"] if need.release else []
    parts += [f"build {need.build}"] if need.build else []
    parts += [f"kind {' or '.join(need.kind)}"] if need.kind else []
    return ", ".join(parts)
