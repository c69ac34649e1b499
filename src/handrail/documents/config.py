"""The local configuration, `config.yaml` in the home folder: what belongs to this machine and to no estate.

    secrets:
      vault: {run: [vault, kv, get, -field=password, "secret/{{name}}"], timeout: 30, keep: 300}
    evidence: {key: "keyring:handrail/evidence"}

The only commands that look secrets up stand here, and never in a plan.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from handrail.documents.read import BROKEN, Reading
from handrail.documents.tree import parse
from handrail.model.reference import HELPER, HOW, split

WHAT = "The configuration"
NAME = "{{name}}"


@dataclass(frozen=True, slots=True)
class Helper:
    """A program that prints one secret. `run`: the program and its arguments, started without a shell; `{{name}}` in an
    argument becomes what a reference asks for. `timeout` and `keep` are in seconds: how long it may take, and for how
    long its answer is used again."""

    run: tuple[str, ...]
    timeout: float = 30.0
    keep: float = 300.0

    @property
    def takes_name(self) -> bool:
        return any(NAME in one for one in self.run)


@dataclass(frozen=True, slots=True)
class Evidence:
    """`key`: where the key is kept that reports are signed with, as a reference to a secret."""

    key: str | None = None


@dataclass(frozen=True, slots=True)
class Config:
    secrets: Mapping[str, Helper] = field(default_factory=dict)
    evidence: Evidence = field(default_factory=Evidence)


def config_of(text: bytes | str, file: str) -> Config:
    """The configuration in a text. BadDocument with every mistake in it."""
    reading = Reading(parse(text, file, WHAT))
    config = reading.record(Config, reading.tree.data, ())
    if config is not BROKEN:
        for name, helper in config.secrets.items():
            _check(reading, name, helper)
        if config.evidence.key is not None and split(config.evidence.key) is None:
            # What stands there may well be the key itself: it is not repeated.
            reading.mistake(("evidence", "key"), "'key' must be a reference to a secret.", HOW)
    reading.finish()
    assert isinstance(config, Config)
    return config


def _check(reading: Reading, name: str, helper: Helper) -> None:
    keys = ("secrets", name)
    if not HELPER.match(name):
        reading.mistake(keys, f"The helper {name!r} cannot be called so.", "Use letters, digits, - and _.", at_key=True)
    if not helper.run or not helper.run[0]:
        reading.mistake((*keys, "run"), "'run' names no program.", "Write [PROGRAM, ARGUMENT, ...].")
    elif NAME in helper.run[0]:
        reading.mistake((*keys, "run"), "A plan must not choose the program.", "Put {{name}} into an argument.")
    if any("\0" in one for one in helper.run):
        reading.mistake((*keys, "run"), "An argument holds a character that no argument can hold.")
    if not 0 < helper.timeout <= 3600:
        reading.mistake((*keys, "timeout"), "'timeout' must be between 0 and 3600 seconds.")
    if helper.keep < 0:
        reading.mistake((*keys, "keep"), "'keep' must not be negative.")
