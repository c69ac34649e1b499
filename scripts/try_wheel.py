"""Install a wheel with each extra alone into a fresh environment, and try there what that extra is for.

python scripts/try_wheel.py WHEEL

Says what worked, and ends with 1 when something did not. It takes some minutes: everything is installed anew.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

EXTRAS = ("", "winrm", "fleet", "console")
ABSENT = "postgresql://nobody@127.0.0.1:9/none"

TRIED: dict[str, tuple[tuple[list[str], int, str], ...]] = {
    "base": (
        (["--help"], 0, "Look and plan"),
        (["guide", "list"], 0, "postgresql"),
        (["plan", "ESTATE", "-o", "upgrade.plan"], 0, "119 steps"),
        (["demo", "story"], 0, "It took"),
    ),
    # What an extra brings is there with it, and without it one sentence names it.
    "winrm": ((["preflight", "WINDOWS"], 3, "transport/unreachable"),),
    "fleet": ((["status", "--store", ABSENT], 2, "127.0.0.1"),),
    "console": ((["account", "list"], 0, ""),),
}
WITHOUT = {
    "winrm": (["preflight", "WINDOWS"], 3, "pip install 'handrail[winrm]'"),
    "fleet": (["status", "--store", ABSENT], 2, "pip install 'handrail[fleet]'"),
    "console": (["serve"], 2, "pip install 'handrail[console]'"),
}


def main(wheel: str) -> int:
    worked = True
    for extra in EXTRAS:
        with tempfile.TemporaryDirectory(prefix="handrail-try-") as folder:
            here = Path(folder)
            venv.create(here / "venv", with_pip=True)
            wanted = str(Path(wheel).absolute()) + (f"[{extra}]" if extra else "")
            pip = [str(here / "venv" / "bin" / "python"), "-m", "pip", "install", "--quiet", wanted]
            subprocess.run([*pip, "--disable-pip-version-check"], check=True)
            site = next((here / "venv" / "lib").glob("python*/site-packages/handrail"))
            estate = site / "products" / "mim" / "estates" / "contoso.yaml"
            windows = here / "windows.yaml"
            windows.write_text(_nowhere(estate.read_text("utf-8")), "utf-8")
            files = {"ESTATE": str(estate), "WINDOWS": str(windows)}
            for name, calls in TRIED.items():
                for arguments, code, says in calls if name in ("base", extra) else ():
                    worked &= _tried(here, extra, [files.get(one, one) for one in arguments], code, says)
            for name, (arguments, code, says) in WITHOUT.items():
                if name != extra:
                    worked &= _tried(here, extra, [files.get(one, one) for one in arguments], code, says)
    print("All of it works." if worked else "Something does not work.")
    return 0 if worked else 1


def _nowhere(estate: str) -> str:
    """The same estate, with all of its hosts where nothing answers."""
    return re.sub(r"address: [\w.]+", "address: 127.0.0.1", estate).replace("keyring:contoso/upgrade", "env:SECRET")


def _tried(here: Path, extra: str, arguments: list[str], code: int, says: str) -> bool:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [str(here / "venv" / "bin" / "handrail"), *arguments],
        cwd=here,
        env={**environment, "HANDRAIL_HOME": str(here / "home"), "SECRET": "not-a-real-one"},
        capture_output=True,
        text=True,
        timeout=1800,
    )
    told = done.stdout + done.stderr
    good = (
        done.returncode == code
        and says in " ".join(told.split())
        and "Traceback" not in told
        and "fault of Handrail" not in told
    )
    shown = " ".join(Path(one).name if one.startswith(str(here)) else one for one in arguments)
    print(f"{'ok ' if good else 'BAD'}  [{extra or 'base'}]  handrail {shown}", flush=True)
    if not good:
        print(f"     ended with {done.returncode}, not {code}; said:\n{told[-2000:]}", flush=True)
    return good


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
