"""Asking a helper of the local configuration for a secret: a program, started without a shell."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

from handrail.documents.config import NAME, Helper
from handrail.errors import BadInput, suggestion
from handrail.model.reference import ASKED

MOST = 64 * 1024
"""Bytes of its output that are looked at."""
LOOK = 0.2
"""Seconds after which we look whether it has ended, and for which its output is still read then."""
SAID = 200
"""Characters of what it complained about that an error repeats."""

Redact = Callable[[str], str]


def ask(helpers: Mapping[str, Helper], rest: str, redact: Redact) -> str:
    """The first line that the helper prints. BadInput when there is no such helper, or it gives none. `redact` is told
    nothing that was printed on standard output: it may be the secret."""
    name, _, asked = rest.partition("/")
    helper = helpers.get(name)
    if helper is None:
        raise BadInput(
            f"exec:{rest} asks for the helper {name!r}, which is not configured on this machine.",
            suggestion(name, helpers) or "Name it under `secrets` in config.yaml in the home folder.",
        )
    if helper.takes_name != bool(asked):
        wanted = "which needs to be told" if helper.takes_name else "which takes no name, and is told"
        raise BadInput(f"exec:{rest} asks the helper {name!r}, {wanted} what to look up.", f"Write exec:{name}/NAME.")
    if asked and not ASKED.match(asked):
        raise BadInput(
            f"exec:{rest} asks for a name that is not handed to a command.",
            "It may hold letters, digits and _.@/\\+=,:#- and must not begin with a dash or lead upwards.",
        )
    return _first_line(name, helper, [one.replace(NAME, asked) for one in helper.run], redact)


def _first_line(name: str, helper: Helper, argv: list[str], redact: Redact) -> str:
    code, out, err = _run(name, argv, helper.timeout)
    printed = out[:MOST].decode("utf-8", "replace")
    if code != 0:
        said = " ".join(redact(_hide_lines(err[-MOST:].decode("utf-8", "replace"), printed)).split())[-SAID:]
        raise BadInput(
            f"The helper {name!r} ended with {code}" + (f": {said}" if said else "."),
            "Try its command by hand; it stands in config.yaml in the home folder.",
        )
    lines = printed.splitlines()
    return lines[0] if lines else ""


def _run(name: str, argv: list[str], timeout: float) -> tuple[int, bytes, bytes]:
    """Its exit code and what it printed, which goes through pipes and so lies in no file."""
    try:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # so that all of it can be ended, and no signal of ours reaches it
        )
    except (OSError, ValueError) as failed:
        because = getattr(failed, "strerror", None) or type(failed).__name__
        raise BadInput(
            f"The helper {name!r} cannot be started: {argv[0]}: {because}.",
            "Correct its command in config.yaml in the home folder.",
        ) from None
    until = time.monotonic() + timeout
    with process:
        try:
            while True:
                ended = process.poll() is not None
                try:
                    out, err = process.communicate(timeout=LOOK)
                    return process.returncode, out, err
                except subprocess.TimeoutExpired as late:
                    if ended:  # it left something behind that keeps its output open
                        return process.returncode, late.stdout or b"", late.stderr or b""
                if time.monotonic() >= until:
                    raise BadInput(
                        f"The helper {name!r} gave no answer within {timeout:g} seconds.",
                        "Sign in to what it asks, or give it a longer timeout in config.yaml.",
                    )
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End it with all that it started, and left behind."""
    with suppress(ProcessLookupError, PermissionError):
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


def _hide_lines(said: str, printed: str) -> str:
    """What it complained about, without what it printed elsewhere."""
    for line in sorted({one.strip() for one in printed.splitlines()}, key=len, reverse=True):
        if line:
            said = said.replace(line, "***")
    return said
