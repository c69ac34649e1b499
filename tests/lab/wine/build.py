#!/usr/bin/env python3
"""A throw-away "Windows machine" out of Wine, made once and copied by every test that wants one.

    python tests/lab/wine/build.py        makes what is missing and prints the folder that holds it

It holds `prefix` (never used itself; `tests.support.wine` copies it), `tools` (our stand-ins, compiled) and `packages`
(MSI and MSP stand-ins). All of it lies in /var/tmp/handrail-wine (for root) or /var/tmp/handrail-wine-UID: outside any
checkout, under a name that says which version of Wine and of this folder it was made by. Needs the packages that
`scripts/fetch_wine.sh` installs; nothing else but Python's own library.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[2]))

from tests.lab.wine import packages  # noqa: E402

WINE = "/usr/lib/wine/wine64"
"""Not /usr/bin/wine, which prints a note about 32-bit programs on every call."""
COMPILER = "x86_64-w64-mingw32-gcc"
NEEDED = (WINE, "wineserver", COMPILER, "wixl", "msibuild", "gcab", "/usr/sbin/sshd")

STAND_INS = (
    "hold",
    "powershell",
    "rawcmd",
    "robocopy",
    "sc",
    "schtasks",
    "shutdown",
    "sqlcmd",
    "subst",
    "wevtutil",
    "wmic",
)
"""Programs of `tools/` that lie in system32; wmic in its own folder, as on Windows."""
STUBS = ("certutil", "cscript", "dism", "fc", "findstr", "icacls", "systeminfo", "tasklist", "where", "wscript")
"""Wine's own end with 0 and do nothing. In their place lies a program that fails and is found out."""
_SHARED = (".dll", ".drv", ".exe", ".msstyles", ".nls", ".sys", ".ttf")
LIBRARIES = ("-ladvapi32", "-lversion", "-lmsi", "-lcrypt32", "-lurlmon")


def environment(prefix: Path) -> dict[str, str]:
    """What every program of Wine is started with."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("WINE", "LAB_"))}
    clean.pop("DISPLAY", None)
    return {
        **clean,
        "WINEPREFIX": str(prefix),
        "WINEARCH": "win64",
        "WINEDEBUG": "-all",
        "WINEDLLOVERRIDES": "mscoree,mshtml=",
    }


def cache() -> Path:
    """Where everything lies. RuntimeError when somebody else's folder has that name."""
    folder = Path("/var/tmp/handrail-wine" + ("" if os.geteuid() == 0 else f"-{os.geteuid()}"))
    folder.mkdir(exist_ok=True)
    # /var/tmp is everybody's: somebody else's folder of that name must not give us programs to run.
    if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
        raise RuntimeError(f"{folder} belongs to another account; remove it and try again")
    folder.chmod(0o755)
    return folder


def made() -> Path:
    """The folder with prefix, tools and packages, made if need be. RuntimeError says what is missing or went wrong."""
    missing = [one for one in NEEDED if shutil.which(one) is None]
    if missing:
        raise RuntimeError(f"{', '.join(missing)} missing; scripts/fetch_wine.sh installs it (as root, or with sudo)")
    folder = cache()
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        bare = folder / f"bare-{_digest(_version())}"
        whole = folder / f"lab-{_digest(_version(), *_sources())}"
        if not whole.exists():
            work = whole.with_suffix(".new")
            shutil.rmtree(work, ignore_errors=True)
            with ThreadPoolExecutor(1) as beside:
                built = beside.submit(_build, work)
                if not bare.exists():
                    _make_prefix(bare)
                built.result()
            _assemble(bare, work)
            work.rename(whole)
            _clean(folder, bare, whole)
    return whole


