"""The configuration of this machine, read only when nobody else may have written it: it names commands."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from handrail.actions.secrets import SecretStore
from handrail.documents.config import WHAT, Config, config_of
from handrail.documents.files import read_bytes
from handrail.errors import BadInput, Place
from handrail.running.home import Home

LIMIT = 1024 * 1024


def read_config(path: Path) -> Config:
    """What is configured; nothing, when there is no such file. BadDocument; BadInput when others may write it."""
    if not path.exists():
        return Config()
    for one in (path, path.parent):
        _refuse_foreign(one, path)
    return config_of(read_bytes(path, WHAT, LIMIT), str(path))


def local_secrets(home: Home) -> SecretStore:
    """What this machine has; its configuration is read when a helper is asked for the first time."""
    return SecretStore(helpers=lambda: read_config(home.config).secrets)


def _refuse_foreign(one: Path, path: Path) -> None:
    if os.name != "posix":
        return
    found = one.stat()
    what = f"{WHAT} can be written" if one == path else f"{WHAT} lies in a folder that can be written"
    if found.st_uid not in (os.geteuid(), 0):
        raise BadInput(
            f"{what} by another account, and it names commands.",
            f"See what stands in it, then: chown you {one}",
            Place(str(path)),
        )
    shared = stat.S_IWGRP | stat.S_IWOTH
    if found.st_mode & shared and not (one != path and found.st_mode & stat.S_ISVTX):
        raise BadInput(
            f"{what} by others, and it names commands.",
            f"See what stands in it, then take that right away: chmod go-w {one}",
            Place(str(path)),
        )
