"""Files and folders of a host, by the paths that a session sees."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from handrail.twin import paths
from handrail.twin.codec import plain
from handrail.twin.machine import Machine
from handrail.twin.mechanisms import drives
from handrail.twin.things import Entry, Process, Service


def find(machine: Machine, path: str) -> Entry | None:
    """The file or folder there, None when there is none (or no such drive). A drive's root is a folder."""
    place = drives.locate(machine, path)
    if place is None:
        return None
    host, physical = place
    if paths.is_root(physical):
        return Entry(physical, folder=True)
    return host.get(Entry, physical)


def is_folder(machine: Machine, path: str) -> bool:
    entry = find(machine, path)
    return entry is not None and entry.folder


def below(machine: Machine, folder: str) -> list[Entry]:
    """Everything below a folder, at any depth, by path."""
    place = drives.locate(machine, folder)
    if place is None:
        return []
    host, physical = place
    root = paths.key(physical)
    return [entry for entry in host.all(Entry) if paths.inside(entry.path.lower(), root)]


def children(machine: Machine, folder: str) -> list[Entry]:
    place = drives.locate(machine, folder)
    if place is None:
        return []
    root = paths.key(place[1])
    return [entry for entry in below(machine, folder) if paths.key(paths.parent(entry.path)) == root]


def content(entry: Entry) -> bytes:
    if entry.raw is not None:
        return base64.b64decode(entry.raw)
    return (entry.text or "").encode()


def of_bytes(path: str, data: bytes, time: str, **more: Any) -> Entry:
    """A file with that content."""
    digest = hashlib.sha256(data).hexdigest()
    try:
        return Entry(path, text=data.decode("utf-8"), size=len(data), sha256=digest, time=time, **more)
    except UnicodeDecodeError:
        raw = base64.b64encode(data).decode("ascii")
        return Entry(path, raw=raw, size=len(data), sha256=digest, time=time, **more)


def made(path: str, holds: Mapping[str, Any], time: str) -> Entry:
    """A file out of a declaration: `text` is its content, `version` and `sha256` stand for themselves, the rest is what
    it is good for. Without `text` its content follows from its name, its version and what it holds."""
    held = plain({name: one for name, one in holds.items() if name not in ("text", "sha256")})
    version = str(holds.get("version", ""))
    text = holds.get("text")
    if text is None:
        text = f"{paths.name(path)} {version}\n{json.dumps(held, sort_keys=True)}\n"
    entry = of_bytes(path, text.encode(), time, version=version, holds=held)
    if not holds.get("sha256"):
        return entry
    stated = str(holds["sha256"]).lower()
    return replace(entry, sha256=stated, holds={**held, "stated": stated})


def intact(entry: Entry) -> bool:
    """Whether the file is still what it was made as. One whose hash was stated has that hash."""
    meant = entry.holds.get("stated") or hashlib.sha256(content(entry)).hexdigest()
    return bool(entry.sha256 == meant)


def plant(machine: Machine, entry: Entry) -> None:
    """Put a file at its physical path, making the folders above it, whoever may write there. Not noted."""
    folder = paths.parent(entry.path)
    while not paths.is_root(folder) and machine.get(Entry, folder) is None:
        machine.put(folder, Entry(folder, folder=True, time=entry.time))
        folder = paths.parent(folder)
    machine.put(entry.path, entry)


def writable(machine: Machine, path: str) -> bool:
    """Whether a file could be written there: the drive and the folder are there, and it is no read-only medium."""
    place = drives.locate(machine, path)
    if place is None:
        return False
    host, physical = place
    volume = drives.volume(host, paths.drive(physical))
    return volume is not None and volume.kind == "fixed" and is_folder(host, paths.parent(physical))


def write(machine: Machine, path: str, entry: Entry) -> bool:
    """Put `entry` at `path` (which must be `writable`). False when the same content was there already, which is no
    effect."""
    place = drives.locate(machine, path)
    assert place is not None
    host, physical = place
    old = host.get(Entry, physical)
    new = replace(entry, path=old.path if old else physical, read_only=False)
    if old is not None and replace(old, time="") == replace(new, time=""):
        return False
    host.put(physical, new)
    return True


def make_folder(machine: Machine, path: str) -> bool:
    """With the folders above it. False when the drive is not there, read-only, or a file stands in the way."""
    place = drives.locate(machine, path)
    if place is None:
        return False
    host, physical = place
    volume = drives.volume(host, paths.drive(physical))
    if volume is None or volume.kind != "fixed":
        return False
    missing = []
    while not paths.is_root(physical):
        entry = host.get(Entry, physical)
        if entry is not None:
            if not entry.folder:
                return False
            break
        missing.append(physical)
        physical = paths.parent(physical)
    for one in missing:
        host.put(one, Entry(one, folder=True, time=machine.stamp()))
    return True


def delete(machine: Machine, entry: Entry) -> None:
    """A file, or a folder with everything in it. `entry` as it was found on this machine."""
    machine.drop(Entry, entry.path)
    if entry.folder:
        for one in below(machine, entry.path):
            machine.drop(Entry, one.path)


def held_by(machine: Machine, path: str) -> str | None:
    """Who keeps the file at that physical path open: a running service or an open program."""
    for service in machine.all(Service):
        if service.state == "RUNNING" and any(paths.matches(path, one) for one in service.holds):
            return service.name
    for process in machine.all(Process):
        if any(paths.matches(path, one) for one in process.holds):
            return process.name
    return None
