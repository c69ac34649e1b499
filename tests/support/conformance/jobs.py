"""Detached commands, by way of the task scheduler."""

from __future__ import annotations

import itertools
from typing import Any

from tests.support.conformance.case import Case, Look, Read, Write
from tests.support.conformance.files import HERE, TEXT, there

from handrail.hosts import detached
from handrail.hosts.protocol import Command, Host

_NUMBERS = itertools.count(1)


def job(*argv: str, gives: tuple[str, int], cwd: str | None = None) -> Look:
    """The state and the exit code of a job that runs `argv`."""

    async def look(host: Host) -> Any:
        state = await detached.run(host, f"conformance/{next(_NUMBERS)}", Command(argv, cwd=cwd, timeout=60.0))
        return (state.state, state.code)

    return Look(look, gives)


async def twice(host: Host) -> Any:
    """The same job started a second time, by somebody who does not know that it ran."""
    name = f"conformance/{next(_NUMBERS)}"
    command = Command(("cmd", "/c", "copy", "/y", rf"{HERE}\from.txt", rf"{HERE}\once.txt"), timeout=60.0)
    first = await detached.run(host, name, command)
    await host.write(rf"{HERE}\from.txt", b"changed since")
    second = await detached.run(host, name, command)
    return (first.state, first.code, second.state, second.code)


async def unknown(host: Host) -> str:
    return (await detached.poll(host, "conformance/never started")).state


JOBS = (
    Case("a job that was never started is absent", (Look(unknown, "absent"),)),
    Case(
        "a job runs once, however often it is started",
        (
            Write(rf"{HERE}\from.txt", TEXT),
            Look(twice, ("exited", 0, "exited", 0)),
            Read(rf"{HERE}\once.txt", TEXT),
        ),
    ),
    Case(
        "a job's exit code is the command's, with all its bits",
        (
            job("msiexec", "/x", "{00000000-0000-0000-0000-0000000C0DE5}", "/qn", gives=("exited", 1605)),
        ),
    ),
    Case(
        "a job works in its folder, with signs in its arguments",
        (
            Write(rf"{HERE}\work & 50%\from here.txt", TEXT),
            job("cmd", "/c", "copy", "/y", "from here.txt", "100% (sure) & more.txt", cwd=rf"{HERE}\work & 50%",
                gives=("exited", 0)),
            Read(rf"{HERE}\work & 50%\100% (sure) & more.txt", TEXT),
            there(rf"{HERE}\from here.txt", False),
        ),
    ),
)  # fmt: skip
