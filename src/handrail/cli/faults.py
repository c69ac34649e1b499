"""Errors as people meet them: one clear sentence, an exit code, never a traceback."""

from __future__ import annotations

import os
import platform
import re
import time
import traceback
from collections.abc import Mapping
from pathlib import Path

from handrail.cli.output import Output, Redact
from handrail.errors import BadDocument, HandrailError, suggestion
from handrail.reporting.text import harmless

_QUOTED = r"'([^']*)'"
MOST = 50
"""Mistakes of one document that are told; nobody mends more at a time."""

_CHOICE = re.compile(rf"{_QUOTED} is not one of (.*)$")


def explain_fault(error: Exception, output: Output, environment: Mapping[str, str]) -> int:
    """Say on standard error what went wrong and return the exit code."""
    if isinstance(error, HandrailError):
        mistakes = error.mistakes if isinstance(error, BadDocument) else (error,)
        for one in mistakes[:MOST]:
            output.complain(sentence(one))
        if len(mistakes) > MOST:
            output.complain(f"handrail: There are {len(mistakes) - MOST} more mistakes.")
        return error.exit_code
    usage = getattr(error, "format_message", None)
    if callable(usage):  # Typer's usage errors; their class has moved between its versions, their methods have not
        return _explain_usage(error, str(usage()), output)
    if isinstance(error, OSError) and error.filename is not None:
        output.complain(f"handrail: {_shown(error.filename)}: {error.strerror or type(error).__name__}.")
        return 2
    kind = type(error).__name__
    written = write_details(error, environment, output.redact)
    if written is None:
        output.complain(f"handrail: This is a fault of Handrail itself ({kind}); please report it.")
    else:
        output.complain(
            f"handrail: This is a fault of Handrail itself ({kind}); please report it with the details in {written}."
        )
    return 1


def sentence(error: HandrailError) -> str:
    """One error on one line; without a place it begins with the program's name."""
    text = " ".join(str(error).split())
    return harmless(text if error.place else f"handrail: {text}")


def write_details(error: Exception, environment: Mapping[str, str], redact: Redact) -> Path | None:
    """Write the traceback to a file below the home folder, without secrets. None when that cannot be."""
    from handrail import __version__
    from handrail.running.home import Home

    try:
        folder = Home.find(environment).path / "logs"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / f"fault-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.txt"
        about = f"handrail {__version__}, Python {platform.python_version()}, {platform.platform()}\n\n"
        details = about + "".join(traceback.format_exception(error))
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(redact(details).encode("utf-8", "backslashreplace"))
    except Exception:  # wherever the details cannot go, the sentence alone has to do
        return None
    return path


def _explain_usage(error: Exception, message: str, output: Output) -> int:
    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":
        output.complain(message)
        return 2
    message = message.replace("Value error, ", "")
    near = getattr(error, "possibilities", None)
    if near is not None:
        message = getattr(error, "message", message).rstrip(".") + "."
        if near:
            message += f" Did you mean {near[0]!r}?"
    choice = _CHOICE.search(message)
    if choice:
        message = f"{message.rstrip('.')}. {suggestion(choice[1], re.findall(_QUOTED, choice[2]))}"
    path = context.command_path if context is not None else "handrail"
    text = harmless(" ".join(message.split()))
    text += "" if text.endswith((".", "?", "!")) else "."
    output.complain(f"handrail: {text} See '{path} --help'.")
    return int(getattr(error, "exit_code", 2))


def _shown(name: object) -> str:
    return harmless(os.fsdecode(name) if isinstance(name, str | bytes) else str(name))
