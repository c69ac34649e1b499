"""Lint of how components and software are recognised on hosts."""

from __future__ import annotations

import re

from handrail.documents.read import Keys
from handrail.guides.notes import Notes
from handrail.model.detection import Detect, DetectSoftware, RegistryValue
from handrail.model.guide import Guide

_HIVES = ("HKLM\\", "HKEY_LOCAL_MACHINE\\", "HKCR\\", "HKEY_CLASSES_ROOT\\", "HKU\\", "HKEY_USERS\\")
_WHOLE = re.compile(r"[A-Za-z]:\\")


def check_detect(guide: Guide, notes: Notes) -> None:
    for name, component in guide.components.items():
        if component.detect is not None:
            _component(guide, component.detect, ("components", name, "detect"), notes)
    for name, software in guide.software.items():
        _software(software, ("software", name), notes)


def _component(guide: Guide, one: Detect, keys: Keys, notes: Notes) -> None:
    if one.reads is None and not one.uninstall:
        notes.add(keys, "Nothing says how it is recognised.", "Write `uninstall:`, its name in the list of products.")
    if one.reads is not None and one.uninstall:
        notes.add(keys, f"What {one.reads} reads needs no `uninstall`.", "Leave one of them out.")
    if one.build == "file" and one.file is None:
        notes.add((*keys, "build"), "No file is named whose version could tell the build.", "Write `file:`.")
    placed = one.folder is not None or one.folder_at is not None
    for name in (*([one.file] if one.file else ()), *one.config_files):
        if not placed and not _WHOLE.match(name):
            field = "file" if name == one.file else "config_files"
            notes.add(
                (*keys, field), f"Nothing says in which folder {name!r} lies.", "Write `folder:` or `folder_at:`."
            )
    for pattern, release in one.releases.items():
        if release not in guide.releases:
            notes.unknown((*keys, "releases", pattern), "The release", release, guide.releases)
    if one.folder_at is not None:
        _registry(one.folder_at, (*keys, "folder_at"), notes)
    if one.database is not None:
        _key(one.database.key, (*keys, "database", "key"), notes)
        if one.database.name is None and one.database.named is None:
            notes.add((*keys, "database"), "Nothing says what the database is called.", "Write `name:` or `named:`.")
    for at, settings in enumerate(one.settings):
        _key(settings.key, (*keys, "settings", at, "key"), notes)
    for fact in one.asks:
        if fact not in guide.facts.get("installation", {}):
            notes.unknown((*keys, "asks", fact), "The fact", fact, guide.facts.get("installation", {}))
    if one.asks and not placed:
        notes.add((*keys, "asks"), "Nothing says in which folder its tools lie.", "Write `folder:` or `folder_at:`.")
    if one.key_set and one.service is None:
        notes.add((*keys, "key_set"), "No service is named that needs the key set.", "Write `service:`.")


def _software(one: DetectSoftware, keys: Keys, notes: Notes) -> None:
    if bool(one.uninstall) == (one.registry is not None):
        notes.add(keys, "Software is recognised either by `uninstall` or by `registry`.", "Write one of them.")
    if one.registry is not None:
        _registry(one.registry, (*keys, "registry"), notes)
        for least in one.versions:
            if not least.isdecimal():
                advice = "With `registry`, versions are told by the least number of each."
                notes.add((*keys, "versions", least), f"{least!r} is no number.", advice, at_key=True)


def _registry(one: RegistryValue, keys: Keys, notes: Notes) -> None:
    _key(one.key, (*keys, "key"), notes)


def _key(key: str, keys: Keys, notes: Notes) -> None:
    if not key.upper().startswith(_HIVES):
        notes.add(keys, f"{key!r} is no key of the registry.", r"Begin it with HKLM\ or another hive.")
