"""`certutil -hashfile`."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from handrail.twin.machine import Machine
from handrail.twin.mechanisms import files
from handrail.twin.tools.options import not_rehearsed
from handrail.twin.tools.reply import Reply, say

_NO_FILE = -2147024894
"""0x80070002 as the signed number that it is."""


def run(machine: Machine, arguments: Sequence[str]) -> Reply:
    if len(arguments) not in (2, 3) or arguments[0].lower() not in ("-hashfile", "/hashfile"):
        raise not_rehearsed("certutil", arguments)
    algorithm = arguments[2].upper() if len(arguments) == 3 else "SHA1"
    entry = files.find(machine, arguments[1])
    if entry is None or entry.folder:
        return say(
            _NO_FILE,
            "CertUtil: -hashfile command FAILED: 0x80070002 (WIN32: 2 ERROR_FILE_NOT_FOUND)",
            "CertUtil: The system cannot find the file specified.",
        )
    if algorithm == "SHA256":
        digest = entry.sha256
    elif algorithm in ("SHA1", "MD5", "SHA512"):
        digest = hashlib.new(algorithm.lower(), files.content(entry)).hexdigest()
    else:
        raise not_rehearsed("certutil", arguments)
    return say(0, f"{algorithm} hash of {arguments[1]}:", digest, "CertUtil: -hashfile command completed successfully.")
