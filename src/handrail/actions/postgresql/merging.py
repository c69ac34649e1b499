"""Configuration carried to a new major version: three-way, from what the old version shipped, what was made of it, and
what the new version ships. Pure.

What people changed wins; nothing is lost without being named. `postgresql.conf` is also understood setting by setting:
one that the new version does not know would keep the server from starting, so it is taken out, and said. Rules of
`pg_hba.conf` and `pg_ident.conf` let people in or keep them out: after merging they are the customised ones, all of
them, in their order, or the customised file is taken as it is.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from handrail.comparing.text_merge import merged_lines

_SETTING = re.compile(
    r"^\s*(?P<name>[A-Za-z_][\w$]*(?:\.[A-Za-z_][\w$]*)*)(?:\s*=\s*|\s+)"
    r"(?P<value>'(?:[^'\\]|''|\\.)*'|[^\s#'=]\S*)\s*(?:#.*)?$"
)
INCLUDES = ("include", "include_if_exists", "include_dir")

OF_THE_PLACE = frozenset({"data_directory", "config_file", "hba_file", "ident_file", "external_pid_file"})
"""Settings that say where the old cluster lies; in the new one they would point back to it."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of one customisation: carried, merged, dropped or needs-a-person."""

    what: str
    fate: str
    because: str = ""


@dataclass(frozen=True, slots=True)
class Merged:
    text: str
    fates: tuple[Fate, ...]

    @property
    def dropped(self) -> tuple[str, ...]:
        return tuple(fate.what for fate in self.fates if fate.fate == "dropped")


def settings(text: str) -> dict[str, str]:
    """The settings in force in a postgresql.conf: the last of each name, by lower-case name, values as written."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        if (match := _SETTING.match(line)) and match["name"].lower() not in INCLUDES:
            found[match["name"].lower()] = match["value"]
    return found


def rules(text: str) -> list[str]:
    """The rules of a pg_hba.conf or pg_ident.conf, in order, without comments and spacing."""
    joined = text.replace("\\\n", " ")
    return [" ".join(line.split()) for raw in joined.splitlines() if (line := raw.split("#", 1)[0].strip())]


def merge_settings(stock_old: str, custom: str, stock_new: str, known: Collection[str], version: str) -> Merged:
    """postgresql.conf. `known` are the names of the settings that the new version has; `version` is its name."""
    before, wanted = settings(stock_old), settings(custom)
    # Names with a dot belong to extensions, which answer for them when they are loaded.
    shipped = {name: value for name, value in settings(stock_new).items() if "." in name or name in known}
    changed = {name: value for name, value in wanted.items() if before.get(name) != value}
    fates: dict[str, Fate] = {}
    for name, value in changed.items():
        if name in OF_THE_PLACE:
            fates[name] = Fate(name, "dropped", "it says where the old cluster lies")
        elif "." not in name and name not in known:
            fates[name] = Fate(name, "dropped", f"PostgreSQL {version} has no such setting")
        elif name in shipped and shipped[name] not in (value, before.get(name)):
            fates[name] = Fate(name, "merged", f"PostgreSQL {version} ships {shipped[name]}; yours stays: {value}")
        else:
            fates[name] = Fate(name, "carried")
    for name in before.keys() - wanted.keys():
        fates[name] = Fate(name, "carried", "it was taken out, so that its default holds")
    lines = merged_lines(stock_old, custom, stock_new)
    for name in settings("".join(lines)).keys() - fates.keys():
        if "." not in name and name not in known:
            fates[name] = Fate(name, "dropped", f"PostgreSQL {version} has no such setting")
    text = "".join(_commented(line, fates) for line in lines)
    # Text can be merged and still mean something else; what counts is what is in force afterwards.
    kept = {name: value for name, value in changed.items() if fates[name].fate != "dropped"}
    kept |= {name: value for name, value in shipped.items() if name not in {*before, *wanted, *fates}}
    now = settings(text)
    missing = [f"{name} = {value}\n" for name, value in kept.items() if now.get(name) != value]
    if missing:
        text += "\n# Carried over by handrail from the old configuration:\n" + "".join(missing)
    return Merged(text, tuple(fates[name] for name in sorted(fates)))


def merge_rules(stock_old: str, custom: str, stock_new: str, name: str) -> Merged:
    """pg_hba.conf or pg_ident.conf."""
    wanted = rules(custom)
    if wanted == rules(stock_old) == rules(stock_new):
        return Merged(stock_new, ())
    text = "".join(merged_lines(stock_old, custom, stock_new))
    changed = [rule for rule in wanted if rule not in rules(stock_old)]
    gone = [rule for rule in rules(stock_old) if rule not in wanted]
    fates = [Fate(f"{name}: {rule}", "carried") for rule in changed]
    fates += [Fate(f"{name}: {rule}", "carried", "it was taken out, and stays out") for rule in gone]
    if rules(text) != wanted:
        text = custom
    return Merged(text, tuple(fates))


def _commented(line: str, fates: dict[str, Fate]) -> str:
    match = _SETTING.match(line)
    fate = fates.get(match["name"].lower()) if match else None
    if fate is None or fate.fate != "dropped":
        return line
    return f"# handrail: {fate.because}\n#{line}"


def references(text: str, folder: str) -> list[str]:
    """Files that a configuration names and that lie beside it (certificates, included files): they must come along.
    Paths relative to `folder`; an absolute path within it counts as relative."""
    found = []
    for line in text.splitlines():
        match = _SETTING.match(line)
        if match is None:
            continue
        name, value = match["name"].lower(), match["value"]
        if name in INCLUDES or re.fullmatch(
            r"ssl_(cert|key|ca|crl|dh_params)_file|ssl_crl_dir|krb_server_keyfile", name
        ):
            path = value.strip("'").replace("''", "'").removeprefix(folder.rstrip("/") + "/")
            if path and not path.startswith("/") and ".." not in path.split("/"):
                found.append(path)
    return found
