"""The reviewed PowerShell scripts for files, done in Python on files of this machine. The scripts themselves are proved
by nothing here: how they are asked, and what is made of their answers, is."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import urllib.request
from collections.abc import Callable
from pathlib import Path

from tests.support.winrm_commands import Asked

from handrail.hosts import powershell
from handrail.hosts.protocol import Exited

Script = Callable[..., Exited]


async def carry_out(asked: Asked) -> Exited:
    known = powershell.recognise(asked.argv)
    assert known is not None, asked.argv
    fed = b"".join(base64.b64decode(line) for line in asked.stdin.splitlines())
    try:
        return await asyncio.to_thread(_SCRIPTS[known[0]], fed, *known[1])
    except OSError as error:
        return Exited(1, b"", f"{error.strerror or error}\r\n".encode())


def _read_part(_: bytes, path: str, offset: str, most: str) -> Exited:
    file = Path(path)
    if not file.exists():
        return Exited(powershell.ABSENT)
    with file.open("rb") as opened:
        opened.seek(int(offset))
        part = opened.read(int(most))
    head = f"{file.stat().st_size}|{file.stat().st_mtime_ns}|{hashlib.sha256(part).hexdigest().upper()}\r\n"
    return Exited(0, head.encode() + base64.encodebytes(part).replace(b"\n", b"\r\n"))


def _write_part(fed: bytes, path: str, offset: str) -> Exited:
    with Path(path).open("r+b" if Path(path).exists() else "wb") as file:
        file.truncate(int(offset))
        file.seek(int(offset))
        file.write(fed)
    return Exited(0)


def _write_file(fed: bytes, path: str, digest: str) -> Exited:
    part = path + ".part"
    Path(part).write_bytes(fed)
    return _take(b"", part, path, digest)


def _take(_: bytes, part: str, path: str, digest: str) -> Exited:
    if hashlib.sha256(Path(part).read_bytes()).hexdigest() != digest.lower():
        Path(part).unlink()
        return Exited(powershell.DAMAGED)
    Path(part).replace(path)
    return Exited(0)


def _pull(_: bytes, url: str, part: str) -> Exited:
    with urllib.request.urlopen(url, timeout=10) as answer:
        Path(part).write_bytes(answer.read())
    return Exited(0)


def _boot_time(_: bytes) -> Exited:
    return Exited(0, b"20261121163000.500000+000\r\n")


_SCRIPTS: dict[str, Script] = {
    "read-part": _read_part,
    "write-part": _write_part,
    "write-file": _write_file,
    "take-part": _take,
    "pull-url": _pull,
    "boot-time": _boot_time,
}
