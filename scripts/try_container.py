"""Build the container, and try there what docs/install.md says of it.

python scripts/try_container.py [--engine podman] [--build OPTIONS] [--run OPTIONS] [--image NAME]

`--build` and `--run` are further options for the engine, such as `--build '--build-arg BASE=…'`; `--image` tries an
image that there is already. Everything runs as the image's own user, on a root file system that may only be read,
without capabilities. Says what worked, and ends with 1 when something did not. It takes some minutes, and `openssl`.
"""

from __future__ import annotations

import argparse
import re
import shlex
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parent.parent
ESTATE = ROOT / "src" / "handrail" / "products" / "mim" / "estates" / "contoso.yaml"
PORT = 18417
"""On this machine's loopback."""
PROMPTLY = 8.0
"""Seconds; engines kill after ten."""
CLOSED = ("--read-only", "--tmpfs", "/tmp", "--cap-drop", "all", "--security-opt", "no-new-privileges")


@dataclass
class Engine:
    """Runs containers of one image, with a volume of their own and `work` as their folder."""

    program: list[str]
    image: str
    options: list[str]
    work: Path
    name: str = field(default_factory=lambda: f"handrail-try-{uuid.uuid4().hex[:8]}")
    worked: bool = True

    def tries(self, *arguments: str, code: int = 0, says: str = "", options: tuple[str, ...] = ()) -> None:
        """A container that comes to its end by itself."""
        done = _called([*self._running("--rm", *options), *arguments])
        told = done.stdout + done.stderr
        good = done.returncode == code and says in " ".join(told.split()) and "Traceback" not in told
        self.note(good, " ".join(arguments), f"ended with {done.returncode}, not {code}; said:\n{told[-2000:]}")

    def ends(
        self,
        *arguments: str,
        when: str,
        by: str,
        code: int,
        options: tuple[str, ...] = (),
        meanwhile: Callable[[], bool] | None = None,
    ) -> str:
        """What a container said that is ended `by` a command of the engine as soon as it has said `when`."""
        _called([*self._running("--detach", "--name", self.name, *options), *arguments], check=True)
        try:
            came = _until(lambda: when in self._said())
            good = meanwhile is None or meanwhile()
            began = time.monotonic()
            _called([*self.program, *shlex.split(by), self.name], check=True)
            took = time.monotonic() - began
            found = _called([*self.program, "wait", self.name]).stdout.strip()
            told = self._said()
            good = good and came and found == str(code) and took < PROMPTLY and "Traceback" not in told
            shown = f"{' '.join(arguments)} … {when!r} … {by}: {found} after {took:.1f} s"
            self.note(good, shown, f"not {code}; said:\n{told[-2000:]}")
            return told
        finally:
            _called([*self.program, "rm", "--force", self.name])

    def note(self, good: bool, what: str, otherwise: str) -> None:
        self.worked &= good
        print(f"{'ok ' if good else 'BAD'}  {what}", flush=True)
        if not good:
            print(f"     {otherwise}", flush=True)

    def _running(self, *options: str) -> list[str]:
        mounts = ("-v", f"{self.name}:/data", "-v", f"{self.work}:/work:Z")
        return [*self.program, "run", *mounts, *CLOSED, *self.options, *options, self.image]

    def _said(self) -> str:
        done = _called([*self.program, "logs", self.name])
        return done.stdout + done.stderr


def main() -> int:
    asked = argparse.ArgumentParser(description="Build the container and try it.")
    asked.add_argument("--engine", default="podman" if shutil.which("podman") else "docker")
    asked.add_argument("--build", default="", help="further options for building")
    asked.add_argument("--run", default="", help="further options for running")
    asked.add_argument("--image", help="an image that there is already")
    given = asked.parse_args()
    program = shlex.split(given.engine)
    if shutil.which(program[0]) is None:
        print("Neither podman nor docker is here; name another one with --engine.")
        return 1
    image = given.image or "localhost/handrail-try"
    if given.image is None:
        building = [*program, "build", *shlex.split(given.build), "-f", "Containerfile", "-t", image, "."]
        subprocess.run(building, cwd=ROOT, check=True)
    with tempfile.TemporaryDirectory(prefix="handrail-try-", ignore_cleanup_errors=True) as folder:
        work = Path(folder)
        work.chmod(0o777)  # whatever number the image's user has out here
        shutil.copy(ESTATE, work / "estate.yaml")
        engine = Engine(program, image, shlex.split(given.run), work)
        try:
            look_and_plan(engine)
            carry_out(engine)
            serve(engine)
        finally:
            _called([*program, "volume", "rm", "--force", engine.name])
    print("All of it works." if engine.worked else "Something does not work.")
    return 0 if engine.worked else 1


def look_and_plan(engine: Engine) -> None:
    engine.tries("--help", says="Look and plan")
    engine.tries("-u", options=("--entrypoint", "id"), says="10001")
    engine.tries("plan", "estate.yaml", "-o", "upgrade.plan", says="119 steps")
    engine.tries("demo", "/tmp/story", says="It took")


def carry_out(engine: Engine) -> None:
    """On the twin; each in a container of its own, that knows of the others by the volume alone."""
    said = engine.ends("run", "upgrade.plan", "--twin", when="Stop FIM", by="kill", code=137)
    found = re.search(r"Run (\S+),", said)
    run = found[1] if found else ""
    engine.tries("status", run, says="Interrupted")
    said = engine.ends("resume", run, when="begun", by="stop -t 20", code=1)
    engine.note(f"handrail resume {run}" in said, "stopped, it says how to go on", said[-2000:])
    engine.tries("resume", run, says="verify")
    engine.tries("verify", run, says="Everything holds")
    engine.ends("rehearse", "upgrade.plan", when="", by="stop -t 20", code=1)


def serve(engine: Engine) -> None:
    tls = engine.work / "tls"
    tls.mkdir()
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    made += ["-addext", "subjectAltName=DNS:localhost", "-keyout", f"{tls}/web.key", "-out", f"{tls}/web.pem"]
    _called(made, check=True)
    (tls / "web.key").chmod(0o644)  # thrown away with the folder
    trust = ssl.create_default_context(cafile=str(tls / "web.pem"))

    def answers() -> bool:
        with urllib.request.urlopen(f"https://localhost:{PORT}/sign-in", context=trust, timeout=20) as answer:
            return b"Handrail" in answer.read()

    engine.ends(
        *("serve", "/work", "--host", "0.0.0.0", "--certificate", "tls/web.pem", "--key", "tls/web.key"),
        when="Stop it with",
        by="stop -t 20",
        code=0,
        options=("-p", f"127.0.0.1:{PORT}:8417"),
        meanwhile=answers,
    )


def _called(command: list[str], check: bool = False) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=check, timeout=900)


def _until(told: Callable[[], bool]) -> bool:
    end = time.monotonic() + 120
    while not told():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


if __name__ == "__main__":
    sys.exit(main())
