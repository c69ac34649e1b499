"""Secrets as commands look them up: what is looked up is hidden in everything that the command writes afterwards."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
from typing import TYPE_CHECKING

from handrail.cli import settings
from handrail.cli.faults import write_details
from handrail.cli.output import Output
from handrail.reporting.text import harmless

if TYPE_CHECKING:
    from handrail.actions.secrets import SecretStore


def secret_store(output: Output) -> SecretStore:
    """What this machine has, with the helpers that its configuration names."""
    from handrail.running.config import local_secrets

    secrets = local_secrets(settings.home())
    output.redact = secrets.redact
    _catch_all(output)
    return secrets


def _catch_all(output: Output) -> None:
    """What libraries log, and what goes wrong where nobody waits for it, would go to standard error as it is."""
    logging.lastResort = _Log(output)

    def unwaited(error: BaseException | None) -> None:
        if isinstance(error, Exception):
            write_details(error, os.environ, output.redact)

    threading.excepthook = lambda told: unwaited(told.exc_value)
    sys.unraisablehook = lambda told: unwaited(told.exc_value)


class _Log(logging.Handler):
    """In place of Python's own last resort, for warnings and worse."""

    def __init__(self, output: Output) -> None:
        super().__init__(logging.WARNING)
        self._output = output

    def emit(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(Exception):
            self._output.complain(harmless(f"handrail: {record.name}: {record.getMessage()}"))