def run(*argv: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    """What a program prints. RuntimeError with all that it said when it fails."""
    done = subprocess.run(
        [str(one) for one in argv], cwd=cwd, env=env, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    if done.returncode != 0:
        text = (done.stdout + done.stderr).decode("utf-8", "replace").strip()
        raise RuntimeError(f"{Path(argv[0]).name} ended with {done.returncode}: {text[-2000:]}")
    return done.stdout.decode("utf-8", "replace")


def compile_tool(source: Path, target: Path, *more: str | Path) -> None:
    flags = ("-O2", "-s", "-municode", "-Wall", "-Wno-unused-function")
    run(COMPILER, *flags, f"-I{HERE / 'tools'}", source, *more, "-o", target, *LIBRARIES)


def copy_prefix(source: Path, target: Path) -> None:
    """A copy that shares Wine's own big files, which nobody ever writes to, and nothing else."""
    for folder, folders, names in os.walk(source):
        here = target / Path(folder).relative_to(source)
        here.mkdir()
        for name in names + [one for one in folders if Path(folder, one).is_symlink()]:
            one = Path(folder, name)
            if one.is_symlink():
                (here / name).symlink_to(one.readlink())
            elif "windows" in here.parts and name.endswith(
                (".dll", ".exe", ".nls", ".drv", ".sys", ".ttf", ".msstyles")
            ):
                (here / name).hardlink_to(one)
            else:
                shutil.copy2(one, here / name)


def _version() -> str:
    return run(WINE, "--version").strip()


def _sources() -> list[str]:
    files = sorted(one for one in HERE.rglob("*") if one.is_file() and one.suffix in (".py", ".c", ".h", ".in", ".wxs"))
    return [f"{one.relative_to(HERE)}:{hashlib.sha256(one.read_bytes()).hexdigest()}" for one in files]


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def _make_prefix(target: Path) -> None:
    work = target.with_suffix(".new")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    say("making a Wine prefix")
    run(WINE, "wineboot", "-i", env=environment(work))
    _put_down(work)
    # Nothing of Wine is updated behind our back when a copy starts.
    (work / ".update-timestamp").write_text("disable\n")
    work.rename(target)


def _put_down(prefix: Path) -> None:
    """End what still runs there; the registry is written on the way. Left alone it would linger for seconds."""
    subprocess.run(["wineserver", "-k"], env=environment(prefix), check=False, capture_output=True)
    run("wineserver", "-w", env=environment(prefix))


def _build(work: Path) -> None:
    (work / "tools").mkdir(parents=True)
    say("compiling stand-ins and building packages")
    sources = [one for one in sorted((HERE / "tools").glob("*.c")) if not one.name.startswith("product_")]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for _ in pool.map(lambda one: compile_tool(one, work / "tools" / f"{one.stem}.exe"), sources):
            pass
    packages.build(work / "packages", work / "work")
    shutil.rmtree(work / "work")


def _assemble(bare: Path, work: Path) -> None:
    """A copy of the bare prefix with our programs in the place of Wine's."""
    prefix = work / "prefix"
    copy_prefix(bare, prefix)
    system = prefix / "drive_c/windows/system32"
    for name in (*STAND_INS, *STUBS):
        tool = work / "tools" / f"{name if name in STAND_INS else 'stub'}.exe"
        where = system / "wbem" if name == "wmic" else system
        (where / f"{name}.exe").unlink(missing_ok=True)
        shutil.copy2(tool, where / f"{name}.exe")
    powershell = system / "WindowsPowerShell/v1.0"
    if powershell.is_dir():
        (powershell / "powershell.exe").unlink(missing_ok=True)
        shutil.copy2(work / "tools/powershell.exe", powershell)
    _prefer_ours(prefix)


_UNINSTALL_32 = r"HKEY_LOCAL_MACHINE\SOFTWARE\WOW6432Node\Microsoft\Windows\CurrentVersion\Uninstall"


def _prefer_ours(prefix: Path) -> None:
    """Wine prefers its own programs to files of their names unless its registry says otherwise."""
    lines = "".join(f'"{name}.exe"="native"\r\n' for name in sorted((*STAND_INS, *STUBS)))
    file = prefix / "drive_c" / "lab.reg"
    key = r"[HKEY_CURRENT_USER\Software\Wine\DllOverrides]"
    path = r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows NT\CurrentVersion"
    file.write_text(
        f'Windows Registry Editor Version 5.00\r\n\r\n{key}\r\n{lines}\r\n[{path}]\r\n"InstallationType"="Server"\r\n'
        # Every 64-bit Windows has both lists of installed products; Wine makes each with its first entry.
        f"\r\n[{_UNINSTALL_32}]\r\n"
    )
    run(WINE, "regedit", "/S", r"C:\lab.reg", env=environment(prefix))
    _put_down(prefix)
    file.unlink()


def _clean(folder: Path, *keep: Path) -> None:
    """What older versions of the lab left, when nobody has used it for a day."""
    import time

    for one in folder.iterdir():
        if one.is_dir() and one not in keep and time.time() - one.stat().st_mtime > 86400:
            shutil.rmtree(one, ignore_errors=True)


def say(text: str) -> None:
    print(f"wine lab: {text}", file=sys.stderr)


if __name__ == "__main__":
    try:
        print(made())
    except RuntimeError as error:
        sys.exit(f"wine lab: {error}")
