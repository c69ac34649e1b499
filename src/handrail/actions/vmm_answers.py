"""The answer files of Virtual Machine Manager's setup: written by us, whole, and read back before setup sees them.

Setup's own defaults are unsafe: an uninstallation drops the database, an installation makes a new one, and a file that
is not found is taken for one that says nothing. So no parameter here can ask for a new or a dropped database; the two
values that keep it are constants.
Source: Microsoft, "Installing VMM from a command prompt".
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from handrail.errors import BadInput

SECTION = "OPTIONS"
KEPT: Mapping[str, str] = {"RetainSqlDatabase": "1", "ForceHAVMMUninstall": "0"}
"""What every uninstallation is told: the database stays."""
REUSED: Mapping[str, str] = {"CreateNewSqlDatabase": "0"}
"""What every installation is told: the database that is there is used."""
LOCAL = (".", "(local)", "localhost", "127.0.0.1", "::1")
SHARE = "MSSCVMMLibrary"
"""The name of setup's own library share."""

_LINE = re.compile(r"([A-Za-z][A-Za-z0-9]*)=(.*)")


def text(answers: Mapping[str, str]) -> str:
    return "".join(f"{line}\r\n" for line in (f"[{SECTION}]", *(f"{key}={value}" for key, value in answers.items())))


def answers_in(file: str) -> dict[str, str]:
    """What setup reads in an answer file: a line that begins with # says nothing. BadInput for a key that stands there
    twice or a line that is none."""
    found: dict[str, str] = {}
    for line in file.splitlines():
        bare = line.strip()
        if not bare or bare.startswith("#") or bare == f"[{SECTION}]":
            continue
        pair = _LINE.fullmatch(bare)
        if pair is None or pair[1] in found:
            raise BadInput(f"The answer file holds a line that setup may take for something else: {bare[:80]!r}.")
        found[pair[1]] = pair[2]
    return found


def check_value(name: str, value: str) -> None:
    """BadInput when a value could become another line of the file."""
    if any(ord(one) < 32 for one in value) or value != value.strip():
        raise BadInput(f"{name} holds a line end, a tab, or a blank at one of its ends.", "Correct it in the estate.")


def for_uninstall() -> dict[str, str]:
    return {**KEPT, "RemoteDatabaseImpersonation": "0"}


def for_install(
    server: str, instance: str | None, database: str, local_account: bool, container: str | None, library: str | None
) -> dict[str, str]:
    """`library`: the name of a new library share, or None for setup's own. BadInput for values that setup would
    misread."""
    for name, value in (("server", server), ("instance", instance), ("database", database), ("container", container)):
        if value is not None:
            check_value(name, value)
    if not server or server.casefold() in LOCAL:
        raise BadInput(f"Setup does not take {server!r} for the database server.", "Give the computer's name.")
    if not database:
        raise BadInput("The database has no name.", "Setup would take its own default.")
    answers = {
        **REUSED,
        "SqlMachineName": server,
        "SqlInstanceName": instance or "MSSQLSERVER",
        "SqlDatabaseName": database,
        "RemoteDatabaseImpersonation": "0",
        "VmmServiceLocalAccount": "1" if local_account else "0",
        "CreateNewLibraryShare": "1",
        "LibraryShareName": library or SHARE,
        "SQMOptIn": "0",
        "MUOptIn": "0",
    }
    if container:
        answers["TopContainerName"] = container
    return answers
