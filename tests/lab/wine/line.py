"""What the lab's sshd and its WinRM endpoint start for every command: the line goes verbatim to Wine's cmd.exe.

    line.py PREFIX [LINE]        without LINE it is what the ssh client asked for (SSH_ORIGINAL_COMMAND)

Programs that Wine starts in the background keep the streams of their parent open. So the streams are carried by hand,
and the command has ended when its own process has: nobody waits for what stays behind.

The exit code that Linux hands on has 8 bits. With LAB_EXIT=FILE in the environment, all 32 are written there.
LAB_CWD is the folder to begin in, as Windows writes it.

It is started hundreds of times in a test, so it imports next to nothing.
"""

import os
import select
import sys

WINE = "/usr/lib/wine/wine64"
RAWCMD = r"C:\windows\system32\rawcmd.exe"
"""With its path: of a bare name Wine has a program of its own find it, which takes as long again."""
SFTP = "lab-sftp"
"""What sshd says instead of a line when a client asks for SFTP."""
TIMES = 3
"""How often it is tried. On a busy machine Wine was seen to end before it had begun."""
LEFT_OVER = 0.2
"""Seconds that output may still be on its way after the process has ended."""


def environment(prefix: str, given: dict[str, str]) -> dict[str, str]:
    dropped = ("DISPLAY", "SSH_ORIGINAL_COMMAND")
    kept = {name: one for name, one in given.items() if name not in dropped and not name.startswith("WINE")}
    wine = {"WINEPREFIX": prefix, "WINEARCH": "win64", "WINEDEBUG": "-all", "WINEDLLOVERRIDES": "mscoree,mshtml="}
    return {**kept, **wine}


def home(prefix: str) -> str:
    """The profile folder of the account that all of the machine's programs run in."""
    users = f"{prefix}/drive_c/users"
    with os.scandir(users) as found:
        return min((one.path for one in found if one.name != "Public"), default=users)


def main(arguments: list[str]) -> int:
    prefix = arguments[0]
    line = arguments[1] if len(arguments) > 1 else os.environ.get("SSH_ORIGINAL_COMMAND", "")
    if line == SFTP:
        from pathlib import Path

        sys.path.insert(0, str(Path(__file__).parents[3]))
        from tests.lab.wine import sftp_server

        return sftp_server.serve(prefix, Path(home(prefix)))
    if not line:
        sys.stderr.write("HANDRAIL LAB: there is no shell to sit at; say a command.\n")
        return 255
    env = {**environment(prefix, dict(os.environ)), "LAB_LINE": line}
    begun = f"{prefix}/drive_c/lab/begun-{os.getpid()}"
    boot = _boot(prefix)
    env["LAB_BEGUN"] = _windows(begun)
    if "LAB_EXIT" in env:
        env["LAB_EXIT"] = _windows(env["LAB_EXIT"])
    os.chdir(home(prefix))
    for _ in range(TIMES):
        (out, their_out), (err, their_err) = os.pipe(), os.pipe()
        streams = [(os.POSIX_SPAWN_DUP2, their_out, 1), (os.POSIX_SPAWN_DUP2, their_err, 2)]
        process = os.posix_spawn(WINE, [WINE, RAWCMD], env, file_actions=streams)
        os.close(their_out)
        os.close(their_err)
        _carry(process, {out: 1, err: 2})
        code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        try:
            os.unlink(begun)  # noqa: PTH108 - pathlib takes long to load
            break
        except FileNotFoundError:
            if not boot or _boot(prefix) != boot:  # the machine went down; what was not begun then is not begun later
                break
            select.select([], [], [], LEFT_OVER)
    return code


def _boot(prefix: str) -> bytes:
    """When the machine was started; nothing when it is not up."""
    try:
        with open(f"{prefix}/drive_c/lab/boots.txt", "rb") as file:  # noqa: PTH123 - pathlib takes long to load
            return file.read()
    except FileNotFoundError:
        return b""


def _windows(path: str) -> str:
    return "Z:" + path.replace("/", "\\")


def _carry(process: int, targets: dict[int, int]) -> None:
    """Output as it comes, from each descriptor to its target, until the process has ended and no more comes."""
    ended = _ended(process)
    watched = [*targets, ended]
    while targets:
        ready, _, _ = select.select(watched, [], [], None if ended in watched else LEFT_OVER)
        if ended in ready:
            watched.remove(ended)
        elif not ready:
            return
        for one in [one for one in ready if one in targets]:
            data = os.read(one, 65536)
            if data:
                _write(targets[one], data)
            else:
                del targets[one]
                watched.remove(one)


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
