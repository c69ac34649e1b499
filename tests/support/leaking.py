"""Steps that say a secret wherever they can. `python -m tests.support.leaking run PLAN then status` is the command line
with them, for commands one after the other.

They are careless on purpose, as a tool, a library or a mistake of ours would be. UNREDACTED=1 in the environment turns
hiding off; CRASH=REFERENCE makes
`approve` fall over with that secret in its exception.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar
from unittest import mock

from tests.support.plans import sample_plan

from handrail.actions import catalogue
from handrail.actions.base import Base
from handrail.actions.protocol import ActFailed, Evidence, Observation, Receipt
from handrail.actions.redacting import Redactor
from handrail.documents.plan import freeze
from handrail.errors import FileMissing, HostError
from handrail.hosts import detached
from handrail.hosts.protocol import Command, Exited, Host, Outcome
from handrail.model.estate import Connect, Database, Estate
from handrail.model.estate import Host as EstateHost
from handrail.model.plan import Plan, Step

ROOT = Path(__file__).parents[2]

SPEAKER = """
import sys
from tests.support.encodings import ENCODERS
secret = sys.stdin.buffer.read().decode()
for encode in ENCODERS.values():
    sys.stdout.buffer.write(b"it is " + encode(secret) + b" .\\n")
sys.stderr.buffer.write(b"failed with " + secret.encode() + b"; " + secret.encode("utf-16-le"))
sys.exit(int(sys.argv[1]))
"""
"""A tool that is given a secret on its standard input and repeats it in every way that there is."""


@dataclass(frozen=True, slots=True)
class Leak(Base):
    """Say a secret, in the way that `how` names; `mark` is the file that says that it was done."""

    lasting: ClassVar[bool] = True
    repeatable: ClassVar[bool] = True
    outputs: ClassVar[tuple[str, ...]] = ("said",)
    platforms: ClassVar[tuple[str, ...]] = ("linux",)

    mark: str
    how: str
    password: str = field(metadata={"secret": True})

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        secret = receipt.secrets.resolve(self.password)
        try:
            await host.read(self.mark)
        except FileMissing:
            return Observation("not_done", f"not yet with {secret}", {"keys": {secret: [secret.encode("utf-16-le")]}})
        return Observation("done", f"done with {secret}", {"seen": (secret,)}, {"said": f"<{secret}>"})

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        secret = receipt.secrets.resolve(self.password)
        match self.how:
            case "says":
                said = await self._speak(host, secret, 0)
                await self._done(host)
                text = f"{said.text}\n{said.error_text}"
                return Evidence(0, text, {"said": said.out}, {"raw": said.err, secret: [text.splitlines()]})
            case "fails":
                said = await self._speak(host, secret, 3)
                raise ActFailed(f"the tool said {said.error_text}", Evidence(said.code, said.text))
            case "refuses":
                raise HostError(f"{host.name} does not take {secret!r}")
            case "falls":
                raise RuntimeError(f"never thought of {secret!r}")
            case "shows":
                return await self._show(host, secret)
            case "jobs":
                command = Command(("sh", "-c", "cat > /dev/null; sleep 0.3; echo ended"), stdin=secret.encode())
                await detached.run(host, receipt.name, replace(command, secrets=(secret,)))
            case "lasts":
                await host.write(self.mark + ".begun", b"")
                await self._execute(host, ("sh", "-c", "cat; sleep 2"), secret)
        await self._done(host)
        return Evidence(0)

    async def _show(self, host: Host, secret: str) -> Evidence:
        try:
            await host.execute(Command(("sh", "-c", "sleep 0.5", "sleep", f"--password={secret}")))
            said = "shown"
        except HostError as refused:
            said = str(refused)
        await self._done(host)
        return Evidence(0, said)

    async def _speak(self, host: Host, secret: str, code: int) -> Exited:
        said = await self._execute(host, (sys.executable, "-c", SPEAKER, str(code)), secret)
        assert isinstance(said, Exited), said
        return said

    async def _execute(self, host: Host, argv: Sequence[str], secret: str) -> Outcome:
        env = {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
        return await host.execute(Command(tuple(argv), secret.encode(), env, secrets=(secret,)))

    async def _done(self, host: Host) -> None:
        await host.write(self.mark, b"done\n")


def leaking_plan(ways: Mapping[str, tuple[str, str]], marks: Path, connect: Connect) -> Plan:
    """A step for each of `ways` (name -> how, reference), each on a host of its own, so that one that fails stops no
    other."""
    hosts = {f"host-{name}": EstateHost(f"host-{name}", os="debian-12", connect=connect) for name in ways}
    databases = {
        name: Database(name, "postgresql", name, "app") for name in hosts
    }  # a host must be there for something
    pattern = sample_plan().steps[0]
    steps = tuple(
        Step(
            f"it/app@host-{name}/2/leak",
            f"Leak by {name}",
            f"it/app@host-{name}",
            f"host-{name}",
            "test.leak",
            1,
            "do",
            pattern.source,
            with_={"mark": str(marks / name), "how": how, "password": reference},
            lasting=True,
        )
        for name, (how, reference) in ways.items()
    )
    return freeze(Plan("", Estate("leaky", hosts=hosts, databases=databases), {}, (), (), (), steps))


def main(arguments: Sequence[str]) -> int:
    from handrail.cli.main import main as command
    from handrail.running.session import Session

    def crash(session: Session, *_: object) -> None:
        raise RuntimeError(f"{session.secrets.resolve(os.environ['CRASH'])!r} made it fall over")

    patches: list[Any] = [mock.patch.object(catalogue, "ACTIONS", {**catalogue.ACTIONS, "test.leak": Leak})]
    if "UNREDACTED" in os.environ:
        patches.append(mock.patch.object(Redactor, "redact", lambda self, what: what))
        patches.append(mock.patch.object(Redactor, "finds", lambda self, what: False))
    if "CRASH" in os.environ:
        patches.append(mock.patch.object(Session, "approve", crash))
    for one in patches:
        one.start()
    code = 0
    for one in " ".join(arguments).split(" then "):
        code = command(one.split())
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
