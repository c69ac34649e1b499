"""What the lab's sshd and its WinRM endpoint start for every command: the line goes verbatim to Wine's cmd.exe.

    line.py PREFIX [LINE]        without LINE it is what the ssh client asked for (SSH_ORIGINAL_COMMAND)

Programs that Wine starts in the background keep the streams of their parent open. So the streams are carried by hand,
and the command has ended when its own process has: nobody waits for what stays behind.

The exit code that Linux hands on has 8 bits. With LAB_EXIT=FILE in the environment, all 32 are written there.
LAB_CWD is the folder to begin in, as Windows writes it.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

WINE = "/usr/lib/wine/wine64"
SFTP = "lab-sftp"
"""What sshd says instead of a line when a client asks for SFTP."""
LEFT_OVER = 0.2
"""Seconds that output may still be on its way after the process has ended."""


def environment(prefix: str, given: Mapping[str, str]) -> dict[str, str]:
    dropped = ("DISPLAY", "SSH_ORIGINAL_COMMAND")
    kept = {name: one for name, one in given.items() if name not in dropped and not name.startswith("WINE")}
    wine = {"WINEPREFIX": prefix, "WINEARCH": "win64", "WINEDEBUG": "-all", "WINEDLLOVERRIDES": "mscoree,mshtml="}
    return {**kept, **wine}


def home(prefix: str) -> Path:
    """The profile folder of the account that all of the machine's programs run in."""
    users = Path(prefix, "drive_c", "users")
    return next((one for one in sorted(users.iterdir()) if one.name != "Public"), users)


def main(arguments: list[str]) -> int:
    prefix = arguments[0]
    line = arguments[1] if len(arguments) > 1 else os.environ.get("SSH_ORIGINAL_COMMAND", "")
    if line == SFTP:
        sys.path.insert(0, str(Path(__file__).parents[3]))
        from tests.lab.wine import sftp_server

        return sftp_server.serve(prefix, home(prefix))
    if not line:
        sys.stderr.write("HANDRAIL LAB: there is no shell to sit at; say a command.\n")
        return 255
    env = {**environment(prefix, os.environ), "LAB_LINE": line}
    if "LAB_EXIT" in env:
        env["LAB_EXIT"] = "Z:" + env["LAB_EXIT"].replace("/", "\\")
    process = subprocess.Popen(
        [WINE, "rawcmd"], cwd=home(prefix), env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    _carry(process)
    return process.wait()


def _carry(process: subprocess.Popen[bytes]) -> None:
    """Output as it comes, until the process has ended and nothing more comes."""
    assert process.stdout and process.stderr
    targets = {process.stdout.fileno(): 1, process.stderr.fileno(): 2}
    ended = _ended(process.pid)
    watched = [*targets, ended]
    while targets:
        ready, _, _ = select.select(watched, [], [], None if ended in watched else LEFT_OVER)
        if ended in ready:
            watched.remove(ended)
        elif not ready:
            return
        for one in [one for one in ready if one in targets]:
            data = os.read(one, 65536)
            if not data:
                del targets[one]
                watched.remove(one)
            _write(targets.get(one, 0), data)


def _ended(pid: int) -> int:
    """A descriptor that can be read once the process has ended."""
    return os.pidfd_open(pid)


def _write(target: int, data: bytes) -> None:
    """Nobody may listen any more; the program is not stopped by that."""
    try:
        while data:
            data = data[os.write(target, data) :]
    except OSError:
        pass


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
