"""What must be so on the twin after a run, by its own ground truth and no action's word.

`{effects: once}` is judged over the twin's effect log: what is a state (a build installed, a database upgraded) was
brought about once in the run; what leaves a receipt (a backup, an export, an agent's run) once in each attempt.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallationTruth(Truth):
    """`build`: registered at it, and its files are of it. `absent`: not installed. `host`: where to look, by default
    the host in its name."""

    installation: str
    build: str | None = None
    absent: bool | None = None
    host: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseTruth(Truth):
    """By its id in the estate. `content`: kept (all that was there still is, in whatever schema), changed or absent.
    `schema`: same or newer. `secrets`: what it holds encrypted is readable to the services of its components where
    these are meant to stand, or lost to them; `keys`: where they have their key set, in the service account's profile
    on that computer or in a container of the directory. `host`: where to look, by default the host that the aim or the
    estate names. `name`: what it is called there, by default as in the estate."""

    database: str
    content: Literal["kept", "changed", "absent"] | None = None
    schema: Literal["same", "newer"] | None = None
    secrets: Literal["readable", "lost"] | None = None
    keys: Literal["profile", "container"] | None = None
    host: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TableTruth(Truth):
    """Rows of a table of the database `of` on that server, where it lists them: some row has these values (`where`),
    and if given the text of its value `value` holds all of `contains` and none of `lacks`. `absent`: there is no such
    row."""

    table: str
    of: str
    host: str
    where: Mapping[str, Any]
    absent: bool = False
    contains: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceTruth(Truth):
    service: str
    host: str
    state: Literal["running", "stopped", "absent"] | None = None
    account: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileTruth(Truth):
    """A path, in which `*` stands for anything: some file fits, and if `contains` is given one holds all of these."""

    path: str
    host: str
    exists: bool = True
    contains: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryTruth(Truth):
    """A key, or one of its values; `absent`: there is none; `is`: its data."""

    registry: str
    host: str
    value: str | None = None
    is_: str | None = None
    absent: bool = False
    view: int = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class DrivesTruth(Truth):
    """Letters that are mapped for the whole system, and labels of mounted media."""

    drives: tuple[str, ...]
    host: str
    mounted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftwareTruth(Truth):
    """The version that is there, or none."""

    software: str
    host: str
    version: str | None = None
    absent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelTruth(Truth):
    """The disk label that Windows Installer remembers for a component; empty: none."""

    label: str
    component: str
    host: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectsTruth(Truth):
    """`once`: nothing took effect twice; `none`: nothing did at all. `of`: only effects of these kinds; `host`: only
    there."""

    effects: Literal["once", "none"]
    of: tuple[str, ...] = ()
    host: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HappenedTruth(Truth):
    """How often each of these effects was noted (`FIMService stopped: 2`), in the twin's own words."""

    happened: Mapping[str, int]
    host: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyTruth(Truth):
    """`handrail verify` says that everything lasting holds, or that something does not."""

    verify: Literal["holds", "broken"]


WORDS: Mapping[str, type[Truth]] = {
    "installation": InstallationTruth,
    "database": DatabaseTruth,
    "table": TableTruth,
    "service": ServiceTruth,
    "path": FileTruth,
    "registry": RegistryTruth,
    "drives": DrivesTruth,
    "software": SoftwareTruth,
    "label": LabelTruth,
    "effects": EffectsTruth,
    "happened": HappenedTruth,
    "verify": VerifyTruth,
}
