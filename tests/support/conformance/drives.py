"""Drives that stand for a folder (`subst`), and what is read through them."""

from __future__ import annotations

from tests.support.conformance.case import Ask, Case, Look, Read, Write, ask, cmd
from tests.support.conformance.files import HERE, TEXT, there

from handrail.actions.drive import mappings
from handrail.hosts.protocol import Host

DRIVE = "S:"


async def mapped(host: Host) -> str | None:
    return (await mappings(host)).get(DRIVE)


def stands_for(folder: str | None) -> Look:
    return Look(mapped, folder)


FREED: Ask = ask("subst", DRIVE, "/D", code=None)

DRIVES = (
    Case(
        "a drive stands for a folder and for no other, and what is written through it lies there",
        (
            FREED,
            cmd("mkdir", rf"{HERE}\behind the drive"),
            ask("subst", DRIVE, rf"{HERE}\behind the drive"),
            stands_for(rf"{HERE}\behind the drive"),
            there(DRIVE + "\\"),
            Write(rf"{HERE}\behind the drive\one.txt", TEXT),
            ask("subst", DRIVE, HERE, code=1),
            cmd("copy", "/y", DRIVE + r"\one.txt", DRIVE + r"\two.txt"),
            Read(rf"{HERE}\behind the drive\two.txt", TEXT),
            Read(DRIVE + r"\two.txt", TEXT),
            ask("subst", DRIVE, "/D"),
            stands_for(None),
            there(DRIVE + "\\", False),
            Read(rf"{HERE}\behind the drive\one.txt", TEXT),
        ),
    ),
    Case(
        "what is no folder, and what is not mapped, is refused",
        (
            ask("subst", DRIVE, rf"{HERE}\no such folder", code=1),
            there(DRIVE + "\\", False),
            ask("subst", DRIVE, "/D", code=1),
        ),
    ),
)
