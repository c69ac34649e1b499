"""Drive letters: volumes, mounted images, and the letters that SUBST makes in one logon session.

A letter made in a logon session is seen in that session only; one made by the operating system's own session is seen in
every session. A restart ends all sessions and with them all such letters, and takes mounted images out.
"""

from __future__ import annotations

import re
from dataclasses import replace

from handrail.twin import paths
from handrail.twin.machine import Machine
from handrail.twin.things import SYSTEM, Drive, Entry, Volume

_SHARE = re.compile(r"^\\\\([^\\]+)\\([a-z])\$(\\.*)?$", re.IGNORECASE)


def mapped(machine: Machine, letter: str) -> Drive | None:
    """The SUBST letter that this session sees."""
    own = machine.get(Drive, f"{machine.session}|{letter}") if machine.session else None
    return own or machine.get(Drive, f"{SYSTEM}|{letter}")


def visible(machine: Machine) -> list[Drive]:
    letters = {one.letter for one in machine.all(Drive) if one.session in (SYSTEM, machine.session)}
    return [drive for letter in sorted(letters) if (drive := mapped(machine, letter))]


def volume(machine: Machine, letter: str) -> Volume | None:
    return machine.get(Volume, letter)


def locate(machine: Machine, path: str) -> tuple[Machine, str] | None:
    r"""The host and the physical path behind a path as this session sees it; None when its drive is not there.
    Administrative shares (`\\HOST\C$\...`) lead to other hosts of the estate."""
    path = machine.path(path)
    if share := _SHARE.match(path):
        other = machine.other(share[1])
        return locate(other.as_system(), f"{share[2]}:{share[3] or ''}\\") if other else None
    for _ in range(8):
        letter = paths.drive(path)
        drive = mapped(machine, letter) if letter else None
        if drive is None:
            return (machine, path) if letter and volume(machine, letter) else None
        path = paths.join(drive.folder, paths.relative(path, letter + "\\"))
    return None


def substitute(machine: Machine, letter: str, folder: str) -> None:
    session = machine.as_logon()
    machine.put(f"{session}|{letter}", Drive(session, letter, folder))
    machine.did("drive", f"{letter} leads to {folder} in session {session}")


def release(machine: Machine, drive: Drive) -> None:
    machine.drop(Drive, f"{drive.session}|{drive.letter}")
    machine.did("drive", f"{drive.letter} removed from session {drive.session}")


def free_letter(machine: Machine) -> str:
    """The next letter for a medium, as Windows gives them: the first free one from D: on."""
    taken = {one.letter for one in machine.all(Volume)} | {one.letter for one in machine.all(Drive)}
    return next(letter for code in range(ord("D"), ord("Z") + 1) if (letter := chr(code) + ":") not in taken)


def mount(machine: Machine, image: str, letter: str | None = None) -> Volume | None:
    """Mount the image file at that path; None when it is no image. Mounting it again changes nothing."""
    from handrail.twin.mechanisms import files

    entry = files.find(machine, image)
    if entry is None or "image" not in entry.holds:
        return None
    place = locate(machine, image)
    assert place is not None
    for one in machine.all(Volume):
        if one.image.lower() == place[1].lower():
            return one
    held = entry.holds["image"]
    volume = Volume(letter or free_letter(machine), held.get("label", ""), "cdrom", place[1])
    machine.put(volume.letter, volume)
    for path, content in held.get("files", {}).items():
        made = files.made(paths.join(volume.letter + "\\", path), content, entry.time)
        files.plant(machine, replace(made, read_only=True))
    machine.did("media", f"{place[1]} mounted as {volume.letter}")
    return volume


def dismount(machine: Machine, volume: Volume) -> None:
    _take_out(machine, volume)
    machine.did("media", f"{volume.image} taken out of {volume.letter}")


def _take_out(machine: Machine, volume: Volume) -> None:
    machine.drop(Volume, volume.letter)
    root = volume.letter.lower() + "\\"
    for entry in machine.all(Entry):
        if entry.path.lower().startswith(root):
            machine.drop(Entry, entry.path)


def end_session(machine: Machine) -> None:
    """Log off: the letters that this session made go with it."""
    for drive in machine.all(Drive):
        if drive.session == machine.session and machine.session != SYSTEM:
            release(machine, drive)


def settle_restart(machine: Machine) -> None:
    """What a restart does to letters: sessions end, mounted images are taken out."""
    for drive in machine.all(Drive):
        machine.drop(Drive, f"{drive.session}|{drive.letter}")
    for one in machine.all(Volume):
        if one.image:
            _take_out(machine, one)
